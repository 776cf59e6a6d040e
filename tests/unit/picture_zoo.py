"""Made-up facts for the pictures' tests: small, large and hostile."""

from dockerlab.facts import (
    Container,
    ContainerUse,
    FileChange,
    Image,
    Layer,
    Reference,
    Stack,
    StateChange,
    Step,
    TaggedImage,
    TagWorld,
)

HOSTILE = [
    "<script>alert(1)</script>",
    '"]]><svg onload="alert(1)">',
    '" onload="alert(1)" x="',
    "'><img src=x onerror=alert(1)>",
    "&lt;b&gt; &amp; <!-- --> <![CDATA[ x ]]>",
    'a"];b->c;{rank=same}[label="x',
    "\x1b[31mred\x1b]0;title\x07\x1b]8;;http://evil\x1b\\link",
    "left\u202eright\u2066\u200f\u061c",
    "nul\x00bell\x07\ud800\ufffe",
    "{name} %s {0} {}",
    "line\nbreak\r\tand\u2028more",
    "url(#x) javascript:alert(1)",
    "x" * 10_000,
    "中" * 3_000,
]


def image(name: str, layers: int, *, base: int = 0, shared: tuple[str, ...] = ()) -> Image:
    """Make an image whose first `base` layers it has in common with all others made here."""
    steps: list[Step] = []
    stack: list[Layer] = []
    for number in range(layers):
        owner = "base" if number < base else name
        size = (number * 7_919_017 + 13) % 10 ** (1 + number % 8)
        if number % 5 == 1:
            steps.append(Step("ENV", f"NUMBER={number}", 0))
        steps.append(Step("RUN", f"make {owner} {number}", size))
        others = shared if number < base else ()
        stack.append(Layer(f"sha256:{owner}{number}", size, len(steps) - 1, others))
    steps.append(Step("CMD", '["sh"]', 0))
    total = sum(layer.size or 0 for layer in stack)
    return Image(
        f"sha256:{name}", name, total, tuple(stack), tuple(steps), (name,), (), "linux/amd64"
    )  # fmt: skip


def hostile_image(text: str) -> Image:
    return Image(
        id=f"sha256:{text}",
        name=text,
        size=5,
        layers=(Layer(text, 5, 1, (text, text)), Layer(text + "2", None, None)),
        steps=(Step("ENV", text, 0), Step("RUN", text, 5, text), Step("", text, 0, text)),
        tags=(text, text + "b"),
        digests=(text,),
        platform=text,
        store=text,
    )


def hostile_container(text: str) -> Container:
    return Container(
        id=text,
        name=text,
        image=text,
        image_id=f"sha256:{text}",
        state="exited",
        exit_code=3,
        error=text,
        restart_policy=text,
        path=(StateChange("created", "create"), StateChange("exited", text, exit_code=3)),
        writable=7,
        changes=(FileChange("A", text), FileChange("D", "/" + text)),
    )


def hostile_stack(text: str) -> Stack:
    return Stack((hostile_image(text), image("good:1", 3)), (hostile_container(text),))


def hostile_world(text: str) -> TagWorld:
    reference = Reference(text, text, text)
    by_digest = Reference(text + "2", text, "", text)
    return TagWorld(
        (TaggedImage(text, (reference, by_digest), (text,), 5), TaggedImage(text + "2", ())),
        (ContainerUse(text, text, "running", text), ContainerUse("b", "b", "dead", "nowhere")),
    )


def world(repositories: int, tags: int, images: int, containers: int = 0) -> TagWorld:
    """Make a world whose tags are spread evenly over repositories and images."""
    references: dict[int, list[Reference]] = {number: [] for number in range(images)}
    for tag in range(tags):
        name = f"library/app{tag % repositories}"
        references[tag * 7 % images].append(Reference("docker.io", name, f"v{tag}"))
    return TagWorld(
        tuple(
            TaggedImage(f"sha256:{number:064x}", tuple(sorted(found)), (), number * 1_000_003)
            for number, found in references.items()
        ),
        tuple(
            ContainerUse(f"{n:064x}", f"run{n}", "running", f"sha256:{n % images:064x}")
            for n in range(containers)
        ),
    )

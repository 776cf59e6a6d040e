"""For each picture facts in which every field holds something, as real ones would."""

from dataclasses import replace

from build_zoo import build
from files_zoo import entry, shop
from isolation_zoo import isolation
from picture_zoo import image
from registry_zoo import index_target, small_world, transfer
from timeline_zoo import at, crowd

from dockerlab.facts import (
    Build,
    BuildFailure,
    BuildStage,
    BuildStep,
    Commit,
    Comparison,
    Config,
    Container,
    ContainerUse,
    Context,
    ContextFile,
    FileChange,
    FileDifference,
    Image,
    Isolation,
    Moment,
    Namespace,
    Reference,
    RegistryWorld,
    Repository,
    SettingDifference,
    Side,
    Span,
    Stack,
    StateChange,
    TaggedImage,
    TagWorld,
    Target,
    Timeline,
    Transfer,
)
from dockerlab.facts.files import Content, Files
from dockerlab.facts.ignore import Rule


def full_image(name: str = "app:1") -> Image:
    made = image(name, 3, base=1, shared=("other:1", "third:1"))
    commit = replace(made.steps[-1], instruction="COMMIT", comment="a message", image_id="sha256:2")
    return replace(
        made,
        steps=(*made.steps[:-1], commit),
        tags=(name, "second:1"),
        digests=("app@sha256:3",),
        store="overlay2",
        parent="sha256:4",
        config=Config(
            ("entry",), ("command",), ("A=1",), "user", "/work", ("80/tcp",), ("/data",),
            (("label", "value"),),
        ),
    )  # fmt: skip


def full_container(made: Image) -> Container:
    return Container(
        "c1", "web", made.name, made.id, "exited", 3, False, "an error", "on-failure",
        (StateChange("created", "create"), StateChange("running", "start"),
         StateChange("exited", "kill", at(3), 3)),
        18, (FileChange("C", "/etc"), FileChange("A", "/etc/new"), FileChange("D", "/old")),
    )  # fmt: skip


def full_stack() -> Stack:
    below, above = full_image(), full_image("app:2")
    return Stack((below, above), (full_container(below),), (Commit("c1", above.id),))


def full_stack_of_one() -> Stack:
    return Stack((full_image(),))


def full_world() -> TagWorld:
    return TagWorld(
        (
            TaggedImage("sha256:1", (Reference("docker.io", "library/nginx", "1"),), ("sha256:2",)),
            TaggedImage("sha256:3", (Reference("host:5000", "team/app", "", "sha256:4"),), (), 5),
            TaggedImage("sha256:5", ()),
        ),
        (ContainerUse("c1", "web", "running", "sha256:1"),),
    )


def full_timeline() -> Timeline:
    timeline = crowd(2)
    lane = timeline.lanes[0]
    spans = (Span("created", at(0), at(1)), Span("running", at(1), at(9), witnessed=False))
    moments = (Moment(at(0), "create"), Moment(at(2), "health_status", health="healthy"))
    odd = replace(lane, state="running", spans=spans, moments=moments, restarts=2, health="healthy")
    return replace(timeline, lanes=(odd, timeline.lanes[1]))


def full_isolation() -> Isolation:
    usual = isolation(user="www")
    shared = Namespace("net", "container", 1, 2, "other")
    return replace(usual, namespaces=(shared, *usual.namespaces[1:]))


def full_registry() -> RegistryWorld:
    world = small_world()
    chart = Target("sha256:7", "other", ("1",), (), "application/vnd.example")
    charts = Repository("charts", 1, (chart, index_target("x", *"abcdefg")))
    return replace(
        world, repositories=(*world.repositories, charts), unread=("left/out",), user="me"
    )


def full_transfer() -> Transfer:
    return transfer("exists", "downloaded", "pushed", "mounted")


def full_build() -> Build:
    stages = (
        BuildStage("work", "busybox", None, in_image=False),
        BuildStage("", "work", 0, in_image=True),
    )
    steps = (
        BuildStep(1, "FROM", "busybox AS work", 0, "base"),
        BuildStep(2, "RUN", "make", 0, "cached", output=("said",)),
        BuildStep(3, "FROM", "work", 1, "base"),
        BuildStep(4, "COPY", "--from=work /a /b", 1, "ran", 2.0, ("said",), 1, 0),
        BuildStep(5, "CMD", "a", 1, "setting"),
    )
    return build(1, stages=stages, steps=steps, image=full_image())


def failed_build(kind: str = "command") -> Build:
    facts = full_build()
    failed = replace(facts.steps[3], outcome="failed", layer=None)
    failure = BuildFailure(kind, "a message", 3, 2, "a subject")  # type: ignore[arg-type]
    steps = (*facts.steps[:3], failed, replace(facts.steps[4], outcome="waiting"))
    return replace(facts, image=None, steps=steps, failure=failure)


def full_context() -> Context:
    return Context(
        "folder", "buildkit", "Dockerfile", ".dockerignore",
        (Rule(1, "*.md", "*.md", exception=False), Rule(2, "!a.md", "a.md", exception=True)),
        (ContextFile("a.md", 5, 1), ContextFile(".env", 7), ContextFile(".ssh/key", 7)),
        (ContextFile("b.md", 10**6, 0),),
        complete=False, unread=("closed",),
    )  # fmt: skip


def full_comparison() -> Comparison:
    one, other = full_image(), full_image("app:2")
    container = full_container(one)
    return Comparison(
        a=Side("web", one, container, one.config),
        b=Side("app:2", other, None, other.config),
        stack=Stack((one, other), (container,), (Commit("c1", other.id),)),
        common=1,
        settings=(SettingDifference("ENV", "A", "1", "2"),
                  SettingDifference("LABEL", "org.example.a.long.label", "x", None)),
        files=(FileDifference("/a", "only a", 5), FileDifference("/b", "content", 1, 2)),
    )  # fmt: skip


def full_files() -> Files:
    facts = shop()
    *below, top = facts.layers
    return replace(facts, layers=(*below, replace(top, dangling=("never/there",))))


def full_content() -> Content:
    return Content(entry("/etc/a", 5, layer=1)._replace(target="/etc/b"), b"words")

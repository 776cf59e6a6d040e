"""Made-up registries and transfers, for the tests of their pictures: small, large and hostile."""

from dockerlab.facts import (
    Blob,
    HeldManifest,
    MovedLayer,
    Outcome,
    RegistryWorld,
    Repository,
    Target,
    Transfer,
)


def digest(name: str) -> str:
    return f"sha256:{name.encode().hex():0<64}"[:71]


def manifest(name: str, *sizes: int, platform: str = "", base: int = 0) -> HeldManifest:
    """Make a manifest; its first `base` layers are those of all others made here."""
    blobs = [Blob(digest(f"config {name}"), 1500, "config")]
    blobs += [
        Blob(digest(f"layer {number}" if number < base else f"{name} {number}"), size)
        for number, size in enumerate(sizes)
    ]
    return HeldManifest(digest(name), 700, platform, "", tuple(blobs))


def plain_target(name: str, *tags: str, base: int = 0) -> Target:
    held = manifest(name, 29_000_000, 5_000_000 + 100_000 * len(name), 300, base=base)
    return Target(held.digest, "manifest", tags, (held,))


def index_target(name: str, *tags: str) -> Target:
    amd = manifest(f"{name} amd64", 1_000_000, 50_000, platform="linux/amd64")
    arm = HeldManifest(digest(f"{name} arm64"), 700, "linux/arm64/v8", read=False)
    proof = HeldManifest(
        digest(f"{name} proof"), 800, "", amd.digest, (Blob(digest(f"{name} sbom"), 9000),)
    )
    return Target(digest(name), "index", tags, (amd, arm, proof))


def small_world() -> RegistryWorld:
    return RegistryWorld(
        "127.0.0.1:5000",
        False,
        (
            Repository("library/debian", 2, (plain_target("debian", "12", "bookworm", base=1),)),
            Repository("library/nginx", 1, (plain_target("nginx", "latest", base=1),)),
            Repository("team/app", 3, (index_target("app", "1.0", "latest"),)),
            Repository("team/empty", 0),
            Repository("team/secret", 0, (), "127.0.0.1:5000 wants to know who asks (401)."),
        ),
        pages=1,
    )


def large_world(repositories: int, tags: int) -> RegistryWorld:
    return RegistryWorld(
        "registry.example.com",
        True,
        tuple(
            Repository(
                f"team/service-{number:03}",
                tags,
                tuple(plain_target(f"{number}-{tag}", f"v{tag}", base=1) for tag in range(tags)),
            )
            for number in range(repositories)
        ),
        tuple(f"team/unread-{number:03}" for number in range(60)),
        user="student",
        pages=3,
    )


def hostile_registry(text: str) -> RegistryWorld:
    held = HeldManifest(text, 5, text, "", (Blob(text, 5, "config"), Blob(text + "1", 2**70)))
    proof = HeldManifest(text + "2", 5, text, text, (Blob(text + "1", 0),))
    targets = (
        Target(text, "index", (text,) * 7, (held, proof), text),
        Target(text, "other", (text,), (), text),
        Target(text, "manifest", (), (held,), text),
    )
    repositories = (Repository(text, 9, targets), Repository(text, 0, (), text))
    return RegistryWorld(text, True, repositories, (text, text), text, 2)


def transfer(*outcomes: Outcome) -> Transfer:
    moved = ("downloaded", "pushed")
    layers = tuple(
        MovedLayer(
            f"{number:012x}", outcome, 10 ** (number % 9) if outcome in moved else None,
            "team/web" if outcome == "mounted" else "",
        )
        for number, outcome in enumerate(outcomes)
    )  # fmt: skip
    return Transfer("pull", "nginx:latest", layers, digest("nginx"))


def hostile_transfer(text: str) -> Transfer:
    layers = (
        MovedLayer(text, "mounted", None, text),
        MovedLayer(text, "pushed", 2**70),
        MovedLayer(text, "downloaded", None),
    )
    return Transfer("push", text, layers, text)

"""Made-up containers seen as processes, for the tests of `namespaces`."""

from dataclasses import replace

from dockerlab.facts import (
    Isolation,
    Limit,
    Namespace,
    NamespaceKind,
    Process,
    RootFilesystem,
)

KINDS: tuple[NamespaceKind, ...] = ("mnt", "pid", "net", "uts", "ipc", "user", "cgroup", "time")
SHARED = ("user", "cgroup", "time")


def isolation(**changed: object) -> Isolation:
    """Make a usual container, with a memory limit."""
    usual = Isolation(
        id="c" * 64,
        name="web",
        image="nginx",
        state="running",
        sight="here",
        namespaces=tuple(
            Namespace(kind, "host" if kind in SHARED else "own",
                      4000 + (number if kind not in SHARED else 100 + number), 4100 + number)
            for number, kind in enumerate(KINDS)
        ),
        processes=(Process(4242, 1, "root", "nginx: master"), Process(4243, 7, "www", "worker")),
        limits=(
            Limit("memory", 64e6, 64e6, 16e6, "memory.max"),
            Limit("cpu", 0.5, 0.5, None, "cpu.max"),
            Limit("pids", None, None, 2, "pids.max"),
        ),
        capabilities=("CHOWN", "KILL", "NET_BIND_SERVICE"),
        uid=0,
        host_uid=0,
        root=RootFilesystem("overlay", "/var/lib/docker/overlay2/x/merged", 4),
        cgroup="/docker/c",
        cgroup_version=2,
        seccomp=True,
    )  # fmt: skip
    return replace(usual, **changed)


def hostile_isolation(text: str) -> Isolation:
    return isolation(
        id=text,
        name=text,
        image=text,
        namespaces=(
            Namespace("net", "container", 1, 2, text),
            Namespace("mnt", "unknown"),
            Namespace("user", "host", 3, 3),
        ),
        processes=tuple(Process(number, None, text, text) for number in range(1, 9)),
        capabilities=(text, "CHOWN"),
        user=text,
        root=RootFilesystem(text, text, 200, True),
        cgroup=text,
        limits=(Limit("memory", 1e30, 1e30, 1e31, text), Limit("pids", 0, 0, 5, text)),
    )

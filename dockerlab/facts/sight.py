"""A look at a container's process where the engine runs: in /proc here, or through a helper."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import docker
from docker.errors import DockerException

from dockerlab.facts.isolation_values import KINDS
from dockerlab.facts.names import asking

Files = Mapping[str, str]
"""What was read, by name: "cgroup", "status", "ns/pid", "host/pid", "status/4242", …"""

HELPER_IMAGE = "busybox"
_PROC = Path("/proc")
_CGROUPS = Path("/sys/fs/cgroup")
_OF_PROCESS = ("cgroup", "status", "uid_map")

_V1 = {
    "memory": ("memory.limit_in_bytes", "memory.usage_in_bytes"),
    "cpu": ("cpu.cfs_quota_us", "cpu.cfs_period_us"),
    "pids": ("pids.max", "pids.current"),
}
_V2 = ("memory.max", "memory.current", "cpu.max", "pids.max", "pids.current")

# Prints each file after a line with its name. A process's own namespaces stand for the host's,
# because the helper is started in them; only its mounts are its own.
_SCRIPT = r"""
show() { echo "=== $1"; cat "$2" 2>/dev/null; }
link() { echo "=== $1"; readlink "$2" 2>/dev/null; }
for name in cgroup status uid_map; do show $name /proc/$1/$name; done
echo "=== mountinfo"; grep ' / / ' /proc/$1/mountinfo
for name in pid net uts ipc user cgroup time; do
  link ns/$name /proc/$1/ns/$name
  link host/$name /proc/self/ns/$name
done
link ns/mnt /proc/$1/ns/mnt
link host/mnt /proc/1/ns/mnt
path() { sed -n "s,^[0-9]*:$1:,,p" /proc/$main/cgroup; }
main=$1
for name in memory.limit_in_bytes memory.usage_in_bytes; do
  show $name /cgroups/memory$(path memory)/$name; done
for name in cpu.cfs_quota_us cpu.cfs_period_us; do
  show $name /cgroups/cpu$(path cpu)/$name
  show $name "/cgroups/cpu,cpuacct$(path cpu,cpuacct)/$name"; done
for name in pids.max pids.current; do show $name /cgroups/pids$(path pids)/$name; done
for name in memory.max memory.current cpu.max pids.max pids.current; do
  show $name /cgroups$(path '')/$name; done
for pid; do show status/$pid /proc/$pid/status; done
"""


def look_here(container_id: str, pids: Sequence[int]) -> Files | None:
    """Read this machine's /proc; None where it is not the engine's, or may not be read.

    The first of `pids` is the container's main process.
    """
    folder = _PROC / str(pids[0])
    files = {name: _read(folder / name) for name in _OF_PROCESS}
    # Another process has this number where the engine is elsewhere: only the cgroup is proof.
    if container_id not in files["cgroup"]:
        return None
    files["mountinfo"] = "\n".join(
        line for line in _read(folder / "mountinfo").splitlines() if " / / " in line
    )
    for kind in KINDS:
        files[f"ns/{kind}"] = _link(folder / "ns" / kind)
        first = _link(_PROC / "1" / "ns" / kind)
        files[f"host/{kind}"] = first or _link(_PROC / "self" / "ns" / kind)
    if not files["ns/pid"]:
        return None
    files.update((name, _read(path)) for name, path in _cgroup_files(files["cgroup"]))
    files.update((f"status/{pid}", _read(_PROC / str(pid) / "status")) for pid in pids)
    return files


def helper_image(client: docker.DockerClient) -> str | None:
    """Return the ID of the image a helper can be started from, None where there is none."""
    with asking():
        images = client.api.images(name=HELPER_IMAGE)
    return str(images[0]["Id"]) if images else None


def look_through_helper(
    client: docker.DockerClient, image_id: str, pids: Sequence[int]
) -> Files | None:
    """Read the engine's /proc from a container in the host's namespaces; None where it can't be.

    The container only reads, and is removed at once.
    """
    containers: Any = client.containers
    try:
        said: bytes = containers.run(
            image_id,
            ["sh", "-c", _SCRIPT, "sh", *map(str, pids)],
            remove=True,
            read_only=True,
            pid_mode="host",
            network_mode="host",
            ipc_mode="host",
            uts_mode="host",
            userns_mode="host",
            cgroupns="host",
            cap_add=["SYS_PTRACE"],
            security_opt=["apparmor=unconfined"],
            volumes=[f"{_CGROUPS}:/cgroups:ro"],
            labels={"io.dockerlab.course": "namespaces"},
        )
    except (DockerException, OSError):
        return None
    files: dict[str, str] = {}
    for name, content in _sections(said.decode(errors="replace")):
        files[name] = content or files.get(name, "")
    return files if files.get("ns/pid") else None


def cgroup_paths(cgroup: str) -> dict[str, str]:
    """Return each controller's path from /proc/PID/cgroup; cgroup v2's has the name ""."""
    paths: dict[str, str] = {}
    for line in cgroup.splitlines():
        _number, _colon, rest = line.partition(":")
        controllers, _colon, path = rest.partition(":")
        paths.update(dict.fromkeys(controllers.split(","), path))
    return paths


def _cgroup_files(cgroup: str) -> Iterator[tuple[str, Path]]:
    paths = cgroup_paths(cgroup)
    if "memory" not in paths:
        yield from ((name, _CGROUPS / paths.get("", "").lstrip("/") / name) for name in _V2)
    for controller, names in _V1.items():
        if controller in paths:
            folder = _CGROUPS / controller / paths[controller].lstrip("/")
            yield from ((name, folder / name) for name in names)


def _sections(text: str) -> Iterator[tuple[str, str]]:
    parts = re.split(r"^=== (.*)\n", text, flags=re.MULTILINE)[1:]
    yield from zip(parts[::2], (content.strip("\n") for content in parts[1::2]), strict=True)


def _read(path: Path) -> str:
    return _unless_denied(path.read_text)


def _link(path: Path) -> str:
    return _unless_denied(lambda: str(path.readlink()))


def _unless_denied(ask: Callable[[], str]) -> str:
    try:
        return ask()
    except (OSError, ValueError):  # not ours to read, or the process has ended
        return ""

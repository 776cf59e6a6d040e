"""What an engine that ended, was stopped or was killed leaves on the machine, and its removal."""

import contextlib
import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import psutil

from dockerlab.engine import network, processes, records, rootless
from dockerlab.engine.places import Places
from dockerlab.engine.programs import Programs

_DAEMONS = (
    "dockerd", "containerd", "containerd-shim", "containerd-shim-runc-v2", "runc",
    "rootlesskit", "exe", "slirp4netns",
)  # fmt: skip
_CGROUPS = Path("/sys/fs/cgroup")
_SHIM_SOCKETS = Path("/run/containerd/s")
_CONTAINER_ID = re.compile(r"\b[0-9a-f]{64}\b")
# made by containerd at fixed places, whatever its own folders are
_OUTSIDE = tuple(
    Path(name)
    for name in (
        "/run/containerd/s", "/run/containerd", "/run/docker/plugins", "/run/docker",
        "/opt/containerd/bin", "/opt/containerd/lib", "/opt/containerd",
    )
)  # fmt: skip


def remove(places: Places, brought: Programs | None) -> None:
    """Remove what a run left: after a stop, after a crash, or before a start.

    Parameters
    ----------
    places : Places
        The instance.
    brought : Programs, optional
        The programs that know its bridge and rules; without them those stay.

    Raises
    ------
    EngineError
        The bridge can't be removed.
    """
    as_root = os.geteuid() == 0
    daemons = daemons_of(places)
    if not as_root:
        rootless.kill_all(daemons)
    _kill([*daemons, *containers_of(places)])
    _unmount(places)
    if as_root:  # without root all the rest is in a namespace, and gone with it
        for socket in _shim_sockets(places):
            discard(socket)
        _remove_cgroups(places)
        if brought:
            network.take_down(places.key, brought, places.home / "data")
        restore_forwarding(places)
        _remove_outside(places)
    for name in ("exec", "docker.sock", "docker.pid", "rootlesskit"):
        discard(places.run / name)
    discard(places.temporary)
    if brought and not as_root and (places.run / "exec").exists():
        rootless.remove(brought, places.run / "exec")


def hurry_containers(places: Places) -> None:
    """Kill what runs in containers, so that dockerd need not wait for it."""
    if os.geteuid() == 0:
        _kill(containers_of(places))
    else:
        for daemon in daemons_of(places):
            if processes.runs(daemon, "containerd-shim-runc-v2"):
                rootless.kill_inside(daemon)


def daemons_of(places: Places) -> list[psutil.Process]:
    """List dockerd, containerd, their shims and companions of this instance."""
    # by the key alone: the folder it lies in may be another one since they were started
    names = ("exec/", "daemon.json", "rootlesskit")
    found = processes.find(*(f"/{places.key}/{name}" for name in names))
    return [process for process in found if processes.runs(process, *_DAEMONS)]


def containers_of(places: Places) -> list[psutil.Process]:
    """List the processes whose root is a container's: also one whose shim was killed."""
    marker = f"upperdir={os.path.realpath(places.home)}/data/"
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(OSError):
            mounts = Path(f"/proc/{process.pid}/mountinfo").read_bytes()
            root = next((line for line in mounts.splitlines() if line.split()[4] == b"/"), b"")
            if marker in _plain(root):
                found.append(process)
    return found


def note_outside(places: Places) -> None:
    """Write down which folders containerd will make at fixed places, before it does."""
    absent = [str(folder) for folder in _OUTSIDE if not folder.exists()]
    noted = places.run / "outside"
    if absent and not noted.exists():
        noted.write_text("\n".join(absent))


def allow_forwarding(places: Places) -> None:
    """Switch on the passing of packets, and remember that it was off on this machine."""
    if not network.forwarding():
        places.machine.mkdir(parents=True, exist_ok=True)
        discard(places.machine / "forwarding")
        (places.machine / "forwarding").touch()
        network.set_forwarding(on=True)


def restore_forwarding(places: Places) -> None:
    """Switch the passing of packets off again where no bridge of anyone's needs it any more."""
    noted = places.machine / "forwarding"
    if not noted.exists():
        return
    needed_by = network.forwarded_for()
    if needed_by is None:
        network.set_forwarding(on=False)
    elif network.is_ours(needed_by):
        return  # the last of our engines decides
    discard(noted)


def discard(path: Path) -> None:
    """Delete a file or folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(NotADirectoryError):  # then it is not there either
            path.unlink(missing_ok=True)


def _plain(line: bytes) -> str:
    r"""Decode a line of mountinfo, where spaces and commas are written ``\040`` and ``\054``."""
    plain = re.sub(rb"\\([0-7]{3})", lambda match: bytes([int(match[1], 8)]), line)
    return plain.decode(errors="surrogateescape")


def _shim_sockets(places: Places) -> Iterator[Path]:
    """Find the sockets that shims opened at a fixed place; a killed one leaves its own.

    Their names are digests of containerd's address and a container's ID, so that no other
    engine's is taken for ours. The IDs of containers that are gone stand in the log.
    """
    address = places.run / "exec/containerd/containerd.sock"
    found = {folder.name for folder in places.home.glob("data/*/containers/*")}
    for file in (places.logs / "dockerd.log", places.logs / "dockerd.log.old"):
        found |= set(_CONTAINER_ID.findall(records.read_text(file)))
    present = {socket.name for socket in _SHIM_SOCKETS.glob("*")}
    for container in found if present else ():
        name = hashlib.sha256(f"{address}/moby/{container}".encode()).hexdigest()
        if name in present:
            yield _SHIM_SOCKETS / name


def _kill(roots: list[psutil.Process]) -> None:
    doomed = processes.families(roots)
    for process in doomed:
        with contextlib.suppress(psutil.Error):
            process.kill()
        _thaw(process)
    processes.kill(doomed)


def _thaw(process: psutil.Process) -> None:
    """Let a paused process feel its kill: on cgroup v1 a frozen one does not."""
    with contextlib.suppress(OSError):
        groups = Path(f"/proc/{process.pid}/cgroup").read_text()
        if found := re.search(r"^\d+:freezer:/(.+)$", groups, re.MULTILINE):
            state = _CGROUPS / "freezer" / found[1] / "freezer.state"
            if state.read_text().startswith("FR"):
                state.write_text("THAWED")


def _unmount(places: Places) -> None:
    """Unmount what lies under this instance's folders, the deepest first."""
    home = os.path.realpath(places.home)
    ours = (f"{os.path.realpath(places.run)}/", f"{home}/data/", f"{home}/{places.temporary.name}/")
    lines = Path("/proc/self/mountinfo").read_bytes().splitlines()
    mounts = [_plain(line.split()[4]) for line in lines]
    for mount in sorted((m for m in mounts if m.startswith(ours)), key=len, reverse=True):
        processes.run_quietly("umount", "--lazy", mount)


def _remove_cgroups(places: Places) -> None:
    """Remove the empty groups of this instance's containers, which a killed runc leaves."""
    for container in places.home.glob("data/*/containers/*"):
        for group in (*_CGROUPS.glob(f"docker/{container.name}"),
                      *_CGROUPS.glob(f"*/docker/{container.name}")):  # fmt: skip
            with contextlib.suppress(OSError):
                group.rmdir()


def _remove_outside(places: Places) -> None:
    noted = places.run / "outside"
    absent = records.read_text(noted).split("\n")
    discard(noted)
    for folder in _OUTSIDE:
        if str(folder) in absent:
            with contextlib.suppress(OSError):
                folder.rmdir()

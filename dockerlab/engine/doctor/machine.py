"""The machine: which system, room on its disks, and what this user may do on it."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from dockerlab.engine.disk import nearest
from dockerlab.engine.doctor.finding import Finding
from dockerlab.engine.places import SOCKET_PATH_LIMIT, Places
from dockerlab.engine.sources import host_distribution
from dockerlab.language import _

_CAPABILITIES = {"CAP_NET_ADMIN": 12, "CAP_SYS_ADMIN": 21}  # their bits in capabilities(7)
_FIRST_START_BYTES = 700_000_000
_STARTED_BYTES = 100_000_000
_COMFORT_BYTES = 2_000_000_000  # the course's images, and what students build on them
_FILES_NEEDED = 5_000
# the kernel refuses these as the upper folder of an overlay, or they lose what it needs
_NOT_UNDER_OVERLAY = ("overlay", "nfs", "nfs4", "9p", "cifs", "smb3", "vboxsf", "ecryptfs", "fuse")
_CGROUP = Path("/sys/fs/cgroup")


def system() -> Iterator[Finding]:
    """Look whether an embedded engine can run on this kind of system."""
    if sys.platform != "linux":
        yield Finding(
            "system",
            "problem",
            _("The embedded engine runs on Linux alone."),
            _("Use '--engine current' with Docker Desktop or another engine of yours."),
        )
        return
    distribution, suite = host_distribution()
    yield Finding(
        "system",
        "ok",
        _("{distribution} {suite} can have an embedded engine.").format(
            distribution=distribution.capitalize(), suite=suite
        ),
    )


def folders(places: Places) -> Iterator[Finding]:
    """Look whether the engine's folders can be written, and its socket's path is short enough."""
    name = "folders"
    wanted = {"DOCKERLAB_CACHE": places.home, "XDG_RUNTIME_DIR": places.run}
    closed = {v: nearest(folder) for v, folder in wanted.items() if not _writable(nearest(folder))}
    for variable, folder in closed.items():
        yield Finding(
            name,
            "problem",
            _("{folder} can't be written.").format(folder=folder),
            _("Set {variable} to a folder you can write to.").format(variable=variable),
        )
    if len(os.fsencode(places.longest_socket)) > SOCKET_PATH_LIMIT:
        yield Finding(
            name,
            "problem",
            _("The socket's path {socket} is longer than {limit} bytes.").format(
                socket=places.longest_socket, limit=SOCKET_PATH_LIMIT
            ),
            _("Set XDG_RUNTIME_DIR to a shorter folder."),
        )
    elif not closed:
        yield Finding(name, "ok", _("{cache} can be written.").format(cache=places.cache))


def disk(places: Places) -> Iterator[Finding]:
    """Look for room: bytes and files where the cache is, bytes where the socket is."""
    name = "disk"
    cache = nearest(places.cache)
    free = shutil.disk_usage(cache).free
    brought = bool(list(places.engines.glob("*/usr")))
    needed = _STARTED_BYTES if brought else _FIRST_START_BYTES
    larger = _("Make room, or set DOCKERLAB_CACHE to a folder on a larger disk.")
    amount = _("{folder} has {free:.1f} GB free.").format(folder=cache, free=free / 1e9)
    if free < needed:
        what = _("The disk is full: {folder} has {free:.0f} MB free, {needed:.0f} are needed.")
        what = what.format(folder=cache, free=free / 1e6, needed=needed / 1e6)
        yield Finding(name, "problem", what, larger)
    elif free < _COMFORT_BYTES:
        yield Finding(name, "warning", amount, larger)
    else:
        yield Finding(name, "ok", amount)
    if sys.platform == "linux":
        counted = os.statvfs(cache)
        if counted.f_files and counted.f_favail < _FILES_NEEDED:
            what = _("The disk under {folder} has room for {count} more files only.")
            yield Finding(
                name, "problem", what.format(folder=cache, count=counted.f_favail), larger
            )
    run = nearest(places.run)
    if shutil.disk_usage(run).free < 2**20:
        yield Finding(
            name,
            "problem",
            _("The disk is full where the socket goes: {folder}.").format(folder=run),
            _("Make room, or set XDG_RUNTIME_DIR to another folder of your own."),
        )


def permissions(places: Places) -> Iterator[Finding]:
    """Look whether this user may run an engine: as root, or rootless."""
    kind = _filesystem(nearest(places.home))
    if kind.split(".")[0] in _NOT_UNDER_OVERLAY:
        yield Finding(
            "filesystem",
            "problem",
            _("{folder} is on a file system ({kind}) that can't hold an image store.").format(
                folder=places.cache, kind=kind
            ),
            _("Set DOCKERLAB_CACHE to a folder on a disk of this machine, such as a volume."),
        )
    yield from _as_root() if os.geteuid() == 0 else _as_user()


def _as_root() -> Iterator[Finding]:
    missing = [name for name, bit in _CAPABILITIES.items() if not _effective() >> bit & 1]
    if missing:
        yield Finding(
            "permissions",
            "problem",
            _("This root may not run an engine: it lacks {names}.").format(
                names=" and ".join(missing)
            ),
            _("Is this a container? Start it with --privileged, or use '--engine current'."),
        )
    elif not os.access(_CGROUP, os.W_OK):
        yield Finding(
            "permissions",
            "problem",
            _("{folder} can't be written, so no container can be limited.").format(folder=_CGROUP),
            _("Is this a container? Start it with --privileged, or use '--engine current'."),
        )
    else:
        yield Finding("permissions", "ok", _("You are root: the engine runs as root too."))


def _as_user() -> Iterator[Finding]:
    from dockerlab.engine import rootless  # noqa: PLC0415 - it runs on Linux alone

    found = rootless.obstacles()
    for what, mend in found:
        yield Finding(
            "rootless",
            "problem",
            what,
            _("{mend}; or use '--engine current'.").format(mend=mend.rstrip(".")),
        )
    if not found:
        yield Finding("rootless", "ok", _("You are not root: the engine runs rootless."))
    if not (_CGROUP / "cgroup.controllers").exists():
        yield Finding(
            "limits",
            "warning",
            _("A rootless engine can't limit memory or CPU here: this machine has cgroup v1."),
            _("An administrator can boot it with systemd.unified_cgroup_hierarchy=1."),
        )


def _writable(folder: Path) -> bool:
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


def _effective() -> int:
    """Read this process's effective capabilities, a bit each."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1], 16) for line in lines if line.startswith("CapEff"))


def _filesystem(folder: Path) -> str:
    """Name the type of the file system a folder is on."""
    here = folder.resolve()
    mounts = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        words = line.split()
        point = Path(words[4].encode().decode("unicode_escape").encode("latin-1").decode())
        if here.is_relative_to(point):
            mounts.append((len(point.parts), words[words.index("-") + 1]))
    # of several mounts at one place the last one is seen
    return max(mounts, key=lambda mount: mount[0])[1] if mounts else ""

"""The embedded engine as an ordinary user: Docker's own rootless mode, from the same packages."""

import contextlib
import getpass
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import psutil

from dockerlab.engine import processes
from dockerlab.engine.places import Places
from dockerlab.engine.programs import Programs
from dockerlab.errors import EngineError

_IDS_NEEDED = 65536
_TUN = Path("/dev/net/tun")
# kills what shares its own user namespace, whoever its parent is by now
_KILL_NAMESAKES = """
mine=$(readlink /proc/self/ns/user)
for process in /proc/[0-9]*; do
  pid=${process#/proc/}
  [ "$pid" = $$ ] || [ "$(readlink "$process/ns/user")" != "$mine" ] || kill -KILL "$pid"
done
"""
_USERNS_SWITCHES = (
    (Path("/proc/sys/kernel/unprivileged_userns_clone"), "0"),
    (Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns"), "1"),
    (Path("/proc/sys/user/max_user_namespaces"), "0"),
)


def obstacles() -> list[tuple[str, str]]:
    """List what keeps this user from a rootless engine, as pairs of problem and mend."""
    found = []
    user = getpass.getuser()
    missing = [name for name in ("newuidmap", "newgidmap") if shutil.which(name) is None]
    if missing:
        found.append(
            (
                f"A rootless engine needs {' and '.join(missing)}.",
                "Let an administrator run: apt-get install uidmap",
            )
        )
    for file in (Path("/etc/subuid"), Path("/etc/subgid")):
        if _range(file, user) < _IDS_NEEDED:
            found.append(
                (
                    f"User {user} has no range of {_IDS_NEEDED} IDs in {file}.",
                    f"Let an administrator run: usermod --add-subuids 100000-165535 "
                    f"--add-subgids 100000-165535 {user}",
                )
            )
    if not os.access(_TUN, os.R_OK | os.W_OK):
        found.append(
            (
                f"User {user} may not write {_TUN}, which a rootless engine's network needs.",
                f"Let an administrator run: chmod 0666 {_TUN}",
            )
        )
    for switch, off in _USERNS_SWITCHES:
        with contextlib.suppress(OSError):
            if switch.read_text().strip() == off:
                found.append(
                    (
                        f"User namespaces are switched off here ({switch} is {off}).",
                        "Let an administrator switch them on with sysctl.",
                    )
                )
    return found


def require() -> None:
    """Refuse early where a rootless engine can't run.

    Raises
    ------
    EngineError
        With the first obstacle and its mend.
    """
    for problem, mend in obstacles():
        raise EngineError(problem, mend)


def command(
    places: Places, brought: Programs, configuration: Path
) -> tuple[list[str], dict[str, str]]:
    """Give the command and environment that start dockerd in namespaces of its own."""
    environment = brought.environment() | {
        "DOCKERD": str(brought.path("dockerd")),
        "XDG_RUNTIME_DIR": str(places.run),
        "DOCKERD_ROOTLESS_ROOTLESSKIT_STATE_DIR": str(places.run / "rootlesskit"),
        # a container must not reach what listens on the host's loopback
        "DOCKERD_ROOTLESS_ROOTLESSKIT_DISABLE_HOST_LOOPBACK": "true",
        # dockerd is in the network that has the hub; newer scripts would leave it in the host's
        "DOCKERD_ROOTLESS_ROOTLESSKIT_DETACH_NETNS": "false",
        # what the user set for an engine of their own could let the loopback in again
        "DOCKERD_ROOTLESS_ROOTLESSKIT_FLAGS": "",
        "DOCKERD_ROOTLESS_ROOTLESSKIT_NET": "slirp4netns",
        "DOCKERD_ROOTLESS_ROOTLESSKIT_PORT_DRIVER": "builtin",
    }
    script = ["/bin/sh", str(brought.rootless_script), "--config-file", str(configuration)]
    return script, environment


def kill_inside(shim: psutil.Process) -> None:
    """Kill what a container runs, whichever user ID it has in the engine's user namespace."""
    with contextlib.suppress(psutil.Error):
        inside = [str(child.pid) for child in shim.children(recursive=True)]
        if inside:
            processes.run_quietly(*enter(shim.pid), "kill", "-KILL", *inside)


def kill_all(daemons: Sequence[psutil.Process]) -> None:
    """Kill everything in the engine's user namespace, which one of its ``daemons`` is in."""
    for daemon in daemons:
        with contextlib.suppress(OSError):
            namespace = Path(f"/proc/{daemon.pid}/ns/user").readlink()
            if namespace != Path("/proc/self/ns/user").readlink():
                processes.run_quietly(*enter(daemon.pid), "/bin/sh", "-c", _KILL_NAMESAKES)


def remove(brought: Programs, folder: Path) -> None:
    """Delete a data root, whose files belong to IDs that only a user namespace may touch."""
    subprocess.run(
        [brought.path("rootlesskit"), "rm", "-rf", folder],
        env=brought.environment(), capture_output=True, check=False,
    )  # fmt: skip


def enter(pid: int, *, network: bool = False) -> list[str]:
    """Give what goes before a command to run it in the user namespace of a process.

    Parameters
    ----------
    pid : int
        The process.
    network : bool
        Whether to enter its network namespace too.
    """
    namespaces = ["--user", "--net"] if network else ["--user"]
    return ["nsenter", "--preserve-credentials", *namespaces, f"--target={pid}"]


def _range(file: Path, user: str) -> int:
    try:
        lines = file.read_text().splitlines()
    except OSError:
        return 0
    entries = [line.split(":") for line in lines if line.count(":") == 2]
    return sum(int(count) for name, _, count in entries if name in (user, str(os.getuid())))

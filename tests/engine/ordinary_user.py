"""An ordinary user of this machine, made for a test by root and removed after it."""

import contextlib
import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
from machine import PROJECT

TUN = Path("/dev/net/tun")
# shows a folder that only root may enter with nothing in it but what is needed
_VIEW = """
set -e
mount --make-rprivate /
closed=$1 stage=$2 count=$3
shift 3
for n in $(seq "$count"); do
  mkdir -p "$stage/$n"
  mount --rbind "$1" "$stage/$n"
  eval "place$n=\\$1"
  shift
done
mount -t tmpfs -o mode=755 none "$closed"
for n in $(seq "$count"); do
  eval "place=\\$place$n"
  mkdir -p "$place"
  mount --rbind "$stage/$n" "$place"
done
exec "$@"
"""


@dataclass(frozen=True)
class User:
    """A user with a home, from which commands are run."""

    name: str
    home: Path

    @property
    def uid(self) -> int:
        return pwd.getpwnam(self.name).pw_uid

    @property
    def cache(self) -> Path:
        return self.home / "cache"

    def runs(self, *command: object, **variables: str) -> "subprocess.CompletedProcess[str]":
        environment = {
            "HOME": str(self.home),
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "DOCKERLAB_CACHE": str(self.cache),
            "PYTHONPATH": str(PROJECT),
            **variables,
        }
        assignments = [f"{name}={value}" for name, value in environment.items()]
        words = [
            *_view(self.home.with_name(f"{self.home.name}-stage")),
            "setpriv", f"--reuid={self.uid}", f"--regid={self.uid}", "--clear-groups",
            "--inh-caps=-all", "env", "--ignore-environment", *assignments, *command,
        ]  # fmt: skip
        return subprocess.run(
            [str(word) for word in words], cwd="/", stdin=subprocess.DEVNULL,
            capture_output=True, text=True, check=False, timeout=180,
        )  # fmt: skip

    def lab(self, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        return self.runs(sys.executable, "-m", "dockerlab", *arguments, **variables)

    def processes(self) -> list[psutil.Process]:
        """All that run as this user, or as one of the users that are this one's own."""
        owned = {self.uid}
        for line in Path("/etc/subuid").read_text().splitlines():
            name, first, count = line.split(":")
            if name == self.name:
                owned |= set(range(int(first), int(first) + int(count)))
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.uids().real in owned and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found


@contextlib.contextmanager
def ordinary_user(*options: str) -> Iterator[User]:
    """Make a user, with ``options`` for useradd; kill what it runs and remove it at the end."""
    folder = Path(tempfile.mkdtemp(prefix="lab-user-", dir="/tmp"))
    folder.chmod(0o755)
    name = f"lab{os.getpid()}{len(options)}"
    user = User(name, folder / "home")
    try:
        subprocess.run(
            ["useradd", "--create-home", "--home-dir", user.home, "--user-group", *options, name],
            check=True, capture_output=True,
        )  # fmt: skip
        yield user
    finally:
        with contextlib.suppress(KeyError):
            for process in user.processes():
                process.kill()
        subprocess.run(["userdel", name], check=False, capture_output=True)
        for left in (folder, Path("/tmp", f"dockerlab-{name}")):
            shutil.rmtree(left, ignore_errors=True)


@contextlib.contextmanager
def tun_mode(mode: int) -> Iterator[None]:
    """Give /dev/net/tun a mode, and its own one back; make it where a container has none."""
    made = not TUN.exists()
    if made:
        TUN.parent.mkdir(exist_ok=True)
        os.mknod(TUN, stat.S_IFCHR | 0o600, os.makedev(10, 200))
    before = stat.S_IMODE(TUN.stat().st_mode)
    TUN.chmod(mode)
    try:
        yield
    finally:
        TUN.chmod(before)
        if made:
            TUN.unlink()


def _view(stage: Path) -> list[str]:
    """What goes before a command so that this Python and this checkout can be read by anyone."""
    needed = sorted({os.path.realpath(p) for p in (sys.prefix, sys.base_prefix, PROJECT)})
    closed = {_closed(Path(path)) for path in needed} - {None}
    if not closed:
        return []
    assert len(closed) == 1, f"more than one folder is closed to others: {closed}"
    outer = closed.pop()
    inside = [path for path in needed if Path(path).is_relative_to(str(outer))]
    return [
        "unshare", "--mount", "sh", "-c", _VIEW, "sh", str(outer), str(stage),
        str(len(inside)), *inside,
    ]  # fmt: skip


def _closed(path: Path) -> Path | None:
    """Name the outermost folder on the way to ``path`` that others may not enter."""
    way = [*reversed(path.parents), path]
    return next((folder for folder in way if not folder.stat().st_mode & stat.S_IXOTH), None)

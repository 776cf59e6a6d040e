"""Where everything dockerlab brings along lives on disk."""

import contextlib
import getpass
import hashlib
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_cache_path

from dockerlab.errors import EngineError, UsageError

SOCKET_PATH_LIMIT = 104  # bytes: containerd's own, three below the kernel's
_TROUBLE = re.compile(r"[,:\\]")  # separates the options and layers of an overlay mount
_MACHINE = Path("/run/dockerlab")


@dataclass(frozen=True)
class Places:
    """The folders of one embedded engine.

    The cache holds what several engines may share (packages, unpacked programs, the hub's
    images). An instance has its own data root, socket, bridge and logs; a second instance
    beside the usual one is chosen with the environment variable ``DOCKERLAB_INSTANCE``.
    """

    cache: Path
    instance: str

    @classmethod
    def from_environment(cls) -> "Places":
        """Read ``DOCKERLAB_CACHE`` and ``DOCKERLAB_INSTANCE``, or take the user's cache folder.

        Raises
        ------
        UsageError
            The instance's name has other characters than letters, digits and ``-``.
        """
        instance = os.environ.get("DOCKERLAB_INSTANCE") or "default"
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]{0,30}", instance):
            raise UsageError(
                f"DOCKERLAB_INSTANCE={instance!r} is not a name.",
                "Use up to 31 letters, digits and '-'.",
            )
        named = os.environ.get("DOCKERLAB_CACHE")
        cache = Path(named).expanduser() if named else user_cache_path("dockerlab")
        return cls(cache.absolute(), instance)

    @property
    def key(self) -> str:
        """Eight hexadecimal digits that tell this engine from any other on the machine."""
        name = f"{_user()}:{self.cache.resolve()}:{self.instance}"
        return hashlib.sha256(name.encode()).hexdigest()[:8]

    @property
    def packages(self) -> Path:
        """Downloaded packages and apt's lists, a folder per suite."""
        return self.cache / "packages"

    @property
    def engines(self) -> Path:
        """Unpacked engines, a folder per suite."""
        return self.cache / "engines"

    @property
    def hub(self) -> Path:
        """The hub's storage, shared by all instances."""
        return self.cache / "hub"

    @property
    def shared(self) -> tuple[Path, ...]:
        """All that instances share: the above, the course's records and what was read of layers."""
        names = ("course", "layers")
        return (self.packages, self.engines, self.hub, *(self.cache / name for name in names))

    @property
    def home(self) -> Path:
        """What this instance keeps between starts: data roots, logs, its network."""
        return self.cache / "instances" / self.instance

    @property
    def logs(self) -> Path:
        """Logs of dockerd and of the hub."""
        return self.home / "logs"

    @property
    def firewall(self) -> Path:
        """The ``iptables`` that dockerd runs; not under ``run``, where nothing may be executed."""
        return self.home / "firewall"

    @property
    def lock(self) -> Path:
        """Held by whoever starts, stops, resets or removes this instance."""
        return self.home / "lock"

    @property
    def cache_lock(self) -> Path:
        """Held by whoever changes what the instances share."""
        return self.cache / "lock"

    @property
    def machine(self) -> Path:
        """What root's engines of this machine must know of each other, whatever their cache."""
        return _MACHINE

    @property
    def run(self) -> Path:
        """What lives only while the engine runs: socket, configuration, process IDs.

        The folder in use is kept, for the next terminal may have another environment.
        """
        with contextlib.suppress(OSError):
            in_use = (self.home / "run").readlink()
            if in_use.name == self.key and in_use.is_dir():
                return in_use
        return _run_base() / self.key

    @property
    def socket(self) -> Path:
        """The engine's socket."""
        return self.run / "docker.sock"

    @property
    def longest_socket(self) -> Path:
        """The one of the engine's sockets whose path may become too long."""
        return self.run / "exec/containerd/containerd.sock.ttrpc"

    @property
    def bin(self) -> Path:
        """The folder that leads a student's PATH: the engine's own ``docker``, nothing else."""
        return self.home / "bin"

    @property
    def docker_config(self) -> Path:
        """The configuration folder of the engine's own ``docker``."""
        return self.home / "docker-config"

    def create(self) -> None:
        """Make the folders, private to the user.

        Raises
        ------
        EngineError
            A folder can't be written, is someone else's, has a name that overlay file systems
            can't take, or the socket's path is too long.
        """
        if found := _TROUBLE.search(str(self.home.resolve())):
            raise EngineError(
                f"The folder {self.home} has a '{found[0]}' in its path, where an engine can't "
                "keep images.",
                "Set DOCKERLAB_CACHE to a folder without it.",
            )
        longest = self.longest_socket
        if len(os.fsencode(longest)) > SOCKET_PATH_LIMIT:
            raise EngineError(
                f"The socket's path {longest} is longer than {SOCKET_PATH_LIMIT} bytes.",
                "Set XDG_RUNTIME_DIR to a shorter folder.",
            )
        for folder, variable in ((self.home, "DOCKERLAB_CACHE"), (self.run, "XDG_RUNTIME_DIR")):
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise EngineError(
                    f"The folder {folder} can't be made: {error.strerror}.",
                    f"Set {variable} to a folder you can write to.",
                ) from error
        for folder in (self.run.parent, self.run):
            try:
                folder.chmod(0o700)  # only its owner can
            except OSError as error:
                raise EngineError(
                    f"The folder {folder} is not yours.",
                    "Set XDG_RUNTIME_DIR to a folder of your own.",
                ) from error
        self._keep(self.run)

    def _keep(self, run: Path) -> None:
        """Write down which folder is in use, whoever else does so at the same moment."""
        in_use = self.home / "run"
        with contextlib.suppress(OSError):
            if in_use.readlink() == run:
                return
        fresh = self.home / f"run.{os.getpid()}"
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(run)
        fresh.replace(in_use)


def _run_base() -> Path:
    if _user_id() == "0" and os.access(_MACHINE.parent, os.W_OK):
        return _MACHINE
    if runtime := os.environ.get("XDG_RUNTIME_DIR"):
        return Path(runtime, "dockerlab")
    if os.access(usual := Path("/run/user", _user_id()), os.W_OK):
        return usual / "dockerlab"
    return Path(tempfile.gettempdir(), f"dockerlab-{_user()}")


def _user() -> str:
    """Name the user as the machine knows it; what ``su`` leaves in the environment may differ."""
    try:
        import pwd  # noqa: PLC0415 - not on Windows, where only the cache's place is asked for

        return pwd.getpwuid(os.getuid()).pw_name
    except ImportError:
        return getpass.getuser()
    except KeyError:
        return _user_id()


def _user_id() -> str:
    return str(os.getuid()) if hasattr(os, "getuid") else getpass.getuser()

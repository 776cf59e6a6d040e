"""Where everything dockerlab brings along lives on disk."""

import contextlib
import errno
import getpass
import hashlib
import os
import re
import shlex
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_cache_path

from dockerlab.engine.guarded import close, guard
from dockerlab.engine.records import set_aside
from dockerlab.errors import EngineError, UsageError
from dockerlab.language import _

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
            The instance's name has other characters than letters, digits and ``-``, or a
            variable names no folder: not from the root on, or with characters that no name has.
        """
        instance = os.environ.get("DOCKERLAB_INSTANCE") or "default"
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]{0,30}", instance):
            raise UsageError(
                _("DOCKERLAB_INSTANCE={name!r} is not a name.").format(name=instance),
                _("Use up to 31 letters, digits and '-'."),
            )
        if runtime := os.environ.get("XDG_RUNTIME_DIR"):
            _folder("XDG_RUNTIME_DIR", runtime)
        if named := os.environ.get("DOCKERLAB_CACHE"):
            return cls(_folder("DOCKERLAB_CACHE", named), instance)
        try:
            usual = str(user_cache_path("dockerlab"))
        except RuntimeError:  # a user without a home
            usual = "~"
        return cls(_folder(_("The user's cache folder"), usual), instance)

    @property
    def key(self) -> str:
        """Eight hexadecimal digits that tell this engine from any other on the machine."""
        name = f"{_user()}:{os.path.realpath(self.cache)}:{self.instance}"
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
        usual = _run_base() / self.key
        with contextlib.suppress(OSError):
            in_use = (self.home / "run").readlink()
            if in_use.name == self.key and (in_use == usual or _is_own(in_use)):
                return in_use
        return usual

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
    def temporary(self) -> Path:
        """What the engine and its clients need for a moment; emptied by each start and stop."""
        return self.home / "tmp"

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
        if found := _TROUBLE.search(os.path.realpath(self.home)):
            raise EngineError(
                _(
                    "The folder {folder} has a '{sign}' in its path, where an engine can't "
                    "keep images."
                ).format(folder=self.home, sign=found[0]),
                _("Set DOCKERLAB_CACHE to a folder without it."),
            )
        longest = self.longest_socket
        if len(os.fsencode(longest)) > SOCKET_PATH_LIMIT:
            raise EngineError(
                _("The socket's path {path} is longer than {limit} bytes.").format(
                    path=longest, limit=SOCKET_PATH_LIMIT
                ),
                _("Set XDG_RUNTIME_DIR to a shorter folder."),
            )
        for folder in (self.cache, self.home.parent, self.home, *self.shared, *self._kept):
            _require_folder(folder, "DOCKERLAB_CACHE", ours=folder != self.cache)
        close(self.cache, {self.home.parent, self.cache_lock, *self.shared})
        for folder in (self.home, self.run):
            variable = "DOCKERLAB_CACHE" if folder == self.home else "XDG_RUNTIME_DIR"
            _require_folder(folder, variable, ours=True)
            try:
                guard(self.cache if folder == self.home else folder.parent, variable)
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise _refusal(folder, error.strerror, variable) from error
        for folder in (self.home.parent, self.home, *self.shared):
            _make_private(folder, "DOCKERLAB_CACHE")
        for folder in (self.run.parent, self.run):
            _make_private(folder, "XDG_RUNTIME_DIR")
        self._keep(self.run)

    @property
    def _kept(self) -> tuple[Path, ...]:
        names = ("data", "jupyter")
        folders = (self.logs, self.firewall, self.bin, self.docker_config, self.temporary)
        return (*folders, *(self.home / name for name in names))

    def _keep(self, run: Path) -> None:
        """Write down which folder is in use, whoever else does so at the same moment."""
        in_use = self.home / "run"
        with contextlib.suppress(OSError):
            if in_use.readlink() == run:
                return
        if in_use.is_dir() and not in_use.is_symlink():
            set_aside(in_use)
        fresh = self.home / f"run.{os.getpid()}"
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(run)
        fresh.replace(in_use)


def _folder(variable: str, named: str) -> Path:
    """Read the folder that a variable names."""
    folder = os.path.expanduser(named)  # noqa: PTH111 - Path's raises for a user without a home
    if not named.isprintable():
        problem = _("{variable}={name!r} has characters that no folder's name should have.")
    elif folder.startswith("~"):
        problem = _("{variable}={name!r} names a home folder that does not exist.")
    elif not os.path.isabs(folder):  # noqa: PTH117
        problem = _("{variable}={name!r} depends on the current folder.")
    else:
        return Path(folder)
    remedy = variable if variable.isupper() else "DOCKERLAB_CACHE"
    raise UsageError(
        problem.format(variable=variable, name=named),
        _("Set {variable} to a folder's whole path, which begins with a slash.").format(
            variable=remedy
        ),
    )


def _require_folder(folder: Path, variable: str, *, ours: bool) -> None:
    """Make room for a folder: a file in its place is set aside where only we write.

    A link is the user's: what it led to may be a disk that is away for the moment.
    """
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return
    except OSError as error:
        raise _refusal(folder, error.strerror, variable) from error
    if stat.S_ISDIR(found.st_mode):
        return
    if stat.S_ISLNK(found.st_mode):
        if folder.is_dir():
            return
        raise EngineError(
            _("The folder {folder} is a link to {target}, where no folder is.").format(
                folder=folder, target=folder.readlink()
            ),
            _("Bring that folder back, or delete the link: rm {folder}").format(
                folder=shlex.quote(str(folder))
            ),
        )
    if not ours:
        raise _refusal(folder, os.strerror(errno.ENOTDIR), variable)
    try:
        set_aside(folder)
    except OSError as error:
        raise _refusal(folder, error.strerror, variable) from error


def _refusal(folder: Path, cause: str | None, variable: str) -> EngineError:
    return EngineError(
        _("The folder {folder} can't be made: {cause}.").format(folder=folder, cause=cause),
        _("Set {variable} to a folder you can write to.").format(variable=variable),
    )


def _is_own(folder: Path) -> bool:
    """Tell whether a folder is there and this user's."""
    try:
        found = folder.stat()
    except OSError:
        return False
    mine = not hasattr(os, "geteuid") or found.st_uid == os.geteuid()
    return stat.S_ISDIR(found.st_mode) and mine


def _make_private(folder: Path, variable: str) -> None:
    """Keep others out of a folder of ours, whatever the umask and whoever made it before."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        if _is_own(folder):
            folder.chmod(0o700)
            return
    except OSError as error:
        raise _refusal(folder, error.strerror, variable) from error
    raise EngineError(
        _("The folder {folder} is not yours.").format(folder=folder),
        _("Set {variable} to a folder of your own.").format(variable=variable),
    )


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

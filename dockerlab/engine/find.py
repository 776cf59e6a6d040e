"""Which Docker Engine to use, and how to reach it."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import docker
from docker.context import Context, ContextAPI
from docker.tls import TLSConfig
from docker.utils import kwargs_from_env

from dockerlab.engine.places import Places
from dockerlab.engine.progress import Progress, silent
from dockerlab.engine.reach import address, listens, open_client
from dockerlab.errors import EngineError
from dockerlab.language import _


@dataclass(frozen=True)
class Engine:
    """A Docker Engine to be used, and what a shell needs to use it too.

    Parameters
    ----------
    kind : {"embedded", "current", "url"}
        Brought by dockerlab, found on this machine, or named by its address.
    host : str
        Its address as ``DOCKER_HOST`` takes it.
    bin : Path, optional
        The folder of the engine's own ``docker`` command.
    docker_config : Path, optional
        The configuration folder of that command.
    hub : str, optional
        ``ADDRESS:PORT`` of the local hub as this machine reaches it.
    """

    kind: Literal["embedded", "current", "url"]
    host: str
    bin: Path | None = None
    docker_config: Path | None = None
    hub: str | None = None

    def environment(self) -> dict[str, str]:
        """Give the variables that point a shell's ``docker`` at this engine."""
        variables = {"DOCKER_HOST": self.host}
        if self.bin:
            path = os.environ.get("PATH", os.defpath).split(os.pathsep)
            rest = [folder for folder in path if folder != str(self.bin)]
            variables["PATH"] = os.pathsep.join([str(self.bin), *rest])
        if self.docker_config:
            variables["DOCKER_CONFIG"] = str(self.docker_config)
        return variables


def find(choice: str | None = None, progress: Progress = silent) -> Engine:
    """Find the engine to use, starting the embedded one where that is meant.

    Parameters
    ----------
    choice : str, optional
        ``embedded``, ``current`` (what the docker command's context points at, else a usual
        socket) or an address; by default the environment variable ``DOCKERLAB_ENGINE``, else
        the embedded engine where this machine can have one, else the current one.
    progress : Progress, optional
        Told how far long steps are.

    Raises
    ------
    UsageError
        ``choice`` is neither a known word nor an address.
    EngineError
        There is no such engine, or it can't be started.
    """
    choice = choice or usual()
    if choice == "embedded":
        return _embedded(progress)
    if choice == "current":
        return Engine("current", _current())
    require_choice(choice)
    return Engine("url", choice)


def require_choice(choice: str) -> None:
    """Refuse what names no engine, before anything else is done.

    Raises
    ------
    UsageError
        ``choice`` is neither a known word nor an address.
    """
    if choice not in ("embedded", "current"):
        address(choice)


def connect(engine: Engine) -> docker.DockerClient:
    """Open a client to the engine.

    Raises
    ------
    EngineError
        Nothing answers there, you may not use the socket, or the engine is too old.
    """
    return open_client(engine.host, _certificates(engine))


def usual_sockets() -> list[Path]:
    """List where engines listen: Docker's, Docker Desktop's and others', then Podman's."""
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 - Path.home() raises where there is none
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{_user_id()}")
    return [
        Path("/var/run/docker.sock"),
        runtime / "docker.sock",
        home / ".docker/run/docker.sock",
        home / ".docker/desktop/docker.sock",
        home / ".colima/default/docker.sock",
        home / ".orbstack/run/docker.sock",
        home / ".rd/docker.sock",
        runtime / "podman/podman.sock",
        Path("/run/podman/podman.sock"),
    ]


def usual() -> str:
    """Name the choice that is taken unless one is made: ``$DOCKERLAB_ENGINE``, or what fits."""
    if named := os.environ.get("DOCKERLAB_ENGINE"):
        return named
    if os.name == "posix" and Path("/proc/self").exists():
        from dockerlab.engine import embedded  # noqa: PLC0415 - it runs on Linux alone

        if embedded.can_be_brought():
            return "embedded"
    return "current"


def _embedded(progress: Progress) -> Engine:
    if not Path("/proc/self").exists():
        raise EngineError(
            "The embedded engine runs on Linux alone.",
            "Use '--engine current' with Docker Desktop or another engine of yours.",
        )
    from dockerlab.engine import embedded  # noqa: PLC0415 - it runs on Linux alone

    places = Places.from_environment()
    running = embedded.start(places, progress=progress)
    return Engine(
        "embedded", f"unix://{places.socket}", places.bin, places.docker_config, running.hub
    )


def _current() -> str:
    if host := os.environ.get("DOCKER_HOST"):
        address(host, f"DOCKER_HOST={host}")
        return host
    context = _context()
    if context and context.name != "default":
        host = str(context.Host)
        address(host, f"docker context {context.name} ({host})")
        return host
    if os.name == "nt":
        return "npipe:////./pipe/docker_engine"
    sockets = usual_sockets()
    existing = [path for path in sockets if _exists(path)]
    for path in existing:
        if listens(path):
            return f"unix://{path}"
    if existing:  # a socket that refuses says more than one that is missing
        return f"unix://{existing[0]}"
    raise EngineError(
        _(
            "There is no Docker Engine on this machine: no DOCKER_HOST, no context, none of "
            "the usual {count} sockets."
        ).format(count=len(sockets)),
        _("Use '--engine embedded' on Debian or Ubuntu, or install Docker Desktop."),
    )


def _context() -> Context | None:
    """Give the docker command's context: ``$DOCKER_CONTEXT``, else its configuration's."""
    named = os.environ.get("DOCKER_CONTEXT") or None
    try:
        context = ContextAPI.get_context(named)
    except Exception as error:
        # docker-py raises bare exceptions for a context it can't read
        raise EngineError(
            _("The docker command's context can't be read: {cause}.").format(cause=error),
            _("Choose another with 'docker context use', or set DOCKER_HOST."),
        ) from error
    if context is None and named:
        raise EngineError(
            _("There is no docker context {name!r}, which DOCKER_CONTEXT names.").format(
                name=named
            ),
            _("Unset DOCKER_CONTEXT, or see 'docker context ls'."),
        )
    return context


def _certificates(engine: Engine) -> TLSConfig | None:
    """Give the keys that the docker command would use for this address."""
    if engine.kind != "current":
        return None
    if os.environ.get("DOCKER_HOST") == engine.host:
        try:
            found: TLSConfig | None = kwargs_from_env().get("tls")
        except docker.errors.TLSParameterError as error:
            raise EngineError(
                _("The certificates for {host} can't be used: {cause}").format(
                    host=engine.host, cause=error
                ),
                _("Check DOCKER_CERT_PATH."),
            ) from error
        return found or None
    context = _context()
    return context.TLSConfig if context and context.Host == engine.host else None


def _exists(path: Path) -> bool:
    """Tell whether a socket is there, or may be: in a folder that is closed to this user."""
    try:
        return path.exists()
    except PermissionError:
        return True


def _user_id() -> int:
    return os.getuid() if hasattr(os, "getuid") else 0

"""Reach an engine, and say exactly what stands in the way."""

import os
import re
import socket
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

import docker
import requests
from docker.tls import TLSConfig

from dockerlab.engine.bounded import within
from dockerlab.errors import EngineError, UsageError
from dockerlab.language import _

ANSWER_SECONDS = 10
OLDEST_API = (1, 41)
"""What Engine 20.10 speaks, the oldest that the course is tested with."""

_CLIENT_SECONDS = 300  # builds and saves of large images are silent for minutes
_REMOTE = ("tcp", "http", "https")
_LOCAL = "npipe" if os.name == "nt" else "unix"
_LOOPBACK = re.compile(r"localhost|127(\.\d+){3}|::1")
_VERSION = re.compile(r"(\d+)\.(\d+)")


def address(host: str, called: str = "") -> SplitResult:
    """Take an engine's address apart.

    Parameters
    ----------
    host : str
        Such as ``unix:///var/run/docker.sock`` or ``tcp://192.0.2.1:2375``.
    called : str, optional
        Where it stands, for the message.

    Raises
    ------
    UsageError
        It is no address of an engine.
    """
    named = called or repr(host)
    wrong = UsageError(
        _("{named} is no engine.").format(named=named),
        _("Say 'embedded', 'current' or an address such as unix:///var/run/docker.sock."),
    )
    try:
        parts = urlsplit(host)
        if parts.scheme in _REMOTE and (not parts.hostname or parts.port == 0):
            raise wrong
    except ValueError as error:  # a port that is no number, a bracket too few
        raise wrong from error
    if parts.scheme == "ssh":
        raise UsageError(
            _("An engine behind ssh can't be used directly: {named}.").format(named=named),
            _(
                "Forward its socket, 'ssh -NL /tmp/engine.sock:/var/run/docker.sock HOST', "
                "and use unix:///tmp/engine.sock."
            ),
        )
    if parts.scheme not in (*_REMOTE, _LOCAL) or (
        parts.scheme == "unix" and (parts.netloc or not parts.path)
    ):
        raise wrong
    return parts


def open_client(
    host: str, tls: TLSConfig | None = None, seconds: int = ANSWER_SECONDS
) -> docker.DockerClient:
    """Open a client to the engine at ``host``, which must answer within ``seconds``.

    Raises
    ------
    UsageError
        ``host`` is no address.
    EngineError
        Nothing answers there, you may not use the socket, what answers is no engine, or it is
        too old. (`GET /version`)
    """
    parts = address(host)
    _look(host, parts, seconds)
    direct = parts.scheme not in _REMOTE or bool(_LOOPBACK.fullmatch(parts.hostname or ""))
    secured: dict[str, Any] = {"tls": tls} if tls else {}
    oldest = "{}.{}".format(*OLDEST_API)
    try:
        with closing(
            docker.APIClient(base_url=host, version=oldest, timeout=seconds, **secured)
        ) as probe:
            probe.trust_env = not direct  # a proxy is for what is not on this machine
            answer = within(2 * seconds, lambda: probe.version(api_version=False))
    except (requests.Timeout, TimeoutError) as error:
        raise EngineError(
            _("What listens at {host} does not answer within {seconds} s.").format(
                host=host, seconds=seconds
            ),
            _("Start that engine again, or use another ('--engine embedded')."),
        ) from error
    except (docker.errors.DockerException, requests.RequestException, OSError) as error:
        raise _explained(host, error) from error
    version = _api_version(host, answer)
    client = docker.DockerClient(base_url=host, version=version, timeout=_CLIENT_SECONDS, **secured)
    client.api.trust_env = not direct
    return client


def listens(path: Path) -> bool:
    """Tell whether something listens on a socket that this user may use."""
    try:
        _look_at_socket(path, ANSWER_SECONDS)
    except EngineError:
        return False
    return True


def _api_version(host: str, answer: object) -> str:
    """Read the newest API version that the engine speaks."""
    given = answer.get("ApiVersion") if isinstance(answer, dict) else None
    found = _VERSION.fullmatch(given) if isinstance(given, str) else None
    if found is None:
        raise _no_engine(host, _("it gives no API version"))
    if (int(found[1]), int(found[2])) < OLDEST_API:
        raise EngineError(
            _("The engine at {host} speaks API {version}, too old for dockerlab.").format(
                host=host, version=found[0]
            ),
            _("Bring Docker Engine to 20.10 (API 1.41) or newer, or use '--engine embedded'."),
        )
    return found[0]


def _look(host: str, parts: SplitResult, seconds: int) -> None:
    """Tell a name that is unknown or a socket that is closed apart, which the client does not."""
    if parts.scheme == "unix":
        _look_at_socket(Path(parts.path), seconds)
    elif parts.scheme in _REMOTE:
        place = (parts.hostname or "", parts.port or 2375)
        try:
            within(seconds, lambda: socket.create_connection(place, seconds).close())
        except (OSError, UnicodeError) as error:
            raise EngineError(
                _("No engine answers at {host}: {cause}.").format(
                    host=host, cause=getattr(error, "strerror", None) or error
                ),
                _("Check the address, or use '--engine embedded'."),
            ) from error


def _look_at_socket(path: Path, seconds: int) -> None:
    try:
        with socket.socket(socket.AF_UNIX) as trial:
            trial.settimeout(seconds)
            trial.connect(str(path))
    except PermissionError as error:
        raise _not_yours(path) from error
    except (FileNotFoundError, NotADirectoryError) as error:
        raise EngineError(
            _("There is no socket {path}: the engine is not running.").format(path=path),
            _("Start it ('dockerlab engine start' for the embedded one)."),
        ) from error
    except ConnectionRefusedError as error:
        raise EngineError(
            _("Nothing listens on the socket {path}: the engine has ended.").format(path=path),
            _("Start it again ('dockerlab engine start' for the embedded one)."),
        ) from error
    except OSError as error:
        raise EngineError(
            _("The socket {path} can't be used: {cause}.").format(
                path=path, cause=error.strerror or error
            ),
            _("Check the address, or use '--engine embedded'."),
        ) from error


def _not_yours(path: Path) -> EngineError:
    """Say whose the socket is; the mend does not hide what the docker group gives away."""
    try:
        owner, group = path.owner(), path.group()
        status = path.stat()
    except (KeyError, OSError):
        return EngineError(
            _("You may not reach the socket {path}.").format(path=path),
            _("Use '--engine embedded', which needs nobody's permission."),
        )
    problem = _("You may not use the socket {path}, which belongs to {owner}:{group}.").format(
        path=path, owner=owner, group=group
    )
    if status.st_mode & 0o060 != 0o060 or status.st_gid == 0:
        return EngineError(problem, _("Use '--engine embedded', which needs nobody's permission."))
    return EngineError(
        problem,
        _(
            "Use '--engine embedded', or let an administrator add you to the group {group}; "
            "that group is as good as root on this machine."
        ).format(group=group),
    )


def _explained(host: str, error: Exception) -> EngineError:
    response = getattr(error, "response", None)
    if response is not None and response.headers.get("Server", "").startswith("Docker/"):
        return EngineError(
            _("The engine at {host} refuses: {cause}.").format(host=host, cause=_short(error)),
            _("Ask whoever runs it, or use '--engine embedded'."),
        )
    return _no_engine(host, _short(error))


def _no_engine(host: str, cause: str) -> EngineError:
    return EngineError(
        _("What answers at {host} is no Docker Engine: {cause}.").format(host=host, cause=cause),
        _("Check the address, or use '--engine embedded'."),
    )


def _short(error: Exception) -> str:
    """Give the first words of an error without control characters or a final full stop."""
    return re.sub(r"[\x00-\x1f\x7f]+", " ", str(error))[:200].rstrip(". ")

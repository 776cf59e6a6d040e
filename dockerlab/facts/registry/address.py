"""From what a student calls a registry to a connection with it, trusted or not."""

import ipaddress
import re
import ssl
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

import requests

from dockerlab.errors import RegistryError, UsageError
from dockerlab.facts.plain import plain
from dockerlab.facts.registry.connection import Connection, Credentials
from dockerlab.facts.registry.refusals import ca_problem, speaks_plain_http
from dockerlab.language import _

HUB = "registry-1.docker.io"
"""The host behind the name docker.io."""

_SECONDS = 300.0  # of waiting for one registry in all, however many answers it gives


def connect(address: str, credentials: Credentials | None, ca: str | Path | None) -> Connection:
    """Find out how a registry is talked to, and whether it is one.

    Without a scheme it is TLS; of this machine's own addresses docker takes plain HTTP too.

    Raises
    ------
    RegistryError
        It can't be reached, can't be trusted, refuses, or is no registry.
    UsageError
        The address makes no sense.
    """
    trusted = _certificates(ca)
    scheme, host = _taken_apart(address)
    local = _is_local(host)
    for attempt in (scheme,) if scheme else ("https", "http") if local else ("https",):
        connection = Connection(
            f"{attempt}://{host}", direct=local, credentials=credentials, ca=trusted,
            whole=_SECONDS,
        )  # fmt: skip
        try:
            _greet(connection)
        except RegistryError as error:
            connection.close()
            if attempt == "https" and not scheme and local and _without_tls(error):
                continue
            raise
        return connection
    raise AssertionError("every attempt returned or raised")  # pragma: no cover


def _greet(connection: Connection) -> None:
    with connection.ask("GET", "/v2/", missing=True) as answer:
        if answer.status_code == HTTPStatus.NOT_FOUND:
            raise RegistryError(
                _("{address} answers, but it is no registry.").format(
                    address=plain(urlsplit(connection.url).netloc)
                ),
                _("Check the address: a registry answers at /v2/."),
            )


def _without_tls(error: RegistryError) -> bool:
    return isinstance(error.__cause__, requests.exceptions.SSLError) and speaks_plain_http(
        str(error.__cause__)
    )


def _certificates(ca: str | Path | None) -> Path | None:
    if ca is None:
        return None
    path = Path(ca).expanduser()
    try:
        ssl.create_default_context(cafile=str(path))
    except (OSError, ValueError) as error:
        raise ca_problem(str(path), error) from error
    return path


def _taken_apart(address: str) -> tuple[str, str]:
    scheme, found, rest = address.strip().rpartition("://")
    host = rest.rstrip("/").removesuffix("/v2")
    if host in ("docker.io", "index.docker.io", "hub.docker.com"):
        host = HUB
    valid = re.fullmatch(r"(?:[A-Za-z0-9][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?", host)
    if not valid or (found and scheme not in ("http", "https")):
        raise UsageError(
            _("'{address}' is no address of a registry.").format(address=plain(address)[:100]),
            _("Write it as 'registry.example.com' or '127.0.0.1:5000'."),
        )
    return scheme, host


def _is_local(host: str) -> bool:
    name = urlsplit(f"//{host}").hostname or ""
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def plain_name(repository: str, url: str) -> str:
    """Return a repository's name in full, without the registry's own address before it.

    Raises
    ------
    UsageError
        It can't be the name of a repository.
    """
    name = repository.strip().removeprefix(f"{urlsplit(url).netloc}/").removeprefix("docker.io/")
    path = name.partition(":")[0]
    if not re.fullmatch(r"[a-z0-9]+(?:[._/-]+[a-z0-9]+)*(?::[\w.-]{1,128})?", name):
        raise UsageError(
            _("'{name}' is no name of a repository.").format(name=plain(repository)[:100]),
            _("Names are lower case, as 'library/nginx'."),
        )
    if HUB in url and "/" not in path:
        name = f"library/{name}"
    return name

"""Talk to a registry over its HTTP API: passwords, tokens, certificates, and what went wrong.

Whatever a registry sends, an answer takes bounded memory and time: `line` bounds the waiting and
what frames a body, `Connection` bodies that are documents, redirects and tokens.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from typing import Any, Self, cast
from urllib.parse import urljoin, urlsplit

import requests
import urllib3

from dockerlab.errors import LabError, UsageError
from dockerlab.facts.registry.answers import (
    Header,
    basic,
    read_document,
    read_object,
    same_host,
    went_well,
    with_body,
)
from dockerlab.facts.registry.line import Patience, PatientAdapter
from dockerlab.facts.registry.refusals import NotFollowed, Senseless, broken, refused
from dockerlab.language import _

_MOST_REDIRECTS = 5
_AS_IT_IS = {"Accept-Encoding": "identity"}
_LONGEST_REFUSAL = 1 << 16  # bytes of a refusal that are read; no person reads more

Credentials = tuple[str, str]
"""User name and password."""


def credentials(username: str | None, password: str | None) -> Credentials | None:
    """Return both, or None where neither is given.

    Raises
    ------
    UsageError
        Only one of them is given.
    """
    if username is not None and password is not None:
        return username, password
    if username is None and password is None:
        return None
    raise UsageError(_("A user name and a password belong together."), _("Pass both, or neither."))


class Connection:
    """A line to one registry.

    Parameters
    ----------
    url : str
        Such as ``http://127.0.0.1:5051``, without a path.
    seconds : float
        How long any answer may take to begin, and any pause in it to last; all pauses of one
        answer together have the bound of `line`.
    direct : bool
        Whether to keep off the proxies of the environment, as for an address of this machine.
    credentials : Credentials, optional
        Given to the registry, and to who gives out its tokens, when it asks for them.
    ca : Path, optional
        The certificates to trust instead of the machine's own.
    whole : float, optional
        How many seconds may be spent waiting for all answers together.
    """

    def __init__(
        self,
        url: str,
        seconds: float = 20.0,
        direct: bool = False,
        credentials: Credentials | None = None,
        ca: Path | None = None,
        *,
        whole: float | None = None,
    ) -> None:
        self.url = url.rstrip("/")
        self.seconds = seconds
        self.credentials = credentials
        self.session = requests.Session()
        self.session.trust_env = not direct
        if ca:
            self.session.verify = str(ca)
        self._patience = Patience(whole)
        for scheme in ("http://", "https://"):
            self.session.mount(scheme, PatientAdapter(self._patience))
        self._headers: dict[str, str] = {}

    def close(self) -> None:
        """Close the connections."""
        self.session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def ask(
        self,
        method: str,
        path: str,
        *,
        missing: bool = False,
        headers: Mapping[str, str] | None = None,
        data: Iterable[bytes] | bytes | None = None,
        stream: bool = False,
    ) -> requests.Response:
        """Send one request; `missing` lets a 404 pass.

        The answer's body is read as it travels, whatever `Content-Encoding` says: digests are
        taken of that. It is read here, up to the size of a document, unless `stream` leaves it to
        the caller, who has to bound it. A redirect is followed, never from TLS to plain HTTP;
        passwords and tokens stay with the host they are for.

        Raises
        ------
        LabError
            What `broken` and `refused` make of the failure.
        """
        url = path if path.startswith(("http://", "https://")) else f"{self.url}{path}"
        scope = "/".join(path.split("/")[2:4])
        wanted = {**_AS_IT_IS, **(headers or {})}

        def send() -> requests.Response:
            known = Header(self.url, self._headers.get(scope, ""))
            return self._send(method, url, known, wanted, data)

        with self._failing():
            answer = send()
            if answer.status_code == HTTPStatus.UNAUTHORIZED and same_host(answer.url, self.url):
                answered = self._answered(answer.headers.get("WWW-Authenticate", ""))
                if answered:
                    answer.close()
                    self._headers[scope] = answered
                    answer = send()
        if went_well(answer):
            if not stream:
                self._read(answer)
            return answer
        if missing and answer.status_code == HTTPStatus.NOT_FOUND:
            answer.close()
            return with_body(answer, b"")
        raise self._refusal(answer)

    def document(self, answer: requests.Response) -> dict[str, Any]:
        """Read an answer as a JSON object.

        Raises
        ------
        LabError
            What `broken` makes of an answer that is none.
        """
        with self._failing(), answer:
            return read_object(answer.content)

    def refused(self, answer: requests.Response) -> LabError:
        """Say why the registry refused."""
        return refused(self.url, answer, self.credentials)

    def broken(self, error: requests.RequestException) -> LabError:
        """Say why the registry can't be talked to."""
        return broken(self.url, error)

    @contextmanager
    def _failing(self) -> Iterator[None]:
        """Turn whatever can go wrong on the line into what `broken` makes of it."""
        try:
            yield
        except requests.RequestException as error:
            raise self.broken(error) from error
        except (TimeoutError, urllib3.exceptions.TimeoutError) as error:
            raise self.broken(requests.ReadTimeout(error)) from error
        except (urllib3.exceptions.HTTPError, HTTPException, OSError) as error:
            raise self.broken(requests.exceptions.ChunkedEncodingError(error)) from error
        except ValueError as error:  # a URL or header that can't be one
            raise self.broken(Senseless(error)) from error

    def _send(
        self,
        method: str,
        url: str,
        known: Header,
        headers: Mapping[str, str] = _AS_IT_IS,
        data: Iterable[bytes] | bytes | None = None,
    ) -> requests.Response:
        """Send a request and follow redirects."""
        for _redirect in range(_MOST_REDIRECTS + 1):
            answer = self.session.request(
                method, url, headers=dict(headers), data=data, stream=True, auth=known,
                timeout=self.seconds, allow_redirects=False,
            )  # fmt: skip
            answer.raw = _Body(cast("urllib3.BaseHTTPResponse", answer.raw), self)
            if not answer.is_redirect or data is not None:
                return answer
            answer.close()
            where = urljoin(url, answer.headers["Location"])
            scheme = urlsplit(where).scheme
            if scheme not in ("http", "https") or (scheme == "http" and url.startswith("https:")):
                raise NotFollowed(where)
            url = where
        raise requests.TooManyRedirects

    def _read(self, answer: requests.Response) -> None:
        body = answer.raw
        try:
            content = read_document(answer)
        except LabError:
            body.close()
            raise
        except Senseless as error:
            body.close()
            raise self.broken(error) from error
        body.release_conn()
        with_body(answer, content)

    def _refusal(self, answer: requests.Response) -> LabError:
        try:
            with answer:
                said = answer.raw.read(_LONGEST_REFUSAL)
        except LabError:
            said = b""  # that it refuses is known
        return self.refused(with_body(answer, said))

    def _answered(self, challenge: str) -> str:
        """Return what answers a challenge, empty where nothing can."""
        scheme = challenge.partition(" ")[0].lower()
        if scheme == "bearer":
            token = self._token(challenge)
            return f"Bearer {token}" if token else ""
        if scheme == "basic" and self.credentials:
            return basic(self.credentials)
        return ""

    def _token(self, challenge: str) -> str:
        """Ask for a token, an anonymous one where no user is named: Docker Hub always wants one."""
        fields = dict(re.findall(r'\b(\w++)="([^"]*)"', challenge))
        realm = fields.get("realm", "")
        if not realm.startswith(("http://", "https://")):
            raise Senseless
        # A password that travelled to the registry unseen must not travel on in the clear.
        safe = realm.startswith("https://") or not self.url.startswith("https://")
        known = basic(self.credentials) if self.credentials and safe else ""
        wanted = {key: fields[key] for key in ("service", "scope") if key in fields}
        url = requests.Request("GET", realm, params=wanted).prepare().url or realm
        answer = self._send("GET", url, Header(realm, known))
        if not went_well(answer):
            if answer.status_code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
                answer.close()
                return ""
            raise self._refusal(answer)
        with answer:
            given = read_object(read_document(answer))
        token = given.get("token") or given.get("access_token") or ""
        if not isinstance(token, str) or not re.fullmatch(r"[!-~]*", token):
            raise Senseless
        return token


class _Body:
    """The body of an answer while it comes, as `requests` reads one: its failures are ours."""

    def __init__(self, raw: urllib3.BaseHTTPResponse, connection: Connection) -> None:
        self._raw = raw
        self._connection = connection

    def read(self, size: int) -> bytes:
        """Return the next bytes, at most `size`, as they travel; none at the end."""
        with self._connection._failing():
            piece: bytes = self._raw.read(size, decode_content=False)
        self._connection._patience.was_body(len(piece))
        return piece

    def close(self) -> None:
        """Hang up."""
        self._raw.close()

    def release_conn(self) -> None:
        """Give the connection back to who may use it next."""
        self._raw.release_conn()

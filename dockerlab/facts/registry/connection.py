"""Talk to a registry over its HTTP API: passwords, tokens, certificates, and what went wrong."""

import base64
import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Self

import requests
from requests.auth import AuthBase

from dockerlab.errors import LabError, UsageError
from dockerlab.facts.registry.refusals import broken, refused
from dockerlab.language import _

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


class _Header(AuthBase):
    """Sends this header or none; without it requests would take one from the user's .netrc."""

    def __init__(self, value: str) -> None:
        self.value = value

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self.value:
            request.headers["Authorization"] = self.value
        return request


class Connection:
    """A line to one registry.

    Parameters
    ----------
    url : str
        Such as ``http://127.0.0.1:5051``, without a path.
    seconds : float
        How long any answer may take to begin, and any pause in it to last.
    direct : bool
        Whether to keep off the proxies of the environment, as for an address of this machine.
    credentials : Credentials, optional
        Given to the registry, and to who gives out its tokens, when it asks for them.
    ca : Path, optional
        The certificates to trust instead of the machine's own.
    """

    def __init__(
        self,
        url: str,
        seconds: float = 20.0,
        direct: bool = False,
        credentials: Credentials | None = None,
        ca: Path | None = None,
    ) -> None:
        self.url = url.rstrip("/")
        self.seconds = seconds
        self.credentials = credentials
        self.session = requests.Session()
        self.session.trust_env = not direct
        if ca:
            self.session.verify = str(ca)
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

        Raises
        ------
        LabError
            What `broken` and `refused` make of the failure.
        """
        url = path if path.startswith(("http://", "https://")) else f"{self.url}{path}"
        scope = "/".join(path.split("/")[2:4])

        def send() -> requests.Response:
            return self.session.request(
                method, url, headers=dict(headers or {}), data=data, stream=stream,
                auth=_Header(self._headers.get(scope, "")), timeout=self.seconds,
            )  # fmt: skip

        try:
            answer = send()
            challenge = answer.headers.get("WWW-Authenticate", "")
            if answer.status_code == HTTPStatus.UNAUTHORIZED:
                answered = self._answered(challenge)
                if answered:
                    answer.close()
                    self._headers[scope] = answered
                    answer = send()
        except requests.RequestException as error:
            raise self.broken(error) from error
        if answer.ok or (missing and answer.status_code == HTTPStatus.NOT_FOUND):
            return answer
        with answer:
            raise self.refused(answer)

    def refused(self, answer: requests.Response) -> LabError:
        """Say why the registry refused."""
        return refused(self.url, answer, self.credentials)

    def broken(self, error: requests.RequestException) -> LabError:
        """Say why the registry can't be talked to."""
        return broken(self.url, error)

    def _answered(self, challenge: str) -> str:
        """Return what answers a challenge, empty where nothing can."""
        scheme = challenge.partition(" ")[0].lower()
        if scheme == "bearer":
            token = self._token(challenge)
            return f"Bearer {token}" if token else ""
        if scheme == "basic" and self.credentials:
            return _basic(self.credentials)
        return ""

    def _token(self, challenge: str) -> str:
        """Ask for a token, an anonymous one where no user is named: Docker Hub always wants one."""
        fields = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
        realm = fields.get("realm", "")
        # A password that travelled to the registry unseen must not travel on in the clear.
        safe = realm.startswith("https://") or not self.url.startswith("https://")
        known = _basic(self.credentials) if self.credentials and safe else ""
        with self.session.get(
            realm,
            params={key: fields[key] for key in ("service", "scope") if key in fields},
            auth=_Header(known),
            timeout=self.seconds,
        ) as answer:
            given = answer.json() if answer.ok else {}
            return str(given.get("token") or given.get("access_token") or "")


def _basic(credentials: Credentials) -> str:
    return "Basic " + base64.b64encode(":".join(credentials).encode()).decode()

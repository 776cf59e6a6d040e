"""Answers of a registry, taken apart; and the header that is told to one host only."""

import base64
import io
import json
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase

from dockerlab.facts.registry.manifest import MANIFEST_LIMIT
from dockerlab.facts.registry.refusals import Senseless


class Header(AuthBase):
    """Sends this header to one host, and none elsewhere; nor what a user's .netrc would add."""

    def __init__(self, home: str, value: str) -> None:
        self.home = home
        self.value = value

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the header, where it belongs."""
        if self.value and same_host(request.url or "", self.home):
            request.headers["Authorization"] = self.value
        return request


def read_object(content: bytes) -> dict[str, Any]:
    """Return a JSON object; Senseless where it is none."""
    try:
        found = json.loads(content, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Senseless from error
    if not isinstance(found, dict):
        raise Senseless
    return found


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def read_document(answer: requests.Response) -> bytes:
    """Read a body to its end; Senseless where it is longer than any document."""
    pieces: list[bytes] = []
    size = 0
    while piece := answer.raw.read(1 << 16):
        size += len(piece)
        if size > MANIFEST_LIMIT:
            raise Senseless
        pieces.append(piece)
    return b"".join(pieces)


def with_body(answer: requests.Response, content: bytes) -> requests.Response:
    """Give an answer a body that is read already."""
    answer.raw = io.BytesIO(content)
    answer.encoding = "utf-8"  # or `requests` would guess at length
    return answer


def went_well(answer: requests.Response) -> bool:
    """Whether it is what was asked for; a redirect is not."""
    return HTTPStatus.OK <= answer.status_code < HTTPStatus.MULTIPLE_CHOICES


def same_host(url: str, other: str) -> bool:
    """Whether both lead to the same port of the same host, both with TLS or both without."""
    one, two = urlsplit(url), urlsplit(other)
    return (one.scheme, one.hostname, _port(one.scheme, one.port)) == (
        two.scheme, two.hostname, _port(two.scheme, two.port),
    )  # fmt: skip


def _port(scheme: str, port: int | None) -> int:
    return port or {"http": 80, "https": 443}.get(scheme, 0)


def basic(credentials: tuple[str, str]) -> str:
    """Return the header of a user name and a password."""
    return "Basic " + base64.b64encode(":".join(credentials).encode()).decode()

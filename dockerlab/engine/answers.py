"""HTTP answers that end: bounded in bytes and in time, whatever a server does."""

import contextlib
import time
from collections.abc import Iterator
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError

from dockerlab.engine.bounded import within
from dockerlab.facts.registry.manifest import MANIFEST_LIMIT

_CHUNK = 2**16


class BoundedAnswers(HTTPAdapter):
    """Makes a session's answers end; also those on the way: of redirections, of token services.

    Parameters
    ----------
    seconds : float
        How long the head of an answer may take, connecting included.
    total : float
        How long its body may take; one that is read with `pieces` has a bound of its own.
    limit : int
        Bytes its body may have.
    """

    def __init__(self, seconds: float, total: float, limit: int = MANIFEST_LIMIT) -> None:
        super().__init__()
        self._head = seconds
        self._body = total
        self._limit = limit

    def send(
        self,
        request: requests.PreparedRequest,
        *arguments: Any,  # noqa: ANN401 - whatever the adapter takes
        **options: Any,  # noqa: ANN401 - the same
    ) -> requests.Response:
        """Send a request; see `requests.adapters.HTTPAdapter.send`."""

        def job() -> requests.Response:
            return super(BoundedAnswers, self).send(request, *arguments, **options)

        try:
            # connecting may try several addresses, each for so long
            answer = within(2 * self._head, job)
        except TimeoutError as error:
            raise requests.ReadTimeout(str(error), request=request) from error
        except HTTPError as error:
            raise requests.ConnectionError(str(error), request=request) from error
        raw = answer.raw

        def stream(size: int = _CHUNK, **_options: object) -> Iterator[bytes]:
            return pieces(raw, size, self._limit, self._body)

        # requests reads all bodies by it: those it passes on and those it throws away
        vars(raw)["stream"] = stream
        return answer


def pieces(raw: BaseHTTPResponse, size: int, limit: int, seconds: float) -> Iterator[bytes]:
    """Read an answer's body as it was sent, not unpacked.

    Parameters
    ----------
    raw : BaseHTTPResponse
        The answer.
    size : int
        Bytes to read at a time.
    limit : int
        Bytes it may have.
    seconds : float
        How long it may take.

    Raises
    ------
    requests.RequestException
        It has more, takes longer, or is cut.
    """
    until = time.monotonic() + seconds
    seen = 0
    while True:
        left = max(until - time.monotonic(), 0.0)
        try:
            piece = within(left, lambda: raw.read(size, decode_content=False))
        except BaseException as error:
            _give_up(raw)
            if isinstance(error, TimeoutError):
                raise requests.ReadTimeout(f"it takes longer than {seconds:.0f} s") from error
            if isinstance(error, (HTTPError, OSError, ValueError)):
                raise requests.ConnectionError(str(error) or type(error).__name__) from error
            raise
        if not piece:
            return
        seen += len(piece)
        if seen > limit:
            _give_up(raw)
            raise requests.ConnectionError(f"it sends more than the {limit} bytes it may")
        yield piece


def _give_up(raw: BaseHTTPResponse) -> None:
    """Close the connection, but cut it first: closing waits for whoever still reads from it."""
    with contextlib.suppress(OSError, ValueError, RuntimeError):
        raw.shutdown()
    raw.close()

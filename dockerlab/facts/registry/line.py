"""The line to a registry, on which no answer may be waited for, or may talk, without end.

A time limit for each read, as sockets have, lets an answer drip for years; and headers, answers
before the answer and what frames a body are read by Python's own HTTP client without a bound on
their number. So each read goes by a `Patience`.
"""

import io
import time
from collections.abc import Mapping
from functools import partial
from socket import socket
from typing import TYPE_CHECKING, Any, cast

import requests
import urllib3
from requests.adapters import HTTPAdapter

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

ANSWER_SECONDS = 60.0
"""How long a registry may keep us waiting in one answer, besides what its bytes are granted."""

_SLOWEST = 4096  # bytes a second: each second's worth of a body is granted another second
_FRAME = 1 << 20  # bytes of an answer besides its body: headers, sizes of chunks, trailers


class Patience:
    """Counts how long was waited, and what came besides the bodies of answers.

    Only the waiting counts: what is done between two reads is not the registry's fault.

    Parameters
    ----------
    whole : float, optional
        Seconds for all answers together.
    """

    def __init__(self, whole: float | None = None) -> None:
        self._whole = float("inf") if whole is None else whole
        self._answer = 0.0
        self._frame = 0

    def begin(self) -> None:
        """Begin to wait for another answer."""
        self._answer = ANSWER_SECONDS
        self._frame = 0

    def left(self) -> float:
        """Return for how many seconds more to wait.

        Raises
        ------
        TimeoutError
            There are none.
        """
        left = min(self._answer, self._whole)
        if left <= 0:
            raise TimeoutError("timed out")
        return left

    def came(self, size: int, seconds: float) -> None:
        """Count what a read brought, in bytes, and how long it took.

        Raises
        ------
        OSError
            More came than frames any body.
        """
        self._answer -= seconds
        self._whole -= seconds
        self._frame += size
        if self._frame > _FRAME:
            raise OSError("an answer without end")

    def was_body(self, size: int) -> None:
        """Count bytes as those of a body, for which waiting is worth while."""
        self._answer += size / _SLOWEST
        self._frame -= size


class PatientAdapter(HTTPAdapter):
    """Makes connections that go by a patience."""

    def __init__(self, patience: Patience) -> None:
        super().__init__()
        self._patience = patience

    def get_connection_with_tls_context(
        self,
        request: requests.PreparedRequest,
        verify: bool | str | None,
        proxies: Mapping[str, str] | None = None,
        cert: tuple[str, str] | str | None = None,
    ) -> Any:  # noqa: ANN401 - `requests` has no better type for it
        """Return a pool whose connections are patient."""
        pool: Any = super().get_connection_with_tls_context(request, verify, proxies, cert)
        # asked for before each request
        self._patience.begin()
        secure = isinstance(pool, urllib3.HTTPSConnectionPool)
        kind = _SecureConnection if secure else _Connection
        pool.ConnectionCls = partial(kind, patience=self._patience)
        return pool


class _Connection(urllib3.connection.HTTPConnection):
    def __init__(self, *, patience: Patience, **more: Any) -> None:  # noqa: ANN401 - as they are
        super().__init__(**more)
        self._patience = patience

    def connect(self) -> None:
        super().connect()
        self.sock = cast("socket", _Socket(cast("socket", self.sock), self._patience))


class _SecureConnection(urllib3.connection.HTTPSConnection):
    def __init__(self, *, patience: Patience, **more: Any) -> None:  # noqa: ANN401 - as they are
        super().__init__(**more)
        self._patience = patience

    def connect(self) -> None:
        super().connect()
        self.sock = cast("socket", _Socket(cast("socket", self.sock), self._patience))


class _Socket:
    """A socket, but for the file that answers are read from."""

    def __init__(self, line: socket, patience: Patience) -> None:
        self._socket = line
        self._patience = patience

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a socket has
        return getattr(self._socket, name)

    def makefile(self, *_mode: object) -> io.BufferedReader:
        """Return a file to read from."""
        return io.BufferedReader(_Reading(self._socket, self._patience))


class _Reading(io.RawIOBase):
    def __init__(self, line: socket, patience: Patience) -> None:
        self._socket = line
        self._file = line.makefile("rb", buffering=0)  # keeps the socket open while it is
        self._patience = patience

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        pause = self._socket.gettimeout()
        left = self._patience.left()
        self._socket.settimeout(left if pause is None else min(pause, left))
        began = time.monotonic()
        size = 0
        try:
            size = self._file.readinto(buffer) or 0
        finally:
            self._socket.settimeout(pause)
            self._patience.came(size, time.monotonic() - began)
        return size

    def close(self) -> None:
        self._file.close()
        super().close()

"""Where an archive's bytes come from: a file, or an engine's ``GET /images/{name}/get``."""

import json
import queue
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from http.client import HTTPException, HTTPResponse, IncompleteRead
from pathlib import Path
from urllib.parse import quote

import docker
from docker.transport import UnixHTTPAdapter
from requests.exceptions import RequestException

from dockerlab.errors import EngineError
from dockerlab.facts.archive.fault import ArchiveError
from dockerlab.facts.archive.tape import Chunk
from dockerlab.facts.plain import plain
from dockerlab.language import _

_PIECE = 4 << 20  # bytes asked for at a time; smaller ones cost a switch of threads each
_AHEAD = 5  # pieces that wait to be looked at
Answer = tuple[Iterator[Chunk], Callable[[], None]]
"""An engine's answer as it comes, and what ends it early."""

_PATIENCE = 600.0  # seconds for the next bytes: an engine reads a whole image before it sends some


def file_chunks(path: Path) -> Iterator[Chunk]:
    """Yield a file.

    Raises
    ------
    ArchiveError
        It can't be read.
    """
    try:
        with path.open("rb", buffering=0) as file:
            while piece := file.read(_PIECE):
                yield piece
    except OSError as error:
        raise ArchiveError(
            _("{file} can't be read: {cause}.").format(
                file=plain(path), cause=error.strerror or type(error).__name__
            ),
            _("Give the path of an archive that `docker save` made."),
        ) from error


def is_local(client: docker.DockerClient) -> bool:
    """Tell whether the engine is one of this machine, at a Unix socket."""
    return bool(_unix_socket(client))


def _unix_socket(client: docker.DockerClient) -> str:
    adapter = client.api.get_adapter(client.api.base_url)
    return adapter.socket_path if isinstance(adapter, UnixHTTPAdapter) else ""


@contextmanager
def saved(client: docker.DockerClient, image_id: str) -> Iterator[Iterator[Chunk]]:
    """Have the engine save an image, and yield the archive while it comes.

    It is received in a thread of its own, so that the engine never waits for its reader, and
    over a Unix socket in large pieces, where docker-py takes 32 KiB at a time.

    Raises
    ------
    EngineError
        The engine doesn't answer or breaks off.
    """
    path = f"/v{client.api.api_version}/images/{quote(image_id, safe=':')}/get"
    if socket_path := _unix_socket(client):
        opened = _socket_answer(socket_path, path)
    else:
        opened = _docker_py_answer(client, path)
    with opened as (chunks, stop), closing(_Ahead(chunks, stop)) as ahead:
        yield iter(ahead)


@contextmanager
def _socket_answer(socket_path: str, path: str) -> Iterator[Answer]:
    # HTTP/1.0, because its answer is the archive as it is, without chunk headers in between.
    request = f"GET {path} HTTP/1.0\r\nHost: docker\r\n\r\n"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        try:
            connection.settimeout(_PATIENCE)
            connection.connect(socket_path)
            connection.sendall(request.encode())
        except OSError as error:
            raise _broke_off(error) from error

        def stop() -> None:
            with suppress(OSError):  # the engine closed it first
                connection.shutdown(socket.SHUT_RDWR)

        yield _pieces(connection), stop


def _pieces(connection: socket.socket) -> Iterator[Chunk]:
    try:
        with HTTPResponse(connection, method="GET") as answer:
            answer.begin()
            if answer.status != 200:
                raise _refused(answer.read(1 << 16))
            if answer.chunked or answer.length is not None:
                yield from iter(lambda: answer.read(_PIECE), b"")
                if answer.length:
                    raise IncompleteRead(b"", answer.length)
                return
            yield answer.fp.peek(1)  # what came together with the headers
            _wait_in_the_kernel(connection)
            # One call a piece, which waits until it is full: for every other way Python's lock
            # is taken a dozen times a piece, and the engine waits while another thread has it.
            while piece := connection.recv(_PIECE, socket.MSG_WAITALL):
                yield piece
    except (OSError, HTTPException) as error:
        raise _broke_off(error) from error


def _wait_in_the_kernel(connection: socket.socket) -> None:
    connection.settimeout(None)
    patience = struct.pack("@ll", int(_PATIENCE), int(_PATIENCE % 1 * 1e6))
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, patience)


@contextmanager
def _docker_py_answer(client: docker.DockerClient, path: str) -> Iterator[Answer]:
    url = client.api.base_url + path
    try:
        with client.api.get(url, stream=True, timeout=_PATIENCE) as answer:
            if answer.status_code != 200:
                raise _refused(answer.content[: 1 << 16])
            yield answer.iter_content(_PIECE), answer.close
    except RequestException as error:
        raise _broke_off(error) from error


def _refused(said: bytes) -> EngineError:
    try:
        message = json.loads(said)["message"]
    except (ValueError, KeyError, TypeError):
        message = said.decode("utf-8", "replace")
    return EngineError(_("The engine refused: {said}.").format(said=plain(message)))


def _broke_off(error: Exception) -> EngineError:
    return EngineError(
        _("The engine broke off while it saved the image ({cause}).").format(
            cause=type(error).__name__
        ),
        _("Bring it back with lab.start(…) or `dockerlab engine start`."),
    )


class _Ahead:
    """Runs an iterator in a thread, some pieces ahead of who takes them."""

    def __init__(self, chunks: Iterator[Chunk], stop: Callable[[], None]) -> None:
        self._queue: queue.Queue[Chunk | Exception | None] = queue.Queue(_AHEAD)
        self._stop = stop
        self._wanted = True
        self._thread = threading.Thread(target=self._run, args=(chunks,), daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[Chunk]:
        while (piece := self._queue.get()) is not None:
            if isinstance(piece, Exception):
                raise piece
            yield piece

    def close(self) -> None:
        """Stop, early or not; what was sent already is thrown away."""
        self._wanted = False
        if self._thread.is_alive():
            self._stop()
        while self._thread.is_alive():
            with suppress(queue.Empty):
                self._queue.get(timeout=0.05)

    def _run(self, chunks: Iterator[Chunk]) -> None:
        try:
            for piece in chunks:
                if not self._wanted:
                    break
                self._queue.put(piece)
            self._queue.put(None)
        except Exception as error:  # it is raised where the pieces are taken
            self._queue.put(error)

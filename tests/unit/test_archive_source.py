"""An engine's answer over a Unix socket, however it marks the end of it."""

import random
import socket
import threading
from collections.abc import Callable
from contextlib import suppress

import docker
import pytest

from dockerlab.errors import EngineError
from dockerlab.facts.archive import source

ARCHIVE = random.Random(1).randbytes(9_000_000)
OK = b"HTTP/1.0 200 OK\r\nContent-Type: application/x-tar\r\n"


@pytest.fixture
def engine(tmp_path):
    """A client of what answers each request with the given bytes and hangs up when told."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "socket"))
    listener.listen()
    client = docker.DockerClient(base_url=f"unix://{tmp_path / 'socket'}", version="1.41")
    enough = threading.Event()
    jobs = []

    def answer(said: bytes, hang_up: bool) -> None:
        connection, _address = listener.accept()
        with connection, suppress(OSError):  # the reader may go first
            connection.recv(65536)
            connection.sendall(said)
            if not hang_up:
                enough.wait()

    def answering(said: bytes, hang_up: bool = True) -> docker.DockerClient:
        jobs.append(threading.Thread(target=answer, args=(said, hang_up)))
        jobs[-1].start()
        return client

    yield answering
    enough.set()
    for job in jobs:
        job.join()
    client.close()
    listener.close()


Answering = Callable[..., docker.DockerClient]


def received(client: docker.DockerClient) -> bytes:
    with source.saved(client, "sha256:1") as chunks:
        return b"".join(chunks)


def in_chunks(content: bytes) -> bytes:
    pieces = [content[at : at + 70_000] for at in range(0, len(content), 70_000)]
    return b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in [*pieces, b""])


@pytest.mark.parametrize(
    "said",
    [
        OK + b"\r\n" + ARCHIVE,
        OK + b"Content-Length: %d\r\n\r\n" % len(ARCHIVE) + ARCHIVE,
        OK.replace(b"1.0", b"1.1") + b"Transfer-Encoding: chunked\r\n\r\n" + in_chunks(ARCHIVE),
    ],
    ids=["until it hangs up", "of a length", "chunked"],
)
def test_all_of_an_answer_is_received(engine: Answering, said):
    assert received(engine(said)) == ARCHIVE


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"HTTP",
        OK + b"Content-Length: 9000000\r\n\r\n" + ARCHIVE[:1000],
        OK.replace(b"1.0", b"1.1") + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab",
    ],
)
def test_an_answer_that_is_cut_off(engine: Answering, said):
    with pytest.raises(EngineError, match="broke off"):
        received(engine(said))


@pytest.mark.parametrize("said", [b"", OK + b"\r\n" + ARCHIVE[:5_000_000]])
def test_an_engine_that_falls_silent(engine: Answering, said, monkeypatch):
    monkeypatch.setattr(source, "_PATIENCE", 0.2)
    with pytest.raises(EngineError, match="broke off"):
        received(engine(said, hang_up=False))


def test_an_engine_that_refuses(engine: Answering):
    said = b'HTTP/1.0 404 Not Found\r\n\r\n{"message": "no such image\\u001b[31m"}'
    with pytest.raises(EngineError, match=r"refused: no such image\."):
        received(engine(said))


def test_a_reader_that_stops_early_ends_the_answer(engine: Answering):
    with source.saved(engine(OK + b"\r\n" + ARCHIVE), "sha256:1") as chunks:
        assert len(next(chunks))

"""The registry client against servers that cut, drip, never end, lie and lead astray."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
from test_hub_registry import CONFIG, DOCKER, INDEX, LAYER, MANIFEST, described

from dockerlab.engine.images import CourseImage
from dockerlab.engine.registry import Registry, copy_image
from dockerlab.engine.storage import Storage
from dockerlab.errors import HubError
from dockerlab.facts.registry.manifest import digest_of

# urllib3 leaves the socket of an answer whose head is cut to the garbage collector
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

IMAGE = CourseImage("x", ("latest",), "")
PATHS = {
    "token": "/token",
    "index": "/v2/library/x/manifests/latest",
    "manifest": f"/v2/library/x/manifests/{digest_of(MANIFEST)}",
    "layer": f"/v2/library/x/blobs/{digest_of(LAYER)}",
    "config": f"/v2/library/x/blobs/{digest_of(CONFIG)}",
}
Send = Callable[[socket.socket], None]


def whole(body: bytes, status: str = "200 OK", *more: str) -> bytes:
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *more]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def chunked(body: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    middle = len(body) // 2
    pieces = (body[:middle], body[middle:])
    return head + b"".join(b"%x\r\n%b\r\n" % (len(p), p) for p in pieces) + b"0\r\n\r\n"


class Server:
    """Answers each path with bytes, or with what does something to the connection itself."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.answers: dict[str, bytes | Send] = {
            "token": whole(b'{"token": "open"}'),
            "index": whole(INDEX),
            "manifest": whole(MANIFEST),
            "layer": whole(LAYER),
            "config": whole(CONFIG),
        }
        self.closed = False
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self.closed = True
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while not self.closed:
                peer = self._listener.accept()[0]
                threading.Thread(target=self._answer, args=(peer,), daemon=True).start()

    def _answer(self, peer: socket.socket) -> None:
        with closing(peer), suppress(OSError):
            asked = b""
            while b"\r\n\r\n" not in asked:
                if not (more := peer.recv(65536)):
                    return
                asked += more
            path = asked.split()[1].decode().partition("?")[0]
            name = next((name for name, each in PATHS.items() if each == path), "")
            if name != "token" and b"Bearer open" not in asked:
                realm = f'WWW-Authenticate: Bearer realm="{self.url}/token",service="s",scope="x"'
                peer.sendall(whole(b"", "401 Unauthorized", realm))
                return
            answer = self.answers.get(name, whole(b"", "404 Not Found"))
            if isinstance(answer, bytes):
                peer.sendall(answer)
            else:
                answer(peer)


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


def storage(folder: Path) -> Storage:
    return Storage(folder / "storage", folder / "digests.json", "test")


@contextmanager
def client(server: Server) -> Iterator[Registry]:
    with Registry(server.url, seconds=5, direct=True) as registry:
        yield registry


def copy(registry: Registry, target: Storage) -> None:
    manifest = registry.manifest(IMAGE.repository, "latest", "amd64")
    if manifest is None:
        raise HubError("not there")
    copy_image(registry, target, (IMAGE.repository, manifest), IMAGE.tags)


def survives(server: Server, folder: Path) -> str:
    """Copy the image: it is there whole, or one sentence says why, and no tag is there at all."""
    folder.mkdir()
    target = storage(folder)
    with client(server) as registry:
        said = ""
        try:
            copy(registry, target)
        except HubError as error:
            said = str(error)
    if said:
        assert target.state(IMAGE) == "missing"
        assert target.put() == {}
        assert "\n" not in said
        return said
    assert target.state(IMAGE, thorough=True) == "whole"
    return ""


def test_a_good_server_is_copied_from(server: Server, tmp_path: Path) -> None:
    assert survives(server, tmp_path / "x") == ""
    for name, body in (("index", INDEX), ("layer", LAYER)):
        server.answers[name] = chunked(body)
    assert survives(server, tmp_path / "y") == ""


@pytest.mark.parametrize("pack", [whole, chunked])
@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("token", b'{"token": "open"}'),
        ("index", INDEX),
        ("manifest", MANIFEST),
        ("layer", LAYER),
        ("config", CONFIG),
    ],
)
def test_a_connection_cut_at_any_byte(
    name: str, body: bytes, pack: Callable[[bytes], bytes], server: Server, tmp_path: Path
) -> None:
    answer = pack(body)
    # a cut in the head's last line end, or in what comes after the body, loses nothing
    needed = answer.rindex(body[-5:]) + 5
    for cut in {*range(0, len(answer), 5), *range(len(answer) - 12, len(answer))}:
        server.answers[name] = answer[:cut]
        said = survives(server, tmp_path / str(cut))
        assert said or cut >= needed, cut


def drip(head: bytes, piece: bytes, pause: float = 0.05) -> Send:
    def send(peer: socket.socket) -> None:
        peer.sendall(head)
        for _count in range(600):
            peer.sendall(piece)
            time.sleep(pause)

    return send


ENDLESS = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize("name", ["token", "index", "manifest", "layer", "config"])
@pytest.mark.parametrize(
    "answer",
    [
        (b"", b"H"),
        (b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n"),
        (ENDLESS, b" "),
        (CHUNKS, b"1\r\n \r\n"),
        (CHUNKS + b"1;", b"x"),
        (b"HTTP/1.1 500 No\r\nConnection: close\r\n\r\n", b" "),
        (b"HTTP/1.1 302 Found\r\nLocation: /token\r\nConnection: close\r\n\r\n", b" "),
    ],
)
def test_an_answer_that_drips_ends(
    name: str,
    answer: tuple[bytes, bytes],
    server: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dockerlab.facts.registry.line.ANSWER_SECONDS", 0.2)
    server.answers[name] = drip(*answer)
    started = time.monotonic()
    said = survives(server, tmp_path / "x")
    assert said
    assert time.monotonic() - started < 6


@pytest.mark.parametrize("name", ["token", "index", "manifest", "layer", "config"])
@pytest.mark.parametrize(
    "head", [ENDLESS, b"HTTP/1.1 500 No\r\n\r\n", b"HTTP/1.1 302 Found\r\nLocation: /a\r\n\r\n"]
)
def test_an_answer_without_end_is_left(
    name: str, head: bytes, server: Server, tmp_path: Path
) -> None:
    sent = 0

    def count(peer: socket.socket) -> None:
        nonlocal sent
        peer.sendall(head)
        for _count in range(4096):
            sent += peer.send(b" " * 2**16)

    server.answers[name] = count
    assert survives(server, tmp_path / "x")
    assert sent < 64 * 2**20


TOKENS = [
    b"[]", b"null", b"7", b'"text"', b"{}", b"", b"[" * 100_000, b'{"token": "a\\nb: c"}',
    b'{"token": []}', b'{"token": "\xff"}', b'{"token": "\xe4\xb8\xad"}', b'{"token": 7}',
    b'{"token": "closed"}', b"<html>", b'{"token": null, "access_token": {"a": "b"}}',
]  # fmt: skip


@pytest.mark.parametrize("body", TOKENS)
def test_a_token_that_is_none(body: bytes, server: Server, tmp_path: Path) -> None:
    server.answers["token"] = whole(body)
    assert survives(server, tmp_path / "x")


SELF = {"mediaType": "application/vnd.oci.image.index.v1+json"}
MANIFESTS = [
    b"[]", b"null", b"7", b"{}", b"", b"[" * 100_000, b"\xff", b'{"manifests": 7}',
    b'{"config": null, "layers": null}', json.dumps({**SELF, "manifests": [[]]}).encode(),
    json.dumps({**SELF, "manifests": [{"platform": 7}]}).encode(),
    json.dumps({**SELF, "manifests": [{"platform": {"os": "linux", "architecture": "amd64"},
        "digest": "sha256:../../x", "size": 1}]}).encode(),
    json.dumps({**SELF, "manifests": [{**described(MANIFEST), "size": True,
        "platform": {"os": "linux", "architecture": ["amd64"]}}]}).encode(),
    json.dumps({"mediaType": DOCKER, "config": described(CONFIG), "layers": [7]}).encode(),
    json.dumps({"mediaType": DOCKER, "config": described(CONFIG),
        "layers": [{**described(LAYER), "size": 2**62}]}).encode(),
    json.dumps({"mediaType": DOCKER, "config": described(CONFIG),
        "layers": [{**described(LAYER), "size": 1}]}).encode(),
    json.dumps({"mediaType": DOCKER, "config": described(CONFIG),
        "layers": [{**described(LAYER), "size": len(LAYER) + 1}]}).encode(),
]  # fmt: skip


@pytest.mark.parametrize("body", MANIFESTS)
def test_a_manifest_that_is_none(body: bytes, server: Server, tmp_path: Path) -> None:
    server.answers["index"] = whole(body)
    assert survives(server, tmp_path / "x")


@pytest.mark.parametrize("name", ["token", "index", "manifest", "layer", "config"])
@pytest.mark.parametrize(
    "target",
    [
        "file:///etc/passwd", "/token", "gopher://127.0.0.1/", "http://[", "http://127.0.0.1:99999/",
        "http://127.0.0.1:9/", "", "//", "http://\x00/",
    ],
)  # fmt: skip
def test_led_astray(name: str, target: str, server: Server, tmp_path: Path) -> None:
    """A redirection to a file, in a circle, to nobody, to nonsense."""
    server.answers[name] = whole(b"", "302 Found", f"Location: {target}")
    said = survives(server, tmp_path / "x")
    assert said
    assert "root:" not in said


@pytest.mark.parametrize("name", ["index", "manifest", "layer", "config"])
@pytest.mark.parametrize("length", [0, 1, 10**18, -1, "x", "5, 6"])
def test_a_wrong_length(name: str, length: object, server: Server, tmp_path: Path) -> None:
    body = {"index": INDEX, "manifest": MANIFEST, "layer": LAYER, "config": CONFIG}[name]
    head = f"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
    server.answers[name] = head.encode() + body
    said = survives(server, tmp_path / "x")
    assert said or length in {-1, "x"}  # no length at all: what comes is compared by its digest


@pytest.mark.parametrize("name", ["layer", "config", "manifest"])
def test_other_bytes(name: str, server: Server, tmp_path: Path) -> None:
    body = {"manifest": MANIFEST, "layer": LAYER, "config": CONFIG}[name]
    for place in range(0, len(body), 7):
        other = body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]
        server.answers[name] = whole(other)
        assert survives(server, tmp_path / str(place))


@pytest.mark.parametrize(
    "body", [b"[]", b"null", b"7", b"{}", b'{"tags": 7}', b'{"tags": [7]}', b"x"]
)
def test_a_list_of_names_that_is_none(body: bytes, server: Server) -> None:
    PATHS["tags"] = "/v2/library/x/tags/list"
    server.answers["tags"] = whole(body)
    with client(server) as registry, pytest.raises(HubError):
        registry.tags("library/x")

"""The registry client against servers that want tokens, refuse, and lie."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from dockerlab.engine.registry import Registry
from dockerlab.errors import HubError
from dockerlab.facts.registry.manifest import Descriptor, digest_of

LAYER = b"a layer" * 100
CONFIG = b'{"architecture": "amd64", "config": {"Labels": {"a": "b"}}}'
DOCKER = "application/vnd.docker.distribution.manifest.v2+json"


def described(content: bytes) -> dict[str, object]:
    return {"mediaType": "x", "digest": digest_of(content), "size": len(content)}


MANIFEST = json.dumps(
    {"mediaType": DOCKER, "config": described(CONFIG), "layers": [described(LAYER)]}
).encode()
INDEX = json.dumps(
    {
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [
            {**described(MANIFEST), "platform": {"os": "linux", "architecture": "amd64"}}
        ],
    }
).encode()


class Server(ThreadingHTTPServer):
    """Holds answers by path; where ``token`` is set, gives it out and then insists on it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.answers: dict[str, tuple[int, bytes]] = {
            "/v2/": (200, b"{}"),
            "/v2/library/x/manifests/latest": (200, INDEX),
            f"/v2/library/x/manifests/{digest_of(MANIFEST)}": (200, MANIFEST),
            f"/v2/library/x/blobs/{digest_of(LAYER)}": (200, LAYER),
            f"/v2/library/x/blobs/{digest_of(CONFIG)}": (200, CONFIG),
        }
        self.token = ""
        self.tokens_given = 0


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/token":
            self.server.tokens_given += 1
            assert "scope=repository%3Alibrary%2Fx%3Apull" in self.path
            return self.answer(200, json.dumps({"token": self.server.token}).encode())
        if self.server.token and self.headers["Authorization"] != f"Bearer {self.server.token}":
            challenge = (
                f'Bearer realm="{self.server.url}/token",service="test",'
                'scope="repository:library/x:pull"'
            )
            return self.answer(401, b"", challenge)
        return self.answer(*self.server.answers.get(path, (404, b"")))

    def answer(self, status: int, content: bytes, challenge: str = "") -> None:
        self.send_response(status)
        if challenge:
            self.send_header("WWW-Authenticate", challenge)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def registry(server: Server) -> Iterator[Registry]:
    with Registry(server.url, seconds=5, direct=True) as registry:
        yield registry


def pull(registry: Registry) -> bytes:
    manifest = registry.manifest("library/x", "latest", "amd64")
    assert manifest
    assert b"".join(registry.blob("library/x", manifest.config)) == CONFIG
    return b"".join(registry.blob("library/x", manifest.layers[0]))


def test_an_open_registry_gives_an_image(registry: Registry) -> None:
    assert registry.answers()
    assert pull(registry) == LAYER


def test_a_token_is_asked_for_once(registry: Registry, server: Server) -> None:
    server.token = "secret"
    assert registry.answers()
    assert pull(registry) == LAYER
    assert server.tokens_given == 1


def test_a_token_that_does_not_open_is_a_refusal(registry: Registry, server: Server) -> None:
    server.token = "secret"
    server.answers["/v2/library/x/manifests/latest"] = (401, b"")
    with pytest.raises(HubError, match="refused with status 401"):
        pull(registry)


def test_an_image_that_is_not_there_is_none(registry: Registry) -> None:
    assert registry.manifest("library/y", "latest", "amd64") is None
    assert registry.tags("library/y") == ()


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ((429, b"toomanyrequests"), r"limit of pulls.*bundle load"),
        ((500, b"no space left on device"), "disk filled up"),
        ((503, b""), "status 503"),
        ((200, b"<html>a captive portal</html>"), "no usable manifest"),
        ((200, b"x" * (4 * 2**20 + 1)), "announced|no registry|sense|answer"),
    ],
)
def test_a_bad_answer_is_one_sentence(
    answer: tuple[int, bytes], says: str, registry: Registry, server: Server
) -> None:
    server.answers["/v2/library/x/manifests/latest"] = answer
    with pytest.raises(HubError, match=says) as error:
        pull(registry)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "lie", [lambda content: content[:-1] + b"?", lambda c: c + b"more", lambda c: c[:-1]]
)
def test_other_bytes_than_the_digest_stands_for_are_refused(
    lie: Callable[[bytes], bytes], registry: Registry, server: Server
) -> None:
    server.answers[f"/v2/library/x/blobs/{digest_of(LAYER)}"] = (200, lie(LAYER))
    with pytest.raises(HubError, match=r"other bytes|more than"):
        pull(registry)
    server.answers[f"/v2/library/x/manifests/{digest_of(MANIFEST)}"] = (200, lie(MANIFEST))
    with pytest.raises(HubError, match="another manifest"):
        pull(registry)


def test_nobody_at_the_address_is_one_sentence() -> None:
    with Registry("http://127.0.0.1:9", seconds=2, direct=True) as registry:
        assert not registry.answers()
        with pytest.raises(HubError, match="Nothing listens") as error:
            registry.manifest("library/x", "latest")
        assert "\n" not in str(error.value)
        wanted = Descriptor("x", digest_of(b""), 0)
        with pytest.raises(HubError, match="Nothing listens"):
            list(registry.blob("library/x", wanted))

"""Reading registries: pages, passwords, tokens, indexes; and answers that lie or make no sense."""

import base64
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests
import urllib3

from dockerlab.errors import RegistryError, UnknownNameError, UsageError
from dockerlab.facts import read_registry
from dockerlab.facts.registry.address import plain_name
from dockerlab.facts.registry.connection import Connection
from dockerlab.facts.registry.manifest import digest_of
from dockerlab.facts.registry.refusals import broken

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
Answer = tuple[int, bytes, dict[str, str]]


def blob(content: bytes, size: int = 0) -> dict[str, Any]:
    return {"mediaType": "x", "digest": digest_of(content), "size": size or len(content)}


def image(*layers: bytes) -> bytes:
    fields = {
        "schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": blob(b"config of" + layers[-1]),
        "layers": [blob(layer) for layer in layers],
    }  # fmt: skip
    return json.dumps(fields).encode()


AMD, ARM = image(b"base", b"amd"), image(b"base", b"arm")
PROOF = image(b"attestation")
INDEX = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [
            {**blob(AMD), "platform": {"os": "linux", "architecture": "amd64"}},
            {**blob(ARM), "platform": {"os": "linux", "architecture": "arm64", "variant": "v8"}},
            {
                **blob(PROOF),
                "platform": {"os": "unknown", "architecture": "unknown"},
                "annotations": {
                    "vnd.docker.reference.type": "attestation-manifest",
                    "vnd.docker.reference.digest": digest_of(AMD),
                },
            },
            {**blob(b"not here"), "platform": {"os": "linux", "architecture": "s390x"}},
        ],
    }
).encode()


class Server(ThreadingHTTPServer):
    """A registry of made-up answers; with a password it wants that one, or a token for it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server_address[1]}"
        self.answers: dict[str, Answer] = {
            "/v2/": (200, b"{}", {}),
            "/v2/_catalog?n=100": (200, b'{"repositories": ["team/app", "team/tool"]}', {}),
            "/v2/team/app/tags/list?n=1000": (200, b'{"tags": ["latest", "1.0", "one"]}', {}),
            "/v2/team/tool/tags/list?n=1000": (200, b'{"tags": null}', {}),
        }
        for reference, content in (
            ("1.0", INDEX), ("latest", INDEX), ("one", AMD), (digest_of(AMD), AMD),
            (digest_of(ARM), ARM), (digest_of(PROOF), PROOF),
        ):  # fmt: skip
            self.manifest("team/app", reference, content)
        self.basic = ""
        self.token = ""
        self.realm = f"http://{self.address}/token"
        self.asked: list[tuple[str, str]] = []

    def manifest(self, repository: str, reference: str, content: bytes) -> None:
        kind = OCI_INDEX if content == INDEX else OCI_MANIFEST
        path = f"/v2/{repository}/manifests/{reference}"
        self.answers[path] = (200, content, {"Content-Type": kind})


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        given = self.headers.get("Authorization", "")
        self.server.asked.append((self.path, given))
        if self.path.startswith("/token"):
            right = given == self.server.basic
            token = json.dumps({"token": self.server.token}).encode()
            return self.answer((200, token, {}) if right else (401, b"", {}))
        if self.server.token:
            challenge = f'Bearer realm="{self.server.realm}",service="s",scope="repository:x:pull"'
            wanted = f"Bearer {self.server.token}"
        else:
            challenge, wanted = 'Basic realm="r"', self.server.basic
        if wanted and given != wanted:
            return self.answer((401, b"", {"WWW-Authenticate": challenge}))
        return self.answer(self.server.answers.get(self.path, (404, b"{}", {})))

    def answer(self, answer: Answer) -> None:
        status, content, headers = answer
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def test_an_index_with_platforms_and_an_attestation(server: Server) -> None:
    world = read_registry(server.address)
    app, tool = world.repositories
    assert (app.name, app.tags, tool.tags) == ("team/app", 3, 0)
    index, plain = app.targets
    assert (index.kind, index.tags) == ("index", ("1.0", "latest"))
    assert (plain.kind, plain.tags, plain.digest) == ("manifest", ("one",), digest_of(AMD))
    amd, arm, proof, elsewhere = index.manifests
    assert [m.platform for m in index.manifests] == [
        "linux/amd64", "linux/arm64/v8", "", "linux/s390x",
    ]  # fmt: skip
    assert proof.attests == digest_of(AMD)
    assert not amd.attests
    assert not elsewhere.read
    assert [one.kind for one in amd.blobs] == ["config", "layer", "layer"]
    assert world.shared == {digest_of(b"base"): 2}
    assert arm.travels == sum(one.size for one in arm.blobs)


def test_each_manifest_is_asked_for_once(server: Server) -> None:
    read_registry(server.address)
    digests = [path for path, _given in server.asked if "sha256:" in path]
    assert len(digests) == len(set(digests))


def test_one_repository_and_one_tag(server: Server) -> None:
    world = read_registry(server.address, "team/app:one")
    assert [target.tags for target in world.repositories[0].targets] == [("one",)]
    assert world.pages == 0
    assert read_registry(server.address, f"{server.address}/team/app").repositories[0].tags == 3
    with pytest.raises(UnknownNameError, match="did you mean 'team/app'"):
        read_registry(server.address, "team/ap")
    with pytest.raises(UnknownNameError, match="did you mean 'latest'"):
        read_registry(server.address, "team/app:lastest")
    with pytest.raises(UnknownNameError, match="3 other tags"):
        read_registry(server.address, "team/app:zzz")


def test_the_catalogue_has_pages(server: Server) -> None:
    names = [f"team/{letter}" for letter in "abcdef"]
    for page in range(3):
        here = json.dumps({"repositories": names[2 * page : 2 * page + 2]}).encode()
        path = f"/v2/_catalog?last={names[2 * page - 1]}&n=100" if page else "/v2/_catalog?n=100"
        following = f"/v2/_catalog?last={names[2 * page + 1]}&n=100"
        # A relative link, a whole one, and one that leads to another host.
        link = (following, f"http://{server.address}{following}", "")[page]
        server.answers[path] = (200, here, {"Link": f'<{link}>; rel="next"'} if link else {})
    world = read_registry(server.address)
    assert [one.name for one in world.repositories] == names
    assert world.pages == 3


def test_a_link_never_leads_to_another_host(server: Server) -> None:
    link = '<http://192.0.2.1/v2/_catalog?last=x&n=100>; rel="next"'
    first = json.dumps({"repositories": ["a"]}).encode()
    server.answers["/v2/_catalog?n=100"] = (200, first, {"Link": link})
    server.answers["/v2/_catalog?last=x&n=100"] = (200, b'{"repositories": ["b"]}', {})
    assert [one.name for one in read_registry(server.address).repositories] == ["a", "b"]


def test_a_catalogue_without_end_is_bounded(server: Server) -> None:
    page = json.dumps({"repositories": ["a"]}).encode()
    link = {"Link": '</v2/_catalog?n=100>; rel="next"'}
    server.answers["/v2/_catalog?n=100"] = (200, page, link)
    assert read_registry(server.address).pages == 100


def test_many_repositories_are_listed_but_not_all_read(server: Server) -> None:
    names = [f"r{number:03}" for number in range(95)]
    server.answers["/v2/_catalog?n=100"] = (200, json.dumps({"repositories": names}).encode(), {})
    world = read_registry(server.address)
    assert len(world.repositories) == 40
    assert len(world.unread) == 55


@pytest.mark.parametrize("token", ["", "given-for-the-password"])
def test_a_password_opens_directly_or_through_a_token(token: str, server: Server) -> None:
    server.basic, server.token = basic("student", "learn"), token
    world = read_registry(server.address, username="student", password="learn")
    assert world.user == "student"
    assert world.repositories[0].tags == 3
    assert "learn" not in repr(world)


@pytest.mark.parametrize("token", ["", "x"])
def test_who_asks_is_wanted(token: str, server: Server) -> None:
    server.basic, server.token = basic("student", "learn"), token
    with pytest.raises(RegistryError, match=r"wants to know who asks.*username=.*docker login"):
        read_registry(server.address)
    with pytest.raises(RegistryError, match="doesn't accept this user name") as error:
        read_registry(server.address, username="student", password="wrong-secret")
    assert "wrong-secret" not in str(error.value)


def test_a_password_is_only_given_when_asked_for(server: Server) -> None:
    read_registry(server.address, username="student", password="learn")
    assert {given for _path, given in server.asked} == {""}


def test_netrc_is_left_alone(
    server: Server, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    read_registry(server.address)
    assert {given for _path, given in server.asked} == {""}


@pytest.mark.parametrize(
    ("path", "answer", "says"),
    [
        ("/v2/", (404, b"<html>", {}), "it is no registry"),
        ("/v2/", (429, b"", {}), "limit of pulls"),
        ("/v2/", (403, b"", {}), "doesn't allow this"),
        ("/v2/", (500, b"out of\x1b[2J order\n", {}), r"status 500: out of order\."),
        ("/v2/", (400, b"Client sent an HTTP request to an HTTPS server.", {}), "wants TLS"),
        ("/v2/_catalog?n=100", (404, b"", {}), "doesn't list its repositories.*repository="),
        ("/v2/_catalog?n=100", (401, b"", {}), "wants to know.*list their repositories to nobody"),
        ("/v2/_catalog?n=100", (200, b"<html>portal</html>", {}), "makes no sense"),
        ("/v2/_catalog?n=100", (200, b"[1]", {}), "makes no sense"),
        ("/v2/_catalog?n=100", (200, b"[" * 100_000, {}), "makes no sense"),
        ("/v2/_catalog?n=100", (200, b" " * (4 * 2**20 + 1), {}), "makes no sense"),
    ],
)
def test_a_bad_answer_is_one_sentence(path: str, answer: Answer, says: str, server: Server) -> None:
    server.answers[path] = answer
    with pytest.raises(RegistryError, match=says) as error:
        read_registry(server.address)
    assert "\n" not in str(error.value)


def test_what_cannot_be_read_of_one_repository_does_not_hide_the_others(server: Server) -> None:
    server.answers["/v2/team/app/tags/list?n=1000"] = (403, b"", {})
    app, tool = read_registry(server.address).repositories
    assert "doesn't allow" in app.note
    assert tool.name == "team/tool"


def test_a_manifest_that_is_not_the_one_its_digest_names(server: Server) -> None:
    server.manifest("team/app", digest_of(AMD), ARM)
    index = read_registry(server.address, "team/app:1.0").repositories[0].targets[0]
    assert [one.read for one in index.manifests] == [False, True, True, False]


@pytest.mark.parametrize(
    "content",
    [
        b'{"mediaType": "%s", "config": [], "layers": {"a": 1}}' % OCI_MANIFEST.encode(),
        b'{"mediaType": "%s", "manifests": "many"}' % OCI_INDEX.encode(),
        b'{"mediaType": "%s", "manifests": [{"digest": 5, "platform": "x", "annotations": 1}]}'
        % OCI_INDEX.encode(),
        b'{"mediaType": "%s", "layers": [{"digest": "a", "size": -5}, 7]}' % OCI_MANIFEST.encode(),
        b'{"mediaType": "application/vnd.oci.artifact"}',
        b"{}",
    ],
)
def test_odd_manifests_are_shown_as_far_as_they_go(content: bytes, server: Server) -> None:
    server.manifest("team/app", "one", content)
    (target,) = read_registry(server.address, "team/app:one").repositories[0].targets
    assert all(blob.size >= 0 for one in target.manifests for blob in one.blobs)


@pytest.mark.parametrize(
    "address", ["", "a b", "ftp://x", "http://", "x/y", "http://user:pass@host", "x?y", "-\n"]
)
def test_no_address(address: str) -> None:
    with pytest.raises(UsageError, match="no address of a registry"):
        read_registry(address)


@pytest.mark.parametrize("name", ["Upper", "../up", "a b", "a//b/", "x@sha256:5", "a?b", "a:b:c"])
def test_no_repository(name: str, server: Server) -> None:
    with pytest.raises(UsageError, match="no name of a repository"):
        read_registry(server.address, name)


def test_names_in_full() -> None:
    hub = "https://registry-1.docker.io"
    assert plain_name("nginx:1", hub) == "library/nginx:1"
    assert plain_name("docker.io/team/app", hub) == "team/app"
    assert plain_name("nginx", "http://127.0.0.1:5000") == "nginx"


def test_nobody_there() -> None:
    with pytest.raises(RegistryError, match=r"Nothing listens at 127\.0\.0\.1:9\."):
        read_registry("127.0.0.1:9")


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: requests.exceptions.ConnectTimeout("x"), "in time"),
        (lambda: requests.exceptions.ProxyError("x"), "proxy"),
        (lambda: requests.exceptions.ConnectionError("Failed to resolve 'x'"), "no machine called"),
        (lambda: requests.exceptions.SSLError("certificate has expired"), "expired"),
        (lambda: requests.exceptions.SSLError("CERTIFICATE_VERIFY_FAILED: Hostname mismatch"),
         "another name"),
        (lambda: requests.exceptions.SSLError("handshake failure"), "No secure connection"),
        (lambda: requests.exceptions.ConnectionError("reset\x1b[31m\nby peer"),
         r"can't be reached: reset by peer\."),
    ],
)  # fmt: skip
def test_failures_in_plain_words(make: Callable[[], Exception], says: str) -> None:
    error = broken("https://reg.example", make())
    assert isinstance(error, RegistryError)
    with pytest.raises(RegistryError, match=says):
        raise error


def test_half_a_password(server: Server) -> None:
    with pytest.raises(UsageError, match="belong together"):
        read_registry(server.address, username="student")


@pytest.mark.parametrize("token", ["", "given-for-the-password"])
def test_a_redirect_is_followed_without_password_and_token(token: str, server: Server) -> None:
    server.basic, server.token = basic("student", "learn"), token
    with Server() as other:
        thread = threading.Thread(target=other.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        path = "/v2/team/app/tags/list?n=1000"
        server.answers[path] = (307, b"", {"Location": f"http://{other.address}{path}"})
        read = read_registry(server.address, username="student", password="learn")
        assert read.repositories[0].tags == 3
        # nor does that host get the password by asking for it
        other.basic = basic("student", "learn")
        read = read_registry(server.address, username="student", password="learn")
        assert "doesn't accept" in read.repositories[0].note
        assert other.asked
        assert {given for _path, given in other.asked} == {""}
        other.shutdown()
        thread.join()


def test_a_redirect_is_not_followed_from_tls_to_plain_http(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answered(*_arguments: object, **_more: object) -> requests.Response:
        answer = requests.Response()
        answer.status_code = 302
        answer.headers["Location"] = f"http://{server.address}/v2/"
        answer.raw = urllib3.HTTPResponse()
        return answer

    with Connection("https://127.0.0.1:5000") as connection:
        monkeypatch.setattr(connection.session, "request", answered)
        with pytest.raises(RegistryError, match=r"sends on to 'http://.*not followed"):
            connection.ask("GET", "/v2/")
    assert not server.asked

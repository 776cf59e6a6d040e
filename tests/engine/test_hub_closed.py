"""The hub takes nothing from anybody, and knows what was put there."""

import hashlib
import json
import os
import random
import shutil
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import docker
import psutil
import pytest
import requests
from hubs import held, hub_in, running
from ordinary_user import User, ordinary_user

from dockerlab.engine import Engine, bundle, embedded
from dockerlab.engine.fill import fill
from dockerlab.engine.hub import Hub
from dockerlab.engine.images import COURSE_IMAGES, course_image
from dockerlab.engine.places import Places
from dockerlab.engine.stock import stock
from dockerlab.engine.storage import known_digests
from dockerlab.errors import HubError

pytestmark = pytest.mark.engine
SMALL = (course_image("busybox"), course_image("hello-world"))
# asks in every way in which a registry can be written to, without a password and with guesses
ATTACK = r"""
import base64, http.client, sys
host, digest, blob = sys.argv[1:]
body = b"evil"
tries = [
    ("POST", "/v2/library/busybox/blobs/uploads/", b""),
    ("POST", f"/v2/library/busybox/blobs/uploads/?mount={blob}&from=library/hello-world", b""),
    ("POST", f"/v2/library/busybox/blobs/uploads/?digest={blob}", body),
    ("PATCH", "/v2/library/busybox/blobs/uploads/1f6b6ea6-7f3a-4a0c-9a53-4d7d6a5f7c11", body),
    ("PUT", f"/v2/library/busybox/blobs/uploads/1f6b6ea6-7f3a-4a0c-9a53-4d7d6a5f7c11?digest={blob}",
     body),
    ("PUT", "/v2/library/busybox/manifests/latest", body),
    ("PUT", f"/v2/library/busybox/manifests/{digest}", body),
    ("DELETE", "/v2/library/busybox/manifests/latest", b""),
    ("DELETE", f"/v2/library/busybox/manifests/{digest}", b""),
    ("DELETE", f"/v2/library/busybox/blobs/{blob}", b""),
    ("DELETE", "/v2/library/busybox/blobs/uploads/1f6b6ea6-7f3a-4a0c-9a53-4d7d6a5f7c11", b""),
]
for secret in (None, "admin:admin", "dockerlab:dockerlab", ":"):
    head = {"Content-Type": "application/vnd.docker.distribution.manifest.v2+json"}
    if secret:
        head["Authorization"] = "Basic " + base64.b64encode(secret.encode()).decode()
    for method, path, content in tries:
        line = http.client.HTTPConnection(host, timeout=10)
        line.request(method, path, content, head)
        answer = line.getresponse()
        answer.read()
        print(method, path, answer.status)
"""


@pytest.fixture(scope="module")
def source(places: Places) -> Hub:
    stock(places)
    hub = embedded.hub(places)
    hub.start()
    return hub


@pytest.fixture(scope="module")
def stranger() -> Iterator[User]:
    if os.geteuid() != 0:
        pytest.skip("only root can make the user for this")
    with ordinary_user() as user:
        yield user


@pytest.fixture
def hub(places: Places, tmp_path: Path) -> Iterator[Hub]:
    with running(hub_in(places, tmp_path)) as hub:
        yield hub


def refill(hub: Hub, source: Hub, images: tuple = SMALL, **options: object) -> dict[str, str]:
    filled = fill(hub, None, images, mirror=f"http://{source.address.host}", **options)
    return {each.image.name: each.origin for each in filled}


def everything(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def attack(run: Callable[..., "subprocess.CompletedProcess[str]"], hub: Hub, source: Hub) -> None:
    digest = held(source)["busybox"].digest
    said = run(sys.executable, "-c", ATTACK, hub.address.host, digest, digest)
    assert said.returncode == 0, said.stderr
    answers = said.stdout.splitlines()
    assert len(answers) == 44
    for line in answers:  # there is no upload that could be gone on with
        assert line.split()[2] in (("404", "405") if "uploads/1f6b" in line else ("405",)), line


def test_another_user_can_neither_write_nor_delete(hub: Hub, source: Hub, stranger: User) -> None:
    refill(hub, source)
    before = everything(hub.folder)
    attack(stranger.runs, hub, source)
    for file in (hub.storage, hub.folder / "digests.json", hub.log):
        assert stranger.runs("cat", file).returncode != 0
        assert stranger.runs("ls", file).returncode != 0
    assert everything(hub.folder) == before
    said = stranger.runs(
        sys.executable, "-c",
        "import sys, urllib.request as u; print(u.urlopen(sys.argv[1]).status)",
        f"http://{hub.address.host}/v2/library/busybox/manifests/latest",
    )  # fmt: skip
    assert said.stdout == "200\n", "it may be read by all"


def test_nor_while_it_is_filled(hub: Hub, source: Hub, stranger: User) -> None:
    """Nothing listens beside the hub itself, at any step of a filling."""
    steps = []

    def look(label: str, *_numbers: object) -> None:
        if label not in steps:
            steps.append(label)
            ours = [p for p in psutil.process_iter() if str(hub.folder.parent) in _words(p)]
            ports = [c.laddr for p in (*ours, psutil.Process()) for c in _listeners(p)]
            assert [port.port for port in ports] == [int(hub.address.host.partition(":")[2])]
            attack(stranger.runs, hub, source)

    refill(hub, source, progress=look)
    assert len(steps) >= 3
    assert {hub.storing().state(image, thorough=True) for image in SMALL} == {"whole"}


def _words(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def _listeners(process: psutil.Process) -> list:
    return [c for c in process.net_connections("tcp") if c.status == "LISTEN"]


def test_a_container_can_not_reach_it_or_only_read(
    source: Hub, engine: Engine, client: docker.DockerClient, docker_cli: Callable[..., str]
) -> None:
    """From a network of its own a container reaches nothing; from the host's it may read."""
    docker_cli("pull", "busybox")
    port = source.address.host.partition(":")[2]
    gateways = [
        config["Gateway"]
        for config in client.networks.get("bridge").attrs["IPAM"]["Config"]
        if "Gateway" in config
    ]
    ours = {a.address for each in psutil.net_if_addrs().values() for a in each if a.family == 2}
    places = {*gateways, *ours, "10.0.2.2", "172.17.0.1"}
    # the network around this machine may accept any connection: what counts is who answers
    ask = 'for a in $0; do printf "$1" | nc -w 2 $a $2 2> /dev/null; done; :'
    get = "GET /v2/ HTTP/1.0\r\n\r\n"
    command = ["sh", "-c", ask, " ".join(places), get, port]
    said = client.containers.run("busybox", command, remove=True)
    assert b"X-Dockerlab-Hub" not in said
    said = client.containers.run("busybox", command, network_mode="host", remove=True)
    assert b"X-Dockerlab-Hub" in said
    before = everything(source.folder)
    evil = "POST /v2/library/busybox/blobs/uploads/ HTTP/1.0\r\nContent-Length: 0\r\n\r\n"
    said = client.containers.run(
        "busybox", ["sh", "-c", f'printf "$0" | nc -w 3 127.0.0.1 {port}', evil],
        network_mode="host", remove=True,
    )  # fmt: skip
    assert b" 405 " in said.splitlines()[0]
    assert everything(source.folder) == before


def test_docker_push_is_refused(source: Hub, docker_cli: Callable[..., str]) -> None:
    docker_cli("pull", "busybox")
    name = f"{source.address.host}/library/busybox:evil"
    docker_cli("tag", "busybox", name)
    try:
        done = subprocess.run(["docker", "push", name], capture_output=True, text=True, check=False)
        assert done.returncode != 0
    finally:
        docker_cli("rmi", name)


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o777 & ~0o700])
def test_all_of_it_is_its_users_alone(
    mask: int, source: Hub, places: Places, tmp_path: Path
) -> None:
    before = os.umask(mask)
    try:
        with running(hub_in(places, tmp_path)) as hub:
            refill(hub, source)
            for path in (hub.folder, *hub.folder.rglob("*"), hub.log.parent, hub.log):
                if path.name != bundle.WORK_LOCK:
                    assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)
    finally:
        os.umask(before)


FILL = """
import sys; from pathlib import Path; sys.path.insert(0, sys.argv[1])
from hubs import hub_in; from dockerlab.engine.places import Places
from dockerlab.engine.fill import fill
from dockerlab.engine.images import COURSE_IMAGES
hub = hub_in(Places.from_environment(), Path(sys.argv[2]))
print("begins", flush=True)
fill(hub, None, COURSE_IMAGES, mirror=sys.argv[3])
"""


def test_a_killed_filling_leaves_nothing_half(source: Hub, hub: Hub, tmp_path: Path) -> None:
    chance = random.Random(8)
    command = [sys.executable, "-c", FILL, str(Path(__file__).parent), str(tmp_path),
               f"http://{source.address.host}"]  # fmt: skip
    kills = 0
    for _count in range(16):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as job:
            assert job.stdout
            job.stdout.readline()
            time.sleep(chance.uniform(0, 0.3))
            kills += job.poll() is None
            job.kill()
        served_whole(hub)
        if hub.storing().state(COURSE_IMAGES[-1]) == "whole":  # begin again
            shutil.rmtree(hub.storage)
    assert kills >= 8
    refill(hub, source, COURSE_IMAGES)
    assert {hub.storing().state(image, thorough=True) for image in COURSE_IMAGES} == {"whole"}
    left = {each.name for each in hub.folder.iterdir()}
    assert left == {"storage", "digests.json", bundle.WORK_LOCK}


def served_whole(hub: Hub) -> None:
    """What the registry offers by a tag it gives to the last byte."""
    with hub.registry() as registry:
        for name in registry.repositories():
            for tag in registry.tags(name):
                manifest = registry.manifest(name, tag)
                assert manifest
                for blob in manifest.blobs:
                    for _chunk in registry.blob(name, blob):
                        pass


class Cut(ThreadingHTTPServer):
    """A registry whose line is cut for good after so many bytes, in an answer or between two."""

    daemon_threads = True

    def __init__(self, behind: str, left: int) -> None:
        super().__init__(("127.0.0.1", 0), Relay)
        self.behind = behind
        self.left = left


class Relay(BaseHTTPRequestHandler):
    server: Cut

    def do_GET(self) -> None:
        asked = {"Accept": self.headers.get("Accept", "*/*")}
        url = f"http://{self.server.behind}{self.path}"
        with requests.get(url, headers=asked, timeout=10) as found:
            head = f"HTTP/1.1 {found.status_code} OK\r\nConnection: close\r\n"
            for name in ("Content-Type", "Content-Length"):
                head += f"{name}: {found.headers[name]}\r\n"
            answer = head.encode() + b"\r\n" + found.content
        sent = answer[: self.server.left]
        self.server.left -= len(sent)
        self.wfile.write(sent)
        self.close_connection = True

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.mark.parametrize(
    "after", [300, 700, 1_000, 3_000, 400_000, 1_100_000, 5_000_000, 20_000_000, 35_000_000]
)
def test_a_line_that_is_cut_leads_to_the_next_source(
    after: int, source: Hub, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "bundle.tar"
    with source.registry() as registry:
        bundle.save(registry, file)
    trusted = bundle.Trusted(file, hashlib.sha256(file.read_bytes()).hexdigest())
    with Cut(source.address.host, after) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        there = f"http://127.0.0.1:{server.server_address[1]}"
        monkeypatch.setattr("dockerlab.engine.fill.DOCKER_HUB", there)
        origins = [each.origin for each in fill(hub, None, bundle=trusted)]
        server.shutdown()
    assert set(origins) <= {"registry", "bundle"}
    assert "bundle" in origins
    assert ("registry" in origins) == (after >= 1_100_000)
    assert {hub.storing().state(image, thorough=True) for image in COURSE_IMAGES} == {"whole"}
    served_whole(hub)


def damages(file: Path) -> Iterator[Callable[[], object]]:
    content = file.read_bytes()
    middle = len(content) // 2
    flipped = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
    for other in (b"", content[:-1], flipped, content + b"x", b"[]", b"null"):
        yield lambda other=other: file.write_bytes(other)
    yield file.unlink
    yield lambda: (file.unlink(), file.mkdir())


def test_every_damage_is_found_named_and_made_good(source: Hub, hub: Hub) -> None:
    refill(hub, source)
    good = everything(hub.folder)
    tries = found = 0
    for name in good:
        if name == bundle.WORK_LOCK or "/index/" in name:
            continue
        for damage in damages(hub.folder / name):
            damage()
            tries += 1
            states = {hub.storing().state(image) for image in SMALL}
            assert states != {"whole"}, name
            if "changed" in states:
                found += 1
                with pytest.raises(HubError, match=r"not as dockerlab put it there: "):
                    fill(hub, None, SMALL, mirror="http://127.0.0.1:9")
            refill(hub, source)
            assert everything(hub.folder) == good, name
    assert tries > 100
    assert found > tries / 2


def test_a_byte_that_no_program_changed_is_found_by_a_thorough_look(source: Hub, hub: Hub) -> None:
    """As by a disk that wears out: neither size nor time tells."""
    refill(hub, source)
    blob = max(hub.storage.rglob("data"), key=lambda path: path.stat().st_size)
    content = bytearray(blob.read_bytes())
    content[1000] ^= 1
    blob.write_bytes(content)
    os.utime(blob, ns=(0, 0))
    assert refill(hub, source)["busybox"] == "hub"
    assert refill(hub, source, thorough=True)["busybox"] == "registry"
    assert hub.storing().state(SMALL[0], thorough=True) == "whole"


def test_another_image_under_the_name_has_no_origin_and_is_replaced(source: Hub, hub: Hub) -> None:
    """What happened when the hub still took pushes."""
    refill(hub, source)
    tags = hub.storage / "docker/registry/v2/repositories/library"
    ours, other = (
        tags / f"{name}/_manifests/tags/latest/current/link" for name in ("busybox", "hello-world")
    )
    right = ours.read_text()
    ours.write_text(other.read_text())
    with hub.registry() as registry:
        assert registry.tags("library/busybox") == ("latest",)
    assert held_origin(hub, "hello-world")
    assert not held_origin(hub, "busybox")
    assert refill(hub, source) == {"busybox": "registry", "hello-world": "hub"}
    assert ours.read_text() == right
    assert held_origin(hub, "busybox")


def held_origin(hub: Hub, name: str) -> str:
    try:
        return held(hub)[name].origin
    except (HubError, KeyError):
        return ""


def test_a_hub_without_a_record_is_filled_again(source: Hub, hub: Hub) -> None:
    refill(hub, source)
    (hub.folder / "digests.json").unlink()
    assert [image.origin for image in held(hub).values()] == ["", ""]
    assert refill(hub, source) == {"busybox": "registry", "hello-world": "registry"}


def test_known_digests_are_the_ids_on_both_stores(
    source: Hub,
    places: Places,
    engine: Engine,
    client: docker.DockerClient,
    docker_cli: Callable[..., str],
) -> None:
    known = known_digests(places)
    assert set(known) == {name for image in COURSE_IMAGES for name in image.references}
    for name, digests in known.items():
        docker_cli("pull", name)
        assert client.images.get(name).id in digests
        assert len(digests) == 2


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"null", b"7", b"{}", b"{", b"\xff\xfe", b"[" * 100_000, b'{"busybox:latest": 7}',
     b'{"busybox:latest": {"manifest": 7, "config": null}}', b'{"a": {"manifest": "sha256:x"}}',
     b'{"": []}', b"x" * 5_000_000],
)  # fmt: skip
def test_known_digests_never_raise(content: bytes, tmp_path: Path) -> None:
    places = Places(tmp_path, "x")
    assert known_digests(places) == {}
    places.hub.mkdir()
    (places.hub / "digests.json").write_bytes(content)
    assert known_digests(places) == {}


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"null", b"7", b"{", b"\xff", b"[" * 100_000, b'{"port": 70000}', b'{"port": -1}',
     b'{"port": 0}', b'{"port": null}', b'{"port": "5051"}', b'{"port": 1e99}', b'{"port": [1]}',
     b'{"port": true}', b'{"port": 99999999999999999999}', b'{"port": {}}', None],
)  # fmt: skip
def test_a_damaged_note_of_the_port_is_repaired(
    content: bytes | None, places: Places, tmp_path: Path
) -> None:
    hub = hub_in(places, tmp_path)
    note = tmp_path / "home/hub.json"
    note.parent.mkdir()
    note.write_bytes(content) if content is not None else note.mkdir()
    with running(hub):
        port = int(hub.address.host.partition(":")[2])
        assert json.loads(note.read_text()) == {"port": port}
        assert requests.get(f"http://{hub.address.host}/v2/", timeout=5).status_code == 200


@pytest.mark.parametrize("content", ["[]", "null", '{"http": 7}', '{"http": {"addr": []}}',
                                     '{"http": {"addr": "x:y", "headers": 7}}'])  # fmt: skip
def test_a_damaged_configuration_is_replaced(content: str, hub: Hub, tmp_path: Path) -> None:
    before = hub.status().pid
    (tmp_path / "run/hub.yml").write_text(content)
    assert not hub.status().running
    hub.start()
    assert hub.status().running
    assert before
    assert not psutil.pid_exists(before)

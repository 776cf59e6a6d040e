"""The door over TCP answers two questions and no other, and shuts."""

import contextlib
import socket
import time

import docker
import pytest
import requests

from dockerlab.course.door import tcp_door

pytestmark = pytest.mark.engine


def test_the_same_engine_answers_over_tcp(client):
    with tcp_door(client) as address:
        over_tcp = docker.DockerClient(base_url=address, version="auto")
        assert over_tcp.version() == client.version()
        over_tcp.close()


def test_the_docker_command_takes_it(client, docker_cli):
    with tcp_door(client) as address:
        shown = docker_cli("--host", address, "version", "--format", "{{.Server.Version}}")
    assert shown.strip() == client.version()["Version"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1.41/containers/json"),
        ("GET", "/info"),
        ("GET", "/version/../info"),
        ("GET", "/images/x/../../info?/version"),
        ("POST", "/v1.41/containers/create"),
        ("DELETE", "/v1.41/images/version"),
        ("GET", "/containers/json#/version"),
        ("GET", "/containers/json?/version"),
        ("GET", "/version?x=/version"),
        ("GET", "/v1.41/../containers/version"),
        ("GET", "/containers/json%23/version"),
        ("GET", "/version/"),
        ("GET", "/v1.41\\..\\version"),
        ("HEAD", "/images/json/_ping"),
    ],
)
def test_nothing_else_passes(client, method, path):
    with tcp_door(client) as address:
        place = address.replace("tcp://", "http://")
        asked = requests.Request(method, place).prepare()
        asked.url = place + path  # not tidied up by requests
        with requests.Session() as session:
            answer = session.send(asked, timeout=10)
    assert answer.status_code in (403, 501)


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (b"GET http://engine/version HTTP/1.1\r\n\r\n", b"403"),
        (b"GET /version HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody", b"403"),
        (b"GET /version HTTP/1.1\r\ncontent-length: 4\r\n\r\nbody", b"403"),
        (b"GET /version HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"403"),
        (b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n", b"414"),
        (b"GET /version HTTP/1.1\r\n" + b"X: y\r\n" * 1000 + b"\r\n", b"431"),
        (b"GET /_ping HTTP/1.1\r\n\r\nGET /containers/json HTTP/1.1\r\n\r\n", b"200"),
    ],
)
def test_what_is_written_by_hand_passes_no_further(client, asked, status):
    with tcp_door(client) as address:
        port = int(address.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=10) as peer:
            peer.sendall(asked)
            said = b""
            with contextlib.suppress(ConnectionResetError):
                while piece := peer.recv(65536):
                    said += piece
    assert said.split()[1] == status
    assert said.count(b"HTTP/1.") == 1, "a second question was answered"


def test_clients_that_drip_are_hung_up_on_and_keep_nobody_out(client):
    with tcp_door(client) as address, contextlib.ExitStack() as stack:
        port = int(address.rpartition(":")[2])
        peers = [
            stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
            for _each in range(50)
        ]
        begun = time.monotonic()
        left = list(peers)
        while left and time.monotonic() < begun + 15:
            for peer in list(left):
                try:
                    peer.sendall(b"G")
                except OSError:
                    left.remove(peer)
            asked = requests.get(f"http://127.0.0.1:{port}/_ping", timeout=5)
            assert asked.status_code == 200
            time.sleep(0.5)
        assert not left


def test_it_is_shut_afterwards(client):
    with tcp_door(client) as address:
        pass
    with pytest.raises(requests.ConnectionError):
        requests.get(address.replace("tcp://", "http://") + "/_ping", timeout=5)

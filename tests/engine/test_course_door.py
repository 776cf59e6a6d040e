"""The door over TCP answers two questions and no other, and shuts."""

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


def test_it_is_shut_afterwards(client):
    with tcp_door(client) as address:
        pass
    with pytest.raises(requests.ConnectionError):
        requests.get(address.replace("tcp://", "http://") + "/_ping", timeout=5)

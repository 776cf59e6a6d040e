"""A port that a chapter publishes is this machine's alone, whoever is on the same network."""

import time
from ipaddress import ip_address

import psutil
import pytest
from machine import says_hello

pytestmark = [pytest.mark.engine, pytest.mark.every_engine]

PREFIX = "published"
WEB = ["sh", "-c", "mkdir /www; echo hello > /www/index.html; httpd -f -p 80 -h /www"]


def listeners(port):
    return {
        one.laddr.ip
        for one in psutil.net_connections("tcp")
        if one.status == psutil.CONN_LISTEN and one.laddr.port == port
    }


def answers(port):
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            return says_hello(port)
        except OSError:
            time.sleep(0.1)
    return False


@pytest.mark.parametrize("network", ["bridge", "own"])
def test_it_is_open_on_loopback_alone(cli, client, network):
    if network == "own":
        if client.version()["Version"].startswith("20."):
            pytest.skip("NOT RUN: 20.10 has no such setting for networks of one's own")
        cli("network", "create", f"{PREFIX}-net")
    name = f"{PREFIX}-{network}"
    attached = ["--network", f"{PREFIX}-net"] if network == "own" else []
    try:
        cli("run", "-d", "--name", name, "-p", "80", *attached, "busybox", *WEB)
        bindings = client.containers.get(name).ports["80/tcp"]
        port = int(bindings[0]["HostPort"])
        assert answers(port)
        assert {each["HostIp"] for each in bindings} == {"127.0.0.1"}
        assert all(ip_address(each).is_loopback for each in listeners(port))
    finally:
        cli("rm", "-f", name)
        if network == "own":
            cli("network", "rm", f"{PREFIX}-net")

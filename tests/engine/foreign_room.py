"""A network with a user's own Docker in it, and ours beside it; see test_embedded_foreign.py.

The foreign dockerd has what Debian gives it: the default bridge docker0, the real iptables and
the usual chains. Only its folders are elsewhere. It runs without the userland proxy, so that its
published ports depend on its rules alone.
"""

import json
import os
import re
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import docker
import psutil
import pytest
from machine import (
    IMAGE,
    SLEEP,
    client_of,
    devices_of,
    make_image,
    processes_of,
    published,
    says_hello,
    serve,
    unpacked,
)

from dockerlab.engine import Engine, connect, embedded, programs
from dockerlab.engine.places import Places
from dockerlab.engine.programs import Programs

_PORT = 18081
_FETCH = "import sys, urllib.request as r; print(r.urlopen(sys.argv[1], timeout=5).read())"


@dataclass
class Foreign:
    """A user's own Docker, and a neighbour's machine from which it is looked at."""

    brought: Programs
    folder: Path
    neighbour: int

    @property
    def host(self) -> str:
        return f"unix://{self.folder}/docker.sock"

    @contextmanager
    def client(self) -> Iterator[docker.DockerClient]:
        with closing(connect(Engine("url", self.host))) as client:
            yield client

    @contextmanager
    def running(self) -> Iterator[None]:
        job = self._start()
        try:
            yield
        finally:
            job.terminate()
            job.wait()

    def _start(self) -> "subprocess.Popen[bytes]":
        settings = {
            "data-root": f"{self.folder}/data",
            "exec-root": f"{self.folder}/exec",
            "pidfile": f"{self.folder}/docker.pid",
            "hosts": [self.host],
            "userland-proxy": False,
            "storage-driver": "overlay2",
        }
        file = self.folder / "settings.json"
        file.write_text(json.dumps(settings))
        with (self.folder / "log").open("ab") as log:
            job = subprocess.Popen(
                [self.brought.path("dockerd"), "--config-file", file],
                env=self.brought.environment(), stdout=log, stderr=log, process_group=0,
            )  # fmt: skip
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                with self.client() as client:
                    client.ping()
                    return job
            except embedded.EngineError:
                assert job.poll() is None, (self.folder / "log").read_text()[-2000:]
                time.sleep(0.1)
        raise AssertionError((self.folder / "log").read_text()[-2000:])

    def furnish(self) -> None:
        with self.client() as client:
            make_image(client, self.brought)
            client.volumes.create("theirs", labels={"keep": "me"})
            client.networks.create("theirs")
            web = ["sh", "-c", "mkdir /www; echo hello > /www/index.html; httpd -f -p 80 -h /www"]
            for name, network, port in [("web", "theirs", _PORT), ("plain", "bridge", _PORT + 1)]:
                client.containers.run(
                    IMAGE, web, detach=True, name=name, network=network, ports={"80/tcp": port},
                    volumes={"theirs": {"bind": "/kept", "mode": "rw"}}, init=True,
                )  # fmt: skip
            client.containers.run(
                IMAGE, SLEEP, detach=True, name="peer", network="theirs", init=True
            )
            client.containers.create(IMAGE, name="never-started")

    def all_of_it(self) -> dict[str, object]:
        """Everything the engine tells of what it has, and its rules and bridges."""
        with self.client() as client:
            api = client.api
            told: dict[str, object] = {
                f"container {c['Id']}": api.inspect_container(c["Id"])
                for c in api.containers(all=True)
            }
            told |= {f"image {i['Id']}": api.inspect_image(i["Id"]) for i in api.images()}
            told |= {f"network {n['Id']}": api.inspect_network(n["Id"]) for n in api.networks()}
            told |= {f"volume {v['Name']}": v for v in api.volumes()["Volumes"]}
        ours = re.compile(r"DL[0-9A-F]{8}|dlab[0-9a-f]{8}")
        told["rules"] = [line for line in self.rules() if not ours.search(line)]
        links = _run(self.brought.path("busybox"), "ip", "addr", "show", "docker0")
        told["links"] = links.replace(" tentative", "")  # for a second after it was made
        return told

    def rules(self) -> list[str]:
        saved = ""
        for program in ("iptables-save", "ip6tables-save"):
            saved += _run(self.brought.path(program), env=self.brought.environment())
        plain = re.sub(r" \[\d+:\d+\]", "", saved)
        return [  # a table that has nothing but its usual policies may be there or not
            line
            for line in plain.splitlines()
            if line.startswith(("-A", ":")) and not line.endswith("ACCEPT")
        ]

    def works(self) -> None:
        """A neighbour gets through to both its networks, and names resolve inside."""
        for port in (_PORT, _PORT + 1):
            assert "hello" in _as_neighbour(self.neighbour, f"http://198.51.100.1:{port}/")
        with self.client() as client:
            peer = client.containers.get("peer")
            assert peer.exec_run(["wget", "-q", "-O-", "http://web/"]).output == b"hello\n"


def _run(*command: object, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, check=False, env=env
    )
    assert done.returncode == 0, (command, done.stderr)
    return done.stdout


def _as_neighbour(pid: int, url: str) -> str:
    return _run("nsenter", f"--target={pid}", "--net", sys.executable, "-c", _FETCH, url)


@pytest.fixture
def ours(places: Places) -> Iterator[Places]:
    ours = Places(places.cache, f"{places.instance}-ours")
    yield ours
    embedded.remove(ours)


@pytest.fixture
def neighbour(places: Places) -> Iterator[int]:
    """A network beside this one, joined by a cable: 198.51.100.1 here, .2 there."""
    ip = [programs.bring(places, programs.default_suite()).path("busybox"), "ip"]
    with subprocess.Popen(["unshare", "--net", "sleep", "600"]) as there:
        try:
            while Path(f"/proc/{there.pid}/comm").read_text() != "sleep\n":
                time.sleep(0.01)
            lay_cable("cable0", "cable1", there.pid)
            inside = ["nsenter", f"--target={there.pid}", "--net", *ip]
            for command, end, address in [(ip, "cable0", 1), (inside, "cable1", 2)]:
                _run(*command, "addr", "add", f"198.51.100.{address}/24", "dev", end)
                _run(*command, "link", "set", end, "up")
            yield there.pid
        finally:
            there.kill()


def lay_cable(here: str, there: str, pid: int) -> None:
    """Make a pair of virtual Ethernet devices, one end in the network of process ``pid``.

    By rtnetlink(7): the unpacked busybox makes none, and a bare machine has no ``ip``.
    """

    def attribute(kind: int, content: bytes) -> bytes:
        padding = -len(content) % 4
        return struct.pack("HH", 4 + len(content), kind) + content + b"\0" * padding

    ifname, linkinfo, netns_pid, info_kind, info_data, veth_peer = 3, 18, 19, 1, 2, 1
    no_link = struct.pack("BxHiII", 0, 0, 0, 0, 0)
    peer = no_link + attribute(ifname, there.encode()) + attribute(netns_pid, struct.pack("I", pid))
    kind = attribute(info_kind, b"veth") + attribute(info_data, attribute(veth_peer, peer))
    body = no_link + attribute(ifname, here.encode()) + attribute(linkinfo, kind)
    newlink, request_create_ack = 16, 0x1 | 0x4 | 0x200 | 0x400
    header = struct.pack("IHHII", 16 + len(body), newlink, request_create_ack, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as kernel:
        kernel.send(header + body)
        (error,) = struct.unpack_from("i", kernel.recv(4096), 16)
    assert error == 0, os.strerror(-error)


@pytest.fixture
def foreign(places: Places, neighbour: int) -> Iterator[Foreign]:
    assert not Path("/sys/class/net/docker0").exists(), "this room has no Docker of its own"
    Path("/proc/sys/net/ipv4/ip_forward").write_text("0")
    brought = programs.bring(places, programs.default_suite())
    with tempfile.TemporaryDirectory(prefix="lab-", dir="/tmp") as folder:  # sockets: short
        foreign = Foreign(brought, Path(folder), neighbour)
        yield foreign
        for process in _own_processes(foreign.folder):
            os.kill(process, 9)
    for bridge in Path("/sys/class/net").glob("*/bridge"):
        _run(brought.path("busybox"), "ip", "link", "del", bridge.parent.name)
    for table in ("nat", "filter"):
        for wipe in (["-F"], ["-X"], ["-P", "OUTPUT", "ACCEPT"]):
            _run(brought.path("iptables"), "-t", table, *wipe, env=brought.environment())
    _run(brought.path("iptables"), "-P", "FORWARD", "ACCEPT", env=brought.environment())


def _own_processes(folder: Path) -> list[int]:
    return [
        int(entry.name)
        for entry in Path("/proc").glob("[0-9]*")
        if str(folder).encode() in _read(entry / "cmdline")
        or f"upperdir={folder}".encode() in _read(entry / "mountinfo").split(b"\n")[0]
    ]


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""


def _use(fire: Places) -> None:
    """What a student does in an afternoon, with the same names that the foreign one has."""
    with client_of(fire) as client:
        make_image(client, unpacked(fire))
        client.volumes.create("theirs")
        client.networks.create("theirs")
        web = serve(client, None, name="web", network="theirs")
        assert says_hello(published(web))
        client.containers.run(IMAGE, ["id"], remove=True)
        client.containers.get("web").remove(force=True)
        client.volumes.get("theirs").remove()
        client.networks.get("theirs").remove()
        client.images.remove(IMAGE)
        client.containers.prune()
        client.networks.prune()
        client.volumes.prune()
        client.images.prune(filters={"dangling": False})


def _crash(fire: Places) -> None:
    embedded.start(fire)
    for process in processes_of(fire):
        process.kill()


def test_another_docker_is_untouched(foreign: Foreign, ours: Places) -> None:
    with foreign.running():
        foreign.furnish()
        rules, everything = foreign.rules(), foreign.all_of_it()
        assert any("DOCKER-USER" in rule for rule in rules)
        foreign.works()
        for step in (embedded.start, _use, embedded.stop, _crash, embedded.start,
                     embedded.reset, embedded.remove):  # fmt: skip
            step(ours)
            assert foreign.all_of_it() == everything, step
            foreign.works()
        assert foreign.rules() == rules
        assert Path("/proc/sys/net/ipv4/ip_forward").read_text() == "1\n"


def test_ours_outlives_another_docker(foreign: Foreign, ours: Places) -> None:
    embedded.start(ours)
    with client_of(ours) as client:
        make_image(client, foreign.brought)
        client.networks.create("ours")
        web = serve(client, None, name="web", network="ours", init=True)
        port, devices = published(web), devices_of(client, ours)

        def ours_works() -> None:
            assert says_hello(port)
            assert web.exec_run(["wget", "-q", "-O-", "http://web/"]).output == b"hello\n"

        ours_works()
        with foreign.running():
            foreign.furnish()
            ours_works()
        ours_works()
        with foreign.running():
            ours_works()
            # it never switched forwarding on itself, and needs it still when ours goes
            with foreign.client() as theirs:
                for name in ("web", "plain", "peer"):
                    theirs.containers.get(name).start()
            embedded.stop(ours)
            foreign.works()
            assert devices.isdisjoint(psutil.net_if_addrs())

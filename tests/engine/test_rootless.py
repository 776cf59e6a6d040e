"""The embedded engine of an ordinary user, who has no root at all."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest
import requests
from machine import IMAGE, SLEEP, client_of, make_image, published, says_hello, serve, until
from ordinary_user import TUN, User, ordinary_user, tun_mode

from dockerlab.engine import embedded, programs
from dockerlab.engine.places import Places
from dockerlab.engine.programs import Programs

_SECRET = "what listens on the loopback"
# what a filling does with an image of the engine's
_PUT = """
import os; from pathlib import Path
from dockerlab.engine import embedded
from dockerlab.engine.images import CourseImage
from dockerlab.engine.places import Places
from dockerlab.engine.saved import take
hub = embedded.hub(Places.from_environment())
take(hub.storing(), CourseImage("mirrored", ("1",), ""), Path(os.environ["HOME"], "saved.tar"), {})
"""

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can make the user for this"),
]


@pytest.fixture(scope="module", autouse=True)
def _uidmap() -> None:
    """The one thing that an administrator must have installed."""
    if shutil.which("newuidmap") is None:
        subprocess.run(["apt-get", "-qq", "update"], check=False, capture_output=True)
        done = subprocess.run(
            ["apt-get", "-qq", "install", "--yes", "--no-install-recommends", "uidmap"],
            check=False, capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode:
            pytest.fail(f"uidmap, without which there is no rootless engine: {done.stderr}")


@pytest.fixture(scope="module")
def student(places: Places) -> Iterator[User]:
    """A user who has the packages, so that nothing is downloaded."""
    suite = programs.default_suite()
    programs.bring(places, suite)
    with tun_mode(0o666), ordinary_user() as user:
        target = user.cache / "packages" / suite
        shutil.copytree(
            places.packages / suite, target, ignore=shutil.ignore_patterns("lists", "archives")
        )
        subprocess.run(["chown", "-R", f"{user.uid}:{user.uid}", user.cache], check=True)
        yield user
        user.lab("engine", "remove")


@pytest.mark.parametrize(
    ("options", "mode", "problem", "mend"),
    [
        (("-K", "SUB_UID_COUNT=0"), 0o666, "no range of 65536 IDs in /etc/subuid", "usermod"),
        (("-K", "SUB_GID_COUNT=0"), 0o666, "no range of 65536 IDs in /etc/subgid", "usermod"),
        ((), 0o600, f"may not write {TUN}", f"chmod 0666 {TUN}"),
    ],
)
def test_an_obstacle_is_named_with_its_mend(
    options: tuple[str, ...], mode: int, problem: str, mend: str
) -> None:
    with tun_mode(mode), ordinary_user(*options) as user:
        _is_refused(user, user.lab("engine", "start"), problem, mend)


def test_a_machine_without_uidmap() -> None:
    with tun_mode(0o666), ordinary_user() as user:
        programs_there = user.home / "bin"
        programs_there.mkdir()
        (programs_there / "apt-get").symlink_to("/usr/bin/apt-get")
        said = user.lab("engine", "start", PATH=str(programs_there))
        _is_refused(user, said, "needs newuidmap and newgidmap", "apt-get install uidmap")


def _is_refused(
    user: User, said: "subprocess.CompletedProcess[str]", problem: str, mend: str
) -> None:
    assert said.returncode == 1
    assert len(said.stderr.splitlines()) == 1
    assert problem in said.stderr
    assert mend in said.stderr
    assert user.processes() == []


def test_the_engine_of_an_ordinary_user(student: User, places: Places) -> None:
    roots_own = embedded.start(places)

    started = student.lab("engine", "start")
    assert started.returncode == 0, started.stderr
    state = _state(student)
    assert state["running"] is True
    assert state["rootless"] is True
    there = _Socket(Path(state["socket"]))
    assert there.socket.stat().st_mode & 0o777 == 0o600
    assert there.socket.stat().st_uid == student.uid

    _use_the_terminal_and_the_hub(student, there, started.stdout.splitlines()[-1], state)
    _run_two(there)
    inside = {process.uids().real for process in student.processes()}
    assert len(inside) > 1, "the container's user 1234 is one of this user's own"
    _crash_and_repair(student, there)

    stopped = student.lab("engine", "stop")
    assert stopped.stdout == "The engine is stopped.\n", stopped.stderr
    assert [" ".join(process.cmdline()) for process in student.processes()] == []
    assert not there.socket.exists()

    _kill_all_and_stop(student, there)

    removed = student.lab("engine", "remove")
    assert removed.returncode == 0, removed.stderr
    assert not student.cache.exists()
    assert not there.socket.parent.exists()
    assert embedded.status(places) == roots_own
    assert roots_own.pid
    assert psutil.pid_exists(roots_own.pid)


def _use_the_terminal_and_the_hub(
    student: User, there: "_Socket", line: str, state: dict[str, str]
) -> None:
    brought = Programs(student.cache / "engines" / state["suite"], state["suite"], "")
    with client_of(there) as client:
        make_image(client, brought)
    hub = state["hub"]
    said = student.runs(
        "sh", "-ec",
        f"{line}\ndocker save -o $HOME/saved.tar {IMAGE}; docker rmi -f {IMAGE} >&2;"
        f"{sys.executable} -c '{_PUT}' >&2;"
        f"docker pull -q mirrored:1; docker tag mirrored:1 {IMAGE};"
        f"docker run --rm mirrored:1 id -u; docker tag mirrored:1 {hub}/library/evil:1;"
        f"docker push {hub}/library/evil:1 2>&1 && echo pushed;"
        f"docker rmi {hub}/library/evil:1 >&2",
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    assert "docker.io/library/mirrored:1\n0\n" in said.stdout
    assert "pushed\n" not in said.stdout
    assert "Method not allowed" in said.stdout
    _reach_nothing_of_the_host(there, hub)


def _reach_nothing_of_the_host(there: "_Socket", hub: str) -> None:
    """From a container, no listener of the host's loopback answers, at none of its addresses."""
    ours = {a.address for each in psutil.net_if_addrs().values() for a in each if a.family == 2}
    get = "GET /v2/ HTTP/1.0\\r\\n\\r\\n"
    with _listener() as port, client_of(there) as client:
        (bridge,) = client.networks.get("bridge").attrs["IPAM"]["Config"]
        gateway = bridge.get("Gateway") or "172.17.0.1"
        everywhere = {*ours, gateway, "127.0.0.1", "10.0.2.2", "10.0.2.3", "10.0.2.100"}
        for network in ("bridge", "host"):
            for target in (port, int(hub.partition(":")[2])):
                ask = f"printf '{get}' | timeout 3 nc -w 2 $a {target} 2>/dev/null"
                script = f"for a in {' '.join(everywhere)}; do echo at $a; {ask}; done; :"
                said = client.containers.run(
                    IMAGE, ["sh", "-c", script], network_mode=network, remove=True
                ).decode()
                assert "at 10.0.2.2\n" in said
                assert _SECRET not in said, said
                # dockerd's own way to the hub, which only reads
                own = network == "host" and target != port
                assert ("X-Dockerlab-Hub" in said) == own, said
        post = "POST /v2/library/x/blobs/uploads/ HTTP/1.0\\r\\nContent-Length: 0\\r\\n\\r\\n"
        write = ["sh", "-c", f"printf '{post}' | nc -w 3 127.0.0.1 {hub.partition(':')[2]}"]
        said = client.containers.run(IMAGE, write, network_mode="host", remove=True).decode()
        assert " 405 " in said.splitlines()[0]


@contextlib.contextmanager
def _listener() -> Iterator[int]:
    """Something of the user's own on the host's loopback, which anybody who gets there hears."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(_SECRET.encode())

        def log_message(self, *_arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_address[1]
        assert requests.get(f"http://127.0.0.1:{port}/", timeout=5).text == _SECRET
        yield port
        server.shutdown()


def _run_two(there: "_Socket") -> None:
    with client_of(there) as client:
        client.networks.create("lab")
        web = serve(client, None, name="web", network="lab")
        client.containers.run(IMAGE, SLEEP, detach=True, name="other", user="1234")
        assert says_hello(published(web))


def _start_two_again(there: "_Socket") -> None:
    with client_of(there) as client:
        states = {c.name: c.status for c in client.containers.list(all=True)}
        assert states == {"web": "exited", "other": "exited"}
        for name in states:
            client.containers.get(name).start()
        assert says_hello(published(client.containers.get("web")))


def _crash_and_repair(student: User, there: "_Socket") -> None:
    """dockerd is killed; its containers go on until the next start."""
    for process in student.processes():
        if process.name() == "dockerd":
            process.kill()
    until(lambda: not _state(student)["running"])
    again = student.lab("engine", "start")
    assert again.returncode == 0, again.stderr
    _start_two_again(there)


def _kill_all_and_stop(student: User, there: "_Socket") -> None:
    """All is killed but the containers, and a stop has only them to find."""
    assert student.lab("engine", "start").returncode == 0
    _start_two_again(there)
    daemons = ("dockerd", "containerd", "rootlesskit", "exe", "slirp4netns", "docker-registry")
    for process in student.processes():
        if process.name() in daemons:
            process.kill()
    assert student.processes()
    student.lab("engine", "stop")
    assert [" ".join(process.cmdline()) for process in student.processes()] == []


class _Socket:
    def __init__(self, socket: Path) -> None:
        self.socket = socket


def _state(student: User) -> dict[str, str]:
    said = student.lab("engine", "status", "--json")
    assert said.returncode == 0, said.stderr
    state: dict[str, str] = json.loads(said.stdout)
    return state

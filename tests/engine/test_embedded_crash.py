"""What is killed at the worst moment is repaired by the next start, or stopped clean."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator

import docker
import psutil
import pytest
from machine import (
    IMAGE,
    PROJECT,
    SLEEP,
    any_programs,
    client_of,
    ctrl_c,
    devices_of,
    environment,
    lab,
    make_image,
    processes_of,
    published,
    says_hello,
    serve,
    stale_shim_sockets,
    traces,
    unpacked,
    until,
)

from dockerlab.engine import embedded
from dockerlab.engine.places import Places

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(os.geteuid() != 0, reason="test_rootless.py does this without root"),
]


@pytest.fixture
def busy(fire: Places) -> tuple[Places, set[str], set[str]]:
    """An engine with containers in every state; its devices; the stale sockets before it."""
    stale = stale_shim_sockets()
    embedded.start(fire)
    with client_of(fire) as client:
        make_image(client, unpacked(fire))
        client.networks.create("lab")
        web = serve(client, None, network="lab", name="web")
        client.containers.run(IMAGE, SLEEP, detach=True, name="host", network_mode="host")
        client.containers.run(IMAGE, SLEEP, detach=True, name="paused").pause()
        client.containers.create(IMAGE, name="created")
        assert says_hello(published(web))
        return fire, devices_of(client, fire), stale


def _kill(fire: Places, *names: str) -> None:
    doomed = [process for process in processes_of(fire) if process.name() in names]
    assert {process.name() for process in doomed} == set(names)
    for process in doomed:
        process.kill()
    psutil.wait_procs(doomed, timeout=10)


def _wipe_and_lie(fire: Places) -> None:
    """What a reboot leaves: nothing in the run folder, or process IDs that others have now."""
    (fire.run / "docker.sock").unlink()
    (fire.run / "docker.pid").write_text("1")
    for file in (fire.run / "exec").glob("containerd/*"):
        if file.is_file() or file.is_socket():
            file.unlink()
    (fire.run / "exec/containerd/containerd.pid").write_text(str(os.getpid()))
    (fire.run / "hub.yml").unlink()
    (fire.run / "network.json").unlink()


ALL = ("dockerd", "containerd", "containerd-shim-runc-v2", "docker-registry")
KILLS: dict[str, Callable[[Places], None]] = {
    "dockerd": lambda fire: _kill(fire, "dockerd"),
    "everything but the containers": lambda fire: _kill(fire, *ALL),
    "power": lambda fire: (_kill(fire, *ALL), _wipe_and_lie(fire))[0],
}


@pytest.mark.parametrize(
    ("first", "second"),
    [("dockerd", "everything but the containers"), ("power", "dockerd")],
)
def test_a_crash_is_repaired_and_another_one_stopped_clean(
    busy: tuple[Places, set[str], set[str]], first: str, second: str
) -> None:
    fire, devices, stale = busy
    KILLS[first](fire)
    assert not embedded.is_running(fire)
    before = {p.pid for p in processes_of(fire) if p.name() != "docker-registry"}
    assert before, "containers outlive their engine"

    embedded.start(fire)

    assert not before & {p.pid for p in processes_of(fire)}
    with client_of(fire) as client:
        states = {c.name: c.status for c in client.containers.list(all=True)}
        assert states == {"web": "exited", "host": "exited", "paused": "exited",
                          "created": "created"}  # fmt: skip
        assert client.images.get(IMAGE)
        web, paused = client.containers.get("web"), client.containers.get("paused")
        web.start()
        assert says_hello(published(web))
        paused.start()
        paused.pause()
        devices |= devices_of(client, fire)

    KILLS[second](fire)
    embedded.stop(fire)
    assert traces(fire, unpacked(fire), devices) == []
    assert stale_shim_sockets() <= stale


def test_an_engine_outlives_its_containerd(busy: tuple[Places, set[str], set[str]]) -> None:
    """dockerd brings a new one; whether containers were lost or not, a stop leaves nothing."""
    fire, devices, stale = busy
    _kill(fire, "containerd")
    until(lambda: any(p.name() == "containerd" for p in processes_of(fire)))
    embedded.start(fire)
    with client_of(fire) as client:
        until(lambda: _runs_one(client))
    embedded.stop(fire)
    assert traces(fire, unpacked(fire), devices) == []
    assert stale_shim_sockets() <= stale


def _runs_one(client: docker.DockerClient) -> bool:
    try:
        client.containers.run(IMAGE, ["id"], remove=True, network_mode="none")
    except docker.errors.APIError:
        return False
    return True


def test_a_hanging_engine_is_replaced(fire: Places) -> None:
    running = embedded.start(fire)
    assert running.pid
    psutil.Process(running.pid).suspend()
    again = embedded.start(fire)
    assert again.running
    assert again.pid != running.pid
    assert not psutil.pid_exists(running.pid)


# a moment of a start, and how it is seen from outside
MOMENTS: dict[str, Callable[[Places], object]] = {
    "the hub starts": lambda fire: (fire.run / "hub.yml").exists(),
    "dockerd is to start": lambda fire: (fire.run / "daemon.json").exists(),
    "containerd is there": lambda fire: (fire.run / "exec/containerd/containerd.pid").exists(),
    "the socket is there": lambda fire: fire.socket.exists(),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_starter_killed_midway(fire: Places, moment: str) -> None:
    """Its first start even: what a stop finds does not depend on an earlier, whole one."""
    with lab(fire, "engine", "start") as starter:
        until(lambda: MOMENTS[moment](fire), starter)
    embedded.stop(fire)
    assert traces(fire, any_programs(fire), {f"dlab{fire.key}"}) == []

    with lab(fire, "engine", "start") as starter:
        until(lambda: MOMENTS[moment](fire), starter)
    assert embedded.start(fire).running
    daemons = [p for p in processes_of(fire) if p.name() in ("dockerd", "docker-registry")]
    assert len(daemons) == 2


@pytest.mark.parametrize("moment", ["the hub starts", "dockerd is to start"])
def test_an_interrupted_start_leaves_nothing(fire: Places, moment: str) -> None:
    with lab(fire, "engine", "start") as starter:
        until(lambda: MOMENTS[moment](fire), starter)
        errors = ctrl_c(starter)
    assert "Traceback" not in errors
    assert starter.returncode != 0
    assert traces(fire, any_programs(fire), {f"dlab{fire.key}"}) == []
    assert embedded.start(fire).running


@pytest.fixture
def desk(fire: Places) -> Iterator[Places]:
    yield fire
    for pid in _jupyters(fire):
        os.kill(pid, signal.SIGKILL)


def test_an_engine_whose_jupyterlab_command_was_killed(desk: Places) -> None:
    """``dockerlab up`` is killed; the next one takes over what it left, and Ctrl-C ends all."""
    up = ["up", "--no-browser"]
    with lab(desk, *up) as first:
        until(lambda: embedded.is_running(desk) and _jupyter_answers(desk), first)
    orphans = _jupyters(desk)
    assert len(orphans) == 1
    assert embedded.is_running(desk)

    with lab(desk, *up) as second:
        until(lambda: _owner(desk) == second.pid, second)
        until(lambda: _jupyters(desk) and not orphans & _jupyters(desk), second)
        errors = ctrl_c(second)
    assert "Traceback" not in errors
    assert _jupyters(desk) == set()
    assert traces(desk, unpacked(desk), {f"dlab{desk.key}"}) == []


def _owner(fire: Places) -> int | None:
    try:
        return int(json.loads((fire.run / "owner.json").read_text())["pid"])
    except (OSError, ValueError):
        return None


def _jupyter_answers(fire: Places) -> bool:
    for file in fire.home.glob("jupyter/runtime/jpserver-*.json"):
        with contextlib.suppress(ValueError, OSError):
            port = json.loads(file.read_text())["port"]
            socket.create_connection(("127.0.0.1", port), 5).close()
            return True
    return False


def _jupyters(fire: Places) -> set[int]:
    home = str(fire.home)
    found = set()
    for process in psutil.process_iter():
        try:
            command = " ".join(process.cmdline())
        except psutil.Error:
            continue
        if f"{home}/jupyter" in command:
            found.add(process.pid)
    return found


def test_a_start_without_the_cache_of_a_running_engine(fire: Places) -> None:
    """A user empties ``~/.cache`` under the engine: a stop still ends it all."""
    embedded.start(fire)
    programs = unpacked(fire)
    subprocess.run(["rm", "-rf", str(fire.home)], check=False, capture_output=True)
    embedded.stop(fire)
    assert traces(fire, programs, {f"dlab{fire.key}"}) == []
    assert embedded.start(fire).running


def test_a_command_after_the_runtime_folder_changed(
    fire: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another terminal may know another XDG_RUNTIME_DIR: it is the same engine all the same."""
    started = embedded.start(fire)
    there = subprocess.run(
        [sys.executable, "-m", "dockerlab", "engine", "status", "--json"], cwd=PROJECT,
        env=environment(fire, XDG_RUNTIME_DIR="/tmp/other-runtime", USER="else", LOGNAME="else"),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(there.stdout)["pid"] == started.pid

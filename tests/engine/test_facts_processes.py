"""Containers over time and as processes, on a real engine: what was done is what is told."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest

from dockerlab.facts import Isolation, isolation, read_isolation, read_timeline
from dockerlab.pictures import draw_namespaces, draw_timeline

pytestmark = [pytest.mark.engine, pytest.mark.every_engine]
Cli = Callable[..., str]
PREFIX = "processes-test-"


@pytest.fixture
def run(client: docker.DockerClient, docker_cli: Cli) -> Iterator[Callable[..., str]]:
    """Start containers of busybox, which go when the test ends."""
    if not client.api.images("busybox:latest"):
        docker_cli("pull", "busybox")

    def run(name: str, *command: str, options: tuple[str, ...] = ()) -> str:
        command = command or ("sleep", "1000")
        docker_cli("run", "--detach", "--name", PREFIX + name, *options, "busybox", *command)
        return PREFIX + name

    yield run
    for container in client.api.containers(all=True, filters={"name": PREFIX}):
        client.api.remove_container(container["Id"], force=True, v=True)


def test_a_life(run: Callable[..., str], client: docker.DockerClient, docker_cli: Cli) -> None:
    name = run("life")
    docker_cli("pause", name)
    docker_cli("unpause", name)
    docker_cli("stop", "--time", "1", name)
    timeline = read_timeline(client, name)
    (lane,) = timeline.lanes
    assert [span.state for span in lane.spans] == [
        "created", "running", "paused", "running", "exited",
    ]  # fmt: skip
    assert all(span.witnessed for span in lane.spans)
    signals = [one.detail for one in lane.moments if one.action == "kill"]
    assert signals == [15, 9]
    assert (lane.exit_code, lane.state) == (137, "exited")
    killed = lane.moments[[one.action for one in lane.moments].index("kill")].at
    # The grace time is as long as it was asked to be.
    assert 0.9 <= (lane.spans[-1].begin - killed).total_seconds() < 20
    text = draw_timeline(timeline).text
    assert "kill SIGTERM" in text
    assert "killed by SIGKILL" in text


def test_removed_and_restarted(
    run: Callable[..., str], client: docker.DockerClient, docker_cli: Cli
) -> None:
    gone = run("gone", "true")
    docker_cli("wait", gone)
    docker_cli("rm", gone)
    again = run("again", "sh", "-c", "exit 3", options=("--restart", "on-failure:2"))
    docker_cli("wait", again)
    until = time.monotonic() + 30
    while client.api.inspect_container(again)["State"]["Status"] != "exited":
        assert time.monotonic() < until
        time.sleep(0.1)
    lanes = {lane.name: lane for lane in read_timeline(client, since="10m").lanes}
    assert lanes[gone].state == "removed"
    assert lanes[gone].moments[-1].action == "destroy"
    assert lanes[again].restarts == 2
    assert lanes[again].exit_code == 3


def links(pid: int) -> dict[str, int]:
    kinds = ("mnt", "pid", "net", "uts", "ipc", "user", "cgroup")
    return {kind: os.stat(f"/proc/{pid}/ns/{kind}").st_ino for kind in kinds}  # noqa: PTH116


def check(view: Isolation, pid: int) -> None:
    assert view.processes[0].pid == pid
    assert view.processes[0].inside == 1
    own = {one.kind: one.own for one in view.namespaces if one.kind != "time"}
    assert own == links(pid)
    for one in view.namespaces:
        if one.kind in ("net", "uts", "ipc", "pid"):
            assert one.sharing == "own"
            assert one.host == links(os.getpid())[one.kind]
    memory, cpu, pids = view.limits
    assert (memory.asked, memory.kept) == (64 * 2**20, 64 * 2**20)
    assert memory.used
    assert (cpu.asked, cpu.kept) == (0.5, 0.5)
    assert (pids.asked, pids.kept, pids.used) == (40, 40, 1)
    assert "CHOWN" in view.capabilities
    assert "SYS_TIME" not in view.capabilities
    assert view.seccomp
    assert view.root
    assert view.root.lower >= 1


LIMITED = ("--memory", "64m", "--cpus", "0.5", "--pids-limit", "40")


def test_a_container_as_a_process(run: Callable[..., str], client: docker.DockerClient) -> None:
    name = run("limited", options=LIMITED)
    pid = int(client.api.inspect_container(name)["State"]["Pid"])
    view = read_isolation(client, name)
    assert view.sight == "here"
    check(view, pid)
    assert f"process {pid} on the host" in draw_namespaces(view).text


def test_a_helper_sees_the_same(
    run: Callable[..., str], client: docker.DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = run("limited", options=LIMITED)
    pid = int(client.api.inspect_container(name)["State"]["Pid"])
    before = len(client.api.containers(all=True))
    monkeypatch.setattr(isolation, "look_here", lambda *_: None)
    view = read_isolation(client, name)
    assert view.sight == "helper"
    check(view, pid)
    assert len(client.api.containers(all=True)) == before


def test_what_is_shared_by_wish(run: Callable[..., str], client: docker.DockerClient) -> None:
    first = run("first")
    options = ("--network", f"container:{first}", "--pid", "host", "--cap-drop", "ALL",
               "--read-only", "--user", "1234")  # fmt: skip
    view = read_isolation(client, run("second", options=options))
    by_kind = {one.kind: one for one in view.namespaces}
    assert (by_kind["net"].sharing, by_kind["net"].other) == ("container", first)
    assert by_kind["pid"].sharing == "host"
    assert view.capabilities == ()
    assert (view.uid, view.host_uid) == (1234, 1234)
    assert view.root
    assert view.root.read_only


def all_capabilities() -> bool:
    status = Path("/proc/self/status").read_text()
    (bounding,) = (line.split()[1] for line in status.splitlines() if line.startswith("CapBnd"))
    last = int(Path("/proc/sys/kernel/cap_last_cap").read_text())
    return int(bounding, 16) == 2 ** (last + 1) - 1


def test_privileged(run: Callable[..., str], client: docker.DockerClient) -> None:
    if str(client.version()["Version"]).startswith("20.") and not all_capabilities():
        pytest.skip("20.10 gives all the kernel's capabilities, and this machine lacks some")
    view = read_isolation(client, run("privileged", options=("--privileged",)))
    assert view.privileged
    assert len(view.capabilities) > 30
    assert view.seccomp is False

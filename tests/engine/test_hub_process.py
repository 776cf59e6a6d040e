"""The hub's registry process: started, found again, repaired, and gone when it is stopped."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import requests
from hubs import hub_in, running

from dockerlab.engine.hub import Hub
from dockerlab.engine.places import Places
from dockerlab.errors import HubError, UsageError

pytestmark = pytest.mark.engine


@pytest.fixture
def hub(places: Places, tmp_path: Path) -> Iterator[Hub]:
    hub = hub_in(places, tmp_path / "with a space 与中文")
    yield hub
    hub.stop()


def port_of(hub: Hub) -> int:
    return int(hub.address.host.rpartition(":")[2])


def registries(hub: Hub) -> list[int]:
    folder = str(hub.storage.parent.parent)
    return [
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if any(folder in word for word in process.info["cmdline"] or ())
    ]


def test_starts_once_answers_and_stops_without_a_trace(hub: Hub) -> None:
    assert not hub.status().running
    address = hub.start()
    assert requests.get(f"http://{address.host}/v2/_catalog", timeout=5).json() == {
        "repositories": []
    }
    assert address.host.startswith("127.0.0.1:")
    assert hub.start() == address
    status = hub.status()
    assert status.running
    assert status.address == address
    assert registries(hub) == [status.pid]
    assert hub.stop()
    assert registries(hub) == []
    assert not hub.stop()
    assert not hub.status().running


def test_listens_on_loopback_only(hub: Hub) -> None:
    hub.start()
    pid = hub.status().pid
    assert {
        c.laddr.ip for c in psutil.Process(pid).net_connections("tcp") if c.status == "LISTEN"
    } == {"127.0.0.1"}


def test_has_the_same_port_after_a_stop(hub: Hub) -> None:
    address = hub.start()
    hub.stop()
    assert hub.start() == address


def test_a_killed_registry_is_repaired_by_the_next_start(hub: Hub) -> None:
    address = hub.start()
    os.kill(hub.status().pid, signal.SIGKILL)
    assert not hub.status().running
    with pytest.raises(HubError, match=r"stopped.*dockerlab hub start"):
        _ = hub.address
    assert hub.start() == address
    assert len(registries(hub)) == 1


def test_a_hanging_registry_is_replaced(hub: Hub) -> None:
    hub.start()
    before = hub.status().pid
    os.kill(before, signal.SIGSTOP)
    hub.start()
    assert registries(hub) == [hub.status().pid]
    assert hub.status().pid != before


def test_takes_another_port_when_the_one_of_last_time_is_taken(hub: Hub) -> None:
    hub.start()
    port = port_of(hub)
    hub.stop()
    with socket.create_server(("127.0.0.1", port)):
        hub.start()
        assert port_of(hub) != port


def test_a_port_asked_for_that_is_taken_is_refused_by_name(hub: Hub) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(HubError) as refused:
            hub.start(port)
    assert f"Port {port} is taken by" in str(refused.value)
    assert f"({os.getpid()})" in str(refused.value)
    assert registries(hub) == []


def test_a_port_asked_for_must_be_one_and_the_running_one(hub: Hub) -> None:
    with pytest.raises(UsageError, match="70000 is no port"):
        hub.start(70000)
    hub.start()
    with pytest.raises(HubError, match=r"runs already.*hub stop"):
        hub.start(port_of(hub) + 1)
    assert hub.start(port_of(hub)) == hub.address


def test_someone_else_on_its_port_is_not_taken_for_it(
    hub: Hub, places: Places, tmp_path: Path
) -> None:
    hub.start()
    port = port_of(hub)
    os.kill(hub.status().pid, signal.SIGKILL)
    other = hub_in(places, tmp_path / "other")
    other.start(port)
    try:
        assert not hub.status().running
        hub.start()
        assert port_of(hub) != port
        assert other.status().running
    finally:
        other.stop()


def test_two_starts_at_once_give_one_registry(places: Places, tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[1])\n"
        "from hubs import hub_in; from dockerlab.engine.places import Places\n"
        "print(hub_in(Places.from_environment(), Path(sys.argv[2])).start().host)"
    )
    command = [sys.executable, "-c", program, str(Path(__file__).parent), str(tmp_path)]
    jobs = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    answers = {job.communicate(timeout=60)[0] for job in jobs}
    hub = hub_in(places, tmp_path)
    try:
        assert answers == {f"{hub.address.host}\n"}
        assert registries(hub) == [hub.status().pid]
    finally:
        hub.stop()


def test_settings_in_the_environment_do_not_reach_it(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with running(hub), hub.registry() as registry:
        requests.post(f"{registry.url}/v2/some/blobs/uploads/", timeout=5, proxies={"http": ""})
        assert hub.storage.exists()
    assert not (tmp_path / "elsewhere").exists()


def test_a_folder_that_cannot_be_made_is_one_sentence(places: Places, tmp_path: Path) -> None:
    (tmp_path / "hub").write_text("a file, not a folder")
    hub = hub_in(places, tmp_path)
    with pytest.raises(HubError) as refused:
        hub.start()
    assert "\n" not in str(refused.value)
    assert str(tmp_path / "hub") in str(refused.value)
    assert registries(hub) == []

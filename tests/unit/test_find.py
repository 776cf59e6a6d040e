"""Which engine is meant: by a word, an address, a variable or the docker command's context."""

import hashlib
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from dockerlab.engine import Engine, find, usual
from dockerlab.engine.bounded import within
from dockerlab.engine.find import _certificates, connect, require_choice, usual_sockets
from dockerlab.errors import EngineError, UsageError


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without any engine, and an environment that points at none."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "runtime"))
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(home / ".docker"))
    return home


def context(home: Path, name: str, host: str, *, current: bool = False) -> Path:
    """Write a context as the docker command does."""
    digest = hashlib.sha256(name.encode()).hexdigest()
    folder = home / ".docker/contexts/meta" / digest
    folder.mkdir(parents=True)
    endpoint = {"Host": host, "SkipTLSVerify": False}
    meta = {"Name": name, "Metadata": {}, "Endpoints": {"docker": endpoint}}
    (folder / "meta.json").write_text(json.dumps(meta))
    if current:
        (home / ".docker/config.json").write_text(json.dumps({"currentContext": name}))
    return folder / "meta.json"


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "runtime" / "docker.sock"
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        yield path


@pytest.mark.parametrize(
    "address",
    ["unix:///run/docker.sock", "tcp://192.0.2.1:2375", "tcp://[2001:db8::1]:2375",
     "https://engine.example", "unix:///a folder/docker.sock"],
)  # fmt: skip
def test_an_address_is_taken_as_it_is(address: str) -> None:
    assert find(address) == Engine("url", address)


@pytest.mark.parametrize(
    "address",
    ["", " ", "bogus", "docker.sock", "/var/run/docker.sock", "unix://", "unix://docker.sock",
     "tcp://", "tcp://:2375", "tcp://host:0", "tcp://host:many", "tcp://host:99999", "tcp://[::1",
     "ftp://host", "npipe:////./pipe/docker_engine", "ssh://host", "file:///etc/passwd"],
)  # fmt: skip
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(UsageError) as refused:
        require_choice(address)
    assert refused.value.mend


def test_the_environment_chooses_what_is_usual(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKERLAB_ENGINE", "tcp://192.0.2.1:2375")
    assert usual() == "tcp://192.0.2.1:2375"
    assert find() == Engine("url", "tcp://192.0.2.1:2375")


def test_current_is_docker_host_first(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context(home, "other", "tcp://192.0.2.2:2375", current=True)
    monkeypatch.setenv("DOCKER_HOST", "tcp://192.0.2.1:2375")
    assert find("current") == Engine("current", "tcp://192.0.2.1:2375")


def test_then_the_context_of_the_environment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context(home, "mine", "tcp://192.0.2.2:2375", current=True)
    context(home, "class", "tcp://192.0.2.3:2375")
    assert find("current").host == "tcp://192.0.2.2:2375"
    monkeypatch.setenv("DOCKER_CONTEXT", "class")
    assert find("current").host == "tcp://192.0.2.3:2375"


def test_then_a_socket_that_listens(listening: Path) -> None:
    assert find("current") == Engine("current", f"unix://{listening}")
    assert listening in usual_sockets()


@pytest.mark.parametrize("value", ["bogus", "tcp://", "unix://relative"])
def test_a_broken_docker_host_is_named(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", value)
    with pytest.raises(UsageError, match=f"DOCKER_HOST={value}"):
        find("current")


def test_a_context_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONTEXT", "nosuch")
    with pytest.raises(EngineError, match=r"no docker context 'nosuch'.*docker context ls"):
        find("current")


def test_a_context_that_cannot_be_read_is_no_traceback(home: Path) -> None:
    context(home, "mine", "tcp://192.0.2.2:2375", current=True).write_text("{")
    with pytest.raises(EngineError, match="context can't be read"):
        find("current")


def test_a_context_behind_ssh_gets_the_way_round(home: Path) -> None:
    context(home, "far", "ssh://me@far.example", current=True)
    with pytest.raises(UsageError, match=r"docker context far .*Forward its socket"):
        find("current")


def test_the_keys_of_the_environment_are_used(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host = "tcp://192.0.2.1:2376"
    monkeypatch.setenv("DOCKER_HOST", host)
    assert _certificates(find("current")) is None
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(home))
    with pytest.raises(EngineError, match="DOCKER_CERT_PATH"):
        connect(find("current"))
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (home / name).touch()
    keys = _certificates(find("current"))
    assert keys
    assert keys.ca_cert == str(home / "ca.pem")
    assert _certificates(find(host)) is None


def test_a_shell_is_pointed_at_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.pathsep.join(["/usr/bin", "/lab/bin", "/bin"]))
    brought = Engine("embedded", "unix:///s", Path("/lab/bin"), Path("/lab/config"))
    assert brought.environment() == {
        "DOCKER_HOST": "unix:///s",
        "PATH": os.pathsep.join(["/lab/bin", "/usr/bin", "/bin"]),
        "DOCKER_CONFIG": "/lab/config",
    }
    assert Engine("url", "unix:///s").environment() == {"DOCKER_HOST": "unix:///s"}


def test_a_job_is_waited_for_and_its_error_raised_here() -> None:
    assert within(5, lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        within(5, lambda: 1 // 0)


def test_a_job_that_takes_too_long_is_given_up() -> None:
    import threading

    end = threading.Event()
    with pytest.raises(TimeoutError):
        within(0.05, lambda: end.wait(30))
    end.set()

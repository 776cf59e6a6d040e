"""The embedded engine's dockerd: its configuration, its process, its first answer and its end."""

import contextlib
import http.client
import json
import os
import re
import socket
import time
from pathlib import Path

import psutil

from dockerlab.engine import leftovers, network, processes, rootless
from dockerlab.engine.choice import Choice, write_json
from dockerlab.engine.hub import Address
from dockerlab.engine.locking import locked
from dockerlab.engine.places import Places
from dockerlab.engine.programs import Programs
from dockerlab.errors import EngineError

_START_SECONDS = 60.0
_ANSWER_SECONDS = 5.0
_BUSY_SECONDS = 20.0  # how long one that is alive may stay silent
_STOP_SECONDS = 30.0
_GRACE_SECONDS = 3.0  # how long containers may take to end by themselves


class _Connection(http.client.HTTPConnection):
    """HTTP over the engine's socket: one question costs no client with its many imports."""

    def __init__(self, address: Path) -> None:
        super().__init__("localhost", timeout=_ANSWER_SECONDS)
        self._address = address

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._address))


def data_root(places: Places, choice: Choice) -> Path:
    """Give the folder of images and containers: image stores and suites share none."""
    return places.home / "data" / f"{choice.suite}-{choice.store}"


def run(places: Places, brought: Programs, choice: Choice, mirror: Address) -> None:
    """Start dockerd and wait until it answers.

    Raises
    ------
    EngineError
        It ended or stayed silent, or this machine allows no bridge.
    """
    data_root(places, choice).mkdir(parents=True, exist_ok=True)
    configuration = places.run / "daemon.json"
    settings = _settings(places, brought, choice, mirror)
    used = {"hub": mirror.host}
    log = places.logs / "dockerd.log"
    if os.geteuid() == 0:
        net = _network(places, brought)
        used |= {"bridge": net.bridge, "subnet": str(net.subnet)}
        settings |= {
            "bridge": net.bridge,
            "default-address-pools": [{"base": str(net.pool), "size": 24}],
        }
        command = [str(brought.path("dockerd")), "--config-file", str(configuration)]
        environment = brought.environment(places.firewall)
        leftovers.note_outside(places)
    else:
        command, environment = rootless.command(places, brought, configuration)
    write_json(places.run / "network.json", used)
    write_json(configuration, settings)
    pid = processes.spawn(command, environment, log)
    _wait_for_answer(places.socket, pid, log)
    make_private(places.socket)


def find(places: Places) -> psutil.Process | None:
    """Find the running dockerd of this instance."""
    found = leftovers.daemons_of(places)
    return next((process for process in found if processes.runs(process, "dockerd")), None)


def answers(places: Places) -> bool:
    """Tell whether the engine answers now."""
    return version(places.socket) is not None


def answers_in_time(places: Places) -> bool:
    """Tell whether the engine answers, waiting for one that is alive but busy or starting."""
    if answers(places):
        return True
    daemon = find(places)
    until = time.monotonic() + _BUSY_SECONDS
    while daemon and _works(daemon) and time.monotonic() < until:
        if answers(places):
            make_private(places.socket)
            return True
        time.sleep(0.1)
    return False


def end(places: Places, daemon: psutil.Process) -> None:
    """End dockerd, and hurry containers that ignore its polite request."""
    with contextlib.suppress(psutil.Error):
        daemon.terminate()
    if processes.wait([daemon], _GRACE_SECONDS):
        return
    leftovers.hurry_containers(places)
    if not processes.wait([daemon], _STOP_SECONDS):
        processes.kill([daemon])


def version(address: Path) -> dict[str, str] | None:
    """Ask the engine for its version; None where nothing answers."""
    with contextlib.closing(_Connection(address)) as connection:
        try:
            connection.request("GET", "/version")
            response = connection.getresponse()
            answer: dict[str, str] = json.load(response)
        except (OSError, http.client.HTTPException, ValueError):
            return None
        return answer if response.status == http.HTTPStatus.OK else None


def make_private(address: Path) -> None:
    """Keep the engine to its user: dockerd lets a group named docker in."""
    address.chmod(0o600)


def _settings(
    places: Places, brought: Programs, choice: Choice, mirror: Address
) -> dict[str, object]:
    root = data_root(places, choice)
    settings: dict[str, object] = {
        "data-root": str(root),
        "exec-root": str(places.run / "exec"),
        "pidfile": str(places.run / "docker.pid"),
        "hosts": [f"unix://{places.socket}"],
        "features": {"containerd-snapshotter": choice.store == "containerd"},
        "registry-mirrors": [f"http://{mirror.host}"],
        "insecure-registries": [mirror.host],
        "log-level": "info",
    }
    if choice.store == "overlay2":
        settings["storage-driver"] = "overlay2"
    if brought.version.startswith("20."):
        # kept out of /etc/docker, where a Docker of the host's keeps its own
        settings["deprecated-key-path"] = str(root / "key.json")
        settings["features"] = {}
    if os.geteuid() == 0:
        # switched on by us, and for IPv4 alone: dockerd would drop everyone else's packets,
        # and a machine that forwards IPv6 ignores its router's advertisements
        settings["ip-forward"] = False
    return settings


def _network(places: Places, brought: Programs) -> network.Network:
    """Choose a network and make its bridge, before another engine chooses the same."""
    remembered = places.home / "network.json"
    last = network.remembered(remembered)
    with locked(places.machine / "network.lock"):
        net = network.choose(places.key, remembered)
        leftovers.allow_forwarding(places)
        network.prepare(net, brought, places.firewall)
    if last and last != net.pool:
        # what it holds would give the bridge its old address, which is another's by now
        for database in places.home.glob("data/*/network/files/local-kv.db"):
            database.unlink()
    network.forget_default_network(places.home / "data")
    return net


def _works(daemon: psutil.Process) -> bool:
    try:
        return daemon.status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_STOPPED)
    except psutil.Error:
        return False


def _wait_for_answer(address: Path, pid: int, log: Path) -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        if version(address) is not None:
            return
        if processes.reap(pid):
            raise EngineError(
                f"The engine ended while it started: {_last_words(log)}",
                f"Its log is {log}; 'dockerlab doctor' may know the cause.",
            )
        time.sleep(0.05)
    raise EngineError(
        f"The engine did not answer within {_START_SECONDS:.0f} s.",
        f"Its log is {log}; stop other work on this machine and start again.",
    )


def _last_words(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()
    telling = [line for line in lines if re.search(r"level=(error|fatal)|^failed|error", line)]
    last = (telling or lines or ["it said nothing"])[-1]
    said = re.search(r'msg="((?:[^"\\]|\\.)*)"', last)
    return (said[1] if said else last)[:300]

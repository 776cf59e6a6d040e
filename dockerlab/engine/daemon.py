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

from dockerlab.engine import leftovers, network, processes, records, rootless
from dockerlab.engine.choice import Choice
from dockerlab.engine.hub import Address
from dockerlab.engine.locking import locked
from dockerlab.engine.places import Places
from dockerlab.engine.programs import Programs
from dockerlab.errors import EngineError
from dockerlab.language import _

_START_SECONDS = 60.0
_ANSWER_SECONDS = 5.0
_BUSY_SECONDS = 20.0  # how long one that is alive may stay silent
_STOP_SECONDS = 30.0
_LARGEST_PAGE = 2**16
_BOLT = bytes.fromhex("edda0ced")  # the magic number of its database, as it is written
_LONGEST_ANSWER = 1_000_000  # bytes
# what dockerd, containerd and their database say of files that they can't read back
_DATA = re.compile(
    r"invalid database|checksum error|version mismatch|file size too small|bbolt|\bdb\.\(\*"
    r"|unexpected end of JSON|invalid character .* looking for|unknown service containerd"
    r"|page \d+ already freed|error obtaining controller instance|volume store metadata"
)
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
    root = data_root(places, choice)
    log = places.logs / "dockerd.log"
    _require_snapshots(root, log)
    if root.is_file():
        records.set_aside(root)
    root.mkdir(parents=True, exist_ok=True)
    configuration = places.run / "daemon.json"
    settings = _settings(places, brought, choice, mirror)
    used = {"hub": mirror.host}
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
    records.write(places.run / "network.json", used)
    records.write(configuration, settings)
    places.temporary.mkdir(mode=0o700, exist_ok=True)
    environment["TMPDIR"] = str(places.temporary)
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
    if not (places.run / "daemon.json").exists():
        return False  # its folder went: nothing will ever answer there
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
            answer: object = json.loads(response.read(_LONGEST_ANSWER))
        except (OSError, http.client.HTTPException, ValueError, RecursionError):
            return None
        if not isinstance(answer, dict) or response.status != http.HTTPStatus.OK:
            return None
        fields = ("Version", "ApiVersion")
        found = {name: answer[name] for name in fields if isinstance(answer.get(name), str)}
        return found if len(found) == len(fields) else None


def make_private(address: Path) -> None:
    """Keep the engine to its user: dockerd lets a group named docker in."""
    with contextlib.suppress(FileNotFoundError):  # then nobody gets in
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
            leftovers.discard(database)
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
            said = _read(log)
            last = _last_words(said)
            if _DATA.search(said):
                raise _damaged(last, log)
            raise EngineError(
                _("The engine ended while it started: {said}.").format(said=last.rstrip(".")),
                _(
                    "Its log is {log}; 'dockerlab doctor' may know the cause. If nothing else "
                    "helps, 'dockerlab engine reset' starts it empty: its images, containers and "
                    "volumes are lost."
                ).format(log=log),
            )
        time.sleep(0.05)
    raise EngineError(
        _("The engine did not answer within {seconds:.0f} s.").format(seconds=_START_SECONDS),
        _(
            "Its log is {log}; stop other work on this machine and start again. If nothing else "
            "helps, 'dockerlab engine reset' starts it empty: its images, containers and volumes "
            "are lost."
        ).format(log=log),
    )


def _require_snapshots(root: Path, log: Path) -> None:
    """Refuse a damaged list of the containerd store's snapshots: the first container would fail.

    It is the one database that is opened only when it is needed.
    """
    for file in root.glob("containerd/daemon/io.containerd.snapshotter.v1.*/metadata.db"):
        try:
            with file.open("rb") as stream:
                head = stream.read(2 * _LARGEST_PAGE)
        except OSError as error:
            raise _damaged(str(error), log) from error
        if not head and not list((file.parent / "snapshots").glob("*")):
            continue  # as good as new
        pages = (0, *(2**power for power in range(12, 17)))
        if not any(head[page + 16 : page + 20] == _BOLT for page in pages):
            raise _damaged(_("{file} is no database").format(file=file), log)


def _damaged(said: str, log: Path) -> EngineError:
    return EngineError(
        _("The engine's stored data is damaged: {said}.").format(said=said.rstrip(".")),
        _(
            "'dockerlab engine reset' starts it empty; its images, containers and volumes are "
            "lost. Its log is {log}."
        ).format(log=log),
    )


def _read(log: Path) -> str:
    try:
        return log.read_text(errors="replace")
    except OSError:
        return ""


def _last_words(said: str) -> str:
    """Find the cause: a crash, else what dockerd says without a time as it ends, else an error."""
    lines = said.splitlines()
    crash = [line for line in lines if re.match(r"panic:|fatal error:|unexpected fault", line)]
    plain = [line for line in lines if line.strip() and not line.startswith("time=")][-1:]
    telling = [line for line in lines if re.search(r"level=(error|fatal)|^failed|error", line)]
    last = (crash[:1] or plain or telling or lines or [_("it said nothing")])[-1]
    quoted = re.search(r'msg="((?:[^"\\]|\\.)*)"', last)
    return (quoted[1] if quoted else last)[:300]

"""One registry process that serves the hub's storage and takes nothing: start, find, end."""

import json
import os
import secrets
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
import requests

from dockerlab.engine import processes, records, rootless
from dockerlab.engine.ports import LOOPBACK, free_port
from dockerlab.engine.programs import Programs
from dockerlab.errors import HubError
from dockerlab.language import _

_START_SECONDS = 15.0
_PROGRAM = "docker-registry"
_NAME_HEADER = "X-Dockerlab-Hub"
_LARGEST_PORT = 65535


@dataclass(frozen=True)
class Running:
    """A registry that answers."""

    pid: int
    port: int


class Server:
    """A registry process, told from any other by its configuration file.

    Parameters
    ----------
    programs : Programs
        The unpacked ``docker-registry`` to run.
    configuration : Path
        The file it is started with.
    storage : Path
        What it serves.
    log : Path
        What it says.
    """

    def __init__(self, programs: Programs, configuration: Path, storage: Path, log: Path) -> None:
        self._programs = programs
        self._configuration = configuration
        self._storage = storage
        self._log = log

    def daemon(self) -> psutil.Process | None:
        """Find its process, even one that does not answer."""
        return processes.find_daemon(_PROGRAM, str(self._configuration))

    def running(self) -> Running | None:
        """Find the registry that has our configuration and answers with our name."""
        known = self._configured()
        if known is None:
            return None
        daemon = self.daemon()
        return Running(daemon.pid, known[0]) if daemon and _answers(*known) else None

    def running_beside(self, neighbour: int) -> Running | None:
        """Find the registry that listens in the network namespace of a process of this user."""
        known, daemon = self._configured(), self.daemon()
        if known is None or daemon is None:
            return None
        if _network(daemon.pid) != _network(neighbour) or not _listens(daemon, known[0]):
            return None
        return Running(daemon.pid, known[0])

    def end(self) -> bool:
        """End it and remove its configuration; tell whether it ran."""
        daemon = self.daemon()
        if daemon:
            processes.end([daemon])
            processes.reap(daemon.pid)
        self._configuration.unlink(missing_ok=True)
        return daemon is not None

    def launch(self, port: int, neighbour: int | None = None) -> bool:
        """Run it and wait until it answers; False when another took its port.

        Parameters
        ----------
        port : int
            The port of the loopback to listen at.
        neighbour : int, optional
            The process whose network namespace is meant, instead of this machine's.

        Raises
        ------
        HubError
            It does not come up.
        """
        name = secrets.token_hex(8)
        self._configure(port, name)
        # variables named REGISTRY_… would override the file
        environment = {k: v for k, v in os.environ.items() if not k.startswith("REGISTRY_")}
        command = [str(self._programs.path(_PROGRAM)), "serve", str(self._configuration)]
        if neighbour is not None:
            command = [*rootless.enter(neighbour, network=True), *command]
        pid = processes.spawn(command, environment, self._log)
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until:
            if processes.reap(pid):
                break
            if self.running_beside(neighbour) if neighbour else _answers(port, name):
                return True
            time.sleep(0.02)
        if daemon := self.daemon():
            processes.end([daemon])
        if neighbour is None and free_port(port) is None:
            return False
        last = self._log.read_text(errors="replace").splitlines()[-1:] or [_("it said nothing")]
        raise HubError(
            _("The hub's registry did not start: {said}").format(said=last[0][:300]),
            _("Its log is {log}.").format(log=self._log),
        )

    def _configure(self, port: int, name: str) -> None:
        settings = {
            "version": 0.1,
            "log": {"level": "warn", "accesslog": {"disabled": True}},
            "storage": {
                "filesystem": {"rootdirectory": str(self._storage)},
                # whoever can reach it may read it, and nobody can write: not even we
                "maintenance": {
                    "readonly": {"enabled": True},
                    "uploadpurging": {"enabled": False},
                },
            },
            "http": {
                "addr": f"{LOOPBACK}:{port}",
                "secret": secrets.token_hex(16),
                "headers": {_NAME_HEADER: [name], "X-Content-Type-Options": ["nosniff"]},
            },
        }
        # JSON is YAML too; the registry's parser knows no surrogate pairs
        content = json.dumps(settings, indent=1, ensure_ascii=False)
        self._configuration.unlink(missing_ok=True)
        self._configuration.touch(mode=0o600)
        self._configuration.write_text(content, encoding="utf-8")

    def _configured(self) -> tuple[int, str] | None:
        """Read port and name from the configuration; None where it is not ours, or damaged."""
        settings = records.read(self._configuration)
        try:
            http = settings["http"]  # type: ignore[index]
            port = as_port(int(http["addr"].rpartition(":")[2]))
            name = http["headers"][_NAME_HEADER][0]
        except (ValueError, LookupError, TypeError, AttributeError):
            return None
        return (port, name) if port and isinstance(name, str) else None


def as_port(value: object) -> int | None:
    """Give ``value`` when it is a port's number, else None."""
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _LARGEST_PORT:
        return value
    return None


def _answers(port: int, name: str) -> bool:
    """Tell whether our own registry answers there, and nobody else's."""
    with requests.Session() as session:
        session.trust_env = False
        try:
            answer = session.get(f"http://{LOOPBACK}:{port}/v2/", timeout=2)
        except requests.RequestException:
            return False
        return answer.ok and answer.headers.get(_NAME_HEADER) == name


def _network(pid: int) -> str | None:
    try:
        return str(Path(f"/proc/{pid}/ns/net").readlink())
    except OSError:
        return None


def _listens(process: psutil.Process, port: int) -> bool:
    """Tell whether someone listens at a port in the network namespace of a process."""
    try:
        if process.status() in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE):
            return False
        lines = Path(f"/proc/{process.pid}/net/tcp").read_text().splitlines()
    except (OSError, psutil.Error):
        return False
    return any(line.split()[1:4:2] == [f"0100007F:{port:04X}", "0A"] for line in lines)

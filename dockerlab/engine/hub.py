"""The local hub: a real registry on loopback, which the embedded engine uses as its mirror.

Several instances may run one each on the same storage: registries are made to share it.
"""

import json
import os
import secrets
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import requests

from dockerlab.engine import processes, rootless
from dockerlab.engine.disk import file_error
from dockerlab.engine.locking import locked
from dockerlab.engine.places import Places
from dockerlab.engine.ports import LOOPBACK, free_port, require_free
from dockerlab.engine.programs import Programs
from dockerlab.engine.registry import Registry
from dockerlab.errors import HubError, UsageError
from dockerlab.language import _

_PORTS = range(5051, 5100)  # below those the kernel hands out, and 5000 is the student's own
_START_SECONDS = 15.0
_PROGRAM = "docker-registry"
_NAME_HEADER = "X-Dockerlab-Hub"


@dataclass(frozen=True)
class Address:
    """Where the hub listens, as ``host:port``.

    ``host`` is what this machine's programs use, ``engine`` what the engine uses: a rootless
    engine has a loopback of its own and reaches the host's under another name.
    """

    host: str
    engine: str


@dataclass(frozen=True)
class HubStatus:
    """What the hub does at this moment; ``stored`` is the size of its storage in bytes.

    ``address`` and ``pid`` are None while it is stopped.
    """

    running: bool
    address: Address | None
    pid: int | None
    storage: str
    stored: int
    log: str

    def to_json(self) -> dict[str, object]:
        """Give the status as plain values."""
        return {
            "running": self.running,
            "address": self.address.host if self.address else None,
            "pid": self.pid,
            "storage": self.storage,
            "stored": self.stored,
            "log": self.log,
        }


class Hub:
    """The registry process of one instance, and its storage.

    Parameters
    ----------
    programs : Programs
        The unpacked ``docker-registry`` to run, and the busybox that goes into an image.
    folder : Path
        Where images are kept and worked on; instances may share it.
    home : Path
        Where this instance remembers its port and writes its log.
    run : Path
        Where its configuration and lock live while it runs.
    engine_host : str
        What the engine calls this machine's loopback.
    """

    def __init__(
        self, programs: Programs, folder: Path, home: Path, run: Path, engine_host: str = LOOPBACK
    ) -> None:
        self.programs = programs
        self.folder = folder
        self.storage = folder / "storage"
        self.log = home / "logs" / "hub.log"
        self._remembered = home / "hub.json"
        self._configuration = run / "hub.yml"
        self._lock = run / "hub.lock"
        self._engine_host = engine_host

    @classmethod
    def of(cls, places: Places, programs: Programs) -> "Hub":
        """Give the hub of an instance, run by the unpacked ``docker-registry``."""
        engine_host = LOOPBACK if os.geteuid() == 0 else rootless.HOST_ADDRESS
        return cls(programs, places.hub, places.home, places.run, engine_host)

    def start(self, port: int | None = None) -> Address:
        """Start the registry; one that runs is left as it is.

        Parameters
        ----------
        port : int, optional
            The port to listen on; by default the one of last time, or another free one.

        Returns
        -------
        Address
            Where it listens.

        Raises
        ------
        UsageError
            ``port`` is no port.
        HubError
            The port is taken, the hub runs on another, its folders can't be written, or the
            registry did not come up.
        """
        if port is not None and not 1 <= port <= 65535:
            raise UsageError(
                _("{port} is no port.").format(port=port), _("Choose one from 1024 to 65535.")
            )
        with self._writing(), locked(self._lock):
            if running := self._running():
                if port not in (None, running.port):
                    raise HubError(
                        _("The hub runs already, at {address}.").format(
                            address=self._address(running.port).host
                        ),
                        _("Stop it first: dockerlab hub stop"),
                    )
                return self._address(running.port)
            if stray := self._daemon():  # it hangs, or its configuration was written over
                processes.end([stray])
            chosen = self._launch_at([port] if port else self._usual_ports())
            self._remembered.write_text(json.dumps({"port": chosen}), encoding="utf-8")
            return self._address(chosen)

    def stop(self) -> bool:
        """Stop the registry; its storage stays.

        Returns
        -------
        bool
            Whether it ran.
        """
        if not self._configuration.parent.exists():
            return False
        with self._writing(), locked(self._lock):
            daemon = self._daemon()
            if daemon:
                processes.end([daemon])
                processes.reap(daemon.pid)
            self._configuration.unlink(missing_ok=True)
            return daemon is not None

    def status(self) -> HubStatus:
        """Tell what the hub does, without starting anything."""
        running = self._running()
        return HubStatus(
            running is not None,
            self._address(running.port) if running else None,
            running.pid if running else None,
            str(self.storage),
            _bytes_in(self.storage),
            str(self.log),
        )

    @property
    def busybox(self) -> Path:
        """A static busybox for this machine."""
        return self.programs.path("busybox")

    def free_space(self) -> int:
        """Give the bytes that are free on the hub's disk."""
        return shutil.disk_usage(self.folder).free

    @property
    def address(self) -> Address:
        """Where the running hub listens.

        Raises
        ------
        HubError
            It is stopped.
        """
        running = self._running()
        if running is None:
            raise HubError(_("The hub is stopped."), _("Start it: dockerlab hub start"))
        return self._address(running.port)

    @contextmanager
    def registry(self) -> Iterator[Registry]:
        """Talk to the running hub.

        Raises
        ------
        HubError
            It is stopped.
        """
        with Registry(f"http://{self.address.host}", direct=True) as registry:
            yield registry

    def _address(self, port: int) -> Address:
        return Address(f"{LOOPBACK}:{port}", f"{self._engine_host}:{port}")

    def _daemon(self) -> psutil.Process | None:
        return processes.find_daemon(_PROGRAM, str(self._configuration))

    def _running(self) -> "_Running | None":
        """Find the registry that has our configuration and answers with our name."""
        try:
            settings = json.loads(self._configuration.read_text(encoding="utf-8"))["http"]
            port = int(settings["addr"].rpartition(":")[2])
            name = settings["headers"][_NAME_HEADER][0]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        daemon = self._daemon()
        return _Running(daemon.pid, port) if daemon and _answers(port, name) else None

    def _usual_ports(self) -> Iterator[int]:
        with suppress(OSError, ValueError, KeyError, TypeError):
            yield int(json.loads(self._remembered.read_text(encoding="utf-8"))["port"])
        yield from _PORTS
        if any_port := free_port(0):
            yield any_port

    def _launch_at(self, ports: Iterable[int]) -> int:
        """Run the registry at the first port that is free, and still is when it listens."""
        for folder in (self.storage, self._remembered.parent, self._configuration.parent):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        port = 0
        for port in ports:
            if free_port(port) is not None and self._launch(port):
                return port
        require_free(port)
        raise HubError(_("This machine has no free port."), _("Stop what uses so many of them."))

    def _launch(self, port: int) -> bool:
        """Run the registry and wait until it answers; False when another took its port."""
        name = secrets.token_hex(8)
        settings = {
            "version": 0.1,
            "log": {"level": "warn", "accesslog": {"disabled": True}},
            "storage": {
                "filesystem": {"rootdirectory": str(self.storage)},
                "delete": {"enabled": True},
            },
            "http": {
                "addr": f"{LOOPBACK}:{port}",
                "secret": secrets.token_hex(16),
                "headers": {_NAME_HEADER: [name], "X-Content-Type-Options": ["nosniff"]},
            },
        }
        # JSON is YAML too; the registry's parser knows no surrogate pairs
        content = json.dumps(settings, indent=1, ensure_ascii=False)
        self._configuration.touch(mode=0o600)
        self._configuration.write_text(content, encoding="utf-8")
        # variables named REGISTRY_… would override the file
        environment = {k: v for k, v in os.environ.items() if not k.startswith("REGISTRY_")}
        command = [str(self.programs.path(_PROGRAM)), "serve", str(self._configuration)]
        pid = processes.spawn(command, environment, self.log)
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until:
            if processes.reap(pid):
                break
            if _answers(port, name):
                return True
            time.sleep(0.02)
        if daemon := self._daemon():
            processes.end([daemon])
        if free_port(port) is None:
            return False
        last = self.log.read_text(errors="replace").splitlines()[-1:] or [_("it said nothing")]
        raise HubError(
            _("The hub's registry did not start: {said}").format(said=last[0][:300]),
            _("Its log is {log}.").format(log=self.log),
        )

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Turn what the file system refuses into one sentence."""
        try:
            yield
        except FileNotFoundError as error:
            raise HubError(
                _("There is no {file}.").format(file=error.filename),
                _("Run 'dockerlab engine remove' and start again."),
            ) from error
        except OSError as error:
            raise file_error(error, self.storage) from error


@dataclass(frozen=True)
class _Running:
    pid: int
    port: int


def _answers(port: int, name: str) -> bool:
    """Tell whether our own registry answers there, and nobody else's."""
    with requests.Session() as session:
        session.trust_env = False
        try:
            answer = session.get(f"http://{LOOPBACK}:{port}/v2/", timeout=2)
        except requests.RequestException:
            return False
        return answer.ok and answer.headers.get(_NAME_HEADER) == name


def _bytes_in(folder: Path) -> int:
    total = 0
    for root, _folders, files in os.walk(folder):
        for file in files:
            with suppress(OSError):
                total += Path(root, file).stat().st_size
    return total

"""The local hub: a real registry on loopback, which the embedded engine uses as its mirror.

It only reads, for whoever is on this machine can reach it; images are put into its storage as
files. Several instances may run one each on the same storage: registries are made to share it.
A rootless engine has a network of its own, from which this machine's loopback can't be reached:
there a second registry serves the same storage at the same port.
"""

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from dockerlab.engine import leftovers, processes, records
from dockerlab.engine.disk import file_error
from dockerlab.engine.locking import locked
from dockerlab.engine.places import Places
from dockerlab.engine.ports import LOOPBACK, free_port, require_free
from dockerlab.engine.programs import Programs
from dockerlab.engine.registry import Registry
from dockerlab.engine.serving import Server, as_port
from dockerlab.engine.storage import RECORD, Storage
from dockerlab.errors import HubError, UsageError
from dockerlab.language import _

_PORTS = range(5051, 5100)  # below those the kernel hands out, and 5000 is the student's own


@dataclass(frozen=True)
class Address:
    """Where the hub listens, as ``host:port``, for this machine's programs and for the engine."""

    host: str


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
    places : Places, optional
        The instance whose rootless engine, if there is one, must reach the hub too.
    """

    def __init__(
        self, programs: Programs, folder: Path, home: Path, run: Path, places: Places | None = None
    ) -> None:
        self.programs = programs
        self.folder = folder
        self.storage = folder / "storage"
        self.log = home / "logs" / "hub.log"
        self._remembered = home / "hub.json"
        self._run = run
        self._lock = run / "hub.lock"
        self._places = places
        self._server = Server(programs, run / "hub.yml", self.storage, self.log)
        self._inside = Server(
            programs, run / "hub-inside.yml", self.storage, self.log.with_name("hub-inside.log")
        )

    @classmethod
    def of(cls, places: Places, programs: Programs) -> "Hub":
        """Give the hub of an instance, run by the unpacked ``docker-registry``."""
        return cls(programs, places.hub, places.home, places.run, places)

    def storing(self, origin: str = "") -> Storage:
        """Give the hub's files, to look at them or to put images there; it need not run.

        Parameters
        ----------
        origin : str
            Where what will be put there comes from.
        """
        return Storage(self.storage, self.folder / RECORD, origin)

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
            if running := self._server.running():
                if port not in (None, running.port):
                    raise HubError(
                        _("The hub runs already, at {address}.").format(
                            address=_address(running.port).host
                        ),
                        _("Stop it first: dockerlab hub stop"),
                    )
                chosen = running.port
            else:
                if stray := self._server.daemon():  # it hangs, or its file was written over
                    processes.end([stray])
                chosen = self._launch_at([port] if port else self._usual_ports())
                self._remember(chosen)
            self._serve_inside(chosen)
            return _address(chosen)

    def stop(self) -> bool:
        """Stop the registry; its storage stays.

        Returns
        -------
        bool
            Whether it ran.
        """
        if not self._run.exists():
            return False
        with self._writing(), locked(self._lock):
            self._inside.end()
            return self._server.end()

    def status(self) -> HubStatus:
        """Tell what the hub does, without starting anything."""
        running = self._server.running()
        return HubStatus(
            running is not None,
            _address(running.port) if running else None,
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
        running = self._server.running()
        if running is None:
            raise HubError(_("The hub is stopped."), _("Start it: dockerlab hub start"))
        return _address(running.port)

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

    def _serve_inside(self, port: int) -> None:
        """Serve in a rootless engine's own network too, while there is one."""
        engine = self._rootless_engine()
        if engine is None or self._inside.running_beside(engine):
            return
        self._inside.end()
        self._inside.launch(port, neighbour=engine)

    def _rootless_engine(self) -> int | None:
        if self._places is None or os.geteuid() == 0:
            return None
        found = leftovers.daemons_of(self._places)
        return next((each.pid for each in found if processes.runs(each, "dockerd")), None)

    def _usual_ports(self) -> Iterator[int]:
        remembered = records.read(self._remembered)
        if isinstance(remembered, dict) and (port := as_port(remembered.get("port"))):
            yield port
        yield from _PORTS
        if any_port := free_port(0):
            yield any_port

    def _remember(self, port: int) -> None:
        """Write down the port for the next start; what is no file in its place is removed."""
        if self._remembered.is_dir():
            leftovers.discard(self._remembered)
        records.write(self._remembered, {"port": port})

    def _launch_at(self, ports: Iterable[int]) -> int:
        """Run the registry at the first port that is free, and still is when it listens."""
        ours = (self.folder, self.storage, self.log.parent)
        for folder in (*ours, self._remembered.parent, self._run):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for folder in ours:
            folder.chmod(0o700)
        port = 0
        for port in ports:
            if free_port(port) is not None and self._server.launch(port):
                return port
        require_free(port)
        raise HubError(_("This machine has no free port."), _("Stop what uses so many of them."))

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


def _address(port: int) -> Address:
    return Address(f"{LOOPBACK}:{port}")


def _bytes_in(folder: Path) -> int:
    total = 0
    for root, _folders, files in os.walk(folder):
        for file in files:
            with suppress(OSError):
                total += Path(root, file).stat().st_size
    return total

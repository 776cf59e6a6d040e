"""The embedded engine: a real dockerd that runs from the cache folder and installs nothing."""

import contextlib
import os
import shlex
from dataclasses import dataclass
from pathlib import Path

from dockerlab.engine import daemon, leftovers, life, network, programs, records, rootless
from dockerlab.engine.choice import choose, last_choice
from dockerlab.engine.hub import Hub
from dockerlab.engine.locking import locked
from dockerlab.engine.places import Places
from dockerlab.engine.progress import Progress, silent
from dockerlab.errors import EngineError
from dockerlab.language import _


@dataclass(frozen=True)
class Status:
    """What the embedded engine is and does at this moment.

    ``version`` and ``api`` are what the engine answers and ``pid`` is dockerd's process; all
    three are None while it is stopped. ``hub`` is the local hub's address for this machine,
    ``terminal`` the line that points a shell at the engine.
    """

    running: bool
    suite: str | None
    store: str | None
    version: str | None
    api: str | None
    pid: int | None
    rootless: bool
    socket: str
    bridge: str | None
    subnet: str | None
    hub: str | None
    data_root: str | None
    log: str
    terminal: str


def bring(
    places: Places,
    suite: str | None = None,
    store: str | None = None,
    progress: Progress = silent,
) -> None:
    """Make sure that the engine's programs are there; what takes long of a first start.

    Takes and raises what `start` does.
    """
    places.create()
    with locked(places.lock):
        programs.bring(places, choose(places, suite, store).suite, progress)


def start(
    places: Places,
    suite: str | None = None,
    store: str | None = None,
    progress: Progress = silent,
) -> Status:
    """Start the engine, bringing it first where it is missing; one that runs is left as it is.

    Parameters
    ----------
    places : Places
        Where everything lives.
    suite : str, optional
        The suite the engine comes from; the last one used, else the host's default.
    store : {"overlay2", "containerd"}, optional
        The image store; the last one used, else overlay2.
    progress : Progress, optional
        Told how far long steps are.

    Returns
    -------
    Status
        The running engine.

    Raises
    ------
    UsageError
        The suite or store does not exist.
    EngineError
        The engine can't be brought or started; or it runs with another suite or store.
    """
    places.create()
    with locked(places.lock):
        life.start(places, suite, store, progress)
        return status(places)


def stop(places: Places) -> bool:
    """Stop the engine and its hub, leaving no process, mount, bridge, rule or socket behind.

    Returns
    -------
    bool
        Whether the engine ran.

    Raises
    ------
    EngineError
        Its bridge and rules can't be removed, as the programs for it are gone from the cache
        and can't be brought again.
    """
    if not _was_ever_started(places):
        return False
    with locked(places.lock):
        return life.stop(places)


def reset(places: Places, progress: Progress = silent) -> Status:
    """Throw away all images, containers, volumes and networks of the engine; start it again.

    The hub keeps its images, so the next pull is local. Raises what `start` does.
    """
    places.create()
    with locked(places.lock):
        life.stop(places)
        _remove_data(places)
        places.create()
        life.start(places, None, None, progress)
        return status(places)


def repair(places: Places, progress: Progress = silent) -> list[str]:
    """Compare every program with what its package holds, and unpack again where one differs.

    An engine that runs is stopped for it and started again.

    Returns
    -------
    list of str
        The files that were damaged, by their paths in the engine's folder.

    Raises
    ------
    EngineError
        The programs can't be brought.
    """
    places.create()
    with locked(places.lock):
        suite = choose(places, None, None).suite
        if not (places.engines / suite).exists():
            programs.bring(places, suite, progress)
            return []
        wrong = programs.repair(places, suite, progress)
        if wrong and daemon.answers(places):
            life.stop(places)
            places.create()
            life.start(places, None, None, progress)
        return wrong


def remove(places: Places) -> None:
    """Stop the engine and delete all it kept; the last instance takes the shared cache along.

    Raises
    ------
    EngineError
        A folder can't be deleted.
    """
    run = places.run
    with locked(places.lock):
        life.stop(places)
        _remove_data(places)
        for folder in (run, places.home):
            _delete(folder)
    with contextlib.suppress(OSError):
        run.parent.rmdir()
    with locked(places.cache_lock):
        if not list(places.home.parent.glob("*")):
            for folder in (places.home.parent, *places.shared):
                _delete(folder)
            places.cache_lock.unlink()
    with contextlib.suppress(OSError):
        places.cache.rmdir()


def status(places: Places) -> Status:
    """Tell what the engine is and does, without starting anything."""
    last = last_choice(places)
    version = daemon.version(places.socket)
    process = daemon.find(places) if version else None
    used = _used(places) if version else {}
    return Status(
        running=version is not None,
        suite=last.suite if last else None,
        store=last.store if last else None,
        version=version["Version"] if version else None,
        api=version["ApiVersion"] if version else None,
        pid=process.pid if process else None,
        rootless=os.geteuid() != 0,
        socket=str(places.socket),
        bridge=used.get("bridge"),
        subnet=used.get("subnet"),
        hub=used.get("hub"),
        data_root=str(daemon.data_root(places, last)) if last else None,
        log=str(places.logs / "dockerd.log"),
        terminal=terminal_line(places),
    )


def hub(places: Places, progress: Progress = silent) -> Hub:
    """Give the engine's hub, its programs brought where they are missing; starts nothing."""
    places.create()
    with locked(places.lock):
        suite = choose(places, None, None).suite
        return Hub.of(places, programs.bring(places, suite, progress))


def terminal_line(places: Places) -> str:
    """Give the line that points a POSIX shell's ``docker`` at the engine."""
    return (
        f"export DOCKER_HOST={shlex.quote(f'unix://{places.socket}')} "
        f"DOCKER_CONFIG={shlex.quote(str(places.docker_config))} "
        f'PATH={shlex.quote(str(places.bin))}:"$PATH"'
    )


def is_running(places: Places) -> bool:
    """Tell whether the engine answers."""
    return daemon.answers(places)


def can_be_brought() -> bool:
    """Tell whether this machine can have an embedded engine at all."""
    try:
        programs.default_suite()
    except EngineError:
        return False
    return True


def _was_ever_started(places: Places) -> bool:
    return (
        places.home.exists()
        or bool(leftovers.daemons_of(places))
        or (os.geteuid() == 0 and network.exists(places.key))
    )


def _remove_data(places: Places) -> None:
    data = places.home / "data"
    if not data.exists():
        return
    if os.geteuid() != 0:
        suite = choose(places, None, None).suite
        rootless.remove(programs.bring(places, suite), data)
    _delete(data)


def _delete(folder: Path) -> None:
    leftovers.discard(folder)
    if os.path.lexists(folder):
        raise EngineError(
            _("The folder {folder} can't be deleted completely.").format(folder=folder),
            _("See what is in it, and whose it is; then try again."),
        )


def _used(places: Places) -> dict[str, str]:
    found = records.read(places.run / "network.json")
    if not isinstance(found, dict):
        return {}
    return {name: value for name, value in found.items() if isinstance(value, str)}

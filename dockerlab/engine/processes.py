"""Find and end the engine's own processes, told by their command lines and never by name."""

import contextlib
import errno
import os
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import psutil

from dockerlab.engine.records import set_aside
from dockerlab.errors import EngineError
from dockerlab.language import _

_DEADLINE = 10.0  # seconds between a polite end and a kill


def find(*markers: str) -> list[psutil.Process]:
    """List the processes that name one of ``markers`` (paths of ours) on their command line."""
    found = []
    me = os.getpid()
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            words = process.cmdline()
            if process.pid != me and any(marker in word for word in words for marker in markers):
                found.append(process)
    return found


def find_daemon(program: str, marker: str) -> psutil.Process | None:
    """Find the process of ``program`` that was started with ``marker`` among its arguments."""
    return next((process for process in find(marker) if runs(process, program)), None)


def runs(process: psutil.Process, *programs: str) -> bool:
    """Tell whether ``process`` was started as one of ``programs``, rather than reads its files."""
    try:
        return Path(process.cmdline()[0]).name in programs
    except (psutil.Error, IndexError):
        return False


def spawn(command: Sequence[str], environment: Mapping[str, str], log: Path) -> int:
    """Start a program that outlives this one, writing to ``log``; give its process ID.

    The log of the run before is kept as ``LOG.old``.

    Raises
    ------
    EngineError
        This machine can't run it: it is damaged, or another machine's.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    old = log.with_suffix(".log.old")
    for place in (log, old):
        if place.is_dir() and not place.is_symlink():
            set_aside(place)
    if os.path.lexists(log):  # also a link to nowhere, through which nothing is to be written
        log.replace(old)
    with open(log, "wb", opener=_private) as output, can_run(command[0]):
        job = subprocess.Popen(
            list(command), env=dict(environment), cwd="/", stdin=subprocess.DEVNULL,
            stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            umask=0o022,  # what an engine puts into images and volumes is not this user's affair
        )  # fmt: skip
    # it is not ours to wait for: its end is seen through /proc
    job.returncode = 0
    return job.pid


@contextlib.contextmanager
def can_run(program: object) -> Iterator[None]:
    """Put into a sentence that the kernel refuses to run a program of ours.

    Raises
    ------
    EngineError
        It is damaged, gone, or may not be run.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOEXEC, errno.EACCES, errno.ENOENT, errno.ELIBBAD):
            raise
        raise EngineError(
            _("The program {program} can't be run: {cause}.").format(
                program=program, cause=error.strerror
            ),
            _("Run 'dockerlab engine repair'."),
        ) from error


def end(processes: Sequence[psutil.Process], seconds: float = _DEADLINE) -> None:
    """Ask processes to end, and kill those that have not after ``seconds``."""
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    if not wait(processes, seconds):
        kill(processes)


def kill(processes: Sequence[psutil.Process]) -> None:
    """Kill processes and wait until they are gone."""
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.kill()
    wait(processes, _DEADLINE)


def families(processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    """List processes with all their descendants, parents first so that none is respawned."""
    found: dict[int, psutil.Process] = {}
    for process in processes:
        with contextlib.suppress(psutil.Error):
            for each in (process, *process.children(recursive=True)):
                found.setdefault(each.pid, each)
    return list(found.values())


def wait(processes: Sequence[psutil.Process], seconds: float) -> bool:
    """Wait until all have ended; tell whether they have within ``seconds``.

    One that has ended but was not collected by its parent, which may be a notebook's kernel,
    has ended.
    """
    until = time.monotonic() + seconds
    left = list(processes)
    while left := [process for process in left if not _ended(process)]:
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def reap(pid: int) -> bool:
    """Collect a child that has ended; tell whether ``pid`` has ended."""
    with contextlib.suppress(ChildProcessError):
        if os.waitpid(pid, os.WNOHANG)[0] == pid:
            return True
    return not psutil.pid_exists(pid)


def run_quietly(*command: str) -> None:
    """Run a cleaning command whose failure changes nothing for what comes after it."""
    subprocess.run(command, capture_output=True, check=False)


def _private(name: str, flags: int) -> int:
    """Open a file that nobody else may read, whatever the user's mask is."""
    return os.open(name, flags, 0o600)


def _ended(process: psutil.Process) -> bool:
    try:
        # the first thread ends before the others, which may still hold files and mounts
        if process.is_running() and (
            process.status() != psutil.STATUS_ZOMBIE or process.num_threads() > 1
        ):
            return False
    except psutil.Error:
        return True
    reap(process.pid)
    return True

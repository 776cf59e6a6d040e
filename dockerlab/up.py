"""JupyterLab with an engine behind it, from one command, until Ctrl-C."""

import contextlib
import signal
import webbrowser
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from dockerlab.engine import connect, find, records, usual
from dockerlab.engine.find import require_choice
from dockerlab.engine.places import Places
from dockerlab.engine.progress import Progress
from dockerlab.errors import UsageError
from dockerlab.jupyter import Jupyter, Server
from dockerlab.language import _

Say = Callable[[str], None]
_PIDS = 2**31
_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


@dataclass(frozen=True)
class Wish:
    """What the command line asked for; None leaves the choice to dockerlab."""

    engine: str | None = None
    suite: str | None = None
    store: str | None = None
    port: int | None = None
    browser: bool = True


def open_lab(places: Places, project: Path, wish: Wish, say: Say, progress: Progress) -> None:
    """Open JupyterLab at the first notebook and stay until it ends or a signal comes.

    Everything that was started here is stopped again, an engine that ran before is not.

    Parameters
    ----------
    places : Places
        Where everything lives.
    project : Path
        The folder that holds ``notebooks``.
    wish : Wish
        Engine, port and browser.
    say : callable
        Takes a line for the user.
    progress : Progress
        Told how far long steps are.

    Raises
    ------
    UsageError
        The wish makes no sense.
    LabError
        The engine or JupyterLab can't be started; nothing is left running.
    """
    choice = wish.engine or usual()
    require_choice(choice)
    if choice != "embedded" and (wish.suite or wish.store):
        raise UsageError(
            _("--suite and --store are the embedded engine's, and --engine is {choice}.").format(
                choice=choice
            ),
            _("Leave them out."),
        )
    places.create()
    jupyter = Jupyter(project, places.home / "jupyter")
    server = jupyter.running()
    if server and not server.orphaned:
        say(f"JupyterLab is open already: {server.url}")
        _browse(jupyter, server, wish)
        return
    jupyter.end_orphans()
    with _signals_end_it(), contextlib.ExitStack() as stack:
        jupyter.require_port(wish.port)
        if choice == "embedded":
            from dockerlab.engine import embedded  # noqa: PLC0415 - it runs on Linux alone
            from dockerlab.engine.stock import stock  # noqa: PLC0415

            # what is long comes first; JupyterLab and a brought engine then start side by side
            embedded.bring(places, wish.suite, wish.store, progress)
        else:
            connect(find(choice)).close()
        job = jupyter.start(wish.port, {"DOCKERLAB_ENGINE": choice})
        stack.callback(jupyter.stop, job)
        if choice == "embedded":
            if not embedded.is_running(places) or _orphaned(places.run / "owner.json"):
                stack.callback(embedded.stop, places)
                _own(places.run / "owner.json")
            embedded.start(places, wish.suite, wish.store, progress)
            stock(places, progress)
        server = jupyter.wait(job)
        say(f"JupyterLab: {server.url}")
        say("Ctrl-C here stops JupyterLab and the engine it started.")
        _browse(jupyter, server, wish)
        job.wait()


def _browse(jupyter: Jupyter, server: Server, wish: Wish) -> None:
    if wish.browser:
        # a browser in a sandbox may not read the file: the address is on the terminal as well
        webbrowser.open(jupyter.opening_page(server).as_uri())


@contextlib.contextmanager
def _signals_end_it() -> Iterator[None]:
    """Let each signal that asks for an end be heard once; what then stops is not cut short."""

    def end(number: int, _frame: object) -> None:
        for each in _SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        raise SystemExit(128 + number)

    before = {each: signal.signal(each, end) for each in _SIGNALS}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _own(file: Path) -> None:
    me = psutil.Process()
    records.write(file, {"pid": me.pid, "since": me.create_time()})


def _orphaned(file: Path) -> bool:
    """Tell whether the engine was started by a command like this one that is no more."""
    owner = records.read(file)
    match owner:
        case {"pid": int(pid), "since": float(since)} if 0 < pid < _PIDS:
            try:
                return bool(psutil.Process(pid).create_time() != since)
            except psutil.NoSuchProcess:
                return True
    return False

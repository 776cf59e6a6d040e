"""``dockerlab engine``: the real dockerd that dockerlab brings along."""

import json
from dataclasses import asdict

import typer
from rich.table import Table

from dockerlab.commands.console import AsJson, Store, Suite, out, require_words, say, steps
from dockerlab.engine import embedded
from dockerlab.engine.places import Places
from dockerlab.language import _

app = typer.Typer(no_args_is_help=True)


@app.command()
def start(suite: Suite = None, store: Store = None) -> None:
    """Start the engine, and bring it first where it is missing."""
    require_words(suite, store)
    with steps() as progress:
        running = embedded.start(Places.from_environment(), suite, store, progress)
    say(
        _("Engine {version} runs, with the {store} store. For this terminal:").format(
            version=running.version, store=running.store
        )
    )
    say(running.terminal)


@app.command()
def stop() -> None:
    """Stop the engine and its hub; images and containers are kept for the next start."""
    stopped = embedded.stop(Places.from_environment())
    say(_("The engine is stopped.") if stopped else _("The engine was not running."))


@app.command()
def status(as_json: AsJson = False) -> None:
    """Tell what the engine is and does, and the line that points a terminal at it."""
    now = embedded.status(Places.from_environment())
    if as_json:
        say(json.dumps(asdict(now), indent=1))
        return
    table = Table.grid(padding=(0, 2))
    for name, value in asdict(now).items():
        if value is not None and name != "terminal":
            words = {True: _("yes"), False: _("no")}
            shown = words[value] if isinstance(value, bool) else str(value)
            table.add_row(name.replace("_", " "), shown)
    out.print(table)
    if now.running:
        say(_("Point this terminal's docker at it:"))
        say(now.terminal)


@app.command()
def reset() -> None:
    """Throw away the engine's images, containers, volumes and networks, and start it anew."""
    with steps() as progress:
        running = embedded.reset(Places.from_environment(), progress)
    say(_("Engine {version} runs and is empty.").format(version=running.version))


@app.command()
def repair() -> None:
    """Compare the engine's programs with their packages, and bring again what is damaged."""
    with steps() as progress:
        files = embedded.repair(Places.from_environment(), progress)
    for file in files:
        say(_("Repaired: {file}").format(file=file))
    if not files:
        say(_("The engine's programs are whole."))


@app.command()
def remove() -> None:
    """Stop the engine and delete everything dockerlab ever brought to this machine."""
    embedded.remove(Places.from_environment())
    say(_("The engine is removed."))

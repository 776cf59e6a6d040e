"""The ``dockerlab`` command."""

import contextlib
import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Literal, NoReturn

import typer
from typer.exceptions import TyperException

from dockerlab.commands import notebooks
from dockerlab.commands.book import book
from dockerlab.commands.console import Store, Suite, require_words, say, steps
from dockerlab.commands.course import claims, progress
from dockerlab.commands.doctor import doctor
from dockerlab.commands.failure import DEVELOPER_VARIABLE, failure, output_lost
from dockerlab.commands.project import project_folder
from dockerlab.engine.places import Places
from dockerlab.language import _
from dockerlab.up import Wish, open_lab

OTHER_GENERATIONS = ("26.1-containerd", "28.5-overlay2", "28.5-containerd", "20.10-overlay2")
"""Engines beside the usual one that the tests can bring; tests/engine/generations.py has them."""

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
app.add_typer(notebooks.app, name="notebooks", help="The chapters' stored outputs.")
if sys.platform == "linux":  # what is embedded runs there alone
    from dockerlab.commands import engine, hub

    app.add_typer(engine.app, name="engine", help="The embedded engine: a real dockerd.")
    app.add_typer(hub.app, name="hub", help="The local registry with the course's images.")


@app.callback()
def _root() -> None:
    """Learn and teach Docker in Jupyter, on a real engine of your own."""


@app.command()
def up(
    browser: Annotated[bool, typer.Option(help="Open a browser at the first notebook.")] = True,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="JupyterLab's port.")] = None,
    choice: Annotated[
        str | None, typer.Option("--engine", help="embedded, current or an address.")
    ] = None,
    suite: Suite = None,
    store: Store = None,
) -> None:
    """Open JupyterLab with an engine behind it; Ctrl-C stops both."""
    with steps() as progress:
        require_words(choice, suite, store)
        wish = Wish(choice, suite, store, port, browser)
        open_lab(Places.from_environment(), project_folder(), wish, say, progress)


app.command()(doctor)
app.command()(claims)
app.command()(book)
app.command()(progress)


@app.command("test", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def run_tests(
    context: typer.Context,
    engines: Annotated[
        Literal["default", "all"],
        typer.Option(help="The usual engine, or every generation of it and Podman."),
    ] = "default",
    notebooks_on: Annotated[
        str | None,
        typer.Option(
            help="Other generations that the notebooks run on too, such as 20.10-overlay2,"
            "28.5-containerd; by default none, with --engines=all all of them."
        ),
    ] = None,
) -> None:
    """Run every test on the embedded engine; more arguments go to pytest."""
    others = list(OTHER_GENERATIONS) if engines == "all" else []
    if notebooks_on is not None:
        others = [name for name in notebooks_on.split(",") if name]
    failed = _run_python("-m", "pytest", f"--engines={engines}", *context.args)
    for generation in others:
        say(_("The notebooks on {generation}:").format(generation=generation))
        failed |= _run_python(
            "-m", "pytest", "notebooks", f"--on={generation}", "--nbval-lax", "--durations=10"
        )
    raise typer.Exit(failed)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def bench(context: typer.Context) -> None:
    """Measure dockerlab beside plain tools; prints a table and writes bench.json."""
    raise typer.Exit(_run_python(str(Path("tests", "bench")), *context.args))


def main() -> NoReturn:
    """Run the command; a failure is one line with its mend, and an exit status."""
    _open_what_is_closed()
    try:
        status = app(prog_name="dockerlab", standalone_mode=False)
        sys.stdout.flush()
    except Exception as error:
        if os.environ.get(DEVELOPER_VARIABLE) == "1" and not isinstance(error, TyperException):
            raise
        lost = output_lost(error) if isinstance(error, OSError) else None
        failed = lost or failure(error)
        if failed.line:
            with contextlib.suppress(OSError):
                sys.stderr.write(f"dockerlab: {failed.line}\n")
                sys.stderr.flush()
        status = failed.status
    _forget_output()
    sys.exit(status)


def _open_what_is_closed() -> None:
    """Have the three standard streams, able to write every character, whatever the caller left.

    Where one is closed, the next file that is opened would get its number.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            handle = os.open(os.devnull, os.O_RDWR)
            if handle != number:
                os.dup2(handle, number)
                os.close(handle)
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", closefd=False))
        elif mode == "w" and isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _forget_output() -> None:
    """Keep Python from writing once more, at its end, what could not be written."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            handle = os.open(os.devnull, os.O_WRONLY)
            with contextlib.suppress(OSError, ValueError):
                os.dup2(handle, stream.fileno())
            os.close(handle)


def _run_python(*arguments: str) -> int:
    done = subprocess.run([sys.executable, *arguments], cwd=project_folder(), check=False)
    return done.returncode

"""How the ``dockerlab`` command speaks: lines, and long steps with sizes and the time left."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from dockerlab.engine.progress import Progress
from dockerlab.errors import UsageError
from dockerlab.language import _

out = Console(highlight=False, soft_wrap=True)

Suite = Annotated[str | None, typer.Option(help="The suite whose docker.io is used.")]
Store = Annotated[str | None, typer.Option(help="The image store: overlay2 or containerd.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def say(line: str) -> None:
    """Print a line as it is."""
    out.out(line)


def require_words(*values: str | None) -> None:
    """Refuse an option that was given an empty value: it is a slip, not a wish for the usual.

    Raises
    ------
    UsageError
        One is empty, or blank.
    """
    if any(value is not None and not value.strip() for value in values):
        raise UsageError(
            _("An option has an empty value."), _("Give it one, or leave the option out.")
        )


@contextmanager
def steps() -> Iterator[Progress]:
    """Show each step as a bar on a terminal, as a line elsewhere."""
    shown: dict[str, TaskID] = {}
    with Bars(
        TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn(),
        console=out, transient=True, disable=not out.is_terminal,
    ) as bars:  # fmt: skip

        def progress(label: str, done: int, total: int | None) -> None:
            if label not in shown:
                for task in shown.values():
                    bars.update(task, visible=False)
                shown[label] = bars.add_task(label, total=total)
                if not out.is_terminal:
                    say(f"{label} ...")
            bars.update(shown[label], completed=done, total=total)

        yield progress

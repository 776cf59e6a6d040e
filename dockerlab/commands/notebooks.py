"""``dockerlab notebooks``: the stored outputs of the chapters."""

import copy
import os
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer

from dockerlab.commands.console import say
from dockerlab.commands.project import notebooks_folder, project_folder
from dockerlab.errors import LabError, UnknownNameError
from dockerlab.language import _

app = typer.Typer(no_args_is_help=True)

_CELL_SECONDS = 120
_RULES = Path("tests", "notebooks", "sanitize.cfg")
_KERNEL = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


@app.command()
def refresh(
    names: Annotated[
        list[str] | None, typer.Argument(help="Notebooks, such as 02-1-image; by default all.")
    ] = None,
    anew: Annotated[
        bool, typer.Option("--anew", help="Store every output, also those that say the same.")
    ] = False,
) -> None:
    """Run notebooks and store their outputs; what only an ID or a time makes new is left."""
    folder = notebooks_folder()
    for path in _chosen(folder, names or []):
        begun = time.monotonic()
        _refresh(path, anew=anew)
        seconds = f"{time.monotonic() - begun:.0f}"
        say(_("{name}: {seconds} s").format(name=path.stem, seconds=seconds))


def _chosen(folder: Path, names: list[str]) -> list[Path]:
    everything = {path.stem: path for path in sorted(folder.glob("*.ipynb"))}
    chosen = []
    for name in names:
        stem = Path(name).stem
        if stem not in everything:
            raise UnknownNameError(
                _("There is no notebook {name!r}.").format(name=name),
                _("There are: {names}.").format(names=", ".join(everything)),
            )
        chosen.append(everything[stem])
    return chosen or list(everything.values())


def _refresh(path: Path, *, anew: bool) -> None:
    """Run one notebook in its own folder, and write it back only when all of it ran."""
    import nbclient  # noqa: PLC0415 - slow to import, and needed by this command alone
    import nbformat  # noqa: PLC0415

    from dockerlab.commands.outputs import read_rules, settle  # noqa: PLC0415
    from dockerlab.course.progress import FOLDER_VARIABLE  # noqa: PLC0415
    from dockerlab.facts.plain import printable  # noqa: PLC0415

    notebook = nbformat.read(path, as_version=4)
    stored = nbformat.v4.new_notebook() if anew else copy.deepcopy(notebook)
    client = nbclient.NotebookClient(
        notebook,
        timeout=_CELL_SECONDS,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,
        extra_arguments=["--log-level=ERROR"],  # its advice on transports is for servers
        resources={"metadata": {"path": str(path.parent)}},
    )
    try:
        with tempfile.TemporaryDirectory() as nobody:  # this is no student's progress
            client.execute(env={**os.environ, FOLDER_VARIABLE: nobody})
    except nbclient.exceptions.CellExecutionError as error:
        raise LabError(
            _("{name} failed: {said}").format(
                name=path.stem, said=f"{error.ename}: {printable(error.evalue)[:300]}"
            ),
            _("Open it, mend the cell, and refresh again; its file was left as it was."),
        ) from error
    except nbclient.exceptions.CellTimeoutError as error:
        raise LabError(
            _("A cell of {name} took longer than {seconds} s.").format(
                name=path.stem, seconds=_CELL_SECONDS
            ),
            _("Every cell must end by itself."),
        ) from error
    settle(notebook, stored, read_rules(project_folder() / _RULES))
    notebook.metadata = nbformat.from_dict(_KERNEL)
    path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")

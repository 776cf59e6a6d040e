"""Which images bear the chapter's names, seen after each cell: a name that moves leaves one behind.

A student who runs a cell with ``docker build -t`` twice leaves an image without name or label.
Only who saw it while it bore its name knows whose it is.
"""

import docker
import requests
from IPython import get_ipython

from dockerlab.course.belongings import bearers
from dockerlab.course.bench import Bench, started
from dockerlab.course.record import held, read_record, record_path, write_record
from dockerlab.errors import LabError


def watch_names() -> None:
    """Have the notebook note after each cell which images bear a name of the chapter."""
    shell = get_ipython()
    if shell is None:
        return
    callbacks = shell.events.callbacks["post_run_cell"]
    if _after_cell not in callbacks:
        shell.events.register("post_run_cell", _after_cell)


def _after_cell(_result: object) -> None:
    bench = started()
    if bench is None:
        return
    try:
        note_names(bench)
    except (docker.errors.DockerException, requests.RequestException, LabError):
        return  # an engine that is away is told where a cell needs it


def note_names(bench: Bench) -> None:
    """Note which images bear a name of the chapter now.

    Raises
    ------
    LabError
        The folder of the record can't be written.
    """
    number = bench.chapter.number
    fresh = tuple(set(bearers(bench.client, bench.chapter)) - bench.noted)
    if not fresh:
        return
    path = record_path(bench.client)
    with held(path):
        record = read_record(path)
        if record.started(number):  # after a cleanup nothing is the chapter's any more
            write_record(path, record.with_named(number, fresh))
            bench.noted.update(fresh)

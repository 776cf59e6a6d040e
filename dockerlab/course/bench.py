"""The bench a notebook works at: the engine, the client and the chapter that were started."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import docker
import requests

from dockerlab.course.chapters import Chapter
from dockerlab.engine import Engine
from dockerlab.errors import LabError
from dockerlab.language import _

if TYPE_CHECKING:
    from dockerlab.course.watcher import Watcher

_PATIENCE = 3  # seconds for an engine to say that it is there


@dataclass(frozen=True)
class Bench:
    """What ``lab.start`` made ready.

    Parameters
    ----------
    engine, client, chapter
        The engine in use, a client to it, and the chapter that was started.
    answers : dict
        What the student predicted since the start: question and name of the choice.
    watcher : Watcher, optional
        What notes what the chapter's cells make.
    """

    engine: Engine
    client: docker.DockerClient
    chapter: Chapter
    answers: dict[str, str] = field(default_factory=dict)
    watcher: "Watcher | None" = None


_present: list[Bench] = []


def sit_down(bench: Bench) -> None:
    """Make this the bench of the kernel, after leaving an earlier one."""
    leave()
    _present.append(bench)


def leave() -> None:
    """Close the connections of the kernel's bench, and stop watching its engine."""
    while _present:
        earlier = _present.pop()
        if earlier.watcher:
            earlier.watcher.close()
        earlier.client.close()


def started() -> Bench | None:
    """Give the bench that ``lab.start`` made ready; None where nothing was started."""
    return _present[0] if _present else None


def present() -> Bench:
    """Give the bench that ``lab.start`` made ready.

    Raises
    ------
    LabError
        Nothing was started in this kernel.
    """
    bench = started()
    if bench is None:
        raise LabError(
            _("The course has not been started in this notebook."),
            _('Run the cell with lab.start("…") near its top first.'),
        )
    return bench


def absence(bench: Bench) -> str:
    """Say that the engine does not answer, and the mend; empty where it does (``GET /_ping``)."""
    api = bench.client.api
    try:
        if api.get(f"{api.base_url}/_ping", timeout=_PATIENCE).ok:
            return ""
    except (requests.RequestException, docker.errors.DockerException):
        pass
    return _(
        "The engine does not answer. Run the cell with lab.start({chapter!r}) again: it brings "
        "the engine and the chapter's beginning back."
    ).format(chapter=bench.chapter.number)

"""How far a student is: which claims were seen, which predictions made, which exercises done.

Kept in ``.dockerlab/progress`` of the folder the notebooks are in, a small file for each chapter.
A file of which any part is wrong is set aside as it is: half of it, read and written again, would
be all that is left, and nobody could tell what was lost.
"""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from IPython import get_ipython

from dockerlab import json_file
from dockerlab.course.chapters import CHAPTERS
from dockerlab.language import _

FOLDER_VARIABLE = "DOCKERLAB_PROGRESS"
"""Names another folder: tests and the refreshing of outputs are no student's progress."""

_FOLDER = Path(".dockerlab", "progress")

_told: set[str] = set()  # what this kernel has said already


@dataclass(frozen=True)
class Effort:
    """What a student did for one exercise.

    Parameters
    ----------
    tries : int
        How often it was checked.
    done : str
        When it first passed, as "2026-11-24T10:00:00Z"; empty until then.
    by_solution : bool
        Whether it passed only in the cell that follows the notebook's own solution.
    """

    tries: int = 0
    done: str = ""
    by_solution: bool = False


@dataclass(frozen=True)
class Guess:
    """What a student predicted, and whether the engine agreed."""

    answer: str
    right: bool


@dataclass(frozen=True)
class ChapterProgress:
    """What a student did in one chapter.

    Parameters
    ----------
    chapter : str
        Its number.
    claims : tuple of str
        Claims whose verdict was seen, in the order of their first time.
    predictions : mapping of str to Guess
        By question; the first answer counts.
    exercises : mapping of str to Effort
        By exercise.
    """

    chapter: str
    claims: tuple[str, ...] = ()
    predictions: Mapping[str, Guess] = field(default_factory=dict)
    exercises: Mapping[str, Effort] = field(default_factory=dict)


def progress_folder(notebooks: Path) -> Path:
    """Say where the progress of the student who works in a folder is kept."""
    return Path(os.environ.get(FOLDER_VARIABLE) or notebooks / _FOLDER)


def read_progress(folder: Path) -> tuple[ChapterProgress, ...]:
    """Read all chapters' progress, in the course's order; what can't be read counts as not begun.

    The student is told of it on standard error.
    """
    return tuple(_read(folder, chapter.number) for chapter in CHAPTERS)


def note_claim(chapter: str, identity: str) -> None:
    """Note that a verdict was seen."""

    def change(before: ChapterProgress) -> ChapterProgress:
        return replace(before, claims=tuple(dict.fromkeys((*before.claims, identity))))

    _note(chapter, change)


def note_prediction(chapter: str, question: str, guess: Guess) -> None:
    """Note a prediction; a later one to the same question is no prediction any more."""

    def change(before: ChapterProgress) -> ChapterProgress:
        return replace(before, predictions={question: guess, **before.predictions})

    _note(chapter, change)


def note_check(chapter: str, exercise: str, *, passed: bool) -> None:
    """Note that an exercise was checked, and how it went."""

    def change(before: ChapterProgress) -> ChapterProgress:
        effort = before.exercises.get(exercise, Effort())
        effort = replace(effort, tries=effort.tries + 1)
        if passed:
            effort = _passed(effort)
        return replace(before, exercises={**before.exercises, exercise: effort})

    _note(chapter, change)


def _passed(effort: Effort) -> Effort:
    by_solution = _cell().endswith("-again")
    if not effort.done:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return replace(effort, done=now, by_solution=by_solution)
    return effort if by_solution else replace(effort, by_solution=False)


def _cell() -> str:
    """Name the cell that runs, where the front end tells it.

    In all notebooks of the course the check after a solution is called ``exercise-…-again``.
    """
    shell = get_ipython()
    message = shell.get_parent() if hasattr(shell, "get_parent") else {}
    return str((message.get("metadata") or {}).get("cellId") or "")


def _note(chapter: str, change: Callable[[ChapterProgress], ChapterProgress]) -> None:
    file = progress_folder(Path.cwd()) / f"{chapter}.json"
    try:
        kept = json_file.update(
            file, ChapterProgress, lambda before: change(before or ChapterProgress(chapter))
        )
    except OSError as error:  # what can't be kept costs no lesson
        _tell_once(
            _("Your progress can't be kept in {folder}: {reason}.").format(
                folder=file.parent, reason=error.strerror or _("it is in use")
            ),
            _("Go on with the lesson, and make room there or let yourself write to that folder."),
        )
    else:
        _tell_broken(kept.broken)


def _read(folder: Path, chapter: str) -> ChapterProgress:
    file = folder / f"{chapter}.json"
    try:
        kept = json_file.read(file, ChapterProgress)
    except OSError as error:
        _tell_once(
            _("Your progress in {folder} can't be read: {reason}.").format(
                folder=folder, reason=error.strerror
            ),
            _("Make sure that it is a folder of yours, and that its files can be read by you."),
        )
        return ChapterProgress(chapter)
    _tell_broken(kept.broken)
    return replace(kept.value, chapter=chapter) if kept.value else ChapterProgress(chapter)


def _tell_broken(broken: Path | None) -> None:
    if broken:
        _tell_once(
            _(
                "A file of your progress was damaged, and what it held is not counted: {file}."
            ).format(file=broken),
            _("Put a good copy in its place, or go on: this chapter's count starts again."),
        )


def _tell_once(problem: str, remedy: str) -> None:
    """Say it beside the output, where neither a card nor a teacher's JSON is disturbed."""
    said = f"{problem} {remedy}"
    if said not in _told:
        _told.add(said)
        sys.stderr.write(f"{said}\n")


def as_json(progress: ChapterProgress) -> dict[str, Any]:
    """Give a chapter's progress as JSON takes it."""
    return asdict(progress)

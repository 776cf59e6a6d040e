"""How far a student is: which claims were seen, which predictions made, which exercises done.

Kept in ``.dockerlab/progress`` of the folder the notebooks are in, a small file for each chapter,
so that two notebooks that run at the same time never write to the same one.
"""

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from IPython import get_ipython

from dockerlab.course.chapters import CHAPTERS

FOLDER_VARIABLE = "DOCKERLAB_PROGRESS"
"""Names another folder: tests and the refreshing of outputs are no student's progress."""

_FOLDER = Path(".dockerlab", "progress")


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
    """Read all chapters' progress, in the course's order; what is broken counts as not begun."""
    return tuple(_read(folder, chapter.number) for chapter in CHAPTERS)


def note_claim(chapter: str, identity: str) -> None:
    """Note that a verdict was seen."""
    with _noting(chapter) as note:
        if identity not in note.progress.claims:
            note.progress = replace(note.progress, claims=(*note.progress.claims, identity))


def note_prediction(chapter: str, question: str, guess: Guess) -> None:
    """Note a prediction; a later one to the same question is no prediction any more."""
    with _noting(chapter) as note:
        known = {question: guess, **note.progress.predictions}
        note.progress = replace(note.progress, predictions=known)


def note_check(chapter: str, exercise: str, *, passed: bool) -> None:
    """Note that an exercise was checked, and how it went."""
    with _noting(chapter) as note:
        before = note.progress.exercises.get(exercise, Effort())
        after = replace(before, tries=before.tries + 1)
        if passed:
            after = _passed(after)
        note.progress = replace(
            note.progress, exercises={**note.progress.exercises, exercise: after}
        )


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


@dataclass
class _Note:
    progress: ChapterProgress


@contextlib.contextmanager
def _noting(chapter: str) -> Iterator[_Note]:
    folder = progress_folder(Path.cwd())
    note = _Note(_read(folder, chapter))
    yield note
    with contextlib.suppress(OSError):  # a folder that can't be written costs no lesson
        _write(folder, note.progress)


def _read(folder: Path, chapter: str) -> ChapterProgress:
    try:
        fields = json.loads((folder / f"{chapter}.json").read_text(encoding="utf-8"))
        return ChapterProgress(
            chapter,
            tuple(map(str, fields["claims"])),
            {str(key): Guess(**value) for key, value in fields["predictions"].items()},
            {str(key): Effort(**value) for key, value in fields["exercises"].items()},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ChapterProgress(chapter)


def _write(folder: Path, progress: ChapterProgress) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{progress.chapter}.json"
    draft = file.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps(as_json(progress), indent=1), encoding="utf-8")
    draft.replace(file)


def as_json(progress: ChapterProgress) -> dict[str, Any]:
    """Give a chapter's progress as JSON takes it."""
    return asdict(progress)

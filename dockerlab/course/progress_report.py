"""How far a student is, as a table: for the student, and for a teacher."""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dockerlab.course.chapters import CHAPTERS
from dockerlab.course.exercises import EXERCISES
from dockerlab.course.ledger import read_ledger
from dockerlab.course.progress import ChapterProgress, as_json, progress_folder, read_progress
from dockerlab.language import _

_CELL = "text-align:left;padding:.15em 1.2em .15em 0"


@dataclass(frozen=True)
class Progress:
    """What a student did in each chapter, and what there is to do.

    Parameters
    ----------
    chapters : tuple of ChapterProgress
        All chapters, in the course's order.
    """

    chapters: tuple[ChapterProgress, ...]

    @property
    def rows(self) -> tuple[tuple[str, str, str, str, str], ...]:
        """Number, title, claims seen, predictions right, exercises done; a chapter each."""
        titles = {chapter.number: chapter.title for chapter in CHAPTERS}
        return tuple(
            (
                each.chapter,
                _(titles[each.chapter]),
                _part(len(each.claims), _claims_of(each.chapter)),
                _part(sum(one.right for one in each.predictions.values()), len(each.predictions)),
                _part(_done(each), len(_exercises_of(each.chapter))),
            )
            for each in self.chapters
        )

    def as_json(self) -> dict[str, Any]:
        """Give it all as one JSON document, for a teacher."""
        return {
            "version": 1,
            "chapters": [as_json(each) for each in self.chapters],
            "totals": {
                "claims_seen": sum(len(each.claims) for each in self.chapters),
                "claims": len(read_ledger()),
                "exercises_done": sum(_done(each) for each in self.chapters),
                "exercises": len(EXERCISES),
            },
        }

    @property
    def text(self) -> str:
        """The table for a terminal."""
        table = [_headings(), *self.rows]
        widths = [max(len(row[column]) for row in table) for column in range(5)]
        return "\n".join(
            "  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip()
            for row in table
        )

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        del include, exclude  # IPython filters what it did not ask for itself
        head = "".join(f'<th style="{_CELL}">{html.escape(word)}</th>' for word in _headings())
        body = "".join(
            "<tr>"
            + "".join(f'<td style="{_CELL}">{html.escape(word)}</td>' for word in row)
            + "</tr>"
            for row in self.rows
        )
        return {
            "text/html": f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>",
            "text/plain": self.text,
        }


def progress(notebooks: Path | None = None) -> Progress:
    """Show how far you are: claims seen, predictions that came true, exercises done.

    An exercise counts as done when its check passed before the notebook's own solution ran.

    Parameters
    ----------
    notebooks : Path, optional
        The folder of the student's notebooks; by default the one this notebook is in.
    """
    return Progress(read_progress(progress_folder(notebooks or Path.cwd())))


def _headings() -> Sequence[str]:
    return ("", _("Chapter"), _("Claims seen"), _("Predictions right"), _("Exercises done"))


def _part(some: int, whole: int) -> str:
    return _("{some} of {whole}").format(some=some, whole=whole) if whole else "-"


def _claims_of(chapter: str) -> int:
    return sum(row.chapter == chapter for row in read_ledger().values())


def _exercises_of(chapter: str) -> list[str]:
    return [exercise.id for exercise in EXERCISES if exercise.chapter == chapter]


def _done(each: ChapterProgress) -> int:
    return sum(bool(effort.done) and not effort.by_solution for effort in each.exercises.values())

"""Checks of exercises: they look at the engine's state, never at what was typed."""

import difflib
from collections.abc import Callable
from dataclasses import dataclass

import docker

from dockerlab.course.bench import present
from dockerlab.course.card import Card
from dockerlab.course.progress import note_check
from dockerlab.errors import UnknownNameError
from dockerlab.facts.names import asking
from dockerlab.language import _


@dataclass(frozen=True)
class Point:
    """One thing an exercise wants.

    Parameters
    ----------
    wanted : str
        What the engine's state should be.
    met : bool
        Whether it is.
    seen : str
        What it is.
    hint : str
        For the mistake that was seen; empty where the point is met.
    """

    wanted: str
    met: bool
    seen: str
    hint: str = ""


@dataclass(frozen=True)
class Exercise:
    """An exercise and how its result is looked at.

    Parameters
    ----------
    id : str
        Chapter and letter, ``"2.1.a"``.
    title : str
        Its task in a few words.
    look : callable
        Reads the engine and gives the points, the first unmet one first.
    """

    id: str
    title: str
    look: Callable[[docker.DockerClient], tuple[Point, ...]]

    @property
    def chapter(self) -> str:
        """The number of the chapter it belongs to."""
        return self.id.rpartition(".")[0]


@dataclass(frozen=True)
class Report:
    """What a check found, a card for each exercise.

    Parameters
    ----------
    findings : tuple of (Exercise, tuple of Point)
        Each exercise that was looked at.
    """

    findings: tuple[tuple[Exercise, tuple[Point, ...]], ...]

    @property
    def passed(self) -> bool:
        """Whether all points of all exercises are met."""
        return all(point.met for __, points in self.findings for point in points)

    @property
    def hints(self) -> tuple[str, ...]:
        """The hints, in the order of the points."""
        return tuple(point.hint for __, points in self.findings for point in points if point.hint)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        del include, exclude  # IPython filters what it did not ask for itself
        cards = [_card(exercise, points) for exercise, points in self.findings]
        return {
            "text/html": "".join(card.html for card in cards),
            "text/plain": "\n".join(card.text for card in cards),
        }


def check(what: str) -> Report:
    """Tell from the engine's state whether an exercise is done.

    Parameters
    ----------
    what : str
        An exercise, ``"2.1.a"``, or a chapter, ``"2.1"``, for all of its exercises.

    Returns
    -------
    Report
        For each point what was wanted, what was seen, and a hint for the mistake seen.

    Raises
    ------
    UnknownNameError
        There is no such exercise or chapter.
    """
    # here, because the exercises are written in terms of this module
    from dockerlab.course.exercises import EXERCISES  # noqa: PLC0415

    bench = present()
    meant = [exercise for exercise in EXERCISES if what in (exercise.id, exercise.chapter)]
    if not meant:
        names = [exercise.id for exercise in EXERCISES]
        near = difflib.get_close_matches(str(what), names, n=1, cutoff=0)
        raise UnknownNameError(
            _("There is no exercise {what!r}.").format(what=what),
            _("Did you mean {near!r}?").format(near=near[0]),
        )
    with asking():
        report = Report(tuple((exercise, exercise.look(bench.client)) for exercise in meant))
    for exercise, points in report.findings:
        passed = all(point.met for point in points)
        note_check(exercise.chapter, exercise.id, passed=passed)
    return report


def _card(exercise: Exercise, points: tuple[Point, ...]) -> Card:
    lines = []
    for point in points:
        mark = "✓" if point.met else "✗"
        lines.append(f"{mark} {point.wanted}: {point.seen}")
        if point.hint:
            lines.append(_("Hint: {hint}").format(hint=point.hint))
    title = _("Exercise {id}: {title}").format(id=exercise.id, title=exercise.title)
    if all(point.met for point in points):
        return Card("good", _("Done"), title, tuple(lines))
    return Card("bad", _("Not yet"), title, tuple(lines))

"""The chapters: what each needs on the engine, and which names it keeps for itself."""

import difflib
from dataclasses import dataclass

from dockerlab.errors import UnknownNameError
from dockerlab.language import _


@dataclass(frozen=True)
class Chapter:
    """One notebook.

    Parameters
    ----------
    number : str
        The number of its section in the source text, ``"2.1"``; the welcome is ``"0"``.
    title : str
        Its heading.
    images : tuple of str
        The images it starts from, ``name:tag``.
    prefix : str
        Every container, image, volume and network whose name begins so is this chapter's.
    """

    number: str
    title: str
    images: tuple[str, ...]
    prefix: str


CHAPTERS = (
    Chapter("0", "Welcome", ("busybox:latest", "hello-world:latest"), "lab0-"),
    Chapter("1", "Docker architecture", ("busybox:latest",), "lab1-"),
    Chapter("2.1", "Image", ("busybox:latest", "debian:12"), "lab21-"),
)


def find_chapter(number: str) -> Chapter:
    """Give the chapter of this number.

    Raises
    ------
    UnknownNameError
        There is none; the mend names the nearest.
    """
    numbers = [chapter.number for chapter in CHAPTERS]
    if number in numbers:
        return CHAPTERS[numbers.index(number)]
    near = difflib.get_close_matches(str(number), numbers, n=1, cutoff=0.5)
    raise UnknownNameError(
        _("There is no chapter {number!r}.").format(number=number),
        _("Did you mean {near!r}?").format(near=near[0])
        if near
        else _("The chapters are {numbers}.").format(numbers=", ".join(numbers)),
    )

"""What a reset or a cleanup did, as the reader is told."""

import re
from collections.abc import Container, Iterable
from dataclasses import dataclass

from dockerlab.course.card import Card
from dockerlab.course.resources import Resource, Swept
from dockerlab.language import _

_LOCAL = re.compile(r"^127\.0\.0\.\d+:\d+/")
"""The address of a registry on this machine, at the beginning of an image's name."""


@dataclass(frozen=True)
class Cleared:
    """What was removed from an engine, and what was not.

    Parameters
    ----------
    removed : tuple of Resource
        What the course had made.
    fetched : tuple of str
        Images it had pulled, now removed.
    used : tuple of str
        Names of what the course made and something of the reader's uses.
    taken : tuple of str
        Names of what the course made and the reader has renamed or replaced.
    foreign : tuple of str
        What bears a name of the chapter's, and the course did not make it.
    """

    removed: tuple[Resource, ...] = ()
    fetched: tuple[str, ...] = ()
    used: tuple[str, ...] = ()
    taken: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        swept: Swept,
        pulled: Container[str] = (),
        foreign: tuple[Resource, ...] = (),
    ) -> "Cleared":
        """Tell what a removal did; ``pulled`` are the images that the course had pulled."""
        fetched = tuple(
            thing.name for thing in swept.removed if thing.kind == "image" and thing.name in pulled
        )
        return cls(
            tuple(thing for thing in swept.removed if thing.name not in fetched),
            fetched,
            tuple(thing.name for thing in swept.used),
            tuple(thing.name for thing in swept.taken),
            tuple(thing.name for thing in foreign if thing not in swept.taken),
        )

    def __add__(self, other: "Cleared") -> "Cleared":
        return Cleared(
            self.removed + other.removed,
            self.fetched + other.fetched,
            self.used + other.used,
            self.taken + other.taken,
            self.foreign + other.foreign,
        )

    @property
    def names(self) -> str:
        """The names of what was removed, for a sentence."""
        return _listed(thing.name for thing in self.removed)

    def card(self, closing: str) -> Card:
        """Tell it, under the sentence ``closing`` where nothing was left."""
        lines = []
        for kind, title in (
            ("container", _("containers")),
            ("network", _("networks")),
            ("volume", _("volumes")),
            ("image", _("images")),
        ):
            if names := _listed(thing.name for thing in self.removed if thing.kind == kind):
                lines.append(_("Removed {kind}: {names}.").format(kind=title, names=names))
        if not lines:
            lines.append(_("Nothing was left to remove."))
        if names := _listed(self.fetched):
            lines.append(
                _("Images fetched at the start, removed again: {names}.").format(names=names)
            )
        if names := _listed(self.foreign):
            lines.append(
                _("Left alone, because the course did not make it: {names}.").format(names=names)
            )
        if names := _listed(self.taken):
            lines.append(
                _("Left alone, because you renamed or replaced it: {names}.").format(names=names)
            )
        if names := _listed(self.used):
            lines.append(
                _("Still there, because something of yours uses it: {names}.").format(names=names)
            )
        if self.used or self.taken:
            return Card("changed", _("Nearly clean"), _("Not all could be removed."), tuple(lines))
        return Card("neutral", _("Clean"), closing, tuple(lines))


def _listed(names: Iterable[str]) -> str:
    # an untagged image has no name worth reading, and where a registry was, which is gone as well,
    # matters no more
    named = (name.removesuffix(":latest") for name in names if not name.startswith("sha256:"))
    return ", ".join(sorted({_LOCAL.sub("", name) for name in named}))

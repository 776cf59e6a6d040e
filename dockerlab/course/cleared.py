"""What a reset or a cleanup did, as the reader is told."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from dockerlab.course.belongings import Thing
from dockerlab.course.card import Card
from dockerlab.language import _

_LOCAL = re.compile(r"^127\.0\.0\.\d+:\d+/")
"""The address of a registry on this machine, at the beginning of an image's name."""


@dataclass(frozen=True)
class Cleared:
    """What was removed from an engine, and what could not be.

    Parameters
    ----------
    removed : tuple of Thing
        What the course had made.
    fetched : tuple of str
        Images it had pulled, now removed.
    left : tuple of str
        Names of what the engine would not remove, because something else uses it.
    """

    removed: tuple[Thing, ...] = ()
    fetched: tuple[str, ...] = ()
    left: tuple[str, ...] = ()

    def __add__(self, other: "Cleared") -> "Cleared":
        return Cleared(
            self.removed + other.removed, self.fetched + other.fetched, self.left + other.left
        )

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
        if names := _listed(self.left):
            lines.append(
                _("Still there, because something of yours uses it: {names}.").format(names=names)
            )
            return Card("changed", _("Nearly clean"), _("Not all could be removed."), tuple(lines))
        return Card("neutral", _("Clean"), closing, tuple(lines))


def _listed(names: Iterable[str]) -> str:
    # an untagged image has no name worth reading, and where a registry was, which is gone as well,
    # matters no more
    named = (name.removesuffix(":latest") for name in names if not name.startswith("sha256:"))
    return ", ".join(sorted({_LOCAL.sub("", name) for name in named}))

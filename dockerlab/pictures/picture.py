"""A finished picture: drawn, described and in words."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from dockerlab.facts import plain, printable
from dockerlab.pictures.measure import cut_cells

_WIDEST = 200
"""Terminal cells of a text line; no name from outside may make a longer one."""


@dataclass(frozen=True)
class Picture:
    """What a cell shows: SVG where it can be drawn, text everywhere else.

    There is no HTML beside the SVG: GitHub and nbconvert would prefer it and then strip it.

    Parameters
    ----------
    title : str
        The name of the thing.
    description : str
        What the picture shows, in a sentence.
    svg, text : str
        The picture; the same facts give the same bytes.
    facts : object
        The frozen value it was drawn from, so that a later picture can be compared with it.
    """

    title: str
    description: str
    svg: str = field(repr=False)
    text: str = field(repr=False)
    facts: object = field(default=None, repr=False)

    @classmethod
    def of(
        cls, title: str, description: str, svg: str, lines: Iterable[str], facts: object
    ) -> "Picture":
        """Make a picture whose words are all fit to print, whatever was in the names."""
        text = "\n".join(cut_cells(printable(line), _WIDEST).rstrip() for line in lines)
        return cls(plain(title), plain(description), svg, text, facts)

    def _repr_mimebundle_(
        self,
        include: object = None,  # noqa: ARG002  IPython's signature
        exclude: object = None,  # noqa: ARG002
    ) -> dict[str, str]:
        return {"image/svg+xml": self.svg, "text/plain": self.text}

    def __str__(self) -> str:
        return self.text

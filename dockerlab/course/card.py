"""The card: how a claim, an answer and a check speak to the reader, in HTML and in text."""

import html
import re
from dataclasses import dataclass
from typing import Literal

from dockerlab.facts import plain

Tone = Literal["good", "changed", "bad", "neutral"]

# white on each is at least 5:1; the words of the badge say the same without colour
_COLOURS: dict[Tone, str] = {
    "good": "#1b7f3b",
    "changed": "#9a5b00",
    "bad": "#b3261e",
    "neutral": "#4a5568",
}
_CODE = re.compile(r"`([^`]+)`")
_MARKS: dict[Tone, str] = {"good": "✓", "changed": "✎", "bad": "✗", "neutral": "•"}


@dataclass(frozen=True)
class Card:
    """A short message with a verdict.

    Parameters
    ----------
    tone : {"good", "changed", "bad", "neutral"}
        Which colour and mark the badge has.
    badge : str
        The verdict in one or two words.
    title : str
        What it is about.
    lines : tuple of str
        The message, a paragraph each; what stands between backticks is code.
    facts : tuple of (str, str)
        Labelled paragraphs shown before ``lines``.
    """

    tone: Tone
    badge: str
    title: str
    lines: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()

    @property
    def text(self) -> str:
        """The card for a terminal, GitHub's plain view, and comparison by nbval."""
        head = f"{_MARKS[self.tone]} {plain(self.badge)} · {plain(self.title)}"
        facts = [f"  {plain(label)}: {plain(value)}" for label, value in self.facts]
        return "\n".join([head, *facts, *(f"  {plain(line)}" for line in self.lines)])

    @property
    def html(self) -> str:
        """The card as HTML that stays readable where styles are stripped, as on GitHub."""
        colour = _COLOURS[self.tone]
        badge = (
            f'<b style="background:{colour};color:#fff;border-radius:3px;padding:1px 7px;'
            f'margin-right:.5em">{_MARKS[self.tone]} {shown(self.badge)}</b>'
        )
        parts = [f'<p style="margin:.2em 0">{badge} <b>{shown(self.title)}</b></p>']
        parts += [
            f'<p style="margin:.35em 0 0"><i>{shown(label)}:</i> {shown(value)}</p>'
            for label, value in self.facts
        ]
        parts += [f'<p style="margin:.35em 0 0">{shown(line)}</p>' for line in self.lines]
        return (
            f'<div style="border-left:5px solid {colour};padding:.3em 1em .5em;margin:.3em 0;'
            f'max-width:56em;line-height:1.45;overflow-wrap:anywhere">{"".join(parts)}</div>'
        )

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        del include, exclude  # IPython filters what it did not ask for itself
        return {"text/html": self.html, "text/plain": self.text}


def shown(words: str) -> str:
    """Make words from anywhere safe in HTML; what stands between backticks becomes code."""
    return _CODE.sub(r"<code>\1</code>", html.escape(plain(words)))

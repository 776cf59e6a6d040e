"""How wide text will be, without a font at hand: estimates that err on the wide side."""

import unicodedata
from collections.abc import Iterable

from dockerlab.facts import plain, printable

_NARROW = frozenset("iljtfrI.,:;'|!()[]{}`\u00b7 ")
_WIDE = frozenset("mwMWOQ@%—…→")


class Spaced(str):
    """A plain line whose spaces are kept, because its columns are what it says."""

    __slots__ = ()


def spaced(text: object) -> Spaced:
    """Return `text` as one printable line; its spaces become such that SVG keeps."""
    return Spaced(printable(text).replace(" ", "\N{NO-BREAK SPACE}"))


def text_width(text: str, size: float, *, mono: bool = False, bold: bool = False) -> float:
    """Return the width in pixels of `text` set at `size` pixels."""
    return size * sum(_em(character, mono=mono, bold=bold) for character in text)


def fit(
    text: object,
    width: float,
    size: float,
    *,
    mono: bool = False,
    bold: bool = False,
    middle: bool = False,
) -> tuple[str, bool]:
    """Return `text` as one plain line that fits `width` pixels, and whether it was cut.

    It is cut at its end, or in the `middle` where its end tells it from others.
    """
    line = text if isinstance(text, Spaced) else plain(text)
    if text_width(line, size, mono=mono, bold=bold) <= width:
        return line, False
    room = width - size * _em("…", mono=mono, bold=bold)
    widths = [size * _em(character, mono=mono, bold=bold) for character in line]
    ending = _that_fit(reversed(widths), room / 2) if middle else 0
    end = line[len(line) - ending :]
    kept = _that_fit(widths, room - sum(widths[len(line) - ending :]))
    return line[:kept].rstrip() + "…" + end, True


def _that_fit(widths: Iterable[float], room: float) -> int:
    kept = 0
    for width in widths:
        room -= width
        if room < 0:
            break
        kept += 1
    return kept


def wrap(text: object, width: float, size: float, most: int) -> list[str]:
    """Return `text` as at most `most` plain lines of `width` pixels, broken between words."""
    lines = [""]
    words = plain(text).split(" ")
    for number, word in enumerate(words):
        longer = f"{lines[-1]} {word}".strip()
        if text_width(longer, size) <= width or not lines[-1]:
            lines[-1] = longer
        elif len(lines) < most:
            lines.append(word)
        else:
            lines[-1] = " ".join([lines[-1], *words[number:]])
            break
    return [fit(line, width, size)[0] for line in lines]


def cells(text: str) -> int:
    """Return how many cells of a terminal `text` takes."""
    return sum(_cells(character) for character in text)


def fit_cells(text: object, width: int) -> str:
    """Return `text` as one plain line of at most `width` terminal cells."""
    return cut_cells(plain(text), width)


def cut_cells(line: str, width: int) -> str:
    """Return a line cut to `width` terminal cells, its spaces as they are."""
    if cells(line) <= width:
        return line
    kept, room = 0, width - 1
    for character in line:
        room -= _cells(character)
        if room < 0:
            break
        kept += 1
    return line[:kept].rstrip() + "…"


def _cells(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _em(character: str, *, mono: bool, bold: bool) -> float:
    if unicodedata.combining(character):
        return 0
    if unicodedata.east_asian_width(character) in "WF":
        return 1.0
    if mono:
        return 0.61
    weight = 1.06 if bold else 1.0
    if character in _NARROW:
        return 0.32 * weight
    if character in _WIDE:
        return 0.92 * weight
    return (0.7 if character.isupper() else 0.57) * weight

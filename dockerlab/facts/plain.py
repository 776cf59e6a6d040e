"""Text from outside, made fit to print: what it says stays, what it could do goes."""

import re
import unicodedata

_TERMINAL_ESCAPE = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"  # operating system commands: titles, links
    r"|\x1b[PX^_].*?(?:\x1b\\|$)"  # device control and other strings
    r"|[\x1b\x9b]\[?[0-?]*[ -/]*[@-~]",  # colours, cursor movements
    re.DOTALL,
)
_UNSEEN = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
_LONGEST = 2_000


def plain(text: object) -> str:
    """Return `text` as one printable line.

    Terminal escapes, control characters, direction marks, zero-width and unassigned characters
    go, white space becomes one space, and what is longer than any picture can show is cut.
    """
    line = " ".join(printable(text).split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def printable(text: object) -> str:
    """Return `text` as `plain` does, but with its spaces as they are, for columns and trees."""
    cleaned = _TERMINAL_ESCAPE.sub("", str(text)[: 4 * _LONGEST])
    return "".join(
        " " if character.isspace() else character
        for character in cleaned
        if character.isspace() or unicodedata.category(character) not in _UNSEEN
    )

"""What a .dockerignore keeps out of the build context, by the rules of Docker's own code.

The SDK has a matcher too (``docker.utils.build.PatternMatcher``), but it differs from the docker
command in escapes, classes ("[^a]"), ``**`` at the start of a word, ``..`` and byte order marks.
"""

import posixpath
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dockerlab.errors import LabError
from dockerlab.facts.plain import plain
from dockerlab.language import _

_LONGEST_LINE = (1 << 16) - 1
"""Bytes; Docker's reader refuses a longer line."""

_MOST_RULES = 2_000
_MEMORY = 1 << 18  # bytes for an expression
_SIGN = r"(?:\\.|[^]\\-])"
_VALID = re.compile(rf"(?:[^[\\]|\\.|\[\^?+(?:{_SIGN}(?:-{_SIGN})?+)++\])*+", re.DOTALL)
_PIECE = re.compile(r"\*\*/?|\\.|.", re.DOTALL)
_UNREADABLE = re.compile("[\ud800-\udfff]")  # what is no UTF-8, each byte one sign, as Go has it


@dataclass(frozen=True)
class Rule:
    """One pattern of a .dockerignore.

    Parameters
    ----------
    line : int
        Where it stands in the file.
    text : str
        As it is written.
    pattern : str
        Cleaned: relative to the context, without the "!" of an exception.
    exception : bool
        Whether it lets in again what a rule above kept out.
    """

    line: int
    text: str
    pattern: str
    exception: bool


class Ignore:
    """Decides for each path of a context which rule, if any, keeps it out."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)
        self._matchers = [_matcher(rule.pattern) for rule in rules]
        self.has_exceptions = any(rule.exception for rule in rules)

    def decide(self, path: str, above: Sequence[bool]) -> tuple[int | None, tuple[bool, ...]]:
        """Return the rule that has the last word on a path, and what each rule matches.

        Parameters
        ----------
        path : str
            From the context's root, with "/" between its parts.
        above : sequence of bool
            What each rule matched of the folder the path lies in; empty at the root.

        Returns
        -------
        tuple
            The position of the deciding rule, None where no rule says anything, and for what lies
            below this path what each rule matched.
        """
        matched = tuple(
            bool(above and above[position]) or matcher(path)
            for position, matcher in enumerate(self._matchers)
        )
        last = None
        out = False
        for position, rule in enumerate(self.rules):
            # an exception matters only to what is out, any other rule only to what is in
            if matched[position] and rule.exception == out:
                out, last = not rule.exception, position
        return last, matched

    def keeps_out(self, decision: int | None) -> bool:
        """Whether a path is out by the rule that decided on it."""
        return decision is not None and not self.rules[decision].exception

    def may_return_below(self, folder: str) -> bool:
        """Whether an exception names something below a folder by its full path."""
        return any(
            rule.exception and f"{rule.pattern}/".startswith(f"{folder}/") for rule in self.rules
        )


def read_rules(text: str) -> tuple[Rule, ...]:
    """Read a .dockerignore.

    Raises
    ------
    LabError
        A pattern can't be read; the docker command refuses such a file too.
    """
    rules: list[Rule] = []
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        if line.startswith("#") or not line.strip():
            continue
        if len(line.encode(errors="surrogateescape")) > _LONGEST_LINE:
            raise _bad(number, line)
        if len(rules) == _MOST_RULES:
            raise LabError(
                _("The .dockerignore has more than {count} rules.").format(count=_MOST_RULES),
                _("Put a pattern with * in place of many names."),
            )
        written = line.strip()
        exception = written.startswith("!")
        pattern = _clean(written[1:].strip() if exception else written)
        if not pattern:
            raise _bad(number, written)
        rule = Rule(number, written, pattern, exception)
        if not _VALID.fullmatch(pattern):
            raise _bad(number, written)
        try:
            _matcher(pattern)
        except ValueError as error:
            raise _bad(number, written) from error
        rules.append(rule)
    return tuple(rules)


def _bad(line: int, written: str) -> LabError:
    return LabError(
        _("Line {line} of .dockerignore is no pattern: '{pattern}'.").format(
            line=line, pattern=plain(written)[:200]
        ),
        _("The docker command refuses the whole file: mend or remove the line."),
    )


def _clean(pattern: str) -> str:
    if not pattern:
        return ""
    # Go's filepath.Clean; normpath keeps a double slash at the start
    cleaned = posixpath.normpath(re.sub("^/+", "/", pattern))
    return cleaned[1:] if len(cleaned) > 1 and cleaned.startswith("/") else cleaned


def _matcher(pattern: str) -> Callable[[str], bool]:
    """Return what tells whether a path matches, kind by kind as Docker's code tells them apart."""
    start, end = pattern[:-2], pattern[2:]
    if not _has_specials(pattern):
        return pattern.__eq__
    if pattern.startswith("**") and not _has_specials(end):
        # taken as an ending, be it of a name ("**.txt") or of a path ("**/cache")
        name = end.removeprefix("/")
        return lambda path: path.endswith(end) or path == name
    if pattern.endswith("**") and not _has_specials(start):
        return lambda path: path.startswith(start)
    # Docker's expressions are Go's. This library is where those come from, and takes time in
    # proportion to the path; Python's takes years for some patterns.
    import re2  # noqa: PLC0415 - few files need it

    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY
    try:
        compiled = re2.compile(f"^{_expression(pattern)}$", options)
    except re2.error as error:
        raise ValueError(str(error)) from error
    return lambda path: compiled.search(_UNREADABLE.sub("\ufffd", path)) is not None


def _has_specials(text: str) -> bool:
    return any(character in "*?[]\\" for character in text)


def _expression(pattern: str) -> str:
    """Translate a pattern as Docker's code does, classes ("[a-c]") included: as they are."""
    parts: list[str] = []
    rest = iter(_PIECE.findall(_UNREADABLE.sub("\ufffd", pattern)))
    for piece in rest:
        if piece in {"**", "**/"}:
            parts.append("(.*/)?")
        elif piece == "*":
            parts.append("[^/]*")
        elif piece == "?":
            parts.append("[^/]")
        elif piece in ".+()|{}$":
            parts.append(f"\\{piece}")
        else:
            # An escape goes as it is into Docker's own expression: "\\d" is a digit.
            parts.append(piece)
    if parts[-1] == "(.*/)?":
        parts[-1] = ".*"
    return "".join(parts)

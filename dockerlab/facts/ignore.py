"""What a .dockerignore keeps out of the build context, by the rules of Docker's own code.

The SDK has a matcher too (``docker.utils.build.PatternMatcher``), but it differs from the docker
command in escapes, classes ("[^a]"), ``**`` at the start of a word, ``..`` and byte order marks.
"""

import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass

from dockerlab.errors import LabError
from dockerlab.facts.plain import plain
from dockerlab.language import _


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
        self._matchers = [_matcher(rule) for rule in rules]
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
            bool(above and above[position]) or matcher.fullmatch(path) is not None
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
    rules = []
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        if line.startswith("#") or not line.strip():
            continue
        written = line.strip()
        exception = written.startswith("!")
        pattern = _clean(written[1:].strip() if exception else written)
        if not pattern:
            raise _bad(number, written)
        rule = Rule(number, written, pattern, exception)
        try:
            _matcher(rule)
        except re.error as error:
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


def _matcher(rule: Rule) -> re.Pattern[str]:
    pattern = rule.pattern
    body = pattern[2:]
    if pattern.startswith("**") and not _has_specials(body):
        # taken as an ending, be it of a name ("**.txt") or of a path ("**/cache")
        name = body.removeprefix("/")
        inside = f".*{re.escape(body)}"
        return re.compile(f"{inside}|{re.escape(name)}" if name != body else inside, re.DOTALL)
    return re.compile(_expression(pattern), re.DOTALL | re.ASCII)


def _has_specials(text: str) -> bool:
    return any(character in "*?[]\\" for character in text)


def _expression(pattern: str) -> str:
    parts: list[str] = []
    position = 0
    while position < len(pattern):
        character = pattern[position]
        position += 1
        if pattern.startswith("**", position - 1):
            position += 1
            if pattern.startswith("/", position):
                position += 1
            wanted = ".*" if position == len(pattern) else "(?:.*/)?"
            # twice is the same as once, and would only make the search slow
            parts += [wanted] if parts[-1:] != [wanted] else []
        elif character == "*":
            parts.append("[^/]*")
        elif character == "?":
            parts.append("[^/]")
        elif character == "\\" and position < len(pattern):
            # goes as it is into Docker's own regular expression: "\d" is a digit
            parts.append(f"\\{pattern[position]}")
            position += 1
        elif character == "[":
            expression, position = _class(pattern, position)
            parts.append(expression)
        else:
            parts.append(re.escape(character))
    return "".join(parts)


def _class(pattern: str, position: int) -> tuple[str, int]:
    """Read a character class that was opened before `position`."""
    parts = ["["]
    if pattern.startswith("^", position):
        parts.append("^")
        position += 1
    count = 0
    while position < len(pattern):
        character = pattern[position]
        position += 1
        if character == "]" and count:
            return "".join([*parts, "]"]), position
        if character == "\\" and position < len(pattern):
            character = pattern[position]
            position += 1
            parts.append(re.escape(character))
        else:
            parts.append(character if character == "-" else re.escape(character))
        count += 1
    raise re.error("unterminated class")

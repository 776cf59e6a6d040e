"""A Dockerfile as its instructions and stages: what a build has to do, before it does it."""

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

LAYERING = frozenset(("RUN", "COPY", "ADD", "WORKDIR"))
"""Instructions that run in a file system; all others change only settings."""

_DIRECTIVE = re.compile(r"^#\s*(\w+)\s*=\s*(\S.*)$")
_HEREDOC = re.compile(r"\d*<<(-?)([^<]+)")
_FROM_FLAG = re.compile(r"(?:^|\s)(?:--from=(\S+)|--mount=\S*\bfrom=([^,\s]+))")
_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::?-([^}]{0,1000}))?\}|(\w+))")


@dataclass(frozen=True)
class Instruction:
    """One instruction, its continuation lines joined; `stage` is None before the first FROM."""

    line: int
    keyword: str
    argument: str
    stage: int | None


@dataclass(frozen=True)
class StagePlan:
    """A stage before it is built; `sources` are the stages whose files it takes."""

    name: str
    base: str
    parent: int | None
    sources: tuple[int, ...]


@dataclass(frozen=True)
class Dockerfile:
    """The instructions and the stages they form."""

    instructions: tuple[Instruction, ...]
    stages: tuple[StagePlan, ...]

    def target(self, name: str | None) -> int:
        """Return the position of the stage to build: the one of this name or number, or the last.

        A name that no stage has gives the last one too: the builder says what is wrong with it.
        """
        last = len(self.stages) - 1
        return last if name is None else _position(name, self.stages, last)

    def chain(self, target: int) -> tuple[int, ...]:
        """Return the stages whose layers lie in the target's image, base first."""
        found: list[int] = []
        position: int | None = target if self.stages else None
        while position is not None:
            found.insert(0, position)
            position = self.stages[position].parent
        return tuple(found)

    def needed(self, target: int) -> frozenset[int]:
        """Return the stages without which the target can't be built, itself included."""
        found: set[int] = set()
        waiting = [target] if self.stages else []
        while waiting:
            position = waiting.pop()
            if position in found:
                continue
            found.add(position)
            stage = self.stages[position]
            waiting += [*stage.sources, *(() if stage.parent is None else (stage.parent,))]
        return frozenset(found)


def source_of(instruction: Instruction, stages: Sequence[StagePlan]) -> int | None:
    """Return the earlier stage that COPY --from names."""
    if instruction.keyword != "COPY" or instruction.stage is None:
        return None
    return next(iter(_sources(instruction, stages[: instruction.stage])), None)


def parse(text: str, arguments: Mapping[str, str] | None = None) -> Dockerfile:
    """Read a Dockerfile; what the builder would refuse is kept as it stands.

    Parameters
    ----------
    text : str
        The file's content.
    arguments : mapping, optional
        Build arguments, which FROM may use.
    """
    given = dict(arguments or {})
    known: dict[str, str] = {}
    instructions: list[Instruction] = []
    stages: list[StagePlan] = []
    for line, statement in _statements(text):
        keyword, _, argument = statement.partition(" ")
        keyword = keyword.upper()
        if keyword == "FROM":
            stages.append(_stage(argument, stages, known))
        stage = len(stages) - 1 if stages else None
        instruction = Instruction(line, keyword, argument.strip(), stage)
        instructions.append(instruction)
        if keyword == "ARG" and stage is None:
            name, _, default = instruction.argument.partition("=")
            known[name] = given.get(name, default.strip("\"'"))
        sources = _sources(instruction, stages[:-1])
        if sources:
            last = stages[-1]
            stages[-1] = StagePlan(last.name, last.base, last.parent, (*last.sources, *sources))
    return Dockerfile(tuple(instructions), tuple(stages))


def _stage(argument: str, earlier: Sequence[StagePlan], known: Mapping[str, str]) -> StagePlan:
    words = [word for word in argument.split() if not word.startswith("--")]
    base = _VARIABLE.sub(lambda m: known.get(m[1] or m[3]) or m[2] or "", words[0]) if words else ""
    named = len(words) == 3 and words[1].lower() == "as"
    names = {stage.name.lower(): position for position, stage in enumerate(earlier) if stage.name}
    return StagePlan(words[2] if named else "", base, names.get(base.lower()), ())


def _sources(instruction: Instruction, earlier: Sequence[StagePlan]) -> tuple[int, ...]:
    if instruction.keyword not in ("COPY", "RUN"):
        return ()
    flags = (a or b for a, b in _FROM_FLAG.findall(instruction.argument))
    found = (_position(name, earlier, -1) for name in flags)
    return tuple(position for position in found if position >= 0)


def _position(name: str, stages: Sequence[StagePlan], otherwise: int) -> int:
    for position, stage in enumerate(stages):
        if stage.name and stage.name.lower() == name.lower():
            return position
    if name.isascii() and name.isdigit() and len(name) < 5 and int(name) < len(stages):
        return int(name)
    return otherwise


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Yield the first line's number and the joined lines of each instruction."""
    # only these: a form feed or a line separator does not end a line here
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    escape = _escape(lines)
    places: dict[str, list[int]] = {}
    for position, line in enumerate(lines):
        places.setdefault(line.lstrip("\t"), []).append(position)
    parts: list[str] = []
    first = 0
    number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        bare = line.strip()
        if not bare or bare.startswith("#"):
            continue  # within a continued instruction too
        if not parts:
            first = number
        if bare.endswith(escape):
            parts.append(bare.removesuffix(escape).strip())
            continue
        statement = " ".join([*parts, bare]).replace("\t", " ").strip()
        parts = []
        yield first, statement
        for tabs_allowed, end in _heredocs(statement):
            ends = places.get(end, [])
            # one that is never closed is not a here-document to an older builder
            number = next(
                (
                    position + 1
                    for position in ends[bisect_left(ends, number) :]
                    if tabs_allowed or lines[position] == end
                ),
                number,
            )
    if parts:
        yield first, " ".join(parts)


def _escape(lines: Sequence[str]) -> str:
    for line in lines:
        directive = _DIRECTIVE.match(line.strip())
        if not directive:
            break
        if directive[1].lower() == "escape" and directive[2] in ("\\", "`"):
            return directive[2]
    return "\\"


def _heredocs(statement: str) -> list[tuple[bool, str]]:
    keyword, *words = statement.split()
    if keyword.upper() not in ("RUN", "COPY", "ADD"):
        return []
    found = (_HEREDOC.fullmatch(word) for word in words)
    return [(match[1] == "-", match[2].strip("\"'")) for match in found if match]

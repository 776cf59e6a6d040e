"""Why a build failed: from the builder's words to what a student can mend."""

import re
from collections.abc import Iterable, Sequence

from dockerlab.facts.building.dockerfile import Dockerfile
from dockerlab.facts.building.values import BuildFailure, BuildStep

_PREFIXES = re.compile(
    r"^(?:ERROR: |error: |Error response from daemon: |failed to build: |failed to solve: "
    r"|failed to solve with frontend dockerfile\.v0: |failed to create LLB definition: "
    r"|rpc error: code = Unknown desc = |failed to compute cache key: )"
)
_EXIT_CODE = re.compile(r"(?:exit code|non-zero code): (\d+)")
_SYNTAX = re.compile(
    r"(?i)dockerfile parse error|unknown instruction|no build stage in current context|"
    r"failed to (?:read|parse) dockerfile|file with no instructions|cannot be empty"
)
_LINE = re.compile(r"(?i)parse error (?:on )?line (\d{1,6})")
_POINTER = re.compile(r"\s*(\d{1,6}) \| >>> ")
_WORD = re.compile(r"unknown instruction: (\S+)")
_MISSING = re.compile(
    r'"([^"]+)":? not found|stat (?:\S*/)?([^/\s:]+): (?:file does not exist|no such file)'
)
_NOTHING_TO_COPY = re.compile(r"no source files were specified|file not found in build context")
_FOREIGN = re.compile(
    r"View build details: |See '|Usage: |-{8,}$|------$|\s*\d+ \|| > |DEPRECATED|\s{10,}"
)


def last_words(messages: Iterable[str]) -> str:
    """Return the builder's final sentence, without the prefixes that each part of it adds."""
    said = [line.strip() for line in messages if line.strip() and not _FOREIGN.match(line)]
    errors = [line for line in said if line.lower().startswith("error")]
    message = (errors or said or [""])[-1]
    while (shorter := _PREFIXES.sub("", message)) != message:
        message = shorter
    return message


def failure_of(
    messages: Sequence[str],
    steps: Sequence[BuildStep],
    dockerfile: Dockerfile,
    *,
    out_of_time: bool,
) -> BuildFailure:
    """Say what kind of failure it was, at which step.

    Parameters
    ----------
    messages
        What the builder said outside its steps.
    steps, dockerfile
        What was done, and what was to be done.
    out_of_time : bool
        Whether the build was stopped because its time was up.
    """
    at = next((i for i, step in enumerate(steps) if step.outcome == "failed"), None)
    if at is None:
        at = _pointed_at(messages, steps)
    if out_of_time:
        running = next((i for i, step in enumerate(steps) if step.outcome == "stopped"), None)
        return BuildFailure("timeout", step=running)
    message = last_words(messages)
    instruction = "" if at is None else steps[at].instruction
    code = _EXIT_CODE.search(message)
    if instruction == "RUN" and code:
        return BuildFailure("command", message, at, int(code[1][:6]))
    if _SYNTAX.search(message):
        word = _WORD.search(message)
        line = _LINE.search(message)
        step = _at_line(int(line[1]), steps) if line else at
        return BuildFailure("syntax", message, step, subject=word[1] if word else "")
    missing = _MISSING.search(message)
    if instruction in ("COPY", "ADD") and (missing or _NOTHING_TO_COPY.search(message)):
        name = (missing[1] or missing[2]) if missing else ""
        return BuildFailure("copy", message, at, subject=name.lstrip("/"))
    if instruction == "FROM" and at is not None:
        stage = steps[at].stage
        base = "" if stage is None else dockerfile.stages[stage].base
        return BuildFailure("base", message, at, subject=base)
    return BuildFailure("other", message, at)


def _pointed_at(messages: Sequence[str], steps: Sequence[BuildStep]) -> int | None:
    """Return the step that BuildKit points at in its excerpt of the Dockerfile.

    The error of a step is not always reported with the step, for what runs beside it ends first.
    """
    pointers = (_POINTER.match(line) for line in messages)
    first = next((match for match in pointers if match), None)
    return _at_line(int(first[1]), steps) if first else None


def _at_line(number: int, steps: Sequence[BuildStep]) -> int | None:
    positions = range(len(steps) - 1, -1, -1)
    return next((i for i in positions if 0 < steps[i].line <= number), None)

"""An image's history: its lines as Dockerfile steps, and which of them made which layer."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dockerlab.facts.times import from_seconds
from dockerlab.facts.values import EMPTY_LAYER, Step

_KEYWORD = re.compile(
    r"(ADD|ARG|CMD|COPY|ENTRYPOINT|ENV|EXPOSE|FROM|HEALTHCHECK|LABEL|MAINTAINER|ONBUILD|RUN|SHELL"
    r"|STOPSIGNAL|USER|VOLUME|WORKDIR)(?:\s+(.*))?$",
    re.DOTALL,
)
_BUILD_ARGUMENTS = re.compile(r"^\|\d+ .*?(?=/bin/sh -c )", re.DOTALL)
_METADATA = frozenset(
    [
        *("ARG", "CMD", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL"),
        *("MAINTAINER", "ONBUILD", "SHELL", "STOPSIGNAL", "USER", "VOLUME"),
    ]
)
_WRITERS = ("RUN", "COPY", "ADD")

_NEVER = 1_000


def read_steps(history: Sequence[Mapping[str, Any]], *, parent: str) -> tuple[Step, ...]:
    """Read GET /images/{name}/history, oldest step first.

    Parameters
    ----------
    history : sequence of mapping
        The engine's answer, newest step first.
    parent : str
        The image's parent: only where there is one can the newest step be a commit.
    """
    newest_first = [
        _step(entry, commit=position == 0 and bool(parent))
        for position, entry in enumerate(history)
    ]
    return tuple(reversed(newest_first))


def _step(entry: Mapping[str, Any], *, commit: bool) -> Step:
    instruction, argument = _read_line(str(entry.get("CreatedBy") or ""))
    comment = str(entry.get("Comment") or "")
    image_id = str(entry.get("Id") or "")
    if not instruction and commit:
        instruction = "COMMIT"
    if not instruction:
        argument = argument or comment
    return Step(
        instruction=instruction,
        argument=argument,
        size=int(entry.get("Size") or 0),
        comment=comment,
        image_id="" if image_id == "<missing>" else image_id,
        created=from_seconds(entry.get("Created")),
    )


def _read_line(created_by: str) -> tuple[str, str]:
    line = created_by.removesuffix("# buildkit").strip()
    classic_metadata = line.removeprefix("/bin/sh -c #(nop)")
    if classic_metadata != line:
        line = classic_metadata.strip()
    elif not _KEYWORD.match(line):
        line = _BUILD_ARGUMENTS.sub("", line)
        if line.startswith("/bin/sh -c "):
            return "RUN", line.removeprefix("/bin/sh -c ").strip()
    match = _KEYWORD.match(line)
    if not match:
        return "", line
    instruction, argument = match.group(1), (match.group(2) or "").strip()
    if instruction == "RUN":
        argument = _BUILD_ARGUMENTS.sub("", argument).removeprefix("/bin/sh -c ").strip()
    return instruction, argument


def match_layers(
    steps: Sequence[Step],
    diff_ids: Sequence[str],
    layers_of: Callable[[str], int | None],
) -> list[int | None]:
    """Say for each layer which step made it.

    The API leaves out the history's `empty_layer` mark, and a step of 0 bytes may well be a layer
    (one that only deletes). So the cheapest way to pair both lists in order is looked for, knowing
    that a step with bytes is a layer, that ENV and its like are none, and that only a step
    without bytes makes the empty layer. Where that leaves a choice, the classic builder's
    intermediate images settle it.

    Parameters
    ----------
    steps, diff_ids : sequence
        Oldest first, base first.
    layers_of : callable
        From an image ID to how many layers that image has; None where it can't be told.

    Returns
    -------
    list of int or None
        For each layer the position of its step; None where the history doesn't tell.
    """
    doubtful = [i for i, s in enumerate(steps) if not s.size and s.instruction not in _METADATA]
    missing = len(diff_ids) - sum(1 for step in steps if step.size)
    known: dict[int, int] = {}
    if len(doubtful) > missing >= 0:
        for position in doubtful:
            count = layers_of(steps[position].image_id) if steps[position].image_id else None
            if count is not None:
                known[position] = count
    return _cheapest(steps, diff_ids, known)


def _match_cost(step: Step, diff_id: str) -> int:
    if step.size:
        return _NEVER if diff_id == EMPTY_LAYER else 0
    if step.instruction in _METADATA:
        return 10
    return 0 if step.instruction in _WRITERS else 1


def _skip_cost(step: Step) -> int:
    if step.size:
        return _NEVER
    if step.instruction in _METADATA:
        return 0
    return 3 if step.instruction in _WRITERS else 2


def _cheapest(
    steps: Sequence[Step], diff_ids: Sequence[str], known: Mapping[int, int]
) -> list[int | None]:
    # Edit distance: cost[s][l] is the least cost of pairing the first s steps with l layers.
    width = len(diff_ids) + 1
    layer_without_step = 20
    costs = [[layer * layer_without_step for layer in range(width)]]
    for position, step in enumerate(steps):
        above = costs[-1]
        skip = _skip_cost(step)
        row = [above[0] + skip]
        for layer in range(1, width):
            row.append(
                min(
                    above[layer] + skip,
                    above[layer - 1] + _match_cost(step, diff_ids[layer - 1]),
                    row[layer - 1] + layer_without_step,
                )
            )
        if position in known:
            row = [cost if i == known[position] else cost + _NEVER for i, cost in enumerate(row)]
        costs.append(row)

    made_by: list[int | None] = [None] * len(diff_ids)
    layer = len(diff_ids)
    position = len(steps)
    while position and layer:
        step = steps[position - 1]
        penalty = _NEVER if known.get(position - 1, layer) != layer else 0
        here = costs[position][layer] - penalty
        if here == costs[position - 1][layer - 1] + _match_cost(step, diff_ids[layer - 1]):
            position, layer = position - 1, layer - 1
            made_by[layer] = position
        elif here == costs[position - 1][layer] + _skip_cost(step):
            position -= 1
        else:
            layer -= 1
    return made_by

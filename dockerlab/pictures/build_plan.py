"""What of a build is shown: its stages, each with the steps that matter, the others folded."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from dockerlab.facts.building import Build, BuildStep

MOST_STEPS = 24
"""More rows than these can't be taken in: the small ones are folded."""

_LARGEST = 10
_SLOWEST = 5
_MOST_STAGES = 8


@dataclass(frozen=True)
class StepRow:
    """One step and its position in the build."""

    step: BuildStep
    position: int


@dataclass(frozen=True)
class FoldRow:
    """Steps that follow each other, drawn as one."""

    steps: tuple[StepRow, ...]


Row = StepRow | FoldRow


@dataclass(frozen=True)
class Group:
    """A stage, several stages of which little is shown, or what stands before the first."""

    stages: tuple[int, ...]
    rows: tuple[Row, ...]
    in_image: bool


def plan(build: Build) -> tuple[Group, ...]:
    """Arrange a build in the Dockerfile's order."""
    numbered = [StepRow(step, position) for position, step in enumerate(build.steps)]
    folding = len(numbered) > MOST_STEPS
    notable = _notable(build, numbered) if folding else frozenset()
    groups = []
    for stage, run in groupby(sorted(numbered, key=_stage), key=_stage):
        members = tuple(run)
        rows = _fold(members, notable) if folding else members
        in_image = stage >= 0 and build.stages[stage].in_image
        groups.append(Group((stage,) if stage >= 0 else (), rows, in_image))
    if len(build.stages) > _MOST_STAGES:
        taken = {step.source for step in build.steps if step.source is not None}
        groups = _merge(groups, taken if len(taken) <= _MOST_STAGES else set())
    return tuple(groups)


def _stage(row: StepRow) -> int:
    return -1 if row.step.stage is None else row.step.stage


def _notable(build: Build, rows: Sequence[StepRow]) -> frozenset[int]:
    """Return the positions of the steps that are never folded."""

    def layer_size(row: StepRow) -> int:
        layer = build.layer_of(row.step)
        return (layer.size or 0) if layer else -1

    largest = sorted((row for row in rows if layer_size(row) > 0), key=layer_size, reverse=True)
    timed = (row for row in rows if row.step.seconds)
    slowest = sorted(timed, key=lambda row: row.step.seconds or 0, reverse=True)
    copies = [row for row in rows if row.step.source is not None]
    marks = [
        row
        for row in rows
        if row.step.outcome in ("failed", "stopped") or row.step.instruction == "FROM"
    ]
    chosen = (*marks, *largest[:_LARGEST], *slowest[:_SLOWEST], *copies[:_LARGEST])
    return frozenset(row.position for row in chosen)


def _fold(rows: Sequence[StepRow], notable: frozenset[int]) -> tuple[Row, ...]:
    def kind(row: StepRow) -> tuple[bool, bool]:
        return row.position in notable, row.step.outcome in ("waiting", "skipped")

    found: list[Row] = []
    for (kept, _undone), run in groupby(rows, kind):
        members = tuple(run)
        if kept or len(members) < 2:
            found.extend(members)
        else:
            found.append(FoldRow(members))
    return tuple(found)


def _merge(groups: Sequence[Group], taken: set[int]) -> list[Group]:
    """Draw stages that follow each other as one.

    Not the last, nor those where the build ended or that COPY --from takes from.
    """

    def kind(numbered: tuple[int, Group]) -> tuple[bool, bool, bool, int]:
        number, group = numbered
        special = number == len(groups) - 1 or _ended(group) or bool(taken & set(group.stages))
        special = special or not group.stages
        return special, group.in_image, _skipped(group), number if special else 0

    merged: list[Group] = []
    for (special, in_image, _unbuilt, _number), run in groupby(enumerate(groups), kind):
        members = [group for _position, group in run]
        if special or len(members) < 3:
            merged.extend(members)
            continue
        stages = tuple(stage for group in members for stage in group.stages)
        steps = tuple(step for group in members for row in group.rows for step in _steps(row))
        merged.append(Group(stages, (FoldRow(steps),), in_image))
    return merged


def _steps(row: Row) -> tuple[StepRow, ...]:
    return row.steps if isinstance(row, FoldRow) else (row,)


def _skipped(group: Group) -> bool:
    return all(step.step.outcome == "skipped" for row in group.rows for step in _steps(row))


def _ended(group: Group) -> bool:
    return any(
        step.step.outcome in ("failed", "stopped") for row in group.rows for step in _steps(row)
    )

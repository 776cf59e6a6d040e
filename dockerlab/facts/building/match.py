"""Instructions of a Dockerfile, paired with what the builder told of them and with the layers."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from dockerlab.facts.building.buildkit import Vertex
from dockerlab.facts.building.classic import ClassicStep
from dockerlab.facts.building.dockerfile import LAYERING, Dockerfile, Instruction, source_of
from dockerlab.facts.building.values import BuildStep, StepOutcome
from dockerlab.facts.values import Image

_PLACE = re.compile(r"\[(?:[a-z0-9]+/[^\s\]]+ )?(?:([^\s\]]+) )?(\d+)/(\d+)\] ")
_MOST_PASSED_OVER = 16
_METADATA = re.compile(r"\[internal\] load metadata for (\S+)")


def steps_of_buildkit(
    dockerfile: Dockerfile, target: int, vertices: Iterable[Vertex], *, ended: bool
) -> tuple[BuildStep, ...]:
    """Pair the instructions with BuildKit's vertices.

    Parameters
    ----------
    dockerfile, target
        What was to be built.
    vertices
        What BuildKit told, in any order.
    ended : bool
        Whether the whole build was a success: then what has no vertex of its own was the same as
        another step and was not run again.
    """
    found = _places(dockerfile, vertices)
    needed = dockerfile.needed(target)
    steps: list[BuildStep] = []
    # nothing was begun where the Dockerfile can't be read; after a step that failed nothing follows
    halted: set[int | None] = set() if found or ended else {*needed, None}
    for position, instruction in enumerate(dockerfile.instructions):
        vertex = found.get(position)
        bare = _bare(dockerfile, instruction)
        if instruction.stage is not None and instruction.stage not in needed:
            outcome: StepOutcome = "skipped"
        elif vertex is not None:
            outcome = _outcome_of(vertex, instruction)
        elif instruction.stage in halted:
            outcome = "waiting"
        elif instruction.keyword == "FROM":
            outcome = "base"
        elif instruction.keyword in LAYERING:
            outcome = "cached" if ended else "waiting"
        else:
            outcome = "setting"
        if outcome in ("failed", "stopped", "waiting"):
            halted.add(instruction.stage)
        ran = vertex is not None and outcome in ("ran", "failed", "stopped", "base")
        steps.append(
            replace(
                bare,
                outcome=outcome,
                seconds=vertex.seconds if vertex and ran and vertex.seconds else None,
                output=tuple(vertex.output) if vertex else (),
            )
        )
    return tuple(steps)


def _outcome_of(vertex: Vertex, instruction: Instruction) -> StepOutcome:
    canceled = vertex.error.endswith("context canceled")
    if vertex.error and not canceled:
        return "failed"
    if instruction.keyword == "FROM":
        return "base"
    if canceled:
        return "stopped"
    if vertex.cached:
        return "cached"
    if vertex.finished:
        return "ran"
    return "stopped" if vertex.started else "waiting"


def _places(dockerfile: Dockerfile, vertices: Iterable[Vertex]) -> dict[int, Vertex]:
    """Return the vertex of each instruction: their names say "[stage 2/5] …", counted from FROM."""
    by_stage: dict[int, list[tuple[int, int, Vertex]]] = {}
    found: dict[int, Vertex] = {}
    for vertex in vertices:
        place = _PLACE.match(vertex.name)
        if place:
            stage = _stage_named(dockerfile, place[1])
            of_stage = by_stage.setdefault(stage, [])
            of_stage.append((int(place[2][:6]), int(place[3][:6]), vertex))
        elif vertex.error and (image := _METADATA.match(vertex.name)):
            position = _from_of(dockerfile, image[1])
            if position is not None:
                found[position] = vertex
    for stage, members in by_stage.items():
        own = [
            (position, instruction)
            for position, instruction in enumerate(dockerfile.instructions)
            if instruction.stage == stage
        ]
        layering = [position for position, one in own if one.keyword in LAYERING]
        count = members[0][1]
        first = 1 if count > len(layering) else 0
        # what ONBUILD of the base image adds is run first, and not counted in the whole
        added = max(0, max(number for number, _count, _vertex in members) - count)
        for number, _count, vertex in members:
            index = number - 1 - first - added
            if number == 1 and first and own:
                found[own[0][0]] = vertex
            elif 0 <= index < len(layering):
                found[layering[index]] = vertex
    return found


def _stage_named(dockerfile: Dockerfile, name: str | None) -> int:
    last = len(dockerfile.stages) - 1
    if name is None:
        return last
    for position, stage in enumerate(dockerfile.stages):
        if stage.name.lower() == name.lower() or (not stage.name and name == f"stage-{position}"):
            return position
    return last


def _from_of(dockerfile: Dockerfile, reference: str) -> int | None:
    for position, instruction in enumerate(dockerfile.instructions):
        if instruction.keyword == "FROM" and instruction.stage is not None:
            base = dockerfile.stages[instruction.stage].base
            if base and reference.removesuffix(":latest").endswith(base.removesuffix(":latest")):
                return position
    return None


def steps_of_classic(
    dockerfile: Dockerfile, target: int, told: Sequence[ClassicStep], outcome_of_last: StepOutcome
) -> tuple[BuildStep, ...]:
    """Pair the instructions with the classic builder's steps: one each, in order.

    What stands before the first FROM counts too, and nothing follows the target's stage; a step
    more is a label that was asked for.
    """
    steps: list[BuildStep] = []
    untold = list(told)
    for instruction in dockerfile.instructions:
        bare = _bare(dockerfile, instruction)
        if instruction.stage is not None and instruction.stage > target:
            steps.append(replace(bare, outcome="skipped"))
            continue
        if not untold:
            steps.append(replace(bare, outcome="waiting"))
            continue
        one = untold.pop(0)
        ended_here = one is told[-1] and outcome_of_last != "ran"
        outcome = outcome_of_last if ended_here else _classic(bare, one)
        ran = outcome in ("ran", "failed", "stopped")
        steps.append(
            replace(
                bare,
                outcome=outcome,
                seconds=one.seconds if ran else None,
                output=tuple(one.output),
            )
        )
    stage = target if dockerfile.stages else None
    for extra in untold:
        keyword, _, argument = extra.text.partition(" ")
        steps.append(BuildStep(0, keyword.upper(), argument, stage, "setting"))
    return tuple(steps)


def _classic(step: BuildStep, told: ClassicStep) -> StepOutcome:
    if step.instruction == "FROM":
        return "base"
    if step.instruction not in LAYERING:
        return "setting"
    return "cached" if told.cached else "ran"


def _bare(dockerfile: Dockerfile, instruction: Instruction) -> BuildStep:
    return BuildStep(
        line=instruction.line,
        instruction=instruction.keyword,
        argument=instruction.argument,
        stage=instruction.stage,
        outcome="waiting",
        source=source_of(instruction, dockerfile.stages),
    )


def with_layers(
    steps: Sequence[BuildStep], chain: Sequence[int], image: Image
) -> tuple[BuildStep, ...]:
    """Say which layer of the image each step made.

    Every instruction of the stages in the image left one line in its history, in order, so the
    history is followed from its end; what was not asked for by this Dockerfile (ONBUILD, labels of
    the command line) is passed over.
    """
    made = {layer.step: position for position, layer in enumerate(image.layers)}
    in_image = [
        position
        for stage in chain
        for position, step in enumerate(steps)
        if step.stage == stage and step.instruction != "FROM"
    ]
    layers: dict[int, int] = {}
    line = len(image.steps)
    for position in reversed(in_image):
        found = _line_of(steps[position], image, line)
        if found is not None:
            line = found
            if line in made:
                layers[position] = made[line]
    return _placed(steps, layers)


def _line_of(step: BuildStep, image: Image, before: int) -> int | None:
    for line in range(before - 1, max(-1, before - 1 - _MOST_PASSED_OVER), -1):
        if image.steps[line].instruction == step.instruction:
            return line
    return None


def _placed(steps: Sequence[BuildStep], layers: Mapping[int, int]) -> tuple[BuildStep, ...]:
    return tuple(replace(step, layer=layers.get(position)) for position, step in enumerate(steps))

"""A build in words: title, one line of what matters, its meaning, and the text form."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from dockerlab.facts import plain
from dockerlab.facts.building import Build, BuildStep, StepOutcome
from dockerlab.language import _, ngettext
from dockerlab.pictures.build_failure_words import failed_step, failure_words, seconds
from dockerlab.pictures.build_plan import FoldRow, Group, Row
from dockerlab.pictures.measure import cells, fit_cells
from dockerlab.pictures.wording import layers as layer_count
from dockerlab.pictures.wording import (
    names,
    sentence,
    short_digest,
    short_name,
    size,
)

OUTPUT_SHOWN = 8
"""The last lines of a step that failed."""

_LINE = 56
_MARKS: Mapping[StepOutcome, str] = {
    "base": "■",
    "ran": "✓",
    "cached": "↻",
    "setting": "·",
    "failed": "✗",
    "stopped": "‖",
    "waiting": "○",
    "skipped": "○",
}


def title(build: Build) -> str:
    """Name what was built."""
    return short_name(build.name) or _("a build")


def builder(build: Build) -> str:
    """Name the builder and who asked it."""
    if build.through == "sdk":
        return _("classic builder, through the SDK")
    return _("BuildKit") if build.builder == "buildkit" else _("classic builder")


def headline(build: Build) -> str:
    """Say what matters in one line."""
    ran = sum(1 for step in build.steps if step.outcome == "ran")
    cached = sum(1 for step in build.steps if step.outcome == "cached")
    sent = build.context_bytes
    return sentence(
        (
            builder(build),
            _ended(build),
            ngettext("{count} step run", "{count} steps run", ran).format(count=ran),
            _("{count} from the cache").format(count=cached) if cached else "",
            _("{time} in all").format(time=seconds(build.seconds)),
            "" if sent is None else _("{size} of context sent").format(size=size(sent)),
        )
    )


def _ended(build: Build) -> str:
    if build.failure is None:
        return ""
    step = failed_step(build)
    if step is None:
        return _("failed")
    words = _("stopped") if build.failure.kind == "timeout" else _("failed")
    return _("{failed} at line {line}").format(failed=words, line=step.line)


def description(build: Build) -> str:
    """Say what the picture shows, for those who can't see it."""
    return _("What the builder made of each instruction for {name}: {headline}.").format(
        name=title(build), headline=headline(build)
    )


def stage_name(build: Build, stage: int) -> str:
    """Return a stage's name, or its number as COPY --from takes it."""
    name = build.stages[stage].name if stage < len(build.stages) else ""
    return plain(name) or str(stage)


def group_title(build: Build, group: Group) -> str:
    """Name the stage, or the stages."""
    if len(group.stages) > 1:
        return _("{count} stages").format(count=len(group.stages))
    return _("stage {name}").format(name=stage_name(build, group.stages[0]))


def group_note(build: Build, group: Group) -> str:
    """Say what of the stage comes into the image."""
    if group.in_image:
        return _("its layers are the image") if build.image else ""
    outcomes = {step.outcome for step in _all_steps(group)}
    if outcomes == {"skipped"}:
        return _("not built: nothing asks for it")
    taken = {step.source for step in build.steps} & set(group.stages)
    if taken:
        return _("stays behind, save what COPY --from takes")
    return _("stays behind")


def _all_steps(group: Group) -> list[BuildStep]:
    return [
        one.step
        for row in group.rows
        for one in (row.steps if isinstance(row, FoldRow) else (row,))
    ]


def status(step: BuildStep) -> str:
    """Say what became of a step, in a word or by its time."""
    words: Mapping[StepOutcome, str] = {
        "base": _("base"),
        "ran": _("run"),
        "cached": _("from the cache"),
        "setting": _("setting"),
        "failed": _("failed"),
        "stopped": _("stopped"),
        "waiting": _("not reached"),
        "skipped": _("not needed"),
    }
    timed = step.outcome == "ran" or (step.outcome == "base" and (step.seconds or 0) >= 0.5)
    if timed and step.seconds is not None:
        return seconds(step.seconds)
    return words[step.outcome]


def fold_line(row: FoldRow) -> str:
    """Say what is folded."""
    counts = Counter(one.step.outcome for one in row.steps)
    words: Mapping[StepOutcome, str] = {
        "ran": _("{count} run"),
        "cached": _("{count} from the cache"),
        "setting": ngettext("{count} setting", "{count} settings", counts["setting"]),
        "base": ngettext("{count} base image", "{count} base images", counts["base"]),
        "waiting": _("{count} not reached"),
        "skipped": _("{count} not needed"),
    }
    parts = [text.format(count=counts[one]) for one, text in words.items() if counts[one]]
    if len(parts) == 1 and counts["setting"]:
        return parts[0]
    if len(parts) == 1:
        parts = [status(replace(row.steps[0].step, seconds=_spent(row)))]
    count = len(row.steps)
    return _("{count} steps: {outcomes}").format(count=count, outcomes=", ".join(parts))


def _spent(row: FoldRow) -> float:
    return sum(one.step.seconds or 0 for one in row.steps)


def layer_words(build: Build, row: Row) -> tuple[str, str]:
    """Return what a row added to the image: its bytes, and the layer's digest or count."""
    if isinstance(row, FoldRow):
        made = [layer for one in row.steps if (layer := build.layer_of(one.step))]
        if not made:
            return "", ""
        return size(sum(layer.size or 0 for layer in made)), layer_count(len(made))
    if is_base(build, row):
        base = build.base_layers
        return size(sum(layer.size or 0 for layer in base)), layer_count(len(base))
    layer = build.layer_of(row.step)
    return (size(layer.size), short_digest(layer.diff_id)) if layer else ("", "")


def is_base(build: Build, row: Row) -> bool:
    """Whether the row is the FROM that brings the image's lowest layers."""
    if isinstance(row, FoldRow) or row.step.outcome != "base" or row.step.stage is None:
        return False
    stage = build.stages[row.step.stage]
    return stage.in_image and stage.parent is None and bool(build.base_layers)


def meaning(build: Build) -> list[str]:
    """Say what the picture means; of a failure, what was wrong and what mends it."""
    if build.failure is not None:
        return failure_words(build, build.failure)
    lines = [_meaning_of_cache(build), _meaning_of_stages(build)]
    if build.builder == "classic":
        lines.append(
            _("The classic builder leaves an image behind after each step: docker image ls -a.")
        )
    return [line for line in lines if line]


def _meaning_of_cache(build: Build) -> str:
    ran = [step for step in build.steps if step.outcome == "ran"]
    cached = [step for step in build.steps if step.outcome == "cached"]
    if cached and not ran:
        return _(
            "Nothing was run: no instruction and no file it copies has changed, so each layer was "
            "taken from the cache."
        )
    last = max((step.line for step in cached if _in_image(build, step)), default=0)
    first = min((step.line for step in ran if _in_image(build, step)), default=0)
    if 0 < last < first:
        return _(
            "The cache held up to line {last}. Line {first} or what it copies is new, and from "
            "there on every layer is made anew, changed or not."
        ).format(last=last, first=first)
    return _(
        "RUN, COPY, ADD and WORKDIR make a layer each; all other instructions only change the "
        "image's settings."
    )


def _in_image(build: Build, step: BuildStep) -> bool:
    return step.stage is not None and build.stages[step.stage].in_image


def _meaning_of_stages(build: Build) -> str:
    skipped = {step.stage for step in build.steps if step.outcome == "skipped"}
    behind = [
        position
        for position, stage in enumerate(build.stages)
        if not stage.in_image and position not in skipped
    ]
    if not behind:
        return ""
    if {step.source for step in build.steps} & set(behind):
        words = ngettext(
            "Of what stage {names} made, only what COPY --from takes is in the image.",
            "Of what the stages {names} made, only what COPY --from takes is in the image.",
            len(behind),
        )
    else:
        words = ngettext(
            "What stage {names} made is not in the image, however large it is.",
            "What the stages {names} made is not in the image, however large it is.",
            len(behind),
        )
    return words.format(names=names([stage_name(build, position) for position in behind]))


def build_text(build: Build, groups: tuple[Group, ...]) -> list[str]:
    """Return the picture's lines for a terminal."""
    lines = [f"{title(build)} — {headline(build)}"]
    several = len(build.stages) > 1
    for group in groups:
        if several and group.stages:
            note = group_note(build, group)
            lines.append(sentence((group_title(build, group), note)))
        for row in group.rows:
            lines += _row_text(build, row)
    return [*lines, *(line for line in meaning(build) if line)]


def _row_text(build: Build, row: Row) -> list[str]:
    amount, which = layer_words(build, row)
    if isinstance(row, FoldRow):
        return [_columns("▒", fold_line(row), "", amount, which)]
    step = row.step
    lines = [_columns(_MARKS[step.outcome], step.text, status(step), amount, which)]
    if step.outcome in ("failed", "stopped"):
        lines += ["    │ " + fit_cells(line, 90) for line in shown_output(step)]
    return lines


def shown_output(step: BuildStep) -> list[str]:
    """Return the last lines that a step wrote."""
    return [line for line in step.output if plain(line)][-OUTPUT_SHOWN:]


def _columns(mark: str, line: str, state: str, amount: str, which: str) -> str:
    shown = fit_cells(line, _LINE)
    padding = " " * (_LINE - cells(shown))
    return f"{mark} {shown}{padding}  {state:<16} {amount:>8}  {which}".rstrip()

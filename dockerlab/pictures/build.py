"""A build: each instruction, whether it was run, how long, and the layer it made."""

import math
from collections.abc import Mapping, Sequence

from dockerlab.facts.building import Build, BuildStep, StepOutcome
from dockerlab.language import _
from dockerlab.pictures import theme
from dockerlab.pictures.build_plan import FoldRow, Group, Row, StepRow, plan
from dockerlab.pictures.build_words import (
    build_text,
    description,
    fold_line,
    group_note,
    group_title,
    headline,
    is_base,
    layer_words,
    meaning,
    shown_output,
    stage_name,
    status,
    title,
)
from dockerlab.pictures.measure import text_width
from dockerlab.pictures.picture import Picture
from dockerlab.pictures.svg import Canvas

_ROW = 32
_HEAD = 32
_PAD = 6
_GAP = 10
_OUTPUT_LINE = 16
_MARK_X = theme.MARGIN + 20
_LINE_X = _MARK_X + 34
_TEXT_X = _LINE_X + 10
_STATUS_X = 562
_LAYER_X = 580
_LAYER_WIDTH = theme.WIDTH - theme.MARGIN - 10 - _LAYER_X
_BESIDE = 90
_LEAST_BAR = 66
_MOST_BAR = _LAYER_WIDTH - _BESIDE
_MOST_ARROWS = 4

_SYMBOLS: Mapping[StepOutcome, str] = {
    "base": "M-4,-4 h8 v8 h-8 z",
    "ran": "M-3.5,-5 L5,0 L-3.5,5 z",
    "failed": "M-5,-3 l2,-2 l3,3 l3,-3 l2,2 l-3,3 l3,3 l-2,2 l-3,-3 l-3,3 l-2,-2 l3,-3 z",
    "stopped": "M-4,-5 h3 v10 h-3 z M1,-5 h3 v10 h-3 z",
}


def draw_build(build: Build) -> Picture:
    """Draw what a builder made of a Dockerfile.

    Parameters
    ----------
    build : Build
        From `dockerlab.facts.building.build_image`.

    Returns
    -------
    Picture
        One row an instruction, in the Dockerfile's order: a mark and a word for what became of it,
        its seconds, and on the right the layer it made, its width a hint at the bytes. Each stage
        of several has a frame, arrows show what COPY --from takes. Where it failed, the step's last
        lines stand under it.
    """
    groups = plan(build)
    svg = _Drawing(build, groups).draw()
    return Picture.of(title(build), description(build), svg, build_text(build, groups), build)


class _Drawing:
    def __init__(self, build: Build, groups: Sequence[Group]) -> None:
        self.build = build
        self.groups = groups
        self.framed = len(build.stages) > 1
        self.canvas = Canvas(title(build), description(build))
        sizes = [layer.size or 0 for layer in build.image.layers] if build.image else []
        self.largest = max([1, *sizes])
        self.slowest = max([0.001, *(step.seconds or 0 for step in build.steps)])
        self.depth = len(build.base_layers)
        self.stage_places: dict[int, float] = {}
        self.copies: list[tuple[int, float]] = []

    def draw(self) -> str:
        canvas = self.canvas
        canvas.heading(title(self.build), headline(self.build))
        y: float = 88
        canvas.text(_TEXT_X, y, _("instruction"), size=11, fill=theme.SOFT)
        canvas.text(_STATUS_X, y, _("what became of it"), size=11, fill=theme.SOFT, anchor="end")
        if self.build.image:
            canvas.text(_LAYER_X, y, _("the layer it made"), size=11, fill=theme.SOFT)
        y += 10
        for group in self.groups:
            y = self._group(group, y)
        self._arrows()
        return canvas.finish(canvas.paragraphs(y + 14, meaning(self.build)))

    def _group(self, group: Group, y: float) -> float:
        top = y
        framed = self.framed and bool(group.stages)
        height = sum(self._height(row) for row in group.rows)
        if framed:
            paint = theme.IMAGE_STAGE if group.in_image else theme.OTHER_STAGE
            self.canvas.rect(theme.MARGIN, top, theme.INNER, height + _HEAD + _PAD, paint, radius=8)
            name, note = group_title(self.build, group), group_note(self.build, group)
            self.canvas.text(
                theme.MARGIN + 14, top + 21, name, size=13, bold=True, fill=paint.ink, width=300
            )
            beside = theme.MARGIN + 14 + min(300, text_width(name, 13, bold=True)) + 12
            self.canvas.text(beside, top + 21, note, fill=paint.ink, width=theme.INNER - beside)
            for stage in group.stages:
                self.stage_places[stage] = top + 17
            y += _HEAD
        for row in group.rows:
            self._row(row, y)
            y += self._height(row)
        return y + (_PAD + _GAP if framed else _GAP)

    def _height(self, row: Row) -> float:
        if isinstance(row, StepRow) and (lines := self._output(row.step)):
            return _ROW + len(lines) * _OUTPUT_LINE + 20
        return _ROW

    def _output(self, step: BuildStep) -> list[str]:
        return shown_output(step) if step.outcome in ("failed", "stopped") else []

    def _row(self, row: Row, y: float) -> None:
        canvas = self.canvas
        middle = y + _ROW / 2
        if isinstance(row, FoldRow):
            canvas.line(_MARK_X, middle - 9, _MARK_X, middle + 9, theme.FAINT, dashes="2 3")
            canvas.text(
                _TEXT_X, middle + 4, fold_line(row), fill=theme.SOFT,
                width=_STATUS_X - _TEXT_X,
            )  # fmt: skip
            self._layer(row, middle)
            return
        step = row.step
        paint = theme.OUTCOMES[step.outcome]
        self._mark(step.outcome, middle)
        quiet = step.outcome in ("setting", "waiting", "skipped")
        state = status(step)
        beside = max(text_width(state, 12, bold=True) + 14, self._bar_length(step) + 4)
        canvas.text(
            _TEXT_X, middle + 4, step.text, size=12.5, mono=True, bold=not quiet,
            fill=theme.SOFT if quiet else theme.INK, width=_STATUS_X - _TEXT_X - beside,
        )  # fmt: skip
        if step.line:
            canvas.text(
                _LINE_X, middle + 4, step.line, size=11, mono=True, fill=theme.SOFT, anchor="end"
            )  # fmt: skip
        canvas.text(
            _STATUS_X, middle + 4, state, bold=step.outcome in ("ran", "failed", "stopped"),
            fill=theme.SOFT if paint.dashed else paint.edge, anchor="end",
        )  # fmt: skip
        long = self._bar_length(step)
        if long:
            canvas.rect(_STATUS_X - long, middle + 8, long, 3, paint, radius=1, line=0)
        if step.source is not None:
            self.copies.append((step.source, middle))
        self._layer(row, middle)
        self._said(step, y + _ROW)

    def _bar_length(self, step: BuildStep) -> float:
        if step.outcome != "ran" or not step.seconds:
            return 0
        return max(2.0, 60 * step.seconds / self.slowest)

    def _mark(self, outcome: StepOutcome, y: float) -> None:
        canvas, paint = self.canvas, theme.OUTCOMES[outcome]
        if outcome == "setting":
            canvas.circle(_MARK_X, y, 3, paint.edge)
            return
        if outcome == "cached":
            canvas.circle(_MARK_X, y, 9, theme.CARD, paint.edge)
            canvas.path("M-3.8,-2 A4.3,4.3 0 1,1 -3.8,2", stroke=paint.edge, width=1.8,
                        at=(_MARK_X, y))  # fmt: skip
            canvas.path("M-7,-2.4 L-1.4,-3 L-4.4,1.6 z", fill=paint.edge, at=(_MARK_X, y))
            return
        if paint.dashed:
            canvas.circle(_MARK_X, y, 7, paint.fill, paint.edge)
            return
        canvas.circle(_MARK_X, y, 9, paint.fill)
        canvas.path(_SYMBOLS[outcome], fill=paint.ink, at=(_MARK_X, y))

    def _said(self, step: BuildStep, y: float) -> None:
        lines = self._output(step)
        if not lines:
            return
        width = theme.WIDTH - theme.MARGIN - 14 - _TEXT_X
        self.canvas.rect(_TEXT_X, y, width, len(lines) * _OUTPUT_LINE + 12, theme.CHIP, radius=4)
        for line in lines:
            y += _OUTPUT_LINE
            self.canvas.text(_TEXT_X + 10, y + 2, line, size=11.5, mono=True, width=width - 20)

    def _layer(self, row: Row, middle: float) -> None:
        canvas = self.canvas
        amount, which = layer_words(self.build, row)
        if not amount:
            self._no_layer(row, middle)
            return
        paint, number = self._paint(row)
        share = math.sqrt(number / self.largest)
        width = _LEAST_BAR + (_MOST_BAR - _LEAST_BAR) * share
        canvas.rect(_LAYER_X, middle - 12, width, 24, paint, radius=4)
        canvas.text(_LAYER_X + 10, middle + 4.5, amount, bold=True, fill=paint.ink)
        canvas.text(
            _LAYER_X + width + 8, middle + 4, which, size=11, fill=theme.SOFT, width=_BESIDE - 8
        )

    def _paint(self, row: Row) -> tuple[theme.Paint, int]:
        """Return how a row's layer is painted, and its bytes."""
        if isinstance(row, FoldRow):
            made = [layer for one in row.steps if (layer := self.build.layer_of(one.step))]
            return theme.FOLDED, sum(layer.size or 0 for layer in made)
        if is_base(self.build, row):
            return theme.LAYERS[0], sum(layer.size or 0 for layer in self.build.base_layers)
        layer = self.build.layer_of(row.step)
        # the base counts as one, however many layers it has: its own tint ends with it
        above = (row.step.layer or 0) - self.depth + (1 if self.depth else 0)
        return theme.layer_paint(max(0, above)), (layer.size or 0) if layer else 0

    def _no_layer(self, row: Row, middle: float) -> None:
        words = ""
        if isinstance(row, StepRow):
            step = row.step
            stage = None if step.stage is None else self.build.stages[step.stage]
            if step.outcome == "setting":
                words = _("no layer")
            elif step.outcome == "base" and stage and stage.parent is not None:
                words = _("all of stage {name}").format(name=stage_name(self.build, stage.parent))
            elif step.outcome in ("ran", "cached") and stage and stage.in_image:
                words = _("changed nothing: no layer") if self.build.image else ""
            elif step.outcome in ("ran", "cached"):
                words = _("in the build cache only")
        self.canvas.text(_LAYER_X, middle + 4, words, size=11, fill=theme.SOFT,
                         width=_LAYER_WIDTH)  # fmt: skip

    def _arrows(self) -> None:
        """Draw what COPY --from takes, from the stage's head to the row."""
        known = [(stage, y) for stage, y in self.copies if stage in self.stage_places]
        for number, (stage, y) in enumerate(known[:_MOST_ARROWS]):
            x = theme.MARGIN - 7 - 4 * number
            start = self.stage_places[stage]
            self.canvas.path(
                f"M{theme.MARGIN},{start:g} H{x + 4:g} Q{x:g},{start:g} {x:g},{start + 4:g} "
                f"V{y - 4:g} Q{x:g},{y:g} {x + 4:g},{y:g} H{_MARK_X - 11}",
                stroke=theme.PATH,
                width=1.5,
                arrow=True,
            )

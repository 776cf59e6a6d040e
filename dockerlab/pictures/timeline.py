"""Containers over time: a lane each, its states as bars, its events above them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from dockerlab.facts import Lane, Moment, Span, State, Timeline
from dockerlab.language import _
from dockerlab.pictures import theme
from dockerlab.pictures.lifecycle_map import state_word
from dockerlab.pictures.measure import text_width
from dockerlab.pictures.picture import Picture
from dockerlab.pictures.svg import Canvas
from dockerlab.pictures.theme import Paint
from dockerlab.pictures.timeline_scale import Scale
from dockerlab.pictures.timeline_words import (
    description,
    headline,
    lane_note,
    lane_notes,
    left_out,
    meaning,
    moment_words,
    shown_lanes,
    timeline_text,
    title,
)
from dockerlab.pictures.wording import duration

_LABELS = 132
_LEFT = theme.MARGIN + _LABELS
_WIDTH = theme.WIDTH - theme.MARGIN - _LEFT
_CUT = 44
_BESIDE_CUT = 20
_TOP = 116
_ROW = 14
_NEAR = 5
_FEW = 6
_WITHOUT_PROCESS = frozenset[State](("created", "exited", "dead"))


def draw_timeline(timeline: Timeline) -> Picture:
    """Draw what containers went through over time.

    Parameters
    ----------
    timeline : Timeline
        From `dockerlab.facts.read_timeline`.

    Returns
    -------
    Picture
        A lane for each container, oldest on top. A tall bar has a process, a low one has none; a
        dashed one follows from the present state because no event tells it. The axis is true to
        scale but for long pauses, which are cut and marked. Of more than 24 lanes the oldest of
        those with the fewest events are counted, not drawn.
    """
    svg, lines = _Drawing(timeline).draw(), timeline_text(timeline)
    return Picture.of(title(timeline), description(timeline), svg, lines, timeline)


@dataclass(frozen=True)
class _Label:
    """Words above a bar, from `left` to `right`, with a line down to their event at `x`.

    `row` counts upwards.
    """

    x: float
    left: float
    right: float
    row: int
    words: str

    def hits(self, other: "_Label") -> bool:
        """Whether words lie on words, or a line goes through words."""
        if self.row == other.row:
            return self.left < other.right and other.left < self.right
        high, low = (self, other) if self.row > other.row else (other, self)
        return low.left - 2 < high.x < low.right


class _Drawing:
    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self.lanes = shown_lanes(timeline)
        rows = {1: 5, 2: 4, 3: 4}.get(len(self.lanes), 3 if len(self.lanes) <= _FEW else 1)
        self.rows = rows
        self.tall = 22 if len(self.lanes) <= _FEW else 16
        moments = [one.at for lane in timeline.lanes for one in lane.moments]
        moments += [one.begin for lane in timeline.lanes for one in lane.spans]
        self.scale = Scale(timeline.begin, timeline.now, moments, _WIDTH, _CUT)
        self.canvas = Canvas(title(timeline), description(timeline))

    def draw(self) -> str:
        canvas = self.canvas
        canvas.heading(title(self.timeline), headline(self.timeline))
        labels = {id(lane): self._labels(lane.moments) for lane in self.lanes}
        heights = [self._height(labels[id(lane)]) for lane in self.lanes]
        bottom = _TOP + sum(heights) if heights else 72
        if self.lanes:
            self._axis(bottom)
        y: float = _TOP
        for lane, height in zip(self.lanes, heights, strict=True):
            self._lane(lane, labels[id(lane)], y + height - self.tall - 12)
            y += height
        note = left_out(self.timeline)
        if note:
            canvas.text(theme.MARGIN, bottom + 14, note, size=12, fill=theme.SOFT)
            bottom += 22
        sentences = meaning(self.timeline)
        if any(stretch.cut for stretch in self.scale.stretches):
            sentences.insert(
                1, _("Where the axis is broken, nothing happened for the time above it.")
            )
        return canvas.finish(canvas.paragraphs(bottom + 26, sentences))

    def _height(self, labels: Sequence[_Label]) -> float:
        least = 1 if self.rows > 1 else 0
        rows = max((label.row for label in labels), default=-1) + 1
        return self.tall + 18 + _ROW * max(rows, least)

    def _axis(self, bottom: float) -> None:
        canvas = self.canvas
        y = _TOP - 20
        free = 0.0
        for tick in self.scale.ticks(64):
            x = _LEFT + tick.x
            canvas.line(x, y + 6, x, bottom, theme.GRID)
            if any(stretch.cut and 0 <= tick.x - stretch.right < _BESIDE_CUT
                   for stretch in self.scale.stretches):  # fmt: skip
                continue  # its words would run into the mark
            words = duration(tick.seconds)
            wide = text_width(words, 11)
            left = min(x - wide / 2, theme.WIDTH - 10 - wide)
            if left < free:
                continue
            free = left + wide + 6
            canvas.text(left + wide / 2, y, words, size=11, fill=theme.SOFT, anchor="middle")
        canvas.line(_LEFT, y + 6, _LEFT + _WIDTH, y + 6, theme.FAINT)
        for stretch in self.scale.stretches:
            if stretch.cut:
                x, width = _LEFT + stretch.left, stretch.right - stretch.left
                canvas.rect(x + 4, y + 3, width - 8, 6, Paint(theme.CARD, theme.INK, theme.CARD))
                middle = x + width / 2
                for shift in (-3, 3):
                    canvas.line(middle + shift - 3, y + 12, middle + shift + 3, y, theme.SOFT)
                words = duration(stretch.end - stretch.begin)
                canvas.text(middle, y - 14, words, size=11, fill=theme.SOFT, anchor="middle")

    def _lane(self, lane: Lane, labels: Sequence[_Label], y: float) -> None:
        canvas = self.canvas
        middle = y + self.tall / 2
        canvas.line(_LEFT, middle, _LEFT + _WIDTH, middle, theme.GRID)
        self._name(lane, middle)
        for span in lane.spans:
            self._bar(lane, span, y)
        for moment in lane.moments:
            x = _LEFT + self.scale.place(moment.at)
            strong = moment.action in ("die", "oom", "kill", "destroy")
            colour = theme.GONE.ink if moment.action in ("oom", "kill") else theme.INK
            canvas.line(x, y - 3, x, y + self.tall + 3, colour, width=2 if strong else 1.2)
        for stretch in self.scale.stretches:
            if stretch.cut:
                x = _LEFT + (stretch.left + stretch.right) / 2
                canvas.path(
                    f"M{x - 6:.1f},{y + self.tall + 3} L{x + 1:.1f},{y - 3} h5 "
                    f"L{x - 1:.1f},{y + self.tall + 3} z",
                    fill=theme.CARD,
                )
        if lane.state == "removed" and lane.moments:
            self._cross(_LEFT + self.scale.place(lane.moments[-1].at), middle)
        for label in labels:
            base = y - 7 - _ROW * label.row
            if label.row:
                x = _LEFT + label.x
                canvas.line(x, base + 3, x, y - 3, theme.FAINT)
            if label.left < label.x:
                edge = _LEFT + _WIDTH
                canvas.text(edge, base, label.words, size=11, anchor="end", width=_WIDTH)
            else:
                canvas.text(_LEFT + label.left - 1, base, label.words, size=11)

    def _name(self, lane: Lane, middle: float) -> None:
        """Write a container's name and what it has come to, in two lines where one is too short."""
        note = lane_note(lane)
        lines = [note] if text_width(note, 11) <= _LABELS - 8 else lane_notes(lane)
        base = middle - 3 - 6 * (len(lines) - 1)
        canvas = self.canvas
        canvas.text(
            theme.MARGIN, base, lane.name or lane.id[:12], size=12.5, mono=True, bold=True,
            width=_LABELS - 12,
        )  # fmt: skip
        for number, line in enumerate(lines, 1):
            canvas.text(
                theme.MARGIN, base + 2 + 13 * number, line, size=11, fill=_ink(lane.state),
                width=_LABELS - 8,
            )  # fmt: skip

    def _bar(self, lane: Lane, span: Span, y: float) -> None:
        canvas = self.canvas
        paint = theme.STATES[span.state]
        left, right = (_LEFT + self.scale.place(at) for at in (span.begin, span.end))
        low = span.state in _WITHOUT_PROCESS
        height = self.tall - 8 if low else self.tall
        top = y + (self.tall - height) / 2
        width = max(right - left, 1.5)
        word = state_word(span.state)
        hint = f"{word} · {duration((span.end - span.begin).total_seconds())}"
        ink = paint.ink if span.witnessed else paint.edge
        fill = paint.fill if span.witnessed else theme.CARD
        canvas.rect(
            left, top, width, height, Paint(fill, ink, paint.edge, not span.witnessed),
            radius=min(3, width / 2), hint=f"{lane.name}: {hint}",
        )  # fmt: skip
        if height < 12:
            return
        wide = text_width(word, 11, bold=True) + 34
        begin, end = self._clear(lane, left, right, wide)
        with_word = end - begin >= wide
        at = (begin + 13 if with_word else (begin + end) / 2, y + self.tall / 2)
        for shape in theme.SYMBOLS.get(span.state, ()) if end - begin >= 18 else ():
            canvas.path(shape, fill=ink, at=at)
        if with_word:
            baseline = y + self.tall / 2 + 4
            canvas.text(begin + 24, baseline, word, size=11, bold=True, fill=ink)

    def _clear(self, lane: Lane, left: float, right: float, wide: float) -> tuple[float, float]:
        """Return where a bar has no marks: the first place wide enough, else the widest."""
        marks = [_LEFT + self.scale.place(moment.at) for moment in lane.moments]
        cuts = [_LEFT + (one.left + one.right) / 2 for one in self.scale.stretches if one.cut]
        inside = sorted(x for x in (*marks, *cuts) if left < x < right)
        places = list(pairwise((left, *inside, right)))
        wide_enough = (one for one in places if one[1] - one[0] >= wide)
        return next(wide_enough, max(places, key=lambda one: one[1] - one[0]))

    def _cross(self, x: float, y: float) -> None:
        for rise in (-5, 5):
            self.canvas.line(x - 5, y - rise, x + 5, y + rise, theme.INK, width=2)

    def _labels(self, moments: Sequence[Moment]) -> list[_Label]:
        """Give each group of events words above the bar, the latest first, where they fit."""
        placed: list[_Label] = []
        for x, words in reversed(_groups(moments, self.scale)):
            wide = text_width(words, 11) + 10
            left = max(0.0, min(x, _WIDTH - wide + 10))
            tries = (_Label(x, left, left + wide, row, words) for row in range(self.rows))
            label = next((one for one in tries if not any(map(one.hits, placed))), None)
            if label:
                placed.append(label)
        return placed


def _groups(moments: Sequence[Moment], scale: Scale) -> list[tuple[float, str]]:
    """Join the events that are too near each other to be told apart."""
    groups: list[tuple[float, list[str]]] = []
    last = -100.0
    for moment in moments:
        x = scale.place(moment.at)
        if groups and x - last < _NEAR:
            groups[-1][1].append(moment_words(moment))
        else:
            groups.append((x, [moment_words(moment)]))
        last = x
    return [(x, " · ".join(words)) for x, words in groups]


def _ink(state: State) -> str:
    paint = theme.STATES[state]
    return paint.ink if paint.dashed else paint.edge

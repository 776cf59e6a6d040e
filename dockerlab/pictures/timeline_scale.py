"""Where a moment stands on the axis: true to scale, but for long pauses, which are cut short."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

_PAUSE = 30.0
"""Seconds; what is shorter is never cut, so that a grace time of 10 s keeps its length."""
_RATIO = 4.0
"""How much longer than all shorter waits together a wait must be to be cut."""
_MOST_CUTS = 5
_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800,
          21600, 43200, 86400, 172800, 604800, 1209600, 2592000)  # fmt: skip
_RESOLUTION = ((10.0, 0.1), (3600.0, 1.0), (86400.0, 60.0), (float("inf"), 3600.0))
"""Times below so many seconds are told to so many seconds: "0.5 s", "2 min 5 s", "3 h 20 min"."""


@dataclass(frozen=True)
class Stretch:
    """A part of the axis: seconds since its beginning, pixels from its left end."""

    begin: float
    end: float
    left: float
    right: float
    cut: bool = False


@dataclass(frozen=True)
class Tick:
    """A mark on the axis, `seconds` after its beginning."""

    seconds: float
    x: float


class Scale:
    """The axis of one timeline.

    Parameters
    ----------
    begin, end : datetime
        What it reaches from and to.
    moments : iterable of datetime
        When something happened.
    width, cut_width : float
        How long the axis is, and how long a pause that is cut short looks; pixels or cells.
    """

    def __init__(
        self,
        begin: datetime,
        end: datetime,
        moments: Iterable[datetime],
        width: float,
        cut_width: float,
    ) -> None:
        self.begin = begin
        self.width = width
        seconds = {(one - begin).total_seconds() for one in moments}
        self.seconds = max((end - begin).total_seconds(), 0.001)
        inside = {one for one in seconds if 0 < one < self.seconds}
        self.stretches = _stretches([0.0, *sorted(inside), self.seconds], width, cut_width)
        self._begins = [stretch.begin for stretch in self.stretches]

    def place(self, moment: datetime) -> float:
        """Return how far from the left end a moment stands."""
        return self._at((moment - self.begin).total_seconds())

    def _at(self, seconds: float) -> float:
        seconds = min(max(seconds, 0.0), self.seconds)
        stretch = self.stretches[max(0, bisect_right(self._begins, seconds) - 1)]
        share = (seconds - stretch.begin) / (stretch.end - stretch.begin)
        return stretch.left + share * (stretch.right - stretch.left)

    def ticks(self, apart: float) -> list[Tick]:
        """Return round times at least `apart` from each other; none where a pause is cut."""
        found: list[Tick] = []
        for stretch in self.stretches:
            if stretch.cut:
                continue
            rate = (stretch.right - stretch.left) / (stretch.end - stretch.begin)
            least = max(apart / rate, _told_apart(stretch.end))
            step = next((one for one in _STEPS if one >= least), None)
            if step is None:
                continue
            number = -int(-stretch.begin // step)
            while number * step <= stretch.end:
                x = self._at(number * step)
                if not found or x - found[-1].x >= apart:
                    found.append(Tick(round(number * step, 3), x))
                number += 1
        return found


def _told_apart(seconds: float) -> float:
    """Return the least step between two times of this size that differ in words too."""
    return next(step for most, step in _RESOLUTION if seconds < most)


def _stretches(times: Sequence[float], width: float, cut_width: float) -> tuple[Stretch, ...]:
    gaps = [end - begin for begin, end in pairwise(times)]
    cut = _cut(gaps)
    drawn = sum(gap for gap, is_cut in zip(gaps, cut, strict=True) if not is_cut)
    rate = (width - cut_width * sum(cut)) / drawn
    found: list[Stretch] = []
    left = 0.0
    for (begin, end), is_cut in zip(pairwise(times), cut, strict=True):
        right = left + (cut_width if is_cut else (end - begin) * rate)
        if found and not is_cut and not found[-1].cut:
            found[-1] = Stretch(found[-1].begin, end, found[-1].left, right)
        else:
            found.append(Stretch(begin, end, left, right, is_cut))
        left = right
    return tuple(found)


def _cut(gaps: Sequence[float]) -> list[bool]:
    """Choose the pauses that would leave what happened between them too little room."""
    longest_first = sorted(range(len(gaps)), key=lambda index: -gaps[index])
    cut: set[int] = set()
    rest = sum(gaps)
    for position, index in enumerate(longest_first[:_MOST_CUTS]):
        rest -= gaps[index]
        shortest = gaps[index]
        if shortest <= _PAUSE or rest <= 0:
            break
        if shortest > _RATIO * rest:
            # All that are as long or longer are pauses too.
            cut = set(longest_first[: position + 1])
    return [index in cut for index in range(len(gaps))]

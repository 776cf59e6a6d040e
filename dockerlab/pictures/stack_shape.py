"""The shape of a stack: columns that part from their common base, with labels and notes."""

from collections.abc import Sequence
from itertools import groupby

from dockerlab.facts import Image
from dockerlab.language import _
from dockerlab.pictures import theme
from dockerlab.pictures.measure import fit, text_width
from dockerlab.pictures.stack_blocks import Bars
from dockerlab.pictures.stack_plan import (
    MOST_LAYERS,
    Block,
    FoldBlock,
    LayerBlock,
    Segment,
    StepsBlock,
    WritableBlock,
)
from dockerlab.pictures.svg import Canvas
from dockerlab.pictures.wording import layers as layer_count
from dockerlab.pictures.wording import names, sentence, short_digest, short_name, size

_GAP = 5
_COLUMN_GAP = 12
_COMMIT_GAP = 76
_NOTE = 250


Place = tuple[float, float, float, float]
"""Left, top, width and height of a bar."""


class StackShape:
    """Measures the tree from the base up, then draws it into a card.

    Parameters
    ----------
    canvas : Canvas
        The card.
    tree : Segment
        From `dockerlab.pictures.stack_plan.plan`.
    """

    def __init__(self, canvas: Canvas, tree: Segment) -> None:
        self.canvas = canvas
        self.tree = tree
        self.alone = len(tree.columns) == 1
        self.gap = _COMMIT_GAP if _commits(tree) else _COLUMN_GAP
        self.writable: dict[str, Place] = {}
        self.committed: list[tuple[str, Place]] = []
        dense = _most_layers(tree) > MOST_LAYERS // 2
        self.bars = Bars(canvas, alone=self.alone, dense=dense, largest=_largest(tree))

    def draw(self, top: float) -> float:
        """Draw from `top` down; return where the shape ends."""
        width = theme.INNER - (_NOTE + 22 if self.alone else 0)
        bottom = top + self._height(self.tree, width)
        self._segment(self.tree, theme.MARGIN, bottom, width)
        self._arrows()
        return bottom

    def _arrows(self) -> None:
        """Lead from a writable layer to the read-only one it became, if they are neighbours."""
        for container, (x, y, width, height) in self.committed:
            if container not in self.writable:
                continue
            left, top, wide, tall = self.writable[container]
            rightwards = abs(x - (left + wide) - self.gap) < 1
            if not rightwards and abs(left - (x + width) - self.gap) >= 1:
                continue
            start, end = (left + wide, x) if rightwards else (left, x + width)
            level = max(y + min(height, tall) / 2, min(top + tall / 2, y + height - 8))
            self.canvas.path(
                f"M{start:g},{level:g} H{end:g}", stroke=theme.WRITABLE.edge, width=2, arrow=True
            )
            self.canvas.text(
                (start + end) / 2, level - 8, _("commit"), size=11, mono=True,
                fill=theme.WRITABLE.edge, anchor="middle", width=self.gap - 4,
            )  # fmt: skip

    def _height(self, segment: Segment, width: float) -> float:
        own = sum(self.bars.height(block, width) + _GAP for block in segment.blocks)
        shares = self._widths(segment, width)
        above = [self._height(s, w) for s, w in zip(segment.above, shares, strict=True)]
        return own + (max(above) if above else self._label_height(segment))

    def _label_height(self, segment: Segment) -> float:
        column = segment.columns[0]
        if column.container or (self.alone and len(column.image.tags) < 2):
            return 0
        return 32 if self.alone else 44

    def _widths(self, segment: Segment, width: float) -> list[float]:
        count = len(segment.columns)
        one = (width - self.gap * (count - 1)) / count
        return [
            one * len(s.columns) + self.gap * (len(s.columns) - 1) for s in segment.above
        ]  # fmt: skip

    def _segment(self, segment: Segment, x: float, bottom: float, width: float) -> None:
        y = bottom
        places: list[tuple[Block, float, float]] = []
        for block in segment.blocks:
            height = self.bars.height(block, width)
            y -= height
            places.append((block, y, height))
            self.bars.draw(block, x, y, width, height)
            if isinstance(block, WritableBlock):
                self.writable[block.container.id] = (x, y, width, height)
            elif isinstance(block, LayerBlock) and block.committed:
                self.committed.append((block.committed.id, (x, y, width, height)))
            y -= _GAP
        if self.alone:
            self._notes(places, x + width)
        if not segment.above:
            self._label(segment, x, y, width)
        for branch, share in zip(segment.above, self._widths(segment, width), strict=True):
            self._segment(branch, x, y, share)
            x += share + self.gap

    def _label(self, segment: Segment, x: float, y: float, width: float) -> None:
        column = segment.columns[0]
        if not self._label_height(segment):
            return
        left = x
        tags = _asked_first(column.image)
        for number, tag in enumerate(tags):
            room = x + width - left - (60 if number < len(tags) - 1 else 0)
            shown, cut = fit(tag, min(room, 260) - 20, 12, mono=True, bold=True)
            wide = text_width(shown, 12, mono=True, bold=True) + 20
            if number and (cut or wide > room):
                more = _("+{count} more").format(count=len(tags) - number)
                self.canvas.text(left, y - 9, more, size=11.5, fill=theme.SOFT)
                break
            self.canvas.rect(left, y - 24, wide, 22, theme.TAG, radius=4)
            self.canvas.text(
                left + 10, y - 9, tag, size=12, mono=True, bold=True, fill=theme.TAG.ink,
                width=wide - 19,
            )  # fmt: skip
            left += wide + 6
        if not self.alone:
            self.canvas.text(
                x + 1, y - 30, _image_line(column.image, width), size=11, fill=theme.SOFT,
                width=width,
            )  # fmt: skip

    def _notes(self, places: Sequence[tuple[Block, float, float]], right: float) -> None:
        """Say beside the bars who shares them: one hatched strip for each run that agrees."""
        canvas = self.canvas
        left = right + 8
        for block, y, _height in places:
            if isinstance(block, WritableBlock):
                note = _("lives and dies with the container")
                canvas.text(left + 20, y + 20, note, size=11.5, fill=theme.WRITABLE.edge)
        chips = [y for block, y, _height in places if isinstance(block, StepsBlock)]
        if chips:
            note = _("settings only: no layer")
            canvas.text(left + 20, chips[-1] + 14, note, size=11.5, fill=theme.SOFT)
        bars = [place for place in places if isinstance(place[0], LayerBlock | FoldBlock)]
        for shared, run in groupby(bars, key=lambda place: _shared(place[0])):
            members = list(run)
            top, bottom = members[-1][1], members[0][1] + members[0][2]
            middle = (top + bottom) / 2 + 4
            if not shared:
                continue
            canvas.hatch(left, top, 10, bottom - top, theme.PATH)
            canvas.text(left + 20, middle - 7, _("shared with"), size=11.5, fill=theme.SOFT)
            who = _names_that_fit(shared, _NOTE - 8)
            canvas.text(left + 20, middle + 8, who, size=11.5, width=_NOTE - 8)


def _shared(block: Block) -> tuple[str, ...]:
    return block.shared_with if isinstance(block, LayerBlock | FoldBlock) else ()


def _names_that_fit(all_names: Sequence[str], width: float) -> str:
    """Return two names and how many more there are; only one, cut, where two are too long."""
    first, *others = (short_name(one) for one in all_names)
    both = names((first, *others), 2)
    if text_width(both, 11.5) <= width:
        return both
    beside = text_width(names(("", *others), 1), 11.5)
    shown, _cut = fit(first, width - beside, 11.5, middle=True)
    return names((shown, *others), 1)


def _asked_first(image: Image) -> tuple[str, ...]:
    others = tuple(tag for tag in image.tags if tag != image.name)
    return (image.name, *others) if image.name in image.tags or not others else others


def _image_line(image: Image, width: float) -> str:
    line = sentence((size(image.unpacked), layer_count(len(image.layers))))
    longer = sentence((line, short_digest(image.id)))
    return longer if text_width(longer, 11) <= width else line


def _sizes(segment: Segment) -> list[int]:
    return [b.size for b in segment.blocks if isinstance(b, LayerBlock | FoldBlock)]


def _commits(segment: Segment) -> bool:
    own = any(isinstance(block, LayerBlock) and block.committed for block in segment.blocks)
    return own or any(_commits(branch) for branch in segment.above)


def _largest(segment: Segment) -> int:
    return max([*_sizes(segment), *(_largest(branch) for branch in segment.above)], default=0)


def _most_layers(segment: Segment) -> int:
    own = len(_sizes(segment))
    return own + max((_most_layers(branch) for branch in segment.above), default=0)

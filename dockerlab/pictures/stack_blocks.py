"""The bars of a stack, each kind with its look: layers, steps without one, writable layers."""

import math

from dockerlab.language import _, ngettext
from dockerlab.pictures import theme
from dockerlab.pictures.measure import fit, text_width
from dockerlab.pictures.stack_plan import (
    Block,
    FoldBlock,
    LayerBlock,
    StepsBlock,
    WritableBlock,
    notable,
)
from dockerlab.pictures.svg import Canvas
from dockerlab.pictures.wording import (
    more_changes,
    names,
    sentence,
    short_digest,
    short_name,
    size,
)

_CHIP = 20
_MORE = 76
_CHANGES_SHOWN = 4


class Bars:
    """Measures and draws the blocks of one picture.

    Parameters
    ----------
    alone : bool
        Whether it is one stack, with room for notes beside it.
    dense : bool
        Whether bars are lower because there are many.
    largest : int
        Bytes of the biggest bar, which the others' heights are measured by.
    """

    def __init__(self, canvas: Canvas, *, alone: bool, dense: bool, largest: int) -> None:
        self.canvas = canvas
        self.alone = alone
        self.dense = dense
        self.largest = max(1, largest)

    def height(self, block: Block, width: float) -> float:
        """Return how tall a block is, in pixels."""
        if isinstance(block, WritableBlock):
            lines = max(1, min(len(block.container.changes), _CHANGES_SHOWN + 1))
            return 48 + 15 * (lines + (not self._named_in_full(block, width)))
        if isinstance(block, StepsBlock):
            return _CHIP * len(self._chip_rows(block, width))
        least = 24 if self.dense and self.alone else 44
        return least + round(46 * math.sqrt(block.size / self.largest))

    def draw(self, block: Block, x: float, y: float, width: float, height: float) -> None:
        """Draw a block into the place that was measured for it."""
        if isinstance(block, WritableBlock):
            self._writable(block, x, y, width, height)
        elif isinstance(block, StepsBlock):
            self._chips(block, x, y, width)
        else:
            self._layer(block, x, y, width, height)

    def _layer(
        self, block: LayerBlock | FoldBlock, x: float, y: float, width: float, height: float
    ) -> None:
        canvas = self.canvas
        if isinstance(block, FoldBlock):
            paint, mono = theme.FOLDED, False
            line = _("{count} smaller layers").format(count=len(block.blocks))
            detail = sentence((_folded_detail(block), self._others(block)))
        else:
            paint, mono = theme.layer_paint(block.depth), True
            line = block.line
            digest = short_digest(block.layer.diff_id)
            detail = _origin(block) or sentence((digest, self._others(block), _nature(block)))
        canvas.rect(x, y, width, height, paint, hint=line)
        left, right = x + 14, x + width - 14
        if isinstance(block, LayerBlock) and block.committed:
            canvas.rect(x, y, 8, height, theme.WRITABLE, radius=3, line=1.5)
            left += 6
        if not self.alone and block.shared_with:
            canvas.hatch(x + width - 12, y + 4, 8, height - 8, theme.PATH)
            right -= 10
        amount = "?" if isinstance(block, LayerBlock) and block.layer.size is None else ""
        amount = amount or size(block.size)
        if height < 40:
            middle = y + height / 2 + 4
            canvas.text(right, middle, amount, bold=True, fill=paint.ink, anchor="end")
            beside = min(text_width(detail, 11), 230)
            canvas.text(
                right - 76, middle, detail, size=11, fill=paint.ink, anchor="end", width=beside
            )  # fmt: skip
            canvas.text(
                left, middle, line, size=12, mono=mono, bold=True, fill=paint.ink,
                width=right - left - 76 - beside - 12,
            )  # fmt: skip
            return
        middle = y + height / 2
        if width < 200:
            canvas.text(
                left, middle - 4, line, size=12, mono=mono, bold=True, fill=paint.ink,
                width=right - left,
            )  # fmt: skip
            canvas.text(left, middle + 13, amount, bold=True, fill=paint.ink)
            return
        room = right - left - text_width(amount, 14, bold=True) - 14
        canvas.text(right, middle + 5, amount, size=14, bold=True, fill=paint.ink, anchor="end")
        canvas.text(
            left, middle - 3, line, size=13, mono=mono, bold=True, fill=paint.ink, width=room
        )  # fmt: skip
        canvas.text(left, middle + 14, detail, size=11.5, fill=paint.ink, width=room)

    def _others(self, block: LayerBlock | FoldBlock) -> str:
        """Name the other images on a layer, where there is no room to say it beside the bar."""
        if self.alone or not block.shared_with:
            return ""
        return _("also in {names}").format(
            names=names([short_name(one) for one in block.shared_with], 2)
        )

    def _chip_rows(self, block: StepsBlock, width: float) -> list[list[tuple[str, float]]]:
        """Chips of one row each 20 px; no more than two rows, then a count."""
        most = 2 if self.alone else 1
        full = sum(text_width(line, 11, mono=True) + 18 + 6 for line in block.lines) - 6
        widest = min(width - (_MORE if len(block.lines) > most else 0), 230.0)
        if full <= width:
            widest = width
        rows: list[list[tuple[str, float]]] = [[]]
        used = 0.0
        for number, line in enumerate(block.lines):
            shown, _cut = fit(line, widest - 18, 11, mono=True)
            wide = text_width(shown, 11, mono=True) + 18
            rest = len(block.lines) - number
            reserve = _MORE if len(rows) == most and rest > 1 else 0
            if rows[-1] and used + wide + reserve > width:
                if len(rows) == most:
                    more = _("+{count} more").format(count=rest)
                    rows[-1].append((more, text_width(more, 11, mono=True) + 18))
                    return rows
                rows.append([])
                used = 0.0
            rows[-1].append((line, wide))
            used += wide + 6
        return rows

    def _chips(self, block: StepsBlock, x: float, y: float, width: float) -> None:
        for row in reversed(self._chip_rows(block, width)):
            left = x
            for line, wide in row:
                self.canvas.rect(left, y + 1, wide, _CHIP - 2, theme.CHIP, radius=9)
                self.canvas.text(
                    left + 9, y + 14, line, size=11, mono=True, fill=theme.CHIP.ink, width=wide - 17
                )  # fmt: skip
                left += wide + 6
            y += _CHIP

    def _writable(
        self, block: WritableBlock, x: float, y: float, width: float, height: float
    ) -> None:
        canvas, container = self.canvas, block.container
        paint = theme.WRITABLE
        box = height - 18
        canvas.rect(x, y, width, box, paint, line=1.5)
        amount = "" if container.writable is None else size(container.writable)
        room = _name_room(block, width)
        canvas.text(x + width - 14, y + 21, amount, size=14, bold=True, anchor="end")
        line = y + 37
        if self._named_in_full(block, width):
            name = _writable_of(block)
        else:
            name = container.name
            canvas.text(x + 14, line, _("its writable layer"), size=11.5, width=width - 28)
            line += 15
        canvas.text(x + 14, y + 20, name, size=13, mono=True, bold=True, width=room)
        shown = notable(container.changes)[:_CHANGES_SHOWN]
        for change in shown:
            canvas.text(
                x + 14, line, change.kind, size=11.5, mono=True, bold=True,
                fill=theme.CHANGES[change.kind],
            )  # fmt: skip
            canvas.text(x + 30, line, change.path, size=11.5, mono=True, width=width - 44)
            line += 15
        more = len(container.changes) - len(shown)
        if more > 0:
            canvas.text(x + 14, line, more_changes(more), size=11.5)
        elif not shown:
            canvas.text(x + 14, line, _("nothing written yet"), size=11.5, fill=theme.SOFT)
        y += box + 6
        canvas.line(x, y, x + width, y, theme.SOFT, dashes="2 3")
        below = _("read-only below")
        if not self.alone:
            image = short_name(container.image)
            below = _("read-only below: {image}").format(image=_without_algorithm(image))
        canvas.text(
            x + width, y + 13, below, size=11, fill=theme.SOFT, anchor="end", width=width
        )  # fmt: skip

    def _named_in_full(self, block: WritableBlock, width: float) -> bool:
        wide = text_width(_writable_of(block), 13, mono=True, bold=True)
        return self.alone or wide <= _name_room(block, width)


def _writable_of(block: WritableBlock) -> str:
    return _("writable layer of {name}").format(name=block.container.name)


def _name_room(block: WritableBlock, width: float) -> float:
    written = block.container.writable
    return width - 36 - (0 if written is None else text_width(size(written), 14, bold=True))


def _without_algorithm(image: str) -> str:
    return short_digest(image) if image.startswith("sha256:") else image


def _origin(block: LayerBlock) -> str:
    if block.committed is None:
        return ""
    return _("was written by {name}, now read-only").format(name=block.committed.name)


def _nature(block: LayerBlock) -> str:
    if block.layer.empty:
        return _("an empty layer: nothing changed")
    if block.layer.size == 0:
        return _("no bytes: only names, marks or deletions")
    return ""


def _folded_detail(block: FoldBlock) -> str:
    if not block.steps:
        return ""
    return ngettext(
        "and {count} metadata step between them", "and {count} metadata steps between them",
        block.steps,
    ).format(count=block.steps)  # fmt: skip

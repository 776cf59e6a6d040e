"""The files of an image: what is stored and what of it is seen, and each layer's doings."""

from dockerlab.errors import UsageError
from dockerlab.facts.files import Files
from dockerlab.language import _
from dockerlab.pictures import theme
from dockerlab.pictures.files_plan import FilesPlan, LayerPlan, plan_files
from dockerlab.pictures.files_tree import Row, Sort
from dockerlab.pictures.files_words import (
    MOST_STORIES,
    description,
    files_text,
    headline,
    layer_line,
    layer_note,
    legend,
    looked_for,
    meaning,
    more_causes,
    more_names,
    row_note,
    row_size,
    stories,
    title,
)
from dockerlab.pictures.measure import text_width, wrap
from dockerlab.pictures.picture import Picture
from dockerlab.pictures.svg import Canvas
from dockerlab.pictures.wording import size

_TOP = 78
_BAR = 22
_HEAD = 46
_ROW = 19
_INDENT = 16
_SIZE = 74
_GAUGE = 96
_NOTE = 210

_INKS = {"+": theme.CHANGES["A"], "≠": theme.CHANGES["C"], "-": theme.CHANGES["D"],
         "=": theme.CHANGES["C"], " ": theme.SOFT}  # fmt: skip


def draw_files(
    files: Files, *, find: str = "", sort: Sort = "size", layer: int | None = None
) -> Picture:
    """Draw what each layer of an image adds, changes and deletes, and what is stored unseen.

    Parameters
    ----------
    files : Files
        From `dockerlab.facts.read_files`.
    find : str
        Only paths that match: a pattern such as ``*.conf``, or else a part of the path.
    sort : {"size", "path"}
        In which order the paths of a folder stand.
    layer : int, optional
        Only this layer, 0 the base, in more detail.

    Returns
    -------
    Picture
        A bar of all stored bytes, layer by layer, hatched where nobody sees them; why; then the
        layers, the newest on top, each with its paths: "+" added, "≠" changed, "-" deleted,
        "=" stored again unchanged.

    Raises
    ------
    UnknownNameError
        There is no such layer.
    UsageError
        It can't be sorted so.
    """
    if sort not in ("size", "path"):
        raise UsageError(
            _("Files can't be sorted by {sort!r}.").format(sort=sort),
            _("Sort by 'size' or by 'path'."),
        )
    plan = plan_files(files, find, sort, layer)
    canvas = Canvas(title(files), description(plan))
    canvas.heading(title(files), headline(files))
    y = _bar(canvas, files, _TOP) if files.stored_bytes else _TOP
    if find:
        canvas.text(theme.MARGIN, y + 14, looked_for(plan), bold=True, width=theme.INNER)
        y += 30
    else:
        y = _stories(canvas, files, y)
    for one in reversed(plan.layers):
        y = _layer(canvas, plan, one, y)
    canvas.text(theme.MARGIN, y + 6, legend(plan), fill=theme.SOFT, columns=True)
    svg = canvas.finish(canvas.paragraphs(y + 32, meaning(plan)))
    return Picture.of(title(files), description(plan), svg, files_text(plan), files)


def _bar(canvas: Canvas, files: Files, y: float) -> float:
    """Draw all stored bytes as one bar: a part a layer, hatched where nobody sees them."""
    unseen = files.unseen_bytes
    scale = theme.INNER / files.stored_bytes
    x: float = theme.MARGIN
    for position, layer in enumerate(files.layers):
        if not layer.size:
            continue
        hint = f"{layer_line(files, layer, position)}: {size(layer.size)}"
        seen = (layer.size - unseen[position]) * scale
        paint = theme.layer_paint(position)
        if seen:
            canvas.rect(x, y, seen, _BAR, paint, radius=3, hint=hint)
        if unseen[position]:
            wide = max(unseen[position] * scale, 1.5)
            canvas.hatch(x + seen, y, wide, _BAR, theme.CHANGES["D"])
        x += layer.size * scale
    y += _BAR + 17
    seen_words = _("seen in a container: {size}").format(
        size=size(files.stored_bytes - files.waste_bytes)
    )
    canvas.rect(theme.MARGIN, y - 9, 11, 11, theme.LAYERS[0], radius=2)
    canvas.text(theme.MARGIN + 17, y, seen_words)
    if files.waste:
        left = theme.MARGIN + 17 + text_width(seen_words, 12) + 24
        canvas.hatch(left, y - 9, 11, 11, theme.CHANGES["D"])
        words = _("stored and sent, never seen: {size}").format(size=size(files.waste_bytes))
        canvas.text(left + 17, y, words, bold=True, fill=theme.CHANGES["D"])
    return y + 16


def _stories(canvas: Canvas, files: Files, y: float) -> float:
    told = stories(files)
    for story in told[:MOST_STORIES]:
        canvas.text(
            theme.MARGIN + 66, y + 14, size(story.bytes), bold=True, anchor="end",
            fill=theme.CHANGES["D"],
        )  # fmt: skip
        for line in wrap(story.why, theme.INNER - 80, 12, most=2):
            canvas.text(theme.MARGIN + 80, y + 14, line)
            y += 17
        y += 3
    if len(told) > MOST_STORIES:
        canvas.text(theme.MARGIN + 80, y + 14, more_causes(told), fill=theme.SOFT)
        y += 20
    return y + 6


def _layer(canvas: Canvas, plan: FilesPlan, one: LayerPlan, y: float) -> float:
    paint = theme.layer_paint(one.position)
    name = layer_line(plan.files, one.layer, one.position)
    amount = size(one.layer.size)
    room = theme.INNER - text_width(amount, 14, bold=True) - 44
    canvas.rect(theme.MARGIN, y, theme.INNER, _HEAD, paint)
    canvas.text(
        theme.MARGIN + 14, y + 20, name, size=13, mono=True, bold=True, fill=paint.ink, width=room
    )
    canvas.text(
        theme.MARGIN + 14, y + 37, layer_note(one.layer, one.position), size=11.5, fill=paint.ink,
        width=room,
    )  # fmt: skip
    canvas.text(
        theme.WIDTH - theme.MARGIN - 14, y + 28, amount, size=14, bold=True, fill=paint.ink,
        anchor="end",
    )  # fmt: skip
    y += _HEAD + 4
    most = max((_weight(row) for row in one.rows), default=0)
    for row in one.rows:
        _row(canvas, row, most, y)
        y += _ROW
    return y + 12


def _weight(row: Row) -> int:
    return 0 if row.more else row.node.bytes + row.node.gone


def _row(canvas: Canvas, row: Row, most: int, y: float) -> None:
    x = theme.MARGIN + 30 + _INDENT * row.depth
    right = theme.WIDTH - theme.MARGIN
    base = y + 14
    if row.more:
        canvas.text(x, base, more_names(row.more), fill=theme.SOFT)
        return
    mark = row.node.mark
    if mark != " ":
        canvas.text(theme.MARGIN + 14, base, mark, size=13, mono=True, bold=True, fill=_INKS[mark])
    note = row_note(row)
    note_width = min(text_width(note, 11.5), _NOTE) if note else 0
    canvas.text(
        x, base, row.label, mono=True, bold=bool(row.node.children), middle=True,
        width=right - _SIZE - _GAUGE - note_width - 24 - x,
    )  # fmt: skip
    if note:
        canvas.text(
            right - _SIZE - _GAUGE - 12, base, note, size=11.5, fill=theme.SOFT, anchor="end",
            width=_NOTE + 1,
        )  # fmt: skip
    if weight := _weight(row):
        wide = max(_GAUGE * weight / most, 1.5)
        if row.node.bytes:
            canvas.rect(right - _SIZE - _GAUGE, y + 4, wide, 11, theme.LAYERS[2], radius=2)
        else:
            canvas.hatch(right - _SIZE - _GAUGE, y + 4, wide, 11, theme.CHANGES["D"])
    canvas.text(right, base, row_size(row), bold=True, anchor="end")

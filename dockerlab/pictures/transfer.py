"""A pull or push as it went: a bar per layer, what moved and what was there already."""

import math
from collections.abc import Mapping, Sequence

from dockerlab.facts import MovedLayer, Outcome, Transfer
from dockerlab.language import _, ngettext
from dockerlab.pictures import theme
from dockerlab.pictures.measure import fit_cells
from dockerlab.pictures.picture import Picture
from dockerlab.pictures.svg import Canvas
from dockerlab.pictures.theme import Paint
from dockerlab.pictures.wording import sentence, short_digest, size

_TOP = 84
_ROW = 26
_LAYERS_SHOWN = 20
_ID = theme.MARGIN
_WORD = 136
_BAR = (330, 360)
_TEXT_BAR = 24

_MARKS: Mapping[Outcome, str] = {"exists": "=", "downloaded": "↓", "pushed": "↑", "mounted": "⇄"}


def draw_transfer(transfer: Transfer) -> Picture:
    """Draw what a pull or a push moved.

    Parameters
    ----------
    transfer : Transfer
        From `dockerlab.facts.pull_image` or `push_image`.

    Returns
    -------
    Picture
        A bar for each layer: solid where bytes moved, hatched where the other side had it. Below,
        the digest by which both sides know the image. Of more than 20 layers the rest is counted.
    """
    title = f"docker {transfer.direction} {transfer.name}"
    description = _("What {command} moved: {line}.").format(command=title, line=_headline(transfer))
    canvas = Canvas(title, description)
    canvas.heading(title, _headline(transfer))
    shown = _shown(transfer)
    largest = max((layer.size or 0 for layer in shown), default=0)
    y: float = _TOP
    for layer in shown:
        _layer(canvas, layer, y, largest)
        y += _ROW
    more = len(transfer.layers) - len(shown)
    if more:
        canvas.text(_ID, y + 14, _more(more), size=12, fill=theme.SOFT)
        y += _ROW
    y = _digest(canvas, transfer, y + 6)
    svg = canvas.finish(canvas.paragraphs(y + 26, _meaning(transfer)))
    return Picture.of(title, description, svg, _text(transfer, title), transfer)


def _layer(canvas: Canvas, layer: MovedLayer, y: float, largest: int) -> None:
    left, width = _BAR
    canvas.text(_ID, y + 14, layer.id, size=12, mono=True, width=_WORD - _ID - 10)
    moved = layer.outcome in ("downloaded", "pushed")
    ink = theme.NEW.edge if moved else theme.SOFT
    canvas.text(_WORD, y + 14, _MARKS[layer.outcome], size=13, bold=True, fill=ink)
    canvas.text(_WORD + 18, y + 14, _outcome(layer), size=12, width=left - _WORD - 26)
    if not moved:
        canvas.hatch(left, y + 3, width, 14, theme.LAYERS[3].edge)
        return
    share = math.sqrt(layer.size / largest) if layer.size and largest else 0.0
    canvas.rect(left, y + 3, width, 14, theme.CHIP, radius=3)
    paint = theme.LAYERS[1] if layer.size else Paint("none", theme.INK, theme.LAYERS[1].edge, True)
    canvas.rect(left, y + 3, max(4.0, width * share) if layer.size else width, 14, paint, radius=3)
    amount = size(layer.size) if layer.size else _("not told")
    canvas.text(
        theme.WIDTH - theme.MARGIN, y + 15, amount, size=12.5, bold=True, anchor="end"
    )  # fmt: skip


def _digest(canvas: Canvas, transfer: Transfer, y: float) -> float:
    if not transfer.digest:
        return y
    canvas.rect(theme.MARGIN, y, 320, 28, theme.TAG, radius=4)
    canvas.text(
        theme.MARGIN + 10, y + 18, transfer.name, size=12.5, mono=True, bold=True,
        fill=theme.TAG.ink, width=300,
    )  # fmt: skip
    canvas.path(f"M{theme.MARGIN + 320},{y + 14} h46", stroke=theme.PATH, width=1.6, arrow=True)
    canvas.rect(theme.MARGIN + 368, y, theme.INNER - 368, 28, theme.IMAGE)
    canvas.text(
        theme.MARGIN + 380, y + 18, f"sha256:{short_digest(transfer.digest)}…", size=12.5,
        mono=True, bold=True, fill=theme.IMAGE.ink,
    )  # fmt: skip
    canvas.text(
        theme.WIDTH - theme.MARGIN - 12, y + 18, _("manifest"), size=12, fill=theme.IMAGE.ink,
        anchor="end",
    )  # fmt: skip
    return y + 28


def _shown(transfer: Transfer) -> Sequence[MovedLayer]:
    return transfer.layers[:_LAYERS_SHOWN]


def _more(count: int) -> str:
    return ngettext("and {count} more layer", "and {count} more layers", count).format(count=count)


def _outcome(layer: MovedLayer) -> str:
    words: Mapping[Outcome, str] = {
        "exists": _("was there already"),
        "downloaded": _("downloaded"),
        "pushed": _("pushed"),
        "mounted": _("taken from {repository}").format(repository=layer.source),
    }
    return words[layer.outcome]


def _headline(transfer: Transfer) -> str:
    moved = [one for one in transfer.layers if one.outcome in ("downloaded", "pushed")]
    here = len(transfer.layers) - len(moved)
    total = sum(layer.size or 0 for layer in moved)
    count = len(moved)
    if not count:
        return _("no layer moved")
    return sentence(
        (
            ngettext("{count} layer moved", "{count} layers moved", count).format(count=count),
            size(total) if total else "",
            _not_moved(transfer, here) if here else "",
        )
    )


def _not_moved(transfer: Transfer, count: int) -> str:
    words = (
        ngettext("{count} not: the engine had it", "{count} not: the engine had them", count)
        if transfer.direction == "pull"
        else ngettext(
            "{count} not: the registry had it", "{count} not: the registry had them", count
        )
    )
    return words.format(count=count)


def _meaning(transfer: Transfer) -> list[str]:
    if transfer.unchanged:
        return [_("The engine has the image with this digest: nothing else had to be asked for.")]
    if transfer.direction == "pull":
        line = _("Only layers the engine lacks travel, compressed; their digests prove them whole.")
    else:
        line = _("Layers the registry has are not sent again; the manifest comes last.")
    lines = [line]
    if transfer.unpacked and any(one.size for one in transfer.layers):
        lines.append(_("These bytes are counted before compression; fewer travel."))
    untold = any(one.outcome in ("downloaded", "pushed") and not one.size
                 for one in transfer.layers)  # fmt: skip
    if untold:
        lines.append(_("Where no size is told, the layer moved faster than the engine reports."))
    return lines


def _text(transfer: Transfer, title: str) -> list[str]:
    lines = [f"{fit_cells(title, 90)} — {_headline(transfer)}"]
    largest = max((layer.size or 0 for layer in transfer.layers), default=0)
    for layer in _shown(transfer):
        moved = layer.outcome in ("downloaded", "pushed")
        share = math.sqrt(layer.size / largest) if layer.size and largest else 0.0
        bar = "█" * max(1, round(share * _TEXT_BAR)) if moved else "░" * _TEXT_BAR
        amount = size(layer.size) if layer.size else (_("not told") if moved else "")
        outcome = fit_cells(_outcome(layer), 40)
        lines.append(
            f"{fit_cells(layer.id, 12):<12} {_MARKS[layer.outcome]} {bar:<{_TEXT_BAR}} "
            + sentence((outcome, amount))
        )
    more = len(transfer.layers) - _LAYERS_SHOWN
    lines += [_more(more)] if more > 0 else []
    if transfer.digest:
        lines.append(f"{fit_cells(transfer.name, 60)} → sha256:{short_digest(transfer.digest)}…")
    return [*lines, *_meaning(transfer)]

"""Stored bytes that nobody sees: which, and why, in a sentence."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from dockerlab.facts.files import Entry, LayerFiles, Reason, Waste, shown_path
from dockerlab.facts.sizes import size_text
from dockerlab.language import _


class Hidden(NamedTuple):
    """How a name of a file went out of sight.

    Parameters
    ----------
    layer : int
        Position of the layer that hid it.
    reason : Reason
        How.
    path : str
        The name that went.
    cause : str
        The path at which the layer acted: `path`, or a folder above it.
    """

    layer: int
    reason: Reason
    path: str
    cause: str


def tell(lost: Iterable[tuple[Entry, Hidden]], layers: Sequence[LayerFiles]) -> tuple[Waste, ...]:
    """Explain each file that no path shows any more, the largest first."""
    waste = (
        Waste(
            entry.path, entry.stored, entry.layer, hidden.layer, hidden.reason,
            _why(entry, hidden, layers),
        )
        for entry, hidden in lost
    )  # fmt: skip
    return tuple(sorted(waste, key=lambda one: (-one.bytes, one.path, one.stored_by)))


def _why(entry: Entry, hidden: Hidden, layers: Sequence[LayerFiles]) -> str:
    return _sentence(entry, hidden, layers).format(
        path=shown_path(entry.path),
        size=size_text(entry.stored),
        first=made_by(layers[entry.layer], entry.layer),
        second=made_by(layers[hidden.layer], hidden.layer),
        folder=shown_path(hidden.cause or "/"),
        aspect={
            "mode": _("mode"), "owner": _("owner"), "attributes": _("extended attributes")
        }.get(hidden.reason, ""),
    )  # fmt: skip


def _sentence(entry: Entry, hidden: Hidden, layers: Sequence[LayerFiles]) -> str:
    if hidden.reason == "twice":
        return _("{path}, {size}, stored twice by {first}; what came first still travels")
    added = entry.path not in layers[entry.layer].changed
    return _AFTER[added][_way(hidden)]


def _way(hidden: Hidden) -> str:
    if hidden.reason in {"mode", "owner", "attributes"}:
        return "aspect"
    return "below" if hidden.reason == "deleted" and hidden.cause != hidden.path else hidden.reason


# Whole sentences, because another language may order their parts otherwise.
_AFTER = {
    True: {
        "deleted": _("{path}, {size}, added by {first}, deleted by {second}, still travels"),
        "below": _(
            "{path}, {size}, added by {first}, deleted with {folder} by {second}, still travels"
        ),
        "replaced": _("{path}, {size}, added by {first}, replaced by {second}, still travels"),
        "type": _(
            "{path}, {size}, added by {first}, replaced by what is no file by {second}, "
            "still travels"
        ),
        "aspect": _(
            "{path}, {size}, added by {first}, stored again by {second}, which changed only its "
            "{aspect}; what came first still travels"
        ),
        "repeated": _(
            "{path}, {size}, added by {first}, stored again unchanged by {second}; "
            "what came first still travels"
        ),
    },
    False: {
        "deleted": _("{path}, {size}, changed by {first}, deleted by {second}, still travels"),
        "below": _(
            "{path}, {size}, changed by {first}, deleted with {folder} by {second}, still travels"
        ),
        "replaced": _("{path}, {size}, changed by {first}, replaced by {second}, still travels"),
        "type": _(
            "{path}, {size}, changed by {first}, replaced by what is no file by {second}, "
            "still travels"
        ),
        "aspect": _(
            "{path}, {size}, changed by {first}, stored again by {second}, which changed only its "
            "{aspect}; what came first still travels"
        ),
        "repeated": _(
            "{path}, {size}, changed by {first}, stored again unchanged by {second}; "
            "what came first still travels"
        ),
    },
}


def made_by(layer: LayerFiles, position: int) -> str:
    """Name a layer by its step, counted from 1 as builders count; by its number without one."""
    if layer.step is None:
        return _("layer {number}").format(number=position)
    return _("step {number}").format(number=layer.step + 1)

"""Which layers and paths of an image are drawn, and in what order."""

from collections.abc import Iterable
from dataclasses import dataclass

from dockerlab.facts.files import Files, LayerFiles
from dockerlab.pictures.files_tree import Node, Row, Sort, fold, grow, layer_leaves, matching

_ROWS = 36  # of all layers together
_MOST_ROWS = 26  # of one
_FEWEST_ROWS = 3
_MOST_LAYERS = 9


@dataclass(frozen=True)
class LayerPlan:
    """A layer that is drawn.

    Parameters
    ----------
    layer : LayerFiles
        What it does.
    position : int
        0 is the base.
    root : Node
        The tree of its paths, those that were looked for.
    rows : tuple of Row
        The tree, folded to the room there is.
    """

    layer: LayerFiles
    position: int
    root: Node
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class FilesPlan:
    """What is drawn of an image's files.

    Parameters
    ----------
    files : Files
        All of them.
    find : str
        What was looked for, empty for everything.
    layers : tuple of LayerPlan
        Base first.
    left_out : int
        How many layers are not drawn.
    """

    files: Files
    find: str
    layers: tuple[LayerPlan, ...]
    left_out: int


def plan_files(files: Files, find: str, sort: Sort, layer: int | None) -> FilesPlan:
    """Choose what is drawn: the layers that do most, and of each the paths that weigh most."""
    wanted = list(range(len(files.layers))) if layer is None else [layer]
    trees = [(n, grow(matching(layer_leaves(files.layer(n)), find))) for n in wanted]
    if find:
        trees = [(n, root) for n, root in trees if root.children]
    drawn = _that_do_most(trees)
    # folders that only lead to what a layer does take rows too
    rooms = _rooms([2 * sum(root.marks.values()) for _n, root in drawn])
    return FilesPlan(
        files,
        find,
        tuple(
            LayerPlan(files.layers[n], n, root, tuple(fold(root, room, sort)))
            for (n, root), room in zip(drawn, rooms, strict=True)
        ),
        len(trees) - len(drawn),
    )


def _that_do_most(trees: list[tuple[int, Node]]) -> list[tuple[int, Node]]:
    kept = sorted(trees, key=lambda tree: tree[1].weight)[:_MOST_LAYERS]
    return sorted(kept, key=lambda tree: tree[0])


def _rooms(counts: Iterable[int]) -> list[int]:
    """Share the rows out: what a layer with few paths doesn't need is left to the others."""
    wanted = list(counts)
    rooms = [0] * len(wanted)
    left, open_ = _ROWS, sorted(range(len(wanted)), key=lambda n: wanted[n])
    for done, n in enumerate(open_):
        fair = max(_FEWEST_ROWS, left // (len(open_) - done))
        rooms[n] = min(fair, _MOST_ROWS, max(wanted[n], 1))
        left -= rooms[n]
    return rooms

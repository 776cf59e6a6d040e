"""The paths of a layer, or of a whole image, as a tree that folds to the rows there is room for."""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal, NamedTuple

from dockerlab.facts.files import Aspect, Entry, Files, LayerFiles, shown_path

Mark = Literal["+", "≠", "-", "=", " "]
"""What a layer does to a path: adds, changes, deletes, stores again unchanged; " " is nothing."""

Sort = Literal["size", "path"]

_FEW = 6  # names that a folder may show however little room there is
_WEIGHTLESS = 3  # names without a byte beside those with some

MARKS: tuple[Mark, ...] = ("+", "≠", "-", "=")


class Leaf(NamedTuple):
    """A path and what a layer does to it.

    Parameters
    ----------
    mark : Mark
        What.
    entry : Entry
        As it is after the layer; of what is deleted, as it was before.
    before : Entry or None
        Of what is changed: as it was before.
    aspects : tuple of Aspect
        Of what is changed: in which ways.
    """

    mark: Mark
    entry: Entry
    before: Entry | None = None
    aspects: tuple[Aspect, ...] = ()

    @property
    def bytes(self) -> int:
        """What of it travels with this layer; a further name of a file adds nothing."""
        return 0 if self.mark == "-" or self.entry.link else self.entry.stored

    @property
    def gone(self) -> int:
        """What it hides of the layers below."""
        return self.entry.stored if self.mark == "-" and not self.entry.link else 0


@dataclass(slots=True)
class Node:
    """A name in the tree, with the sums of all below it.

    Parameters
    ----------
    path, name : str
        Whole, and its last part; empty for the root.
    leaf : Leaf or None
        What happened to this very path; None where it only leads to others.
    bytes, gone : int
        Bytes that the layer stores here and below, and that it hides.
    files : int
        Paths here and below that are no folders.
    marks : dict of Mark to int
        How many paths of each kind, here and below.
    """

    path: str = ""
    name: str = ""
    leaf: Leaf | None = None
    children: dict[str, "Node"] = field(default_factory=dict)
    bytes: int = 0
    gone: int = 0
    files: int = 0
    marks: dict[Mark, int] = field(default_factory=dict)

    @property
    def mark(self) -> Mark:
        """The one mark of all here and below; " " where they differ."""
        return next(iter(self.marks)) if len(self.marks) == 1 else " "

    @property
    def weight(self) -> tuple[int, int, str]:
        """How much it is about, the heaviest first when sorted."""
        return (-self.bytes - self.gone, -sum(self.marks.values()), self.path)

    @property
    def heavy(self) -> bool:
        """Whether it is about any bytes at all."""
        return self.bytes + self.gone > 0

    def sorted(self, order: Sort) -> list["Node"]:
        """Return what is in this folder, in order."""
        nodes = self.children.values()
        if order == "path":
            return sorted(nodes, key=lambda node: node.path)
        return sorted(nodes, key=lambda node: node.weight)


class Row(NamedTuple):
    """A line of a folded tree.

    Parameters
    ----------
    depth : int
        How far it is indented.
    label : str
        Its name; of a folder with but one thing in it, both.
    node : Node
        The last one it names.
    opened : bool
        Whether rows for what is in it follow.
    more : int
        Where it isn't 0, the row stands for so many names in the folder `node` that have none.
    """

    depth: int
    label: str
    node: Node
    opened: bool = False
    more: int = 0


def layer_leaves(layer: LayerFiles) -> Iterator[Leaf]:
    """Yield all that a layer does to files."""
    for entry in layer.added.values():
        yield Leaf("+", entry)
    for change in layer.changed.values():
        yield Leaf("≠", change.after, change.before, change.aspects)
    for entry in layer.repeated.values():
        yield Leaf("=", entry)
    for entry in layer.deleted.values():
        yield Leaf("-", entry)


def visible_leaves(files: Files) -> Iterator[Leaf]:
    """Yield all that a container of the image sees."""
    for entry in files.visible.values():
        yield Leaf(" ", entry)


def matching(leaves: Iterable[Leaf], find: str) -> Iterator[Leaf]:
    """Keep the paths that match: a pattern such as ``*.conf``, or else a part of the path."""
    if not find:
        yield from leaves
        return
    wanted = find.lower()
    pattern = any(character in wanted for character in "*?[")
    for leaf in leaves:
        path = leaf.entry.path.lower()
        if pattern:
            if fnmatchcase(path, wanted) or fnmatchcase(path.rpartition("/")[2], wanted):
                yield leaf
        elif wanted in path or wanted in shown_path(path):
            yield leaf


def grow(leaves: Iterable[Leaf]) -> Node:
    """Make the tree of these paths, with all sums."""
    root = Node()
    known = {"": root}
    for leaf in leaves:
        node = _place(known, leaf.entry.path)
        node.leaf = leaf
        node.bytes += leaf.bytes
        node.gone += leaf.gone
        node.files += leaf.entry.kind != "directory"
        node.marks[leaf.mark] = node.marks.get(leaf.mark, 0) + 1
    for path in sorted(known, key=len, reverse=True):  # a folder after all that is in it
        if path:
            _add(known[path.rpartition("/")[0]], known[path])
    return root


def _place(known: dict[str, Node], path: str) -> Node:
    node = known.get(path)
    if node is not None:
        return node
    parent, _slash, name = path.rpartition("/")
    node = known[path] = Node(path, name)
    missing = [node]
    while (above := known.get(parent)) is None:
        above = known[parent] = Node(parent, parent.rpartition("/")[2])
        missing.append(above)
        parent = parent.rpartition("/")[0]
    for child in reversed(missing):
        above.children[child.name] = child
        above = child
    return node


def _add(folder: Node, child: Node) -> None:
    folder.bytes += child.bytes
    folder.gone += child.gone
    folder.files += child.files
    for mark, count in child.marks.items():
        folder.marks[mark] = folder.marks.get(mark, 0) + count


def fold(root: Node, room: int, order: Sort = "size") -> list[Row]:
    """Return at most `room` rows: the heaviest folders are opened first, as far as they fit."""
    most = max(min(room, _FEW), room // 2)  # of one folder: a large one doesn't take all
    opened: dict[str, Node] = {}
    left = room - _rows_of(root, most, order)
    waiting = [(node.weight, node) for node in _shown(root, most, order)]
    heapq.heapify(waiting)
    while waiting:
        _weight, node = heapq.heappop(waiting)
        inner = chain_end(node)
        needed = _rows_of(inner, most, order)
        if not needed or needed > left or (root.heavy and not node.heavy):
            continue
        left -= needed
        opened[node.path] = inner
        for child in _shown(inner, most, order):
            heapq.heappush(waiting, (child.weight, child))
    return list(_rows(root, 0, opened, most, order))


def _shown(folder: Node, most: int, order: Sort) -> list[Node]:
    nodes = folder.sorted(order)
    if order == "size" and folder.heavy:  # of what weighs nothing a few stand for all
        weighing = sum(node.heavy for node in nodes)
        most = min(most, weighing + _WEIGHTLESS)
    return nodes if len(nodes) <= most else nodes[: most - 1]


def _rows_of(folder: Node, most: int, order: Sort) -> int:
    shown = len(_shown(folder, most, order))
    return shown + (shown < len(folder.children))


def chain_end(node: Node) -> Node:
    """Follow a folder with but one thing in it to where that leads."""
    while len(node.children) == 1:
        (node,) = node.children.values()
    return node


def chain_label(node: Node) -> str:
    """Return the names from a folder to the end of its chain, and a slash after folders."""
    end = chain_end(node)
    folder = end.children or (end.leaf and end.leaf.entry.kind == "directory")
    above = node.path.rpartition("/")[0]
    return shown_path(end.path[len(above) + 1 :]) + ("/" if folder else "")


def _rows(
    folder: Node, depth: int, opened: dict[str, Node], most: int, order: Sort
) -> Iterator[Row]:
    shown = _shown(folder, most, order)
    for node in shown:
        inner = opened.get(node.path)
        label = chain_label(node) if depth else "/" + chain_label(node)
        yield Row(depth, label, chain_end(node), inner is not None)
        if inner is not None:
            yield from _rows(inner, depth + 1, opened, most, order)
    more = len(folder.children) - len(shown)
    if more:
        yield Row(depth, "", folder, more=more)

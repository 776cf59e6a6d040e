"""The files of an image to walk through: layers, a tree that opens, a filter, a file's content."""

from collections.abc import Callable, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from dockerlab.errors import LabError
from dockerlab.facts import plain
from dockerlab.facts.files import Content, Files
from dockerlab.language import _, ngettext
from dockerlab.pictures import theme
from dockerlab.pictures.content import content_headline, content_lines, content_rest
from dockerlab.pictures.files_tree import (
    Leaf,
    Node,
    Row,
    Sort,
    chain_label,
    fold,
    grow,
    layer_leaves,
    matching,
    visible_leaves,
)
from dockerlab.pictures.files_words import (
    counts,
    headline,
    layer_line,
    mode_text,
    row_note,
    row_size,
    stories,
)
from dockerlab.pictures.wording import size

_HERE = Path(__file__).parent
_PAGE = 200  # names of a folder sent at once
_OPENED = 22  # rows that are opened for a start
_FOUND = 120  # rows that a filter opens
_KEPT = 12  # trees
_CONTENT = 64_000  # bytes
_LINES = 2_000
_CAUSES = 500

Reader = Callable[[str, int | None, int], Content]
"""Reads a file's content: its path, the layer (None for what a container sees), most bytes."""


class FilesExplorer(anywidget.AnyWidget):
    """An image's files as a widget: the layers beside a tree, for mouse and keyboard.

    Names never reach the page but as text, and paths not at all: the page knows the things in a
    tree by number.

    Parameters
    ----------
    files : Files
        From `dockerlab.facts.read_files`.
    read : Reader
        Called when a file is opened.
    """

    _esm = _HERE / "files.js"
    _css = _HERE / "files.css"
    head: "traitlets.Dict[str, Any]" = traitlets.Dict().tag(sync=True)
    first: "traitlets.List[Any]" = traitlets.List().tag(sync=True)

    def __init__(self, files: Files, read: Reader) -> None:
        self._files = files
        self._read = read
        self._trees: dict[tuple[str, int, str], Tree] = {}
        top = self._tree("layer", len(files.layers) - 1, "")
        super().__init__(head=_head(files), first=top.unfolded("size", _OPENED))
        self.on_msg(self._heard)

    def _heard(self, _widget: object, message: Mapping[str, Any], _buffers: object) -> None:
        try:
            answer = self.answer(message)
        except LabError as error:
            answer = {"said": plain(error)}
        except (KeyError, TypeError, ValueError, IndexError):
            answer = {"said": _("The page asked for what is not there. Run the cell again.")}
        self.send({**answer, "id": message.get("id")})

    def answer(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """Answer the page.

        Parameters
        ----------
        message : mapping
            ``view`` ("layer", "all" or "waste"), ``layer``, ``find`` and ``sort`` choose a tree;
            ``key`` a thing in it. ``ask`` is "tree" for its top, "open" for what is in a folder
            from the ``start``-th on, "read" for a file's content.

        Returns
        -------
        dict
            ``rows`` and what is ``left``; or ``lines``, ``headline`` and ``rest`` of a content.
        """
        if message["view"] == "waste":
            return {"rows": _waste_rows(self._files)}
        order: Sort = "path" if message.get("sort") == "path" else "size"
        tree = self._tree(str(message["view"]), int(message["layer"]), str(message["find"])[:200])
        if message["ask"] == "read":
            return self._content(tree.nodes[int(message["key"])], message)
        if message["ask"] == "open":
            key, start = int(message["key"]), int(message.get("start", 0))
            return {"rows": tree.children(key, order, start), "left": tree.left(key, start)}
        if message["find"]:
            return {"rows": tree.unfolded(order, _FOUND), "said": tree.found()}
        return {"rows": tree.unfolded(order, _OPENED)}

    def _tree(self, view: str, layer: int, find: str) -> "Tree":
        key = (view, 0 if view == "all" else layer, find)
        if key not in self._trees:
            while len(self._trees) >= _KEPT:
                del self._trees[next(iter(self._trees))]
            layers = self._files.layers[layer : layer + 1]
            leaves = (
                visible_leaves(self._files)
                if view == "all"
                else chain.from_iterable(map(layer_leaves, layers))
            )
            self._trees[key] = Tree(grow(matching(leaves, find)))
        return self._trees[key]

    def _content(self, node: Node, message: Mapping[str, Any]) -> dict[str, Any]:
        gone = node.leaf is not None and node.leaf.mark == "-"
        layer: int | None = int(message["layer"]) if message["view"] == "layer" else None
        if gone and node.leaf is not None:
            layer = node.leaf.entry.layer
        content = self._read(node.path, layer, _CONTENT)
        lines = content_lines(content, _LINES)
        return {
            "lines": [list(line) for line in lines],
            "headline": plain(content_headline(content, self._files.name)),
            "rest": content_rest(content, lines),
        }


class Tree:
    """A tree whose things have numbers, in the order in which the page got to see them.

    Parameters
    ----------
    root : Node
        Number 0.
    """

    def __init__(self, root: Node) -> None:
        self.nodes = [root]
        self._keys = {root.path: 0}
        self._sorted: dict[tuple[int, Sort], list[Node]] = {}  # the folder asked for last

    def children(self, key: int, order: Sort, start: int = 0) -> list[dict[str, Any]]:
        """Return what is in a folder, a page of it."""
        if (key, order) not in self._sorted:
            self._sorted = {(key, order): self.nodes[key].sorted(order)}
        nodes = self._sorted[key, order]
        most = max((node.bytes + node.gone for node in nodes), default=0)
        return [self._row(node, most) for node in nodes[start : start + _PAGE]]

    def left(self, key: int, start: int) -> int:
        """Return how many more are in it."""
        return max(len(self.nodes[key].children) - start - _PAGE, 0)

    def unfolded(self, order: Sort, room: int) -> list[dict[str, Any]]:
        """Return the tree with its heaviest folders open, as far as there is room."""
        rows = fold(self.nodes[0], room, order)
        most = max((row.node.bytes + row.node.gone for row in rows if not row.more), default=0)
        return [self._unfolded(row, most) for row in rows]

    def found(self) -> str:
        """Say how many paths there are."""
        count = sum(self.nodes[0].marks.values())
        return ngettext("{count} path", "{count} paths", count).format(count=f"{count:,}")

    def _unfolded(self, row: Row, most: int) -> dict[str, Any]:
        if row.more:
            start = len(row.node.children) - row.more
            return {"depth": row.depth, "key": self._key(row.node), "start": start,
                    "left": row.more}  # fmt: skip
        return {
            **self._row(row.node, most),
            "depth": row.depth,
            "label": plain(row.label),
            "open": row.opened,
        }

    def _key(self, node: Node) -> int:
        key = self._keys.setdefault(node.path, len(self.nodes))
        if key == len(self.nodes):
            self.nodes.append(node)
        return key

    def _row(self, node: Node, most: int) -> dict[str, Any]:
        row = Row(0, "", node)
        weight = node.bytes + node.gone
        return {
            "key": self._key(node),
            "label": plain(_own_label(node)),
            "mark": node.mark.strip(),
            "note": plain(row_note(row) or _where(node.leaf)),
            "size": row_size(row),
            "share": weight / most if most else 0,
            "gone": bool(node.gone and not node.bytes),
            "folder": bool(node.children),
            "mode": mode_text(node.leaf.entry) if node.leaf else "",
            "readable": node.leaf is not None and node.leaf.entry.kind == "file",
        }


def _own_label(node: Node) -> str:
    alone = Node(node.path, node.name, node.leaf)
    return chain_label(alone) + ("/" if node.children and not _is_folder(node.leaf) else "")


def _is_folder(leaf: Leaf | None) -> bool:
    return leaf is not None and leaf.entry.kind == "directory"


def _where(leaf: Leaf | None) -> str:
    """Say which layer a path is from, where the tree is that of all."""
    if leaf is None or leaf.mark != " ":
        return ""
    return _("layer {number}").format(number=leaf.entry.layer)


def _waste_rows(files: Files) -> list[dict[str, Any]]:
    told = stories(files)
    most = told[0].bytes if told else 0
    return [
        {"label": plain(story.why), "size": size(story.bytes), "share": story.bytes / most,
         "gone": True, "depth": 0, "story": True}
        for story in told[:_CAUSES]
    ]  # fmt: skip


def _head(files: Files) -> dict[str, Any]:
    unseen = files.unseen_bytes
    most = max((layer.size for layer in files.layers), default=0) or 1
    return {
        "title": plain(files.name),
        "headline": plain(headline(files)),
        "waste": size(files.waste_bytes) if files.waste else "",
        "layers": [
            {
                "line": plain(layer_line(files, layer, position)),
                "note": plain(counts(layer)),
                "size": size(layer.size),
                "share": layer.size / most,
                "unseen": unseen[position] / layer.size if layer.size else 0,
                "paint": theme.layer_paint(position).fill,
            }
            for position, layer in enumerate(files.layers)
        ],
        "words": _words(files),
    }


def _words(files: Files) -> dict[str, str]:
    return {
        "layers": _("Layers, the newest on top"),
        "layer": _("This layer"),
        "all": _("All visible"),
        "waste": _("Never seen: {size}").format(size=size(files.waste_bytes)),
        "filter": _("Filter, as in *.conf"),
        "size": _("largest first"),
        "path": _("by name"),
        "empty": _("Nothing here."),
        "more": _("show more"),
        "reading": _("Reading …"),
        "busy": _("The kernel doesn't answer yet. If it was restarted, run the cell again."),
        "close": _("Close"),
        "content": _("The file is empty."),
        "keys": _("↑ ↓ move · → ← open and close · Enter reads a file · / filters · L layers"),
    }

"""Layers laid over one another: what each does, what is to be seen, what is not and why.

As the OCI image specification has it: a layer's whiteouts take away from the layers below only,
before its own entries are laid on top, wherever in the archive they stand.
"""

from collections.abc import Sequence
from types import MappingProxyType

from dockerlab.facts.archive.fault import ArchiveError
from dockerlab.facts.archive.layer import ENTRY_COST, MEMORY, LayerTable
from dockerlab.facts.archive.waste import Hidden, tell
from dockerlab.facts.collector import paused
from dockerlab.facts.files import Aspect, Change, Entry, Files, LayerFiles, Reason
from dockerlab.facts.values import Step
from dockerlab.language import _

_MOST_FILES = MEMORY // ENTRY_COST
_LAYER = 10  # a layer takes as much time as so many files


def merge(
    name: str,
    platform: str,
    steps: tuple[Step, ...],
    tables: Sequence[LayerTable],
    made_by: Sequence[int | None],
) -> Files:
    """Lay the layers over one another, base first.

    Parameters
    ----------
    name, platform : str
        Of the image.
    steps : tuple of Step
        Its history, oldest first.
    tables : sequence of LayerTable
        Its layers.
    made_by : sequence of int or None
        For each of them, the position of its step.

    Raises
    ------
    ArchiveError
        There are more files than `refuse_too_many` lets pass.
    """
    refuse_too_many(name, tables)
    pile = _Pile()
    with paused():
        layers = tuple(
            pile.lay(table, position, step)
            for position, (table, step) in enumerate(zip(tables, made_by, strict=True))
        )
        waste = tell(pile.lost(), layers)
    return Files(name, platform, steps, layers, MappingProxyType(pile.visible), waste)


def refuse_too_many(name: str, tables: Sequence[LayerTable]) -> None:
    """Refuse an image that can only be meant to do harm: one that lists a layer without end.

    Raises
    ------
    ArchiveError
        Its layers have more files together than an archive may have.
    """
    if sum(len(table.entries) + _LAYER for table in tables) > _MOST_FILES:
        raise ArchiveError(
            _("{image} lists more files than can be looked at.").format(image=name),
            _("It is damaged, or made to fill a machine; leave it alone."),
        )


class _Pile:
    """The merged file system while it grows."""

    def __init__(self) -> None:
        self.visible: dict[str, Entry] = {}
        self._children: dict[str, dict[str, None]] = {"": {}}  # of every visible folder
        self._stored: dict[tuple[int, int], Entry] = {}
        self._hidden: dict[tuple[int, int], Hidden] = {}
        # of the layer that is being laid on top:
        self._layer = 0
        self._gone: dict[str, Entry] = {}  # what was there before it
        self._touched: dict[str, None] = {}

    def lay(self, table: LayerTable, position: int, step: int | None) -> LayerFiles:
        """Put a layer on top and say what it did."""
        self._layer, self._gone, self._touched = position, {}, {}
        for folder in table.opaque:
            for path in tuple(self._children.get(folder, ())):
                self._remove(path, "deleted", folder)
        dangling = []
        for path in table.whiteouts:
            if path in self.visible:
                self._remove(path, "deleted", path)
            elif path not in self._gone:
                dangling.append(path)
        size = 0
        for bare in table.entries:
            entry = Entry(*bare[:-1], position)
            if entry.kind == "link":
                entry = self._linked_below(entry)
            elif entry.stored and not entry.link:
                self._stored[position, entry.inode] = entry
                size += entry.stored
            self._put(entry)
        return self._told(table.diff_id, step, size, tuple(dangling))

    def lost(self) -> list[tuple[Entry, Hidden]]:
        """Return the stored files that no path shows any more, and how they went."""
        if not self._hidden:
            return []
        seen = {(entry.layer, entry.inode) for entry in self.visible.values()}
        return [
            (self._stored[key], hidden) for key, hidden in self._hidden.items() if key not in seen
        ]

    def _put(self, entry: Entry) -> None:
        path = entry.path
        siblings = self._children.get(path.rpartition("/")[0])
        if siblings is None:
            siblings = self._make_folder(path.rpartition("/")[0])
        old = self.visible.get(path)
        if old is not None:
            self._cover(old, entry)
        elif (gone := self._gone.get(path)) is not None:
            self._hide(gone, _reason(gone, entry), path)
        if entry.kind == "directory":
            self._children.setdefault(path, {})
        siblings[path] = None
        self.visible[path] = entry
        self._touched[path] = None

    def _cover(self, old: Entry, new: Entry) -> None:
        path = new.path
        if old.layer < self._layer:
            self._gone.setdefault(path, old)
            reason = _reason(old, new)
        else:
            reason = "twice"
        if old.kind != "directory":
            self._hide(old, reason, path)
        elif new.kind != "directory":
            for child in self._children.pop(path):
                self._remove(child, "deleted", path)

    def _remove(self, path: str, reason: Reason, cause: str) -> None:
        self._children.get(path.rpartition("/")[0], {}).pop(path, None)
        waiting = [path]
        while waiting:
            path = waiting.pop()
            entry = self.visible.pop(path)
            waiting.extend(self._children.pop(path, ()))
            if entry.layer < self._layer:
                self._gone.setdefault(path, entry)
            self._hide(entry, reason, cause)

    def _hide(self, entry: Entry, reason: Reason, cause: str) -> None:
        if entry.stored:
            hidden = Hidden(self._layer, reason, entry.path, cause)
            self._hidden[entry.layer, entry.inode] = hidden

    def _make_folder(self, path: str) -> dict[str, None]:
        # An archive needn't list the folders its files are in; engines make them so. They take
        # the place of a file or a symbolic link that the layers below have there.
        missing = []
        while path not in self._children:
            missing.append(path)
            path = path.rpartition("/")[0]
        for folder in reversed(missing):
            self._put(Entry(folder, "directory", 0, 0, 0o755, 0, 0, layer=self._layer))
        return self._children[missing[0]]

    def _linked_below(self, link: Entry) -> Entry:
        original = self.visible.get(link.link) or self._gone.get(link.link)
        if original is None or original.kind == "directory":
            return link
        return original._replace(path=link.path, link=original.link or original.path)

    def _told(
        self, diff_id: str, step: int | None, size: int, dangling: tuple[str, ...]
    ) -> LayerFiles:
        added: dict[str, Entry] = {}
        changed: dict[str, Change] = {}
        repeated: dict[str, Entry] = {}
        for path in self._touched:
            after = self.visible.get(path)
            before = self._gone.get(path)
            if after is None:
                continue
            if before is None:
                added[path] = after
            elif aspects := _aspects(before, after):
                changed[path] = Change(before, after, aspects)
            elif after.kind != "directory":
                repeated[path] = after
        deleted = {path: entry for path, entry in self._gone.items() if path not in self.visible}
        return LayerFiles(
            diff_id, step, size, MappingProxyType(added), MappingProxyType(changed),
            MappingProxyType(deleted), MappingProxyType(repeated), dangling,
        )  # fmt: skip


def _aspects(before: Entry, after: Entry) -> tuple[Aspect, ...]:
    if before.kind != after.kind:
        return ("type",)
    found: list[Aspect] = []
    if _content(before) != _content(after):
        found.append("content")
    if before.mode != after.mode and after.kind != "symlink":  # a link's mode means nothing
        found.append("mode")
    if (before.uid, before.gid) != (after.uid, after.gid):
        found.append("owner")
    if before.attributes != after.attributes:
        found.append("attributes")
    return tuple(found)


def _content(entry: Entry) -> tuple[object, ...]:
    if entry.kind == "directory":
        return ()
    return entry.size, entry.digest, entry.target, entry.device


def _reason(before: Entry, after: Entry) -> Reason:
    aspects = _aspects(before, after)
    if not aspects:
        return "repeated"
    return "replaced" if aspects[0] == "content" else aspects[0]

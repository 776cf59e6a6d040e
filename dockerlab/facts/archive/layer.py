"""One layer's archive as a table: what it stores, and what it takes away from below."""

from collections.abc import Iterable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from hashlib import sha256

from dockerlab.facts.archive.fault import ArchiveError
from dockerlab.facts.archive.headers import Member, read_members
from dockerlab.facts.archive.sparse import expand
from dockerlab.facts.archive.tape import Chunk, Tape
from dockerlab.facts.files import Entry, Kind
from dockerlab.language import _

_WHITEOUT = ".wh."
_WHITEOUT_META = ".wh..wh."
_OPAQUE = ".wh..wh..opq"
_KINDS: dict[str, Kind] = {
    "0": "file", "1": "link", "2": "symlink", "3": "character", "4": "block",
    "5": "directory", "6": "pipe",
}  # fmt: skip
_MOST_LINKS = 40  # that lead to one path, as in the kernel
_HOLES = 1 << 28  # bytes of holes of a layer's sparse files that are read as the zeros they are
DIGEST_SIZE = 16
ENTRY_COST = 500
"""Bytes of memory for an entry besides its names, measured."""
MEMORY = 1 << 30
"""Bytes that the tables of one archive may take: those of a million files and more."""


@dataclass(frozen=True)
class LayerTable:
    """What the archive of one layer says, whichever image it is part of.

    Parameters
    ----------
    diff_id : str
        Digest of the layer's uncompressed archive.
    entries : tuple of Entry
        In the archive's order; a path that is stored twice is there twice.
    whiteouts : tuple of str
        Paths that the layer deletes from the layers below.
    opaque : tuple of str
        Folders of which it hides all that the layers below have in them.
    """

    diff_id: str
    entries: tuple[Entry, ...]
    whiteouts: tuple[str, ...] = ()
    opaque: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of file contents it stores, a file with several hard links once."""
        return sum(entry.stored for entry in self.entries if not entry.link)


class Allowance:
    """How much memory the tables of one archive may take, shared by all its layers."""

    def __init__(self, size: int) -> None:
        self._left = size

    def spend(self, size: int) -> None:
        """Take `size` bytes off.

        Raises
        ------
        ArchiveError
            Nothing is left.
        """
        self._left -= size
        if self._left < 0:
            raise ArchiveError(
                _("The archive holds more files than can be looked at."),
                _("Look at one of its images alone: docker save -o FILE IMAGE"),
            )


@dataclass
class Capture:
    """The content of one file of one layer, kept while the layer is read.

    Until the layer's digest is known, any layer may be the one; so each begins anew.

    Parameters
    ----------
    diff_id : str
        The layer.
    inode : int
        The entry that stores it.
    limit : int
        Bytes to keep at most.
    """

    diff_id: str
    inode: int
    limit: int
    content: bytearray = field(default_factory=bytearray)


class RunningDigest:
    """SHA-256 of a stream, taken on another core while the stream is read on.

    Parameters
    ----------
    executor : Executor
        Where it is taken.
    known : str, optional
        What it is for certain; then none is taken.
    """

    _AHEAD = 2

    def __init__(self, executor: Executor, known: str | None = None) -> None:
        self._executor = executor
        self._known = known
        self._hash = sha256()
        self._waiting: list[Future[None]] = []

    def passing(self, chunks: Iterable[Chunk]) -> Iterable[Chunk]:
        """Yield the chunks, taking their digest."""
        if self._known:
            yield from chunks
            return
        for chunk in chunks:
            if len(self._waiting) == self._AHEAD:
                self._waiting.pop(0).result()
            self._waiting.append(self._executor.submit(self._hash.update, chunk))
            yield chunk

    def result(self) -> str:
        """Return the digest of all that passed."""
        if self._known:
            return self._known
        for future in self._waiting:
            future.result()
        return f"sha256:{self._hash.hexdigest()}"


def read_layer(
    chunks: Iterable[Chunk], digest: RunningDigest, allowance: Allowance, capture: Capture | None
) -> LayerTable:
    """Read a layer's uncompressed archive, and its digest on the way.

    Raises
    ------
    ArchiveError
        It is damaged, lies, or is larger than the allowance.
    """
    tape = Tape(digest.passing(chunks))
    builder = _Builder(allowance)
    if capture:
        capture.content.clear()
    for member in read_members(tape):
        content = b""
        if member.type == "0" and (member.stored or member.sparse):
            kept = capture if capture and capture.inode == builder.inode else None
            content = _digest(tape, member, builder, kept)
        builder.add(member, content)
    tape.drain()
    return LayerTable(
        digest.result(), tuple(builder.entries), tuple(builder.whiteouts), tuple(builder.opaque)
    )


def _digest(tape: Tape, member: Member, builder: "_Builder", capture: Capture | None) -> bytes:
    if not capture and not member.sparse and (whole := tape.piece(member.stored)) is not None:
        return sha256(whole).digest()[:DIGEST_SIZE]
    pieces: Iterable[memoryview] = tape.pieces(member.stored)
    hashed = sha256()
    if member.sparse:
        builder.holes += member.sparse.holes
        if builder.holes <= _HOLES or capture:
            pieces = expand(member.sparse, pieces)
        else:
            hashed.update(repr(member.sparse).encode())
    if not capture:
        for piece in pieces:
            hashed.update(piece)
        return hashed.digest()[:DIGEST_SIZE]
    for piece in pieces:
        capture.content += piece[: capture.limit - len(capture.content)]
        if len(capture.content) == capture.limit:
            break
    return b""


class _Builder:
    """Turns members into entries, one after the other, as an engine would unpack them."""

    def __init__(self, allowance: Allowance) -> None:
        self.entries: list[Entry] = []
        self.whiteouts: list[str] = []
        self.opaque: list[str] = []
        self.holes = 0
        self._allowance = allowance
        self._by_path: dict[str, Entry] = {}
        self._folders = {"": ""}  # a folder as it is named → where it is, links followed

    @property
    def inode(self) -> int:
        """The number the next entry gets."""
        return len(self.entries)

    def add(self, member: Member, digest: bytes) -> None:
        """Take a member in; `digest` is that of its content."""
        kind = _KINDS.get(member.type)
        path = self._place(member.name)
        if kind is None or not path:
            return
        self._allowance.spend(ENTRY_COST + 2 * len(path) + len(member.target))
        if _WHITEOUT in path and self._is_mark(path):
            return
        if kind == "link":
            entry = self._linked(path, member)
        else:
            entry = Entry(
                path, kind, member.sparse.size if member.sparse else member.stored, member.stored,
                member.mode, member.uid, member.gid, member.target, member.device, digest,
                member.attributes, self.inode,
            )  # fmt: skip
        if kind == "symlink" and path in self._folders:
            self._folders = {"": ""}  # the ways through what was a folder lead elsewhere now
        self._by_path[path] = entry
        self.entries.append(entry)

    def _is_mark(self, path: str) -> bool:
        """Tell whether a path is no file but says what becomes of those below, and note it."""
        parent, _slash, base = path.rpartition("/")
        if _WHITEOUT_META in path:
            if base == _OPAQUE:
                self.opaque.append(parent)
            return True
        if not base.startswith(_WHITEOUT):
            return False
        name = base.removeprefix(_WHITEOUT)
        if name not in {"", ".", ".."}:  # no name of a file: there is nothing it could mean
            self.whiteouts.append(f"{parent}/{name}")
        return True

    def _linked(self, path: str, member: Member) -> Entry:
        # What it points at stands before it, if it is in this layer at all.
        target = self._place(member.target)
        original = self._by_path.get(target)
        if original is not None and original.kind != "directory":
            return original._replace(path=path, link=original.link or original.path)
        return Entry(
            path, "link", 0, 0, member.mode, member.uid, member.gid, inode=self.inode, link=target
        )

    def _place(self, name: str) -> str:
        """Return the absolute path a name means, empty for the root folder itself."""
        path = _clean(name)
        parent, _slash, base = path.rpartition("/")
        known = self._folders.get(parent)
        if known is None:
            known = self._folder(parent, 0)
        return f"{known}/{base}" if base else ""

    def _folder(self, named: str, followed: int) -> str:
        if followed > _MOST_LINKS:
            raise ArchiveError(_("Symbolic links of the archive lead round in a circle."))
        missing: list[str] = []
        at = named
        while (where := self._folders.get(at)) is None:
            self._allowance.spend(ENTRY_COST + 2 * len(at))
            at, _slash, base = at.rpartition("/")
            missing.append(base)
        while missing:
            base = missing.pop()
            at, where = f"{at}/{base}", f"{where}/{base}"
            self._allowance.spend(len(where))
            link = self._by_path.get(where)
            if link is not None and link.kind == "symlink":
                origin = "" if link.target.startswith("/") else where.rpartition("/")[0]
                where = self._folder(_clean(f"{origin}/{link.target}"), followed + 1)
            self._folders[at] = where
        return where


def _clean(name: str) -> str:
    """Return a name as an absolute path, empty for the root.

    As engines do it: a name that climbs above the root stays in it.
    """
    if not (name.startswith(("/", ".")) or "/." in name or "//" in name):
        return "/" + name.rstrip("/") if name else ""
    parts: list[str] = []
    for part in name.split("/"):
        if part == "..":
            parts[-1:] = []
        elif part not in {"", "."}:
            parts.append(part)
    return "".join(f"/{part}" for part in parts)

"""What an archive holds, whatever its format: small documents by name, layers as tables.

``docker save`` before version 25 writes a folder a layer with a ``layer.tar``, and a symbolic
link where two layers are the same; since then, and other tools, an OCI image layout. In both, the
documents that say what is what may come after the layers. So in one pass every blob that looks
like a tar archive is read as a layer, every one that looks like JSON is kept, and the documents
are asked afterwards.
"""

import posixpath
from collections.abc import Container, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from dockerlab.facts.archive.fault import ArchiveError
from dockerlab.facts.archive.headers import is_header, read_members
from dockerlab.facts.archive.layer import (
    ENTRY_COST,
    MEMORY,
    Allowance,
    Capture,
    LayerTable,
    RunningDigest,
    read_layer,
)
from dockerlab.facts.archive.source import file_chunks
from dockerlab.facts.archive.tape import BLOCK, Chunk, Tape
from dockerlab.facts.archive.unpack import Inflation, unpacked
from dockerlab.facts.collector import paused
from dockerlab.language import _

_LARGEST_DOCUMENT = 4 << 20  # bytes, the bound of containerd and of registries
_ALL_DOCUMENTS = 64 << 20
_MOST_MEMBERS = 1_000_000


@dataclass
class Shelf:
    """What was found, each under its name in the archive.

    Parameters
    ----------
    documents : dict of str to bytes
        What may be JSON.
    layers : dict of str to LayerTable or ArchiveError
        What is, or was meant to be, a layer; the error says why it can't be read. It is raised
        only if an image needs the layer.
    links : dict of str to str
        Symbolic links.
    """

    documents: dict[str, bytes] = field(default_factory=dict)
    layers: dict[str, LayerTable | ArchiveError] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)

    def layer(self, name: str) -> LayerTable | None:
        """Find a layer by its name or by that of a link to it.

        Raises
        ------
        ArchiveError
            It is there and can't be read.
        """
        found = self.layers.get(self.links.get(name, name))
        if isinstance(found, ArchiveError):
            raise found
        return found


def read_archive(
    chunks: Iterable[Chunk], capture: Capture | None = None, vouched: Container[str] = ()
) -> Shelf:
    """Read an archive from a stream; it may be compressed as a whole.

    Parameters
    ----------
    chunks : iterable of bytes-like
        The stream.
    capture : Capture, optional
        Reading ends where that is full.
    vouched : container of str
        Diff IDs of layers that whoever sends the archive has checked: a file that bears such a
        digest as its name is taken at its word. Every other layer's digest is taken here.

    Raises
    ------
    ArchiveError
        It is no tar archive, or is cut off.
    """
    with ThreadPoolExecutor(1) as executor, paused():
        reading = _Reading(executor, capture, vouched)
        head, whole = _head(reading.unpacked(chunks))
        if not is_header(head):
            raise ArchiveError(_("This is no archive of an image."), _("`docker save` makes one."))
        tape = Tape(whole)
        for number, member in enumerate(read_members(tape)):
            name = posixpath.normpath(member.name)
            if member.type == "2":
                reading.link(name, member.target)
            elif member.type == "0" and reading.take(
                name, member.stored, tape.pieces(member.stored)
            ):
                return reading.shelf
            if number == _MOST_MEMBERS:
                break
        tape.drain()
        return reading.shelf


def read_folder(folder: Path, capture: Capture | None = None) -> Shelf:
    """Read an OCI image layout that is a folder, or an archive that was unpacked.

    Raises
    ------
    ArchiveError
        A file can't be read.
    """
    with ThreadPoolExecutor(1) as executor, paused():
        reading = _Reading(executor, capture)
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            if path.is_symlink():
                reading.link(name, str(path.readlink()))
            elif path.is_file() and reading.take(name, path.stat().st_size, reading.file(path)):
                break
        return reading.shelf


def _beside(name: str, target: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), target))


class _Reading:
    """Sorts files onto the shelf."""

    def __init__(
        self,
        executor: ThreadPoolExecutor,
        capture: Capture | None,
        vouched: Container[str] = (),
    ) -> None:
        self.shelf = Shelf()
        self._vouched = vouched
        self._executor = executor
        self._allowance = Allowance(MEMORY)
        self._inflation = Inflation()
        self._documents_left = _ALL_DOCUMENTS
        self._capture = capture

    def unpacked(self, chunks: Iterable[Chunk]) -> Iterator[Chunk]:
        """Read the archive itself, which may be compressed as a whole."""
        return unpacked(self._inflation.reading(chunks), self._inflation)

    def file(self, path: Path) -> Iterator[Chunk]:
        """Read a file of an archive that is a folder."""
        return self._inflation.reading(file_chunks(path))

    def link(self, name: str, target: str) -> None:
        """Take a symbolic link in."""
        self._allowance.spend(ENTRY_COST + 2 * len(name) + len(target))
        self.shelf.links[name] = _beside(name, target)

    def take(self, name: str, size: int, pieces: Iterable[Chunk]) -> bool:
        """Take a file in; True if it was the last that is wanted."""
        self._allowance.spend(ENTRY_COST + 2 * len(name))
        head, chunks = _head(pieces)
        if size <= _LARGEST_DOCUMENT and head[:1] in {b"{", b"["}:
            content = b"".join(chunks)
            self._documents_left -= len(content)
            if self._documents_left >= 0:
                self.shelf.documents[name] = content
            return False
        try:
            head, chunks = _head(unpacked(chunks, self._inflation))
            if not is_header(head):
                return False
            claimed = f"sha256:{posixpath.basename(name)}"
            digest = RunningDigest(self._executor, claimed if claimed in self._vouched else None)
            table = read_layer(chunks, digest, self._allowance, self._capture)
        except ArchiveError as error:
            self.shelf.layers[name] = error
            return False
        self.shelf.layers[name] = table
        return self._capture is not None and self._capture.diff_id == table.diff_id


def _head(chunks: Iterable[Chunk]) -> tuple[bytes, Iterator[Chunk]]:
    """Return the first block of a stream, as far as there is one, and the whole stream."""
    pieces = iter(chunks)
    first: Chunk = b""
    while len(first) < BLOCK and (piece := next(pieces, None)) is not None:
        first = bytes(first) + bytes(piece) if first else piece
    return bytes(first[:BLOCK]), chain([first], pieces)

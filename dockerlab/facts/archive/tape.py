"""A stream of chunks, read as what is written on it: exact bytes, in order, each once."""

from collections.abc import Iterable, Iterator

from dockerlab.facts.archive.fault import ArchiveError
from dockerlab.language import _

Chunk = bytes | bytearray | memoryview

BLOCK = 512
"""Bytes in a tar block; every header is one, and every content is padded to a multiple."""


class Tape:
    """Hands out the bytes of a stream without copying more than headers.

    Parameters
    ----------
    chunks : iterable of bytes-like
        The stream, in pieces of any size. They are kept only while they are read.
    """

    def __init__(self, chunks: Iterable[Chunk]) -> None:
        self._chunks = iter(chunks)
        self._view = memoryview(b"")
        self._at = 0
        self._before = 0  # bytes of the chunks that are done

    @property
    def position(self) -> int:
        """How many bytes were handed out or skipped."""
        return self._before + self._at

    def take(self, size: int) -> bytes:
        """Return the next `size` bytes.

        Raises
        ------
        ArchiveError
            The stream ends before.
        """
        end = self._at + size
        if end <= len(self._view):
            taken = bytes(self._view[self._at : end])
            self._at = end
            return taken
        return b"".join(self.pieces(size))

    def block(self) -> bytes | None:
        """Return the next block, or None where the stream ends just here."""
        if self._at == len(self._view) and not self._advance():
            return None
        return self.take(BLOCK)

    def pieces(self, size: int) -> Iterator[memoryview]:
        """Yield the next `size` bytes in pieces as they come, never copied.

        Raises
        ------
        ArchiveError
            The stream ends before.
        """
        while size:
            if self._at == len(self._view) and not self._advance():
                raise ArchiveError(
                    _("The archive ends {missing} bytes too early.").format(missing=size)
                )
            piece = self._view[self._at : self._at + size]
            self._at += len(piece)
            size -= len(piece)
            yield piece

    def piece(self, size: int) -> memoryview | None:
        """Return the next `size` bytes if one chunk holds them, uncopied; else take nothing."""
        end = self._at + size
        if end > len(self._view):
            return None
        taken = self._view[self._at : end]
        self._at = end
        return taken

    def skip(self, size: int) -> None:
        """Leave out the next `size` bytes."""
        if self._at + size <= len(self._view):
            self._at += size
            return
        for _piece in self.pieces(size):
            pass

    def drain(self) -> None:
        """Read the stream to its end."""
        while self._advance():
            pass
        self._at = len(self._view)

    def _advance(self) -> bool:
        for chunk in self._chunks:
            if len(chunk):
                self._before += len(self._view)
                self._view = memoryview(chunk)
                self._at = 0
                return True
        return False

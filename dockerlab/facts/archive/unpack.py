"""Blobs as they travel, plain or compressed, as the bytes they stand for."""

import zlib
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import IO, cast

from dockerlab.facts.archive.fault import ArchiveError
from dockerlab.facts.archive.tape import Chunk
from dockerlab.language import _

_PIECE = 1 << 20  # bytes unpacked at a time, however well they were packed
_FREE = 2 << 30  # bytes that anything may unpack to
_RATIO = 200  # how many times its own size more may unpack to; a file system has 2 to 10
_GZIP = b"\x1f\x8b"
_GZIP_FORMAT = zlib.MAX_WBITS | 16
_SHORTEST = 512  # bytes of a gzip member that are unpacked first
_ZSTANDARD = b"\x28\xb5\x2f\xfd"
_WIDEST_WINDOW = 1 << 27  # bytes of memory a zstd stream may ask for; its own default bound


class Inflation:
    """What an archive unpacks to beside its own size, all its streams together.

    Together, because a thousand streams that each stay within a bound don't; and beside what was
    read of the archive itself, because streams can be packed within packed ones.
    """

    def __init__(self) -> None:
        self._read = 0
        self._made = 0

    def reading(self, chunks: Iterable[Chunk]) -> Iterator[Chunk]:
        """Pass on the archive itself."""
        for chunk in chunks:
            self._read += len(chunk)
            yield chunk

    def making(self, pieces: Iterable[Chunk]) -> Iterator[Chunk]:
        """Pass on what something in it unpacks to.

        Raises
        ------
        ArchiveError
            That is so much that it can only be meant to do harm.
        """
        for piece in pieces:
            self._made += len(piece)
            if self._made > max(_FREE, _RATIO * self._read):
                raise ArchiveError(
                    _("The archive unpacks to more than {ratio} times its size.").format(
                        ratio=_RATIO
                    ),
                    _("It is made to fill a machine; leave it alone."),
                )
            yield piece


def unpacked(chunks: Iterable[Chunk], inflation: Inflation) -> Iterator[Chunk]:
    """Yield what a plain, gzip or zstd stream stands for; its first bytes tell which.

    Raises
    ------
    ArchiveError
        The stream is damaged, or unpacks to too much.
    """
    pieces = iter(chunks)
    head: Chunk = b""
    while len(head) < len(_ZSTANDARD) and (piece := next(pieces, None)) is not None:
        head = bytes(head) + bytes(piece) if head else piece
    packed = chain([head], pieces)
    if head[: len(_GZIP)] == _GZIP:
        return inflation.making(_gunzip(packed))
    if head[: len(_ZSTANDARD)] == _ZSTANDARD:
        return inflation.making(_unzstd(packed))
    return packed


class _Readable:
    """Chunks as a file that is read."""

    def __init__(self, chunks: Iterable[Chunk]) -> None:
        self._chunks = iter(chunks)
        self._rest = memoryview(b"")

    def read(self, size: int) -> bytes:
        """Return at most `size` bytes, none at the end."""
        while not len(self._rest) and (chunk := next(self._chunks, None)) is not None:
            self._rest = memoryview(chunk)
        piece, self._rest = self._rest[:size], self._rest[size:]
        return bytes(piece)


def _gunzip(packed: Iterable[Chunk]) -> Iterator[bytes]:
    member = zlib.decompressobj(_GZIP_FORMAT)
    at_once = _PIECE
    try:
        for chunk in packed:
            rest = memoryview(chunk)
            while rest:
                if member.eof:  # gzip allows one member after another, and zeros after the last
                    if rest[0] == 0 and not bytes(rest).strip(b"\0"):
                        break
                    member = zlib.decompressobj(_GZIP_FORMAT)
                    at_once = _SHORTEST
                part = rest[:at_once]
                yield member.decompress(part, _PIECE)
                # zlib copies what it leaves: of a million tiny members, that must be little
                left = len(member.unused_data if member.eof else member.unconsumed_tail)
                rest = rest[len(part) - left :]
                at_once = min(2 * at_once, _PIECE)
    except zlib.error as error:
        raise ArchiveError(_("The gzip stream is damaged.")) from error
    if not member.eof:
        raise ArchiveError(_("The gzip stream is cut off."))


def _unzstd(packed: Iterable[Chunk]) -> Iterator[bytes]:
    import zstandard  # noqa: PLC0415 - few images need it, and it takes a while

    unpacker = zstandard.ZstdDecompressor(max_window_size=_WIDEST_WINDOW)
    # that the stream was cut off only the digest of what it stands for tells
    source = cast(IO[bytes], _Readable(packed))  # nothing but its `read` is called
    with unpacker.stream_reader(source, read_across_frames=True, closefd=False) as reader:
        try:
            while piece := reader.read(_PIECE):
                yield piece
        except zstandard.ZstdError as error:
            raise ArchiveError(_("The zstd stream is damaged.")) from error

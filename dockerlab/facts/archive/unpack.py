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
_ZSTANDARD = b"\x28\xb5\x2f\xfd"
_WIDEST_WINDOW = 1 << 27  # bytes of memory a zstd stream may ask for; its own default bound


def unpacked(chunks: Iterable[Chunk]) -> Iterator[Chunk]:
    """Yield what a plain, gzip or zstd stream stands for; its first bytes tell which.

    Raises
    ------
    ArchiveError
        The stream is damaged, or unpacks to so much that it can only be meant to do harm.
    """
    pieces = iter(chunks)
    head: Chunk = b""
    while len(head) < len(_ZSTANDARD) and (piece := next(pieces, None)) is not None:
        head = bytes(head) + bytes(piece) if head else piece
    packed = _Counted(chain([head], pieces))
    if head[: len(_GZIP)] == _GZIP:
        return _bounded(packed, _gunzip(packed))
    if head[: len(_ZSTANDARD)] == _ZSTANDARD:
        return _bounded(packed, _unzstd(packed))
    return iter(packed)


class _Counted:
    """Passes chunks on, as they come or as a file that is read, and counts their bytes."""

    def __init__(self, chunks: Iterable[Chunk]) -> None:
        self._chunks = iter(chunks)
        self._rest = memoryview(b"")
        self.bytes = 0

    def __iter__(self) -> Iterator[Chunk]:
        for chunk in self._chunks:
            self.bytes += len(chunk)
            yield chunk

    def read(self, size: int) -> bytes:
        if not len(self._rest):
            self._rest = memoryview(next(self._chunks, b""))
        piece, self._rest = self._rest[:size], self._rest[size:]
        self.bytes += len(piece)
        return bytes(piece)


def _bounded(packed: _Counted, pieces: Iterable[bytes]) -> Iterator[bytes]:
    total = 0
    for piece in pieces:
        total += len(piece)
        if total > max(_FREE, _RATIO * packed.bytes):
            raise ArchiveError(
                _("The archive unpacks to more than {ratio} times its size.").format(ratio=_RATIO),
                _("It is made to fill a machine; leave it alone."),
            )
        yield piece


def _gunzip(packed: Iterable[Chunk]) -> Iterator[bytes]:
    member = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        for chunk in packed:
            rest: Chunk = chunk
            while len(rest):
                if member.eof:  # gzip allows one member after another, and zeros after the last
                    if not bytes(rest).strip(b"\0"):
                        break
                    member = zlib.decompressobj(zlib.MAX_WBITS | 16)
                yield member.decompress(rest, _PIECE)
                rest = member.unused_data if member.eof else member.unconsumed_tail
    except zlib.error as error:
        raise ArchiveError(_("The gzip stream is damaged.")) from error
    if not member.eof:
        raise ArchiveError(_("The gzip stream is cut off."))


def _unzstd(packed: _Counted) -> Iterator[bytes]:
    import zstandard  # noqa: PLC0415 - few images need it, and it takes a while

    unpacker = zstandard.ZstdDecompressor(max_window_size=_WIDEST_WINDOW)
    # that the stream was cut off only the digest of what it stands for tells
    source = cast(IO[bytes], packed)  # nothing but its `read` is called
    with unpacker.stream_reader(source, read_across_frames=True, closefd=False) as reader:
        try:
            while piece := reader.read(_PIECE):
                yield piece
        except zstandard.ZstdError as error:
            raise ArchiveError(_("The zstd stream is damaged.")) from error

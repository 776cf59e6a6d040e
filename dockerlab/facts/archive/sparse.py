"""Sparse files: only what is not a hole is stored, with a map of where it belongs.

GNU tar writes them in four ways, all described in its manual: the old header with extension
blocks, and PAX formats 0.0, 0.1 (the map in records) and 1.0 (the map before the content).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from dockerlab.facts.archive.fault import ArchiveError
from dockerlab.facts.archive.tape import BLOCK, Tape
from dockerlab.language import _

_MOST_RUNS = 100_000
_ZEROS = memoryview(bytes(1 << 16))


class Sparse(NamedTuple):
    """Where the stored bytes of a sparse file belong: its size, and runs of (offset, length)."""

    size: int
    runs: tuple[tuple[int, int], ...]

    def checked(self, stored: int) -> "Sparse":
        """Return the map if it describes `stored` bytes.

        Raises
        ------
        ArchiveError
            Runs overlap, lie beyond the file's end, or are more or less than is stored.
        """
        end = 0
        for offset, length in self.runs:
            if length < 0 or offset < end or offset + length > self.size:
                raise _lies()
            end = offset + length
        if sum(length for _offset, length in self.runs) != stored:
            raise _lies()
        return self

    @property
    def holes(self) -> int:
        """How many bytes are not stored."""
        return self.size - sum(length for _offset, length in self.runs)


def read_old(block: bytes, tape: Tape) -> Sparse:
    """Read GNU tar's old form: a header of type "S" and the extension blocks after it."""
    numbers = [_old_number(block[at : at + 12]) for at in range(386, 482, 12)]
    more, size = block[482], _old_number(block[483:495])
    while more:
        block = tape.take(BLOCK)
        numbers += [_old_number(block[at : at + 12]) for at in range(0, 504, 12)]
        more = block[504]
        if len(numbers) > 2 * _MOST_RUNS:
            raise _lies()
    return Sparse(size, _runs(numbers))


def read_records(
    records: Mapping[str, str], pairs: Sequence[str], stored: int, tape: Tape
) -> Sparse | None:
    """Read the PAX forms; None for a file that isn't sparse.

    Parameters
    ----------
    records : mapping
        The member's PAX records.
    pairs : sequence of str
        The values of GNU.sparse.offset and .numbytes, which repeat in form 0.0.
    stored : int
        Bytes after the header; of form 1.0 the map is the first of them and is taken off `tape`.
    """
    size = records.get("GNU.sparse.realsize", records.get("GNU.sparse.size"))
    if size is None:
        return None
    if records.get("GNU.sparse.major") == "1":
        return Sparse(_decimal(size), _runs(_read_map(tape, stored)))
    listed = records["GNU.sparse.map"].split(",") if "GNU.sparse.map" in records else pairs
    return Sparse(_decimal(size), _runs([_decimal(number) for number in listed if number]))


def expand(sparse: Sparse, stored: Iterable[memoryview]) -> Iterator[memoryview]:
    """Yield the file as it reads, its holes as zeros."""
    at = 0
    pieces = iter(stored)
    piece = memoryview(b"")
    for offset, length in sparse.runs:
        yield from _zeros(offset - at)
        at, left = offset + length, length
        while left:
            piece = piece or next(pieces)
            yield piece[:left]
            piece, left = piece[left:], left - min(left, len(piece))
    yield from _zeros(sparse.size - at)


def _zeros(size: int) -> Iterator[memoryview]:
    while size > 0:
        yield _ZEROS[:size]
        size -= len(_ZEROS)


def _read_map(tape: Tape, stored: int) -> list[int]:
    # decimal numbers, a line each, the first says how many runs follow; padded to whole blocks
    lines: list[bytes] = []
    rest = b""
    wanted = 1
    while len(lines) < wanted:
        if stored < BLOCK:
            raise _lies()
        stored -= BLOCK
        *whole, rest = (rest + tape.take(BLOCK)).split(b"\n")
        lines += whole
        if lines:
            wanted = 1 + 2 * _decimal(lines[0].decode("latin-1"))
        if wanted > 2 * _MOST_RUNS or len(rest) > BLOCK:
            raise _lies()
    return [_decimal(line.decode("latin-1")) for line in lines[1:wanted]]


def _runs(numbers: Sequence[int]) -> tuple[tuple[int, int], ...]:
    runs = zip(numbers[::2], numbers[1::2], strict=False)
    return tuple((offset, length) for offset, length in runs if length)


def _decimal(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise _lies()
    return int(text)


def _old_number(field: bytes) -> int:
    if field[0] & 0x80:
        return int.from_bytes(field[1:], "big")
    digits = field.partition(b"\0")[0].strip()
    try:
        return int(digits or b"0", 8)
    except ValueError:
        raise _lies() from None


def _lies() -> ArchiveError:
    return ArchiveError(_("The map of a sparse file contradicts what is stored of it."))

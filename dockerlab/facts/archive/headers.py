"""The members of a tar archive: headers as ustar, GNU tar and PAX write them.

Python's own `tarfile` takes about four times as long for a member, and takes it from the reading
of the stream: an image of 40,000 small files is mostly headers. So they are read here, as
POSIX.1-2017 (pax) and GNU tar's manual describe them; where those leave a choice, it is made as
Go's archive/tar makes it, with which the engines read.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from struct import Struct
from typing import NamedTuple

from dockerlab.facts.archive.fault import ArchiveError
from dockerlab.facts.archive.sparse import Sparse, read_old, read_records
from dockerlab.facts.archive.tape import BLOCK, Tape
from dockerlab.language import _

_HEADER = Struct("100s24s12s20xc100s6s66x8s8s155s12x")
_ZEROS = bytes(BLOCK)
_LONGEST_EXTENSION = 1 << 20  # bytes before one member; Go's bound on each of its extensions
_TOO_LARGE = 1 << 63  # for Go, in which the engines are written
_ADLER = 65521
_POSIX = b"ustar\0"
_EXTENSIONS = frozenset((b"x", b"X", b"g", b"L", b"K"))
_WITHOUT_CONTENT = frozenset("123456")
_ATTRIBUTE = "SCHILY.xattr."


class Member(NamedTuple):
    """One member of a tar archive.

    A tuple, because one is made for every file of an image.

    Parameters
    ----------
    name : str
        As it is written; bytes that are not UTF-8 are kept as lone surrogates.
    type : str
        "0" a file, "1" a hard link, "2" a symbolic link, "3" and "4" a character and a block
        device, "5" a directory, "6" a named pipe, anything else as it is written.
    stored : int
        Bytes of content that follow on the tape.
    mode, uid, gid : int
        Permission bits and the numbers of user and group.
    target : str
        What a link points at.
    device : tuple of int
        Major and minor number of a device.
    attributes : bytes
        A digest of the extended attributes, empty where there are none.
    sparse : Sparse or None
        Where a sparse file's stored bytes belong.
    """

    name: str
    type: str
    stored: int
    mode: int
    uid: int
    gid: int
    target: str
    device: tuple[int, int]
    attributes: bytes
    sparse: Sparse | None


@dataclass
class _Extension:
    """What the headers before a header say about the member."""

    size: int = 0
    records: dict[str, str] = field(default_factory=dict)
    sparse_pairs: list[str] = field(default_factory=list)


def read_members(tape: Tape) -> Iterator[Member]:
    """Yield the members; between two of them their content may be taken from the tape.

    What was not taken of a content is skipped. The archive ends with the first block of zeros,
    or with the tape.

    Raises
    ------
    ArchiveError
        A header is damaged or lies, or the archive ends within a member.
    """
    extension = _Extension()
    while (block := tape.block()) is not None:
        if block[0] == 0 and block == _ZEROS:
            return
        if not _checksum_holds(block):
            raise ArchiveError(
                _("The archive is damaged: there is no header at byte {at}.").format(
                    at=tape.position - BLOCK
                )
            )
        fields = _HEADER.unpack(block)
        if fields[3] in _EXTENSIONS:
            _extend(extension, fields[3], tape, _number(fields[2]))
            continue
        end, member = _member(block, fields, extension, tape)
        if extension.size:
            extension = _Extension()
        yield member
        if end > tape.position:
            tape.skip(end - tape.position)


def is_header(block: bytes) -> bool:
    """Tell whether an archive can begin with this block: a header, or its end."""
    return len(block) == BLOCK and (block == _ZEROS or _checksum_holds(block))


def _checksum_holds(block: bytes) -> bool:
    # The sum of all bytes, the checksum's own taken as blanks. Adler-32's lower half is one more
    # than that of the bytes as they are, modulo a prime, and a hundred times as fast as `sum`.
    said, lower_half = _checksum(block[148:156])
    if zlib.adler32(block) & 0xFFFF == lower_half:
        return 0 <= said <= BLOCK * 255
    blanked = block[:148] + b" " * 8 + block[156:]
    return sum(byte - 256 if byte > 127 else byte for byte in blanked) == said  # some did so


@lru_cache(4096)  # headers that differ in a digit have neighbouring sums
def _checksum(field: bytes) -> tuple[int, int]:
    """Return the sum a header claims, and what its Adler-32's lower half must then be."""
    try:
        said = int(field.partition(b"\0")[0].strip() or b"-1", 8)
    except ValueError:
        return -_TOO_LARGE, -1
    return said, (said - 256 + sum(field) + 1) % _ADLER


def _member(
    block: bytes, fields: tuple[bytes, ...], extension: _Extension, tape: Tape
) -> tuple[int, Member]:
    name, owner, size, kind, target, magic, major, minor, prefix = fields
    records = extension.records
    type_ = kind.decode("latin-1")
    stored = _number(size) if "size" not in records else _decimal(records["size"])
    path = records.get("path") or _text(name)
    if prefix[0] and magic.startswith(_POSIX) and "path" not in records:
        path = f"{_text(prefix)}/{path}"
    if type_ in "\x007S":
        type_ = "5" if type_ == "\0" and path.endswith("/") else "0"
    if type_ in _WITHOUT_CONTENT:
        stored = 0
    mode, uid, gid = _mode_and_owner(owner)
    start = tape.position
    sparse, attributes = None, b""
    if records and type_ == "0":
        path = records.get("GNU.sparse.name", path)
        sparse = read_records(records, extension.sparse_pairs, stored, tape)
        stored -= tape.position - start
    if kind == b"S":
        sparse = read_old(block, tape)
        start = tape.position
    if records:
        attributes = _attributes(records)
    end = tape.position + stored
    end += (start - end) % BLOCK
    device = (_number(major), _number(minor)) if type_ in "34" else (0, 0)
    return end, Member(
        path,
        type_,
        stored,
        mode,
        uid if "uid" not in records else _decimal(records["uid"]),
        gid if "gid" not in records else _decimal(records["gid"]),
        (records.get("linkpath") or _text(target)) if type_ in "12" else "",
        device,
        attributes,
        sparse and sparse.checked(stored),
    )


def _extend(extension: _Extension, kind: bytes, tape: Tape, size: int) -> None:
    extension.size += size
    if extension.size > _LONGEST_EXTENSION:
        raise ArchiveError(
            _("A member's name and its records claim {size} bytes.").format(size=extension.size)
        )
    content = tape.take(size)
    tape.skip(-size % BLOCK)
    if kind == b"L":
        extension.records["path"] = _text(content)
    elif kind == b"K":
        extension.records["linkpath"] = _text(content)
    elif kind != b"g":  # engines ignore what is said about all members at once
        _read_records(content, extension)


def _read_records(content: bytes, extension: _Extension) -> None:
    # each is "LENGTH KEY=VALUE\n", its length counting all of that
    at = 0
    while at < len(content) and content[at]:
        blank = content.find(b" ", at, at + 20)
        length = _decimal(content[at:blank].decode("latin-1")) if blank > 0 else 0
        key, equals, value = content[blank + 1 : at + length - 1].partition(b"=")
        if not equals or b"\0" in value or content[at + length - 1 : at + length] != b"\n":
            raise ArchiveError(_("The records before a member are damaged."))
        at += length
        name = key.decode("utf-8", "surrogateescape")
        text = value.decode("utf-8", "surrogateescape")
        if name in {"GNU.sparse.offset", "GNU.sparse.numbytes"}:
            extension.sparse_pairs.append(text)
        else:
            extension.records[name] = text


def _attributes(records: dict[str, str]) -> bytes:
    said = sorted((key, value) for key, value in records.items() if key.startswith(_ATTRIBUTE))
    if not said:
        return b""
    plain = "\0".join(f"{len(key)} {key}={value}" for key, value in said)
    return sha256(plain.encode("utf-8", "surrogateescape")).digest()[:16]


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "surrogateescape")


@lru_cache(4096)  # the same few stand in every header
def _mode_and_owner(field: bytes) -> tuple[int, int, int]:
    return _number(field[:8]) & 0o7777, _number(field[8:16]), _number(field[16:])


def _number(field: bytes) -> int:
    if field[0] & 0x80:  # too large for octal digits: the bytes are the number
        number = int.from_bytes(field, "big", signed=field[0] == 0xFF) & ~(
            0x80 << 8 * (len(field) - 1)
        )
    else:
        try:
            number = int(field.partition(b"\0")[0].strip() or b"0", 8)
        except ValueError:
            number = -1
    if not 0 <= number < _TOO_LARGE:
        raise ArchiveError(_("A member's header claims a number that is none."))
    return number


def _decimal(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else _TOO_LARGE
    if number >= _TOO_LARGE:
        raise ArchiveError(_("The records before a member claim a number that is none."))
    return number

"""An archive whose first member announces all others: written whole, read within bounds.

It is a plain tar archive. The reader believes nothing of it: each member must come as
announced, in the announced order, as an ordinary file with the announced size and bytes, and
the file must end where the announcement says. So neither links, sparse files and headers
without end nor a name outside the layout ever reach a disk.
"""

import hashlib
import io
import json
import os
import re
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from dockerlab.engine.progress import Progress, silent
from dockerlab.engine.registry import CHUNK
from dockerlab.errors import HubError
from dockerlab.facts.registry.manifest import MANIFEST_LIMIT
from dockerlab.language import _

HEAD = "bundle.json"
"""The member that announces the others."""

FORMAT = 2
"""The layout that this version writes and reads."""

_FILE_LIMIT = 4 * 2**30
_MEMBERS_LIMIT = 1000
_WORD_LIMIT = 200
_ABOUT = ("made_by", "system")
_FIRST_FORMAT = "index.json"  # what a bundle of the first format begins with
_NAME = re.compile(
    r"index\.json|manifest\.json|oci-layout|blobs/sha256/[0-9a-f]{64}"
    r"|engine/[a-z][a-z0-9-]*/(?:[A-Za-z0-9][A-Za-z0-9_.+~%:-]*\.deb"
    r"|dists/[a-z][a-z0-9-]*/(?:InRelease|Release|Release\.gpg"
    r"|[a-z][a-z0-9-]*/binary-[a-z0-9]+/Packages\.bz2))"
)
_DIGEST = re.compile(r"[0-9a-f]{64}")


class BadBundleError(Exception):
    """What is wrong with a bundle."""


@dataclass(frozen=True)
class Member:
    """A file of the archive: its name, its size in bytes, and its SHA-256 sum."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Part:
    """A member to write, and what gives its bytes."""

    member: Member
    chunks: Callable[[], Iterable[bytes]]

    @classmethod
    def of_bytes(cls, name: str, content: bytes) -> "Part":
        """Take bytes as they are."""
        member = Member(name, len(content), hashlib.sha256(content).hexdigest())
        return cls(member, lambda: (content,))

    @classmethod
    def of_file(cls, name: str, path: Path) -> "Part":
        """Take a file, which is read twice."""
        with path.open("rb") as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()

        def chunks() -> Iterator[bytes]:
            with path.open("rb") as stream:
                while chunk := stream.read(CHUNK):
                    yield chunk

        return cls(Member(name, path.stat().st_size, sha256), chunks)


@dataclass(frozen=True)
class Announced:
    """What an archive says of itself.

    Parameters
    ----------
    about : mapping of str to str
        Who made it, and for what system.
    members : tuple of Member
        All members after the first, in their order.
    """

    about: Mapping[str, str]
    members: tuple[Member, ...]

    @property
    def size(self) -> int:
        """Bytes of all members."""
        return sum(member.size for member in self.members)


def write(
    target: IO[bytes], about: Mapping[str, str], parts: Sequence[Part], progress: Progress = silent
) -> None:
    """Write an archive of ``parts``, announced by its first member."""
    head = {
        "format": FORMAT,
        **about,
        "members": [[p.member.name, p.member.size, p.member.sha256] for p in parts],
    }
    announced = Part.of_bytes(HEAD, json.dumps(head, indent=1).encode())
    write_parts(target, [announced, *parts], progress)


def write_parts(target: IO[bytes], parts: Sequence[Part], progress: Progress = silent) -> None:
    """Write a tar archive of nothing but ``parts``."""
    label = _("Writing the bundle")
    total, done = sum(part.member.size for part in parts), 0
    with tarfile.open(fileobj=target, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for part in parts:
            header = tarfile.TarInfo(part.member.name)
            header.size = part.member.size
            archive.addfile(header, _Stream(part.chunks()))
            done += part.member.size
            progress(label, done, total)


def read(
    stream: IO[bytes],
    accept: Callable[[Announced], None] = lambda _announced: None,
    target: Callable[[Member], Path | None] = lambda _member: None,
    progress: Progress = silent,
) -> tuple[Announced, str]:
    """Read an archive once from its beginning to its end, and check all of it.

    Parameters
    ----------
    stream : file
        The archive, an ordinary file.
    accept : callable, optional
        Told what is announced before anything is written; may raise.
    target : callable, optional
        Where to write a member; None leaves it unwritten. Nothing by default.
    progress : Progress, optional
        Told the bytes read.

    Returns
    -------
    tuple of Announced and str
        What it says of itself, and the SHA-256 sum of the file in hexadecimal digits.

    Raises
    ------
    BadBundleError
        It is not what it must be.
    """
    source = _Source(stream, progress)
    announced = _head(source)
    accept(announced)
    for member in announced.members:
        if _header(source) != (member.name, member.size):
            raise BadBundleError(
                _("{name!r} is not where it is announced").format(name=member.name)
            )
        _content(source, member, target(member))
    if source.rest().strip(b"\0"):
        raise BadBundleError(_("it goes on after its end"))
    return announced, source.digest.hexdigest()


class _Source:
    """Reads a file and sums up all that was read."""

    def __init__(self, stream: IO[bytes], progress: Progress) -> None:
        self._stream = stream
        self._progress = progress
        self._done = 0
        self.size = os.fstat(stream.fileno()).st_size
        self.digest = hashlib.sha256()
        if not self.size:
            raise BadBundleError(_("it is empty"))
        if self.size > _FILE_LIMIT:
            raise BadBundleError(_("it is too large"))

    def read(self, size: int) -> bytes:
        content = self._stream.read(size)
        if len(content) != size:
            raise BadBundleError(_("it ends too early"))
        self.digest.update(content)
        self._done += size
        self._progress(_("Checking the bundle"), self._done, self.size)
        return content

    def rest(self) -> bytes:
        return self.read(self.size - self._done)


def _header(source: _Source) -> tuple[str, int]:
    """Read the header of an ordinary file; no other kind, and no extension, is known."""
    try:
        header = tarfile.TarInfo.frombuf(source.read(tarfile.BLOCKSIZE), "ascii", "strict")
    except (tarfile.TarError, ValueError) as error:
        raise BadBundleError(str(error)) from error
    if header.type != tarfile.REGTYPE or header.linkname:
        raise BadBundleError(_("{name!r} is no plain file").format(name=header.name))
    return header.name, header.size


def _head(source: _Source) -> Announced:
    name, size = _header(source)
    if name == _FIRST_FORMAT:
        raise HubError(
            _("The bundle was saved by an older dockerlab, and nothing in it can be verified."),
            _("Make a new one: dockerlab hub bundle save FILE"),
        )
    if name != HEAD:
        raise BadBundleError(_("{name!r} does not belong in it").format(name=name))
    if not 0 <= size <= MANIFEST_LIMIT:
        raise BadBundleError(_("{name!r} is too large").format(name=name))
    content = source.read(size)
    _padding(source, size)
    try:
        announced = _announced(json.loads(content))
    except (ValueError, RecursionError) as error:
        raise BadBundleError(_("its list is damaged ({cause})").format(cause=error)) from error
    if _archive_size([size, *(member.size for member in announced.members)]) != source.size:
        raise BadBundleError(_("it is cut short, or longer than announced"))
    return announced


def _announced(fields: object) -> Announced:
    if not isinstance(fields, dict):
        raise BadBundleError(_("it has no list"))
    version = fields.get("format")
    if type(version) is not int or version < FORMAT:
        raise BadBundleError(_("its list is damaged"))
    if version > FORMAT:
        raise HubError(
            _("The bundle was saved by a newer dockerlab."),
            _("Use that version here, or make one with this version."),
        )
    listed, about = fields.get("members"), {name: fields.get(name) for name in _ABOUT}
    words = {name: word for name, word in about.items() if isinstance(word, str)}
    if (
        not isinstance(listed, list)
        or len(listed) > _MEMBERS_LIMIT
        or len(words) != len(_ABOUT)
        or not all(len(word) <= _WORD_LIMIT and word.isprintable() for word in words.values())
    ):
        raise BadBundleError(_("its list is damaged"))
    members = tuple(_member(each) for each in listed)
    if len({member.name for member in members}) != len(members):
        raise BadBundleError(_("it announces a name twice"))
    return Announced(words, members)


def _member(fields: object) -> Member:
    match fields:
        case [str(name), int(size), str(sha256)] if (
            type(size) is int and size >= 0 and _DIGEST.fullmatch(sha256)
        ):
            if not _NAME.fullmatch(name):
                raise BadBundleError(_("{name!r} does not belong in it").format(name=name[:100]))
            if name.startswith("blobs/") and not name.endswith(f"/{sha256}"):
                raise BadBundleError(_("{name} has other bytes").format(name=name[-80:]))
            return Member(name, size, sha256)
    raise BadBundleError(_("its list is damaged"))


def _content(source: _Source, member: Member, path: Path | None) -> None:
    digest, left = hashlib.sha256(), member.size
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") if path else io.BytesIO() as output:
        while left:
            chunk = source.read(min(left, CHUNK))
            digest.update(chunk)
            left -= len(chunk)
            if path:
                output.write(chunk)
    _padding(source, member.size)
    if digest.hexdigest() != member.sha256:
        raise BadBundleError(_("{name} has other bytes").format(name=member.name[-80:]))


def _padding(source: _Source, size: int) -> None:
    if source.read(-size % tarfile.BLOCKSIZE).strip(b"\0"):
        raise BadBundleError(_("it has bytes between its files"))


def _archive_size(sizes: Iterable[int]) -> int:
    """Compute how large an archive of such files is: blocks, an end of two, whole records."""
    block = tarfile.BLOCKSIZE
    plain = sum(block + size + -size % block for size in sizes) + 2 * block
    return plain + -plain % tarfile.RECORDSIZE


class _Stream:
    """Chunks, readable as a file."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._rest = b""

    def read(self, size: int = -1) -> bytes:
        while size < 0 or len(self._rest) < size:
            chunk = next(self._chunks, None)
            if chunk is None:
                break
            self._rest += chunk
        taken = self._rest if size < 0 else self._rest[:size]
        self._rest = self._rest[len(taken) :]
        return taken

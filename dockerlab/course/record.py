"""What the course made on an engine, by identity: a small file for each engine."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import docker

from dockerlab.engine.places import Places
from dockerlab.errors import LabError
from dockerlab.json_file import held, read
from dockerlab.language import _

VERSION = 2
"""Of the form in which records are written; the first one knew names only."""

Many = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Noted:
    """What the course made for one chapter.

    Parameters
    ----------
    containers : mapping
        IDs, each with the names that the container was given while the chapter's cells ran.
    networks : mapping
        IDs, each with the network's name.
    volumes : mapping
        Names, each with the time at which the engine says that the volume was made: a volume has
        no ID.
    images : mapping
        IDs, each with the names of the chapter's that the image was given.
    pulled : mapping
        The images that the chapter's start pulled (``name:tag``), each with the IDs it got.
    found : tuple of str
        Short IDs of the images that were on the engine before the chapter was started.
    """

    containers: Many = field(default_factory=dict)
    networks: Mapping[str, str] = field(default_factory=dict)
    volumes: Mapping[str, str] = field(default_factory=dict)
    images: Many = field(default_factory=dict)
    pulled: Many = field(default_factory=dict)
    found: tuple[str, ...] = ()

    def __or__(self, other: "Noted") -> "Noted":
        return Noted(
            _joined(self.containers, other.containers),
            {**self.networks, **other.networks},
            {**self.volumes, **other.volumes},
            _joined(self.images, other.images),
            _joined(self.pulled, other.pulled),
            _once((*self.found, *other.found)),
        )

    def without_volumes(self, names: Iterable[str]) -> "Noted":
        """Leave volumes out."""
        gone = set(names)
        left = {name: made for name, made in self.volumes.items() if name not in gone}
        return replace(self, volumes=left)

    @property
    def empty(self) -> bool:
        """Whether nothing that was made is in it."""
        return replace(self, found=()) == Noted()


@dataclass(frozen=True)
class Record:
    """What the course made on one engine, for each chapter that was started and not cleaned up.

    Parameters
    ----------
    chapters : mapping
        The number of each chapter, and what was noted for it.
    left : mapping
        The number of a chapter that was cleaned up, and what something of the reader's used then.
    lost : str
        The file in which notes are that were set aside, until the reader was told.
    version : int
        Of the file's form; an older form has none.
    """

    chapters: Mapping[str, Noted] = field(default_factory=dict)
    left: Mapping[str, Noted] = field(default_factory=dict)
    lost: str = ""
    version: int = 0

    def of(self, number: str) -> Noted | None:
        """Give what was noted for a chapter; None where it was not started."""
        return self.chapters.get(number)

    def made_for(self, number: str) -> Noted:
        """Give all that the course made for a chapter and that was not removed."""
        return self.left.get(number, Noted()) | self.chapters.get(number, Noted())

    def with_chapter(self, number: str, noted: Noted) -> "Record":
        """Put a chapter in the place of what was noted for it."""
        left = _without(self.left, number)
        return replace(self, chapters={**self.chapters, number: noted}, left=left)

    def adding(self, number: str, noted: Noted, gone: Iterable[str] = ()) -> "Record":
        """Add to a chapter, where it was started; ``gone`` are volumes that are no more."""
        before = self.of(number)
        if before is None:  # after a cleanup nothing is the chapter's any more
            return self
        return self.with_chapter(number, before.without_volumes(gone) | noted)

    def without_chapter(self, number: str) -> "Record":
        """Leave a chapter out."""
        return replace(self, chapters=_without(self.chapters, number))

    def leaving(self, number: str, noted: Noted) -> "Record":
        """Put in what could not be removed of a chapter that is cleaned up."""
        left = _without(self.left, number)
        return replace(self, left=left if noted.empty else {**left, number: noted})


def _without(chapters: Mapping[str, Noted], number: str) -> dict[str, Noted]:
    return {key: noted for key, noted in chapters.items() if key != number}


def _joined(some: Many, more: Many) -> Many:
    return {**some, **{key: _once((*some.get(key, ()), *more[key])) for key in more}}


def _once(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words))


def short(identity: str) -> str:
    """Shorten an image's ID as the docker command does."""
    return identity.removeprefix("sha256:")[:12]


def record_path(client: docker.DockerClient) -> Path:
    """Say where the record of this engine is kept: by the engine's own ID (``GET /info``)."""
    identity = re.sub(r"[^A-Za-z0-9-]", "-", str(client.info().get("ID") or "unnamed"))
    return Places.from_environment().cache / "course" / f"{identity[:80]}.json"


class Change:
    """A record that is held while it is changed: give `record` another value."""

    def __init__(self, record: Record) -> None:
        self.record = record


@contextmanager
def change_record(path: Path) -> Iterator[Change]:
    """Hold an engine's record, and write it at the end where it was given another value.

    One that is damaged or from an older version is set aside, and an empty one takes its place:
    what is not noted is not removed.

    Raises
    ------
    LabError
        It is from a newer version, or its folder can't be written.
    """
    with ExitStack() as stack:
        with _explained(path):
            _set_aside_older(path)
            file = stack.enter_context(held(path, Record))
        record = _usable(path, file.value, file.kept.broken)
        change = Change(record)
        yield change
        if change.record != record or record.lost:
            with _explained(path):
                file.write(replace(change.record, version=VERSION))


def read_record(path: Path) -> Record:
    """Read an engine's record without waiting; raises what `change_record` does."""
    with _explained(path):
        kept = read(path, Record)
    record = _usable(path, kept.value, kept.broken)
    if record.lost or record.version < VERSION:
        with change_record(path) as change:
            change.record = replace(change.record, lost=change.record.lost or record.lost)
            return change.record
    return record


def lost_notes(path: Path) -> str:
    """Say, once, that notes were lost and where they are; empty where none were.

    Raises what `change_record` does.
    """
    with change_record(path) as change:
        lost = change.record.lost
        change.record = replace(change.record, lost="")
    if not lost:
        return ""
    return _(
        "The notes of what the course made on this engine were damaged, or made by an older "
        "version, and are now in {file}. What they told of is not removed."
    ).format(file=lost)


def _usable(path: Path, record: Record | None, broken: Path | None) -> Record:
    if record is not None and record.version > VERSION:
        raise LabError(
            _("The course's notes in {file} were made by a newer version.").format(file=path),
            _("Use that version; or move the file away: then nothing it tells of is removed."),
        )
    record = record or Record(version=VERSION)
    return replace(record, lost=str(broken)) if broken else record


def _set_aside_older(path: Path) -> None:
    with held(path, Record) as file:
        if file.value is None or file.value.version >= VERSION:
            return
        older = path.with_name(f"{path.name}.old")
        path.replace(older)
    with held(path, Record) as file:
        file.write(Record(lost=str(older), version=VERSION))


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise LabError(
            _("The course can't keep its notes in {folder}: {reason}.").format(
                folder=path.parent, reason=error.strerror or error
            ),
            _("Set DOCKERLAB_CACHE to a folder you can write to."),
        ) from error

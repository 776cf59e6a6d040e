"""What the course did to an engine that no label can tell: a small file per engine."""

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import docker
from filelock import FileLock

from dockerlab.engine.places import Places
from dockerlab.errors import LabError
from dockerlab.language import _

Many = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Record:
    """Which chapters were started on one engine and not cleaned up since.

    Pulled images can't carry a label, and a student's exercise often does not. So a chapter's
    start notes which images it had to pull; and that the names with its prefix were free, by
    which everything that bears one later is the course's. A name of an image may move on to
    another: what bore one is noted too.

    Parameters
    ----------
    pulled : mapping
        The number of each started chapter, and the images it pulled (``name:tag``).
    named : mapping
        The number of a chapter, and the IDs of the images that bore a name it keeps.
    """

    pulled: Many
    named: Many = field(default_factory=dict)

    def started(self, number: str) -> bool:
        """Tell whether this chapter was started and not cleaned up."""
        return number in self.pulled

    def with_chapter(self, number: str, images: tuple[str, ...]) -> "Record":
        """Add a started chapter, or images to one."""
        return Record(_with(self.pulled, number, images), self.named)

    def with_named(self, number: str, identities: tuple[str, ...]) -> "Record":
        """Add images that bear a name which the chapter keeps."""
        return Record(self.pulled, _with(self.named, number, identities))

    def without_chapter(self, number: str) -> "Record":
        """Leave a chapter out."""
        return Record(_without(self.pulled, number), _without(self.named, number))


def _with(known: Many, number: str, more: tuple[str, ...]) -> Many:
    return {**known, number: tuple(dict.fromkeys((*known.get(number, ()), *more)))}


def _without(known: Many, number: str) -> Many:
    return {key: value for key, value in known.items() if key != number}


def record_path(client: docker.DockerClient) -> Path:
    """Say where the record of this engine is kept: by the engine's own ID (``GET /info``)."""
    identity = re.sub(r"[^A-Za-z0-9-]", "-", str(client.info().get("ID") or "unnamed"))
    return Places.from_environment().cache / "course" / f"{identity[:80]}.json"


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold an engine's record while several notebooks start and clean up at the same time.

    Raises
    ------
    LabError
        The folder can't be written.
    """
    lock = FileLock(path.with_suffix(".lock"))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        yield
    finally:
        lock.release()


def read_record(path: Path) -> Record:
    """Read an engine's record; one that is missing or broken is an empty one."""
    try:
        written = json.loads(path.read_text(encoding="utf-8"))
        return Record(_read(written["pulled"]), _read(written.get("named", {})))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Record({})


def _read(written: Mapping[str, Iterable[str]]) -> Many:
    return {str(key): tuple(map(str, value)) for key, value in written.items()}


def write_record(path: Path, record: Record) -> None:
    """Write an engine's record in one step, so that no reader sees half of it.

    Raises
    ------
    LabError
        The folder can't be written.
    """
    draft = path.with_suffix(f".{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(json.dumps(asdict(record), indent=1), encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> LabError:
    return LabError(
        _("The course can't keep its notes in {folder}: {reason}.").format(
            folder=path.parent, reason=error.strerror
        ),
        _("Set DOCKERLAB_CACHE to a folder you can write to."),
    )

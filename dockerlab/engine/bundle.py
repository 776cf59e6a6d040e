"""Images and engine as one file, for machines with neither network nor mirror.

Nobody signs the images, so whoever loads a bundle has to say that this very file, by its
SHA-256 sum, is to be trusted. Its packages are signed, and never taken on trust.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import file_digest
from importlib.metadata import version
from pathlib import Path

from dockerlab.engine import archive, members
from dockerlab.engine.archive import Entry
from dockerlab.engine.disk import file_error, opened, require_space, require_writable
from dockerlab.engine.images import COURSE_IMAGES, CourseImage, host_architecture
from dockerlab.engine.locking import locked
from dockerlab.engine.members import Announced, BadBundleError, Member, Part
from dockerlab.engine.progress import Progress, silent
from dockerlab.engine.registry import Registry, Target
from dockerlab.engine.sources import host_distribution
from dockerlab.errors import HubError
from dockerlab.language import _

WORK_LOCK = "work.lock"
"""The file in the hub's folder that whoever fills the hub holds."""

ENGINE = "engine/"
"""What the names of the engine's packages in a bundle begin with."""

_SUM = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Trusted:
    """A bundle that somebody vouches for: a file and the SHA-256 sum that it must have."""

    file: Path
    sha256: str


@dataclass(frozen=True)
class Bundle:
    """A whole bundle, none of it used yet.

    Parameters
    ----------
    file : Path
        Where it is.
    sha256 : str
        Its sum, in hexadecimal digits.
    size : int
        Its size in bytes.
    about : mapping of str to str
        What it says of itself, which nobody has verified: ``made_by`` and ``system``.
    """

    file: Path
    sha256: str
    size: int
    about: Mapping[str, str]

    def trust(self, sha256: str) -> Trusted:
        """Trust it because somebody gave its sum.

        Raises
        ------
        HubError
            The sum is another one, or none.
        """
        given = "".join(sha256.split()).lower().removeprefix("sha256:")
        if not _SUM.fullmatch(given):
            raise HubError(
                _("{sum!r} is no SHA-256 sum.").format(sum=sha256[:80]),
                _("It has 64 digits from 0 to f; 'dockerlab hub bundle save' prints it."),
            )
        if given != self.sha256:
            raise HubError(
                _("{file} is not the bundle you were told of: its sum is {sum}.").format(
                    file=self.file, sum=self.sha256
                ),
                _("Copy it again, and ask whoever made it for the sum."),
            )
        return Trusted(self.file, given)


def save(
    hub: Registry, file: Path, progress: Progress = silent, *, packages: Iterable[Part] = ()
) -> Bundle:
    """Write all course images, and packages, into ``file``, whole or not at all.

    Parameters
    ----------
    hub : Registry
        The running hub.
    file : Path
        The bundle to write; one that exists is replaced.
    progress : Progress, optional
        Told the bytes written.
    packages : iterable of Part, optional
        What brings the engine.

    Returns
    -------
    Bundle
        What was written.

    Raises
    ------
    HubError, EngineError
        The hub lacks an image, or the file can't be written.
    """
    parts = [*archive.parts(hub, COURSE_IMAGES), *packages]
    about = {"made_by": f"dockerlab {version('dockerlab')}", "system": " ".join(_system())}
    try:
        require_writable(file)
        require_space(file.parent, sum(part.member.size for part in parts))
        temporary = file.with_name(f".{file.name}.{os.getpid()}.part")
        try:
            with temporary.open("xb") as stream:
                members.write(stream, about, parts, progress)
            with temporary.open("rb") as written:
                sha256 = file_digest(written, "sha256").hexdigest()
            temporary.replace(file)
        finally:
            temporary.unlink(missing_ok=True)
        return Bundle(file, sha256, file.stat().st_size, about)
    except OSError as error:
        raise file_error(error, file) from error


def inspect(file: Path, progress: Progress = silent) -> Bundle:
    """Read all of a bundle and write nothing.

    Raises
    ------
    HubError
        It is none, was cut short or damaged, or is of another version or system.
    """
    with _reading(file), opened(file) as stream:
        announced, sha256 = members.read(stream, progress=progress)
        _require_fitting(announced, packages=False)
        return Bundle(file, sha256, os.fstat(stream.fileno()).st_size, announced.about)


def load(
    hub: Target,
    trusted: Trusted,
    folder: Path,
    *,
    wanted: Callable[[CourseImage], bool] = lambda _image: True,
    progress: Progress = silent,
) -> tuple[CourseImage, ...]:
    """Put a bundle's images into the hub, after all of it has been checked.

    Parameters
    ----------
    hub : Target
        The hub's storage.
    trusted : Trusted
        The bundle.
    folder : Path
        A folder on a disk with room for the bundle's content.
    wanted : callable, optional
        Says which images to take; all by default.
    progress : Progress, optional
        Told the bytes checked, then the bytes stored.

    Returns
    -------
    tuple of CourseImage
        What was put into the hub.

    Raises
    ------
    HubError, EngineError
        The file is no bundle, not the trusted one, cut short or damaged, made for another
        system, or the disk is full. The hub is then as it was.
    """
    with unpacked(trusted, folder, packages=False, progress=progress) as content:
        return content.store(hub, wanted, progress)


@dataclass(frozen=True)
class Content:
    """A trusted bundle's content, checked and unpacked."""

    file: Path
    folder: Path
    entries: tuple[Entry, ...]

    def store(
        self,
        hub: Target,
        wanted: Callable[[CourseImage], bool] = lambda _image: True,
        progress: Progress = silent,
    ) -> tuple[CourseImage, ...]:
        """Put its images into the hub; takes and raises what `load` does."""
        taken = [entry for entry in self.entries if wanted(entry.image)]
        try:
            _store(hub, taken, self.folder, progress)
        except OSError as error:
            raise file_error(error, self.folder) from error
        return tuple(entry.image for entry in taken)


@contextmanager
def unpacked(
    trusted: Trusted, folder: Path, *, packages: bool, progress: Progress = silent
) -> Iterator[Content]:
    """Unpack a trusted bundle into a folder that lasts as long as the context.

    One job at a time; what a killed one left is removed.

    Parameters
    ----------
    trusted : Trusted
        The bundle.
    folder : Path
        A folder on a disk with room for the content.
    packages : bool
        Whether the engine's packages are wanted too.
    progress : Progress, optional
        Told the bytes read.

    Raises
    ------
    HubError, EngineError
        As `load`; nothing is then left in ``folder``.
    """

    def target(member: Member) -> Path | None:
        return place / member.name if packages or not member.name.startswith(ENGINE) else None

    def accept(announced: Announced) -> None:
        _require_fitting(announced, packages=packages)
        require_space(folder, announced.size)

    try:
        with locked(folder / WORK_LOCK):
            for left in folder.glob("bundle-*"):
                shutil.rmtree(left, ignore_errors=True)
            with tempfile.TemporaryDirectory(prefix="bundle-", dir=folder) as name:
                place = Path(name)
                with _reading(trusted.file), opened(trusted.file) as stream:
                    announced, sha256 = members.read(stream, accept, target, progress)
                    Bundle(trusted.file, sha256, 0, announced.about).trust(trusted.sha256)
                    entries = archive.read(place)
                yield Content(trusted.file, place, entries)
    except OSError as error:
        raise file_error(error, trusted.file) from error


def _system() -> tuple[str, ...]:
    """Name what a bundle made here is for: distribution, suite and architecture."""
    return (*host_distribution(), host_architecture())


def _require_fitting(announced: Announced, *, packages: bool) -> None:
    """Refuse what is for another machine; for images alone only the architecture counts."""
    theirs = tuple(announced.about["system"].split())
    ours = _system() if packages else (host_architecture(),)
    if theirs[-len(ours) :] != ours:
        raise HubError(
            _("The bundle is for {theirs}; this machine is {ours}.").format(
                theirs=" ".join(theirs), ours=" ".join(ours)
            ),
            _("Make a bundle on a machine like this one."),
        )


@contextmanager
def _reading(file: Path) -> Iterator[None]:
    """Name the file in whatever is wrong with it."""
    try:
        yield
    except BadBundleError as error:
        raise HubError(
            _("{file} is no whole bundle of the course's images: {cause}.").format(
                file=file, cause=error
            ),
            _("Copy it again, or make a new one: dockerlab hub bundle save FILE"),
        ) from error
    except HubError as error:
        if str(file) in error.problem:
            raise
        raise HubError(f"{file}: {error.problem}", error.mend) from error


def _store(hub: Target, entries: list[Entry], folder: Path, progress: Progress) -> None:
    """Upload all blobs, and only then the manifests, so that no image is half there."""
    total = sum(blob.size for entry in entries for blob in entry.manifest.blobs)
    label = _("Storing the images")
    done = 0
    for entry in entries:
        repository = entry.image.repository
        for blob in entry.manifest.blobs:
            if not hub.has_blob(repository, blob):
                with archive.require(folder, blob).open("rb") as stream:
                    hub.put_blob(repository, blob, stream)
            done += blob.size
            progress(label, done, total)
    for entry in entries:
        for tag in entry.image.tags:
            hub.put_manifest(entry.image.repository, tag, entry.manifest)

"""All course images as one file, for machines with neither network nor mirror.

Everything in a bundle is named by its digest, so one that was cut short or tampered with is
known before any of it is used.
"""

import hashlib
import json
import os
import re
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from dockerlab.engine import provisions
from dockerlab.engine.archive import IMAGE_NAME, Entry, write
from dockerlab.engine.disk import file_error
from dockerlab.engine.images import COURSE_IMAGES, CourseImage, host_architecture
from dockerlab.engine.locking import locked
from dockerlab.engine.progress import Progress, silent
from dockerlab.engine.registry import CHUNK, Registry, Target
from dockerlab.errors import HubError
from dockerlab.facts.registry.manifest import MANIFEST_LIMIT, MANIFEST_TYPES, Descriptor, Manifest
from dockerlab.language import _

WORK_LOCK = "work.lock"
"""The file in the hub's folder that whoever fills the hub holds."""

_HEAD = ("oci-layout", "index.json", "manifest.json")
_FOLDERS = ("blobs", "blobs/sha256")
_BLOB = re.compile(r"blobs/sha256/([0-9a-f]{64})")


def save(
    hub: Registry,
    file: Path,
    progress: Progress = silent,
    *,
    finish: Callable[[Path], None] = lambda _file: None,
) -> int:
    """Write all course images into ``file``, whole or not at all.

    Parameters
    ----------
    hub : Registry
        The running hub.
    file : Path
        The bundle to write; one that exists is replaced.
    progress : Progress, optional
        Told the bytes written.
    finish : callable, optional
        Given the file before it is shown under its name, to append what else belongs in it.

    Returns
    -------
    int
        The bundle's size in bytes.

    Raises
    ------
    HubError
        The hub lacks an image, or the file can't be written.
    """
    temporary = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        with temporary.open("xb") as stream:
            write(hub, COURSE_IMAGES, stream, progress)
        finish(temporary)
        temporary.replace(file)
        return file.stat().st_size
    except OSError as error:
        raise file_error(error, file) from error
    finally:
        temporary.unlink(missing_ok=True)


def load(
    hub: Target,
    file: Path,
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
    file : Path
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
    HubError
        The file is no bundle, cut short, tampered with, made for another architecture, or the
        disk is full. The hub is then as it was.
    """
    try:
        with _work(folder) as unpacked, _reading(file):
            entries = _unpack(file, Path(unpacked), progress)
            taken = [entry for entry in entries if wanted(entry.image)]
            _store(hub, taken, Path(unpacked), progress)
            return tuple(entry.image for entry in taken)
    except OSError as error:
        raise file_error(error, file) from error


@contextmanager
def _work(folder: Path) -> Iterator[str]:
    """Give a folder to unpack into, one job at a time; what a killed one left is removed."""
    with locked(folder / WORK_LOCK):
        for left in folder.glob("bundle-*"):
            shutil.rmtree(left, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix="bundle-", dir=folder) as unpacked:
            yield unpacked


class _BadBundleError(Exception):
    """What is wrong with a bundle."""


@contextmanager
def _reading(file: Path) -> Iterator[None]:
    """Name the file in whatever is wrong with it."""
    try:
        yield
    except (
        _BadBundleError, tarfile.TarError, EOFError, ValueError, KeyError, TypeError,
        AttributeError,
    ) as error:  # fmt: skip
        raise HubError(
            _("{file} is no whole bundle of the course's images: {cause}.").format(
                file=file, cause=str(error) or type(error).__name__
            ),
            _("Copy it again, or make a new one: dockerlab hub bundle save FILE"),
        ) from error


def _unpack(file: Path, folder: Path, progress: Progress) -> list[Entry]:
    """Unpack a bundle's blobs, each named by the digest it was found to have."""
    label = _("Checking the bundle")
    total = file.stat().st_size
    head: dict[str, bytes] = {}
    with tarfile.open(file, "r:") as archive:
        for member in archive:
            name = member.name
            blob = _BLOB.fullmatch(name)
            if (member.isdir() and name in _FOLDERS) or provisions.MEMBER.fullmatch(name):
                continue
            plain = member.isreg() and not member.issparse()
            content = archive.extractfile(member) if plain else None
            if content is None or not (blob or name in _HEAD):
                raise _BadBundleError(_("{name!r} does not belong in it").format(name=name))
            if blob is None:
                if member.size > MANIFEST_LIMIT:
                    raise _BadBundleError(_("{name!r} is too large").format(name=name))
                head[name] = content.read()
            else:
                _unpack_blob(content, folder / blob[1], member.size)
            progress(label, archive.offset, total)
    if "index.json" not in head:
        raise _BadBundleError(_("it has no index"))
    index = json.loads(head["index.json"])
    entries = _entries(index["manifests"], folder)
    for entry in entries:
        for part in entry.manifest.blobs:
            _require(folder, part)
    return entries


def _unpack_blob(content: IO[bytes], target: Path, size: int) -> None:
    digest = hashlib.sha256()
    written = 0
    with target.open("wb") as output:
        while chunk := content.read(CHUNK):
            digest.update(chunk)
            written += len(chunk)
            output.write(chunk)
    if written != size:
        raise _BadBundleError(_("it ends too early"))
    if digest.hexdigest() != target.name:
        raise _BadBundleError(_("blob {name} has other bytes").format(name=target.name[:12]))


def _entries(descriptors: list[Mapping[str, Any]], folder: Path) -> list[Entry]:
    known = {reference: image for image in COURSE_IMAGES for reference in image.references}
    found: dict[str, Entry] = {}
    for fields in descriptors:
        descriptor = Descriptor.read(fields)
        name = fields["annotations"][IMAGE_NAME].removeprefix("docker.io/library/")
        if name not in known:
            raise _BadBundleError(_("{name!r} is no image of the course").format(name=name))
        if descriptor.media_type not in MANIFEST_TYPES or descriptor.size > MANIFEST_LIMIT:
            raise _BadBundleError(_("{name} has no manifest").format(name=name))
        content = _require(folder, descriptor).read_bytes()
        manifest = Manifest.read(content, descriptor.media_type)
        image = known[name]
        if found.setdefault(image.name, Entry(image, manifest)).manifest != manifest:
            raise _BadBundleError(_("the tags of {name} differ").format(name=image.name))
        _require_architecture(image, _require(folder, manifest.config))
    if not found:
        raise _BadBundleError(_("it holds no image"))
    return list(found.values())


def _require(folder: Path, blob: Descriptor) -> Path:
    path = folder / blob.digest.removeprefix("sha256:")
    if not path.exists() or path.stat().st_size != blob.size:
        raise _BadBundleError(_("blob {name} is missing").format(name=path.name[:12]))
    return path


def _require_architecture(image: CourseImage, config: Path) -> None:
    if config.stat().st_size > MANIFEST_LIMIT:
        raise _BadBundleError(_("{name} has no configuration").format(name=image.name))
    made_for = json.loads(config.read_bytes())["architecture"]
    if made_for != host_architecture():
        raise _BadBundleError(
            _("{name} is for {theirs}, this machine is {ours}").format(
                name=image.name, theirs=made_for, ours=host_architecture()
            )
        )


def _store(hub: Target, entries: list[Entry], folder: Path, progress: Progress) -> None:
    """Upload all blobs, and only then the manifests, so that no image is half there."""
    total = sum(blob.size for entry in entries for blob in entry.manifest.blobs)
    label = _("Storing the images")
    done = 0
    for entry in entries:
        repository = entry.image.repository
        for blob in entry.manifest.blobs:
            if not hub.has_blob(repository, blob):
                with _require(folder, blob).open("rb") as stream:
                    hub.put_blob(repository, blob, stream)
            done += blob.size
            progress(label, done, total)
    for entry in entries:
        for tag in entry.image.tags:
            hub.put_manifest(entry.image.repository, tag, entry.manifest)

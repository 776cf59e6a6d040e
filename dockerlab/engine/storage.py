"""What the hub holds, as files: put there by dockerlab alone, and compared with a record.

The folders are those of the registry's own file system driver, so that the registry, which only
reads, serves what is put here. Nothing that listens can write: whoever is to fill the hub must
be able to write its user's own files.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from dockerlab.engine.images import BUILT_FROM_LABEL, CourseImage
from dockerlab.engine.places import Places
from dockerlab.errors import HubError
from dockerlab.facts.registry.manifest import (
    MANIFEST_LIMIT,
    Descriptor,
    Manifest,
    digest_of,
)
from dockerlab.language import _

BUILT = "Debian packages"
"""The origin of an image that was built here."""

RECORD = "digests.json"
"""The file in the hub's folder, beside its storage, that says what was put into it."""

State = Literal["whole", "missing", "changed"]

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_HASHED = 0  # the time of change of a file that is known to have its digest


@dataclass(frozen=True)
class Put:
    """What was put into the hub under one name: its digests, and where it came from."""

    manifest: str
    config: str
    origin: str


def known_digests(places: Places) -> Mapping[str, frozenset[str]]:
    """Tell by which IDs engines call the images of the hub.

    An engine with the overlay2 store calls an image by its configuration's digest, one with the
    containerd store by its manifest's.

    Parameters
    ----------
    places : Places
        Whose hub.

    Returns
    -------
    Mapping
        For names such as ``busybox:latest`` both digests; empty where nothing is known.
    """
    put = _read(places.hub / RECORD)
    return MappingProxyType(
        {name: frozenset((each.manifest, each.config)) for name, each in put.items()}
    )


class Storage:
    """The files of one hub. Only one job at a time may write: it holds the hub's lock.

    Parameters
    ----------
    folder : Path
        The registry's root directory.
    record : Path
        The file that says what was put there.
    origin : str
        Where what will be put there comes from.
    """

    def __init__(self, folder: Path, record: Path, origin: str = "") -> None:
        self._root = folder / "docker/registry/v2"
        self._incoming = folder.parent / "incoming"
        self._record = record
        self._origin = origin

    def put(self) -> Mapping[str, Put]:
        """Tell what was put there, by names such as ``debian:12``."""
        return _read(self._record)

    def state(self, image: CourseImage, *, thorough: bool = False) -> State:
        """Tell whether all of an image is there, and is what was put there.

        Parameters
        ----------
        image : CourseImage
            The image, with all its tags.
        thorough : bool
            Whether to read also what no program has touched since it was put there.
        """
        states = {self.state_of(image.repository, tag, thorough=thorough) for tag in image.tags}
        return "changed" if "changed" in states else "missing" if "missing" in states else "whole"

    def state_of(self, repository: str, tag: str, *, thorough: bool = False) -> State:
        """Tell the same of one tag."""
        digest = self._linked(self._tag(repository, tag) / "current/link")
        if not digest:
            return "missing"
        name = f"{repository.removeprefix('library/')}:{tag}"
        known = self.put().get(name)
        if known is None or known.manifest != digest:
            return "changed"
        manifest = self._manifest(repository, digest)
        if manifest is None or manifest.config.digest != known.config:
            return "changed"
        whole = all(
            self._linked(self._layer(repository, blob)) == blob.digest
            and self._is_sound(blob, thorough=thorough)
            for blob in manifest.blobs
        )
        return "whole" if whole else "changed"

    def has_blob(self, _repository: str, wanted: Descriptor) -> bool:
        """Tell whether a blob is there, with the bytes that its digest stands for."""
        return self._is_sound(wanted, thorough=True)

    def put_blob(self, _repository: str, wanted: Descriptor, content: Iterable[bytes]) -> None:
        """Put a blob there, whole or not at all.

        Raises
        ------
        HubError
            It has other bytes than its digest stands for.
        """
        digest, size = hashlib.sha256(), 0
        self._incoming.unlink(missing_ok=True)
        try:
            with os.fdopen(_private(self._incoming), "wb") as target:
                for chunk in content:
                    digest.update(chunk)
                    size += len(chunk)
                    target.write(chunk)
            if (f"sha256:{digest.hexdigest()}", size) != (wanted.digest, wanted.size):
                raise HubError(
                    _("What was to be stored is not what {digest} stands for.").format(
                        digest=wanted.digest
                    ),
                    _("Try again."),
                )
            os.utime(self._incoming, ns=(_HASHED, _HASHED))
            self._place(self._blob(wanted.digest))
        finally:
            self._incoming.unlink(missing_ok=True)

    def put_manifest(self, repository: str, tag: str, manifest: Manifest) -> None:
        """Give a tag to an image whose blobs are all there.

        Raises
        ------
        HubError
            One of them is not.
        """
        digest = manifest.descriptor.digest
        for blob in manifest.blobs:
            if not self._is_sound(blob):
                raise HubError(
                    _("The image {image} is not complete.").format(image=f"{repository}:{tag}"),
                    _("Try again."),
                )
            self._link(self._layer(repository, blob), blob.digest)
        self.put_blob(repository, manifest.descriptor, [manifest.content])
        self._link(self._revision(repository, digest), digest)
        name = f"{repository.removeprefix('library/')}:{tag}"
        origin = BUILT if self._built_here(manifest) else self._origin
        put = {**self.put(), name: Put(digest, manifest.config.digest, origin)}
        fields = {each: asdict(value) for each, value in put.items()}
        self._write(self._record, json.dumps(fields, indent=1))
        tagged = self._tag(repository, tag)
        self._link(tagged / "index/sha256" / _hex(digest) / "link", digest)
        self._link(tagged / "current/link", digest)

    def _manifest(self, repository: str, digest: str) -> Manifest | None:
        if self._linked(self._revision(repository, digest)) != digest:
            return None
        content = _content(self._blob(digest), MANIFEST_LIMIT)
        if digest_of(content) != digest:
            return None
        try:
            return Manifest.read(content)
        except (ValueError, TypeError, RecursionError):
            return None

    def _built_here(self, manifest: Manifest) -> bool:
        try:
            fields = json.loads(_content(self._blob(manifest.config.digest), MANIFEST_LIMIT))
            return BUILT_FROM_LABEL in fields["config"]["Labels"]
        except (ValueError, LookupError, TypeError, RecursionError):
            return False

    def _is_sound(self, wanted: Descriptor, *, thorough: bool = False) -> bool:
        """Compare a blob's size, and its digest unless its file is as it was put there."""
        file = self._blob(wanted.digest)
        try:
            found = file.stat()
            if found.st_size != wanted.size:
                return False
            if found.st_mtime_ns == _HASHED and not thorough:
                return True
            with file.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
            if f"sha256:{digest}" != wanted.digest:
                return False
            os.utime(file, ns=(_HASHED, _HASHED))
        except OSError:
            return False
        return True

    def _blob(self, digest: str) -> Path:
        return self._root / "blobs/sha256" / _hex(digest)[:2] / _hex(digest) / "data"

    def _layer(self, repository: str, blob: Descriptor) -> Path:
        return self._repository(repository) / "_layers/sha256" / _hex(blob.digest) / "link"

    def _revision(self, repository: str, digest: str) -> Path:
        return self._repository(repository) / "_manifests/revisions/sha256" / _hex(digest) / "link"

    def _tag(self, repository: str, tag: str) -> Path:
        return self._repository(repository) / "_manifests/tags" / tag

    def _repository(self, repository: str) -> Path:
        return self._root / "repositories" / repository

    def _linked(self, link: Path) -> str:
        found = _content(link, 100).decode("ascii", errors="replace")
        return found if _DIGEST.fullmatch(found) else ""

    def _link(self, link: Path, digest: str) -> None:
        if self._linked(link) != digest:
            self._write(link, digest)

    def _write(self, file: Path, content: str) -> None:
        self._incoming.unlink(missing_ok=True)
        with os.fdopen(_private(self._incoming), "w", encoding="ascii") as target:
            target.write(content)
        self._place(file)

    def _place(self, file: Path) -> None:
        """Give what came in its name; folders on the way are the user's alone."""
        for folder in reversed(file.parents):
            if not folder.exists():
                folder.mkdir(mode=0o700, exist_ok=True)
        if file.is_dir():  # a damaged disk's, for nothing of ours makes one
            shutil.rmtree(file)
        self._incoming.replace(file)


def _read(record: Path) -> dict[str, Put]:
    """Read the record; what is not as it was written counts as not known."""
    try:
        fields = json.loads(_content(record, MANIFEST_LIMIT))
    except (ValueError, RecursionError):
        return {}
    found = {}
    for name, value in fields.items() if isinstance(fields, dict) else ():
        if isinstance(value, dict):
            put = Put(*(str(value.get(key, "")) for key in ("manifest", "config", "origin")))
            if _DIGEST.fullmatch(put.manifest) and _DIGEST.fullmatch(put.config):
                found[name] = put
    return found


def _content(file: Path, limit: int) -> bytes:
    """Give a small file's bytes; nothing where it can't be read or is larger."""
    try:
        if file.stat().st_size > limit or not file.is_file():
            return b""
        return file.read_bytes()
    except OSError:
        return b""


def _private(file: Path) -> int:
    return os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)


def _hex(digest: str) -> str:
    return digest.removeprefix("sha256:")

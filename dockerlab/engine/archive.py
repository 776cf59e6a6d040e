"""Images of the hub as one archive, which ``docker load`` of any engine reads.

It is an OCI image layout in a tar archive, as ``docker save`` of Engine 25 and newer writes
it, with the ``manifest.json`` that older engines want. The index comes first and names
everything by digest.
"""

import io
import json
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO

from dockerlab.engine.images import CourseImage, host_architecture
from dockerlab.engine.progress import Progress, silent
from dockerlab.engine.registry import Registry
from dockerlab.errors import HubError
from dockerlab.facts.registry.manifest import Descriptor, Manifest
from dockerlab.language import _

IMAGE_NAME = "io.containerd.image.name"
"""Annotation of an index that names an image in full."""

_REFERENCE = "org.opencontainers.image.ref.name"


@dataclass(frozen=True)
class Entry:
    """One image of an archive."""

    image: CourseImage
    manifest: Manifest


def write(
    hub: Registry, images: Iterable[CourseImage], target: IO[bytes], progress: Progress = silent
) -> None:
    """Write images of the hub as an archive that ``docker load`` and `load` read.

    Raises
    ------
    HubError
        The hub lacks one of them.
    """
    entries = [Entry(image, _held(hub, image)) for image in images]
    sources = {
        blob.digest: (entry.image.repository, blob)
        for entry in entries
        for blob in entry.manifest.blobs
    }
    total = sum(blob.size for _repository, blob in sources.values())
    label = _("Writing the images")
    done = 0
    with tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in _head(entries).items():
            _add(archive, name, content)
        for entry in entries:
            digest = entry.manifest.descriptor.digest
            _add(archive, f"blobs/sha256/{digest.removeprefix('sha256:')}", entry.manifest.content)
        for repository, blob in sources.values():
            header = tarfile.TarInfo(f"blobs/sha256/{blob.digest.removeprefix('sha256:')}")
            header.size = blob.size
            archive.addfile(header, _Stream(hub.blob(repository, blob)))
            done += blob.size
            progress(label, done, total)


def _held(hub: Registry, image: CourseImage) -> Manifest:
    manifest = hub.manifest(image.repository, image.tags[0], host_architecture())
    if manifest is None:
        raise HubError(
            _("The hub has no {image}.").format(image=image.references[0]),
            _("Fill it: dockerlab hub pull"),
        )
    return manifest


def _head(entries: list[Entry]) -> dict[str, bytes]:
    index = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [
            {
                **entry.manifest.descriptor.to_json(),
                "annotations": {IMAGE_NAME: f"docker.io/library/{name}", _REFERENCE: tag},
            }
            for entry in entries
            for name, tag in zip(entry.image.references, entry.image.tags, strict=True)
        ],
    }
    listing = [
        {
            "Config": _path(entry.manifest.config),
            "RepoTags": list(entry.image.references),
            "Layers": [_path(layer) for layer in entry.manifest.layers],
        }
        for entry in entries
    ]
    return {
        "index.json": json.dumps(index, indent=1).encode(),
        "manifest.json": json.dumps(listing, indent=1).encode(),
        "oci-layout": b'{"imageLayoutVersion": "1.0.0"}',
    }


def _path(blob: Descriptor) -> str:
    return f"blobs/sha256/{blob.digest.removeprefix('sha256:')}"


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    header = tarfile.TarInfo(name)
    header.size = len(content)
    archive.addfile(header, io.BytesIO(content))


class _Stream:
    """Chunks, readable as a file."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
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

"""Images of the hub as one archive, which ``docker load`` of any engine reads.

It is an OCI image layout in a tar archive, as ``docker save`` of Engine 25 and newer writes
it, with the ``manifest.json`` that older engines want. The index names everything by digest.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO

from dockerlab.engine.images import CourseImage, host_architecture
from dockerlab.engine.members import Member, Part, write_parts
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
    """Write images of the hub as an archive that ``docker load`` reads.

    Raises
    ------
    HubError
        The hub lacks one of them.
    """
    write_parts(target, parts(hub, images), progress)


def parts(hub: Registry, images: Iterable[CourseImage]) -> list[Part]:
    """Give the files of such an archive.

    Raises
    ------
    HubError
        The hub lacks one of the images.
    """
    entries = [Entry(image, _held(hub, image)) for image in images]
    files = {name: Part.of_bytes(name, content) for name, content in _head(entries).items()}
    for entry in entries:
        name = path_of(entry.manifest.descriptor)
        files[name] = Part.of_bytes(name, entry.manifest.content)
        for blob in entry.manifest.blobs:
            files[path_of(blob)] = _blob(hub, entry.image.repository, blob)
    return list(files.values())


def path_of(blob: Descriptor) -> str:
    """Name the file that holds a blob."""
    return f"blobs/sha256/{blob.digest.removeprefix('sha256:')}"


def _blob(hub: Registry, repository: str, blob: Descriptor) -> Part:
    def chunks() -> Iterator[bytes]:
        return hub.blob(repository, blob)

    return Part(Member(path_of(blob), blob.size, blob.digest.removeprefix("sha256:")), chunks)


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
            "Config": path_of(entry.manifest.config),
            "RepoTags": list(entry.image.references),
            "Layers": [path_of(layer) for layer in entry.manifest.layers],
        }
        for entry in entries
    ]
    return {
        "index.json": json.dumps(index, indent=1).encode(),
        "manifest.json": json.dumps(listing, indent=1).encode(),
        "oci-layout": b'{"imageLayoutVersion": "1.0.0"}',
    }

"""Images of the hub as one archive, which ``docker load`` of any engine reads.

It is an OCI image layout in a tar archive, as ``docker save`` of Engine 25 and newer writes
it, with the ``manifest.json`` that older engines want. The index names everything by digest.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from dockerlab.engine.images import COURSE_IMAGES, CourseImage, host_architecture
from dockerlab.engine.members import BadBundleError, Member, Part, write_parts
from dockerlab.engine.progress import Progress, silent
from dockerlab.engine.registry import Registry
from dockerlab.errors import HubError
from dockerlab.facts.registry.manifest import MANIFEST_LIMIT, MANIFEST_TYPES, Descriptor, Manifest
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


def read(folder: Path) -> tuple[Entry, ...]:
    """Read such an archive, unpacked; each of its files has the bytes its name stands for.

    Raises
    ------
    BadBundleError
        It lacks something, or has what is none of the course's images for this machine.
    """
    path = folder / "index.json"
    if not path.is_file() or path.stat().st_size > MANIFEST_LIMIT:
        raise BadBundleError(_("it has no index"))
    try:
        entries = _entries(json.loads(path.read_bytes())["manifests"], folder)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise BadBundleError(_("its index is damaged ({cause})").format(cause=error)) from error
    for entry in entries:
        for part in entry.manifest.blobs:
            require(folder, part)
    return tuple(entries)


def _entries(descriptors: list[Mapping[str, Any]], folder: Path) -> list[Entry]:
    known = {reference: image for image in COURSE_IMAGES for reference in image.references}
    found: dict[str, Entry] = {}
    named: set[str] = set()
    for fields in descriptors:
        descriptor = Descriptor.read(fields)
        name = fields["annotations"][IMAGE_NAME].removeprefix("docker.io/library/")
        if name not in known:
            raise BadBundleError(_("{name!r} is no image of the course").format(name=name))
        if descriptor.media_type not in MANIFEST_TYPES or descriptor.size > MANIFEST_LIMIT:
            raise BadBundleError(_("{name} has no manifest").format(name=name))
        content = require(folder, descriptor).read_bytes()
        manifest = Manifest.read(content, descriptor.media_type)
        image = known[name]
        named.add(name)
        if found.setdefault(image.name, Entry(image, manifest)).manifest != manifest:
            raise BadBundleError(_("the tags of {name} differ").format(name=image.name))
        _require_architecture(image, require(folder, manifest.config))
    if missing := known.keys() - named:
        raise BadBundleError(_("it lacks {image}").format(image=min(missing)))
    return list(found.values())


def require(folder: Path, blob: Descriptor) -> Path:
    """Find an unpacked blob.

    Raises
    ------
    BadBundleError
        It is not there with its size.
    """
    path = folder / path_of(blob)
    if not path.exists() or path.stat().st_size != blob.size:
        raise BadBundleError(_("blob {name} is missing").format(name=path.name[:12]))
    return path


def _require_architecture(image: CourseImage, config: Path) -> None:
    if config.stat().st_size > MANIFEST_LIMIT:
        raise BadBundleError(_("{name} has no configuration").format(name=image.name))
    made_for = json.loads(config.read_bytes())["architecture"]
    if made_for != host_architecture():
        raise BadBundleError(
            _("{name} is for {theirs}, this machine is {ours}").format(
                name=image.name, theirs=made_for, ours=host_architecture()
            )
        )

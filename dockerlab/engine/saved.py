"""Take an image that an engine saved (``docker save``) into the hub.

So no engine has to be able to write to the hub, and nothing has to listen for it. Every store
and generation saves a ``manifest.json``; the layers are packed as a push packs them.
"""

import gzip
import hashlib
import json
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from dockerlab.engine.images import CourseImage
from dockerlab.engine.registry import CHUNK, Target
from dockerlab.errors import HubError
from dockerlab.facts.registry.manifest import (
    MANIFEST_LIMIT,
    Descriptor,
    Manifest,
    digest_of,
)
from dockerlab.language import _

_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_CONFIG = "application/vnd.docker.container.image.v1+json"
_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
_GZIP = b"\x1f\x8b"


def take(hub: Target, image: CourseImage, file: Path, packed: dict[str, Descriptor]) -> None:
    """Put a saved image into the hub under all its tags.

    Parameters
    ----------
    hub : Target
        The hub's storage.
    image : CourseImage
        Which image it is.
    file : Path
        What the engine saved: this one image. Its folder is worked in.
    packed : dict
        Layers that were put there before, by the digests configurations call them by; those of
        this image are added. So what images share is packed once.

    Raises
    ------
    HubError
        It is no saved image, or its layers are not those of its configuration.
    """
    try:
        with tarfile.open(file, "r:") as archive:
            _take(hub, image, archive, file.with_name("layer.gz"), packed)
    except (
        tarfile.TarError, EOFError, zlib.error, ValueError, TypeError, LookupError, RecursionError
    ) as error:  # fmt: skip
        raise HubError(
            _("The engine saved no usable image {image}: {cause}.").format(
                image=image.references[0], cause=str(error) or type(error).__name__
            ),
            _("Check the engine with 'dockerlab doctor', or load a bundle."),
        ) from error


def _take(
    hub: Target,
    image: CourseImage,
    archive: tarfile.TarFile,
    work: Path,
    packed: dict[str, Descriptor],
) -> None:
    (entry,) = json.loads(_small(archive, "manifest.json"))
    config = _small(archive, entry["Config"])
    plain_digests = json.loads(config)["rootfs"]["diff_ids"]
    for name, plain in zip(entry["Layers"], plain_digests, strict=True):
        if plain not in packed:
            layer = _pack(_member(archive, name), work, plain)
            with work.open("rb") as stream:
                hub.put_blob(image.repository, layer, _chunks(stream))
            packed[plain] = layer
    layers = [packed[plain] for plain in plain_digests]
    described = Descriptor(_CONFIG, digest_of(config), len(config))
    hub.put_blob(image.repository, described, [config])
    fields = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": described.to_json(),
        "layers": [layer.to_json() for layer in layers],
    }
    manifest = Manifest.read(json.dumps(fields, indent=3).encode())
    for tag in image.tags:
        hub.put_manifest(image.repository, tag, manifest)


def _pack(content: IO[bytes], target: Path, plain: str) -> Descriptor:
    """Pack a layer as gzip, unless it is; it must be the one its image's configuration names."""
    with target.open("wb") as output:
        if content.read(len(_GZIP)) == _GZIP:
            content.seek(0)
            output.writelines(_chunks(content))
        else:
            content.seek(0)
            packer = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)  # gzip's head, without a time
            output.writelines(packer.compress(chunk) for chunk in _chunks(content))
            output.write(packer.flush())
    with gzip.open(target) as unpacked:
        found = hashlib.file_digest(unpacked, "sha256").hexdigest()
    if f"sha256:{found}" != plain:
        raise ValueError(_("a layer has other bytes"))
    with target.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return Descriptor(_LAYER, f"sha256:{digest}", target.stat().st_size)


def _small(archive: tarfile.TarFile, name: str) -> bytes:
    content = _member(archive, name).read(MANIFEST_LIMIT + 1)
    if len(content) > MANIFEST_LIMIT:
        raise ValueError(_("{name!r} is too large").format(name=name))
    return content


def _member(archive: tarfile.TarFile, name: object) -> IO[bytes]:
    found = archive.extractfile(str(name))
    if found is None:
        raise ValueError(_("{name!r} is no file").format(name=str(name)))
    return found


def _chunks(stream: IO[bytes]) -> Iterator[bytes]:
    while chunk := stream.read(CHUNK):
        yield chunk

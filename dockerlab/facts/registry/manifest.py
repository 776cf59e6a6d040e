"""What registries say of images: manifests, indexes and descriptors, as checked values."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

INDEX_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
MANIFEST_TYPES = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
MANIFEST_LIMIT = 4 * 2**20
"""Bytes a manifest or a configuration may have, as registries themselves limit it."""

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def digest_of(content: bytes) -> str:
    """Give the digest by which registries call ``content``."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def is_digest(text: str) -> bool:
    """Tell whether this is the SHA-256 digest of something."""
    return _DIGEST.fullmatch(text) is not None


@dataclass(frozen=True)
class Descriptor:
    """What a manifest says of a blob or of another manifest; ``size`` in bytes."""

    media_type: str
    digest: str
    size: int

    @classmethod
    def read(cls, fields: Mapping[str, Any]) -> "Descriptor":
        """Read a descriptor's JSON.

        Raises
        ------
        ValueError
            It has no SHA-256 digest or no size.
        """
        digest, size = fields.get("digest"), fields.get("size")
        if not (isinstance(digest, str) and is_digest(digest)):
            raise ValueError(f"no digest: {digest!r}")
        if not (isinstance(size, int) and size >= 0):
            raise ValueError(f"no size: {size!r}")
        return cls(str(fields.get("mediaType", "")), digest, size)

    def to_json(self) -> dict[str, str | int]:
        """Give the descriptor as manifests write it."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size}


@dataclass(frozen=True)
class Manifest:
    """A manifest: the bytes its digest is made from, and what they say.

    ``config`` is the image's configuration and ``layers`` its layers from the ground up.
    """

    media_type: str
    content: bytes
    config: Descriptor
    layers: tuple[Descriptor, ...]

    @classmethod
    def read(cls, content: bytes, announced: str = "") -> "Manifest":
        """Read the manifest of one image.

        Parameters
        ----------
        content : bytes
            The manifest's JSON.
        announced : str
            Its media type as whoever gave it says; OCI manifests need not say it themselves.

        Raises
        ------
        ValueError
            It is no manifest of an image for one platform.
        """
        fields = json.loads(content)
        if not isinstance(fields, dict):
            raise ValueError("no JSON object")  # noqa: TRY004 - what was read is wrong, not a call
        media_type = fields.get("mediaType", announced)
        if media_type not in MANIFEST_TYPES:
            raise ValueError("no manifest of an image")
        config, layers = fields.get("config"), fields.get("layers")
        if not (
            isinstance(config, dict)
            and isinstance(layers, list)
            and all(isinstance(layer, dict) for layer in layers)
        ):
            raise ValueError("a manifest without configuration or layers")
        return cls(
            media_type,
            content,
            Descriptor.read(config),
            tuple(Descriptor.read(layer) for layer in layers),
        )

    @property
    def blobs(self) -> tuple[Descriptor, ...]:
        """All the manifest needs: configuration and layers, each once."""
        return tuple({each.digest: each for each in (self.config, *self.layers)}.values())

    @property
    def descriptor(self) -> Descriptor:
        """What an index says of this manifest."""
        return Descriptor(self.media_type, digest_of(self.content), len(self.content))

    @property
    def size(self) -> int:
        """Bytes a pull of the whole image travels, layers compressed."""
        return len(self.content) + sum(blob.size for blob in self.blobs)


def read_image(
    content: bytes, reference: str, announced: str, architecture: str | None
) -> Manifest | Descriptor:
    """Read a manifest, or of an index the entry for an architecture.

    Parameters
    ----------
    content : bytes
        What a registry gave.
    reference : str
        What it was asked for; a digest is checked.
    announced : str
        The media type the registry gave along.
    architecture : str, optional
        Which entry of an index to take, in Go's words (``amd64``).

    Raises
    ------
    ValueError, TypeError, AttributeError, KeyError
        It is no image for that architecture.
    """
    if reference.startswith("sha256:") and digest_of(content) != reference:
        raise ValueError("another manifest than the one asked for")
    fields = json.loads(content)
    if fields.get("mediaType", announced) in INDEX_TYPES:
        return _choose(fields, architecture)
    return Manifest.read(content, announced)


def _choose(index: Mapping[str, Any], architecture: str | None) -> Descriptor:
    for entry in index["manifests"]:
        platform = entry.get("platform", {})
        if platform.get("os") == "linux" and platform.get("architecture") == architecture:
            return Descriptor.read(entry)
    raise ValueError(f"no image for linux/{architecture}")

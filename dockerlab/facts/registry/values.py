"""What a registry holds, as frozen values: sizes in bytes, as they travel (compressed)."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Blob:
    """What a manifest lists: the image's configuration, or a layer."""

    digest: str
    size: int
    kind: Literal["config", "layer"] = "layer"


@dataclass(frozen=True)
class HeldManifest:
    """A manifest: one image for one platform, or what attests one.

    Parameters
    ----------
    platform : str
        As "linux/amd64"; empty where it isn't told.
    attests : str
        The digest of the manifest that this one says something about (how it was built); empty
        for an image. BuildKit lists such a manifest under the platform unknown/unknown.
    blobs : tuple of Blob
        The configuration, then the layers from the base up.
    read : bool
        Whether the manifest itself was read; else only its entry in an index is known.
    """

    digest: str
    size: int
    platform: str = ""
    attests: str = ""
    blobs: tuple[Blob, ...] = ()
    read: bool = True

    @property
    def travels(self) -> int:
        """Bytes that a pull of all of it moves."""
        return sum({blob.digest: blob.size for blob in self.blobs}.values())


@dataclass(frozen=True)
class Target:
    """What tags point at.

    Parameters
    ----------
    kind : str
        "manifest", or "index" for a list of manifests, one a platform; "other" for what is no
        image.
    tags : tuple of str
        The names that point at it.
    """

    digest: str
    kind: Literal["manifest", "index", "other"]
    tags: tuple[str, ...]
    manifests: tuple[HeldManifest, ...] = ()
    media_type: str = ""


@dataclass(frozen=True)
class Repository:
    """A repository and what its tags point at.

    Parameters
    ----------
    tags : int
        How many tags it has.
    targets : tuple of Target
        What was read of them.
    note : str
        Why nothing was read; empty where all went well.
    """

    name: str
    tags: int
    targets: tuple[Target, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class RegistryWorld:
    """A registry.

    Parameters
    ----------
    address : str
        Host and port.
    secure : bool
        Whether it was talked to over TLS.
    user : str
        Who asked; empty for nobody in particular.
    repositories : tuple of Repository
        Those that were read.
    unread : tuple of str
        Those that are in the catalogue too.
    pages : int
        How many pages the catalogue has; 0 where it wasn't asked for.
    """

    address: str
    secure: bool
    repositories: tuple[Repository, ...]
    unread: tuple[str, ...] = ()
    user: str = ""
    pages: int = 0

    @property
    def manifests(self) -> tuple[HeldManifest, ...]:
        """All manifests that were read, each once."""
        found = {m.digest: m for m in self._manifests() if m.read}
        return tuple(found.values())

    @property
    def blobs(self) -> tuple[Blob, ...]:
        """All blobs that were heard of, each once, as the registry stores them."""
        found = {blob.digest: blob for one in self.manifests for blob in one.blobs}
        return tuple(found.values())

    @property
    def shared(self) -> dict[str, int]:
        """The blobs that several manifests list, and by how many."""
        counts = Counter(
            digest for one in self.manifests for digest in {blob.digest for blob in one.blobs}
        )
        return {digest: count for digest, count in counts.items() if count > 1}

    def _manifests(self) -> Iterator[HeldManifest]:
        for repository in self.repositories:
            for target in repository.targets:
                yield from target.manifests

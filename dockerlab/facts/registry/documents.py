"""What is taken of a registry's documents: wrong types are as good as nothing there."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from dockerlab.facts.registry.refusals import Senseless
from dockerlab.facts.registry.values import Blob, HeldManifest

Json = Mapping[str, Any]

LONGEST_NAME = 300
"""Characters of a name that is taken."""

_MOST_LISTED = 1_000  # manifests of an index, layers of a manifest
_LARGEST = 1 << 63


@dataclass(frozen=True)
class ReadManifest:
    """What is kept of a manifest or an index."""

    digest: str
    size: int
    media_type: str
    entries: tuple[HeldManifest, ...]
    blobs: tuple[Blob, ...]


def take_manifest(digest: str, size: int, content: Json) -> ReadManifest:
    """Take from a document what is wanted of it, and no more: it may be of any size.

    Parameters
    ----------
    digest, size : str and int
        Of the document, in bytes.
    content : mapping
        The document.

    Raises
    ------
    Senseless
        It lists more than any image has.
    """
    return ReadManifest(
        digest,
        size,
        _text(content.get("mediaType")),
        tuple(_listed(entry) for entry in _objects(content.get("manifests"))),
        _blobs(content),
    )


def _listed(entry: Json) -> HeldManifest:
    platform, notes = (_object(entry.get(name)) for name in ("platform", "annotations"))
    parts = (platform.get("os"), platform.get("architecture"), platform.get("variant"))
    attestation = notes.get("vnd.docker.reference.type") == "attestation-manifest"
    return HeldManifest(
        digest=_text(entry.get("digest")),
        size=_whole(entry.get("size")),
        platform="" if attestation else "/".join(_text(part) for part in parts if part),
        attests=(_text(notes.get("vnd.docker.reference.digest")) or "?") if attestation else "",
        read=False,
    )


def _blobs(content: Json) -> tuple[Blob, ...]:
    config, layers = _objects([content.get("config")]), _objects(content.get("layers"))
    kinds: tuple[tuple[list[Json], Literal["config", "layer"]], ...] = (
        (config, "config"), (layers, "layer"),
    )  # fmt: skip
    return tuple(
        Blob(_text(entry["digest"]), _whole(entry.get("size")), kind)
        for entries, kind in kinds
        for entry in entries
        if entry.get("digest")
    )


def _objects(value: object) -> list[Json]:
    listed = value if isinstance(value, list) else []
    if len(listed) > _MOST_LISTED:
        raise Senseless
    return [one for one in listed if isinstance(one, dict)]


def _object(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    # A list of lists would be as long as the document, once for each that is named by it.
    return str(value)[:LONGEST_NAME] if isinstance(value, (str, int)) else ""


def _whole(value: object) -> int:
    return value if isinstance(value, int) and 0 < value < _LARGEST else 0

"""The images that an archive holds, from its documents: names, platforms, layers, history."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from dockerlab.facts.archive.fault import ArchiveError
from dockerlab.facts.archive.shelf import Shelf
from dockerlab.facts.references import Reference
from dockerlab.language import _

_IMAGE_NAME = "io.containerd.image.name"
_REFERENCE = "org.opencontainers.image.ref.name"
_KIND = "vnd.docker.reference.type"
_DEEPEST = 8  # indexes within indexes

Json = Mapping[str, Any]


@dataclass(frozen=True)
class ArchivedImage:
    """An image of an archive, for one platform.

    Parameters
    ----------
    names : tuple of str
        As they are typed; empty where the archive doesn't say.
    config : str
        The name of its config in the archive.
    platform : str
        As "linux/amd64".
    layers : tuple of str
        Names in the archive, base first.
    diff_ids : tuple of str
        Of the layers.
    history : tuple of mapping
        The config's history, oldest first.
    """

    names: tuple[str, ...]
    config: str
    platform: str
    layers: tuple[str, ...]
    diff_ids: tuple[str, ...]
    history: tuple[Json, ...]

    @property
    def name(self) -> str:
        """Its first name, or else the start of its config's digest."""
        if self.names:
            return self.names[0]
        return self.config.rpartition("/")[2].removesuffix(".json")[:12]


def find_images(shelf: Shelf) -> tuple[ArchivedImage, ...]:
    """Find the images of an archive, each once, in the archive's order.

    What a builder attests about an image (provenance, packages) stands in an index like an
    image; it is left out, as are platforms whose layers the archive doesn't hold.

    Raises
    ------
    ArchiveError
        There is no image, or the documents contradict each other.
    """
    found: dict[str, ArchivedImage] = {}
    for image in (*_listed(shelf), *_indexed(shelf)):
        known = found.get(image.config)
        if known is None:
            found[image.config] = image
        else:
            names = tuple(dict.fromkeys((*known.names, *image.names)))
            found[image.config] = replace(known, names=names)
    if not found:
        raise ArchiveError(
            _("The archive holds no image."),
            _("`docker save` makes one that does; `docker export` saves a container's files."),
        )
    return tuple(found.values())


def _listed(shelf: Shelf) -> Iterator[ArchivedImage]:
    # docker's own list, in all its archives
    for entry in _sequence(_document(shelf, "manifest.json")):
        item = _mapping(entry)
        config = str(item.get("Config"))
        layers = tuple(str(layer) for layer in _sequence(item.get("Layers")))
        names = tuple(str(name) for name in _sequence(item.get("RepoTags")))
        image = _image(shelf, config, layers, names)
        if image is None:
            raise ArchiveError(
                _("The archive lacks the config of {image}.").format(image=names or config)
            )
        yield image


def _indexed(shelf: Shelf) -> Iterator[ArchivedImage]:
    top = _mapping(_document(shelf, "index.json"))
    waiting: list[tuple[Json, tuple[str, ...], int]] = [(top, (), 0)]
    seen: set[tuple[str, tuple[str, ...]]] = set()
    while waiting:
        index, inherited, depth = waiting.pop(0)
        for entry in _sequence(index.get("manifests")):
            descriptor = _mapping(entry)
            annotations = _mapping(descriptor.get("annotations"))
            names = _names(annotations) or inherited
            blob = _blob(descriptor)
            if annotations.get(_KIND) or (blob, names) in seen:
                continue
            seen.add((blob, names))
            document = _mapping(_document(shelf, blob))
            if "manifests" in document and depth < _DEEPEST:
                waiting.append((document, names, depth + 1))
            layers = tuple(_blob(_mapping(layer)) for layer in _sequence(document.get("layers")))
            config = _blob(_mapping(document.get("config")))
            image = _image(shelf, config, layers, names) if "config" in document else None
            if image is not None and all(name in shelf.layers for name in image.layers):
                yield image


def _image(
    shelf: Shelf, config: str, layers: tuple[str, ...], names: tuple[str, ...]
) -> ArchivedImage | None:
    document = _mapping(_document(shelf, config))
    if not isinstance(document.get("rootfs"), Mapping):
        return None  # something else that is kept as an image is: a chart, an attestation
    diff_ids = tuple(str(one) for one in _sequence(_mapping(document["rootfs"]).get("diff_ids")))
    if len(diff_ids) != len(layers):
        raise ArchiveError(
            _("The archive lists {listed} layers of an image that has {real}.").format(
                listed=len(layers), real=len(diff_ids)
            )
        )
    parts = (document.get("os"), document.get("architecture"), document.get("variant"))
    return ArchivedImage(
        names,
        config,
        "/".join(str(part) for part in parts if part),
        layers,
        diff_ids,
        tuple(_mapping(entry) for entry in _sequence(document.get("history"))),
    )


def _names(annotations: Json) -> tuple[str, ...]:
    full = annotations.get(_IMAGE_NAME) or annotations.get(_REFERENCE)
    if not full:
        return ()
    name = str(full)
    # The reference alone is often no more than a tag.
    return (Reference.parse(name).familiar if ":" in name or "/" in name else name,)


def _blob(descriptor: Json) -> str:
    return "blobs/" + str(descriptor.get("digest")).replace(":", "/", 1)


def _document(shelf: Shelf, name: str) -> object:
    content = shelf.documents.get(name)
    if content is None:
        return None
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ArchiveError(_("{name} of the archive is damaged.").format(name=name)) from error


def _mapping(value: object) -> Json:
    return value if isinstance(value, Mapping) else {}


def _sequence(value: object) -> list[Any]:
    return value if isinstance(value, list) else []

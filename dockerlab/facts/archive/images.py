"""The images that an archive holds, from its documents: names, platforms, layers, history."""

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from dockerlab.facts.archive.fault import ArchiveError
from dockerlab.facts.archive.shelf import Shelf
from dockerlab.facts.plain import plain
from dockerlab.facts.references import Reference
from dockerlab.language import _

_IMAGE_NAME = "io.containerd.image.name"
_REFERENCE = "org.opencontainers.image.ref.name"
_KIND = "vnd.docker.reference.type"
_DEEPEST = 8  # indexes within indexes
_MOST_LISTED = 20_000  # images in all lists together, those listed twice counted twice
_PARSED = 16 << 20  # bytes of documents that are parsed once more
_SMALL = 1 << 16  # bytes of a document that is kept as it was parsed
_MOST_KEPT = 64

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
    finder = _Finder(shelf)
    finder.read_list()
    finder.read_index()
    found = finder.images()
    if not found:
        raise ArchiveError(
            _("The archive holds no image."),
            _("`docker save` makes one that does; `docker export` saves a container's files."),
        )
    return found


class _Finder:
    """Asks the documents, whose lists may name one image often, or in a circle."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._documents = _Documents(shelf.documents)
        self._images: dict[str, ArchivedImage | None] = {}
        self._names: dict[str, dict[str, None]] = {}
        self._left = _MOST_LISTED

    def images(self) -> tuple[ArchivedImage, ...]:
        """Return what was found, each with all its names."""
        return tuple(
            replace(image, names=tuple(self._names[config]))
            for config, image in self._images.items()
            if image is not None
        )

    def read_list(self) -> None:
        """Read docker's own list, which all its archives have."""
        for entry in self._counted(self._documents.get("manifest.json")):
            item = _mapping(entry)
            config = str(item.get("Config"))
            names = tuple(str(name) for name in _sequence(item.get("RepoTags")))
            layers = tuple(str(layer) for layer in _sequence(item.get("Layers")))
            if not self._take(config, layers, names):
                raise ArchiveError(
                    _("The archive lacks the config of {image}.").format(
                        image=plain(names[0] if names else config)
                    )
                )

    def read_index(self) -> None:
        """Read the index of an OCI layout, and the indexes it leads to."""
        top = _mapping(self._documents.get("index.json"))
        waiting: deque[tuple[list[Any], tuple[str, ...], int]] = deque()
        waiting.append((self._counted(top.get("manifests")), (), 0))
        seen: set[tuple[str, tuple[str, ...]]] = set()
        while waiting:
            entries, inherited, depth = waiting.popleft()
            for entry in entries:
                descriptor = _mapping(entry)
                annotations = _mapping(descriptor.get("annotations"))
                names = _names(annotations) or inherited
                blob = _blob(descriptor)
                if annotations.get(_KIND) or (blob, names) in seen:
                    continue
                seen.add((blob, names))
                document = _mapping(self._documents.get(blob))
                if "manifests" in document and depth < _DEEPEST:
                    waiting.append((self._counted(document["manifests"]), names, depth + 1))
                layers = tuple(_blob(_mapping(one)) for one in _sequence(document.get("layers")))
                if "config" in document and all(name in self._shelf.layers for name in layers):
                    self._take(_blob(_mapping(document["config"])), layers, names)

    def _counted(self, entries: object) -> list[Any]:
        listed = _sequence(entries)
        self._left -= len(listed)
        if self._left < 0:
            raise ArchiveError(_("The archive lists more images than can be looked at."))
        return listed

    def _take(self, config: str, layers: tuple[str, ...], names: tuple[str, ...]) -> bool:
        if config not in self._images:
            self._images[config] = _image(_mapping(self._documents.get(config)), config, layers)
        self._names.setdefault(config, {}).update(dict.fromkeys(names))
        return self._images[config] is not None


class _Documents:
    """The archive's documents, parsed when they are asked for."""

    def __init__(self, contents: Mapping[str, bytes]) -> None:
        self._contents = contents
        self._small: dict[str, object] = {}
        self._left = _PARSED + 4 * sum(map(len, contents.values()))

    def get(self, name: str) -> object:
        """Return a document, None where there is none of this name."""
        content = self._contents.get(name)
        if content is None:
            return None
        if name in self._small:
            return self._small[name]
        self._left -= len(content)
        if self._left < 0:
            raise ArchiveError(_("The archive lists more images than can be looked at."))
        try:
            document: object = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise ArchiveError(
                _("{name} of the archive is damaged.").format(name=plain(name))
            ) from error
        if len(content) <= _SMALL and len(self._small) < _MOST_KEPT:
            self._small[name] = document
        return document


def _image(document: Json, config: str, layers: tuple[str, ...]) -> ArchivedImage | None:
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
        (),
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


def _mapping(value: object) -> Json:
    return value if isinstance(value, Mapping) else {}


def _sequence(value: object) -> list[Any]:
    return value if isinstance(value, list) else []

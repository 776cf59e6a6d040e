"""What a tag picture is made of: boxes and lines in five columns, and what has changed."""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from dockerlab.facts import ContainerUse, Reference, TaggedImage, TagWorld

Kind = Literal["registry", "repository", "tag", "image", "container"]
Status = Literal["same", "new", "gone", "moved"]

KINDS: tuple[Kind, ...] = ("registry", "repository", "tag", "image", "container")

Place = tuple[Kind, str]
"""Which node: its kind and key."""


@dataclass(frozen=True)
class Node:
    """One box, or one that stands for several things.

    Parameters
    ----------
    key : str
        Unique within its kind.
    name : str
        What it is called; empty for a box that stands for several.
    count : int
        How many things it stands for.
    images, containers : tuple
        What is behind a box of these kinds.
    names : int
        How many names point at an image.
    """

    kind: Kind
    key: str
    name: str = ""
    count: int = 1
    status: Status = "same"
    images: tuple[TaggedImage, ...] = ()
    containers: tuple[ContainerUse, ...] = ()
    names: int = 0


@dataclass(frozen=True)
class Edge:
    """A line between the boxes of neighbouring columns."""

    start: Place
    end: Place
    status: Status = "same"


@dataclass
class Graph:
    """Nodes by kind and key, and the edges between them, in the order they were found."""

    nodes: dict[Place, Node] = field(default_factory=dict)
    edges: dict[tuple[Place, Place], Edge] = field(default_factory=dict)

    def add(self, node: Node) -> Place:
        """Add a node once."""
        place = (node.kind, node.key)
        self.nodes.setdefault(place, node)
        return place

    def join(self, start: Place, end: Place, status: Status = "same") -> None:
        """Join two nodes once; what holds now wins over what is gone."""
        known = self.edges.get((start, end))
        if known is None or known.status == "gone":
            self.edges[start, end] = Edge(start, end, status)


@dataclass(frozen=True)
class Changes:
    """Two worlds laid over each other: what is in either, and how each part changed."""

    images: Mapping[str, TaggedImage]
    image_status: Mapping[str, Status]
    pairs: Mapping[tuple[Reference, str], Status]
    tag_status: Mapping[Reference, Status]
    containers: Mapping[str, ContainerUse]
    container_status: Mapping[str, Status]


def compare(world: TagWorld, before: TagWorld | None) -> Changes:
    """Lay two worlds over each other; without an earlier one nothing has changed."""
    past = world if before is None else before
    now_images = {image.id: image for image in world.images if not image.intermediate}
    old_images = {image.id: image for image in past.images if not image.intermediate}
    images = {**old_images, **now_images}
    pairs = _status(_pairs(now_images.values()), _pairs(old_images.values()))
    now_uses = {use.id: use for use in world.containers}
    old_uses = {use.id: use for use in past.containers}
    return Changes(
        images=images,
        image_status=_status(now_images, old_images),
        pairs=pairs,
        tag_status=_tag_status(pairs),
        containers={**old_uses, **now_uses},
        container_status=_status(now_uses, old_uses),
    )


def _pairs(images: Iterable[TaggedImage]) -> list[tuple[Reference, str]]:
    return [(reference, image.id) for image in images for reference in image.references]


_Key = TypeVar("_Key", bound=Hashable)


def _status(now: Iterable[_Key], before: Iterable[_Key]) -> dict[_Key, Status]:
    here, there = list(now), list(before)
    status: dict[_Key, Status] = dict.fromkeys(there, "gone")
    known = set(there)
    status.update({key: "same" if key in known else "new" for key in here})
    return status


def _tag_status(pairs: Mapping[tuple[Reference, str], Status]) -> dict[Reference, Status]:
    all_status: dict[Reference, set[Status]] = {}
    for (reference, _image), status in pairs.items():
        all_status.setdefault(reference, set()).add(status)
    return {
        reference: "moved" if len(found) > 1 else next(iter(found))
        for reference, found in sorted(all_status.items())
    }

"""From what is there to what can be read: all of a small world, a large one folded."""

from collections.abc import Mapping, Sequence

from dockerlab.facts import ContainerUse, Reference, TaggedImage
from dockerlab.pictures.tags_plan import Changes, Graph, Node, Place, Status

MOST_ROWS = 24
"""More rows can't be read without scrolling; from there on names are folded."""

_MOST_CHANGED = 12
_MOST_DANGLING = 4
_MOST_CONTAINERS = 12
_MOST_GROUPS = 3

_REST = "\0rest"
"""Key of the box for all that has none of its own; no name from outside can be this."""


def plan(changes: Changes) -> Graph:
    """Arrange boxes and lines, folding tags by repository, then the smaller repositories."""
    graph = Graph()
    targets: dict[Reference, list[tuple[str, Status]]] = {}
    for (reference, image_id), status in changes.pairs.items():
        targets.setdefault(reference, []).append((image_id, status))
    shown = _shown(changes.tag_status)
    for reference in shown:
        tag = _add_tag(graph, changes, reference)
        for image_id, status in targets[reference]:
            graph.join(tag, _add_image(graph, changes, image_id), status)
    folded = _fold_tags(graph, changes, shown)
    _fold_images(graph, changes, targets, folded)
    _add_dangling(graph, changes)
    _add_containers(graph, changes)
    return graph


def _shown(tag_status: Mapping[Reference, Status]) -> list[Reference]:
    """Return the tags that get a box each: all, or as many of each repository as there is room."""
    everything = list(tag_status)
    if len(everything) <= MOST_ROWS:
        return everything
    by_repository = _by_repository(everything)
    changed = [r for r in everything if tag_status[r] != "same"][:_MOST_CHANGED]
    for each in (12, 8, 6, 4, 3, 2, 1, 0):
        kept = {r for tags in by_repository.values() for r in _first(tags, each)} | set(changed)
        folds = sum(1 for tags in by_repository.values() if not kept.issuperset(tags))
        if len(kept) + folds <= MOST_ROWS:
            return [reference for reference in everything if reference in kept]
    return changed


def _first(tags: Sequence[Reference], most: int) -> Sequence[Reference]:
    # A box that stands for a single tag would take the room of that tag.
    return tags if len(tags) <= most + 1 else tags[:most]


def _by_repository(references: Sequence[Reference]) -> dict[tuple[str, str], list[Reference]]:
    found: dict[tuple[str, str], list[Reference]] = {}
    for reference in references:
        found.setdefault((reference.registry, reference.repository), []).append(reference)
    return found


def _add_tag(graph: Graph, changes: Changes, reference: Reference) -> Place:
    repository = _add_repository(graph, changes, reference)
    status = changes.tag_status[reference]
    name = reference.tag or f"@{reference.digest.rpartition(':')[2][:12]}"
    tag = graph.add(Node("tag", reference.familiar, name, status=status))
    graph.join(repository, tag, "same" if status == "moved" else status)
    return tag


def _add_repository(graph: Graph, changes: Changes, reference: Reference) -> Place:
    name = reference.repository.removeprefix("library/")
    if reference.registry != "docker.io":
        name = reference.repository
    status = _common(
        [
            status
            for other, status in changes.tag_status.items()
            if (other.registry, other.repository) == (reference.registry, reference.repository)
        ]
    )
    registry = graph.add(Node("registry", reference.registry, reference.registry))
    repository = graph.add(
        Node("repository", f"{reference.registry}/{reference.repository}", name, status=status)
    )
    graph.join(registry, repository, status)
    return repository


def _common(statuses: Sequence[Status]) -> Status:
    first = statuses[0]
    return first if first in ("new", "gone") and all(s == first for s in statuses) else "same"


def _add_image(graph: Graph, changes: Changes, image_id: str) -> Place:
    image = changes.images[image_id]
    status = changes.image_status[image_id]
    held = sum(1 for (_r, i), s in changes.pairs.items() if i == image_id and s != "gone")
    return graph.add(
        Node("image", image_id, image_id, status=status, images=(image,), names=held)
    )  # fmt: skip


def _fold_tags(
    graph: Graph, changes: Changes, shown: Sequence[Reference]
) -> dict[Reference, Place]:
    """Add a box for the other tags of each repository; return which box each of them is in."""
    seen = set(shown)
    others = _by_repository([r for r in changes.tag_status if r not in seen])
    room = MOST_ROWS - len(shown)
    largest = sorted(others, key=lambda key: -len(others[key]))
    if len(others) > room:
        largest = largest[: max(room - 1, 0)]
    folded: dict[Reference, Place] = {}
    for key in others:
        if key in largest:
            repository = _add_repository(graph, changes, others[key][0])
            if len(others[key]) == 1:
                tag = _add_tag(graph, changes, others[key][0])
            else:
                tag = graph.add(Node("tag", f"{repository[1]}{_REST}", count=len(others[key])))
                graph.join(repository, tag)
            folded.update(dict.fromkeys(others[key], tag))
    rest = {key: tags for key, tags in others.items() if key not in largest}
    if rest:
        repository = graph.add(Node("repository", _REST, count=len(rest)))
        total = sum(len(tags) for tags in rest.values())
        tag = graph.add(Node("tag", _REST, count=total))
        graph.join(repository, tag)
        _join_registries(graph, sorted({registry for registry, _name in rest}), repository)
        for tags in rest.values():
            folded.update(dict.fromkeys(tags, tag))
    return folded


def _join_registries(graph: Graph, registries: Sequence[str], repository: Place) -> None:
    unknown = [name for name in registries if ("registry", name) not in graph.nodes]
    many = len(unknown) > _MOST_GROUPS
    for name in registries:
        if not many or name not in unknown:
            graph.join(graph.add(Node("registry", name, name)), repository)
    if many:
        rest = graph.add(Node("registry", _REST, count=len(unknown)))
        graph.join(rest, repository)


def _fold_images(
    graph: Graph,
    changes: Changes,
    targets: Mapping[Reference, Sequence[tuple[str, Status]]],
    folded: Mapping[Reference, Place],
) -> None:
    """Add a box for the images that the same folded tags point at."""
    pointed: dict[str, set[Place]] = {}
    for reference, box in folded.items():
        for image_id, status in targets[reference]:
            if ("image", image_id) in graph.nodes:
                graph.join(box, ("image", image_id), status)
            else:
                pointed.setdefault(image_id, set()).add(box)
    groups: dict[tuple[Place, ...], list[str]] = {}
    for image_id, boxes in pointed.items():
        groups.setdefault(tuple(sorted(boxes)), []).append(image_id)
    shared = [key for key in groups if len(key) > 1]
    if len(shared) > _MOST_GROUPS:
        everyone = tuple(sorted({box for key in shared for box in key}))
        together = [image_id for key in shared for image_id in groups.pop(key)]
        groups.setdefault(everyone, []).extend(together)
    for number, (tags, image_ids) in enumerate(groups.items()):
        if len(image_ids) == 1:
            image = _add_image(graph, changes, image_ids[0])
        else:
            images = tuple(changes.images[image_id] for image_id in image_ids)
            key = f"{_REST}{number}"
            image = graph.add(Node("image", key, count=len(images), images=images, names=len(tags)))
        for place in tags:
            graph.join(place, image)


def _add_dangling(graph: Graph, changes: Changes) -> None:
    drawn = {image.id for node in graph.nodes.values() for image in node.images}
    left = [image_id for image_id in changes.images if image_id not in drawn]
    left.sort(key=lambda image_id: (changes.image_status[image_id] == "same", image_id))
    alone = left if len(left) <= _MOST_DANGLING else left[: _MOST_DANGLING - 1]
    for image_id in alone:
        _add_image(graph, changes, image_id)
    rest = tuple(changes.images[image_id] for image_id in left[len(alone) :])
    if rest:
        graph.add(Node("image", f"{_REST}dangling", count=len(rest), images=rest))


def _add_containers(graph: Graph, changes: Changes) -> None:
    place_of = {
        image.id: place
        for place, node in graph.nodes.items()
        for image in node.images
        if place[0] == "image"
    }
    by_image: dict[Place | None, list[ContainerUse]] = {}
    for use in changes.containers.values():
        by_image.setdefault(place_of.get(use.image_id), []).append(use)
    many = len(changes.containers) > _MOST_CONTAINERS
    for place, uses in by_image.items():
        if many and len(uses) > 1:
            key = f"{_REST}{place[1] if place else ''}"
            boxes = [Node("container", key, count=len(uses), containers=tuple(uses))]
        else:
            boxes = [
                Node("container", u.id, u.name, 1, changes.container_status[u.id], (), (u,))
                for u in uses
            ]
        for box in boxes:
            added = graph.add(box)
            if place:
                graph.join(place, added, box.status)


def image_total(images: Sequence[TaggedImage]) -> int:
    """Return the bytes of several images; what they share is counted with each of them."""
    return sum(image.size for image in images)

"""The tag picture in words: one line of what matters, its meaning, and the text form."""

from collections import Counter
from collections.abc import Sequence

from dockerlab.facts import ContainerUse, TagWorld
from dockerlab.language import _, ngettext
from dockerlab.pictures.lifecycle_map import state_word
from dockerlab.pictures.measure import fit_cells
from dockerlab.pictures.tags_fold import image_total
from dockerlab.pictures.tags_plan import Changes, Graph, Kind, Node, Place, Status
from dockerlab.pictures.wording import sentence, short_digest, size

_MARKS: dict[Status, str] = {"same": " ", "new": "+", "gone": "−", "moved": "~"}  # noqa: RUF001


def title(changes: Changes) -> str:
    """Name what is shown: the one repository, or all."""
    repositories = {reference.familiar_repository for reference in changes.tag_status}
    if len(repositories) == 1:
        return _("names of {repository}").format(repository=repositories.pop())
    return _("names and images")


def headline(world: TagWorld) -> str:
    """Say what matters in one line."""
    images = [image for image in world.images if not image.intermediate]
    tags = sum(len(image.references) for image in images)
    dangling = sum(1 for image in images if image.dangling)
    steps = len(world.images) - len(images)
    return sentence(
        (
            ngettext("{count} name", "{count} names", tags).format(count=tags),
            ngettext("{count} image", "{count} images", len(images)).format(count=len(images)),
            _("{count} of them dangling").format(count=dangling) if dangling else "",
            ngettext(
                "{count} container", "{count} containers", len(world.containers)
            ).format(count=len(world.containers)) if world.containers else "",
            ngettext(
                "{count} intermediate image of the classic builder not drawn",
                "{count} intermediate images of the classic builder not drawn",
                steps,
            ).format(count=steps) if steps else "",
        )
    )  # fmt: skip


def kind_word(kind: Kind) -> str:
    """Name a column."""
    words: dict[Kind, str] = {
        "registry": _("registry"),
        "repository": _("repository"),
        "tag": _("tag"),
        "image": _("image ID"),
        "container": _("containers"),
    }
    return words[kind]


def status_word(status: Status) -> str:
    """Name how a thing has changed."""
    words: dict[Status, str] = {"new": _("new"), "gone": _("gone"), "moved": _("moved")}
    return words.get(status, "")


def image_lines(node: Node) -> tuple[str, str, str]:
    """Return an image's ID, size, and what else is to say of it."""
    total = size(image_total(node.images))
    if node.count > 1:
        name = _("{count} images").format(count=node.count)
        most = _("{size} if none were shared").format(size=total)
        return name, "", most if node.names else sentence((_("dangling"), most))
    image = node.images[0]
    said = []
    if node.status != "gone" and not node.names:
        said.append(_("dangling: no name"))
    if node.names > 1:
        said.append(_("{count} names").format(count=node.names))
    if image.digests:
        same = image.id in image.digests
        known = _("ID is its digest") if same else _("digest {digest}")
        said.append(known.format(digest=short_digest(image.digests[0])))
    elif node.names:
        said.append(_("no registry digest"))
    return short_digest(image.id), total, sentence(said)


def state_counts(containers: Sequence[ContainerUse]) -> str:
    """Return the state of a container, or how many of several are running."""
    if len(containers) == 1:
        return state_word(containers[0].state)
    running = sum(1 for container in containers if container.state == "running")
    return _("{running} running, {others} not").format(
        running=running, others=len(containers) - running
    )


def meaning(world: TagWorld, changes: Changes, *, compared: bool) -> list[str]:
    """Say what the picture means in a sentence."""
    if compared:
        return [_changed(changes)]
    if not world.images:
        return [_("This engine holds no image yet.")]
    lines = []
    if any(len(image.references) > 1 for image in world.images):
        lines.append(_("Several names can point at one image: removing one removes only the name."))
    if any(image.dangling for image in world.images):
        lines.append(_("A dangling image lost its last name, mostly to a newer build or pull."))
    return lines or [_("A tag is only a name for an image ID: it can be moved to another image.")]


def _changed(changes: Changes) -> str:
    counts = Counter(changes.tag_status.values())
    images = Counter(changes.image_status.values())
    said = sentence(
        (
            _count(ngettext("{count} new name", "{count} new names", counts["new"]), counts["new"]),
            _count(ngettext("{count} name moved", "{count} names moved", counts["moved"]),
                   counts["moved"]),
            _count(ngettext("{count} name gone", "{count} names gone", counts["gone"]),
                   counts["gone"]),
            _count(ngettext("{count} new image", "{count} new images", images["new"]),
                   images["new"]),
            _count(ngettext("{count} image gone", "{count} images gone", images["gone"]),
                   images["gone"]),
        )
    )  # fmt: skip
    return _("Since before: {changes}.").format(changes=said or _("nothing has changed"))


def _count(words: str, count: int) -> str:
    return words.format(count=count) if count else ""


def tags_text(title: str, headline: str, graph: Graph, sentences: Sequence[str]) -> list[str]:
    """Return the picture's lines for a terminal: a tree of repositories with a line a tag."""
    lines = [f"{title} — {headline}"]
    nodes = graph.nodes
    below: dict[Place, list[tuple[Place, Status]]] = {}
    for edge in graph.edges.values():
        below.setdefault(edge.start, []).append((edge.end, edge.status))
    for registry in [place for place in nodes if place[0] == "registry"]:
        lines.append(_name(nodes[registry]))
        repositories = [place for place, _status in below.get(registry, [])]
        for repository in repositories:
            last = repository == repositories[-1]
            lines.append(f"{'└─' if last else '├─'} {_name(nodes[repository])}")
            for tag, _status in below.get(repository, []):
                lines += [("   " if last else "│  ") + one for one in _tag_lines(graph, below, tag)]
    pointed = {end for ends in below.values() for end, _status in ends}
    alone = [place for place in nodes if place[0] == "image" and place not in pointed]
    lines += [f"<none> → {_image_line(graph, below, place)}" for place in alone]
    return [*lines, *sentences]


def _tag_lines(
    graph: Graph, below: dict[Place, list[tuple[Place, Status]]], tag: Place
) -> list[str]:
    node = graph.nodes[tag]
    lines = []
    for image, status in below.get(tag, []):
        mark = _MARKS[node.status if node.status != "moved" or status == "new" else status]
        name = f"{mark} {_name(node, 30)}"
        lines.append(f"{name:<20} → {_image_line(graph, below, image)}")
    return lines


def _image_line(graph: Graph, below: dict[Place, list[tuple[Place, Status]]], image: Place) -> str:
    node = graph.nodes[image]
    first, amount, second = image_lines(node)
    users = [graph.nodes[place] for place, _status in below.get(image, [])]
    used = ", ".join(f"{_name(user, 30)} ({state_counts(user.containers)})" for user in users)
    return sentence((first, amount, second, status_word(node.status), used))


def _name(node: Node, width: int = 50) -> str:
    if node.name:
        return fit_cells(node.name, width)
    words: dict[Kind, str] = {
        "registry": ngettext("{count} more registry", "{count} more registries", node.count),
        "repository": ngettext("{count} more repository", "{count} more repositories", node.count),
        "tag": ngettext("{count} tag", "{count} tags", node.count),
        "image": ngettext("{count} image", "{count} images", node.count),
        "container": ngettext("{count} container", "{count} containers", node.count),
    }
    return words[node.kind].format(count=node.count)

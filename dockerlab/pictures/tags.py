"""Names and what they point at: registry → repository → tag → image → containers."""

from dockerlab.facts import TagWorld
from dockerlab.language import _, ngettext
from dockerlab.pictures import theme
from dockerlab.pictures.graph import order, settle
from dockerlab.pictures.picture import Picture
from dockerlab.pictures.svg import Canvas
from dockerlab.pictures.tags_fold import plan
from dockerlab.pictures.tags_plan import KINDS, Edge, Graph, Kind, Node, Place, compare
from dockerlab.pictures.tags_words import (
    headline,
    image_lines,
    kind_word,
    meaning,
    state_counts,
    status_word,
    tags_text,
    title,
)
from dockerlab.pictures.theme import Paint

_GAP = 8
_GAP_COMPARED = 20
_HEIGHTS: dict[Kind, float] = {
    "registry": 28,
    "repository": 28,
    "tag": 28,
    "image": 42,
    "container": 38,
}
_WITH_CONTAINERS: dict[Kind, tuple[float, float]] = {
    "registry": (24, 122),
    "repository": (168, 124),
    "tag": (314, 112),
    "image": (462, 190),
    "container": (676, 120),
}
_WITHOUT: dict[Kind, tuple[float, float]] = {
    "registry": (24, 126),
    "repository": (180, 160),
    "tag": (370, 160),
    "image": (576, 220),
}
_MARKS = {"new": "+", "gone": "−", "moved": "~"}  # noqa: RUF001  a minus as wide as the plus


def draw_tags(world: TagWorld, before: TagWorld | None = None) -> Picture:
    """Draw which names point at which images, and which containers use those.

    Parameters
    ----------
    world : TagWorld
        From `dockerlab.facts.read_tags`.
    before : TagWorld, optional
        An earlier world: what is new since is marked with a plus, what is gone with a minus, a
        tag that points at another image now with a tilde.

    Returns
    -------
    Picture
        Tags that name one image meet in it; an image without a name is dashed and called
        dangling. Steps of the classic builder are counted, not drawn. Of more than 24 tags
        those of one repository are folded into a box with their number.
    """
    changes = compare(world, before)
    graph = plan(changes)
    description = _("Names on this engine and the images they point at: {headline}.").format(
        headline=headline(world)
    )
    sentences = meaning(world, changes, compared=before is not None)
    name = title(changes)
    canvas = Canvas(name, description)
    canvas.heading(name, headline(world))
    bottom = _Drawing(canvas, graph).draw()
    svg = canvas.finish(canvas.paragraphs(bottom + 28, sentences))
    lines = tags_text(name, headline(world), graph, sentences)
    return Picture.of(name, description, svg, lines, world)


class _Drawing:
    def __init__(self, canvas: Canvas, graph: Graph) -> None:
        self.canvas = canvas
        self.graph = graph
        self.columns = [[place for place in graph.nodes if place[0] == kind] for kind in KINDS]
        self.places = _WITH_CONTAINERS if self.columns[-1] else _WITHOUT

    def draw(self) -> float:
        edges = list(self.graph.edges)
        heights = {place: _HEIGHTS[place[0]] for place in self.graph.nodes}
        columns = order(self.columns, edges)
        compared = any(node.status != "same" for node in self.graph.nodes.values())
        centres = settle(columns, edges, heights, _GAP_COMPARED if compared else _GAP)
        top = 108.0
        if not centres:
            return 62
        for kind, (x, _width) in self.places.items():
            self.canvas.text(x, 90, kind_word(kind), size=11, fill=theme.SOFT)
        centres = {place: centre + top for place, centre in centres.items()}
        for edge in sorted(self.graph.edges.values(), key=lambda one: one.status != "same"):
            self._edge(edge, centres)
        for column in columns:
            for place in column:
                self._node(self.graph.nodes[place], centres[place])
        return max(centres[place] + heights[place] / 2 for place in centres)

    def _edge(self, edge: Edge, centres: dict[Place, float]) -> None:
        left, width = self.places[edge.start[0]]
        x1, y1 = left + width, centres[edge.start]
        x2, y2 = self.places[edge.end[0]][0], centres[edge.end]
        points = edge.start[0] == "tag"
        x2 -= 2 if points else 0
        bend = (x2 - x1) * 0.5
        colour = {"new": theme.NEW.edge, "gone": theme.GONE.edge}.get(
            edge.status, theme.PATH if points else theme.FAINT
        )
        self.canvas.path(
            f"M{x1:.1f},{y1:.1f} C{x1 + bend:.1f},{y1:.1f} {x2 - bend:.1f},{y2:.1f} "
            f"{x2:.1f},{y2:.1f}",
            stroke=colour,
            width=2.2 if edge.status == "new" else 1.4,
            dashes="5 4" if edge.status == "gone" else "",
            arrow=points,
        )

    def _node(self, node: Node, centre: float) -> None:
        x, width = self.places[node.kind]
        height = _HEIGHTS[node.kind]
        y = centre - height / 2
        paint = _paint(node)
        if node.count > 1:
            # A second edge behind the box: it is a pile.
            self.canvas.rect(x + 4, y + 4, width - 4, height - 1, paint)
            width, height = width - 4, height - 3
        line = 2 if node.status == "new" else 1.2
        self.canvas.rect(x, y, width, height, paint, radius=_radius(node.kind), line=line)
        if node.kind == "image":
            self._image(node, x, y, width, paint)
        elif node.kind == "container":
            self._container(node, x, y, width)
        else:
            name = node.name or _("{count} more").format(count=node.count)
            if node.kind == "tag" and not node.name:
                name = ngettext("{count} tag", "{count} tags", node.count).format(count=node.count)
            self.canvas.text(
                x + 10, y + height / 2 + 4, name, size=12, mono=bool(node.name),
                bold=node.kind != "registry", fill=paint.ink, width=width - 16, middle=True,
            )  # fmt: skip
        self._mark(node, x, y)

    def _image(self, node: Node, x: float, y: float, width: float, paint: Paint) -> None:
        first, amount, second = image_lines(node)
        canvas = self.canvas
        canvas.text(
            x + 10, y + 17, first, size=12, mono=node.count == 1, bold=True, fill=paint.ink,
            width=width - 78,
        )  # fmt: skip
        canvas.text(x + width - 10, y + 17, amount, size=12, fill=paint.ink, anchor="end")
        canvas.text(x + 10, y + 33, second, size=11, fill=paint.ink, width=width - 18)

    def _container(self, node: Node, x: float, y: float, width: float) -> None:
        canvas = self.canvas
        name = node.name or _("{count} containers").format(count=node.count)
        canvas.text(
            x + 12, y + 16, name, size=12, mono=bool(node.name), bold=True, width=width - 18,
            middle=True,
        )  # fmt: skip
        states = state_counts(node.containers)
        ink = theme.SOFT
        if node.count == 1:
            state = node.containers[0].state
            ink = theme.STATES[state].edge
            canvas.rect(x, y, 5, _HEIGHTS["container"], Paint(ink, "#ffffff", ink), radius=2)
        canvas.text(x + 12, y + 30, states, size=11, fill=ink, width=width - 18)

    def _mark(self, node: Node, x: float, y: float) -> None:
        mark = _MARKS.get(node.status)
        if mark is None:
            return
        colour = {"new": theme.NEW.edge, "gone": theme.GONE.edge}.get(node.status, theme.PATH)
        self.canvas.circle(x, y + 1, 8, colour, "#ffffff")
        self.canvas.text(
            x, y + 5.5, mark, size=13, bold=True, fill="#ffffff", anchor="middle"
        )  # fmt: skip
        word = status_word(node.status)
        self.canvas.text(x + 12, y - 4, word, size=11, bold=True, fill=colour)


def _radius(kind: Kind) -> float:
    return {"tag": 4.0, "registry": 14.0, "container": 3.0}.get(kind, 7.0)


def _paint(node: Node) -> Paint:
    if node.status == "gone":
        return theme.GONE
    if node.kind == "image":
        has_name = bool(node.names)
        paint = theme.IMAGE if has_name else theme.DANGLING
    else:
        paint = {
            "registry": theme.REGISTRY,
            "repository": theme.REPOSITORY,
            "tag": theme.TAG,
            "container": theme.CONTAINER,
        }[node.kind]
    if node.status == "new":
        return Paint(paint.fill, paint.ink, theme.NEW.edge, paint.dashed)
    return paint

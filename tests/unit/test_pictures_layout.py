"""Words can be read: none lies on another, under a box or a line, or beyond the card."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from xml.etree import ElementTree as ET

import full_facts
import pytest
from every_field import poisoned
from picture_zoo import image, world
from recorded_engine import ENGINES, Memory, remembering
from registry_zoo import large_world
from test_pictures_every_field import DRAWN, Draw, row_name
from timeline_zoo import crowd

from dockerlab.facts import (
    Container,
    Reference,
    Stack,
    StateChange,
    TaggedImage,
    TagWorld,
    read_stack,
    read_tags,
)
from dockerlab.pictures import (
    Picture,
    draw_build,
    draw_lifecycle,
    draw_registry,
    draw_stack,
    draw_tags,
    draw_timeline,
)
from dockerlab.pictures.measure import text_width
from dockerlab.pictures.theme import MONO, WIDTH

SVG = "{http://www.w3.org/2000/svg}"
ESTIMATE = 0.9
"""The widths that pictures reckon with err on the wide side."""


class Box(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float

    def hits(self, other: "Box") -> bool:
        across = min(self.right, other.right) - max(self.left, other.left)
        down = min(self.bottom, other.bottom) - max(self.top, other.top)
        return across > 1 and down > 0.8


def number(element: ET.Element, name: str) -> float:
    return float(element.get(name, 0))


def words_box(text: ET.Element) -> Box:
    size, x, y = (number(text, name) for name in ("font-size", "x", "y"))
    wide = ESTIMATE * text_width(
        text.text or "",
        size,
        mono=text.get("font-family") == MONO,
        bold="font-weight" in text.attrib,
    )
    left = x - {"end": wide, "middle": wide / 2}.get(text.get("text-anchor", ""), 0)
    return Box(left, y - 0.72 * size, left + wide, y + 0.18 * size)


def shape_box(shape: ET.Element) -> Box | None:
    if shape.tag == f"{SVG}rect" and shape.get("fill") != "none":
        left, top = number(shape, "x"), number(shape, "y")
        return Box(left, top, left + number(shape, "width"), top + number(shape, "height"))
    if shape.tag == f"{SVG}circle":
        x, y, r = (number(shape, name) for name in ("cx", "cy", "r"))
        return Box(x - r, y - r, x + r, y + r)
    if shape.tag == f"{SVG}line":
        (left, right), (top, bottom) = (
            sorted(number(shape, f"{axis}{end}") for end in "12") for axis in "xy"
        )
        return Box(left - 0.6, top - 0.6, right + 0.6, bottom + 0.6)
    return None


def faults(svg: str) -> Iterator[str]:
    """Tell what can't be read in a picture."""
    root = ET.fromstring(svg)
    tall = float(root.get("viewBox", "").split()[3])
    shapes = list(root)
    boxes = [words_box(one) if one.tag == f"{SVG}text" else shape_box(one) for one in shapes]
    for place, (one, box) in enumerate(zip(shapes, boxes, strict=True)):
        if one.tag != f"{SVG}text" or not one.text or box is None:
            continue
        if box.left < 10 or box.right > WIDTH - 6 or box.bottom > tall - 6:
            yield f"{one.text!r} leaves the card"
        for later, over in zip(shapes[place + 1 :], boxes[place + 1 :], strict=True):
            if over and box.hits(over):
                yield f"{one.text!r} lies under {later.tag.removeprefix(SVG)} {later.text!r}"
        around = _smallest_around(box, shapes[:place], boxes[:place])
        if around and box.right > around.right + 0.5:
            yield f"{one.text!r} sticks out of its box"


def _smallest_around(
    box: Box, shapes: Sequence[ET.Element], boxes: Sequence[Box | None]
) -> Box | None:
    middle = (box.top + box.bottom) / 2
    around = [
        one
        for shape, one in zip(shapes, boxes, strict=True)
        if one and shape.tag == f"{SVG}rect"
        and one.left <= box.left <= one.right and one.top <= middle <= one.bottom
    ]  # fmt: skip
    return min(
        around, key=lambda one: (one.right - one.left) * (one.bottom - one.top), default=None
    )


def many_names() -> Stack:
    names = tuple(f"registry.example.com:5000/team/application:{number}" for number in range(9))
    one = image("app:1", 3, base=1)
    return Stack((image("a:1", 2, base=1), image("b:1", 2, base=1),
                  one.__class__(**(vars(one) | {"tags": ("app:1", *names)})),
                  image("c:1", 4, base=1)))  # fmt: skip


def many_containers() -> Stack:
    base = image("app:1", 2)
    return Stack(
        (base,),
        tuple(Container(f"c{n}", f"webserver-{n}", "app:1", base.id, "running") for n in range(5)),
    )


def long_tags() -> TagWorld:
    tag = Reference("registry.example.com", "a/very/long/repository/name", "2026.11-slim-bookworm")
    return TagWorld((TaggedImage("sha256:1", (tag,)),))


def restarted_often(times: int) -> Container:
    way = [StateChange("created", "create"), StateChange("running", "start")]
    way += [StateChange("restarting", "policy"), StateChange("running", "delay")] * times
    way += [StateChange("paused", "pause"), StateChange("running", "unpause")] * times
    way += [StateChange("exited", "stop"), StateChange("running", "start")] * times
    return Container("c1", "web", "app:1", "sha256:1", "running", 137, path=tuple(way))


def failed_start() -> Container:
    way = (StateChange("created", "create"),)
    return Container("c1", "web", "app:1", "sha256:1", "created", 127, error="no such", path=way)


LARGE: list[Picture] = [
    draw_lifecycle(restarted_often(3)),
    draw_lifecycle(restarted_often(2000)),
    draw_lifecycle(failed_start()),
    draw_stack(many_names()),
    draw_stack(many_containers()),
    draw_stack(Stack((image("big:1", 100),))),
    draw_stack(Stack(tuple(image(f"app{number}:1", 6, base=3) for number in range(6)))),
    draw_tags(long_tags()),
    draw_tags(world(30, 300, 100, 40)),
    draw_tags(world(3, 20, 8, 4), before=world(4, 22, 9, 6)),
    draw_timeline(crowd(30)),
    draw_timeline(crowd(5)),
    draw_registry(large_world(40, 6)),
]


@pytest.mark.parametrize("picture", LARGE, ids=range(len(LARGE)))
def test_large_pictures_can_be_read(picture: Picture) -> None:
    assert list(faults(picture.svg)) == []


@pytest.mark.parametrize(("draw", "facts"), DRAWN, ids=row_name)
def test_full_pictures_can_be_read(draw: Draw, facts: Any) -> None:
    assert list(faults(draw(facts).svg)) == []


@pytest.mark.parametrize(("draw", "facts"), DRAWN, ids=row_name)
@pytest.mark.parametrize("text", ["W" * 300, "a name with " * 30], ids=["one word", "words"])
def test_long_text_in_any_one_field_can_be_read(draw: Draw, facts: Any, text: str) -> None:
    for field, variant in poisoned(facts, text):
        assert [(field, fault) for fault in faults(draw(variant).svg)] == []


@pytest.mark.parametrize("engine", ENGINES)
def test_recorded_pictures_can_be_read(engine: str) -> None:
    with remembering(Memory.read(engine)) as client:
        stack = read_stack(client, "recorded-app:1", "recorded-app:classic", "recorded-exited")
        tags = read_tags(client)
    for picture in (draw_stack(stack), draw_tags(tags), draw_lifecycle(stack.containers[0])):
        assert list(faults(picture.svg)) == []


def test_a_failed_build_can_be_read() -> None:
    assert list(faults(draw_build(full_facts.failed_build()).svg)) == []


def test_a_fault_is_seen() -> None:
    svg = draw_stack(full_facts.full_stack()).svg
    over = '<rect x="20" y="20" width="100" height="30" fill="#000000" />'
    assert any("lies under rect" in one for one in faults(svg.replace("</svg>", f"{over}</svg>")))
    assert any("leaves the card" in one for one in faults(svg.replace('x="24"', 'x="800"')))

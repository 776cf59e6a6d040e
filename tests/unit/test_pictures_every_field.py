"""Hostile text in every field that a picture's facts can carry, one field at a time.

A new picture joins by its rows in `DRAWN`: what draws it, and facts with every field filled.
"""

import re
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any
from xml.etree import ElementTree as ET

import full_facts
import pytest
from every_field import Field, free_strings, poisoned

from dockerlab.pictures import (
    Picture,
    draw_build,
    draw_comparison,
    draw_content,
    draw_context,
    draw_files,
    draw_lifecycle,
    draw_namespaces,
    draw_registry,
    draw_stack,
    draw_tags,
    draw_timeline,
    draw_transfer,
    graph,
)

Draw = Callable[[Any], Picture]


def drawn_after(world: Any) -> Picture:
    return draw_tags(full_facts.full_world(), before=world)


def files_of_layer(number: int) -> Draw:
    return partial(draw_files, layer=number)


DRAWN: list[tuple[Draw, Any]] = [
    (draw_stack, full_facts.full_stack()),
    (draw_stack, full_facts.full_stack_of_one()),
    (draw_tags, full_facts.full_world()),
    (drawn_after, full_facts.full_world()),
    (draw_lifecycle, full_facts.full_container(full_facts.full_image())),
    (draw_timeline, full_facts.full_timeline()),
    (draw_namespaces, full_facts.full_isolation()),
    (draw_registry, full_facts.full_registry()),
    (draw_transfer, full_facts.full_transfer()),
    (draw_build, full_facts.full_build()),
    *((draw_build, full_facts.failed_build(kind)) for kind in
      ("command", "copy", "syntax", "base", "timeout", "other")),
    (draw_context, full_facts.full_context()),
    (draw_comparison, full_facts.full_comparison()),
    (partial(draw_content, image="shop:latest"), full_facts.full_content()),
    (draw_files, full_facts.full_files()),
    *((files_of_layer(number), full_facts.full_files()) for number in range(3)),
]  # fmt: skip

MARKUP = (
    """<script>alert(1)</script>"]]><svg onload="alert(1)">' onload='alert(1)' url(//evil) """
    """javascript:alert(1) a"];b->c;{rank=same}[label="x &lt;b&gt; <!-- <![CDATA[ {name} %s {0}"""
)
ESCAPES = (
    "\x1b[31mred\x1b]0;evil\x07\x1b]8;;http://evil\x1b\\link\x9b2J left\u202eright\u2066\u200f"
    "\u061c nul\x00bell\x07\ud800\ufffe line\nbreak\r\tand\u2028more\u2029\x85\x0b\x0c"
)
TEXTS = {"markup": MARKUP, "escapes": ESCAPES, "long": "W" * 10_000, "wide": "中" * 10_000, "": ""}

GRAPH_LINE = re.compile(
    r"(\{ rank=same; )?[an]\d+((; | -> )[an]\d+)*( \[weight=0, style=invis\])?(;| \})"
)

SVG = "{http://www.w3.org/2000/svg}"
ELEMENTS = {"svg", "title", "desc", "defs", "pattern", "marker", "rect", "line", "path", "text"}
ELEMENTS |= {"circle", "g"}
ATTRIBUTES = {
    "aria-labelledby", "cx", "cy", "d", "fill", "font-family", "font-size", "font-weight",
    "height", "id", "marker-end", "markerHeight", "markerUnits", "markerWidth", "opacity",
    "orient", "patternTransform", "patternUnits", "r", "refX", "refY", "role", "rx", "stroke",
    "stroke-dasharray", "stroke-width", "style", "text-anchor", "transform", "viewBox", "width",
    "x", "x1", "x2", "y", "y1", "y2",
}  # fmt: skip


def unseen(text: str) -> list[str]:
    return [one for one in text if one != "\n" and unicodedata.category(one)[0] == "C"]


def assert_harmless(picture: Picture) -> None:
    root = ET.fromstring(picture.svg)
    for element in root.iter():
        assert element.tag.removeprefix(SVG) in ELEMENTS
        assert set(element.attrib) <= ATTRIBUTES
        assert not any("alert" in value or "evil" in value for value in element.attrib.values())
        assert all(re.fullmatch(r"url\(#dl[0-9a-z-]+\)", value) for value in element.attrib.values()
                   if "url" in value)  # fmt: skip
    assert len(picture.svg) < 80_000
    assert not unseen(picture.svg)
    assert not unseen(picture.text)
    assert not unseen(picture.title + picture.description)
    assert "\n" not in picture.title + picture.description
    assert max(map(len, picture.text.splitlines())) <= 200


def row_name(row: object) -> str:
    return getattr(row, "__name__", "") or type(row).__name__


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize(("draw", "facts"), DRAWN, ids=row_name)
def test_hostile_text_in_any_one_field(draw: Draw, facts: Any, text: str) -> None:
    variants = list(poisoned(facts, text))
    assert variants
    for _field, variant in variants:
        assert_harmless(draw(variant))


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_hostile_text_in_a_file_and_in_its_image_s_name(text: str) -> None:
    inside = text.encode(errors="surrogatepass") + bytes(range(256))
    content = full_facts.full_content()
    facts = replace(content, entry=content.entry._replace(size=len(inside)), content=inside)
    assert_harmless(draw_content(facts, text))


def test_every_field_is_tried() -> None:
    tried: set[Field] = set()
    there: set[Field] = set()
    for _draw, facts in DRAWN:
        tried |= {field for field, _variant in poisoned(facts, "x")}
        there |= free_strings(type(facts))
    assert there == tried


def test_poison_reaches_the_picture() -> None:
    container = full_facts.full_container(full_facts.full_image())
    shown = [draw_lifecycle(one).text for _field, one in poisoned(container, "POISON")]
    assert sum("POISON" in text for text in shown) >= 4


@pytest.mark.parametrize("text", [MARKUP, ESCAPES])
def test_no_name_is_part_of_the_graph_description(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    sources: list[str] = []

    def layout(source: str) -> str:
        sources.append(source)
        return real(source)

    real = graph._layout
    monkeypatch.setattr(graph, "_layout", layout)
    for _field, world in poisoned(full_facts.full_world(), text):
        draw_tags(world)
    assert sources
    for source in sources:
        _graph, _looks, *lines, _end = source.splitlines()
        assert all(GRAPH_LINE.fullmatch(line) for line in lines)


def test_another_process_draws_the_same_bytes() -> None:
    code = (
        "import hashlib; from test_pictures_every_field import DRAWN;"
        "drawn = [draw(facts) for draw, facts in DRAWN];"
        "print(hashlib.sha256(''.join(one.svg + one.text for one in drawn).encode()).hexdigest())"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(seen) == 1

"""Whatever is in a name, a picture stays a picture: no markup, no escapes, no direction marks."""

import re
import unicodedata
from xml.etree import ElementTree as ET

import pytest
from build_zoo import (
    hostile_build,
    hostile_commit,
    hostile_comparison,
    hostile_context,
    hostile_success,
)
from files_zoo import hostile_content, hostile_files
from isolation_zoo import hostile_isolation
from picture_zoo import (
    HOSTILE,
    hostile_container,
    hostile_stack,
    hostile_world,
    image,
    world,
)
from registry_zoo import hostile_registry, hostile_transfer
from timeline_zoo import hostile_timeline

from dockerlab.facts import Stack, TagWorld
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
)
from dockerlab.pictures.theme import SMALLEST_TEXT

SVG = "{http://www.w3.org/2000/svg}"
ELEMENTS = {"svg", "title", "desc", "defs", "pattern", "marker", "rect", "line", "path", "text"}
ELEMENTS |= {"circle"}


def pictures(text: str) -> list[Picture]:
    return [
        draw_stack(hostile_stack(text)),
        draw_stack(Stack((hostile_stack(text).images[0],))),
        draw_stack(Stack((hostile_stack(text).images[0],), (hostile_container(text),))),
        draw_tags(hostile_world(text)),
        draw_tags(TagWorld(()), before=hostile_world(text)),
        draw_tags(hostile_world(text), before=world(2, 3, 2)),
        draw_lifecycle(hostile_container(text)),
        draw_timeline(hostile_timeline(text)),
        draw_namespaces(hostile_isolation(text)),
        draw_registry(hostile_registry(text)),
        draw_transfer(hostile_transfer(text)),
        draw_build(hostile_build(text)),
        draw_build(hostile_success(text)),
        draw_context(hostile_context(text)),
        draw_comparison(hostile_comparison(text)),
        draw_stack(hostile_commit(text)),
        draw_files(hostile_files(text)),
        draw_files(hostile_files(text), find=text, layer=1),
        draw_content(hostile_content(text), text),
    ]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_stays_text(text: str) -> None:
    for picture in pictures(text):
        root = ET.fromstring(picture.svg)
        for element in root.iter():
            assert element.tag.removeprefix(SVG) in ELEMENTS
            for name, value in element.attrib.items():
                assert not name.lower().startswith("on")
                assert "href" not in name
                assert "alert" not in value
                assert "evil" not in value
        for shown in (picture.svg, picture.text):
            assert not [c for c in shown if c != "\n" and unicodedata.category(c) in ("Cc", "Cf")]
        # a path may spell an escape out, so that paths which look alike are told apart
        assert "]0;title" not in picture.text.replace(r"\x1b]0;title", "")
        assert max(len(line) for line in picture.text.splitlines()) <= 200


def test_long_names_do_not_leave_the_card() -> None:
    for picture in (*pictures("x" * 10_000), *pictures("W" * 500)):
        assert len(picture.svg) < 60_000
        for text in ET.fromstring(picture.svg).iter(f"{SVG}text"):
            size = float(text.get("font-size", "12"))
            words = text.text or ""
            left = float(text.get("x", "0"))
            if text.get("text-anchor") is None:
                assert left + len(words) * size * 0.5 < 800


def test_every_word_is_at_least_11_pixels() -> None:
    for picture in (*pictures("plain"), draw_tags(world(30, 300, 100, 40)),
                    draw_stack(Stack((image("big", 100),)))):  # fmt: skip
        for text in ET.fromstring(picture.svg).iter(f"{SVG}text"):
            assert float(text.get("font-size", "0")) >= 11


def test_pictures_are_described_and_scale() -> None:
    for picture in pictures("plain"):
        root = ET.fromstring(picture.svg)
        assert [child.tag.removeprefix(SVG) for child in root][:2] == ["title", "desc"]
        assert all((child.text or "").strip() for child in list(root)[:2])
        assert root.get("viewBox", "").startswith("0 0 820 ")
        assert "max-width:100%" in root.get("style", "")


def test_two_pictures_on_a_page_share_no_id() -> None:
    first = set(re.findall(r'id="([^"]+)"', draw_stack(hostile_stack("a")).svg))
    second = set(re.findall(r'id="([^"]+)"', draw_stack(hostile_stack("b")).svg))
    assert first
    assert not first & second


def test_the_bundle_has_svg_and_text_only() -> None:
    picture = draw_tags(world(2, 3, 2))
    bundle = picture._repr_mimebundle_()
    assert bundle == {"image/svg+xml": picture.svg, "text/plain": picture.text}


def test_no_text_is_smaller_than_a_projector_can_show() -> None:
    for picture in pictures("name"):
        sizes = [float(size) for size in re.findall(r'font-size[=:]\s*"?([0-9.]+)', picture.svg)]
        assert sizes
        assert min(sizes) >= SMALLEST_TEXT, picture.title

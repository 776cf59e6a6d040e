"""Names and what they point at."""

import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree as ET

import graphviz
import pytest
from picture_zoo import world

from dockerlab.facts import ContainerUse, Reference, TaggedImage, TagWorld
from dockerlab.pictures import draw_tags
from dockerlab.pictures.graph import order, settle
from dockerlab.pictures.tags_fold import MOST_ROWS, plan
from dockerlab.pictures.tags_plan import compare

SVG = "{http://www.w3.org/2000/svg}"


def tagged(number: int, *tags: str) -> TaggedImage:
    return TaggedImage(f"sha256:{number:064x}", tuple(Reference.parse(tag) for tag in tags), (), 5)


def words(svg: str) -> list[str]:
    return [text.text or "" for text in ET.fromstring(svg).iter(f"{SVG}text")]


def test_two_tags_meet_in_one_image() -> None:
    picture = draw_tags(TagWorld((tagged(1, "nginx:1.25", "nginx:latest"),)))
    shown = words(picture.svg)
    assert shown.count("nginx") == 1
    assert shown.count("000000000000") == 1
    assert "2 names · no registry digest" in shown
    assert picture.text.count("→ 000000000000") == 2


def test_dangling_images_are_said_to_be() -> None:
    picture = draw_tags(TagWorld((tagged(1, "a:1"), tagged(2))))
    assert "dangling: no name" in words(picture.svg)
    assert "<none> →" in picture.text
    dashed = [r for r in ET.fromstring(picture.svg).iter(f"{SVG}rect") if r.get("stroke-dasharray")]
    assert len(dashed) == 1


def test_intermediate_images_are_counted_not_drawn() -> None:
    step = replace(tagged(2), intermediate=True)
    picture = draw_tags(TagWorld((tagged(1, "a:1"), step)))
    assert "1 intermediate image" in picture.text
    assert "dangling" not in picture.text


def test_an_image_known_by_digest_only_is_not_dangling() -> None:
    only = TaggedImage("sha256:1", (Reference.parse("nginx@sha256:abcdef0123456789"),))
    assert not only.dangling
    assert "@abcdef012345" in words(draw_tags(TagWorld((only,))).svg)


def test_what_is_new_gone_and_moved() -> None:
    before = TagWorld((tagged(1, "app:1"), tagged(2, "old:1"), tagged(3, "same:1")))
    now = TagWorld((tagged(1), tagged(4, "app:1"), tagged(3, "same:1", "more:1")))
    changes = compare(now, before)
    status = {reference.familiar: found for reference, found in changes.tag_status.items()}
    assert status == {"app:1": "moved", "old:1": "gone", "same:1": "same", "more:1": "new"}
    picture = draw_tags(now, before)
    assert {"new", "gone", "moved"} <= set(words(picture.svg))
    assert "1 new name · 1 name moved · 1 name gone · 1 new image · 1 image gone" in picture.text
    lines = {line.split("→")[0].strip(" │├└─"): line for line in picture.text.splitlines()}
    assert {"+ 1", "~ 1"} <= set(lines)


def test_nothing_new() -> None:
    now = TagWorld((tagged(1, "app:1"),))
    assert "nothing has changed" in draw_tags(now, now).text
    assert "Since before" not in draw_tags(now).text


def test_containers_hang_on_their_image_even_when_its_name_moved() -> None:
    use = ContainerUse("c", "web", "running", tagged(1).id)
    picture = draw_tags(TagWorld((tagged(1), tagged(2, "app:1")), (use,)))
    (line,) = (line for line in picture.text.splitlines() if line.startswith("<none>"))
    assert "web (running)" in line


@pytest.mark.parametrize("size", [(1, 60, 10, 0), (20, 300, 100, 40), (300, 1000, 1000, 200)])
def test_large_worlds_fold_and_nothing_is_lost(size: tuple[int, int, int, int]) -> None:
    large = world(*size)
    graph = plan(compare(large, None))
    by_kind: dict[str, list[int]] = {}
    for node in graph.nodes.values():
        by_kind.setdefault(node.kind, []).append(node.count)
    assert len(by_kind["tag"]) <= MOST_ROWS
    assert len(by_kind["repository"]) <= MOST_ROWS
    assert len(by_kind["image"]) <= 2 * MOST_ROWS
    assert sum(by_kind["tag"]) == size[1]
    assert sum(by_kind["repository"]) == size[0]
    images = [image.id for node in graph.nodes.values() for image in node.images]
    assert sorted(images) == sorted(image.id for image in large.images)
    assert sum(by_kind.get("container", [])) == size[3]
    assert draw_tags(large).svg


def test_changes_are_never_folded_away() -> None:
    before = world(20, 300, 100)
    images = list(before.images)
    images[5] = replace(images[5], references=(*images[5].references, Reference.parse("brand:new")))
    picture = draw_tags(TagWorld(tuple(images)), before)
    assert "brand" in words(picture.svg)
    assert "1 new name" in picture.text


def test_an_empty_engine() -> None:
    assert "no image yet" in draw_tags(TagWorld(())).text


def test_boxes_of_a_column_do_not_overlap() -> None:
    columns = [["r"], ["a", "b", "c"], ["x", "y"]]
    edges = [("r", "a"), ("r", "b"), ("r", "c"), ("a", "y"), ("b", "y"), ("c", "x"), ("c", "y")]
    ordered = order(columns, edges)
    heights = dict.fromkeys("rabcxy", 30.0)
    centres = settle(ordered, edges, heights, 8)
    for column in ordered:
        tops = [centres[node] for node in column]
        assert tops == sorted(tops)
        assert all(b - a >= 37.9 for a, b in pairwise(tops))


def test_both_ways_to_graphviz_give_the_same_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = world(6, 20, 9, 5)
    here = draw_tags(facts)

    def without_dot(*_arguments: object, **_options: object) -> str:
        raise graphviz.ExecutableNotFound(["dot"])

    monkeypatch.setattr(graphviz, "pipe_string", without_dot)
    assert draw_tags(facts) == here


def test_another_process_draws_the_same_bytes() -> None:
    code = (
        "from picture_zoo import world; from dockerlab.pictures import draw_tags; import hashlib;"
        "svg = draw_tags(world(6, 40, 9, 5)).svg; print(hashlib.sha256(svg.encode()).hexdigest())"
    )
    seen = set()
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
        )  # fmt: skip
        seen.add(done.stdout)
    assert len(seen) == 1


def test_several_names_and_dangling_images_are_both_explained() -> None:
    text = draw_tags(TagWorld((tagged(1, "a:1", "a:2"), tagged(2)))).text
    assert "Several names can point at one image" in text
    assert "A dangling image lost its last name" in text


def test_the_title_counts_the_repositories_that_are_gone() -> None:
    now = TagWorld((tagged(1, "app:1"),))
    assert draw_tags(now).title == "names of app"
    assert draw_tags(now, TagWorld((tagged(1, "app:1", "old:1"),))).title == "names and images"


def test_bytes_of_many_images_are_not_taken_for_bytes_on_disk() -> None:
    assert "GB if none were shared" in draw_tags(world(30, 300, 100)).text

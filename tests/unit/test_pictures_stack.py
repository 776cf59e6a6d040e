"""The layer stack."""

import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from picture_zoo import image
from recorded_engine import ENGINES, Memory, remembering

from dockerlab.facts import Container, FileChange, Image, Layer, Stack, Step, read_stack
from dockerlab.pictures import draw_stack
from dockerlab.pictures.stack_plan import FoldBlock, LayerBlock, StepsBlock, plan

SVG = "{http://www.w3.org/2000/svg}"


def words(svg: str) -> list[str]:
    return [text.text or "" for text in ET.fromstring(svg).iter(f"{SVG}text")]


def fills(svg: str) -> list[str]:
    return [rect.get("fill", "") for rect in ET.fromstring(svg).iter(f"{SVG}rect")]


def blocks_of(*images: Image) -> list[object]:
    tree, _left_out = plan(Stack(images))
    return list(tree.blocks)


def test_steps_stand_between_the_layers_in_their_order() -> None:
    one = Image(
        "sha256:1", "x:1", 9,
        (Layer("a", 4, 1), Layer("b", 5, 4)),
        (Step("LABEL", "a=b", 0), Step("ADD", "a /", 4), Step("ENV", "A=1", 0),
         Step("USER", "me", 0), Step("RUN", "b", 5), Step("CMD", "c", 0)),
    )  # fmt: skip
    found = [b.lines if isinstance(b, StepsBlock) else b.line for b in blocks_of(one)]  # type: ignore[attr-defined]
    assert found == [("LABEL a=b",), "ADD a /", ("ENV A=1", "USER me"), "RUN b", ("CMD c",)]
    shown = words(draw_stack(Stack((one,))).svg)
    assert {"ADD a /", "RUN b", "ENV A=1", "4 B", "5 B"} <= set(shown)


def test_the_base_is_at_the_bottom_and_bigger_is_not_lower() -> None:
    one = Image(
        "sha256:1", "x:1", 101, (Layer("a", 100, 0), Layer("b", 1, 1)),
        (Step("ADD", "base", 100), Step("RUN", "top", 1)),
    )  # fmt: skip
    root = ET.fromstring(draw_stack(Stack((one,))).svg)
    bars = {
        (rect.findtext(f"{SVG}title") or ""): rect for rect in root.iter(f"{SVG}rect")
    }  # fmt: skip
    base, top = bars["ADD base"], bars["RUN top"]
    assert float(base.get("y", "")) > float(top.get("y", ""))
    assert float(base.get("height", "")) > float(top.get("height", ""))


def test_shared_layers_are_hatched_and_named() -> None:
    picture = draw_stack(Stack((image("app:1", 4, base=2, shared=("other:1",)),)))
    assert any(fill.startswith("url(#") for fill in fills(picture.svg))
    assert "other:1" in words(picture.svg)
    assert "shared with other:1" in picture.text
    alone = draw_stack(Stack((image("app:1", 4),)))
    assert not any(fill.startswith("url(#") for fill in fills(alone.svg))


def test_several_images_stand_on_their_common_base_which_is_drawn_once() -> None:
    a, b, other = image("a:1", 4, base=2), image("b:1", 3, base=2), image("c:1", 2)
    tree, left_out = plan(Stack((a, b, other)))
    assert left_out == 0
    assert not tree.blocks
    together, alone = tree.above
    assert [column.image.name for column in together.columns] == ["a:1", "b:1"]
    assert [column.image.name for column in alone.columns] == ["c:1"]
    assert sum(isinstance(block, LayerBlock) for block in together.blocks) == 2
    shown = words(draw_stack(Stack((a, b, other))).svg)
    assert shown.count("RUN make base 0") == 1


def test_an_image_that_is_the_base_of_another_keeps_its_column() -> None:
    base = image("a:1", 2, base=2)
    base = replace(base, steps=base.steps[:-1])
    tree, _left_out = plan(Stack((base, image("b:1", 4, base=2))))
    assert [len(branch.blocks) for branch in tree.above] == [0, 3]
    assert "a:1" in words(draw_stack(Stack((base, image("b:1", 4, base=2)))).svg)


def test_what_stands_in_the_picture_is_not_also_named_as_sharing() -> None:
    a = image("a:1", 3, base=2, shared=("b:1", "else:1"))
    b = image("b:1", 3, base=2, shared=("a:1", "else:1"))
    shown = draw_stack(Stack((a, b))).text
    assert "shared with else:1" in shown
    assert "shared with b:1" not in shown


def test_more_images_than_fit_are_counted() -> None:
    many = tuple(image(f"i{n}:1", 2) for n in range(7))
    assert "2 more are not drawn" in draw_stack(Stack(many)).text


def test_a_container_has_its_writable_layer_on_top() -> None:
    base = image("app:1", 2)
    changes = tuple(FileChange("A", f"/new/{n}") for n in range(9))
    web = Container("c1", "web", "app:1", base.id, "running", writable=18, changes=changes)
    picture = draw_stack(Stack((base,), (web,)))
    shown = words(picture.svg)
    assert {"writable layer of web", "18 B", "/new/0", "and 5 more changes"} <= set(shown)
    assert picture.title == "web"
    top = picture.text.splitlines()[1]
    assert "writable layer of web" in top


def test_two_containers_of_one_image_share_it() -> None:
    base = image("app:1", 2)
    users = tuple(Container(n, n, "app:1", base.id, "running") for n in ("one", "two"))
    tree, _left_out = plan(Stack((base,), users))
    assert len(tree.columns) == 2
    assert sum(isinstance(block, LayerBlock) for block in tree.blocks) == 2


def test_images_without_layers_history_or_steps() -> None:
    nothing = Image("sha256:1", "x:1", 0, (), ())
    assert "no layer at all" in draw_stack(Stack((nothing,))).text
    untold = replace(nothing, layers=(Layer("a", None, None), Layer("b", None, None)))
    assert words(draw_stack(Stack((untold,))).svg).count("no history") == 2


def test_a_hundred_layers_fold_and_none_is_lost() -> None:
    big = image("big:1", 100)
    counted = 0
    blocks = blocks_of(big)
    for block in blocks:
        if isinstance(block, FoldBlock):
            counted += len(block.blocks)
        elif isinstance(block, LayerBlock):
            counted += 1
    assert counted == 100
    assert sum(not isinstance(block, StepsBlock) for block in blocks) <= 24
    sizes = sorted((layer.size or 0 for layer in big.layers), reverse=True)
    alone = [b.size for b in blocks if isinstance(b, LayerBlock)]
    assert set(sizes[:8]) <= set(alone)
    assert "smaller layers" in draw_stack(Stack((big,))).text


@pytest.mark.parametrize("engine", ENGINES)
def test_recorded_facts_give_the_same_bytes_each_time(engine: str) -> None:
    with remembering(Memory.read(engine)) as client:
        first = read_stack(client, "recorded-app:1", "recorded-app:classic", "recorded-exited")
        second = read_stack(client, "recorded-app:1", "recorded-app:classic", "recorded-exited")
    assert draw_stack(first) == draw_stack(second)
    shown = words(draw_stack(first).svg)
    assert "writable layer of recorded-exited" in shown
    # which for Podman, with one builder, is the same image
    assert "recorded-app:classic" in shown or engine.startswith("podman")


def test_what_a_container_wrote_stands_before_the_folders_it_lies_in() -> None:
    base = image("app:1", 2)
    changes = [FileChange("C", folder) for folder in ("/etc", "/usr", "/usr/share", "/usr/share/a")]
    changes += [FileChange("A", "/usr/share/a/new"), FileChange("C", "/tmp"),
                FileChange("D", "/etc/old")]  # fmt: skip
    web = Container("c1", "web", "app:1", base.id, "running", changes=tuple(changes))
    shown = words(draw_stack(Stack((base,), (web,))).svg)
    assert {"/usr/share/a/new", "/tmp", "/etc/old", "/etc"} <= set(shown)
    assert "/usr/share/a" not in shown
    assert "and 3 more changes" in shown


def test_side_by_side_each_container_has_its_whole_name_and_its_image() -> None:
    base = image("app:1", 2)
    users = tuple(Container(f"c{n}", f"web-{n}", "app:1", base.id, "running") for n in range(4))
    shown = words(draw_stack(Stack((base,), users)).svg)
    assert {"web-0", "web-1", "web-2", "web-3", "its writable layer"} <= set(shown)
    assert shown.count("read-only below: app:1") == 4


def test_the_name_that_was_asked_for_comes_first() -> None:
    one = replace(image("web:1", 2), tags=("a.example.com/a/rather/long:name", "web:1"))
    shown = words(draw_stack(Stack((one, image("x:1", 2), image("y:1", 2)))).svg)
    assert "web:1" in shown
    assert "+1 more" in shown


def test_so_many_names_as_there_is_room_for() -> None:
    def told(*shared: str) -> list[str]:
        return words(draw_stack(Stack((image("app:1", 2, base=1, shared=shared),))).svg)

    assert "a:1, b:1 and 1 more" in told("a:1", "b:1", "c:1")
    long = [f"registry.example.com/team/app-{number}:1" for number in range(3)]
    assert any(re.fullmatch(r"registry\.ex.*….*app-0:1 and 2 more", one) for one in told(*long))

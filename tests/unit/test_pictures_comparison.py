"""A comparison's picture: the common base, the settings and the files that differ."""

from dataclasses import replace
from xml.etree import ElementTree as ET

from build_zoo import hostile_comparison
from picture_zoo import image

from dockerlab.facts import (
    Commit,
    Comparison,
    Container,
    FileChange,
    FileDifference,
    Image,
    SettingDifference,
    Side,
    Stack,
)
from dockerlab.pictures import draw_comparison, draw_stack

SVG = "{http://www.w3.org/2000/svg}"


def words(svg: str) -> list[str]:
    return [text.text or "" for text in ET.fromstring(svg).iter(f"{SVG}text")]


def compared(a: Image, b: Image, common: int, **changes: object) -> Comparison:
    facts = Comparison(
        Side(a.name, a, None, a.config), Side(b.name, b, None, b.config),
        Stack(tuple({one.id: one for one in (a, b)}.values())), common, (),
    )  # fmt: skip
    return replace(facts, **changes)  # type: ignore[arg-type]


BASE, APP = image("base:1", 3, base=3), image("app:1", 5, base=3)


def test_layers_in_common_and_sizes() -> None:
    picture = draw_comparison(compared(APP, image("web:1", 4, base=3), 3))
    assert "3 layers in common" in picture.text
    assert "app:1 is" in picture.text
    assert "web:1 takes only" in picture.text
    nothing = draw_comparison(compared(image("a:1", 2), image("b:1", 2), 0))
    assert "no layer in common" in nothing.text
    assert "Nothing is shared" in nothing.text


def test_an_image_and_its_base() -> None:
    assert "base:1 is what app:1 stands on" in draw_comparison(compared(APP, BASE, 3)).text


def test_one_image_by_two_names() -> None:
    assert "two names of one image" in draw_comparison(compared(APP, APP, 5)).text


def test_settings_in_a_table() -> None:
    settings = (
        SettingDifference("CMD", "", "sh", None),
        SettingDifference("ENV", "A", "1", "2"),
        SettingDifference("EXPOSE", "80/tcp", None, ""),
        SettingDifference("LABEL", "org.opencontainers.image.title", "a", "b"),
    )
    picture = draw_comparison(compared(APP, BASE, 3, settings=settings))
    shown = words(picture.svg)
    assert {"CMD", "sh", "not set", "ENV A", "1", "2", "EXPOSE 80/tcp", "set"} <= set(shown)
    assert "LABEL …image.title" in shown
    assert "4 settings differ" in picture.text
    many = tuple(SettingDifference("ENV", f"A{n:03}", "1", None) for n in range(100))
    assert "and 88 more" in words(draw_comparison(compared(APP, BASE, 3, settings=many)).svg)
    assert "the settings are the same" in words(draw_comparison(compared(APP, BASE, 3)).svg)


def test_files_the_largest_first() -> None:
    files = (
        FileDifference("/a", "only a", 5),
        FileDifference("/b", "only b", None, 5_000),
        FileDifference("/c", "content", 10, 20),
        FileDifference("/d", "content", 7, 7),
        FileDifference("/e", "mode", 1, 1),
        FileDifference("/f", "owner", 1, 1),
        FileDifference("/g", "type", 1, 1),
    )
    shown = words(draw_comparison(compared(APP, BASE, 3, files=files)).svg)
    assert shown.index("/b") < shown.index("/c") < shown.index("/a")
    assert {"5 kB", "10 B → 20 B", "changed", "other mode", "other owner", "other kind"} <= set(
        shown
    )
    assert "- 1 only in app:1 · + 1 only in base:1 · ≠ 5 in both, but different" in shown
    many = tuple(FileDifference(f"/{n}", "only a", n) for n in range(5_000))
    picture = draw_comparison(compared(APP, BASE, 3, files=many))
    assert "and 4,988 more files" in words(picture.svg)
    assert len(picture.svg) < 30_000
    assert "the files are the same" in words(draw_comparison(compared(APP, BASE, 3, files=())).svg)
    assert not [word for word in words(draw_comparison(compared(APP, BASE, 3)).svg)
                if "files" in word]  # fmt: skip


def test_paths_that_only_look_alike_are_told_apart() -> None:
    files = (FileDifference("/a\u200bb", "only a", 1), FileDifference("/ab", "only b", None, 1))
    shown = words(draw_comparison(compared(APP, BASE, 3, files=files)).svg)
    assert {"/ab", "/a\\u200bb"} <= set(shown)


def test_a_container_beside_its_image() -> None:
    web = Container("c1", "web", "app:1", APP.id, "running", writable=12,
                    changes=(FileChange("A", "/x"),))  # fmt: skip
    facts = compared(APP, APP, 5, stack=Stack((APP,), (web,)))
    facts = replace(facts, b=Side("web", APP, web, APP.config))
    text = draw_comparison(facts).text
    assert "writable layer of web" in text
    assert "Both stand on one image" in text
    both = replace(facts, a=facts.b)
    assert "two names of one container" in draw_comparison(both).text


def test_the_same_facts_give_the_same_bytes() -> None:
    assert draw_comparison(hostile_comparison("a")) == draw_comparison(hostile_comparison("a"))


def committed(*images: Image, witnessed: bool = True) -> Stack:
    web = Container("c1", "web", BASE.name, BASE.id, "exited", writable=99,
                    changes=(FileChange("A", "/x"),))  # fmt: skip
    return Stack(images, (web,), (Commit("c1", "sha256:kept:1", witnessed=witnessed),))


KEPT = image("kept:1", 4, base=3)


def test_a_commit_is_an_arrow_from_the_writable_layer_to_the_read_only_one() -> None:
    for images in ((BASE, KEPT), (KEPT, BASE)):
        picture = draw_stack(committed(*images))
        root = ET.fromstring(picture.svg)
        (arrow,) = (path for path in root.iter(f"{SVG}path") if path.get("marker-end"))
        start, end = (float(part.split(",")[0]) for part in arrow.get("d", "")[1:].split(" H"))
        assert (start < end) == (images[0] is BASE)
        shown = words(picture.svg)
        assert "commit" in shown
        assert "was written by web, now read-only" in shown
        assert "was the writable layer of web" in picture.text
        assert "docker commit kept what web had written" in picture.text


def test_without_a_commit_there_is_no_arrow() -> None:
    stack = replace(committed(BASE, KEPT), commits=())
    picture = draw_stack(stack)
    assert "marker-end" not in picture.svg
    assert "commit" not in picture.text.lower()


def test_a_commit_between_stacks_that_are_no_neighbours_has_its_mark_but_no_arrow() -> None:
    picture = draw_stack(committed(BASE, image("other:1", 6, base=3), KEPT))
    assert "marker-end" not in picture.svg
    assert "was the writable layer of web" in picture.text


def test_a_commit_that_nobody_witnessed_says_so() -> None:
    text = draw_stack(committed(BASE, KEPT, witnessed=False)).text
    assert "the engine no longer knows which" in text


def test_what_does_not_differ_is_said_to_be_the_same() -> None:
    line = draw_comparison(compared(APP, BASE, 3, files=())).text.splitlines()[0]
    assert line.endswith("the same settings · the same files")

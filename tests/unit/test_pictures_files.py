"""The picture of an image's files: what each layer did, what is stored unseen, and why."""

from xml.etree import ElementTree as ET

import pytest
from files_zoo import entry, files, folder, layer, many_layers, shop

from dockerlab.errors import UnknownNameError, UsageError
from dockerlab.facts.files import Content
from dockerlab.pictures import draw_content, draw_files
from dockerlab.pictures.files_tree import fold, grow, layer_leaves, visible_leaves

SVG = "{http://www.w3.org/2000/svg}"


def words(svg: str) -> list[str]:
    return [text.text or "" for text in ET.fromstring(svg).iter(f"{SVG}text")]


def lines(text: str, start: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip().startswith(start)]


def test_the_headline_says_what_is_stored_and_how_much_of_it_is_seen():
    picture = draw_files(shop())
    assert picture.title == "shop:latest"
    assert "3 layers · 4 files · 36 MB stored · 8.3 % of it can be seen" in picture.text
    assert "3 layers · 4 files · 36 MB stored · 8.3 % of it can be seen" in words(picture.svg)


def test_each_layer_has_its_paths_with_marks_and_sizes_the_newest_on_top():
    text = draw_files(shop()).text
    heads = lines(text, "█")
    assert [head.split()[2] for head in heads] == ["2", "1", "0"]
    assert lines(text, "+ /opt/blob")[0].endswith("30 MB")
    assert lines(text, "≠ /etc/shop.conf")[0].endswith("400 B  content")
    assert lines(text, "- /opt/blob")[0].endswith("-30 MB")


def test_what_changed_is_told_apart():
    text = draw_files(shop(), layer=1).text
    assert "mode 0644 → 0755" in text
    assert "owner 0:0 → 33:0" in text


def test_the_base_layer_is_added_like_any_other():
    base = draw_files(shop(), layer=0).text
    assert "layer 0 · step 1 · 9 added" in base
    assert lines(base, "+ /lib")[0].endswith("→ /usr/lib")


def test_the_story_of_the_waste():
    picture = draw_files(shop())
    assert "! /opt/blob, 30 MB, added by step 1, deleted by step 3, still travels." in picture.text
    assert "33 MB is stored and sent but can't be seen" in picture.text
    assert "stored and sent, never seen: 33 MB" in words(picture.svg)


def test_many_files_that_went_for_one_reason_are_one_story():
    names = [f"/var/cache/{n:03}" for n in range(300)]
    picture = draw_files(
        files(layer(*(entry(name, 1000) for name in names)), layer(gone=["/var/cache"]))
    )
    told = lines(picture.text, "!")
    assert len(told) == 1
    assert told[0].startswith("! 300 files below /var/cache, 300 kB, stored by step 1, deleted by")


def test_an_image_without_waste_and_one_without_content():
    assert "nothing is wasted" in draw_files(files(layer(entry("/a", 5)))).text
    assert "No layer stores a byte" in draw_files(files(layer(folder("/a")))).text
    assert "No layer stores a byte" in draw_files(files()).text


def test_what_is_stored_again_unchanged():
    same = entry("/data", 5000)
    text = draw_files(files(layer(same), layer(same))).text
    assert lines(text, "= /data")[0].endswith("5 kB  unchanged")
    assert "1 stored again unchanged" in text


def test_hard_links_are_one_file():
    first = entry("/a", 5000)
    link = entry("/b", 5000, link="/a", inode=0)
    text = draw_files(files(layer(first, link))).text
    assert "5 kB stored" in text
    assert lines(text, "+ /b")[0].endswith("0 B  one file with /a")


@pytest.mark.parametrize(
    ("find", "found"),
    [("*.conf", {"/etc/shop.conf"}), ("SHOP", {"/etc/shop.conf", "/usr/bin/shop"}),
     ("/usr/*", {"/usr/bin/", "/usr/bin/shop", "/usr/bin/sell"}), ("[", set())],
)  # fmt: skip
def test_finding(find, found):
    picture = draw_files(shop(), find=find)
    seen = {name for name in ("/etc/shop.conf", "/opt/blob", "shop ", "sell ")
            if name in picture.text.split("\n", 1)[1]}  # fmt: skip
    assert ("/opt/blob" in seen) == ("/opt/blob" in found)
    assert ("/etc/shop.conf" in seen) == ("/etc/shop.conf" in found)
    assert f"“{find}”: " in picture.text
    assert ("No path of these layers has that in it." in picture.text) == (not found)


def test_sorting():
    world = files(layer(entry("/a", 1), entry("/b", 9), entry("/c", 5)))
    order = [line[2:4] for line in lines(draw_files(world).text, "+")]
    assert order == ["/b", "/c", "/a"]
    by_path = [line[2:4] for line in lines(draw_files(world, sort="path").text, "+")]
    assert by_path == ["/a", "/b", "/c"]


def test_mistakes_have_a_mend():
    with pytest.raises(UnknownNameError, match=r"no layer 3; shop:latest has 3, counted from 0"):
        draw_files(shop(), layer=3)
    with pytest.raises(UsageError, match=r"can't be sorted by 'age'\. Sort by 'size' or by 'path'"):
        draw_files(shop(), sort="age")


def test_the_same_facts_give_the_same_bytes():
    assert draw_files(shop()).svg == draw_files(shop()).svg


def test_a_hundred_layers_fold():
    picture = draw_files(many_layers(100))
    assert len(lines(picture.text, "█")) == 9
    assert "91 of the layers do least and are not drawn" in picture.text
    assert len(picture.svg) < 60_000
    assert "/srv/3/file" in draw_files(many_layers(100), layer=3).text


def test_a_tree_never_takes_more_rows_than_it_has():
    entries = [entry(f"/a/{n % 7}/{n % 50}/{n}", n) for n in range(3000)]
    root = grow(layer_leaves(files(layer(*entries)).layers[0]))
    assert root.files == 3000
    assert root.bytes == sum(range(3000))
    for room in (4, 10, 25, 200):
        rows = fold(root, room)
        assert len(rows) <= room
        assert rows[0].label.startswith("/a/")
    hidden = sum(row.more for row in fold(root, 10))
    assert hidden > 0


def test_folders_that_only_lead_on_are_one_row():
    root = grow(
        visible_leaves(files(layer(entry("/usr/share/doc/a", 1), entry("/usr/share/b", 2))))
    )
    labels = [row.label for row in fold(root, 10)]
    assert labels == ["/usr/share/", "b", "doc/a"]


TEXT = b"one\n\tindented   twice\n" + b"".join(b"line %d\n" % n for n in range(100))


def test_content_keeps_its_columns_and_says_what_is_left_out():
    picture = draw_content(Content(entry("/etc/a", len(TEXT), layer=1), TEXT), "shop:latest")
    assert "/etc/a — " in picture.text
    assert "-rw-r--r-- · owner 0:0 · layer 1 of shop:latest" in picture.text
    assert "       2      indented   twice" in picture.text
    assert "\xa0\xa0\xa0\xa0indented\xa0\xa0\xa0twice" in words(picture.svg)
    assert "62 more lines follow." in picture.text


def test_content_that_was_cut_is_empty_or_no_text():
    cut = draw_content(Content(entry("/a", 5000), "né".encode()[:2]), "i")
    assert "Only the first 2 B of 5 kB were read." in cut.text
    assert "The file is empty." in words(draw_content(Content(entry("/a"), b""), "i").svg)
    binary = draw_content(Content(entry("/a", 20), b"\x7fELF\0<>" + bytes(13)), "i")
    assert "0000  7f 45 4c 46 00 3c 3e" in binary.text
    assert "·ELF·<>·" in binary.text
    assert "This is no text" in binary.text

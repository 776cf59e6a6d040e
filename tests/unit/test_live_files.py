"""The widget for an image's files: what it tells its page, and that it tells it as text."""

import json
import unicodedata
from pathlib import Path

import pytest
from files_zoo import entry, files, hostile_content, hostile_files, layer, many_layers, shop
from picture_zoo import HOSTILE

from dockerlab.course.files import ImageFiles
from dockerlab.course.files import files as lab_files
from dockerlab.errors import UnknownNameError
from dockerlab.facts.files import Content
from dockerlab.live import FilesExplorer
from dockerlab.pictures import draw_files

LIVE = "application/vnd.jupyter.widget-view+json"


def read(path, layer, limit):
    return Content(entry(path, 9, layer=layer or 0), b"some text")


def explorer(facts=None, reader=read) -> FilesExplorer:
    return FilesExplorer(shop() if facts is None else facts, reader)


def ask(widget, ask="tree", *, view="layer", layer=0, find="", sort="size", **more):
    return widget.answer(
        {"ask": ask, "view": view, "layer": layer, "find": find, "sort": sort, **more}
    )


def labels(answer) -> list[str]:
    return [row["label"] for row in answer["rows"]]


def test_it_begins_with_the_newest_layer_unfolded():
    widget = explorer()
    assert [row["label"] for row in widget.first] == ["/opt/blob"]
    assert widget.first[0]["mark"] == "-"
    assert widget.first[0]["size"] == "-30 MB"
    assert [layer["size"] for layer in widget.head["layers"]] == ["33 MB", "3 MB", "0 B"]
    assert widget.head["layers"][0]["unseen"] == pytest.approx(1, abs=0.001)


def test_a_layer_s_tree_opens_folder_by_folder():
    widget = explorer(files(layer(*(entry(f"/a/{n % 40}/{n}", 10) for n in range(2000)))))
    rows = ask(widget)["rows"]
    closed = next(row for row in rows if row.get("folder") and not row["open"])
    inside = ask(widget, "open", key=closed["key"])
    assert len(inside["rows"]) == 50
    assert inside["left"] == 0
    rest = next(row for row in rows if row.get("left"))
    more = ask(widget, "open", key=rest["key"], start=rest["start"])
    assert len(more["rows"]) == rest["left"]


def test_a_large_folder_comes_in_pages():
    widget = explorer(files(layer(*(entry(f"/big/{n:05}", n) for n in range(20_000)))))
    rest = next(row for row in widget.first if row.get("left"))
    seen, start, left = [], 0, 1
    while left:
        page = ask(widget, "open", key=rest["key"], start=start)
        assert len(page["rows"]) <= 200
        seen += labels(page)
        start, left = start + len(page["rows"]), page["left"]
    assert len(set(seen)) == 20_000
    assert seen[0] == "19999"
    by_name = ask(widget, "open", key=rest["key"], sort="path")
    assert labels(by_name)[0] == "00000"


def test_all_that_is_visible_says_from_which_layer():
    rows = ask(explorer(), view="all")["rows"]
    assert not [row for row in rows if row.get("label") == "/opt/blob"]
    conf = next(row for row in rows if row["label"] == "/etc/shop.conf")
    assert (conf["note"], conf["size"], conf["mark"]) == ("layer 1", "400 B", "")


def test_a_filter_opens_what_matches():
    answer = ask(explorer(), find="*.conf")
    assert labels(answer) == ["/etc/shop.conf"]
    assert answer["said"] == "1 path"
    assert ask(explorer(), find="nothing")["rows"] == []


def test_the_waste_is_told():
    told = ask(explorer(), view="waste")["rows"]
    assert told[0]["label"].startswith("/opt/blob, 30 MB, added by step 1")
    assert [row["share"] for row in told] == sorted((r["share"] for r in told), reverse=True)


@pytest.mark.parametrize(
    ("view", "layer", "name", "asked"),
    [("layer", 1, "/etc/shop.conf", 1), ("all", 0, "/etc/shop.conf", None),
     ("layer", 2, "/opt/blob", 0)],
)  # fmt: skip
def test_a_file_is_read_from_where_it_is_seen(view, layer, name, asked):
    calls = []

    def reader(path, layer, limit):
        calls.append((path, layer))
        return read(path, layer, limit)

    widget = explorer(reader=reader)
    row = next(one for one in ask(widget, view=view, layer=layer)["rows"] if one["label"] == name)
    assert row["readable"]
    answer = ask(widget, "read", view=view, layer=layer, key=row["key"])
    assert calls == [(name, asked)]
    assert answer["lines"] == [["1", "some text"]]


def test_a_question_that_goes_wrong_is_answered_with_a_sentence():
    def gone(path, layer, limit):
        raise UnknownNameError("There is no image 'shop';", "did you mean 'ship'?")

    widget = explorer(reader=gone)
    sent = []
    widget.send = sent.append
    key = widget.first[0]["key"]
    question = {"view": "layer", "layer": 2, "find": "", "sort": "size"}
    widget._heard(widget, {**question, "ask": "read", "key": key, "id": 1}, [])
    widget._heard(widget, {**question, "ask": "open", "key": 999, "id": 2}, [])
    widget._heard(widget, {"id": 3}, [])
    widget._heard(widget, {**question, "ask": "open", "key": "<b>", "id": 4}, [])
    assert [one["id"] for one in sent] == [1, 2, 3, 4]
    assert sent[0]["said"] == "There is no image 'shop'; did you mean 'ship'?"
    assert all("Run the cell again" in one["said"] for one in sent[1:])


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_what_is_hostile_reaches_the_page_as_harmless_text(text):
    widget = explorer(hostile_files(text), lambda *_asked: hostile_content(text))
    key = next(row["key"] for row in ask(widget)["rows"] if row.get("readable"))
    told = [
        widget.head, widget.first, ask(widget), ask(widget, view="all"),
        ask(widget, view="waste"), ask(widget, "read", key=key),
    ]  # fmt: skip
    written = json.dumps(told, ensure_ascii=False)
    written.encode()  # a lone surrogate could not be sent
    assert not [one for one in written if unicodedata.category(one) in ("Cc", "Cf")]
    assert len(written) < 100_000


def test_the_page_never_makes_markup_of_text():
    page = Path(lab_files.__code__.co_filename).parents[1] / "live" / "files.js"
    source = page.read_text(encoding="utf-8")
    for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "http"):
        assert way not in source


def test_an_image_without_layers_and_one_with_many():
    assert explorer(files()).first == []
    assert len(explorer(many_layers(100)).head["layers"]) == 100


def test_its_still_form_stands_beside_it():
    facts = shop()
    picture = draw_files(facts)
    value = ImageFiles(facts, picture, read)
    bundle = value._repr_mimebundle_()
    bundle = bundle[0] if isinstance(bundle, tuple) else bundle
    assert bundle["image/svg+xml"] == picture.svg
    assert bundle["text/plain"] == picture.text
    assert bundle[LIVE]["model_id"]
    assert value.waste_bytes == facts.waste_bytes
    assert (value.layers, value.visible, value.waste) == (facts.layers, facts.visible, facts.waste)
    assert value.efficiency == facts.efficiency
    assert "some text" in value.content("/etc/shop.conf").text
    assert str(value) == picture.text

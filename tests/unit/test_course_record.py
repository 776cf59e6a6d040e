"""The notes of what the course made on an engine, and the file that keeps them."""

import json

import pytest

from dockerlab.course.record import (
    VERSION,
    Noted,
    Record,
    change_record,
    lost_notes,
    read_record,
)
from dockerlab.errors import LabError

BUSY = Noted(
    containers={"c1": ("web",)},
    networks={"n1": "lab1-net"},
    volumes={"lab1-v": "2026-11-27T10:50:39Z"},
    images={"sha256:a": ("lab1-a:latest",)},
    pulled={"busybox:latest": ("sha256:b",)},
    found=("aaaaaaaaaaaa",),
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "deep" / "engine.json"


def write(path, record):
    with change_record(path) as change:
        change.record = record


def test_what_is_written_is_read(path):
    write(path, Record({"1": BUSY, "2.1": Noted()}, {"3": BUSY}))
    assert read_record(path) == Record({"1": BUSY, "2.1": Noted()}, {"3": BUSY}, version=VERSION)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_change_that_fails_changes_nothing(path):
    write(path, Record({"1": BUSY}))
    with pytest.raises(ZeroDivisionError), change_record(path) as change:
        change.record = Record({"1": Noted(found=(str(1 // 0),))})
    assert read_record(path).chapters == {"1": BUSY}


def test_notes_add_up():
    more = Noted(containers={"c1": ("web", "web2"), "c2": ("x",)}, images={"sha256:a": ("b:1",)})
    both = BUSY | more
    assert both.containers == {"c1": ("web", "web2"), "c2": ("x",)}
    assert both.images == {"sha256:a": ("lab1-a:latest", "b:1")}
    assert (both | more) == both


def test_after_a_cleanup_nothing_is_added():
    assert Record().adding("1", BUSY) == Record()
    begun = Record().with_chapter("1", Noted()).adding("1", BUSY)
    assert begun.of("1") == BUSY
    assert begun.adding("1", Noted(), ["lab1-v"]).of("1").volumes == {}


def test_what_was_left_is_the_chapter_s_at_its_next_start():
    left = Record({"1": BUSY}).without_chapter("1").leaving("1", BUSY)
    assert left.of("1") is None
    assert left.made_for("1") == BUSY
    assert left.with_chapter("1", Noted()).made_for("1") == Noted()
    assert left.leaving("1", Noted(found=("a",))).left == {}


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"version": 2, "chapters": 3}', "\0" * 20, '{"chapters": {"1": 4}}']
)
def test_damaged_notes_are_set_aside_and_told_once(path, content):
    path.parent.mkdir()
    path.write_text(content)
    assert read_record(path).chapters == {}
    assert f"{path}.broken" in lost_notes(path)
    assert path.with_name("engine.json.broken").read_text() == content
    assert lost_notes(path) == ""


def test_notes_of_the_older_version_are_set_aside_and_told_once(path):
    path.parent.mkdir()
    older = json.dumps({"pulled": {"1": ["busybox:latest"]}, "named": {}})
    path.write_text(older)
    assert read_record(path).chapters == {}
    assert "older version" in lost_notes(path)
    assert path.with_name("engine.json.old").read_text() == older
    assert lost_notes(path) == ""


def test_notes_of_a_newer_version_are_left_alone(path):
    path.parent.mkdir()
    newer = json.dumps({"version": VERSION + 1, "chapters": {}})
    path.write_text(newer)
    for use in (read_record, lost_notes, lambda path: write(path, Record({"1": BUSY}))):
        with pytest.raises(LabError, match=r"newer version.*move the file away"):
            use(path)
    assert path.read_text() == newer


def test_fields_that_a_newer_version_added_stay(path):
    write(path, Record({"1": BUSY}))
    content = json.loads(path.read_text())
    content["chapters"]["1"]["secrets"] = ["s1"]
    path.write_text(json.dumps(content))
    with change_record(path) as change:
        change.record = change.record.adding("1", Noted(containers={"c9": ("y",)}))
    assert json.loads(path.read_text())["chapters"]["1"]["secrets"] == ["s1"]


def test_a_folder_that_cannot_be_written_gets_one_line(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(LabError, match=r"can't keep its notes.*DOCKERLAB_CACHE"):
        write(tmp_path / "file" / "engine.json", Record({"1": BUSY}))

"""What a student meets before the start, and the notes that the course keeps."""

import pytest

import dockerlab as lab
from dockerlab.course import bench
from dockerlab.course.record import Record, read_record, write_record
from dockerlab.errors import LabError, UnknownNameError


@pytest.mark.parametrize(
    "early",
    [
        lambda: lab.stack("busybox"),
        lab.tags,
        lambda: lab.lifecycle("web"),
        lambda: lab.claim("1.2", holds=True, because="…"),
        lambda: lab.predict("What?", yes="Yes.", no="No."),
        lambda: lab.check("1.a"),
        lambda: lab.reset("1"),
        lab.cleanup,
    ],
)
def test_before_the_start_every_name_gives_the_same_clear_sentence(early, monkeypatch):
    monkeypatch.setattr(bench, "_present", [])
    with pytest.raises(LabError, match=r"not been started.*lab\.start"):
        early()


def test_an_unknown_chapter_is_refused_before_any_engine_is_touched(monkeypatch):
    monkeypatch.setenv("DOCKERLAB_ENGINE", "unix:///nobody/here.sock")
    with pytest.raises(UnknownNameError, match="no chapter '9'"):
        lab.start("9")


def test_notes_are_kept(tmp_path):
    path = tmp_path / "deep" / "engine.json"
    record = Record({}).with_chapter("1", ("busybox:latest",)).with_chapter("2.1", ())
    write_record(path, record)
    assert read_record(path) == record
    assert [file.name for file in path.parent.iterdir()] == ["engine.json"]


def test_an_image_is_noted_once():
    record = Record({}).with_chapter("1", ("a:1",)).with_chapter("1", ("a:1", "b:1"))
    assert record.pulled == {"1": ("a:1", "b:1")}
    assert record.without_chapter("1").pulled == {}


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pulled": 3}', '{"pulled": {"1": 4}}'])
def test_broken_notes_are_no_notes(tmp_path, content):
    path = tmp_path / "engine.json"
    path.write_text(content)
    assert read_record(path) == Record({})


def test_a_folder_that_cannot_be_written_gets_one_line(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(LabError, match=r"can't keep its notes.*DOCKERLAB_CACHE"):
        write_record(tmp_path / "file" / "engine.json", Record({}))


def test_what_bore_a_name_is_noted_with_its_chapter(tmp_path):
    path = tmp_path / "engine.json"
    record = Record({}).with_chapter("1", ()).with_named("1", ("sha256:a", "sha256:b"))
    write_record(path, record.with_named("1", ("sha256:a",)))
    assert read_record(path).named == {"1": ("sha256:a", "sha256:b")}
    assert read_record(path).without_chapter("1") == Record({})

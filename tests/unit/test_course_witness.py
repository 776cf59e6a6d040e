"""What bore a name of the chapter is noted after a cell, and is the chapter's when it has none."""

from types import SimpleNamespace

import pytest

from dockerlab.course.belongings import belongings
from dockerlab.course.bench import Bench
from dockerlab.course.chapters import find_chapter
from dockerlab.course.record import Record, read_record, write_record
from dockerlab.course.witness import note_names
from dockerlab.engine import Engine

CHAPTER = find_chapter("3.4")


@pytest.fixture
def images():
    return [{"Id": "sha256:a", "RepoTags": ["lab34-page:v1"]}, {"Id": "sha256:mine"}]


@pytest.fixture
def client(images):
    api = SimpleNamespace(
        images=lambda: images, containers=lambda **_all: [], networks=lambda: [],
        volumes=lambda: {"Volumes": None},
    )  # fmt: skip
    return SimpleNamespace(api=api, info=lambda: {"ID": "engine"})


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.setenv("DOCKERLAB_CACHE", str(tmp_path))
    return tmp_path / "course" / "engine.json"


@pytest.fixture
def bench(client):
    return Bench(Engine("url", "unix:///nobody.sock"), client, CHAPTER)


def test_an_image_that_lost_the_chapter_s_name_is_the_chapter_s(bench, client, images, path):
    write_record(path, Record({}).with_chapter("3.4", ()))
    note_names(bench)
    images[:] = [{"Id": "sha256:a", "RepoTags": []}, {"Id": "sha256:mine", "RepoTags": []}]
    note_names(bench)
    named = read_record(path).named["3.4"]
    assert [thing.name for thing in belongings(client, CHAPTER, named)] == ["sha256:a"]


def test_with_a_name_of_the_student_s_it_stays(bench, client, images, path):
    write_record(path, Record({}).with_chapter("3.4", ()))
    note_names(bench)
    images[0]["RepoTags"] = ["mine:v1"]
    assert not belongings(client, CHAPTER, read_record(path).named["3.4"])


def test_after_a_cleanup_nothing_is_noted(bench, path):
    note_names(bench)
    assert read_record(path) == Record({})
    write_record(path, Record({}).with_chapter("3.4", ()))
    note_names(bench)
    assert read_record(path).named == {"3.4": ("sha256:a",)}

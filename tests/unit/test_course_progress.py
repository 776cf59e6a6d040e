"""How far a student is: kept by the notebook, read by the student and the teacher."""

import json

import pytest
from benches import answering

import dockerlab as lab
from dockerlab.course import bench, check, progress
from dockerlab.course.bench import Bench
from dockerlab.course.chapters import find_chapter
from dockerlab.course.check import Exercise, Point
from dockerlab.course.progress import FOLDER_VARIABLE, Guess, note_check, note_prediction
from dockerlab.engine import Engine


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    """A folder of notebooks with a bench whose engine answers."""
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(progress, "_told", set())
    here = Bench(Engine("url", "unix:///nobody.sock"), answering(), find_chapter("1"))
    monkeypatch.setattr(bench, "_present", [here])
    return tmp_path


@pytest.fixture
def cell(monkeypatch):
    """Say which cell runs."""

    def run(identity):
        class Shell:
            def get_parent(self):
                return {"metadata": {"cellId": identity}}

        monkeypatch.setattr(progress, "get_ipython", Shell)

    return run


def row(number):
    return next(row for row in lab.progress().rows if row[0] == number)


def effort(exercise):
    chapters = {each.chapter: each for each in lab.progress().chapters}
    return chapters[exercise.rpartition(".")[0]].exercises[exercise]


def test_nothing_was_done_yet(folder):
    assert row("1") == ("1", "Docker architecture", "0 of 10", "-", "0 of 2")
    assert not (folder / ".dockerlab").exists()


def test_a_claim_counts_once():
    for _again in range(2):
        lab.claim("1.2", holds=True, because="they answered.")
    assert row("1")[2] == "1 of 10"


def test_a_prediction_counts_when_it_is_revealed_and_the_first_answer_counts():
    guess = lab.predict("Is it so?", yes="Yes.", no="No.")
    guess.reveal("yes")
    assert row("1")[3] == "-"
    again = lab.predict("Is it really so?", yes="Yes.", no="No.")
    again.choose("no")
    again.reveal("yes")
    note_prediction("1", "Is it really so?", Guess("yes", right=True))
    assert row("1")[3] == "0 of 1"


def look_at(met):
    return lambda _client: (Point("it is so", met, "seen", "" if met else "try again"),)


def test_a_check_notes_each_try(monkeypatch):
    import dockerlab.course.exercises as course

    for met in (False, False, True, True):
        monkeypatch.setattr(course, "EXERCISES", (Exercise("1.a", "so", look_at(met)),))
        check.check("1.a")
    assert (effort("1.a").tries, bool(effort("1.a").done)) == (4, True)
    assert row("1")[4].startswith("1 of")


def test_what_passes_only_after_the_solution_is_told_apart(cell):
    cell("exercise-a-again")
    note_check("1", "1.a", passed=True)
    assert effort("1.a").by_solution
    assert row("1")[4] == "0 of 2"
    cell("exercise-a-check")
    note_check("1", "1.a", passed=True)
    assert not effort("1.a").by_solution
    assert row("1")[4] == "1 of 2"


def test_what_was_done_stays_done_when_the_solution_runs_too(cell):
    cell("exercise-a-check")
    note_check("1", "1.a", passed=True)
    cell("exercise-a-again")
    note_check("1", "1.a", passed=True)
    assert not effort("1.a").by_solution


def test_a_teacher_gets_one_json():
    lab.claim("1.2", holds=True, because="they answered.")
    told = json.loads(json.dumps(lab.progress().as_json()))
    assert told["totals"]["claims_seen"] == 1
    assert next(each for each in told["chapters"] if each["chapter"] == "1")["claims"] == ["1.2"]


def test_it_is_shown_as_a_table():
    bundle = lab.progress()._repr_mimebundle_()
    assert bundle["text/html"].count("<tr>") == len(lab.progress().rows) + 1
    assert "0 of 10" in bundle["text/plain"]

"""Predictions: live, still, answered and not."""

import pytest

import dockerlab as lab
from dockerlab.course import bench
from dockerlab.course.bench import Bench
from dockerlab.course.chapters import CHAPTERS
from dockerlab.engine import Engine
from dockerlab.errors import UsageError


@pytest.fixture(autouse=True)
def started(monkeypatch):
    here = Bench(Engine("url", "unix:///nobody.sock"), None, CHAPTERS[0])
    monkeypatch.setattr(bench, "_present", [here])


def ask():
    return lab.predict("Where is the `file`?", gone="It is gone.", kept="It <b>stays</b>.")


def test_it_has_a_live_and_two_still_forms():
    bundle = ask()._repr_mimebundle_()
    assert set(bundle) == {
        "application/vnd.jupyter.widget-view+json",
        "text/html",
        "text/plain",
    }
    assert bundle["text/plain"].splitlines() == [
        "? Where is the `file`?",
        "  ( ) It is gone.",
        "  ( ) It <b>stays</b>.",
    ]
    assert "It &lt;b&gt;stays&lt;/b&gt;." in bundle["text/html"]


def test_the_still_forms_never_change():
    guess = ask()
    before = guess.text, guess.html
    guess.choose("gone")
    guess.reveal("kept")
    assert (guess.text, guess.html) == before


def test_unattended_the_answer_is_given_all_the_same():
    card = ask().reveal("kept")
    assert "Answer" in card.text
    assert "The engine says: It <b>stays</b>." in card.text
    assert "no prediction" in card.text


def test_a_right_prediction():
    guess = ask()
    guess.choose("kept")
    assert guess.reveal("kept").text.startswith("✓ As you said")


def test_a_wrong_prediction_shows_both_answers():
    guess = ask()
    guess.choose("gone")
    text = guess.reveal("kept").text
    assert text.startswith("✎ Surprise")
    assert "You said: It is gone." in text
    assert "The engine says: It <b>stays</b>." in text


def test_a_click_chooses():
    guess = ask()
    guess._buttons["gone"].click()
    assert guess.chosen == "gone"


def test_the_first_answer_counts():
    guess = ask()
    guess.choose("gone")
    guess.choose("kept")
    assert guess.chosen == "gone"


def test_nobody_predicts_after_the_answer():
    guess = ask()
    guess.reveal("kept")
    guess.choose("kept")
    assert guess.chosen is None


def test_a_cell_that_runs_again_keeps_the_answer():
    ask().choose("gone")
    assert ask().chosen == "gone"
    assert ask().reveal("kept").text.startswith("✎ Surprise")


def test_a_new_start_forgets_the_answers(monkeypatch):
    ask().choose("gone")
    here = Bench(Engine("url", "unix:///nobody.sock"), None, CHAPTERS[0])
    monkeypatch.setattr(bench, "_present", [here])
    assert ask().chosen is None


def test_an_answer_must_be_one_of_the_choices():
    with pytest.raises(UsageError, match=r"'lost' is none of the choices.*gone, kept"):
        ask().reveal("lost")


def test_one_choice_is_no_choice():
    with pytest.raises(UsageError, match="two choices"):
        lab.predict("Really?", yes="Yes.")

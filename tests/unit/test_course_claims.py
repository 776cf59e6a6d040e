"""The ledger, and a claim set against it."""

import re

import pytest

import dockerlab as lab
from dockerlab.course import bench
from dockerlab.course.bench import Bench
from dockerlab.course.chapters import CHAPTERS, find_chapter
from dockerlab.course.ledger import find_row, read_ledger
from dockerlab.engine import Engine
from dockerlab.errors import LabError, UnknownNameError, UsageError


@pytest.fixture(autouse=True)
def started(monkeypatch):
    """A bench whose engine is never asked."""
    here = Bench(Engine("url", "unix:///nobody.sock"), None, CHAPTERS[0])
    monkeypatch.setattr(bench, "_present", [here])
    return here


def test_the_ledger_has_the_rows_of_its_chapters_in_order():
    rows = read_ledger()
    assert [key for key in rows if key.startswith("1.")] == [f"1.{n}" for n in range(1, 11)]
    assert [key for key in rows if key.startswith("2.1.")] == [f"2.1.{n}" for n in range(1, 14)]
    assert {row.chapter for row in rows.values()} == {"1", "2.1"}


def test_every_row_says_one_sentence_and_a_corrected_one_says_what_is_right():
    for row in read_ledger().values():
        assert row.verdict in ("holds", "corrected", "depends"), row.id
        assert re.fullmatch(r"[A-Z`].+\.", row.says), row.id
        assert row.says.isascii()
        assert row.adds or row.verdict == "holds", row.id
        assert row.adds or not row.since, row.id


def test_an_unknown_claim_names_the_nearest():
    with pytest.raises(UnknownNameError, match=r"no claim '2\.1\.14'.*mean '2\.1\.4'"):
        find_row("2.1.14")


def test_an_unknown_chapter_names_the_nearest():
    with pytest.raises(UnknownNameError, match=r"no chapter '2\.11'.*mean '2\.1'"):
        find_chapter("2.11")
    with pytest.raises(UnknownNameError, match=r"The chapters are 0, 1, 2\.1"):
        find_chapter("welcome")


def test_a_claim_that_holds():
    card = lab.claim("1.2", holds=True, because="client and server answered apart.")
    assert card.text.splitlines()[0] == "✓ Holds · Claim 1.2"
    assert "This engine says: client and server answered apart." in card.text
    assert "client-server structure" in card.text


def test_a_claim_that_is_corrected_says_what_is_right_and_since_when():
    card = lab.claim("1.7", holds=False, because="its parent is a shim.")
    assert card.text.splitlines()[0] == "✎ Corrected · Claim 1.7"
    assert "Right is: dockerd builds and distributes images" in card.text
    assert "Since: Engine 1.11" in card.text


@pytest.mark.parametrize(("holds", "here"), [(True, "holds here"), (False, "does not hold here")])
def test_a_claim_that_depends_takes_what_the_engine_says(holds, here):
    card = lab.claim("1.4", holds=holds, because="npipe.")
    assert card.text.splitlines()[0] == f"✎ Depends on the engine · Claim 1.4 · {here}"


@pytest.mark.parametrize(("identity", "holds"), [("1.2", False), ("1.7", True)])
def test_an_engine_that_contradicts_the_ledger_fails_the_cell(identity, holds):
    with pytest.raises(LabError, match=f"Claim {identity}: the ledger says") as caught:
        lab.claim(identity, holds=holds, because="this is what it said.")
    assert "this is what it said." in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("answer", ["yes", 1, None, []])
def test_a_verdict_is_true_or_false(answer):
    with pytest.raises(UsageError, match="is not an answer"):
        lab.claim("1.2", holds=answer, because="…")


def test_what_the_engine_says_is_escaped():
    card = lab.claim("1.2", holds=True, because="<script>alert(1)</script>\x1b[2J\u202e`<b>`")
    assert "<script>" not in card.html
    assert "<code>&lt;b&gt;</code>" in card.html
    assert "\x1b" not in card.text
    assert "\u202e" not in card.text + card.html


def test_a_card_is_shown_as_html_and_text():
    bundle = lab.claim("1.2", holds=True, because="…")._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/plain"}

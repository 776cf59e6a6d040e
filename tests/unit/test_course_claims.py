"""The ledger, and a claim set against it."""

import re

import pytest
from benches import answering

import dockerlab as lab
from dockerlab.course import bench
from dockerlab.course import claim as claim_module
from dockerlab.course.bench import Bench
from dockerlab.course.chapters import CHAPTERS, find_chapter
from dockerlab.course.ledger import Row, find_row, read_ledger
from dockerlab.course.traits import fits
from dockerlab.engine import Engine
from dockerlab.errors import EngineError, LabError, UnknownNameError, UsageError


@pytest.fixture(autouse=True)
def started(monkeypatch):
    """A bench whose engine answers, and is asked nothing else."""
    here = Bench(Engine("url", "unix:///nobody.sock"), answering(ok=True), CHAPTERS[0])
    monkeypatch.setattr(bench, "_present", [here])
    return here


CLAIMS = {
    "1": 10, "2.1": 13, "2.2": 16, "2.3": 21, "3.1": 8, "3.2": 23, "3.3": 17, "3.4": 23,
    "3.5": 47, "3.6": 4, "4.0": 4, "4.1": 19, "4.2": 9, "4.3": 3, "4.4": 12, "4.5": 9, "4.6": 6,
    "5.1": 14, "5.2": 18,
}  # fmt: skip
"""How many claims the text makes in each section."""

MOST_STATED = 24


def test_the_ledger_has_every_claim_of_the_text_in_order():
    wanted = [f"{chapter}.{n + 1}" for chapter, count in CLAIMS.items() for n in range(count)]
    assert list(read_ledger()) == wanted
    assert len(wanted) == 276


def test_every_row_says_one_sentence_and_one_that_does_not_hold_says_what_is_right():
    for row in read_ledger().values():
        assert row.verdict in ("holds", "corrected", "depends", "stated"), row.id
        assert re.fullmatch(r"[A-Z`].+\.", row.says), row.id
        assert row.says.isascii(), row.id
        assert row.adds or row.verdict == "holds", row.id
        assert row.adds or not row.since, row.id


def test_what_depends_says_on_what():
    for row in read_ledger().values():
        assert bool(row.where) == (row.verdict == "depends"), row.id
        fits(row.where, frozenset({"api=1.45"}))


def test_little_is_only_stated():
    stated = [row.id for row in read_ledger().values() if row.verdict == "stated"]
    assert len(stated) <= MOST_STATED, stated


def test_an_unknown_claim_names_the_nearest():
    with pytest.raises(UnknownNameError, match=r"no claim '2\.1\.14'.*mean '2\.1\.[0-9]+'"):
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


@pytest.mark.parametrize(
    ("traits", "holds", "here"),
    [({"posix"}, True, "holds here"), ({"rootful"}, False, "does not hold here")],
)
def test_a_claim_that_depends_is_held_against_the_engine_s_traits(monkeypatch, traits, holds, here):
    monkeypatch.setattr(claim_module, "engine_traits", lambda _client: frozenset(traits))
    card = lab.claim("1.4", holds=holds, because="so it said.")
    assert card.text.splitlines()[0] == f"✎ Depends on the engine · Claim 1.4 · {here}"
    with pytest.raises(LabError, match="this engine says otherwise"):
        lab.claim("1.4", holds=not holds, because="so it said.")


@pytest.mark.parametrize(
    ("where", "fitting"),
    [
        (("buildkit",), True),
        (("classic-builder",), False),
        (("buildkit", "overlay2"), True),
        (("buildkit", "containerd-store"), False),
        (("api>=1.44",), True),
        (("api<1.44",), False),
        (("api>=1.9",), True),
    ],
)
def test_traits(where, fitting):
    assert fits(where, frozenset({"buildkit", "overlay2", "rootful", "api=1.45"})) == fitting


def test_an_unknown_trait_is_named():
    with pytest.raises(LabError, match="no trait 'windows'"):
        fits(("windows",), frozenset())


@pytest.fixture
def stated(monkeypatch):
    row = Row("9.9", "It was so.", "stated", "claim-it", adds="Not any more.", since="2024")
    monkeypatch.setattr(claim_module, "find_row", lambda _identity: row)


def test_a_stated_claim_is_said_and_not_decided(stated):
    card = lab.claim("9.9")
    assert card.text.splitlines()[0] == "• Stated · Claim 9.9"
    assert "Today: Not any more." in card.text
    with pytest.raises(UsageError, match="no engine decides it"):
        lab.claim("9.9", holds=True, because="…")


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


@pytest.mark.parametrize("verdict", ["holds", "corrected", "stated"])
def test_without_an_engine_there_is_no_verdict(verdict, monkeypatch):
    away = Bench(Engine("url", "unix:///nobody.sock"), answering(ok=False), CHAPTERS[0])
    monkeypatch.setattr(bench, "_present", [away])
    row = next(row for row in read_ledger().values() if row.verdict == verdict)
    with pytest.raises(EngineError, match=r"does not answer\. Run the cell with lab\.start"):
        lab.claim(row.id, holds=None if verdict == "stated" else verdict == "holds")

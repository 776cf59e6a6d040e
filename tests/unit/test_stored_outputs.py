"""What `dockerlab notebooks refresh` keeps of the stored outputs, and what it stores anew."""

import copy

import nbformat
import pytest

from dockerlab.commands.outputs import read_rules, settle

RULES = """
[short IDs]
regex: \\b[0-9a-f]{12}\\b
replace: ID

[pictures]
regex: (?s)<svg.*</svg>
replace: a picture
"""


@pytest.fixture
def rules(tmp_path):
    file = tmp_path / "rules.cfg"
    file.write_text(RULES)
    return read_rules(file)


def printed(words):
    return nbformat.v4.new_output("stream", name="stdout", text=words)


def cell(identity, source, *outputs, tags=()):
    made = nbformat.v4.new_code_cell(source, id=identity, outputs=list(outputs))
    if tags:
        made.metadata["tags"] = list(tags)
    return made


def settled(rules, fresh, stored):
    notebook = nbformat.v4.new_notebook(cells=copy.deepcopy(fresh))
    settle(notebook, nbformat.v4.new_notebook(cells=stored), rules)
    return ["".join(o.get("text", "") for o in each.outputs) for each in notebook.cells]


def test_only_another_id_keeps_what_was_stored(rules):
    fresh = [cell("a", "run", printed("made 0123456789ab\n"))]
    stored = [cell("a", "run", printed("made ba9876543210\n"))]
    assert settled(rules, fresh, stored) == ["made ba9876543210\n"]


def test_other_words_are_stored(rules):
    fresh = [cell("a", "run", printed("no such image\n"))]
    stored = [cell("a", "run", printed("made ba9876543210\n"))]
    assert settled(rules, fresh, stored) == ["no such image\n"]


def test_a_changed_cell_is_stored_anew(rules):
    fresh = [cell("a", "run --rm", printed("made 0123456789ab\n"))]
    stored = [cell("a", "run", printed("made ba9876543210\n"))]
    assert settled(rules, fresh, stored) == ["made 0123456789ab\n"]


def test_how_a_stream_was_cut_does_not_matter(rules):
    fresh = [cell("a", "run", printed("one\n"), printed("two\n"))]
    stored = [cell("a", "run", printed("one\ntwo\n"))]
    assert settled(rules, fresh, stored) == ["one\ntwo\n"]


def test_a_stream_is_stored_in_one_piece(rules):
    pieces = [cell("a", "start()", printed("fetching\n"), printed("ready\n"))]
    for stored in ([], pieces):
        notebook = nbformat.v4.new_notebook(cells=copy.deepcopy(pieces))
        settle(notebook, nbformat.v4.new_notebook(cells=copy.deepcopy(stored)), rules)
        assert [one.text for one in notebook.cells[0].outputs] == ["fetching\nready\n"]


def test_another_drawing_of_the_same_facts_is_stored(rules):
    def drawn(svg):
        return nbformat.v4.new_output("display_data", {"image/svg+xml": svg})

    notebook = nbformat.v4.new_notebook(cells=[cell("a", "draw", drawn("<svg>b</svg>"))])
    before = nbformat.v4.new_notebook(cells=[cell("a", "draw", drawn("<svg>a</svg>"))])
    settle(notebook, before, rules)
    assert notebook.cells[0].outputs[0].data["image/svg+xml"] == "<svg>b</svg>"


ignored = ("nbval-ignore-output",)


def test_what_differs_by_nature_is_kept_while_nothing_above_changes(rules):
    fresh = [cell("a", "x", printed("same")), cell("b", "date", printed("later"), tags=ignored)]
    stored = [cell("a", "x", printed("same")), cell("b", "date", printed("now"), tags=ignored)]
    assert settled(rules, fresh, stored) == ["same", "now"]


def test_and_stored_anew_when_something_above_did(rules):
    fresh = [cell("a", "x", printed("new")), cell("b", "date", printed("later"), tags=ignored)]
    stored = [cell("a", "x", printed("old")), cell("b", "date", printed("now"), tags=ignored)]
    assert settled(rules, fresh, stored) == ["new", "later"]


def test_a_live_widget_leaves_its_still_form(rules):
    both = {"application/vnd.jupyter.widget-view+json": {"model_id": "1"}, "text/plain": "still"}
    notebook = nbformat.v4.new_notebook(
        cells=[cell("a", "x", nbformat.v4.new_output("display_data", both))]
    )
    settle(notebook, nbformat.v4.new_notebook(), rules)
    assert notebook.cells[0].outputs[0].data == {"text/plain": "still"}

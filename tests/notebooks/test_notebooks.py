"""The notebooks as files: complete, clean, and made to the course's pattern."""

import re

import nbformat
import pytest
from reading import FILES, FOLDER, NOTEBOOKS, code_cells, markdown, tags

from dockerlab.course.exercises import EXERCISES

MOST_IGNORED = 0.08  # of all code cells
PLACES = (
    r"/home/\w",  # an image has a /home of its own
    r"/root/\.(?!bash_history)",  # a container's root may have a history of its own
    r"/tmp/(?!context)\w",
    r"/work\b",
    r"/run/dockerlab",
    r"docker\.sock",
)

each = pytest.mark.parametrize("number", NOTEBOOKS)


def test_every_notebook_belongs_to_a_chapter():
    assert {path.name for path in FOLDER.glob("*.ipynb")} == set(FILES.values())


@each
def test_it_is_valid_and_opens_without_asking_for_a_kernel(number):
    notebook = NOTEBOOKS[number]
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)


@each
def test_its_cells_have_readable_ids(number):
    for cell in NOTEBOOKS[number].cells:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", cell.id)
        assert not re.fullmatch(r"[0-9a-f]{8}", cell.id)


@each
def test_its_outputs_are_stored_and_no_cell_failed_but_on_purpose(number):
    for cell in code_cells(number):
        assert cell.execution_count, cell.id
        failed = any(output.output_type == "error" for output in cell.outputs)
        assert failed == ("raises-exception" in tags(cell)), cell.id


@each
def test_nothing_stored_names_the_machine_it_ran_on(number):
    text = (FOLDER / FILES[number]).read_text(encoding="utf-8")
    for place in PLACES:
        assert not re.search(place, text), place


@each
def test_its_cells_are_short(number):
    for cell in code_cells(number):
        lines = [line for line in cell.source.splitlines() if line.strip()]
        assert len(lines) <= 9, (cell.id, len(lines))
        assert max(map(len, lines)) <= 96, cell.id


@each
def test_one_idea_a_markdown_cell(number):
    """A heading stands alone, so that a translation is kept when the text below changes."""
    for source in markdown(number):
        if source.startswith("##"):
            assert len(source.splitlines()) == 1, source


@each
def test_it_follows_the_pattern(number):
    first = code_cells(number)[0].source
    assert f'lab.start("{number}")' in first
    assert code_cells(number)[-1].source == f'lab.cleanup("{number}")'
    text = "\n".join(markdown(number))
    assert re.search(r"about \*\*\d+ minutes\*\*", text)
    assert "What you saw" in text
    assert "To recall" in text


@each
def test_a_prediction_comes_before_a_surprise(number):
    asked = [cell.id for cell in code_cells(number) if "lab.predict(" in cell.source]
    told = [cell.id for cell in code_cells(number) if ".reveal(" in cell.source]
    assert asked
    assert len(told) == len(asked)


@each
def test_every_exercise_is_checked_and_has_a_folded_solution(number):
    mine = [exercise.id for exercise in EXERCISES if exercise.chapter == number]
    checks = [cell for cell in code_cells(number) if "lab.check(" in cell.source]
    for identity in mine:
        # once for the student, once for the solution, which the cell's name tells
        names = [cell.id for cell in checks if f'lab.check("{identity}")' in cell.source]
        assert len(names) == 2
        assert [name.endswith("-again") for name in names] == [False, True]
    folded = [cell for cell in code_cells(number) if "hide-input" in tags(cell)]
    assert len(folded) >= len(mine) >= (1 if number == "0" else 2)
    assert all(cell.metadata.jupyter.source_hidden for cell in folded)


def test_few_outputs_are_not_compared():
    cells = [(number, cell) for number in NOTEBOOKS for cell in code_cells(number)]
    ignored = [(number, cell.id) for number, cell in cells if "nbval-ignore-output" in tags(cell)]
    assert len(ignored) <= MOST_IGNORED * len(cells), ignored

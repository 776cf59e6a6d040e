"""The notebooks as files: complete, clean, and made to the course's pattern."""

import re
from pathlib import Path

import nbformat
import pytest

from dockerlab.course.chapters import CHAPTERS
from dockerlab.course.exercises import EXERCISES
from dockerlab.course.ledger import read_ledger

FOLDER = Path(__file__).parents[2] / "notebooks"
FILES = {"0": "00-welcome.ipynb", "1": "01-architecture.ipynb", "2.1": "02-1-image.ipynb"}
NOTEBOOKS = {number: nbformat.read(FOLDER / name, 4) for number, name in FILES.items()}
MOST_IGNORED = 8

each = pytest.mark.parametrize("number", NOTEBOOKS)


def code_cells(number):
    return [cell for cell in NOTEBOOKS[number].cells if cell.cell_type == "code"]


def markdown(number):
    return [cell.source for cell in NOTEBOOKS[number].cells if cell.cell_type == "markdown"]


def tags(cell):
    return cell.metadata.get("tags", [])


def test_every_notebook_belongs_to_a_chapter():
    assert {path.name for path in FOLDER.glob("*.ipynb")} == set(FILES.values())
    assert {chapter.number for chapter in CHAPTERS} == set(FILES)


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
    for place in (r"/home/", r"/root", r"/tmp/", r"/work", r"/run/", r"docker\.sock"):
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
def test_every_exercise_is_checked_and_has_a_folded_solution(number):
    mine = [exercise.id for exercise in EXERCISES if exercise.id.rpartition(".")[0] == number]
    checks = [cell.source for cell in code_cells(number) if "lab.check(" in cell.source]
    for identity in mine:
        # once for the student, once for the solution
        assert sum(f'lab.check("{identity}")' in source for source in checks) == 2
    folded = [cell for cell in code_cells(number) if "hide-input" in tags(cell)]
    assert len(folded) == len(mine) >= (1 if number == "0" else 2)
    assert all(cell.metadata.jupyter.source_hidden for cell in folded)


def test_every_claim_of_the_ledger_has_its_cell():
    shown = {
        number: re.findall(
            r'lab\.claim\(\s*"([0-9.]+)"', "\n".join(cell.source for cell in code_cells(number))
        )
        for number in NOTEBOOKS
    }
    for number in ("1", "2.1"):
        wanted = [row.id for row in read_ledger().values() if row.chapter == number]
        assert shown[number] == wanted
    assert set(shown["0"]) <= set(read_ledger())


def test_every_verdict_is_computed():
    for number in NOTEBOOKS:
        for cell in code_cells(number):
            assert not re.search(r"holds=(True|False)\b", cell.source), cell.id


def test_few_outputs_are_not_compared():
    ignored = [
        (number, cell.id)
        for number in NOTEBOOKS
        for cell in code_cells(number)
        if "nbval-ignore-output" in tags(cell)
    ]
    assert len(ignored) <= MOST_IGNORED, ignored

"""Cells run in every wrong way: a sentence and the mend, and never a wall of traceback."""

import asyncio
import os
import socket
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import nbformat
import pytest
from course_engine import holdings, notebook_client

from dockerlab.engine import embedded
from dockerlab.engine.stock import stock

pytestmark = pytest.mark.engine

FOLDER = Path(__file__).parents[2] / "notebooks"
COMMIT = "03-4-commit"

Ran = list[nbformat.NotebookNode]


@pytest.fixture
def run(places, tmp_path) -> Callable[..., Ran]:
    """Run cells as a student would, one kernel a call; give those that ran, with their outputs."""
    stock(places)
    variables = {"DOCKERLAB_ENGINE": "embedded", "DOCKERLAB_INSTANCE": places.instance}

    def run(cells: list[nbformat.NotebookNode]) -> Ran:
        fresh = [nbformat.from_dict({**cell, "id": f"cell-{n}"}) for n, cell in enumerate(cells)]
        content = nbformat.v4.new_notebook(cells=fresh)
        client = notebook_client(content, tmp_path, allow_errors=True)
        asyncio.run(client.async_execute(env={**os.environ, **variables}))
        return content.cells

    return run


def cells_of(notebook: str) -> list[nbformat.NotebookNode]:
    content = nbformat.read(FOLDER / f"{notebook}.ipynb", 4)
    return [cell for cell in content.cells if cell.cell_type == "code"]


def code(source: str) -> nbformat.NotebookNode:
    return nbformat.v4.new_code_cell(source)


def errors(ran: Ran) -> list[nbformat.NotebookNode]:
    return [one for cell in ran for one in cell.outputs if one.output_type == "error"]


def sentence(error: nbformat.NotebookNode) -> str:
    """What the student reads: one line, or it is a traceback."""
    assert len("\n".join(error.traceback).splitlines()) == 1, error.traceback
    return error.traceback[0]


def printed(ran: Ran) -> str:
    return "".join(one.text for cell in ran for one in cell.outputs if "text" in one)


def test_cells_before_those_they_need(run):
    first, *rest = cells_of(COMMIT)
    claims = [cell for cell in rest if "lab.claim(" in cell.source]
    told = [sentence(error) for error in errors(run([first, *claims, rest[-1]]))]
    assert any("If a cell above makes it, run that one first" in words for words in told), told


def test_every_cell_twice(run, client):
    held = holdings(client)
    first, *rest, last = cells_of(COMMIT)
    ran = run([first, first, *(cell for each in rest for cell in (each, each)), last, last])
    for error in errors(ran):
        sentence(error)
    assert holdings(client) == held


def test_half_of_it_and_a_kernel_that_starts_again(run, client):
    held = holdings(client)
    whole = cells_of(COMMIT)
    assert not errors(run(whole[: len(whole) // 2]))
    assert not errors(run(whole))
    assert holdings(client) == held


def test_an_engine_that_is_stopped_in_the_middle(run, places):
    whole = cells_of(COMMIT)
    half = len(whole) // 2
    stop = code(
        "from dockerlab.engine import embedded, places\n"
        "embedded.stop(places.Places.from_environment())"
    )
    ran = run([*whole[:half], stop, *whole[half:-1]])
    told = [sentence(error) for error in errors(ran)]
    assert any("The engine does not answer. Run the cell with lab.start" in one for one in told)
    assert not [one for one in told if "answer" not in one and "yet" not in one]
    embedded.start(places)
    assert not errors(run(whole))


def test_a_port_that_is_taken(run, client):
    with closing(socket.socket()) as busy:
        busy.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        busy.bind(("", 80))
        busy.listen()
        ran = run(cells_of(COMMIT))
    assert not errors(ran)
    assert "Port 80 is taken or not yours to use; this notebook takes 80" in printed(ran)


def test_a_container_of_the_student_s_own_with_the_text_s_name(run, client, docker_cli):
    docker_cli("pull", "busybox")
    docker_cli("create", "--name", "webserver", "busybox")
    try:
        first = cells_of(COMMIT)[0]
        told = sentence(errors(run([first]))[0])
        assert "The container 'webserver' is in the way, and the course did not make it." in told
        assert "This chapter keeps webserver," in told
        assert told.endswith("Give it another name: docker rename webserver my-webserver")
        assert client.containers.get("webserver")
    finally:
        docker_cli("rm", "-f", "webserver")


def test_a_mistake_in_the_student_s_own_cell_keeps_its_traceback(run):
    ran = run([*cells_of("00-welcome")[:1], code("1 / 0"), *cells_of("00-welcome")[-1:]])
    assert len(errors(ran)) == 1
    assert "ZeroDivisionError" in "".join(errors(ran)[0].traceback)
    assert len(errors(ran)[0].traceback) > 1


def test_a_refusal_through_the_sdk_is_a_sentence(run):
    ran = run([*cells_of("00-welcome")[:1], code('client.containers.get("nobody")')])
    told = sentence(errors(ran)[0])
    assert told.startswith("The engine refused: No such container: nobody.")

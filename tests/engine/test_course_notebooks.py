"""The notebooks run from beginning to end, and leave the engine as it was."""

from pathlib import Path

import nbformat
import pytest
from course_engine import holdings
from nbclient import NotebookClient

from dockerlab.engine.stock import stock

pytestmark = pytest.mark.engine

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
LONGEST_CELL = 120  # seconds, after which a cell is said to hang


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_leaves_the_engine_as_it_was(path, places, client, tmp_path):
    stock(places)
    client.images.pull("busybox", "latest")
    client.volumes.create("mine-volume")
    mine = client.containers.run("busybox", "sleep 600", name="mine-container", detach=True)
    try:
        before = holdings(client)
        notebook = nbformat.read(path, 4)
        resources = {"metadata": {"path": str(tmp_path)}}
        NotebookClient(notebook, timeout=LONGEST_CELL, resources=resources).execute()
        assert holdings(client) == before
        assert list(tmp_path.iterdir()) == []
    finally:
        mine.remove(force=True)
        client.volumes.get("mine-volume").remove()
        client.images.remove("busybox")

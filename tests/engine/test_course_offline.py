"""Chapters about fetching, building and registries in a network that ends at this machine."""

import os
import sys
from pathlib import Path

import pytest
from machine import in_a_room

from dockerlab.engine import embedded
from dockerlab.engine.places import Places
from dockerlab.engine.stock import stock

pytestmark = pytest.mark.engine

CHAPTERS = ("03-1-pull", "03-6-instructions", "05-1-hub", "05-2-registry")


@pytest.mark.skipif(os.geteuid() != 0, reason="a network of its own needs root")
def test_chapters_say_the_same_without_a_network(places: Places, tmp_path: Path) -> None:
    stock(places)
    offline = Places(places.cache, f"{places.instance}-offline")
    done = in_a_room(
        places, tmp_path, sys.executable, "-m", "pytest", "-q", "--tb=short", "-p",
        "no:cacheprovider", f"--basetemp={tmp_path}/room",
        *(f"notebooks/{name}.ipynb" for name in CHAPTERS),
        DOCKERLAB_TEST_INSTANCE=offline.instance,
    )  # fmt: skip
    embedded.remove(offline)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout

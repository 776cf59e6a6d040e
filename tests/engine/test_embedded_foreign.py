"""A Docker of the user's own, with all it has, is none of ours.

Its docker0 and its chains are one of a kind on a network, so the play is given in a network of
its own: the one of this machine may have a real Docker in it.
"""

import os
import sys
from pathlib import Path

import pytest
from machine import in_a_room

from dockerlab.engine import embedded, programs
from dockerlab.engine.places import Places

pytestmark = pytest.mark.engine


@pytest.mark.skipif(os.geteuid() != 0, reason="a foreign dockerd, and a bridge of ours, need root")
def test_in_a_network_with_another_docker(places: Places, tmp_path: Path) -> None:
    programs.bring(places, programs.default_suite())
    play = Path(__file__).with_name("foreign_room.py")
    room = Places(places.cache, f"{places.instance}-room")
    done = in_a_room(
        places, tmp_path, sys.executable, "-m", "pytest", "-q", "--tb=short", "-p",
        "no:cacheprovider", f"--basetemp={tmp_path}/room", play,
        DOCKERLAB_TEST_INSTANCE=room.instance,
    )  # fmt: skip
    embedded.remove(room)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout

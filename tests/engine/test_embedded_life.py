"""The engine's commands, from a first start to its removal, in an awkward folder."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from machine import (
    IMAGE,
    client_of,
    lab,
    lab_says,
    make_image,
    processes_of,
    unpacked,
)

from dockerlab.engine import embedded, programs
from dockerlab.engine.places import Places
from dockerlab.errors import EngineError

pytestmark = pytest.mark.engine


@pytest.fixture
def fresh(places: Places, tmp_path: Path) -> Iterator[Places]:
    """A cache that has the packages, so that nothing is downloaded, but nothing unpacked."""
    programs.bring(places, programs.default_suite())
    fresh = Places(tmp_path / "a folder with 课程 & ü's", "life")
    _give_packages(places, fresh)
    yield fresh
    embedded.remove(fresh)


def _give_packages(places: Places, to: Places) -> None:
    for file in (places.packages / programs.default_suite()).rglob("*"):
        if file.suffix in (".deb", ".json"):
            target = to.packages / file.relative_to(places.packages)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, target)


def test_from_a_first_start_to_removal(fresh: Places, places: Places) -> None:
    assert "no" in lab_says(fresh, "engine", "status").split("\n")[0]
    assert json.loads(lab_says(fresh, "engine", "status", "--json"))["running"] is False

    line = lab_says(fresh, "engine", "start").splitlines()[-1]
    state = json.loads(lab_says(fresh, "engine", "status", "--json"))
    assert state["running"] is True
    assert state["terminal"] == line
    assert (state["suite"], state["store"]) == (programs.default_suite(), "overlay2")
    assert line in lab_says(fresh, "engine", "status")
    with client_of(fresh) as client:
        make_image(client, unpacked(fresh))
    shell = {"PATH": "/usr/bin:/bin", "HOME": str(fresh.cache)}
    said = subprocess.run(
        ["sh", "-c", f"{line}\ndocker version --format '{{{{.Server.Version}}}}' && "
         f"docker run --rm --network none {IMAGE} id -u && docker buildx version"],
        env=shell, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    assert said.stdout.splitlines()[:2] == [state["version"], "0"]

    assert lab_says(fresh, "engine", "stop") == "The engine is stopped.\n"
    assert lab_says(fresh, "engine", "stop") == "The engine was not running.\n"
    assert "empty" in lab_says(fresh, "engine", "reset")
    with client_of(fresh) as client:
        assert client.images.list() == []

    lab_says(fresh, "engine", "remove")
    assert not fresh.cache.exists()
    assert not fresh.run.exists()

    _give_packages(places, fresh)
    shutil.copytree(places.engines, fresh.engines, symlinks=True)
    assert embedded.start(fresh).running

    # the programs vanish under the running engine: they are brought again to clean up
    shutil.rmtree(fresh.engines)
    assert embedded.stop(fresh)
    assert processes_of(fresh) == []
    assert f"dlab{fresh.key}" not in psutil.net_if_addrs()


def test_reset_empties_and_remove_spares_the_others(places: Places) -> None:
    fire = Places(places.cache, f"{places.instance}-life")
    embedded.start(places)
    embedded.start(fire)
    with client_of(fire) as client:
        make_image(client, unpacked(fire))
        client.volumes.create("gone")
        client.networks.create("gone")
        client.containers.run(IMAGE, ["id"], volumes={"gone": {"bind": "/v"}})

    embedded.reset(fire)

    with client_of(fire) as client:
        assert client.images.list() == []
        assert client.containers.list(all=True) == []
        assert client.volumes.list() == []
        assert {n.name for n in client.networks.list()} == {"bridge", "host", "none"}
    embedded.remove(fire)
    assert not fire.home.exists()
    assert not fire.run.exists()
    assert embedded.is_running(places)


@pytest.mark.parametrize("name", ["a,b", "a:b"])
def test_a_folder_no_engine_can_use_is_refused(tmp_path: Path, name: str) -> None:
    awkward = Places(tmp_path / name, "life")
    with pytest.raises(EngineError, match="Set DOCKERLAB_CACHE"):
        embedded.start(awkward)
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_suite_or_store_changes_nothing(places: Places) -> None:
    embedded.start(places)
    embedded.stop(places)
    before = embedded.status(places)
    for wrong, words, status in [
        (("--suite", "no-such-suite"), "There is no suite 'no-such-suite'", 2),
        (("--suite", "../etc"), "'../etc' is not a suite's name", 2),
        (("--store", "zfs"), "There is no image store 'zfs'", 2),
    ]:
        with lab(places, "engine", "start", *wrong) as job:
            _, errors = job.communicate(timeout=120)
        assert words in errors
        assert len(errors.splitlines()) == 1
        assert job.returncode == status
    assert embedded.status(places) == before
    assert processes_of(places) == []
    running = embedded.start(places)
    with lab(places, "engine", "start", "--store", "containerd") as job:
        _, errors = job.communicate(timeout=120)
    assert "runs already" in errors
    assert job.returncode == 1
    assert embedded.status(places).pid == running.pid

"""Bundles with the real images, into real hubs and engines."""

import hashlib
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hubs import held, hub_in, running, tags_in, trusted

from dockerlab.engine import Engine, bundle, embedded
from dockerlab.engine.fill import fill
from dockerlab.engine.hub import Hub
from dockerlab.engine.images import COURSE_IMAGES
from dockerlab.engine.places import Places
from dockerlab.engine.stock import stock
from dockerlab.errors import HubError, LabError

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def source(places: Places) -> Hub:
    stock(places)
    return embedded.hub(places)


@pytest.fixture(scope="module")
def good(source: Hub, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("bundle") / "课程 images.tar"
    source.start()
    with source.registry() as registry:
        saved = bundle.save(registry, file)
    assert (saved.size, saved.sha256) == (
        file.stat().st_size,
        hashlib.sha256(file.read_bytes()).hexdigest(),
    )
    return file


@pytest.fixture
def empty(places: Places, tmp_path: Path) -> Iterator[Hub]:
    with running(hub_in(places, tmp_path)) as hub:
        yield hub


def load(hub: Hub, file: Path) -> None:
    bundle.load(hub.storing(), trusted(file), hub.folder)


def refused(hub: Hub, file: Path) -> str:
    """Load a bad bundle; the hub must hold nothing of it, and no work may be left."""
    with pytest.raises(HubError) as error:
        load(hub, file)
    assert str(file) in str(error.value)
    assert "\n" not in str(error.value)
    assert tags_in(hub) == []
    assert list(hub.folder.glob("bundle-*")) == []
    return str(error.value)


def test_a_bundle_moves_all_images_to_an_empty_hub(source: Hub, good: Path, empty: Hub) -> None:
    load(empty, good)
    theirs, ours = held(source), held(empty)
    assert [(i.name, i.digest, set(i.tags)) for i in ours.values()] == [
        (image.name, theirs[image.name].digest, set(image.tags)) for image in COURSE_IMAGES
    ]
    assert {each.origin for each in fill(empty, None)} == {"hub"}


def test_a_bundle_fills_what_no_registry_gives(
    good: Path, empty: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dockerlab.engine.fill.DOCKER_HUB", "http://127.0.0.1:9")
    assert {each.origin for each in fill(empty, None, bundle=trusted(good))} == {"bundle"}


def test_docker_load_reads_a_bundle(
    good: Path, engine: Engine, docker_cli: Callable[..., str]
) -> None:
    said = docker_cli("load", "--input", str(good))
    for image in COURSE_IMAGES:
        for reference in image.references:
            assert f"Loaded image: {reference}" in said
    assert "Hello from inside a container!" in docker_cli("run", "--rm", "hello-world")


def test_the_same_images_make_the_same_bundle(source: Hub, good: Path, tmp_path: Path) -> None:
    source.start()
    with source.registry() as registry:
        bundle.save(registry, tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == good.read_bytes()


def test_an_incomplete_hub_makes_no_bundle(empty: Hub, tmp_path: Path) -> None:
    folder = tmp_path / "bundles"
    folder.mkdir()
    with empty.registry() as registry, pytest.raises(HubError, match=r"no busybox.*hub pull"):
        bundle.save(registry, folder / "b.tar")
    assert list(folder.iterdir()) == []


def test_a_bundle_that_cannot_be_written_leaves_nothing(source: Hub, tmp_path: Path) -> None:
    source.start()
    with source.registry() as registry, pytest.raises(HubError, match="There is no folder"):
        bundle.save(registry, tmp_path / "no such folder/b.tar")


def test_a_bundle_for_another_machine_is_refused(
    good: Path, empty: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dockerlab.engine.bundle.host_architecture", lambda: "z80")
    assert "this machine is z80" in refused(empty, good)


@pytest.mark.parametrize("part", [0.3, 0.999])
def test_a_bundle_cut_short_is_refused(part: float, good: Path, empty: Hub, tmp_path: Path) -> None:
    cut = tmp_path / "cut.tar"
    content = good.read_bytes()
    cut.write_bytes(content[: int(len(content) * part)])
    assert "no whole bundle" in refused(empty, cut)


def test_what_a_killed_load_left_is_removed_by_the_next(good: Path, empty: Hub) -> None:
    left = empty.folder / "bundle-left"
    left.mkdir()
    (left / "half").write_text("half a layer")
    load(empty, good)
    assert not left.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
@pytest.mark.parametrize("size", ["1m", "40m", "70m"])
def test_a_full_disk_is_one_sentence_and_nothing_is_half_there(
    size: str, good: Path, places: Places, tmp_path: Path
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)]
    subprocess.run(mount, check=True)
    try:
        with running(hub_in(places, disk)) as hub:
            with pytest.raises(LabError, match=r"disk (filled up|is full)") as refusal:
                load(hub, good)
            assert "\n" not in str(refusal.value)
            assert tags_in(hub) == []
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)

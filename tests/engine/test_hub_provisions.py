"""A bundle brings the engine too: to a machine that has neither a network nor a mirror."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hubs import held, rewrite

from dockerlab.engine import embedded, programs
from dockerlab.engine.images import COURSE_IMAGES
from dockerlab.engine.places import Places
from dockerlab.engine.stock import load_bundle, save_bundle
from dockerlab.errors import HubError

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def good(places: Places, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("bundle") / "everything.tar"
    assert save_bundle(places, file) == file.stat().st_size
    return file


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Places]:
    places = Places(tmp_path / "bare", "bare")
    yield places
    embedded.remove(places)


def test_a_bare_machine_gets_engine_and_images(good: Path, bare: Places) -> None:
    load_bundle(bare, good)
    suite = programs.default_suite()
    assert programs.is_there(bare, suite)
    # apt was never asked
    assert not (bare.packages / suite / "lists").exists()
    assert set(held(embedded.hub(bare))) == {image.name for image in COURSE_IMAGES}
    assert embedded.start(bare).running


def test_a_damaged_package_is_refused_and_nothing_kept(
    good: Path, bare: Places, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.tar"
    rewrite(
        good,
        broken,
        lambda member, content: (
            member,
            content[:-1] + b"?" if "/runc_" in member.name else content,
        ),
    )
    with pytest.raises(HubError, match="runc is damaged"):
        load_bundle(bare, broken)
    assert list(bare.packages.glob("*")) == []
    assert not bare.engines.exists()


def test_an_engine_for_another_system_is_refused(good: Path, bare: Places, tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.tar"
    own = programs.host_distribution()[1].encode()
    rewrite(
        good,
        foreign,
        lambda member, content: (
            member,
            content.replace(b"/" + own, b"/potato")
            if member.name.endswith("packages.json")
            else content,
        ),
    )
    with pytest.raises(HubError, match="for potato"):
        load_bundle(bare, foreign)
    assert not bare.engines.exists()

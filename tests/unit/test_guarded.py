"""Nobody else can put a folder of theirs where ours is."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from dockerlab.engine.guarded import guard
from dockerlab.engine.places import Places
from dockerlab.errors import EngineError

OTHER = 65534
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make what is another's")


@pytest.fixture
def base() -> Iterator[Path]:
    """A private folder directly below one that all may write to, as /tmp is."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def refused(folder: Path, *words: str) -> None:
    with pytest.raises(EngineError) as said:
        guard(folder, "DOCKERLAB_CACHE")
    for word in (*words, "DOCKERLAB_CACHE"):
        assert word in str(said.value)


@pytest.mark.usefixtures("umask")
def test_what_is_made_is_private_whatever_the_umask(base: Path) -> None:
    guard(base / "a/b/c", "DOCKERLAB_CACHE")
    for made in ("a", "a/b", "a/b/c"):
        assert (base / made).stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("mode", [0o777, 0o757, 0o707])
@pytest.mark.parametrize("which", ["cache", "above"])
def test_a_folder_that_all_can_write_to_is_refused(base: Path, mode: int, which: str) -> None:
    cache = base / "above/cache"
    cache.mkdir(parents=True)
    opened = cache if which == "cache" else cache.parent
    opened.chmod(mode)
    refused(cache, f"'chmod go-w {opened}'")
    opened.chmod(0o755)
    guard(cache, "DOCKERLAB_CACHE")


def test_a_sticky_folder_will_do(base: Path) -> None:
    base.chmod(0o1777)
    guard(base / "cache", "DOCKERLAB_CACHE")


def test_one_s_own_group_is_nobody_else(base: Path) -> None:
    base.chmod(0o775)
    guard(base / "cache", "DOCKERLAB_CACHE")


@as_root
def test_another_group_may_not_write(base: Path) -> None:
    os.chown(base, 0, OTHER)
    base.chmod(0o775)
    refused(base / "cache", "Other users can write", str(base))


@as_root
@pytest.mark.parametrize("which", ["cache", "above"])
def test_root_takes_no_folder_of_another_user(base: Path, which: str) -> None:
    cache = base / "above/cache"
    cache.mkdir(parents=True)
    theirs = cache if which == "cache" else cache.parent
    os.chown(theirs, OTHER, OTHER)
    refused(cache, f"{theirs} is another user's")


@as_root
@pytest.mark.parametrize("which", ["last", "middle", "second"])
def test_a_link_that_another_user_planted_is_not_followed(base: Path, which: str) -> None:
    real = base / "real"
    (real / "cache").mkdir(parents=True)
    link = base / "link"
    link.symlink_to(real)
    asked = link if which == "last" else link / "cache"
    if which == "second":  # our own link leads to theirs
        (base / "first").symlink_to("link")
        asked = base / "first"
    guard(asked, "DOCKERLAB_CACHE")
    os.chown(link, OTHER, OTHER, follow_symlinks=False)
    refused(asked, f"{link} is another user's")


def test_links_that_lead_round_end(base: Path) -> None:
    (base / "a").symlink_to("b")
    (base / "b").symlink_to("a")
    with pytest.raises(OSError, match="symbolic links"):
        guard(base / "a/cache", "DOCKERLAB_CACHE")


def test_a_cache_that_an_older_version_left_open_is_closed(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(base / "run"))
    cache = base / "cache"
    (cache / "engines").mkdir(parents=True)
    cache.chmod(0o777)
    Places(cache, "unit").create()
    assert cache.stat().st_mode & 0o777 == 0o700


def test_a_user_s_own_folder_keeps_its_mode(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(base / "run"))
    cache = base / "disk"
    (cache / "photos").mkdir(parents=True)
    cache.chmod(0o755)
    Places(cache, "unit").create()
    assert cache.stat().st_mode & 0o777 == 0o755
    cache.chmod(0o777)
    with pytest.raises(EngineError, match="Other users can write"):
        Places(cache, "unit").create()


@as_root
def test_a_run_folder_that_another_user_made_first_is_refused(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dockerlab.engine.places._run_base", lambda: base / "dockerlab-me")
    (base / "dockerlab-me").symlink_to(base)
    os.chown(base / "dockerlab-me", OTHER, OTHER, follow_symlinks=False)
    base.chmod(0o1777)
    with pytest.raises(EngineError, match=r"is another user's.*XDG_RUNTIME_DIR"):
        Places(base / "cache", "unit").create()

"""Damaged files of ours, folders in the wrong place, and variables that name none."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dockerlab.engine import apt, network, records, unpacked
from dockerlab.engine.choice import Choice, last_choice, remember
from dockerlab.engine.locking import locked
from dockerlab.engine.places import Places
from dockerlab.errors import EngineError, LabError, UsageError

DAMAGED = [
    b"", b"null", b"[1,2]", b"5", b'"x"', b"{", b"\x00\xff\xfe", b"[" * 100_000, b"{}",
    b'{"suite": null, "store": null}', b'{"suite": ["trixie"], "store": {}}',
    b'{"suite": "../../../etc", "store": "overlay2"}', b'{"suite": "/etc", "store": "overlay2"}',
    b'{"suite": "trixie\\n", "store": "overlay2"}', b'{"suite": "trixie", "store": "zfs"}',
    b'{"suite": "trixie", "store": "../../x"}', b'{"pid": -1, "since": 1.5}',
    b'{"pid": 99999999999999999999, "since": 1e999}', b'{"pool": "0.0.0.0/0"}', b'{"pool": 5}',
    b'[{"name": "docker.io"}]', b'[[]]', b'{"a": [1, 2]}', b"NaN", b"1" * 5000,
]  # fmt: skip


@pytest.fixture
def base(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for sockets, whose paths must be short."""
    with tempfile.TemporaryDirectory(prefix="l", dir="/tmp") as short:
        folder = Path(short) / "dockerlab"
        monkeypatch.setattr("dockerlab.engine.places._run_base", lambda: folder)
        yield folder


@pytest.fixture
def places(tmp_path: Path, base: Path) -> Places:
    return Places(tmp_path / "cache", "t")


@pytest.mark.parametrize("content", DAMAGED)
def test_damaged_files_count_as_missing(content: bytes, places: Places) -> None:
    from dockerlab.up import _orphaned

    places.home.mkdir(parents=True)
    file = places.home / "choice.json"
    file.write_bytes(content)
    assert last_choice(places) is None
    assert network.remembered(file) is None
    assert apt.load_packages(file) is None
    assert not _orphaned(file)
    assert not unpacked.is_whole(places.home)
    remember(places, Choice("trixie", "containerd"))
    assert last_choice(places) == Choice("trixie", "containerd")


def test_a_damaged_choice_is_told_by_the_data_root(places: Places) -> None:
    (places.home / "data" / "forky-containerd").mkdir(parents=True)
    assert last_choice(places) is None
    (places.home / "choice.json").write_text("null")
    assert last_choice(places) == Choice("forky", "containerd")


def _folder(path: Path) -> None:
    path.mkdir()
    (path / "inside").write_text("kept")


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _nowhere(path: Path) -> None:
    path.symlink_to("/nonexistent/place")


def _circle(path: Path) -> None:
    path.symlink_to(path)


STANDS_THERE: list[Callable[[Path], None]] = [_folder, _pipe, _nowhere, _circle]


@pytest.mark.parametrize("put", STANDS_THERE)
def test_what_is_no_file_is_replaced(put: Callable[[Path], None], places: Places) -> None:
    places.create()
    put(places.home / "choice.json")
    assert last_choice(places) is None
    remember(places, Choice("trixie", "overlay2"))
    assert last_choice(places) == Choice("trixie", "overlay2")
    if put is _folder:
        assert (places.home / "choice.json.broken" / "inside").read_text() == "kept"


@pytest.mark.parametrize("put", [_folder, _nowhere, _circle])
def test_a_lock_that_is_no_file(put: Callable[[Path], None], places: Places) -> None:
    places.create()
    put(places.lock)
    with locked(places.lock):
        assert places.lock.is_file()


def test_a_lock_never_empties_what_it_leads_to(places: Places, tmp_path: Path) -> None:
    places.create()
    (tmp_path / "mine").write_text("precious")
    places.lock.symlink_to(tmp_path / "mine")
    with locked(places.lock):
        pass
    assert (tmp_path / "mine").read_text() == "precious"


@pytest.mark.parametrize("content", ["file", "folder", "foreign", "nowhere"])
def test_run_is_a_link_again(content: str, places: Places, base: Path, tmp_path: Path) -> None:
    places.home.mkdir(parents=True)
    run = places.home / "run"
    foreign = tmp_path / "foreign"
    foreign.mkdir(mode=0o755)
    match content:
        case "file":
            run.write_text("x")
        case "folder":
            _folder(run)
        case "foreign":
            run.symlink_to(foreign)
        case "nowhere":
            run.symlink_to("/nonexistent")
    places.create()
    assert run.readlink() == base / places.key
    assert foreign.stat().st_mode & 0o777 == 0o755


OURS = ["instances", "instances/t", "engines", "packages", "hub", "course", "layers",
        "instances/t/logs", "instances/t/data", "instances/t/bin", "instances/t/firewall",
        "instances/t/docker-config", "instances/t/tmp", "instances/t/jupyter"]  # fmt: skip


@pytest.mark.parametrize("name", OURS)
def test_a_file_in_a_folders_place_is_set_aside(name: str, places: Places) -> None:
    path = places.cache / name
    path.parent.mkdir(parents=True)
    path.write_text("kept")
    places.create()
    assert path.with_name(f"{path.name}.broken").read_text() == "kept"
    assert not path.is_file()


@pytest.mark.parametrize("name", OURS)
def test_a_link_to_nowhere_is_the_users(name: str, places: Places) -> None:
    path = places.cache / name
    path.parent.mkdir(parents=True)
    path.symlink_to("/mnt/away")
    with pytest.raises(EngineError, match=r"is a link to /mnt/away.*rm "):
        places.create()
    assert path.is_symlink()


@pytest.mark.parametrize("number", range(9))
@pytest.mark.usefixtures("base")
def test_a_cache_that_can_be_none(number: int, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    (tmp_path / "nowhere").symlink_to("/nonexistent/x")
    cache = [
        tmp_path / "file", tmp_path / "file" / "x", tmp_path / "circle", tmp_path / "nowhere",
        Path("/proc/dockerlab"), Path("/dev/null"), tmp_path / ("x" * 300),
        tmp_path.joinpath(*["x" * 200] * 25), Path("/sys/dockerlab"),
    ][number]  # fmt: skip
    with pytest.raises(LabError, match=r"(DOCKERLAB_CACHE|rm |XDG_RUNTIME_DIR)"):
        Places(cache, "t").create()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DOCKERLAB_CACHE", "~nosuchuser/x"), ("DOCKERLAB_CACHE", "relative/x"),
        ("DOCKERLAB_CACHE", "/tmp/a\nb"), ("DOCKERLAB_CACHE", "/tmp/a\x1b[1m"),
        ("DOCKERLAB_CACHE", " "), ("DOCKERLAB_CACHE", "/tmp/\udcff"), ("DOCKERLAB_CACHE", "."),
        ("DOCKERLAB_INSTANCE", "../x"), ("DOCKERLAB_INSTANCE", " "), ("DOCKERLAB_INSTANCE", "a\n"),
        ("DOCKERLAB_INSTANCE", "x" * 32), ("DOCKERLAB_INSTANCE", "-x"),
        ("XDG_RUNTIME_DIR", "relative"), ("XDG_RUNTIME_DIR", "/run/a\nb"),
    ],
)  # fmt: skip
def test_variables_that_name_nothing(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(UsageError, match=variable):
        Places.from_environment()


def test_a_user_without_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DOCKERLAB_CACHE", "HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    with pytest.raises(UsageError, match="Set DOCKERLAB_CACHE"):
        Places.from_environment()


@pytest.mark.parametrize("file", ["../../etc/passwd", "/etc/passwd", "", "-x", "a/b", "a\n"])
def test_a_package_is_a_name(file: str, tmp_path: Path) -> None:
    listed = tmp_path / "packages.json"
    package = apt.Package("a/b", "a", "1", "a_1.deb", 5, "00")
    apt.save_packages([package], listed)
    assert apt.load_packages(listed) == (package,)
    apt.save_packages([apt.Package("a/b", "a", "1", file, 5, "00")], listed)
    assert apt.load_packages(listed) is None


@pytest.fixture
def engine(tmp_path: Path) -> Path:
    root = tmp_path / "engine"
    (root / "usr").mkdir(parents=True)
    (root / "usr/program").write_bytes(b"#!/bin/sh\n")
    (root / "usr/program").chmod(0o755)
    (root / "usr/link").symlink_to("program")
    assert unpacked.record(root, {}) == []
    assert unpacked.is_whole(root)
    return root


def _flip(program: Path) -> None:
    program.write_bytes(b"#!/bin/xx\n")


def _flip_at_the_same_time(program: Path) -> None:
    before = program.stat()
    _flip(program)
    os.utime(program, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize(
    ("damage", "seen_at_once"),
    [
        (_flip, True),
        (_flip_at_the_same_time, False),
        (lambda program: program.unlink(), True),
        (lambda program: program.write_bytes(b"#!"), True),
        (lambda program: program.chmod(0o644), True),
        (lambda program: (program.parent / "link").unlink(), True),
        (lambda program: (program.unlink(), program.mkdir()), True),
        (lambda program: (program.unlink(), program.symlink_to("/nonexistent")), True),
        (lambda program: (program.unlink(), os.mkfifo(program)), True),
    ],
)
def test_programs_are_told_by_their_digests(
    damage: Callable[[Path], object], seen_at_once: bool, engine: Path
) -> None:
    damage(engine / "usr/program")
    assert unpacked.is_whole(engine) is not seen_at_once
    assert unpacked.damaged(engine)


def test_a_copy_with_other_times_is_whole(engine: Path) -> None:
    (engine / "usr/program").touch()
    before = (engine / unpacked.MANIFEST).read_text()
    assert unpacked.is_whole(engine)
    assert (engine / unpacked.MANIFEST).read_text() != before
    assert unpacked.damaged(engine) == []


def test_what_the_package_says_counts(engine: Path) -> None:
    assert unpacked.record(engine, {"usr/program": "0" * 32}) == ["usr/program"]
    assert unpacked.record(engine, {"usr/gone": "0" * 32}) == ["usr/gone"]


def test_nothing_is_set_aside_twice_under_one_name(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / "x").write_text(str(number))
        records.set_aside(tmp_path / "x")
    kept = ["x.broken", "x.broken.1", "x.broken.2"]
    assert [(tmp_path / name).read_text() for name in kept] == ["0", "1", "2"]


RUN = f"{sys.executable} -m dockerlab"


@pytest.mark.parametrize(
    ("line", "status", "words"),
    [
        ("{run} claims > /dev/full", 1, "The output can't be written: No space left"),
        ("{run} claims --json > /dev/full", 1, "The output can't be written"),
        ("{run} --help > /dev/full", 1, "The output can't be written"),
        ("{run} claims | head -1 > /dev/null", 0, None),
        ("{run} claims >&-", 0, None),
        ("{run} claims > /dev/null 2>&-", 0, None),
        ("{run} nosuch 2> /dev/full", 2, None),
        ("{run} claims <&- > /dev/null", 0, None),
        ("{run} engine status <&- >&- 2>&-", 0, None),
        ("PYTHONIOENCODING=ascii {run} claims > /dev/null", 0, None),
        ("LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0 {run} claims > /dev/null", 0, None),
        ("COLUMNS=10 {run} claims > /dev/null", 0, None),
        ("COLUMNS=10 {run} engine status > /dev/null", 0, None),
        ("TMPDIR=/nonexistent {run} engine status > /dev/null", 0, None),
        ("HOME= {run} engine status > /dev/null", 0, None),
        ("env -u HOME {run} engine status > /dev/null", 0, None),
        ("DOCKERLAB_CACHE=~nosuchuser/x {run} engine status", 2, "names a home folder that does"),
        ("DOCKERLAB_CACHE=/dev/null {run} engine start", 1, "Set DOCKERLAB_CACHE"),
        ("DOCKERLAB_CACHE=/dev/null {run} engine stop", 0, None),
        ("DOCKERLAB_CACHE=/dev/null {run} engine status > /dev/null", 0, None),
        ("DOCKERLAB_PROJECT=/nonexistent {run} up", 2, "There are no notebooks"),
        ("DOCKERLAB_PROJECT=$(head -c 5000 /dev/zero | tr '\\0' x) {run} up", 2, "no notebooks"),
        ("DOCKERLAB_ENGINE=' ' {run} up", 2, "is no engine"),
        ("{run} up --engine ''", 2, "empty value"),
        ("{run} up --engine ' '", 2, "empty value"),
        ("{run} up --store ''", 2, "empty value"),
        ("{run} engine start --suite ''", 2, "empty value"),
        ("{run} engine start --store ' '", 2, "empty value"),
        ("{run} doctor --engine ''", 2, "empty value"),
    ],
)
def test_the_command_says_a_sentence(
    line: str, status: int, words: str | None, tmp_path: Path
) -> None:
    variables = {**os.environ, "DOCKERLAB_CACHE": str(tmp_path), "PYTHONUTF8": "1"}
    done = subprocess.run(
        ["sh", "-c", line.format(run=RUN)], env=variables, capture_output=True, text=True,
        check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == status, done
    assert "Traceback" not in done.stdout + done.stderr
    assert "should not happen" not in done.stdout + done.stderr
    if words is None:
        assert done.stderr == "", done.stderr
    else:
        assert words in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert json.dumps(done.stdout)  # what was printed is text

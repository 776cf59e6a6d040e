"""Bad input gets one line that says what is wrong and the mend, and leaves nothing half made."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from provoke import (
    NOWHERE,
    apart,
    dockerlab,
    environment,
    impostor,
    listener,
    ordinary_user,
    refusal,
    replace,
    seed,
    small_disk,
)

from dockerlab.engine import embedded, programs
from dockerlab.engine.places import Places
from dockerlab.engine.sources import host_distribution

pytestmark = pytest.mark.engine

OFFLINE = ["unshare", *([] if os.geteuid() == 0 else ["--map-root-user"]), "--net"]


@pytest.fixture(scope="module")
def suite(places: Places) -> str:
    """The suite of the engine in the shared cache, whose packages are all there."""
    embedded.bring(places)
    return embedded.status(places).suite or programs.default_suite()


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Path]:
    """A cache of its own, whose engine is stopped and removed after the test."""
    cache = tmp_path / "cache"
    yield cache
    if list(cache.glob("instances/*/choice.json")):
        done = dockerlab("engine", "remove", DOCKERLAB_CACHE=str(cache))
        assert done.returncode == 0, done.stderr
    else:
        shutil.rmtree(Places(cache, os.environ["DOCKERLAB_INSTANCE"]).run, ignore_errors=True)


def made(cache: Path) -> list[str]:
    """List the files in a cache; the lock and the empty folders of an instance are no harm."""
    kept = [path for path in cache.rglob("*") if path.is_file() and path.name != "lock"]
    return sorted(str(path.relative_to(cache)) for path in kept)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["nosuch"], "No such command 'nosuch'"),
        (["engine", "nosuch"], "dockerlab engine --help"),
        (["engine", "start", "--nosuch"], "No such option: --nosuch"),
        (["engine", "start", "--store", "zfs"], "overlay2 or containerd"),
        (["engine", "start", "--suite", "No Such"], "is not a suite's name"),
        (["engine", "start", "--suite", "../up"], "is not a suite's name"),
        (["up", "--port", "99999"], "--port"),
        (["up", "--port", "many"], "--port"),
        (["up", "--engine"], "requires an argument"),
        (["up", "--engine", "bogus"], "'bogus' is no engine. Say 'embedded', 'current'"),
        (["up", "--engine", "unix://nope"], "is no engine"),
        (["up", "--engine", "tcp://host:99999"], "is no engine"),
        (["up", "--engine", "tcp://[::1"], "is no engine"),
        (["up", "--engine", "ssh://host"], "Forward its socket"),
        (["up", "--engine", "current", "--suite", "trixie"], "Leave them out"),
    ],
)
def test_usage(arguments: list[str], word: str, cache: Path) -> None:
    assert word in refusal(dockerlab(*arguments, DOCKERLAB_CACHE=str(cache)), 2)
    assert made(cache) == []


@pytest.mark.parametrize(
    ("variable", "value", "arguments"),
    [
        ("DOCKERLAB_INSTANCE", "../up", ["engine", "status"]),
        ("DOCKERLAB_ENGINE", "bogus", ["up"]),
        ("DOCKER_HOST", "nowhere:1:2", ["up", "--engine", "current"]),
    ],
)
def test_variables(variable: str, value: str, arguments: list[str], cache: Path) -> None:
    changes = {"DOCKERLAB_CACHE": str(cache), variable: value}
    assert value in refusal(dockerlab(*arguments, **changes), 2)
    assert made(cache) == []


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("tcp://nowhere.invalid:1", "No engine answers at tcp://nowhere.invalid:1"),
        (f"tcp://{NOWHERE}", "Connection refused"),
        ("unix:///nope/docker.sock", "There is no socket /nope/docker.sock"),
        (f"unix://{__file__}", "Nothing listens on the socket"),
    ],
)
def test_an_engine_that_is_not_there(address: str, words: str, cache: Path) -> None:
    line = refusal(dockerlab("up", "--engine", address, DOCKERLAB_CACHE=str(cache)), 1)
    assert words in line
    assert "embedded" in line
    assert made(cache) == []


@pytest.mark.parametrize("body", ["<h1>It works!</h1>", "[]", '{"ApiVersion": 5}', ""])
def test_a_server_that_is_no_docker(body: str, tmp_path: Path, cache: Path) -> None:
    path = tmp_path / "s"
    changes = {"DOCKERLAB_CACHE": str(cache), "http_proxy": f"http://{NOWHERE}"}
    with impostor(str(path), body):
        done = dockerlab("up", "--engine", f"unix://{path}", **changes)
    assert "is no Docker Engine" in refusal(done, 1)
    with impostor(("127.0.0.1", 0), body) as server:
        address = f"tcp://127.0.0.1:{server.server_address[1]}"
        done = dockerlab("up", "--engine", address, **changes)
    assert "is no Docker Engine" in refusal(done, 1)


def test_a_server_that_never_answers(tmp_path: Path, cache: Path) -> None:
    with impostor(str(tmp_path / "s"), None):
        done = dockerlab(
            "up", "--engine", f"unix://{tmp_path / 's'}", DOCKERLAB_CACHE=str(cache), seconds=40
        )
    assert "does not answer within" in refusal(done, 1)


def test_a_socket_without_permission(short_folder: Path) -> None:
    path = short_folder / "docker.sock"
    short_folder.chmod(0o1777)
    with impostor(str(path), "{}"):
        path.chmod(0 if os.geteuid() else 0o600)
        done = dockerlab(
            "up", "--engine", f"unix://{path}", before=ordinary_user(),
            DOCKERLAB_CACHE=str(short_folder / "cache"), XDG_RUNTIME_DIR=str(short_folder),
        )  # fmt: skip
    line = refusal(done, 1)
    assert f"You may not use the socket {path}" in line
    assert "--engine embedded" in line


def test_a_port_in_use(cache: Path) -> None:
    with listener() as port:
        done = dockerlab("up", "--no-browser", "--port", str(port), DOCKERLAB_CACHE=str(cache))
    line = refusal(done, 1)
    assert f"Port {port} is in use" in line
    assert "Leave --port out" in line
    assert made(cache) == []


def test_no_network_on_the_first_start(cache: Path) -> None:
    line = refusal(dockerlab("engine", "start", before=OFFLINE, DOCKERLAB_CACHE=str(cache)), 1)
    assert "The package mirror can't be reached" in line
    assert "dockerlab doctor" in line
    assert made(cache) == []


def test_a_suite_that_does_not_exist(cache: Path) -> None:
    done = dockerlab("engine", "start", "--suite", "nosuch", DOCKERLAB_CACHE=str(cache))
    line = refusal(done, 2)
    assert "There is no suite 'nosuch'" in line
    assert "Leave --suite out" in line
    assert made(cache) == []


def test_a_suite_without_an_engine(cache: Path) -> None:
    """A pocket that every release has and that holds no Docker."""
    pocket = f"{host_distribution()[1]}-backports"
    done = dockerlab("engine", "start", "--suite", pocket, DOCKERLAB_CACHE=str(cache))
    assert f"The suite '{pocket}' has no package of Docker Engine" in refusal(done, 2)
    assert made(cache) == []


def test_a_disk_that_is_full_before(cache: Path) -> None:
    before = small_disk(cache, "size=60M", look=f"find '{cache}' -type f ! -name lock")
    done = dockerlab("engine", "start", before=before, DOCKERLAB_CACHE=str(cache))
    line = refusal(done, 1)
    assert "The disk is full" in line
    assert "MB free" in line
    assert "larger disk" in line
    assert done.stdout == ""


@pytest.mark.parametrize(("files", "seeded"), [(9, False), (90, True)])
def test_a_disk_that_fills_up_meanwhile(
    files: int, seeded: bool, cache: Path, places: Places, suite: str
) -> None:
    """A disk with room for bytes and not for files: it fills up after every look at its size."""
    packages = f"mkdir '{cache}/packages'; cp -r '{places.packages / suite}' '{cache}/packages'"
    before = small_disk(
        cache, f"size=3G,nr_inodes={files}", packages if seeded else "true",
        look=f"find '{cache}' -type f ! -name lock ! -path '{cache}/packages/*'",
    )  # fmt: skip
    done = dockerlab("engine", "start", before=before, DOCKERLAB_CACHE=str(cache))
    line = refusal(done, 1)
    assert re.search("the engine was unpacked" if seeded else "disk (is full|filled up)", line)
    assert "larger disk" in line
    assert str(cache) not in done.stdout


def start(cache: Path, *arguments: str, **changes: str) -> None:
    done = dockerlab("engine", "start", *arguments, DOCKERLAB_CACHE=str(cache), **changes)
    assert done.returncode == 0, done.stderr
    assert "runs, with the" in done.stdout


def test_corrupt_downloads_are_fetched_again_in_a_folder_with_any_name(
    tmp_path: Path, places: Places, suite: str
) -> None:
    """Download, unpack and run under a name with spaces, quotes and Chinese characters."""
    cache = tmp_path / "我的 课程 'Docker' $HOME"
    seed(places.cache, cache, suite, "packages")
    files = cache / "packages" / suite / "files"
    short, flipped = next(files.glob("libnfnetlink0_*")), next(files.glob("libmnl0_*"))
    whole = {file: file.read_bytes() for file in (short, flipped)}
    replace(short, whole[short][:1000])
    replace(flipped, bytes([*whole[flipped][:500], whole[flipped][500] ^ 1, *whole[flipped][501:]]))
    line = refusal(dockerlab("engine", "start", before=OFFLINE, DOCKERLAB_CACHE=str(cache)), 1)
    assert "can't be reached" in line
    assert not (cache / "engines" / suite).exists()
    try:
        start(cache)
        assert {file: file.read_bytes() for file in whole} == whole
        terminal = dockerlab("engine", "status", DOCKERLAB_CACHE=str(cache)).stdout.splitlines()[-1]
        script = f"{terminal}\ndocker version --format '{{{{.Server.Version}}}}'; docker buildx ls"
        shown = subprocess.run(
            ["sh", "-c", script], capture_output=True, text=True, check=True
        ).stdout
        assert shown[:2].isdigit()
        assert dockerlab("doctor", DOCKERLAB_CACHE=str(cache)).returncode == 0
    finally:
        assert dockerlab("engine", "remove", DOCKERLAB_CACHE=str(cache)).returncode == 0


def test_a_broken_cache_is_repaired_without_the_mirror(
    cache: Path, places: Places, suite: str, tmp_path: Path
) -> None:
    seed(places.cache, cache, suite, "packages", "engines")
    root = cache / "engines" / suite
    replace(root / "files.json", b"{\x00 this is no JSON")
    replace(cache / "packages" / suite / "packages.json", b'[{"name": "docker.io"}]')
    replace(root / "usr/bin/docker", (root / "usr/bin/docker").read_bytes()[:4096])
    (root / "usr/bin/containerd").unlink()
    asked = tmp_path / "asked"
    fake = tmp_path / "bin"
    fake.mkdir()
    (fake / "apt-get").write_text(f"#!/bin/sh\necho \"$*\" >> '{asked}'\nexit 100\n")
    (fake / "apt-get").chmod(0o755)
    start(cache, PATH=f"{fake}:{os.environ['PATH']}")
    assert not asked.exists()
    assert (root / "usr/bin/containerd").stat().st_size > 10_000_000


def test_an_interrupted_unpack(cache: Path, places: Places, suite: str) -> None:
    seed(places.cache, cache, suite, "packages")
    engines = cache / "engines"
    # whoever runs the tests in the background has Ctrl-C ignored for all that they start
    command = ["env", "--default-signal=INT", sys.executable, "-m", "dockerlab", "engine", "start"]
    for number, status in ((signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)):
        with subprocess.Popen(
            command,
            env=environment(DOCKERLAB_CACHE=str(cache)), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        ) as job:  # fmt: skip
            until = time.monotonic() + 60
            while not list(engines.glob("*.unpacking*/usr/*")):
                assert job.poll() is None
                assert time.monotonic() < until
                time.sleep(0.01)
            job.send_signal(number)
            _, said = job.communicate(timeout=30)
        assert job.returncode == status
        assert "Traceback" not in said
        left = [folder.name for folder in engines.iterdir()]
        assert suite not in left
        assert len(left) == (1 if number == signal.SIGKILL else 0)
    start(cache)
    assert [folder.name for folder in engines.iterdir()] == [suite]


def test_a_home_that_cannot_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    for command in (["engine", "start"], ["up", "--no-browser", "--engine", "embedded"]):
        done = dockerlab(
            *command, before=ordinary_user(), HOME=str(tmp_path), DOCKERLAB_CACHE=None,
            XDG_CACHE_HOME=None,
        )  # fmt: skip
        line = refusal(done, 1)
        assert f"The folder {tmp_path}" in line
        assert "Set DOCKERLAB_CACHE to a folder you can write to" in line


def test_a_cache_that_may_only_be_read(tmp_path: Path, places: Places, suite: str) -> None:
    cache = tmp_path / "cache"
    seed(places.cache, cache, suite, "packages", "engines")
    places_there = Places(cache, os.environ["DOCKERLAB_INSTANCE"])
    places_there.home.mkdir(parents=True)
    before = apart(f"mount --bind '{cache}' '{cache}'; mount -o remount,bind,ro '{cache}'")
    for command in (["engine", "start"], ["up", "--no-browser", "--engine", "embedded"]):
        line = refusal(dockerlab(*command, before=before, DOCKERLAB_CACHE=str(cache)), 1)
        assert str(cache) in line
        assert "Set DOCKERLAB_CACHE to a folder you can write to" in line


def test_a_socket_left_by_a_dead_engine(tmp_path: Path, cache: Path) -> None:
    path = tmp_path / "docker.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    done = dockerlab("up", "--engine", f"unix://{path}", DOCKERLAB_CACHE=str(cache))
    assert "the engine has ended" in refusal(done, 1)


def test_what_was_not_foreseen_is_one_line_and_a_report(tmp_path: Path) -> None:
    code = (
        "import dockerlab.cli as cli\n"
        "def broken(*_): raise ValueError('first\\n\\x1b[31msecond')\n"
        "cli.open_lab = broken\n"
        "cli.main()"
    )
    run = [sys.executable, "-c", code, "up"]
    done = subprocess.run(
        run, env=environment(TMPDIR=str(tmp_path)), capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("dockerlab: This should not happen: ValueError: first")
    assert len(done.stderr.splitlines()) == 1
    assert "\x1b" not in done.stderr
    (report,) = tmp_path.glob("dockerlab-*.txt")
    assert str(report) in done.stderr
    assert "Traceback" in report.read_text()
    assert report.stat().st_mode & 0o077 == 0
    shown = subprocess.run(
        run, env=environment(DOCKERLAB_TRACEBACK="1"), capture_output=True, text=True, check=False
    )
    assert "Traceback" in shown.stderr

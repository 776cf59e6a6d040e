"""Faults injected into a real engine: each is repaired, or named with the command that helps."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from machine import processes_of
from provoke import Done, dockerlab, refusal

from dockerlab.engine import embedded, leftovers, programs, unpacked
from dockerlab.engine.places import Places

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(os.geteuid() != 0, reason="the engine's own folders are another's then"),
]

PREFIX = "faults"


@pytest.fixture(scope="module")
def cache(places: Places) -> Iterator[Path]:
    """A cache whose programs may be damaged, with the images of the usual one."""
    suite = programs.default_suite()
    programs.bring(places, suite)
    with tempfile.TemporaryDirectory(prefix="lab", dir="/tmp") as folder:
        for part in ("packages", "engines"):
            shutil.copytree(
                getattr(places, part) / suite, Path(folder) / part / suite, symlinks=True
            )
        (Path(folder) / "hub").symlink_to(places.hub)
        yield Path(folder)


@pytest.fixture(scope="module")
def instance(cache: Path) -> Iterator[Places]:
    """An engine that has images, a container, a volume and a network, and is stopped."""
    own = Places(cache, "faults")
    embedded.start(own, store="overlay2")
    docker(own, "pull", "-q", "busybox")
    docker(own, "volume", "create", "kept")
    docker(own, "network", "create", "kept")
    docker(own, "create", "--name", "kept", "-v", "kept:/kept", "busybox")
    yield own
    embedded.remove(own)


@pytest.fixture
def stopped(instance: Places) -> Iterator[Places]:
    """That engine, stopped; what a test does to its folder is undone."""
    embedded.stop(instance)
    saved = instance.cache / "saved"
    subprocess.run(["cp", "-a", instance.home, saved], check=True)  # with its devices and owners
    yield instance
    embedded.stop(instance)
    shutil.rmtree(instance.home, ignore_errors=True)
    saved.rename(instance.home)


@pytest.fixture
def running(stopped: Places) -> Places:
    embedded.start(stopped)
    return stopped


def docker(places: Places, *arguments: str, fails: bool = False) -> str:
    variables = {
        **os.environ, "DOCKER_HOST": f"unix://{places.socket}",
        "DOCKER_CONFIG": str(places.docker_config),
    }  # fmt: skip
    done = subprocess.run(
        [str(places.bin / "docker"), *arguments], env=variables, capture_output=True, text=True,
        check=False, timeout=60,
    )  # fmt: skip
    assert bool(done.returncode) is fails, done
    return (done.stdout + done.stderr).strip()


def command(places: Places, *arguments: str) -> Done:
    return dockerlab(
        *arguments, DOCKERLAB_CACHE=str(places.cache), DOCKERLAB_INSTANCE=places.instance
    )


def start(places: Places) -> Done:
    return command(places, "engine", "start")


def works(places: Places) -> bool:
    return docker(places, "run", "--rm", "busybox", "echo", "hi") == "hi"


def noise(file: Path) -> None:
    file.write_bytes(os.urandom(file.stat().st_size))


def spoil(program: Path, *, begin: bool) -> None:
    """Damage a program at equal size and time, so that nothing but its digest tells."""
    found = program.stat()
    content = bytearray(program.read_bytes())
    first, count = (0, 64) if begin else (len(content) // 4, len(content) // 2)
    content[first : first + count] = os.urandom(count)
    fresh = program.with_name("spoilt")  # the one in place may be running
    fresh.write_bytes(content)
    shutil.copystat(program, fresh)
    fresh.replace(program)
    os.utime(program, ns=(found.st_atime_ns, found.st_mtime_ns))


def of(places: Places, name: str) -> Path:
    """Find a program or a library: the largest file of that name."""
    suite = embedded.status(places).suite or programs.default_suite()
    files = [f for f in (places.engines / suite).rglob(name) if f.is_file() and not f.is_symlink()]
    return max(files, key=lambda file: file.stat().st_size)


@pytest.mark.parametrize(
    ("name", "begin"),
    [
        ("dockerd", True), ("dockerd", False), ("containerd", True), ("docker-registry", True),
        ("busybox", True), ("xtables-nft-multi", True), ("libnftnl.so.*", True),
    ],
)  # fmt: skip
def test_a_program_that_does_not_start_is_repaired(name: str, begin: bool, stopped: Places) -> None:
    spoil(of(stopped, name), begin=begin)
    done = start(stopped)
    assert done.returncode == 0, done.stderr
    assert "Repairing the engine's programs" in done.stdout
    assert name.partition(".")[0] in done.stdout
    assert works(stopped)
    assert "kept" in docker(stopped, "ps", "-a", "--format", "{{.Names}}")


LATER = ("runc", "containerd-shim-runc-v2", "docker-buildx", "docker")


def test_programs_that_are_needed_later_are_named_and_repaired(running: Places) -> None:
    root = running.engines / (embedded.status(running).suite or "")
    for name in LATER:
        spoil(of(running, name), begin=True)
    told = command(running, "doctor")
    assert told.returncode == 1
    assert "are damaged" in told.stdout
    assert "dockerlab engine repair" in told.stdout
    assert {Path(file).name for file in unpacked.damaged(root)} == set(LATER)
    done = command(running, "engine", "repair")
    assert done.returncode == 0, done.stderr
    for name in LATER:
        assert f"/{name}\n" in done.stdout
    assert works(running)
    assert "buildx" in docker(running, "buildx", "version")


def _halve(program: Path) -> None:
    content = program.read_bytes()
    program.unlink()
    program.write_bytes(content[: len(content) // 2])
    program.chmod(0o755)


def _overwrite(program: Path) -> None:
    content = program.read_bytes()
    program.unlink()
    program.write_bytes(bytes(len(content)))
    program.chmod(0o755)


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("containerd-shim-runc-v2", lambda program: program.chmod(0o644)),
        ("libxtables.so.*", Path.unlink),
        ("runc", _halve),
        ("docker-buildx", _overwrite),
    ],
)
def test_a_program_that_looks_damaged_is_repaired_by_the_start(
    name: str, damage: Callable[[Path], None], stopped: Places
) -> None:
    damage(of(stopped, name))
    done = start(stopped)
    assert done.returncode == 0, done.stderr
    assert "Unpacking" in done.stdout
    assert works(stopped)
    assert unpacked.damaged(stopped.engines / (embedded.status(stopped).suite or "")) == []


def test_a_stop_repairs_what_it_needs(running: Places) -> None:
    spoil(of(running, "xtables-nft-multi"), begin=True)
    done = command(running, "engine", "stop")
    assert done.returncode == 0, done.stderr
    assert not Path(f"/sys/class/net/dlab{running.key}").exists()


@pytest.mark.parametrize(
    "name",
    [
        "network/files/local-kv.db", "volumes/metadata.db", "buildkit/cache.db",
        "buildkit/containerdmeta.db", "containerd/daemon/io.containerd.metadata.v1.bolt/meta.db",
    ],
)  # fmt: skip
def test_damaged_data_is_named_with_what_helps(name: str, stopped: Places) -> None:
    noise(next(stopped.home.glob(f"data/*/{name}")))
    line = refusal(start(stopped), 1)
    assert "The engine's stored data is damaged" in line
    assert "dockerlab engine reset" in line
    assert "lost" in line
    assert processes_of(stopped) == []


@pytest.mark.parametrize(
    "name", ["image/overlay2/repositories.json", "containers/*/config.v2.json"]
)
def test_damaged_records_of_one_thing_leave_the_rest(name: str, stopped: Places) -> None:
    noise(next(stopped.home.glob(f"data/*/{name}")))
    done = start(stopped)
    if done.returncode:
        assert "dockerlab engine reset" in refusal(done, 1)
    else:
        assert "kept" in docker(stopped, "volume", "ls", "-q")


def test_damaged_snapshots_are_named_and_a_reset_helps(cache: Path) -> None:
    own = Places(cache, "faultsc")
    try:
        embedded.start(own, store="containerd")
        docker(own, "pull", "-q", "busybox")
        embedded.stop(own)
        noise(next(own.home.glob("data/*/containerd/daemon/*.overlayfs/metadata.db")))
        line = refusal(start(own), 1)
        assert "The engine's stored data is damaged" in line
        assert "dockerlab engine reset" in line
        done = command(own, "engine", "reset")
        assert done.returncode == 0, done.stderr
        docker(own, "pull", "-q", "busybox")
        assert works(own)
    finally:
        embedded.remove(own)


@pytest.mark.parametrize("gone", ["home", "run", "data", "home/bin", "home/docker-config"])
def test_a_folder_that_went_while_the_engine_ran(gone: str, running: Places) -> None:
    folder = {
        "home": running.home, "run": running.run, "data": running.home / "data",
        "home/bin": running.bin, "home/docker-config": running.docker_config,
    }[gone]  # fmt: skip
    shutil.rmtree(folder, ignore_errors=True)
    done = start(running)
    assert done.returncode == 0, done.stderr
    docker(running, "pull", "-q", "busybox")
    assert works(running)
    assert len([p for p in processes_of(running) if p.name() == "dockerd"]) == 1


@pytest.mark.parametrize("gone", ["home", "run"])
def test_a_stop_without_its_folder(gone: str, running: Places) -> None:
    shutil.rmtree(running.home if gone == "home" else running.run, ignore_errors=True)
    done = command(running, "engine", "stop")
    assert done.returncode == 0, done.stderr
    assert processes_of(running) == []
    assert not Path(f"/sys/class/net/dlab{running.key}").exists()


@pytest.mark.parametrize("kind", ["file", "folder"])
@pytest.mark.parametrize(
    "names",
    [
        ("logs", "bin", "firewall", "docker-config", "tmp", "lock", "run"),
        ("data", "network.json", "choice.json", "logs/dockerd.log"),
    ],
)
def test_the_wrong_thing_in_its_place(names: tuple[str, ...], kind: str, stopped: Places) -> None:
    for path in (stopped.home / name for name in names):
        leftovers.discard(path)
        if kind == "file":
            path.write_bytes(b"\0\xff none of ours")
        else:
            (path / "inside").mkdir(parents=True)
    done = start(stopped)
    assert done.returncode == 0, done.stderr
    docker(stopped, "pull", "-q", "busybox")
    assert works(stopped)


def _shim_socket(places: Places, container: str) -> Path:
    address = f"{places.run}/exec/containerd/containerd.sock/moby/{container}"
    return Path("/run/containerd/s") / sha256(address.encode()).hexdigest()


def test_sockets_of_killed_shims_go_and_others_stay(running: Places) -> None:
    removed, left = (docker(running, "run", "-d", "busybox", "sleep", "600") for _ in range(2))
    sockets = [_shim_socket(running, container) for container in (removed, left)]
    assert all(socket.exists() for socket in sockets)
    foreign = sockets[0].with_name(sha256(b"foreign").hexdigest())
    foreign.touch()
    try:
        shims = [p for p in processes_of(running) if "containerd-shim" in p.name()]
        shim = next(p for p in shims if removed in p.cmdline())
        shim.kill()
        docker(running, "rm", "-f", removed)
        for process in processes_of(running):
            process.kill()
        shutil.rmtree(running.run / "exec", ignore_errors=True)
        assert sockets[1].exists()
        embedded.stop(running)
        assert [socket for socket in sockets if socket.exists()] == []
        assert foreign.exists()
    finally:
        foreign.unlink()


def test_builds_leave_nothing_in_the_temporary_folder(running: Places, tmp_path: Path) -> None:
    here = tmp_path / "t"
    here.mkdir()
    done = subprocess.run(
        [str(running.bin / "docker"), "build", "-q", "-f", "-", str(here)],
        input="FROM scratch\nLABEL a=b\n", capture_output=True, text=True, check=False,
        env={**os.environ, "DOCKER_HOST": f"unix://{running.socket}", "TMPDIR": str(here),
             "DOCKER_CONFIG": str(running.docker_config)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert list(here.iterdir()) == []
    embedded.stop(running)
    assert not running.temporary.exists()

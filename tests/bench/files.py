"""Reading the files of an image, beside ``docker save IMAGE > /dev/null`` of it.

Each side runs in a process of its own, whose peak memory the kernel tells.
"""

import hashlib
import io
import json
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import docker

from dockerlab.facts.file_reading import read_files
from dockerlab.facts.layer_cache import LayerCache

IMAGE = "bench-files:latest"
LAYERS = 5
FILES = 8_000  # a layer, of 0.2 to 12 kB
LARGE = 7  # a layer, of 20 MB
GROWTH = (1_000, 10_000, 50_000, 200_000)
RUNS = 5

Row = dict[str, Any]


def rows(engine: Any, runs: int = RUNS) -> list[Row]:
    """Measure all of it on an engine, as `dockerlab.engine.find` gives it.

    Returns
    -------
    list of dict
        Of each pair ``what`` was measured, ``beside`` what, the seconds and peak bytes of both
        sides run by run, the median ``ratio`` of the seconds and the ``bound`` on it, and
        ``peak`` and ``peak_bound`` in bytes. Where there is nothing to compare, no ``beside``.
    """
    environment = {**os.environ, **engine.environment()}
    with (
        closing(docker.DockerClient(base_url=engine.host, timeout=600)) as client,
        tempfile.TemporaryDirectory() as folder,
        image(client, Path(folder)),
    ):
        return [*first_and_second(engine.host, environment, runs), *growth()]


def first_and_second(host: str, environment: dict[str, str], runs: int) -> list[Row]:
    """Read the image for the first time and again, and save it, in turn."""
    first, again, save = [], [], []
    for run in range(runs + 1):
        with tempfile.TemporaryDirectory() as cache:
            one = reading(host, IMAGE, cache)
            two = reading(host, IMAGE, cache)
        saved = process(["docker", "save", IMAGE], environment)
        if run:  # the first time fills the disk's cache
            first.append(one)
            again.append(two)
            save.append(saved)
    seconds = [(one[0], saved[0]) for one, saved in zip(first, save, strict=True)]
    return [
        {
            "what": "lab.files of 900 MB in 40,000 files, first time",
            "beside": "docker save IMAGE > /dev/null",
            "ours": [one for one, _saved in seconds],
            "theirs": [saved for _one, saved in seconds],
            "ours_peak": [peak for _seconds, peak in first],
            "theirs_peak": [peak for _seconds, peak in save],
            "ratio": statistics.median(one / saved for one, saved in seconds),
            "bound": 1.1,
            "peak": max(peak for _seconds, peak in first),
            "peak_bound": 120_000_000,
        },
        {
            "what": "lab.files of it, second time",
            "ours": [seconds for seconds, _peak in again],
            "ours_peak": [peak for _seconds, peak in again],
            "seconds": statistics.median(seconds for seconds, _peak in again),
            "seconds_bound": 0.3,
        },
    ]


def growth() -> list[Row]:
    """Read archives of more and more entries."""
    found = []
    for entries in GROWTH:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "many.tar")
            half = entries // 2
            layers = [Path(folder, "0.tar"), Path(folder, "1.tar")]
            for number, layer in enumerate(layers):
                write_layer(layer, f"l{number}", half, 100, 0)
            with path.open("wb") as file:
                write_archive(file, layers)
            measured = [reading("", str(path), Path(folder, str(run))) for run in range(3)]
        seconds = statistics.median(one for one, _peak in measured)
        found.append(
            {
                "what": f"lab.files of an archive of {entries:,} entries",
                "ours": [one for one, _peak in measured],
                "ours_peak": [peak for _seconds, peak in measured],
                "seconds": seconds,
                "microseconds_per_entry": 1e6 * seconds / entries,
            }
        )
    return found


@contextmanager
def image(client: docker.DockerClient, folder: Path) -> Iterator[None]:
    """Have the image on the engine, and take it away at the end."""
    layers = [folder / f"{number}.tar" for number in range(LAYERS)]
    for number, layer in enumerate(layers):
        write_layer(layer, f"opt/p{number}", FILES, 12_000, LARGE)
    archive = folder / "image.tar"
    with archive.open("wb") as file:
        write_archive(file, layers)
    with archive.open("rb") as file:
        client.images.load(file)
    archive.unlink()
    try:
        yield
    finally:
        client.api.remove_image(IMAGE, force=True)


def write_layer(path: Path, top: str, files: int, largest: int, large: int) -> None:
    """Write a layer of small and large files of noise, a hundred in a folder."""
    noise = os.urandom(largest)
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as archive:
        for number in range(files):
            size = min(largest, 200 + number * 7919 % largest)
            add(archive, f"{top}/d{number // 100:05}/f{number:06}", noise[number % 50 : size])
        for number in range(large):
            add(archive, f"{top}/large{number}", os.urandom(20_000_000))


def write_archive(file: io.BufferedWriter, layers: list[Path]) -> None:
    """Write an image of these layers as ``docker load`` takes it, and remove them."""
    digests = []
    with tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for layer in layers:
            with layer.open("rb") as content:
                digests.append("sha256:" + hashlib.file_digest(content, "sha256").hexdigest())
            archive.add(layer, layer.name)
            layer.unlink()
        config = {
            "os": "linux",
            "architecture": "amd64",
            "rootfs": {"type": "layers", "diff_ids": digests},
            "history": [{"created_by": "COPY noise /"} for _digest in digests],
        }
        add(archive, "config.json", json.dumps(config).encode())
        names = [layer.name for layer in layers]
        listing = [{"Config": "config.json", "RepoTags": [IMAGE], "Layers": names}]
        add(archive, "manifest.json", json.dumps(listing).encode())


def add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    """Put a file into an archive."""
    info = tarfile.TarInfo(name)
    info.size = len(content)
    archive.addfile(info, io.BytesIO(content))


def reading(host: str, thing: str, cache: object) -> tuple[float, int]:
    """Seconds of `read_files` in a fresh process that has all imported, and its peak bytes."""
    command = [sys.executable, __file__, "read", host, thing, str(cache)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as job:
        peak = peak_of(job)
        assert job.stdout is not None
        return float(job.stdout.read()), peak


def process(command: list[str], environment: dict[str, str]) -> tuple[float, int]:
    """Seconds of a command from start to end, and its peak bytes."""
    begun = time.perf_counter()
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as job:
        peak = peak_of(job)
    return time.perf_counter() - begun, peak


def peak_of(job: "subprocess.Popen[bytes]") -> int:
    """Wait for a process and tell its peak bytes.

    Its ``ru_maxrss`` would not do: that has in it what this process had when it started it.
    """
    peak = 0
    while job.poll() is None:
        status = Path(f"/proc/{job.pid}/status").read_text()
        found = [line for line in status.splitlines() if line.startswith("VmHWM")]
        peak = max(peak, int(found[0].split()[1]) * 1024 if found else 0)
        time.sleep(0.01)
    if job.returncode:
        raise SystemExit(f"{job.args} ended with {job.returncode}")
    return peak


def read(host: str, thing: str, cache: str) -> float:
    """Read once and tell the seconds."""
    client = docker.DockerClient(base_url=host, timeout=600) if host else None
    begun = time.perf_counter()
    read_files(client, thing, cache=LayerCache(Path(cache)))
    return time.perf_counter() - begun


if __name__ == "__main__" and sys.argv[1:2] == ["read"]:
    print(read(*sys.argv[2:]))  # noqa: T201 - what it is started for

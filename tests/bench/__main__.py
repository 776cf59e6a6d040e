"""``python3 lab.py bench``: dockerlab beside plain tools, as ratios taken in one run.

``python3 lab.py bench start pictures files`` measures parts; without a name all are measured.

Every pair is measured in turn, A B A B ..., so that a machine whose speed drifts harms neither.
"""

import io
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tarfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import docker
import files
import pictures
import psutil
from rich.console import Console
from rich.table import Table

PROJECT = Path(__file__).parents[2]
RUNS = 5
PARTS = ("start", "pictures", "files")
INSTANCE = "bench"
os.environ["DOCKERLAB_INSTANCE"] = INSTANCE
os.environ["DOCKERLAB_ENGINE"] = "embedded"

from dockerlab.engine import embedded, network, programs  # noqa: E402 - after the instance
from dockerlab.engine.apt import load_packages  # noqa: E402
from dockerlab.engine.find import connect, find  # noqa: E402
from dockerlab.engine.places import Places  # noqa: E402
from dockerlab.facts import read_tags  # noqa: E402
from dockerlab.pictures import draw_tags  # noqa: E402

T = TypeVar("T")
PLACES = Places.from_environment()


@dataclass(frozen=True)
class Pair:
    """Seconds of dockerlab and of the plain tool, run by run, and the ratio allowed."""

    what: str
    beside: str
    ours: list[float]
    theirs: list[float]
    bound: float

    @property
    def ratio(self) -> float:
        """The median of the ratios, pair by pair."""
        return statistics.median(a / b for a, b in zip(self.ours, self.theirs, strict=True))

    def row(self) -> dict[str, Any]:
        """Give the pair as the other parts of the benchmark give theirs."""
        return {**asdict(self), "ratio": self.ratio}


def main() -> None:
    """Measure, print a table, write ``bench.json``."""
    console = Console() if sys.stdout.isatty() else Console(width=160)
    wanted = set(sys.argv[1:] or PARTS)
    if unknown := wanted - set(PARTS):
        raise SystemExit(f"There is no part {', '.join(unknown)}. There are: {', '.join(PARTS)}.")
    rows: list[dict[str, Any]] = []
    with steps_of(console):
        embedded.start(PLACES)
        embedded.stop(PLACES)
        if "start" in wanted:
            rows += [desk().row(), engine_start().row(), *tag_facts()]
        if "pictures" in wanted:
            rows += pictures.rows(find("embedded"))
        if "files" in wanted:
            rows += files.rows(find("embedded"))
    report(console, rows, disk())


@contextmanager
def steps_of(console: Console) -> Iterator[None]:
    """Show that something goes on."""
    with console.status("Measuring; nothing else should run on this machine ..."):
        try:
            yield
        finally:
            embedded.stop(PLACES)


def desk() -> Pair:
    """Second ``python3 lab.py`` until JupyterLab answers, beside a plain ``jupyter lab``."""
    ours, theirs = [], []
    for run in range(RUNS + 1):
        lab = [sys.executable, str(PROJECT / "lab.py"), "--no-browser", "--port", "18888"]
        plain = [
            sys.executable, "-m", "jupyterlab", "--no-browser", "--port=18889", "--allow-root",
            f"--ServerApp.root_dir={PROJECT}",
        ]  # fmt: skip
        a, b = until_answer(lab, 18888), until_answer(plain, 18889)
        if run:  # the first pair warms the disk's cache
            ours.append(a)
            theirs.append(b)
    return Pair("python3 lab.py, second start, to JupyterLab", "jupyter lab", ours, theirs, 1.5)


def until_answer(command: list[str], port: int) -> float:
    """Seconds from the start of ``command`` to an answer on ``port``; ends it then."""
    begun = time.perf_counter()
    job = subprocess.Popen(
        command, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/api", timeout=5):
                    return time.perf_counter() - begun
            except (urllib.error.URLError, OSError):
                if job.poll() is not None:
                    raise SystemExit(f"{' '.join(command)} ended with {job.returncode}") from None
                time.sleep(0.02)
    finally:
        job.terminate()
        job.wait()


def engine_start() -> Pair:
    """Embedded engine from the call to its first API answer, beside dockerd started by hand."""
    ours, theirs = [], []
    for run in range(RUNS + 1):
        begun = time.perf_counter()
        embedded.start(PLACES)
        a = time.perf_counter() - begun
        configuration = json.loads((PLACES.run / "daemon.json").read_text())
        embedded.stop(PLACES)
        b = by_hand(configuration)
        if run:
            ours.append(a)
            theirs.append(b)
    return Pair("embedded engine to its first answer", "dockerd by hand", ours, theirs, 1.3)


def by_hand(configuration: dict[str, object]) -> float:
    """Seconds that the same dockerd takes over the same data root, started by hand."""
    brought = programs.bring(PLACES, str(embedded.status(PLACES).suite))
    net = network.choose(PLACES.key, PLACES.home / "network.json")
    network.forget_default_network(PLACES.home / "data")
    network.prepare(net, brought, PLACES.firewall)
    file = PLACES.run / "daemon.json"
    file.write_text(json.dumps(configuration))
    client = docker.APIClient(base_url=f"unix://{PLACES.socket}", version="1.41")
    begun = time.perf_counter()
    job = subprocess.Popen(
        [brought.path("dockerd"), "--config-file", file],
        env=brought.environment(PLACES.firewall),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    while True:
        try:
            client.ping()
            break
        except (docker.errors.DockerException, OSError):
            time.sleep(0.02)
    seconds = time.perf_counter() - begun
    client.close()
    job.terminate()
    job.wait()
    embedded.stop(PLACES)
    return seconds


def tag_facts() -> list[dict[str, Any]]:
    """Read the facts behind ``lab.tags()`` with 300 tags on 100 images; draw them apart."""
    embedded.start(PLACES)
    client = connect(find("embedded"))
    before = {image["Id"] for image in client.api.images()}
    for number in range(100):
        made = client.api.import_image_from_data(one_file(number))
        identity = json.loads(made.splitlines()[-1])["status"]
        for tag in range(3):
            client.api.tag(identity, f"bench/app{number:03}", f"v{tag}")
    command = [str(PLACES.bin / "docker"), "--host", f"unix://{PLACES.socket}", "image", "ls", "-a"]
    ours, theirs, drawing = [], [], []
    for run in range(RUNS + 1):
        a, facts = timed(lambda: read_tags(client))
        b, _ = timed(lambda: subprocess.run(command, capture_output=True, check=True))
        c, picture = timed(lambda facts=facts: draw_tags(facts))
        if run:
            ours.append(a)
            theirs.append(b)
            drawing.append(c)
    size = len(picture.svg)
    for image in client.api.images():
        if image["Id"] not in before:
            client.api.remove_image(image["Id"], force=True)
    client.close()
    pair = Pair(
        "facts of lab.tags(), 300 tags on 100 images", "docker image ls -a", ours, theirs, 2
    )
    drawn = {"what": "drawing them", "seconds": statistics.median(drawing), "svg_bytes": size}
    return [pair.row(), drawn]


def one_file(number: int) -> bytes:
    """Make an archive with one small file, other than every other number's."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        content = f"{number}\n".encode()
        entry = tarfile.TarInfo("number")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def timed(job: Callable[[], T]) -> tuple[float, T]:
    """Run a job; give its seconds and its result."""
    begun = time.perf_counter()
    result = job()
    return time.perf_counter() - begun, result


def disk() -> dict[str, int]:
    """Bytes that a first start downloads, and leaves on disk."""
    suite = str(embedded.status(PLACES).suite)
    packages = load_packages(PLACES.packages / suite / "packages.json") or ()
    return {
        "engine packages, downloaded": sum(package.size for package in packages),
        "package lists, downloaded and kept": tree(PLACES.packages / suite / "lists"),
        "engine, unpacked": tree(PLACES.engines / suite),
        "course images in the hub": tree(PLACES.hub),
        ".venv": tree(Path(sys.prefix)),
    }


def tree(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(
        Path(root, name).lstat().st_size for root, _, names in os.walk(folder) for name in names
    )


def report(console: Console, rows: list[dict[str, Any]], totals: dict[str, int]) -> None:
    """Print and write what was measured."""
    memory = psutil.virtual_memory().total / 1e9
    machine = f"{platform.platform()}, {os.cpu_count()} cores, {memory:.0f} GB"
    table = Table(title=machine)
    headings = ("measured", "seconds", "peak", "beside", "seconds", "peak", "ratio", "at most", "")
    for heading in headings:
        table.add_column(heading)
    for row in rows:
        ours = row.get("ours") or [row["seconds"]]
        theirs = row.get("theirs")
        figure, bound = (
            (row["ratio"], row.get("bound"))
            if theirs
            else (row["seconds"], row.get("seconds_bound"))
        )
        table.add_row(
            row["what"], f"{statistics.median(ours):.3f}", peak(row.get("ours_peak")),
            row.get("beside", ""),
            f"{statistics.median(theirs):.3f}" if theirs else "", peak(row.get("theirs_peak")),
            f"{figure:.2f}" if theirs else "", f"{bound:g}" if bound else "",
            "" if bound is None else "met" if figure <= bound else "MISSED",
        )  # fmt: skip
    console.print(table)
    for name, size in totals.items():
        console.print(f"{name}: {size / 1e6:.0f} MB")
    result = {"machine": machine, "rows": rows, "bytes": totals}
    (PROJECT / "bench.json").write_text(json.dumps(result, indent=1))


def peak(measured: list[int] | None) -> str:
    """Write the most memory that any run took."""
    return f"{max(measured) / 1e6:.0f} MB" if measured else ""


if __name__ == "__main__":
    if shutil.which("apt-get") is None:
        raise SystemExit(
            "The benchmark measures the embedded engine, which needs Debian or Ubuntu."
        )
    main()

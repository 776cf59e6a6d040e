"""The whole course on an engine of the student's own: in another order, several at once."""

import asyncio
import json
import logging
import os
import subprocess
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing
from pathlib import Path

import docker
import nbformat
import pytest
from course_engine import holdings, notebook_client
from nbclient.exceptions import CellExecutionError

from dockerlab.course.chapters import CHAPTERS
from dockerlab.course.ledger import read_ledger
from dockerlab.course.ownership import LABEL
from dockerlab.engine import connect, embedded
from dockerlab.engine.find import find
from dockerlab.engine.places import Places
from dockerlab.engine.stock import stock

pytestmark = pytest.mark.engine

FOLDER = Path(__file__).parents[2] / "notebooks"
HERE = Path(__file__).parent
TOGETHER = 3
# from the last chapter to the first, three of them at a time
REVERSED = [chapter.notebook for chapter in reversed(CHAPTERS)]
GROUPS = [REVERSED[start : start + TOGETHER] for start in range(0, len(REVERSED), TOGETHER)]


async def run(notebook: str, folder: Path, variables: dict[str, str]) -> str:
    """Run a notebook in an empty folder; give what went wrong, if anything.

    Before its cleanup the kernel is killed. The notebook is started once more, and only then
    cleans up.
    """
    folder.mkdir(parents=True)
    content = nbformat.read(FOLDER / f"{notebook}.ipynb", 4)
    start = next(cell for cell in content.cells if "lab.start(" in cell.source)
    last = next(n for n, cell in enumerate(content.cells) if "lab.cleanup(" in cell.source)
    ending = nbformat.v4.new_notebook(
        metadata=content.metadata, cells=[start, *content.cells[last:]]
    )
    content.cells = content.cells[:last]
    probing = (
        f"import sys; sys.path.insert(0, {str(HERE)!r}); import claim_probe\n"
        f"claim_probe.install(get_ipython(), {str(folder.with_suffix('.claims'))!r})"
    )
    content.cells.insert(0, nbformat.v4.new_code_cell(probing))
    try:
        for part in (content, ending):
            client = notebook_client(part, folder, shutdown_kernel="immediate")
            await client.async_execute(env={**os.environ, **variables})
    except CellExecutionError as error:
        return f"{notebook}: {error}"
    return ""


def run_together(*jobs: Coroutine[None, None, str]) -> list[str]:
    """Run notebooks at the same time; give what went wrong."""

    async def together() -> list[str]:
        return await asyncio.gather(*jobs)

    return [problem for problem in asyncio.run(together()) if problem]


def run_fairly(attempt: Callable[[Path], list[str]], folder: Path, *engines: Places) -> list[str]:
    """Give what went wrong; where an engine lost output, once more.

    Now and then dockerd on a busy machine closes a container's output before it has read it; its
    log tells ("closed fifo"). That is no fault of a chapter, and any other fault is not excused.
    """
    before = lost_outputs(engines)
    problems = attempt(folder / "once")
    if problems and lost_outputs(engines) > before:
        logging.getLogger(__name__).warning("an engine lost output: %s", problems)
        problems = attempt(folder / "again")
    return problems


def lost_outputs(engines: tuple[Places, ...]) -> int:
    logs = [(each.logs / "dockerd.log").read_text(errors="replace") for each in engines]
    return sum(log.count("reading from a closed fifo") for log in logs)


def furnish(client: docker.DockerClient) -> None:
    """Put twenty things of each kind on an engine, as a student's own has them.

    Their names look like a chapter's, and each bears a chapter's label.
    """
    for name in ("busybox", "redis"):
        client.images.pull(name, "latest")
    for number, chapter in enumerate(CHAPTERS):
        labels = {LABEL: chapter.number}
        near = f"my-{chapter.prefix}{number}"
        client.volumes.create(f"{near}-volume", labels=labels)
        pool = docker.types.IPAMPool(subnet=f"10.213.{number}.0/24")  # the engine's own are few
        ipam = docker.types.IPAMConfig(pool_configs=[pool])
        client.networks.create(f"{near}-network", ipam=ipam, labels=labels)
        command = ["sh", "-c", f"echo {number} > /mine; exec sleep 100000"]
        box = client.containers.run(
            "busybox", command, name=near, detach=True, network=f"{near}-network",
            labels={} if chapter.prunes else labels, volumes=[f"{near}-volume:/kept"],
        )  # fmt: skip
        box.commit(f"mine/{near}", "v1", changes=f"LABEL {LABEL}={chapter.number}")
        if number % 2:
            box.kill()
            box.wait()


def inspected(variables: dict[str, str]) -> dict[str, str]:
    """What ``docker inspect`` says of all that is the student's, to the byte."""

    def docker_says(*arguments: str) -> str:
        done = subprocess.run(
            ["docker", *arguments], env={**os.environ, **variables}, capture_output=True,
            text=True, check=True,
        )  # fmt: skip
        return done.stdout

    near = [f"my-{chapter.prefix}{number}" for number, chapter in enumerate(CHAPTERS)]
    said = {
        "containers": docker_says("container", "inspect", *near),
        "images": docker_says("image", "inspect", *(f"mine/{each}:v1" for each in near)),
        "volumes": docker_says("volume", "inspect", *(f"{each}-volume" for each in near)),
        "networks": docker_says("network", "inspect", *(f"{each}-network" for each in near)),
    }
    assert all(len(json.loads(said[kind])) == len(CHAPTERS) for kind in said)
    # a further name for an image leaves a time in it, and the course names busybox
    pulled = json.loads(docker_says("image", "inspect", "busybox", "redis"))
    return {**said, "pulled": json.dumps([{**one, "Metadata": None} for one in pulled])}


def differences(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """List what differs between two answers of `inspected`, each with its place."""
    return [
        f"{kind} {place}"
        for kind in before
        for place in _differences(json.loads(before[kind]), json.loads(after[kind]), "")
    ]


def _differences(one: object, other: object, place: str) -> list[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        keys = sorted({*one, *other})
        parts = [(one.get(key), other.get(key), f"{place}.{key}") for key in keys]
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        parts = [(a, b, f"{place}[{n}]") for n, (a, b) in enumerate(zip(one, other, strict=True))]
    else:
        return [] if one == other else [f"{place}: {one!r} -> {other!r}"]
    return [found for part in parts for found in _differences(*part)]


@pytest.fixture(scope="module")
def own(places) -> Iterator[dict[str, str]]:
    """The variables for an engine that is the student's own; the embedded one plays it."""
    embedded.reset(places)
    stock(places)
    engine = find("embedded")
    with closing(connect(engine)) as client:
        furnish(client)
    yield {**engine.environment(), "DOCKERLAB_ENGINE": "current"}
    embedded.reset(places)


@pytest.mark.parametrize("notebooks", GROUPS, ids="+".join)
def test_three_chapters_at_once_touch_nothing_of_the_student_s(notebooks, own, places, tmp_path):
    def attempt(folder: Path) -> list[str]:
        return run_together(*(run(name, folder / name, own) for name in notebooks))

    with closing(docker.DockerClient(base_url=own["DOCKER_HOST"])) as client:
        before, held = inspected(own), holdings(client)
        assert not run_fairly(attempt, tmp_path, places)
        assert not differences(before, inspected(own))
        now = holdings(client)
        assert not {kind: now[kind] ^ held[kind] for kind in held if now[kind] != held[kind]}
    ran = tmp_path / ("again" if (tmp_path / "again").exists() else "once")
    for name in notebooks:
        assert {path.name for path in (ran / name).iterdir()} <= {".dockerlab"}
        probed = ran / f"{name}.claims"
        could_fail = json.loads(probed.read_text()) if probed.exists() else {}
        assert not [claim for claim, could in could_fail.items() if not could], name
        shown = {row.id for row in read_ledger().values() if row.verdict != "stated"}
        chapter = next(one.number for one in CHAPTERS if one.notebook == name)
        assert {claim for claim in shown if read_ledger()[claim].chapter == chapter} <= set(
            could_fail
        )


def test_two_students_on_one_machine_each_have_an_engine(places, other, tmp_path):
    """The chapter publishes port 80, which only one of them can have."""
    stock(places)
    students = {
        each.instance: {"DOCKERLAB_ENGINE": "embedded", "DOCKERLAB_INSTANCE": each.instance}
        for each in (places, other)
    }

    def attempt(folder: Path) -> list[str]:
        return run_together(
            *(run("03-4-commit", folder / name, own) for name, own in students.items())
        )

    embedded.start(other)
    assert not run_fairly(attempt, tmp_path, places, other)

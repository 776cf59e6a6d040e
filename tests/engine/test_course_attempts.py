"""The exercises as students solve them: right ways pass, each usual mistake gets its hint.

``attempts/CHAPTER.toml`` holds them, an ``[[attempt]]`` each:

exercise  the exercise, ``"3.2.a"``
kind      ``right``, ``another`` (right too, by another way) or ``wrong``
what      what the student did, in a few words
shell     a bash script, run with the engine's own ``docker`` in an empty folder; or
python    Python code, with ``client`` at hand
hint      of a wrong one: words of the hint it must get
"""

import os
import subprocess
import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from course_engine import environment_restored

import dockerlab as lab
from dockerlab.course import bench
from dockerlab.course.exercises import EXERCISES
from dockerlab.engine.stock import stock

pytestmark = pytest.mark.engine

FOLDER = Path(__file__).parent / "attempts"
SECONDS = 60


@dataclass(frozen=True)
class Attempt:
    """What one student did."""

    exercise: str
    kind: str
    what: str
    shell: str = ""
    python: str = ""
    hint: str = ""

    @property
    def chapter(self) -> str:
        return self.exercise.rpartition(".")[0]


def read_attempts() -> list[Attempt]:
    files = sorted(FOLDER.glob("*.toml"))
    return [
        Attempt(**fields)
        for file in files
        for fields in tomllib.loads(file.read_text(encoding="utf-8"))["attempt"]
    ]


ATTEMPTS = read_attempts()


@pytest.fixture(scope="module", autouse=True)
def images(places):
    """Keep the images between the tests, which start and clean up for themselves."""
    stock(places)
    with environment_restored():
        for chapter in dict.fromkeys(attempt.chapter for attempt in ATTEMPTS):
            lab.start(chapter)
        yield
        lab.cleanup()


@pytest.mark.parametrize(
    "attempt", ATTEMPTS, ids=lambda attempt: f"{attempt.exercise}-{attempt.what}"
)
def test_an_attempt(attempt, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lab.start(attempt.chapter)
    try:
        if attempt.shell:
            done = subprocess.run(
                ["bash", "-c", attempt.shell], cwd=tmp_path, env=os.environ, timeout=SECONDS,
                capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
            )  # fmt: skip
            if attempt.kind != "wrong":
                assert done.returncode == 0, done.stderr
        else:
            exec(attempt.python, {"client": bench.present().client, "lab": lab})
        report = lab.check(attempt.exercise)
        if attempt.kind == "wrong":
            assert not report.passed
            assert attempt.hint in " ".join(report.hints)
        else:
            assert report.passed, report._repr_mimebundle_()["text/plain"]
    finally:
        lab.reset(attempt.chapter)


@pytest.mark.parametrize("exercise", [exercise.id for exercise in EXERCISES])
def test_every_exercise_is_tried_in_all_ways(exercise):
    mine = [attempt for attempt in ATTEMPTS if attempt.exercise == exercise]
    kinds = Counter(attempt.kind for attempt in mine)
    assert set(kinds) == {"right", "another", "wrong"}
    assert kinds["wrong"] >= 3
    hints = [attempt.hint for attempt in mine if attempt.kind == "wrong"]
    assert all(hints)
    assert len(set(hints)) >= 3, hints
    assert all(bool(attempt.shell) != bool(attempt.python) for attempt in mine)

"""Progress is never lost: by kernels at once, kills, full disks, damage, newer versions."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from fuzzing import damaged, rounds

import dockerlab as lab
from dockerlab.course import progress
from dockerlab.course.progress import (
    FOLDER_VARIABLE,
    ChapterProgress,
    Guess,
    note_check,
    note_claim,
    note_prediction,
    read_progress,
)

NOTES = """
import sys
from dockerlab.course.progress import note_check, note_claim
print("ready", flush=True)
sys.stdin.readline()
for number in range(int(sys.argv[2])):
    note_claim("1", f"{sys.argv[1]}.{number}")
    note_check("1", "1.a", passed=False)
    print(number, flush=True)
"""


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "progress"))
    monkeypatch.setattr(progress, "_told", set())
    return tmp_path / "progress"


@pytest.fixture
def file(folder):
    """A chapter with something done in it."""
    note_claim("1", "1.1")
    note_prediction("1", "Is it so?", Guess("yes", right=True))
    note_check("1", "1.a", passed=True)
    return folder / "1.json"


def chapter(folder):
    return next(each for each in read_progress(folder) if each.chapter == "1")


def noter(name, count):
    return subprocess.Popen(
        [sys.executable, "-c", NOTES, name, str(count)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def begin(process):
    assert process.stdout.readline() == "ready\n"
    process.stdin.write("go\n")
    process.stdin.flush()


def test_eight_kernels_at_once_lose_no_note(folder):
    kernels = [noter(str(number), 50) for number in range(8)]
    for kernel in kernels:
        begin(kernel)
    for kernel in kernels:
        assert kernel.communicate()[1] == ""
    found = chapter(folder)
    assert len(found.claims) == 400
    assert found.exercises["1.a"].tries == 400


def test_kills_at_any_moment_lose_no_note_that_had_returned(folder):
    chance = random.Random(1)
    returned = []
    for number in range(50):
        kernel = noter(str(number), 10_000)
        begin(kernel)
        time.sleep(chance.uniform(0.002, 0.1))
        kernel.send_signal(signal.SIGKILL)
        lines = kernel.communicate()[0].splitlines(keepends=True)
        returned += [f"{number}.{line.strip()}" for line in lines if line.endswith("\n")]
        found = chapter(folder)
        assert set(returned) <= set(found.claims)
        assert found.exercises.get("1.a", progress.Effort()).tries >= len(returned)
        assert len(list(folder.iterdir())) <= 3 if folder.exists() else not returned
    assert len(returned) > 50
    note_claim("1", "last")
    assert sorted(each.name for each in folder.iterdir()) == ["1.json", "1.json.lock"]


SMALL_DISK = """
set -e
mount --make-rprivate /
mount -t tmpfs -o size=64k,mode=700 none "$1"
shift
exec "$@"
"""
ON_FULL_DISK = """
from pathlib import Path
from dockerlab.course.progress import note_claim, progress_folder, read_progress
folder = progress_folder(Path.cwd())
note_claim("1", "kept")
before = (folder / "1.json").read_bytes()
try:
    Path(folder, "fill").write_bytes(b"x" * 1_000_000)
except OSError:
    pass
note_claim("1", "lost")
note_claim("1", "lost too")
assert (folder / "1.json").read_bytes() == before
assert [each.claims for each in read_progress(folder) if each.claims] == [("kept",)]
Path(folder, "fill").unlink()
note_claim("1", "again")
print(sorted(each.name for each in folder.iterdir()))
"""
ON_READ_ONLY = """
from pathlib import Path
import subprocess
from dockerlab.course.progress import note_claim, progress_folder, read_progress
folder = progress_folder(Path.cwd())
note_claim("1", "kept")
subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
note_claim("1", "lost")
note_claim("1", "lost too")
print([each.claims for each in read_progress(folder) if each.claims])
"""


def in_a_small_disk(folder, script):
    folder.mkdir()
    words = ["unshare", "--mount", "sh", "-c", SMALL_DISK, "sh", str(folder), sys.executable]
    ran = subprocess.run([*words, "-c", script], capture_output=True, text=True, check=False)
    if "unshare" in ran.stderr or "mount:" in ran.stderr:
        pytest.skip("NOT RUN: no file system can be mounted here")
    assert ran.returncode == 0, ran.stderr
    return ran


def test_a_full_disk_loses_nothing_of_what_was_there_and_is_told_once(folder):
    ran = in_a_small_disk(folder, ON_FULL_DISK)
    assert ran.stdout == "['1.json', '1.json.lock']\n"
    assert ran.stderr.count("\n") == ran.stderr.count("No space left on device") == 1
    assert ran.stderr.startswith(f"Your progress can't be kept in {folder}: ")


def test_a_read_only_folder_is_read_and_told_once(folder):
    ran = in_a_small_disk(folder, ON_READ_ONLY)
    assert ran.stdout == "[('kept',)]\n"
    assert ran.stderr.count("\n") == ran.stderr.count("Read-only file system") == 1


WRONG = {
    "truncated": '{"chapter": "1", "cl',
    "a number of claims": '{"chapter": "1", "claims": 3}',
    "a list of predictions": '{"chapter": "1", "predictions": []}',
    "a guess without its answer": '{"chapter": "1", "predictions": {"q": {"right": true}}}',
    "a word for right": '{"chapter": "1", "predictions": {"q": {"answer": "a", "right": "yes"}}}',
    "tries that are words": '{"chapter": "1", "exercises": {"1.a": {"tries": "many"}}}',
    "no chapter": '{"claims": []}',
    "null": "null",
    "deep": '{"x":' + "[" * 100_000,
    "zeros": "\0" * 300,
}


@pytest.mark.parametrize("content", WRONG.values(), ids=WRONG)
def test_what_is_damaged_is_set_aside_and_told_once(file, folder, capsys, content):
    file.write_text(content)
    assert lab.progress().text
    json.dumps(lab.progress().as_json())
    note_claim("1", "1.2")
    told = capsys.readouterr()
    assert (told.out, told.err.count("\n"), told.err.count("1.json.broken.")) == ("", 1, 1)
    assert file.with_name("1.json.broken").read_text() == content
    assert chapter(folder).claims == ("1.2",)


def test_a_file_larger_than_the_memory_is_not_read(file, folder, capsys):
    os.truncate(file, 2**40)
    assert chapter(folder) == ChapterProgress("1")
    assert "1.json.broken" in capsys.readouterr().err


def test_what_a_newer_version_noted_stays(file, folder, capsys):
    written = json.loads(file.read_text())
    written["newer"] = [1]
    written["predictions"]["Is it so?"]["seconds"] = 2.5
    written["exercises"]["1.a"]["hints"] = ["one"]
    file.write_text(json.dumps(written))
    note_check("1", "1.a", passed=False)
    note_claim("1", "1.2")
    written["exercises"]["1.a"]["tries"] += 1
    written["claims"].append("1.2")
    assert json.loads(file.read_text()) == written
    assert capsys.readouterr().err == ""


def test_a_folder_that_is_a_file_costs_no_lesson_and_is_told(folder, capsys):
    folder.write_text("in the way")
    for _again in range(3):
        note_claim("1", "1.1")
    told = capsys.readouterr().err
    assert (told.count("\n"), told.count(str(folder))) == (1, 1)
    assert lab.progress().text
    assert capsys.readouterr().err.count("can't be read") == 1
    assert folder.read_text() == "in the way"


@pytest.mark.parametrize("content", [*WRONG.values(), None])
def test_the_command_answers_with_json_and_no_traceback(folder, content):
    if content is None:
        folder.write_text("in the way")
    else:
        folder.mkdir()
        (folder / "1.json").write_text(content)
    ran = subprocess.run(
        [sys.executable, "-m", "dockerlab", "progress", "--json"],
        capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2],
        env={**os.environ, FOLDER_VARIABLE: str(folder)},
    )  # fmt: skip
    assert ran.returncode == 0
    assert json.loads(ran.stdout)["totals"]["claims_seen"] == 0
    assert "Traceback" not in ran.stderr
    assert ran.stderr.count("\n") == 1


def test_whatever_is_done_to_a_file_of_progress_nothing_is_lost(file, folder):
    good = file.read_bytes()
    broken = 0
    for seed in rounds(1.0):
        content = damaged(random.Random(seed), good)
        file.write_bytes(content)
        note_claim("1", "new")
        assert "new" in chapter(folder).claims
        aside = file.with_name("1.json.broken")
        if aside.exists():
            broken += 1
            assert aside.read_bytes() == content
            aside.unlink()
    assert broken

"""lab.py on a machine where something is missing: one line, the mend, and no half .venv."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

LAB = Path(__file__).parents[2] / "lab.py"
NO_VENV = (
    "The virtual environment was not created successfully because ensurepip is not\n"
    "available.  On Debian/Ubuntu systems, you need to install the python3-venv\n"
    "package using the following command.",
    "/usr/bin/python3: No module named venv",
)
Done = subprocess.CompletedProcess[str]


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A checkout, as far as lab.py looks at one, in a folder with a difficult name."""
    folder = tmp_path / "我的 课程 'Docker'"
    folder.mkdir()
    for file in (LAB, LAB.with_name("pyproject.toml")):
        shutil.copy(file, folder)
    return folder


def run(course: Path, *arguments: str, before: list[str] | None = None, **changes: str) -> Done:
    return subprocess.run(
        [*(before or []), sys.executable, str(course / "lab.py"), *arguments],
        cwd="/", env={**os.environ, **changes}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def refusal(done: Done) -> str:
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("lab.py: ")
    return line


def whole_venv(course: Path, script: str) -> None:
    """Make a .venv that lab.py takes for whole, whose Python is a shell script."""
    programs = course / ".venv/bin"
    programs.mkdir(parents=True)
    (programs / "python").write_text(f"#!/bin/sh\n{script}\n")
    (programs / "python").chmod(0o755)
    code = f"import runpy; print(runpy.run_path({str(course / 'lab.py')!r})['fingerprint']())"
    named = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()
    (course / ".venv/installed[book,test]").write_text(named)


def without_venv(folder: Path, said: str) -> str:
    """Give a path for Python's modules where venv is as Debian's is without python3-venv."""
    stub = folder / "stub" / "venv"
    stub.mkdir(parents=True)
    (stub / "__init__.py").touch()
    (stub / "__main__.py").write_text(
        "import pathlib, sys\n"
        "pathlib.Path(sys.argv[1], 'bin').mkdir(parents=True)\n"
        f"print({said!r})\n"
        "sys.exit(1)\n"
    )
    return str(stub.parent)


def test_an_old_python_can_read_it_and_is_refused() -> None:
    ast.parse(LAB.read_text(), feature_version=(3, 7))
    code = (
        "import runpy, sys\n"
        "sys.version_info = (3, 9, 2, 'final', 0)\n"
        f"runpy.run_path({str(LAB)!r}, run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "is too old. Run it with Python 3.11 or newer." in refusal(done)


def test_it_needs_the_standard_library_alone() -> None:
    tree = ast.parse(LAB.read_text())
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names] if isinstance(node, ast.Import)
            else [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        )
    }  # fmt: skip
    assert imported <= set(sys.stdlib_module_names)


@pytest.mark.parametrize("said", NO_VENV)
def test_a_python_without_venv_is_told_what_to_install(
    said: str, course: Path, tmp_path: Path
) -> None:
    line = refusal(run(course, PYTHONPATH=without_venv(tmp_path, said)))
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert line.endswith(f"Run: apt-get install python{version}-venv")
    assert not (course / ".venv").exists()


def test_a_folder_that_may_only_be_read(course: Path) -> None:
    root = [] if os.geteuid() == 0 else ["--map-root-user"]
    script = 'mount --bind "$0" "$0"; mount -o remount,bind,ro "$0"; exec "$@"'
    before = ["unshare", *root, "--mount", "sh", "-ec", script, str(course)]
    line = refusal(run(course, before=before))
    assert f"{course / '.venv'} can't be made" in line
    assert "copy the course to a folder that you can write to" in line


def test_a_file_in_the_place_of_the_venv(course: Path) -> None:
    (course / ".venv").write_text("")
    assert "can't be made" in refusal(run(course))


def test_a_pip_that_finds_nothing_leaves_a_venv_that_is_not_taken_for_whole(course: Path) -> None:
    nothing = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", "PIP_CONFIG_FILE": os.devnull}
    line = refusal(run(course, **nothing))
    assert "pip failed: ERROR: No matching distribution found for setuptools" in line
    assert "Check the network" in line
    assert (course / ".venv").exists()
    assert not list((course / ".venv").glob("installed*"))


def test_a_whole_venv_is_handed_over_to(course: Path) -> None:
    whole_venv(course, 'printf "%s|" "$DOCKERLAB_PROJECT" "$@"; exit 3')
    for arguments, handed in (
        ([], ["up"]),
        (["--no-browser", "--port", "8899"], ["up", "--no-browser", "--port", "8899"]),
        (["engine", "status"], ["engine", "status"]),
        (["test", "-k", "a b"], ["test", "-k", "a b"]),
    ):
        done = run(course, *arguments)
        assert done.stdout.split("|")[:-1] == [str(course), "-m", "dockerlab", *handed]
        assert done.returncode == 3


@pytest.mark.parametrize("lost", ["python", "pyproject.toml"])
def test_a_venv_that_no_longer_fits_is_made_anew(lost: str, course: Path, tmp_path: Path) -> None:
    whole_venv(course, "exit 3")
    if lost == "python":
        (course / ".venv/bin/python").unlink()
    else:
        with (course / "pyproject.toml").open("a") as file:
            file.write("# changed\n")
    refusal(run(course, PYTHONPATH=without_venv(tmp_path, NO_VENV[0])))
    assert not (course / ".venv").exists()

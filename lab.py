#!/usr/bin/env python3
"""Start dockerlab from a bare machine: make .venv, install the package, hand over to it.

    python3 lab.py             JupyterLab with the first chapter, and an engine behind it
    python3 lab.py test        every test, on the same engine; more arguments go to pytest
    python3 lab.py bench       the measurements of README.md
    python3 lab.py book        the notebooks as a site, in book/_build/html
    python3 lab.py ...         any other 'dockerlab' command, such as: engine status

Standard library only: this file runs before anything is installed.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

HERE = Path(__file__).resolve().parent
VENV = HERE / ".venv"
SCRIPTS = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = SCRIPTS / ("python.exe" if os.name == "nt" else "python")
EXTRAS = ("", "[book]", "[book,test]")  # each holds what those before it hold
NEEDED = {"book": "[book]", "test": "[book,test]", "bench": "[book,test]"}


def fail(problem: str, mend: str) -> NoReturn:
    """End with one line that says what is wrong and the mend."""
    sys.exit(f"lab.py: {problem} {mend}")


def installed(extra: str) -> bool:
    """Tell whether .venv holds what pyproject.toml asks for now."""
    try:
        return PYTHON.exists() and (VENV / f"installed{extra}").read_text() == fingerprint()
    except OSError:
        return False


def fingerprint() -> str:
    """Name this pyproject.toml, this Python and this place; .venv fits none other."""
    content = (HERE / "pyproject.toml").read_bytes() + sys.version.encode() + os.fsencode(HERE)
    return hashlib.sha256(content).hexdigest()


def install(extra: str) -> None:
    """Make .venv and install the package into it; half a .venv is never taken for a whole one."""
    if not any(installed(each) for each in EXTRAS):
        shutil.rmtree(VENV, ignore_errors=True)
        print("Making .venv ...", flush=True)
        made = subprocess.run(
            [sys.executable, "-m", "venv", VENV], capture_output=True, text=True, check=False
        )
        if made.returncode:
            shutil.rmtree(VENV, ignore_errors=True)
            said = (made.stdout + made.stderr).strip()
            if "ensurepip" in said or "No module named venv" in said:
                package = "python{}.{}-venv".format(*sys.version_info)
                fail("Python's venv module is missing.", f"Run: apt-get install {package}")
            cause = said.splitlines()[-1][:200] if said else "Python's venv gave no reason"
            fail(
                f"{VENV} can't be made: {cause}.",
                "Make room on the disk, or copy the course to a folder that you can write to.",
            )
    print("Installing JupyterLab and dockerlab ...", flush=True)
    pip = [PYTHON, "-m", "pip", "install", "--disable-pip-version-check"]
    if not sys.stdout.isatty():  # on a terminal pip shows sizes and the time left
        pip.append("--quiet")
    done = subprocess.run(
        [*pip, "--editable", f"{HERE}{extra}"], stderr=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        fail(
            f"pip failed: {last_error(done.stderr)}.",
            "Check the network, any proxy and the room on the disk, then start again.",
        )
    (VENV / f"installed{extra}").write_text(fingerprint())


def last_error(said: str) -> str:
    """Find the cause in what pip wrote: its last ERROR, which may be a child's and indented."""
    lines = [line.strip() for line in said.splitlines() if line.strip()] or ["it gave no reason"]
    errors = [line for line in lines if line.startswith("ERROR:")]
    return (errors or lines)[-1][:300].rstrip(".")


def main() -> None:
    """Bring what is missing, then become 'dockerlab'."""
    if sys.version_info < (3, 11):  # noqa: UP036 - this file runs before pip can refuse
        fail(f"Python {sys.version.split()[0]} is too old.", "Run it with Python 3.11 or newer.")
    arguments = sys.argv[1:]
    extra = NEEDED.get(arguments[0], "") if arguments else ""
    if not any(installed(each) for each in EXTRAS[EXTRAS.index(extra) :]):
        install(extra)
    if not arguments or arguments[0].startswith("-"):
        arguments = ["up", *arguments]
    command = [str(PYTHON), "-m", "dockerlab", *arguments]
    environment = {**os.environ, "DOCKERLAB_PROJECT": str(HERE)}
    if os.name == "nt":
        sys.exit(subprocess.run(command, env=environment, check=False).returncode)
    os.execve(command[0], command, environment)  # noqa: S606 - a fixed program, no shell wanted


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as error:
        fail(
            f"{error.filename or HERE} can't be used: {error.strerror or error}.",
            "Make room on the disk, or copy the course to a folder that you can write to.",
        )

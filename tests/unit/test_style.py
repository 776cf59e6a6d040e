"""The house rules that can be checked: the linters' and our own."""

import ast
import getpass
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dockerlab.engine.sources import configured_sources

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "dockerlab"
LONGEST = 330  # lines; the rule is 300, and a docstring may be worth a little more
FORBIDDEN = {"utils", "util", "helpers", "helper", "common", "misc"}
STOREYS = {
    "errors": 0, "json_file": 0, "language": 0,
    "facts": 1,
    "engine": 2, "pictures": 2,
    "live": 3,
    "course": 4,
    "jupyter": 5, "commands": 5,
    "up": 6, "cli": 7,
    "__main__": 8, "__init__": 8,
}  # fmt: skip
"""A room imports from its own storey only itself, and never from above."""


ASKING = {"docker", "random", "requests", "secrets", "socket", "subprocess", "time", "urllib"}
"""What gives another answer on another day or machine."""


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def imports(file: Path) -> Iterator[str]:
    """List what a module of ours imports, as dotted names."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} imports relatively"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room(name: str) -> str:
    """The room of a dotted name or of a file's path inside the package."""
    parts = name.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


@pytest.mark.parametrize(
    "command",
    [["ruff", "check"], ["ruff", "format", "--check"], ["mypy"]],
    ids=" ".join,
)
def test_linters_have_nothing_to_say(command: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_file_rarely_passes_300_lines() -> None:
    long = {
        str(file.relative_to(ROOT)): lines
        for file in modules()
        if (lines := len(file.read_text(encoding="utf-8").splitlines())) > LONGEST
    }
    assert not long


def test_every_room_tells_its_job() -> None:
    assert not [file for file in modules() if FORBIDDEN & set(file.with_suffix("").parts[-4:])]


def test_imports_run_one_way() -> None:
    wrong = []
    for file in modules():
        inside = file.relative_to(PACKAGE).with_suffix("").parts
        here = inside[0]
        for name in imports(file):
            if not name.startswith("dockerlab.") or (there := room(name)) == here:
                continue
            if there not in STOREYS or STOREYS[there] >= STOREYS[here]:
                wrong.append(f"{'/'.join(inside)} imports {name}")
    assert not wrong


def test_values_of_facts_and_pictures_ask_nobody() -> None:
    assert not [n for n in imports(PACKAGE / "facts/values.py") if n.startswith("dockerlab.")]
    wrong = [
        f"{file.name} imports {name}"
        for file in sorted((PACKAGE / "pictures").rglob("*.py"))
        for name in imports(file)
        if name.split(".")[0] in ASKING or name.startswith("dockerlab.facts.read")
        if name != "subprocess.CalledProcessError"  # to be caught, where graphviz ran its program
    ]
    assert not wrong


def committed() -> list[Path]:
    """List what git has, or would add."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def test_nothing_names_this_machine() -> None:
    """No path of this checkout or home, and no package mirror: others have others."""
    mirrors = {re.sub(r"^\w+:/*([^/]*).*", r"\1", source.uri) for source in configured_sources()}
    places = {str(ROOT), str(ROOT.parent)}
    if getpass.getuser() != "root":
        places.add(str(Path.home()))
    traces = sorted({f"{place}/" for place in places if len(place) > 4} | mirrors - {""})
    wrong = []
    for file in committed():
        text = file.read_bytes()
        wrong += [f"{file.relative_to(ROOT)}: {t}" for t in traces if t.encode() in text]
    assert not wrong

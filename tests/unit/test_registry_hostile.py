"""Registries that misbehave at every endpoint in every way: an answer or an error, in bounds."""

import subprocess
import sys
from pathlib import Path

import pytest
from hostile_registry import ENDPOINTS, faults

PROGRAM = Path(__file__).with_name("hostile_registry.py")


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_every_fault_at_an_endpoint_is_survived(endpoint: str) -> None:
    done = subprocess.run(
        [sys.executable, PROGRAM, endpoint],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    came = dict(each.split("\t") for each in done.stdout.splitlines())
    assert len(came) == len(faults(endpoint, 1))
    wrong = {name: what for name, what in came.items() if not what.startswith(("answer", "error"))}
    assert not wrong
    if endpoint in {"v2", "token", "catalog"}:  # what only a repository lacks is told of that
        assert sum(what.startswith("error") for what in came.values()) > 50

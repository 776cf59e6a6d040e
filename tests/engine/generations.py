"""The generations of Docker Engine that the tests run on, one at a time."""

import subprocess
from dataclasses import dataclass
from typing import Any

import pytest

from dockerlab.engine import Engine, embedded, programs
from dockerlab.engine.places import Places
from dockerlab.errors import LabError

_PROGRAMS = ("dockerd", "containerd", "docker")


@dataclass(frozen=True)
class Generation:
    """An engine of the matrix.

    Parameters
    ----------
    name : str
        As its recordings are called.
    newest : bool
        Whether it comes from a suite that still moves, whose programs may want a newer host.
    """

    name: str
    suite: str
    store: str
    newest: bool = False

    @property
    def places(self) -> Places:
        """An instance of its own beside that of the other tests, with the same cache."""
        usual = Places.from_environment()
        own = f"-{self.suite}-{self.store}"
        return Places(usual.cache, f"{usual.instance.removesuffix(own)[:12]}{own}")

    def start(self) -> Engine:
        """Start it, or leave it running."""
        status = embedded.start(self.places, self.suite, self.store)
        places = self.places
        return Engine(
            "embedded", f"unix://{places.socket}", places.bin, places.docker_config, status.hub
        )

    def misfit(self) -> str:
        """Say why its programs can't run on this host; empty where they can."""
        try:
            self.places.create()
            brought = programs.bring(self.places, self.suite)
        except LabError as error:
            return str(error)
        for name in _PROGRAMS:
            done = subprocess.run(
                [brought.path(name), "--version"], env=brought.environment(),
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            if done.returncode:
                return (done.stderr.strip().splitlines() or [f"{name} says nothing"])[0]
        return ""


GENERATIONS = (
    Generation("26.1-overlay2", "trixie", "overlay2"),
    Generation("26.1-containerd", "trixie", "containerd"),
    Generation("28.5-overlay2", "forky", "overlay2", newest=True),
    Generation("28.5-containerd", "forky", "containerd", newest=True),
    Generation("20.10-overlay2", "bookworm", "overlay2"),
)
"""The first is the one whose suite an embedded engine takes by default."""


class Matrix:
    """Runs one generation at a time, and keeps the score of each for the report."""

    def __init__(self) -> None:
        self._running: Generation | None = None
        self._misfits: dict[str, str] = {}
        self._outcomes: dict[str, dict[str, int]] = {}

    def bring(self, generation: Generation) -> Engine:
        """Have this generation run and no other; skips the test where it can't run here."""
        if generation.newest and generation.name not in self._misfits:
            self._misfits[generation.name] = generation.misfit()
            if self._misfits[generation.name]:
                embedded.remove(generation.places)
        if reason := self._misfits.get(generation.name):
            pytest.skip(f"the packages of {generation.suite} do not fit this host: {reason}")
        if self._running != generation:
            self.stop()
            self._running = generation
        return generation.start()

    def stop(self) -> None:
        """Stop and remove what runs."""
        if self._running:
            running, self._running = self._running, None
            embedded.remove(running.places)

    def count(self, report: pytest.TestReport, generation: str) -> None:
        """Count an outcome of a test."""
        if report.when == "call" or report.outcome != "passed":
            outcomes = self._outcomes.setdefault(generation, {})
            outcomes[report.outcome] = outcomes.get(report.outcome, 0) + 1

    def write(self, terminal: Any) -> None:
        """Write what ran on which generation, and what did not and why."""
        if not self._outcomes:
            return
        terminal.section("engines")
        for name, outcomes in self._outcomes.items():
            counts = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items())
            reason = self._misfits.get(name)
            terminal.line(
                f"{name}: NOT RUN ({reason}): {counts}" if reason else f"{name}: {counts}"
            )

"""What of the doctor no machine at hand can bring about."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from dockerlab.engine.doctor import Finding, examine, machine
from dockerlab.engine.doctor.examination import _bounded
from dockerlab.engine.places import Places
from dockerlab.errors import EngineError, UsageError


def test_another_system_than_linux_is_sent_to_an_engine_of_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    findings = examine(Places(tmp_path, "tests"), "embedded")
    assert {finding.name for finding in findings} <= {"system", "port", "proxy"}
    (system,) = [finding for finding in findings if finding.name == "system"]
    assert system.level == "problem"
    assert "--engine current" in system.mend


def test_a_linux_without_apt_is_a_problem_with_its_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    (finding,) = _bounded("system", machine.system)
    assert finding.level == "problem"
    assert "apt-get" in finding.what
    assert "--engine current" in finding.mend


def test_a_look_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dockerlab.engine.doctor.examination._LOOK_SECONDS", 0.05)
    end = threading.Event()

    def look() -> Iterator[Finding]:
        end.wait(30)
        yield Finding("slow", "ok", "")

    (finding,) = _bounded("slow", look)
    end.set()
    assert (finding.name, finding.level) == ("slow", "problem")
    assert "took longer" in finding.what


@pytest.mark.parametrize(
    ("error", "level"),
    [(EngineError("Gone.", "Come."), "problem"), (OSError("unreadable"), "warning")],
)
def test_a_look_that_fails_is_a_finding(error: Exception, level: str) -> None:
    def look() -> Iterator[Finding]:
        raise error
        yield

    (finding,) = _bounded("broken", look)
    assert finding.level == level


def test_what_is_no_engine_is_a_mistake_of_the_reader(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        examine(Places(tmp_path, "tests"), "bogus")
    assert not list(tmp_path.iterdir())

"""Every test runs on an embedded engine of its own, which is stopped when the tests end."""

import os
import tempfile
from pathlib import Path

import pytest

# an instance beside the usual one: a student's engine is left alone by the tests
os.environ["DOCKERLAB_INSTANCE"] = os.environ.get("DOCKERLAB_TEST_INSTANCE", "tests")
os.environ["DOCKERLAB_ENGINE"] = "embedded"
for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG"):
    os.environ.pop(name, None)
# nor is what a student has done
os.environ["DOCKERLAB_PROGRESS"] = str(Path(tempfile.gettempdir(), "dockerlab-tests-progress"))

from generations import GENERATIONS  # noqa: E402 - after the instance is chosen

_CLEAN = pytest.StashKey[bool]()
_GENERATION = {generation.name: generation for generation in GENERATIONS}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let tests run on other generations of the engine."""
    parser.addoption(
        "--engines",
        choices=("default", "all"),
        default="default",
        help="the usual engine, or every generation of it and Podman",
    )
    parser.addoption(
        "--on",
        choices=tuple(_GENERATION),
        help="the one generation that all of these tests run on, the notebooks for example",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Choose the instance of the generation that was asked for."""
    if generation := _GENERATION.get(config.getoption("on")):
        os.environ["DOCKERLAB_INSTANCE"] = generation.places.instance


def pytest_report_header(config: pytest.Config) -> str:
    """Say which generation the tests run on."""
    return f"engine: {config.getoption('on') or GENERATIONS[0].name}"


def pytest_collection_finish(session: pytest.Session) -> None:
    """Bring the engine and the course's images once, before the first test that needs them."""
    needing = ("tests/engine/", "notebooks/")
    if session.config.option.collectonly or not any(
        item.nodeid.startswith(needing) for item in session.items
    ):
        return
    from dockerlab.commands.console import steps  # noqa: PLC0415 - after the instance is chosen
    from dockerlab.engine.places import Places  # noqa: PLC0415
    from dockerlab.engine.stock import stock  # noqa: PLC0415

    capture = session.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled(), steps() as progress:
        if generation := _GENERATION.get(session.config.getoption("on")):
            if reason := generation.newest and generation.misfit():
                pytest.exit(f"{generation.name}: NOT RUN: {reason}", returncode=0)
            generation.start()
        stock(Places.from_environment(), progress)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> None:
    """Let the notebooks begin on an engine without a trace of the tests before them."""
    from dockerlab.engine import embedded  # noqa: PLC0415 - after the instance is chosen
    from dockerlab.engine.places import Places  # noqa: PLC0415

    if item.nodeid.startswith("notebooks/") and not item.config.stash.get(_CLEAN, False):
        item.config.stash[_CLEAN] = True
        embedded.reset(Places.from_environment())


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Leave no engine running, and nothing of another generation's."""
    from dockerlab.engine import embedded  # noqa: PLC0415 - after the instance is chosen
    from dockerlab.engine.places import Places  # noqa: PLC0415

    embedded.stop(Places.from_environment())
    if session.config.getoption("on"):
        embedded.remove(Places.from_environment())

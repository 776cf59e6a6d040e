"""Every test runs on an embedded engine of its own, which is stopped when the tests end."""

import os

import pytest

# an instance beside the usual one: a student's engine is left alone by the tests
os.environ["DOCKERLAB_INSTANCE"] = os.environ.get("DOCKERLAB_TEST_INSTANCE", "tests")
os.environ["DOCKERLAB_ENGINE"] = "embedded"
for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG"):
    os.environ.pop(name, None)


_CLEAN = pytest.StashKey[bool]()


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
        stock(Places.from_environment(), progress)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> None:
    """Let the notebooks begin on an engine without a trace of the tests before them."""
    from dockerlab.engine import embedded  # noqa: PLC0415 - after the instance is chosen
    from dockerlab.engine.places import Places  # noqa: PLC0415

    if item.nodeid.startswith("notebooks/") and not item.config.stash.get(_CLEAN, False):
        item.config.stash[_CLEAN] = True
        embedded.reset(Places.from_environment())


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the tests that fit every engine run on all generations of it."""
    parser.addoption(
        "--engines",
        choices=("default", "all"),
        default="default",
        help="the usual engine, or every generation of it and Podman",
    )


def pytest_sessionfinish() -> None:
    """Leave no engine running."""
    from dockerlab.engine import embedded  # noqa: PLC0415 - after the instance is chosen
    from dockerlab.engine.places import Places  # noqa: PLC0415

    embedded.stop(Places.from_environment())

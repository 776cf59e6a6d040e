"""What tests on a real engine start from."""

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import docker
import pytest
from generations import GENERATIONS, Matrix

from dockerlab.engine import Engine, connect, embedded, find
from dockerlab.engine.places import Places


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """Give a folder whose path leaves room for sockets, wherever pytest keeps its own."""
    folder = Path(tempfile.mkdtemp(prefix="lab", dir="/tmp"))
    yield folder
    folder.chmod(0o700)
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def places() -> Places:
    return Places.from_environment()


@pytest.fixture
def fire(places: Places, request: pytest.FixtureRequest) -> Iterator[Places]:
    """An instance of its own in the same cache, so that its programs need no unpacking."""
    yield from _instance(places, request.module.__name__.rpartition("_")[2])


@pytest.fixture
def other(places: Places) -> Iterator[Places]:
    """A second such instance."""
    yield from _instance(places, "other")


def _instance(places: Places, name: str) -> Iterator[Places]:
    instance = Places(places.cache, f"{places.instance}-{name}")
    yield instance
    embedded.remove(instance)


MATRIX = Matrix()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run the tests that are marked so on every generation, one generation after the other."""
    everywhere = metafunc.definition.get_closest_marker("every_engine")
    if everywhere and metafunc.config.getoption("engines") == "all":
        names = [generation.name for generation in GENERATIONS]
        metafunc.parametrize("engine", GENERATIONS, ids=names, indirect=True, scope="session")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave Podman out unless it is asked for."""
    if config.getoption("engines") == "all":
        return
    podman = [item for item in items if item.get_closest_marker("podman")]
    if podman:
        config.hook.pytest_deselected(items=podman)
        items[:] = [item for item in items if item not in podman]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Count the outcomes of each generation."""
    report = yield
    calls = getattr(item, "callspec", None)
    if calls and "engine" in calls.params:
        MATRIX.count(report, calls.params["engine"].name)
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell which generations were tested."""
    MATRIX.write(terminalreporter)


def pytest_sessionfinish() -> None:
    """Leave no generation running."""
    MATRIX.stop()


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> Engine:
    """The embedded engine, started again where a test stopped it; or one of the matrix."""
    generation = getattr(request, "param", None)
    if generation is None:
        return find("embedded")
    return MATRIX.bring(generation)


@pytest.fixture
def client(engine: Engine) -> Iterator[docker.DockerClient]:
    client = connect(engine)
    yield client
    client.close()


@pytest.fixture
def docker_cli(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """The engine's own ``docker``: takes arguments, gives what it prints."""
    for name, value in engine.environment().items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str) -> str:
        done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def _is_removed(client: docker.DockerClient, image: str) -> bool:
    """Remove an image, unless another one stands on it, which goes first."""
    try:
        client.api.remove_image(image, force=True)
    except docker.errors.ImageNotFound:
        return True
    except docker.errors.APIError as error:
        if error.response is not None and error.response.status_code == 409:
            return False
        raise
    return True


@pytest.fixture
def cli(
    client: docker.DockerClient, docker_cli: Callable[..., str], request: pytest.FixtureRequest
) -> Iterator[Callable[..., str]]:
    """The docker CLI on an engine that has busybox; what a test made goes when it ends.

    Containers are told by the ``PREFIX`` of the test's module.
    """
    if not client.api.images("busybox:latest"):
        docker_cli("pull", "busybox")
    before = {image["Id"] for image in client.api.images(all=True)}
    yield docker_cli
    for container in client.api.containers(all=True, filters={"name": request.module.PREFIX}):
        client.api.remove_container(container["Id"], force=True, v=True)
    while made := [one["Id"] for one in client.api.images() if one["Id"] not in before]:
        removed = [_is_removed(client, image) for image in made]
        assert any(removed), made

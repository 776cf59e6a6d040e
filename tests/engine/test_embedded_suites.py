"""Other generations of the engine, and the other image store, from the same few commands."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from machine import (
    PROJECT,
    client_of,
    devices_of,
    in_a_room,
    published,
    says_hello,
    traces,
    unpacked,
)

from dockerlab.engine import Engine, embedded
from dockerlab.engine.places import Places
from dockerlab.engine.sources import host_distribution

pytestmark = pytest.mark.engine

ON_DEBIAN = pytest.mark.skipif(
    host_distribution()[0] != "debian", reason="Ubuntu's mirrors serve Ubuntu's own suites alone"
)
# suite (None: the usual one), store, and how its version begins
GENERATIONS = [
    pytest.param("bookworm", "overlay2", "20.10.", marks=ON_DEBIAN),
    pytest.param(None, "containerd", ""),
    pytest.param("forky", "containerd", "28.", marks=ON_DEBIAN),
]
DRIVERS = {"overlay2": "overlay2", "containerd": "overlayfs"}


@pytest.mark.parametrize(("suite", "store", "version"), GENERATIONS)
def test_a_generation_builds_runs_and_stops_clean(
    fire: Places, tmp_path: Path, suite: str | None, store: str, version: str
) -> None:
    running = embedded.start(fire, suite, store)
    assert running.version
    assert running.version.startswith(version)
    assert running.store == store
    programs = unpacked(fire)

    shutil.copy(programs.path("busybox"), tmp_path / "busybox")
    (tmp_path / "Dockerfile").write_text(
        "FROM scratch\nCOPY busybox /bin/busybox\n"
        'RUN ["/bin/busybox", "--install", "-s", "/bin"]\n'
        "RUN mkdir /www && echo hello > /www/index.html\n"
        'CMD ["httpd", "-f", "-p", "80", "-h", "/www"]\n'
    )
    engine = Engine("embedded", f"unix://{fire.socket}", fire.bin, fire.docker_config)
    built = subprocess.run(
        ["docker", "build", "-t", "built:1", tmp_path], capture_output=True, text=True,
        env={**os.environ, **engine.environment()}, check=False,
    )  # fmt: skip
    assert built.returncode == 0, built.stdout + built.stderr

    with client_of(fire) as client:
        assert client.info()["Driver"] == DRIVERS[store]
        client.networks.create("lab")
        web = client.containers.run(
            "built:1", detach=True, network="lab", name="web", ports={"80/tcp": ("127.0.0.1", None)}
        )
        assert says_hello(published(web))
        devices = devices_of(client, fire)
    embedded.stop(fire)
    assert traces(fire, programs, devices) == []

    # what was chosen once is taken again, with its images
    again = embedded.start(fire)
    assert (again.version, again.store) == (running.version, store)
    with client_of(fire) as client:
        assert client.images.get("built:1")
        web = client.containers.get("web")
        web.start()
        assert says_hello(published(web))

    if suite:  # the usual one is tried beside a whole Docker
        _leaves_docker0_alone(fire, tmp_path, running.version)


def _leaves_docker0_alone(fire: Places, folder: Path, version: str) -> None:
    """An engine that has run before must not take another Docker's bridge for its own."""
    embedded.stop(fire)
    done = in_a_room(
        fire, folder, sys.executable, "-c", _BESIDE_DOCKER0,
        PYTHONPATH=f"{PROJECT}:{Path(__file__).parent}",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [version, "True", "lab"]


_BESIDE_DOCKER0 = """
import subprocess
from pathlib import Path
from machine import any_programs, client_of
from dockerlab.engine import embedded
from dockerlab.engine.places import Places
places = Places.from_environment()
ip = [any_programs(places).path("busybox"), "ip"]
subprocess.run([*ip, "link", "add", "docker0", "type", "bridge"], check=True)
print(embedded.start(places).version)
print(Path("/sys/class/net/docker0").exists())
with client_of(places) as client:
    print(*[network.name for network in client.networks.list(names=["lab"])])
embedded.stop(places)
"""

"""Podman's socket, for all that reads: what was done through it is what the readers tell."""

import io
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import docker
import pytest
from podman import Podman

from dockerlab.engine import embedded
from dockerlab.engine.places import Places
from dockerlab.errors import UnknownNameError
from dockerlab.facts import (
    read_container,
    read_image,
    read_images,
    read_isolation,
    read_manifests,
    read_networks,
    read_stack,
    read_tags,
    read_timeline,
    read_volumes,
)
from dockerlab.facts.file_reading import read_files
from dockerlab.facts.layer_cache import LayerCache
from dockerlab.pictures import draw_lifecycle, draw_namespaces, draw_stack, draw_tags, draw_timeline

pytestmark = [pytest.mark.engine, pytest.mark.podman]

DOCKERFILE = b"""
FROM busybox
RUN dd if=/dev/zero of=/big bs=50000 count=1 2>/dev/null
RUN rm /big
EXPOSE 80
CMD ["sleep", "1000"]
"""
SLEEP = ["sleep", "1000"]


@pytest.fixture(scope="module")
def podman(places: Places) -> Iterator[docker.DockerClient]:
    hub = embedded.hub(places).start()
    with Podman(places).service(hub.host) as client:
        client.images.pull("busybox", tag="latest")
        client.images.build(fileobj=io.BytesIO(DOCKERFILE), tag="podman-test:1", rm=True)
        yield client


def run(client: docker.DockerClient, name: str, *command: str, **options: Any) -> None:
    # without a network, for that would change the machine's own
    client.containers.run(
        "busybox", list(command) or SLEEP, name=name, detach=True, network_mode="none", **options
    )


def test_layers(podman: docker.DockerClient) -> None:
    image, base = read_images(podman, "podman-test:1", "busybox")
    own = [image.steps[layer.step].text.split(" ")[0:2] for layer in image.layers[len(base.layers):]
           if layer.step is not None]  # fmt: skip
    assert own == [["RUN", "dd"], ["RUN", "rm"]]
    assert (image.name, base.name) == ("podman-test:1", "busybox:latest")
    assert image.layers[0].diff_id == base.layers[0].diff_id
    assert "podman-test:1" in base.layers[0].shared_with
    assert "busybox:latest" in image.layers[0].shared_with
    assert (image.id_of, image.store) == ("config", "overlay")
    assert read_manifests(podman, "busybox") == ()
    ET.fromstring(draw_stack(read_stack(podman, "podman-test:1", "busybox")).svg)


def test_names(podman: docker.DockerClient) -> None:
    podman.api.tag("podman-test:1", "podman-test", "also")
    world = read_tags(podman)
    assert {"busybox", "podman-test"} <= set(world.repositories)
    (image,) = world.only("podman-test:also").images
    assert {reference.tag for reference in image.references} == {"1", "also"}
    ET.fromstring(draw_tags(world).svg)
    with pytest.raises(UnknownNameError, match="did you mean 'busybox:latest'"):
        read_image(podman, "busibox")


def test_a_life(podman: docker.DockerClient) -> None:
    run(podman, "podman-test-life", "sh", "-c", "echo 1 > /new; rm /bin/vi; exit 3")
    deadline = time.monotonic() + 20
    while (container := read_container(podman, "podman-test-life")).state != "exited":
        assert time.monotonic() < deadline, container
        time.sleep(0.1)
    assert container.exit_code == 3
    assert [one.state for one in container.path] == ["created", "running", "exited"]
    assert all(one.witnessed for one in container.path)
    changes = {change.path: change.kind for change in container.changes}
    assert (changes["/new"], changes["/bin/vi"]) == ("A", "D")
    stack = read_stack(podman, "podman-test-life")
    assert stack.images[0].name == "busybox:latest"
    for picture in (draw_lifecycle(container), draw_stack(stack)):
        ET.fromstring(picture.svg)
    podman.api.remove_container("podman-test-life")
    assert read_container(podman, "podman-test-life").state == "removed"


def test_a_running_one(podman: docker.DockerClient) -> None:
    run(podman, "podman-test-runs", volumes=["podman-test-volume:/data"])
    podman.containers.get("podman-test-runs").pause()
    assert read_container(podman, "podman-test-runs").state == "paused"
    podman.containers.get("podman-test-runs").unpause()
    timeline = read_timeline(podman, "podman-test-runs")
    assert [span.state for span in timeline.lanes[0].spans] == [
        "created", "running", "paused", "running",
    ]  # fmt: skip
    ET.fromstring(draw_timeline(timeline).svg)
    ET.fromstring(draw_namespaces(read_isolation(podman, "podman-test-runs")).svg)
    volumes = {volume.name: volume for volume in read_volumes(podman)}
    assert [use.path for use in volumes["podman-test-volume"].users] == ["/data"]
    assert "bridge" in {network.driver for network in read_networks(podman)}
    podman.api.kill("podman-test-runs")


def test_files(podman: docker.DockerClient, tmp_path: Path) -> None:
    files = read_files(podman, "podman-test:1", cache=LayerCache(tmp_path))
    image = read_image(podman, "podman-test:1")
    assert [layer.diff_id for layer in files.layers] == [layer.diff_id for layer in image.layers]
    assert [path for path in files.layers[-1].deleted if path.endswith("big")]
    assert files.waste_bytes >= 50_000

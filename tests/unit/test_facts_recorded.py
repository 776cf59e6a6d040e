"""The readers against what real engines have said, one folder of recordings an engine."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
from recorded_engine import ENGINES, FOLDER, Memory, remembering

from dockerlab.errors import EngineError, UnknownNameError, UsageError
from dockerlab.facts import (
    read_container,
    read_image,
    read_images,
    read_manifests,
    read_networks,
    read_stack,
    read_tags,
    read_volumes,
)
from dockerlab.facts.file_reading import read_files
from dockerlab.facts.layer_cache import LayerCache


@pytest.fixture(params=ENGINES, scope="module")
def memory(request: pytest.FixtureRequest) -> Memory:
    return Memory.read(request.param)


@pytest.fixture
def client(memory: Memory) -> Iterator[docker.DockerClient]:
    memory.requests.clear()
    with remembering(memory) as client:
        yield client


@pytest.fixture
def podman(memory: Memory) -> bool:
    return memory.name.startswith("podman")


@pytest.fixture
def containerd(memory: Memory) -> bool:
    return not memory.contents["image-inspect"][memory.image_id("busybox")]["GraphDriver"]["Data"]


def lines(image: Any) -> list[str]:
    return [image.steps[layer.step].text for layer in image.layers if layer.step is not None]


def test_there_are_recordings() -> None:
    assert {
        "20.10-overlay2",
        "26.1-containerd",
        "26.1-overlay2",
        "28.5-containerd",
        "28.5-overlay2",
        "podman-4.3",
    } <= set(ENGINES)


@pytest.mark.parametrize("name", ["recorded-app:1", "recorded-app:classic"])
def test_every_layer_has_the_step_that_made_it(
    client: docker.DockerClient, name: str, podman: bool
) -> None:
    image = read_image(client, name)
    made = lines(image)
    assert len(made) == len(image.layers)
    own = [line.split()[0] for line in made[-5:]]
    last = made[made.index("RUN rm /big") :]
    # Podman makes the folder with the COPY into it
    wanted = ["RUN", "COPY"] if podman else ["RUN", "WORKDIR", "COPY"]
    assert [line.split()[0] for line in last] == wanted
    assert "EXPOSE" not in own
    assert "CMD" not in own


def test_a_run_that_changes_nothing_is_no_layer_with_the_classic_builder(
    client: docker.DockerClient, podman: bool
) -> None:
    assert "RUN true" in lines(read_image(client, "recorded-app:1"))
    classic = read_image(client, "recorded-app:classic")
    assert "RUN true" in [step.text for step in classic.steps]
    assert ("RUN true" in lines(classic)) == podman  # which has but one builder, of its own


def test_a_step_that_only_deletes_is_a_layer(client: docker.DockerClient) -> None:
    for name in ("recorded-app:1", "recorded-app:classic"):
        image = read_image(client, name)
        (deletion,) = (layer for layer in image.layers if _text(image, layer) == "RUN rm /big")
        assert not deletion.empty


def _text(image: Any, layer: Any) -> str:
    return str(image.steps[layer.step].text)


def test_sizes_and_platform(client: docker.DockerClient) -> None:
    image = read_image(client, "recorded-app:1")
    (big,) = (layer for layer in image.layers if _text(image, layer).startswith("RUN dd"))
    assert big.size is not None
    assert 20_000 <= big.size < 60_000
    assert image.platform.startswith("linux/")
    assert image.unpacked >= sum(layer.size or 0 for layer in image.layers[-2:])


def test_shared_layers_name_the_others_but_not_the_image_itself(
    client: docker.DockerClient, podman: bool
) -> None:
    image = read_image(client, "recorded-app:1")
    base = image.layers[0]
    assert "recorded-base:1" in base.shared_with
    assert ("recorded-app:classic" in base.shared_with) != podman  # there it is the same image
    assert "recorded-app:also" not in base.shared_with
    assert "recorded-base:1" not in image.layers[-1].shared_with


def test_shared_means_the_same_layers_below_too(client: docker.DockerClient) -> None:
    for image in read_images(client, "recorded-app:1", "recorded-app:classic", "recorded-flat:1"):
        for below, above in zip(image.layers, image.layers[1:], strict=False):
            assert set(above.shared_with) <= set(below.shared_with)


def test_config(client: docker.DockerClient) -> None:
    config = read_image(client, "recorded-app:1").config
    assert config.command == ("sleep", "1000")
    assert "GREETING=hello" in config.environment
    assert config.directory == "/srv"
    assert config.ports == ("80/tcp",)
    assert ("kind", "sample of dockerlab") in config.labels


def test_a_commit_and_an_import(client: docker.DockerClient, podman: bool) -> None:
    commit = read_image(client, "recorded-commit:1")
    assert commit.steps[-1].instruction == "COMMIT"
    assert podman or commit.steps[-1].comment == "say more"  # Podman does not keep it
    assert commit.layers[-1].step == len(commit.steps) - 1
    flat = read_image(client, "recorded-flat:1")
    assert len(flat.layers) == 1
    assert flat.layers[0].step is not None


def test_names_in_every_form(client: docker.DockerClient) -> None:
    image = read_image(client, "recorded-app:1")
    assert image.name == "recorded-app:1"
    assert read_image(client, image.id).id == image.id
    assert read_image(client, image.id[7:19]).id == image.id
    assert read_image(client, client.images.get("recorded-app:1")).id == image.id
    assert read_image(client, "busybox").name == "busybox:latest"


def test_wrong_names_say_what_was_meant(client: docker.DockerClient) -> None:
    with pytest.raises(UnknownNameError, match=r"No image 'recorded-ap:1'; did you mean 'rec"):
        read_image(client, "recorded-ap:1")
    with pytest.raises(UnknownNameError, match="that is the name of a container"):
        read_image(client, "recorded-paused")
    with pytest.raises(UnknownNameError, match="did you mean 'recorded-paused'"):
        read_container(client, "recorded-pause")
    with pytest.raises(UnknownNameError, match="No image 'busibox'; did you mean 'busybox:latest'"):
        read_tags(client, "busibox")
    with pytest.raises(UnknownNameError, match=r"No image 'zzz'\. "):
        read_image(client, "zzz")
    with pytest.raises(UnknownNameError):
        read_image(client, "")


def test_a_silent_engine_is_an_engine_error() -> None:
    client = docker.DockerClient("tcp://127.0.0.1:9", version="1.41")
    with pytest.raises(EngineError):
        read_image(client, "busybox")
    with pytest.raises(EngineError):
        read_tags(client)
    client.close()


def test_tags(client: docker.DockerClient, memory: Memory, podman: bool) -> None:
    world = read_tags(client)
    assert memory.requests == ["/images/json", "/containers/json"]
    names = {reference.familiar: image for image in world.images for reference in image.references}
    assert names["recorded-app:1"] is names["recorded-app:also"]
    assert names["recorded-app:1"] is names["127.0.0.1:5000/team/recorded-app:1"]
    assert (names["recorded-app:1"] is names["recorded-app:classic"]) == podman
    assert not names["recorded-app:classic"].intermediate
    assert [image.intermediate for image in world.images if image.references] == [False] * len(
        {image.id for image in names.values()}
    )


def test_dangling_is_what_lost_its_name_and_not_what_others_stand_on(
    client: docker.DockerClient, containerd: bool
) -> None:
    world = read_tags(client)
    old = read_container(client, "recorded-old")
    forgotten = [] if containerd else [old.image_id]
    assert [image.id for image in world.images if image.dangling] == forgotten


def test_tags_of_one_repository(client: docker.DockerClient) -> None:
    world = read_tags(client, "recorded-app")
    assert {r.tag for i in world.images for r in i.references if r.registry == "docker.io"} == {
        "1", "also", "classic",
    }  # fmt: skip
    assert "recorded-old" not in {use.name for use in world.containers}
    assert "recorded-paused" in {use.name for use in world.containers}


PATHS = {
    "created": [("create", "created")],
    "running": [("create", "created"), ("start", "running")],
    "paused": [
        ("create", "created"),
        ("start", "running"),
        ("pause", "paused"),
        ("unpause", "running"),
        ("pause", "paused"),
    ],
    "exited": [("create", "created"), ("start", "running"), ("end", "exited")],
    "restarted": [
        ("create", "created"),
        ("start", "running"),
        ("stop", "exited"),
        ("restart", "running"),
        ("stop", "exited"),
    ],
    "failed": [("create", "created")],
    "again": [
        ("create", "created"),
        ("start", "running"),
        ("policy", "restarting"),
        ("policy", "running"),
        ("policy", "restarting"),
        ("policy", "running"),
        ("end", "exited"),
    ],
    "removed": [
        ("create", "created"),
        ("start", "running"),
        ("kill", "exited"),
        ("rm", "removed"),
    ],
}


PODMAN_PATHS = PATHS | {
    # it tells nothing of the signals that `stop --time 0` and `rm --force` send
    "restarted": [*PATHS["restarted"][:-1], ("", "exited")],
    "removed": [*PATHS["removed"][:2], ("", "exited"), ("rm", "removed")],
}


@pytest.mark.parametrize("name", PATHS)
def test_the_way_a_container_went(client: docker.DockerClient, name: str, podman: bool) -> None:
    container = read_container(client, f"recorded-{name}")
    way = (PODMAN_PATHS if podman else PATHS)[name]
    assert [(change.action, change.state) for change in container.path] == way
    assert all(change.witnessed for change in container.path)
    assert container.state == way[-1][1]


def test_exit_codes_and_errors(client: docker.DockerClient, podman: bool) -> None:
    assert read_container(client, "recorded-exited").exit_code == 3
    assert read_container(client, "recorded-again").exit_code == 4
    assert read_container(client, "recorded-running").exit_code is None
    assert read_container(client, "recorded-created").exit_code is None
    failed = read_container(client, "recorded-failed")
    assert failed.exit_code == (None if podman else 127)  # Podman says it to who starts it alone
    assert ("no-such-command" in failed.error) != podman


def test_the_writable_layer(client: docker.DockerClient) -> None:
    container = read_container(client, "recorded-exited")
    kinds = {change.path: change.kind for change in container.changes}
    assert kinds["/srv/new"] == "A"
    assert kinds["/srv/greeting"] == "C"
    assert kinds["/greeting"] == "D"
    assert container.writable is not None
    assert container.writable > 0


def test_a_container_brings_its_image(client: docker.DockerClient, podman: bool) -> None:
    stack = read_stack(client, "recorded-exited", "recorded-base:1")
    assert [container.name for container in stack.containers] == ["recorded-exited"]
    assert [image.name for image in stack.images] == ["recorded-app:1", "recorded-base:1"]
    with pytest.raises(UsageError):
        read_stack(client)


def test_a_container_whose_image_lost_its_name(
    client: docker.DockerClient, containerd: bool
) -> None:
    if containerd:
        with pytest.raises(UnknownNameError, match=r"'recorded-old' is gone.* forgets an image"):
            read_stack(client, "recorded-old")
        return
    moved = read_stack(client, "recorded-old")
    assert moved.images[0].id == moved.containers[0].image_id
    assert moved.images[0].tags == ()


def test_details_are_asked_for_once_per_image(client: docker.DockerClient, memory: Memory) -> None:
    read_image(client, "recorded-app:1")
    first = list(memory.requests)
    assert first.count("/images/json") == 1
    inspected = [path for path in first if path.endswith("/json") and path != "/images/json"]
    assert len(inspected) <= len(memory.contents["image-inspect"]) + 1  # one by its name
    memory.requests.clear()
    read_image(client, "recorded-app:1")
    assert memory.requests == ["/images/recorded-app:1/json", "/images/json"]


def test_one_image_is_the_same_on_every_store() -> None:
    images = {}
    for name in ENGINES:
        with remembering(Memory.read(name)) as client:
            images[name] = read_image(client, "busybox")
    assert len({tuple(layer.diff_id for layer in image.layers) for image in images.values()}) == 1
    assert len({tuple(step.text for step in image.steps) for image in images.values()}) == 1
    ids = {image.store == "containerd": image.id for image in images.values()}
    assert all(image.id == ids[image.store == "containerd"] for image in images.values())
    assert ids[True] != ids[False]
    # what the containerd store calls the image by is what registries call it by everywhere
    for image in images.values():
        assert {digest.partition("@")[2] for digest in image.digests} == {ids[True]}


def test_what_an_id_is_the_digest_of(
    client: docker.DockerClient, memory: Memory, containerd: bool
) -> None:
    built, pulled = read_image(client, "recorded-app:1"), read_image(client, "busybox")
    if not containerd:
        assert (built.id_of, pulled.id_of) == ("config", "config")
    elif memory.contents["version"]["Version"].startswith("26."):
        assert (built.id_of, pulled.id_of) == ("manifest or index", "manifest or index")
    else:
        assert (built.id_of, pulled.id_of) == ("index", "manifest")


def test_manifests_and_what_attests_them(client: docker.DockerClient, memory: Memory) -> None:
    manifests = read_manifests(client, "recorded-app:1")
    if "images-manifests" not in memory.contents or not any(
        image.get("Manifests") for image in memory.contents["images-manifests"]
    ):
        assert manifests == ()
        return
    kinds = {manifest.kind: manifest for manifest in manifests}
    assert sorted(kinds) == ["attestation", "image"]
    assert kinds["image"].platform.startswith("linux/")
    assert kinds["image"].here
    assert kinds["image"].unpacked > kinds["image"].size > 0
    assert kinds["attestation"].attests == kinds["image"].digest
    assert kinds["attestation"].platform == ""
    (only,) = read_manifests(client, "busybox")
    assert only.digest == read_image(client, "busybox").id


def test_volumes_and_who_uses_them(client: docker.DockerClient, memory: Memory) -> None:
    named, anonymous = read_volumes(client)
    assert memory.requests == ["/volumes", "/containers/json"]
    assert (named.name, named.anonymous, named.driver) == ("recorded-volume", False, "local")
    assert anonymous.anonymous
    assert [(use.container, use.path) for use in named.users] == [("recorded-running", "/data")]
    assert [use.path for use in anonymous.users] == ["/anonymous"]
    assert named.created is not None


def test_networks_and_who_is_on_them(
    client: docker.DockerClient, memory: Memory, podman: bool
) -> None:
    networks = {network.name: network for network in read_networks(client)}
    assert memory.requests == ["/networks", "/containers/json"]
    ours = networks["recorded-network"]
    assert ours.driver == "bridge"
    assert len(ours.subnets) == 1
    if podman:  # whose recordings have no container on a network
        return
    (member,) = ours.members
    assert member.container == "recorded-running"
    assert member.address.startswith(ours.subnets[0].rpartition(".")[0][:4])
    assert "recorded-paused" in {one.container for one in networks["bridge"].members}


def test_an_archive_tells_what_the_engine_tells(memory: Memory, tmp_path: Path) -> None:
    files = read_files(None, FOLDER / memory.name / "small.tar", cache=LayerCache(tmp_path))
    with remembering(memory) as client:
        image = read_image(client, "recorded-small:1")
    assert [layer.diff_id for layer in files.layers] == [layer.diff_id for layer in image.layers]
    assert "srv/greeting" in {path.lstrip("/") for path in files.visible}
    assert [layer.step for layer in files.layers] == [layer.step for layer in image.layers]

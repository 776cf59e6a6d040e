"""The readers and pictures on a real engine: what was done to it is what they tell."""

import time
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import docker
import pytest

from dockerlab.errors import UnknownNameError
from dockerlab.facts import read_container, read_image, read_stack, read_tags
from dockerlab.pictures import draw_lifecycle, draw_stack, draw_tags

pytestmark = [pytest.mark.engine, pytest.mark.every_engine]

Cli = Callable[..., str]
PREFIX = "facts-test-"
SLEEP = ("sleep", "1000")

DOCKERFILE = """
FROM busybox
ENV A=1
RUN dd if=/dev/zero of=/big bs=50000 count=1 2>/dev/null
RUN rm /big
EXPOSE 80
WORKDIR /srv
COPY note /srv/
CMD ["sleep", "1000"]
"""


def build(cli: Cli, folder: Path, tag: str, dockerfile: str = DOCKERFILE) -> str:
    (folder / "Dockerfile").write_text(dockerfile)
    (folder / "note").write_text("something\n")
    cli("build", "--quiet", "--tag", PREFIX + tag, str(folder))
    return PREFIX + tag


def run(cli: Cli, name: str, *command: str, options: tuple[str, ...] = ()) -> str:
    cli("run", "--detach", "--name", PREFIX + name, *options, "busybox", *(command or SLEEP))
    return PREFIX + name


@pytest.mark.parametrize("builder", ["0", "1"])
def test_layers_of_a_built_image(
    client: docker.DockerClient,
    cli: Cli,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    builder: str,
) -> None:
    monkeypatch.setenv("DOCKER_BUILDKIT", builder)
    name = build(cli, tmp_path, "layers:1")
    image = read_image(client, name)
    base = read_image(client, "busybox")
    own = [image.steps[layer.step] for layer in image.layers[len(base.layers) :]
           if layer.step is not None]  # fmt: skip
    assert [step.instruction for step in own] == ["RUN", "RUN", "WORKDIR", "COPY"]
    assert own[1].argument == "rm /big"
    assert own[0].size >= 50_000
    assert own[1].size < own[0].size
    assert [layer.diff_id for layer in image.layers[: len(base.layers)]] == [
        layer.diff_id for layer in base.layers
    ]
    assert "busybox:latest" in image.layers[0].shared_with
    assert name in base.layers[0].shared_with
    assert all("busybox:latest" not in layer.shared_with for layer in image.layers[-4:])
    assert image.config.directory == "/srv"
    text = draw_stack(read_stack(client, name, "busybox")).text
    assert "RUN rm /big" in text


def test_a_writable_layer(client: docker.DockerClient, cli: Cli, tmp_path: Path) -> None:
    name = build(cli, tmp_path, "writable:1")
    cli("run", "--name", PREFIX + "w", name, "sh", "-c", "echo 1 > new; rm /bin/vi; echo 2 >> note")
    stack = read_stack(client, PREFIX + "w")
    (container,) = stack.containers
    kinds = {change.path: change.kind for change in container.changes}
    assert kinds["/srv/new"] == "A"
    assert kinds["/srv/note"] == "C"
    assert kinds["/bin/vi"] == "D"
    assert container.writable
    assert stack.images[0].id == container.image_id
    assert f"writable layer of {PREFIX}w" in draw_stack(stack).text


def test_the_way_of_a_container(client: docker.DockerClient, cli: Cli) -> None:
    name = run(cli, "way")
    for command in ("pause", "unpause"):
        cli(command, name)
    cli("stop", "--time", "0", name)
    cli("start", name)
    cli("kill", name)
    container = read_container(client, name)
    assert [(change.action, change.state) for change in container.path] == [
        ("create", "created"),
        ("start", "running"),
        ("pause", "paused"),
        ("unpause", "running"),
        ("stop", "exited"),
        ("start", "running"),
        ("kill", "exited"),
    ]
    assert container.exit_code == 137
    assert all(change.witnessed and change.at for change in container.path)
    times = [change.at for change in container.path if change.at]
    assert times == sorted(times)
    ET.fromstring(draw_lifecycle(container).svg)


def test_states_and_exit_codes(client: docker.DockerClient, cli: Cli) -> None:
    paused = run(cli, "paused")
    cli("pause", paused)
    assert read_container(client, paused).state == "paused"
    ended = run(cli, "ended", "sh", "-c", "exit 7")
    cli("wait", ended)
    found = read_container(client, ended)
    assert (found.state, found.exit_code, found.path[-1].action) == ("exited", 7, "end")
    cli("create", "--name", PREFIX + "created", "busybox")
    assert read_container(client, PREFIX + "created").state == "created"


def test_a_command_that_is_not_there(client: docker.DockerClient, cli: Cli) -> None:
    cli("create", "--name", PREFIX + "failed", "busybox", "no-such-command")
    with pytest.raises(docker.errors.APIError):
        client.containers.get(PREFIX + "failed").start()
    failed = read_container(client, PREFIX + "failed")
    assert failed.state == "created"
    assert failed.exit_code == 127
    assert "no-such-command" in failed.error
    assert "The engine said" in draw_lifecycle(failed).text


def test_a_restart_policy_on_its_way(client: docker.DockerClient, cli: Cli) -> None:
    again = ("--restart", "on-failure:2")
    name = run(cli, "again", "sh", "-c", "exit 4", options=again)
    deadline = time.monotonic() + 30
    while (container := read_container(client, name)).state != "exited":
        assert time.monotonic() < deadline, container
        time.sleep(0.1)
    assert [change.state for change in container.path].count("restarting") == 2
    assert container.path[-1].state == "exited"


def test_a_container_that_is_gone_is_remembered(client: docker.DockerClient, cli: Cli) -> None:
    name = run(cli, "gone")
    cli("rm", "--force", name)
    gone = read_container(client, name)
    assert gone.state == "removed"
    assert [change.action for change in gone.path] == ["create", "start", "kill", "rm"]
    with pytest.raises(UnknownNameError):
        read_container(client, "facts-test-never-was-one")


def test_tags_before_and_after(client: docker.DockerClient, cli: Cli, tmp_path: Path) -> None:
    name = build(cli, tmp_path, "tags:1", "FROM busybox\nRUN echo one > /one\n")
    cli("tag", name, PREFIX + "tags:same")
    cli("run", "--detach", "--name", PREFIX + "user", name, *SLEEP)
    cli("tag", "busybox", PREFIX + "tags:extra")
    before = read_tags(client, PREFIX + "tags:1", PREFIX + "tags:extra")
    (image,) = before.only(name).images
    assert [reference.tag for reference in image.references] == ["1", "same"]
    assert [use.name for use in before.containers] == [PREFIX + "user"]

    build(cli, tmp_path, "tags:1", "FROM busybox\nRUN echo two > /two\n")
    cli("tag", name, PREFIX + "tags:same")
    cli("image", "rm", PREFIX + "tags:extra")
    now = read_tags(client)
    left = next(one for one in now.images if one.id == image.id)
    assert left.dangling
    picture = draw_tags(now.only(PREFIX + "tags", "busybox", image.id[7:19]), before)
    assert "2 names moved · 1 name gone · 1 new image" in picture.text


def test_all_names_of_the_cli_are_there(client: docker.DockerClient, cli: Cli) -> None:
    listed = cli("image", "ls", "--all", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}").split("\n")
    wanted = {line for line in listed if line and "<none>" not in line}
    world = read_tags(client)
    read = {
        f"{reference.familiar} {image.id.removeprefix('sha256:')[:12]}"
        for image in world.images
        for reference in image.references
        if reference.tag
    }
    assert wanted
    assert read == wanted
    ET.fromstring(draw_tags(world).svg)


def test_a_docker_py_object_is_a_name_too(client: docker.DockerClient, cli: Cli) -> None:
    name = run(cli, "object")
    assert read_container(client, client.containers.get(name)).name == name
    stack = read_stack(client, client.images.get("busybox"), client.containers.get(name))
    assert [image.name for image in stack.images] == ["busybox:latest"]

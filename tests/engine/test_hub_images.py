"""The course's images: in the hub, pulled through it, and doing what the course needs of them."""

import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import docker
import pytest
import requests
from hubs import held, hub_in, running, tags_in

from dockerlab.engine import Engine, embedded
from dockerlab.engine.build import Workshop
from dockerlab.engine.fill import DOCKER_HUB, answers, bring, fill
from dockerlab.engine.hub import Hub
from dockerlab.engine.images import BUILT_FROM_LABEL, COURSE_IMAGES, CourseImage, course_image
from dockerlab.engine.places import Places
from dockerlab.engine.progress import silent
from dockerlab.engine.registry import Registry
from dockerlab.engine.stock import stock
from dockerlab.errors import HubError

pytestmark = pytest.mark.engine
Cli = Callable[..., str]


@pytest.fixture(scope="module")
def filled(places: Places) -> None:
    stock(places)


@pytest.fixture
def hub(engine: Engine, places: Places, filled: None) -> Hub:
    hub = embedded.hub(places)
    assert hub.address.host == engine.hub
    return hub


@pytest.fixture
def other_hub(places: Places, tmp_path: Path):
    with running(hub_in(places, tmp_path)) as hub:
        yield hub


def wait_for(question: Callable[[], bool], seconds: float = 20) -> bool:
    until = time.monotonic() + seconds
    while not (answer := question()) and time.monotonic() < until:
        time.sleep(0.1)
    return answer


def published(container: docker.models.containers.Container, port: str) -> str:
    container.reload()
    return f"127.0.0.1:{container.ports[port][0]['HostPort']}"


def everything_on(client: docker.DockerClient) -> set[tuple[str, tuple[str, ...]]]:
    return {
        (image["Id"], tuple(image.get("RepoTags") or ())) for image in client.api.images(all=True)
    }


def containers_on(client: docker.DockerClient) -> set[str]:
    return {each["Id"] for each in client.api.containers(all=True)}


def test_the_hub_holds_every_course_image_with_every_tag(hub: Hub) -> None:
    found = held(hub)
    assert list(found)[: len(COURSE_IMAGES)] == [image.name for image in COURSE_IMAGES]
    for image in COURSE_IMAGES:
        assert set(found[image.name].tags) >= set(image.tags)
        assert found[image.name].size > 1000
        assert found[image.name].purpose == image.purpose
        assert found[image.name].origin in ("Docker Hub", "Debian packages")


@pytest.mark.parametrize("name", [ref for image in COURSE_IMAGES for ref in image.references])
def test_a_plain_pull_comes_from_the_hub(
    name: str, hub: Hub, client: docker.DockerClient, docker_cli: Cli
) -> None:
    said = docker_cli("pull", name)
    assert said.rstrip().endswith(f"docker.io/library/{name}")
    repository = name.partition(":")[0]
    digest = held(hub)[repository].digest
    assert f"{repository}@{digest}" in client.images.get(name).attrs["RepoDigests"]


def test_what_was_built_from_packages_says_so(hub: Hub, client: docker.DockerClient) -> None:
    for name, image in held(hub).items():
        if image.origin == "Debian packages":
            labels = client.images.pull(name, image.tags[0]).labels
            assert labels[BUILT_FROM_LABEL] == "debian packages"
            assert "Not the Docker Official Image" in labels["org.opencontainers.image.description"]


def test_hello_world_says_hello_and_ends(hub: Hub, docker_cli: Cli) -> None:
    assert "Hello from inside a container!" in docker_cli("run", "--rm", "hello-world")


def test_busybox_has_a_shell_and_its_tools(hub: Hub, docker_cli: Cli) -> None:
    said = docker_cli("run", "--rm", "busybox", "sh", "-c", "id -un; pwd; which ls wget httpd nc")
    assert said.splitlines()[:2] == ["root", "/"]
    assert len(said.splitlines()) == 6
    assert "bin" in docker_cli("run", "--rm", "busybox", "ls", "/").split()


def test_debian_is_a_whole_and_sound_system(hub: Hub, docker_cli: Cli) -> None:
    said = docker_cli(
        "run", "--rm", "debian:bookworm", "bash", "-c",
        ". /etc/os-release; echo $VERSION_CODENAME; dpkg --audit; stat -c '%U:%G %a' /etc/shadow"
        " /var/mail /tmp /usr/bin/passwd /var/lib; id -u nobody",
    )  # fmt: skip
    assert said.split("\n") == [
        "bookworm", "root:shadow 640", "root:mail 2775", "root:root 1777", "root:root 4755",
        "root:root 755", "65534", "",
    ]  # fmt: skip


def test_debian_is_one_layer_without_leftovers_of_its_making(
    hub: Hub, client: docker.DockerClient, docker_cli: Cli
) -> None:
    assert len(client.images.pull("debian", "12").attrs["RootFS"]["Layers"]) == 1
    listing = docker_cli("run", "--rm", "debian:12", "sh", "-c", "ls / /var/cache/apt/archives")
    assert "packages" not in listing
    assert ".deb" not in listing


def test_nginx_serves_its_page(hub: Hub, client: docker.DockerClient) -> None:
    container = client.containers.run(
        "nginx", detach=True, remove=True, ports={"80/tcp": ("127.0.0.1", 0)}
    )
    try:
        url = f"http://{published(container, '80/tcp')}"

        def serves() -> bool:
            with suppress(requests.ConnectionError):
                return "Welcome to nginx!" in requests.get(url, timeout=5).text
            return False

        assert wait_for(serves)
        container.exec_run(["sh", "-c", "echo changed > /usr/share/nginx/html/index.html"])
        assert requests.get(url, timeout=5).text == "changed\n"
        assert b'"GET / HTTP/1.1" 200' in container.logs()
    finally:
        container.stop(timeout=10)


def test_redis_answers_ping_and_keeps_its_data_in_a_volume(
    hub: Hub, client: docker.DockerClient
) -> None:
    container = client.containers.run("redis", detach=True)
    try:

        def ask(*words: str) -> str:
            return container.exec_run(["redis-cli", *words]).output.decode().strip()

        assert wait_for(lambda: ask("ping") == "PONG")
        assert ask("set", "course", "docker") == "OK"
        assert ask("save") == "OK"
        (mount,) = container.attrs["Mounts"]
        assert mount["Destination"] == "/data"
        assert "dump.rdb" in container.exec_run(["ls", "/data"]).output.decode()
        user = container.exec_run(["stat", "-c", "%U", "/proc/1"]).output.decode().strip()
        assert user == "redis"
    finally:
        container.remove(force=True, v=True)


def test_redis_answers_other_containers(hub: Hub, client: docker.DockerClient) -> None:
    network = client.networks.create("hub-test-redis")
    server = client.containers.run("redis", detach=True, name="hub-test-db", network=network.name)
    try:
        ask = ["sh", "-c", "until redis-cli -h hub-test-db ping; do sleep 0.2; done"]
        said = client.containers.run("redis", ask, network=network.name, remove=True)
        assert b"PONG" in said
    finally:
        server.remove(force=True, v=True)
        network.remove()


def test_redis_takes_options_and_other_commands(hub: Hub, docker_cli: Cli) -> None:
    assert "Redis server v=" in docker_cli("run", "--rm", "redis", "--version")
    assert "redis-cli" in docker_cli("run", "--rm", "redis", "redis-cli", "--version")


def test_the_registry_image_takes_a_push(
    hub: Hub, client: docker.DockerClient, docker_cli: Cli
) -> None:
    docker_cli("pull", "busybox")
    container = client.containers.run(
        "registry:2", detach=True, ports={"5000/tcp": ("127.0.0.1", 0)}
    )
    address = published(container, "5000/tcp")
    name = f"{address}/mine/busybox:1"
    try:
        with Registry(f"http://{address}", direct=True) as registry:
            assert wait_for(registry.answers)
            docker_cli("tag", "busybox", name)
            docker_cli("push", name)
            assert registry.repositories() == ("mine/busybox",)
            assert registry.tags("mine/busybox") == ("1",)
    finally:
        docker_cli("rmi", name)
        container.remove(force=True, v=True)


def test_a_full_hub_asks_nobody(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object, **_options: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr("dockerlab.engine.fill.DOCKER_HUB", "http://127.0.0.1:9")
    monkeypatch.setattr("dockerlab.engine.fill.copy_image", refuse)
    monkeypatch.setattr("dockerlab.engine.fill.Workshop", refuse)
    assert {each.origin for each in fill(hub, None)} == {"hub"}


def test_a_named_mirror_fills_an_empty_hub(hub: Hub, other_hub: Hub) -> None:
    filled = fill(other_hub, None, mirror=f"http://{hub.address.host}")
    assert {each.origin for each in filled} == {"registry"}
    theirs, ours = held(hub), held(other_hub)
    assert {name: ours[name].digest for name in ours} == {
        image.name: theirs[image.name].digest for image in COURSE_IMAGES
    }
    assert list(other_hub.folder.glob("fill-*")) == []


def test_a_named_mirror_that_does_not_answer_is_an_error(other_hub: Hub) -> None:
    with pytest.raises(HubError, match=r"Nothing listens at 127\.0\.0\.1:9"):
        fill(other_hub, None, mirror="http://127.0.0.1:9")
    assert tags_in(other_hub) == []


def test_without_any_source_the_mend_is_named(
    other_hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dockerlab.engine.fill.DOCKER_HUB", "http://127.0.0.1:9")
    with pytest.raises(HubError, match=r"no engine to build.*dockerlab engine start"):
        fill(other_hub, None)


def test_the_look_for_docker_hub_is_bounded() -> None:
    # 192.0.2.0/24 is kept for documentation: packets to it are dropped or refused
    started = time.monotonic()
    with Registry("http://192.0.2.254") as nowhere:
        assert not answers(nowhere, seconds=1)
    assert time.monotonic() - started < 10
    assert DOCKER_HUB.startswith("https://")


def test_a_build_leaves_the_engine_as_it_was(
    hub: Hub, other_hub: Hub, client: docker.DockerClient, tmp_path: Path
) -> None:
    before = everything_on(client)
    with Workshop(
        client,
        other_hub.address.host,
        other_hub.storing(),
        tmp_path,
        busybox=other_hub.busybox,
        progress=silent,
    ) as workshop:
        workshop.build(course_image("busybox"))
        workshop.build(course_image("hello-world"))
        assert everything_on(client) != before
    assert everything_on(client) == before
    found = held(other_hub)
    assert {name: image.origin for name, image in found.items()} == {
        "busybox": "Debian packages",
        "hello-world": "Debian packages",
    }


def test_a_failed_build_is_one_sentence_and_leaves_nothing(
    hub: Hub, other_hub: Hub, client: docker.DockerClient, tmp_path: Path
) -> None:
    before = everything_on(client)
    broken = tmp_path / "busybox"
    broken.write_text("not a program")
    with (
        Workshop(
            client,
            other_hub.address.host,
            other_hub.storing(),
            tmp_path,
            busybox=broken,
            progress=silent,
        ) as workshop,
        pytest.raises(HubError, match="busybox:latest can't be built") as refused,
    ):
        workshop.build(course_image("busybox"))
    assert "\n" not in str(refused.value)
    assert "\x1b" not in str(refused.value)
    assert everything_on(client) == before
    assert tags_in(other_hub) == []


@pytest.mark.parametrize("after", [3, 8, 14, 22])
def test_an_interrupted_build_leaves_nothing(
    after: int, hub: Hub, client: docker.DockerClient, tmp_path: Path
) -> None:
    before, containers = everything_on(client), containers_on(client)
    steps = 0

    def interrupt(*_progress: object) -> None:
        nonlocal steps
        steps += 1
        if steps == after:
            raise KeyboardInterrupt

    with (
        pytest.raises(KeyboardInterrupt),
        Workshop(
            client,
            hub.address.host,
            hub.storing(),
            tmp_path,
            busybox=hub.busybox,
            progress=interrupt,
        ) as workshop,
    ):
        workshop.build(course_image("busybox"))
    assert everything_on(client) == before
    assert containers_on(client) == containers


def test_only_what_the_engine_surely_pulled_is_taken_from_it(
    hub: Hub, other_hub: Hub, client: docker.DockerClient, tmp_path: Path, docker_cli: Cli
) -> None:
    hello = course_image("hello-world")
    overlay = client.info()["Driver"] == "overlay2"
    with Workshop(
        client,
        other_hub.address.host,
        other_hub.storing(),
        tmp_path,
        busybox=other_hub.busybox,
        progress=silent,
    ) as workshop:
        docker_cli("pull", "busybox")
        docker_cli("build", "--quiet", "--tag", "hello-world", str(student_build(tmp_path)))
        assert not workshop.take_own(hello)
        docker_cli("rmi", "hello-world")
        docker_cli("pull", "hello-world")
        assert workshop.take_own(hello) == overlay
    # layers are compressed anew, so the manifest may differ where the image does not
    pushed = {hello.name: configuration_of(hub, hello)} if overlay else {}
    assert {name: configuration_of(other_hub, course_image(name)) for name in held(other_hub)} == (
        pushed
    )
    assert not any(
        other_hub.address.host in tag for _id, tags in everything_on(client) for tag in tags
    )


def configuration_of(hub: Hub, image: CourseImage) -> str:
    with hub.registry() as registry:
        manifest = registry.manifest(image.repository, image.tags[0])
        assert manifest
        return manifest.config.digest


def student_build(folder: Path) -> Path:
    context = folder / "context"
    context.mkdir()
    (context / "Dockerfile").write_text("FROM busybox\nCMD echo not the real one\n")
    return context


def test_an_engine_without_the_mirror_gets_images_as_an_archive(
    hub: Hub, other_hub: Hub, client: docker.DockerClient, docker_cli: Cli
) -> None:
    images: tuple[CourseImage, ...] = (course_image("busybox"), course_image("hello-world"))
    fill(other_hub, None, images, mirror=f"http://{hub.address.host}")
    for image in images:
        subprocess.run(["docker", "rmi", "-f", image.name], capture_output=True, check=False)
    assert bring(client, other_hub, images) == images
    assert "Hello" in docker_cli("run", "--rm", "hello-world")
    assert bring(client, other_hub, images) == ()


def test_an_engine_with_the_mirror_pulls(
    hub: Hub, client: docker.DockerClient, docker_cli: Cli
) -> None:
    image = course_image("hello-world")
    docker_cli("rmi", "-f", "hello-world")
    assert bring(client, hub, [image]) == (image,)
    digest = held(hub)["hello-world"].digest
    assert client.images.get("hello-world").attrs["RepoDigests"] == [f"hello-world@{digest}"]

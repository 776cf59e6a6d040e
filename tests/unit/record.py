"""Record what one engine says of a few sample images and containers, for the readers' tests.

    DOCKER_HOST=unix:///run/docker.sock python tests/unit/record.py 26.1-overlay2

Needs the docker CLI (with buildx where the engine has BuildKit) and an image `busybox` on the
engine; "podman" as a second argument keeps to the classic builder, for Podman has no other, and
gives containers no network, for that needs more than Podman itself.
Everything made is named "recorded-…" and removed again. The folder is written beside this file, in
`recorded/`: answers of the API, and `small.tar`, what `docker save` gives of a small image.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError

from dockerlab.facts.events import container_events, engine_time

FOLDER = Path(__file__).parent / "recorded"

BASE = """
FROM busybox
ENV GREETING=hello
RUN echo $GREETING > /greeting
LABEL kind="sample of dockerlab"
CMD ["cat", "/greeting"]
"""
APP = """
FROM recorded-base:1
ARG SIZE=20000
RUN dd if=/dev/zero of=/big bs=$SIZE count=1 2>/dev/null
RUN true
RUN rm /big
WORKDIR /srv
EXPOSE 80
COPY greeting /srv/
CMD ["sleep", "1000"]
"""
MOVING = 'FROM busybox\nLABEL kind="sample of dockerlab"\nRUN echo {text} > /text\n'

IMAGE_NAMES = ("recorded-", "busybox:latest")
SMALL = """
FROM scratch
LABEL kind="sample of dockerlab"
COPY greeting /srv/
COPY greeting Dockerfile /srv/
CMD ["/srv/greeting"]
"""

SLEEP = ("sleep", "1000")
CONTAINER_KEYS = ("Id", "Name", "Created", "Image", "State", "RestartCount", "Driver", "Mounts")
NETWORK_KEYS = ("IPAddress", "NetworkID", "MacAddress")
INFO_KEYS = ("SystemTime", "Driver", "DriverStatus", "ServerVersion", "OSType", "Architecture")


def main(name: str, kind: str = "docker") -> None:
    client = docker.from_env(timeout=300)
    clean(client)
    try:
        removed = make(client, podman=kind == "podman")
        record(client, FOLDER / name, removed)
    finally:
        clean(client)


def run(*arguments: str, builder: str = "0") -> None:
    environment = {**os.environ, "DOCKER_BUILDKIT": builder}
    subprocess.run(["docker", *arguments], check=True, env=environment, stdout=subprocess.DEVNULL)


def build(tag: str, dockerfile: str, builder: str) -> None:
    with tempfile.TemporaryDirectory() as context:
        Path(context, "Dockerfile").write_text(dockerfile)
        Path(context, "greeting").write_text("good day\n")
        run("build", "--quiet", "--tag", tag, context, builder=builder)


def make(client: docker.DockerClient, *, podman: bool) -> str:
    """Make the samples; return the ID of the container that was removed again."""
    usual = "0" if podman else "1"
    network = ("--network", "none") if podman else ()
    build("recorded-base:1", BASE, usual)
    build("recorded-app:1", APP, usual)
    build("recorded-app:classic", APP, builder="0")
    run("tag", "recorded-app:1", "recorded-app:also")
    run("tag", "recorded-app:1", "127.0.0.1:5000/team/recorded-app:1")
    build("recorded-small:1", SMALL, usual)
    build("recorded-moving:latest", MOVING.format(text="first"), usual)
    run("run", "--detach", "--name", "recorded-old", *network, "recorded-moving", *SLEEP)
    build("recorded-moving:latest", MOVING.format(text="second"), usual)
    run("volume", "create", "recorded-volume")
    run("network", "create", "recorded-network")

    app = "recorded-app:1"
    script = "echo new > /srv/new; rm /greeting; echo more >> /srv/greeting; exit 3"
    run("create", "--name", "recorded-created", *network, app)
    running = ("--volume", "recorded-volume:/data", "--volume", "/anonymous")
    run("run", "--detach", "--name", "recorded-running", *running,
        *(network or ("--network", "recorded-network")), app)  # fmt: skip
    for name in ("paused", "restarted", "removed"):
        run("run", "--detach", "--name", f"recorded-{name}", *network, app)
    for name, command in (("exited", ("sh", "-c", script)), ("failed", ("no-such-command",))):
        subprocess.run(["docker", "run", "--detach", "--name", f"recorded-{name}", *network, app,
                        *command], check=False, capture_output=True)  # fmt: skip
    run("wait", "recorded-exited")
    again = ("--restart", "on-failure:2", *network, app, "sh", "-c", "exit 4")
    run("run", "--detach", "--name", "recorded-again", *again)
    run("pause", "recorded-paused")
    run("unpause", "recorded-paused")
    run("pause", "recorded-paused")
    run("restart", "--time", "0", "recorded-restarted")
    run("stop", "--time", "0", "recorded-restarted")
    removed = str(client.containers.get("recorded-removed").id)
    run("rm", "--force", "recorded-removed")
    while client.containers.get("recorded-again").status not in ("exited", "stopped"):
        time.sleep(0.1)
    # not by the CLI, whose request is too short for Podman
    client.api.commit("recorded-exited", "recorded-commit", "1", message="say more", conf={})
    flat = b"".join(client.api.export("recorded-exited"))
    client.api.import_image_from_data(flat, repository="recorded-flat", tag="1")
    if podman:  # which forgets the tag
        run("tag", "recorded-flat", "recorded-flat:1")
    return removed


def record(client: docker.DockerClient, folder: Path, removed: str) -> None:
    api: Any = client.api
    root = str(api.info().get("DockerRootDir") or "")
    everything = api.images(all=True)
    parents = {image["Id"]: image.get("ParentId") for image in everything}
    wanted = {image["Id"] for image in everything if is_ours(image)}
    old = api.inspect_container("recorded-old")["Image"]
    with suppress(APIError):  # the containerd store forgets an image that lost its name to another
        wanted |= {str(api.inspect_image(old)["Id"])}
    for image_id in list(wanted):
        while parents.get(image_id):
            image_id = parents[image_id]  # noqa: PLW2901
            wanted.add(image_id)
    containers = [
        container
        for container in api.containers(all=True, size=True)
        if container["Names"][0].startswith("/recorded-")
    ]
    ids = [container["Id"] for container in containers]
    info = api.info()
    events = container_events(client, 0, {}, until=engine_time(client))
    mounted = {m.get("Name") for c in containers for m in c.get("Mounts") or ()}
    contents = {
        "info": {key: info[key] for key in INFO_KEYS if key in info},
        "images": [image for image in api.images() if image["Id"] in wanted],
        "images-all": [image for image in everything if image["Id"] in wanted],
        "image-inspect": {one: without_folders(api.inspect_image(one)) for one in sorted(wanted)},
        "image-history": {image_id: api.history(image_id) for image_id in sorted(wanted)},
        "containers": [without_ports(container) for container in containers],
        "container-inspect": {one: slim(api.inspect_container(one)) for one in ids},
        "container-changes": {one: api.diff(one) for one in ids},
        "events": [event for event in events if event["Actor"]["ID"] in {*ids, removed}],
        "volumes": {"Volumes": [v for v in api.volumes()["Volumes"] if v["Name"] in mounted]},
        "networks": [
            {key: value for key, value in network.items() if key != "Containers"}
            for network in api.networks()
        ],
        "version": {key: api.version()[key] for key in ("ApiVersion", "Version", "Components")},
    }
    if (with_manifests := list_manifests(api)) is not None:
        contents["images-manifests"] = [i for i in with_manifests if i["Id"] in wanted]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "small.tar").write_bytes(b"".join(api.get_image("recorded-small:1", chunk_size=None)))
    for name, content in contents.items():
        text = json.dumps(content, indent=1, sort_keys=True)
        if root:
            text = text.replace(root, "/var/lib/docker")
        (folder / f"{name}.json").write_text(text + "\n")


def list_manifests(api: Any) -> list[dict[str, Any]] | None:
    """List the images with their manifests, as engines since API 1.47 can."""
    if tuple(map(int, api.api_version.split("."))) < (1, 47):
        return None
    answer = api._get(api._url("/images/json"), params={"all": 1, "manifests": 1})
    found: list[dict[str, Any]] = api._result(answer, json=True)
    return found


def is_ours(image: dict[str, Any]) -> bool:
    # Podman writes every name in full
    names = [str(name).removeprefix("docker.io/library/") for name in image.get("RepoTags") or ()]
    return any(name.removeprefix("localhost/").startswith(IMAGE_NAMES) for name in names)


def without_folders(image: dict[str, Any]) -> dict[str, Any]:
    """Leave one folder of the storage driver: whether there are any tells the image store."""
    driver = image.get("GraphDriver") or {}
    if driver.get("Data"):
        kept = {key: value for key, value in driver["Data"].items() if key == "MergedDir"}
        driver["Data"] = kept or driver["Data"]
    return image


def without_ports(container: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in container.items() if key != "Ports"}
    networks = (container.get("NetworkSettings") or {}).get("Networks") or {}
    kept["NetworkSettings"] = {
        "Networks": {
            name: {key: told[key] for key in NETWORK_KEYS if key in told}
            for name, told in networks.items()
        }
    }
    return kept


def slim(container: dict[str, Any]) -> dict[str, Any]:
    kept = {key: container[key] for key in CONTAINER_KEYS if key in container}
    kept["Config"] = {key: container["Config"].get(key) for key in ("Image", "Cmd", "Entrypoint")}
    kept["HostConfig"] = {"RestartPolicy": container["HostConfig"].get("RestartPolicy")}
    return kept


def clean(client: docker.DockerClient) -> None:
    api: Any = client.api
    for container in api.containers(all=True):
        if container["Names"][0].startswith("/recorded-"):
            api.remove_container(container["Id"], force=True, v=True)
    for volume in api.volumes(filters={"name": "recorded-"})["Volumes"] or ():
        api.remove_volume(volume["Name"])
    for network in api.networks(names=["recorded-network"]):
        api.remove_network(network["Id"])
    for image in api.images():
        for tag in image.get("RepoTags") or ():
            if "recorded-" in tag:
                api.remove_image(tag)
    for image in api.images(filters={"dangling": True, "label": "kind=sample of dockerlab"}):
        try:
            api.remove_image(image["Id"])
        except APIError as error:
            print(error, file=sys.stderr)  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])

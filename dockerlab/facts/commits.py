"""Which image was committed from which container: its top layer was the writable one."""

from collections.abc import Mapping, Sequence
from typing import Any

import docker

from dockerlab.facts.events import attributes, container_events, engine_time
from dockerlab.facts.names import find_container, find_image
from dockerlab.facts.times import from_seconds
from dockerlab.facts.values import Commit, Container, Image


def read_commits(
    client: docker.DockerClient, images: Sequence[Image], containers: Sequence[Container]
) -> tuple[Commit, ...]:
    """Find the images that ``docker commit`` made of one of the containers.

    Nothing is asked where no image stands with one layer more on a container's own image. Else
    the engine's event of the commit tells, or what older engines write into the image (the
    container's ID, or its short one as the host name). Where all that is forgotten, an image whose
    last step is the container's own command was made from a container like this one; then the
    commit is not `witnessed`.
    """
    by_id = {image.id: image for image in images}
    pairs = [
        (container, image)
        for container in containers
        for image in images
        if container.image_id in by_id and _may_be(by_id[container.image_id], image)
    ]
    if not pairs:
        return ()
    events = container_events(client, 0, {"event": "commit"}, engine_time(client))
    found = []
    for container, image in pairs:
        source = _told(events, image) or _written(client, image)
        if source and container.id.startswith(source):
            found.append(Commit(container.id, image.id))
        elif not source and image.steps[-1].argument == _command(client, container):
            found.append(Commit(container.id, image.id, witnessed=False))
    return tuple(found)


def _may_be(base: Image, image: Image) -> bool:
    below = tuple(layer.diff_id for layer in image.layers[:-1])
    return (
        image.parent.removeprefix("sha256:") == base.id.removeprefix("sha256:")
        and bool(image.steps)
        and image.steps[-1].instruction == "COMMIT"
        and bool(image.layers)
        and image.layers[-1].step == len(image.steps) - 1
        and below == tuple(layer.diff_id for layer in base.layers)
    )


def _told(events: Sequence[Mapping[str, Any]], image: Image) -> str:
    """Return the container whose commit into this image the engine remembers."""
    made = image.steps[-1].created
    for event in events:
        image_id = str(attributes(event).get("imageID") or "")
        moment = from_seconds(event.get("time"))
        # Podman doesn't say which image it was, but makes the event when it makes the image
        at_once = not image_id and made and moment and abs((moment - made).total_seconds()) <= 1
        if event.get("Action") == "commit" and (image_id == image.id or at_once):
            return str((event.get("Actor") or {}).get("ID") or "")
    return ""


def _written(client: docker.DockerClient, image: Image) -> str:
    """Return the ID, whole or short, of the container that an older engine wrote into the image."""
    data = find_image(client, image.id) or {}
    name = str((data.get("Config") or {}).get("Hostname") or "")
    is_id = len(name) == 12 and not name.strip("0123456789abcdef")
    return str(data.get("Container") or "") or (name if is_id else "")


def _command(client: docker.DockerClient, container: Container) -> str:
    data = find_container(client, container.id) or {}
    return " ".join([str(data.get("Path") or ""), *(data.get("Args") or ())])

"""Images as an engine holds them: layers, steps, settings, and who else stands on each layer."""

from collections.abc import Mapping, Sequence
from typing import Any

import docker

from dockerlab.errors import UnknownNameError, UsageError
from dockerlab.facts.commits import read_commits
from dockerlab.facts.containers import read_container
from dockerlab.facts.details import Chain, ImageDetails, diff_ids
from dockerlab.facts.names import (
    Thing,
    asking,
    display_name,
    find_image,
    identity,
    inspect_container,
    is_container,
    typed_names,
)
from dockerlab.facts.plain import plain
from dockerlab.facts.references import Reference
from dockerlab.facts.registry.manifest import INDEX_TYPES
from dockerlab.facts.steps import match_layers, read_steps
from dockerlab.facts.times import from_text
from dockerlab.facts.values import Config, IdSource, Image, Layer, Stack, short_id
from dockerlab.language import _


def read_image(client: docker.DockerClient, thing: Thing) -> Image:
    """Read one image by name, (short) ID or docker-py object.

    Raises
    ------
    UnknownNameError
        No image has this name; the error names the nearest one.
    EngineError
        The engine doesn't answer.
    """
    return read_images(client, thing)[0]


def read_images(client: docker.DockerClient, *things: Thing) -> tuple[Image, ...]:
    """Read several images; what they share with all other local images is looked up once."""
    details = ImageDetails.of(client)
    inspected = [details.inspect(client, thing) for thing in things]
    histories = details.histories(str(data.get("Id") or "") for data in inspected)
    neighbours = _neighbours(client, details)
    return tuple(
        _image(client, thing, data, histories[str(data.get("Id") or "")], neighbours)
        for thing, data in zip(things, inspected, strict=True)
    )


def read_stack(client: docker.DockerClient, *things: Thing) -> Stack:
    """Read images and containers for one stack picture, each named once, in the order given.

    A container brings its image with it. A name that an image and a container have in common is
    the image's.

    Raises
    ------
    UsageError
        Nothing is named.
    UnknownNameError
        Something named is not there; the error names the nearest.
    EngineError
        The engine doesn't answer.
    """
    if not things:
        raise UsageError(_("No image or container is named."), _("Try lab.stack('nginx')."))
    images: list[Thing] = []
    containers: list[Thing] = []
    for thing in things:
        if is_container(client, thing):
            containers.append(thing)
            data = inspect_container(client, thing)
            images.append(_image_of(client, data))
        else:
            images.append(thing)
    read = read_images(client, *images)
    # The name an image was asked for by wins over the one its container was started from.
    first = {image.id: image for image in reversed(read)}
    shown = tuple(first[key] for key in dict.fromkeys(image.id for image in read))
    users = tuple(read_container(client, thing) for thing in containers)
    return Stack(shown, users, read_commits(client, shown, users))


def _image_of(client: docker.DockerClient, container: Mapping[str, Any]) -> str:
    # The name it was started by, if it still points at the same image: it says more than an ID.
    image_id = str(container.get("Image") or "")
    name = str((container.get("Config") or {}).get("Image") or image_id)
    current = find_image(client, name) or {}
    if current.get("Id") == image_id:
        return name
    if find_image(client, image_id) is None:
        raise UnknownNameError(
            _(
                "The image of container '{name}' is gone, though its layers are still in use:"
            ).format(name=plain(container.get("Name")).lstrip("/")),
            _("this image store forgets an image that loses its last name ({image}).").format(
                image=plain(name)
            ),
        )
    return image_id


def _image(
    client: docker.DockerClient,
    thing: Thing,
    data: Mapping[str, Any],
    history: Sequence[Mapping[str, Any]],
    neighbours: Sequence[tuple[str, str, Chain]],
) -> Image:
    image_id = str(data.get("Id") or "")
    parent = str(data.get("Parent") or "")
    tags = typed_names(data.get("RepoTags"))
    own = diff_ids(data)
    steps = read_steps(history, parent=parent)
    made_by = match_layers(steps, own, lambda wanted: _layer_count(client, wanted))
    return Image(
        id=image_id,
        id_of=_id_of(data),
        name=_name(identity(thing), tags, image_id),
        tags=tags,
        digests=tuple(sorted(data.get("RepoDigests") or ())),
        size=int(data.get("Size") or 0),
        platform=_platform(data),
        store=_store(data),
        parent=parent,
        created=from_text(data.get("Created")),
        config=read_config(data.get("Config") or {}),
        steps=steps,
        layers=tuple(
            Layer(
                diff_id=diff_id,
                size=None if step is None else steps[step].size,
                step=step,
                shared_with=tuple(
                    name
                    for _unnamed, name in sorted(
                        (name == short_id(other), name)
                        for other, name, chain in neighbours
                        if other != image_id and chain[: index + 1] == own[: index + 1]
                    )
                ),
            )
            for index, (diff_id, step) in enumerate(zip(own, made_by, strict=True))
        ),
    )


def _neighbours(client: docker.DockerClient, details: ImageDetails) -> list[tuple[str, str, Chain]]:
    """ID, name and layers of every image that is not only a step of the classic builder."""
    with asking():
        names = {
            str(summary.get("Id") or ""): summary.get("RepoTags") or ()
            for summary in client.api.images()
        }
    # without those that were removed since the list was made
    chains = details.diff_ids(client, names)
    return [
        (image_id, display_name(names[image_id], image_id), chain)
        for image_id, chain in chains.items()
    ]


def _layer_count(client: docker.DockerClient, image_id: str) -> int | None:
    chains = ImageDetails.of(client).diff_ids(client, [image_id])
    return len(chains[image_id]) if image_id in chains else None


def _name(asked: str, tags: Sequence[str], image_id: str) -> str:
    if (typed := Reference.parse(asked).familiar) in tags:
        return typed
    return display_name(tags, image_id) if tags else short_id(image_id)


def _platform(data: Mapping[str, Any]) -> str:
    parts = (data.get("Os"), data.get("Architecture"), data.get("Variant"))
    return "/".join(str(part) for part in parts if part)


def _id_of(data: Mapping[str, Any]) -> IdSource:
    if _store(data) != "containerd":
        return "config"
    media_type = str((data.get("Descriptor") or {}).get("mediaType") or "")
    if not media_type:
        return "manifest or index"  # before API 1.48 the engine doesn't say
    return "index" if media_type in INDEX_TYPES else "manifest"


def _store(data: Mapping[str, Any]) -> str:
    # Only the containerd image store knows nothing of the folders behind an image.
    driver = data.get("GraphDriver") or {}
    return str(driver.get("Name") or "") if driver.get("Data") else "containerd"


def read_config(config: Mapping[str, Any]) -> Config:
    """Read the settings out of an inspected image or container ("Config")."""
    return Config(
        entrypoint=_words(config.get("Entrypoint")),
        command=_words(config.get("Cmd")),
        environment=tuple(config.get("Env") or ()),
        user=str(config.get("User") or ""),
        directory=str(config.get("WorkingDir") or ""),
        ports=tuple(sorted(config.get("ExposedPorts") or ())),
        volumes=tuple(sorted(config.get("Volumes") or ())),
        labels=tuple(sorted((config.get("Labels") or {}).items())),
    )


def _words(value: str | Sequence[str] | None) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value or ())

"""What the course made on an engine, and its removal: nothing else is ever touched."""

from collections.abc import Container
from dataclasses import dataclass

import docker

from dockerlab.course.chapters import Chapter

LABEL = "io.dockerlab.course"


@dataclass(frozen=True)
class Thing:
    """One container, image, volume or network.

    Parameters
    ----------
    kind : str
        ``container``, ``image``, ``volume`` or ``network``.
    name : str
        Its name; an image's tag, or its ID where it has none.
    labelled : bool
        Whether it carries the chapter's label or lost its name, so that the course made it for
        certain.
    """

    kind: str
    name: str
    labelled: bool


def belongings(
    client: docker.DockerClient, chapter: Chapter, named: Container[str] = ()
) -> tuple[Thing, ...]:
    """List what carries the chapter's label or a name that it keeps, or lost such a name.

    In the order in which it can be removed: containers, networks, volumes, then images,
    newest first. One request for each kind (``GET /containers/json``, ``/networks``,
    ``/volumes``, ``/images/json``).

    Parameters
    ----------
    client : docker.DockerClient
        The engine.
    chapter : Chapter
        The chapter.
    named : container of str
        IDs of images that bore a name of the chapter; they are its own once they have no name.
    """
    api = client.api
    things = []
    for container in api.containers(all=True):
        # besides its own name a container bears one for each link to it, with a slash inside
        names = [name[1:] for name in container.get("Names") or [] if "/" not in name[1:]]
        name = names[0] if names else container["Id"]
        things.append(Thing("container", name, _labelled(container, chapter)))
    for network in api.networks():
        things.append(Thing("network", network["Name"], _labelled(network, chapter)))
    for volume in api.volumes().get("Volumes") or []:
        things.append(Thing("volume", volume["Name"], _labelled(volume, chapter)))
    images = sorted(api.images(), key=lambda image: image.get("Created") or 0, reverse=True)
    for image in images:
        labelled = _labelled(image, chapter)
        tags = [tag for tag in image.get("RepoTags") or [] if tag != "<none>:<none>"]
        left_behind = not tags and image["Id"] in named
        names = tags or [image["Id"]]
        things.extend(Thing("image", name, labelled or left_behind) for name in names)
    return tuple(thing for thing in things if thing.labelled or chapter.keeps(thing.name))


def sweep(
    client: docker.DockerClient, chapter: Chapter, named: Container[str] = ()
) -> tuple[Thing, ...]:
    """Remove all that is the chapter's, as `belongings` lists it, and list what was removed.

    What the engine refuses to remove, because something of the reader's own uses it, stays.
    """
    gone: dict[Thing, None] = {}
    # removing a tag can leave an untagged image behind, which only the next look shows
    while fresh := [thing for thing in belongings(client, chapter, named) if thing not in gone]:
        removed = [thing for thing in fresh if _remove(client, thing)]
        if not removed:
            break
        gone.update(dict.fromkeys(removed))
    return tuple(gone)


def bearers(client: docker.DockerClient, chapter: Chapter) -> tuple[str, ...]:
    """List the IDs of the images that bear a name the chapter keeps (``GET /images/json``)."""
    return tuple(
        str(image["Id"])
        for image in client.api.images()
        if any(chapter.keeps(tag) for tag in image.get("RepoTags") or ())
    )


def remove_image(client: docker.DockerClient, name: str) -> bool:
    """Remove an image's tag, and the image with its last one; False where it is in use."""
    return _remove(client, Thing("image", name, labelled=False))


def _labelled(attributes: dict[str, object], chapter: Chapter) -> bool:
    labels = attributes.get("Labels")
    return isinstance(labels, dict) and labels.get(LABEL) == chapter.number


def _remove(client: docker.DockerClient, thing: Thing) -> bool:
    api = client.api
    try:
        match thing.kind:
            case "container":
                api.remove_container(thing.name, force=True, v=True)
            case "network":
                api.remove_network(thing.name)
            case "volume":
                api.remove_volume(thing.name)
            case _:
                api.remove_image(thing.name)
    except docker.errors.NotFound:
        return True
    except docker.errors.APIError as error:
        if error.response is not None and error.response.status_code in (403, 409):
            return False
        raise
    return True

"""What the course made on an engine, and its removal: nothing else is ever touched."""

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Any, Literal

import docker

from dockerlab.course.chapters import Chapter
from dockerlab.course.ownership import LABEL, complete, container_name, tags_of
from dockerlab.course.record import Noted, short
from dockerlab.facts.names import find_image

Kind = Literal["container", "network", "volume", "image"]

_IN_USE = (HTTPStatus.FORBIDDEN, HTTPStatus.CONFLICT)


@dataclass(frozen=True)
class Resource:
    """One container, image, volume or network.

    Parameters
    ----------
    kind : str
        ``container``, ``image``, ``volume`` or ``network``.
    name : str
        Its name; an image's tag, or its ID where it has none.
    """

    kind: Kind
    name: str


@dataclass(frozen=True)
class Swept:
    """What a removal did.

    Parameters
    ----------
    removed : tuple of Resource
        What is gone.
    used : tuple of Resource
        What something of the reader's own uses.
    taken : tuple of Resource
        What the reader has made their own: renamed, or put in the place of what was there.
    noted : Noted
        What is still the course's: all that is used.
    """

    removed: tuple[Resource, ...] = ()
    used: tuple[Resource, ...] = ()
    taken: tuple[Resource, ...] = ()
    noted: Noted = field(default_factory=Noted)


def sweep(client: docker.DockerClient, noted: Noted, pulled: Iterable[str] = ()) -> Swept:
    """Remove what is noted, by its identity, and tell what was removed and what was not.

    Parameters
    ----------
    client : docker.DockerClient
        The engine.
    noted : Noted
        What the course made for a chapter. What has vanished since is passed over.
    pulled : iterable of str
        Of the images that the course pulled, those (``name:tag``) that are to go as well.
    """
    sweeping = _Sweeping(client, noted)
    sweeping.containers()
    sweeping.networks()
    sweeping.volumes()
    sweeping.images(noted.images, found=frozenset(noted.found))
    wanted = {tag: noted.pulled[tag] for tag in pulled if tag in noted.pulled}
    brought: dict[str, tuple[str, ...]] = {}
    for tag, identities in wanted.items():
        for identity in identities:
            brought[identity] = (*brought.get(identity, ()), tag)
    sweeping.images(brought)
    kept = {tag: ids for tag, ids in noted.pulled.items() if tag not in wanted}
    return sweeping.done(kept)


def strangers(
    client: docker.DockerClient, chapter: Chapter, noted: Noted
) -> tuple[tuple[Resource, bool], ...]:
    """List what the chapter would take for its own though the course did not make it.

    It bears a name of the chapter, or the label by which the chapter's cells prune. With each
    comes whether it has that label. One request for each kind (``GET /containers/json``,
    ``/networks``, ``/volumes``, ``/images/json``).
    """
    api = client.api
    found: list[tuple[Resource, Mapping[str, Any]]] = []
    for container in api.containers(all=True):
        if container["Id"] not in noted.containers:
            found.append((Resource("container", container_name(container)), container))
    for network in api.networks():
        if network["Id"] not in noted.networks:
            found.append((Resource("network", network["Name"]), network))
    for volume in api.volumes().get("Volumes") or ():
        if noted.volumes.get(volume["Name"]) != volume.get("CreatedAt"):
            found.append((Resource("volume", volume["Name"]), volume))
    for image in api.images():
        known, tags = noted.images.get(str(image["Id"])), tags_of(image)
        names = [tag for tag in tags if tag not in (known or ())]
        names += [str(image["Id"])] if not tags and known is None else []
        found += [(Resource("image", name), image) for name in names]
    labelled = [
        (thing, (attributes.get("Labels") or {}).get(LABEL) == chapter.number)
        for thing, attributes in found
    ]
    return tuple(
        (thing, label)
        for thing, label in labelled
        if chapter.keeps(thing.name)
        or (label and thing.kind in chapter.prunes and not _has_tag(thing))
    )


def _has_tag(thing: Resource) -> bool:
    """Tell whether a thing is an image that has a name: none that a prune removes."""
    return thing.kind == "image" and not thing.name.startswith("sha256:")


class _Sweeping:
    """One removal, and what came of it so far."""

    def __init__(self, client: docker.DockerClient, noted: Noted) -> None:
        self._client = client
        self._api = client.api
        self._noted = noted
        self._removed: dict[Resource, None] = {}
        self._used: dict[Resource, None] = {}
        self._taken: dict[Resource, None] = {}
        self._left = Noted()

    def done(self, pulled: Mapping[str, tuple[str, ...]]) -> Swept:
        return Swept(
            tuple(self._removed),
            tuple(self._used),
            tuple(self._taken),
            self._left | Noted(pulled=dict(pulled), found=self._noted.found),
        )

    def containers(self) -> None:
        remove = self._api.remove_container
        for container in self._api.containers(all=True):
            identity, name = container["Id"], container_name(container)
            if identity not in self._noted.containers:
                continue
            thing = Resource("container", name)
            if name not in self._noted.containers[identity]:
                self._taken[thing] = None  # whoever gives it a name of their own keeps it
            elif not self._gone(thing, partial(remove, identity, force=True, v=True)):
                self._used[thing] = None
                self._left |= Noted(containers={identity: self._noted.containers[identity]})

    def networks(self) -> None:
        # one that has not begun, or has ended, needs its network too: the engine does not ask it
        needed = {
            word
            for container in self._api.containers(all=True)
            for name, settings in _networks_of(container).items()
            for word in (name, settings.get("NetworkID"))
        }
        for network in self._api.networks():
            identity, name = network["Id"], network["Name"]
            if identity not in self._noted.networks:
                continue
            thing = Resource("network", name)
            used = bool({identity, name} & needed)
            if used or not self._gone(thing, partial(self._api.remove_network, identity)):
                self._used[thing] = None
                self._left |= Noted(networks={identity: name})

    def volumes(self) -> None:
        needed = {  # the engine forgets those of a container that has not begun
            mount.get("Name")
            for container in self._api.containers(all=True)
            for mount in container.get("Mounts") or ()
        }
        for volume in self._api.volumes().get("Volumes") or ():
            name, created = volume["Name"], str(volume.get("CreatedAt"))
            if name not in self._noted.volumes:
                continue
            thing = Resource("volume", name)
            if created != self._noted.volumes[name]:
                self._taken[thing] = None
            elif name in needed or not self._gone(thing, partial(self._api.remove_volume, name)):
                self._used[thing] = None
                self._left |= Noted(volumes={name: created})

    def images(self, noted: Mapping[str, tuple[str, ...]], *, found: Container[str] = ()) -> None:
        """Remove names of images, and the images with their last one, until nothing more goes.

        Parameters
        ----------
        noted : mapping
            IDs of the images, each with the names that the course gave it.
        found : container of str
            Short IDs of the images that were there before, which stay whatever names they have.
        """
        users: dict[str, set[str]] = {}
        for container in self._api.containers(all=True):
            names = users.setdefault(str(container.get("ImageID")), set())
            names.add(complete(str(container.get("Image"))))
        refused: dict[Resource, str] = {}
        while True:
            before, refused = len(self._removed), {}
            images = (image for image in self._api.images() if image["Id"] in noted)
            # the latest first, for an image can't go before what was built on it
            for image in sorted(images, key=lambda each: each.get("Created") or 0, reverse=True):
                identity, left = str(image["Id"]), len(tags_of(image))
                for thing in _to_remove(image, noted[identity], found):
                    last = left <= 1
                    if (
                        thing.name in users.get(identity, ())
                        or (last and (identity in users or short(identity) in found))
                        or not self._gone(thing, self._removal(thing.name, identity, found))
                    ):
                        refused[thing] = identity
                    else:
                        left -= 1
            if len(self._removed) == before:
                break
        self._used |= dict.fromkeys(refused)
        self._left |= Noted(images={identity: noted[identity] for identity in refused.values()})

    def _removal(self, name: str, identity: str, found: Container[str]) -> Callable[[], object]:
        parents = self._stands_on(identity, found)
        return lambda: self._api.remove_image(name, noprune=parents)

    def _stands_on(self, identity: str, found: Container[str]) -> bool:
        """Tell whether parents without a name, which would go with an image, were there before."""
        while found:
            identity = str((find_image(self._client, identity) or {}).get("Parent") or "")
            parent = find_image(self._client, identity) if identity else None
            if parent is None or tags_of(parent):  # one with a name stays, and all below it
                break
            if short(identity) in found:
                return True
        return False

    def _gone(self, thing: Resource, remove: Callable[[], object]) -> bool:
        """Remove a thing; False where the engine says that something uses it."""
        try:
            remove()
        except docker.errors.NotFound:
            return True
        except docker.errors.APIError as error:
            if error.response is None or error.response.status_code not in _IN_USE:
                raise
            return False
        self._removed[thing] = None
        return True


def _networks_of(container: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    return (container.get("NetworkSettings") or {}).get("Networks") or {}


def _to_remove(
    image: Mapping[str, Any], names: tuple[str, ...], found: Container[str]
) -> list[Resource]:
    """List the names that the course gave an image; or its ID, where it has no name at all."""
    identity, tags = str(image["Id"]), tags_of(image)
    if not tags and short(identity) not in found:
        return [Resource("image", identity)]
    return [Resource("image", tag) for tag in tags if tag in names]

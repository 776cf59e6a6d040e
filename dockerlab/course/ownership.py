"""Whose is it? What a chapter's cells made, told by the engine's events and by its own clock.

A container, network, volume or image is the course's only when it was made while a cell of the
chapter ran, and bears the chapter's name or label or hangs on such a thing. A name or a label
alone says nothing: the reader may use the same ones.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import docker

from dockerlab.course.chapters import Chapter
from dockerlab.course.record import Noted

LABEL = "io.dockerlab.course"
"""Label that a chapter's cells may give to what they make, with the chapter's number."""

Event = Mapping[str, Any]

_ANONYMOUS = re.compile(r"[0-9a-f]{64}")
_MAKING = ("build", "commit", "create", "import", "load", "loadfromarchive", "tag")
_SECOND = 10**9
_BIRTH_SINCE = [1, 42]
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?\d*(Z|[+-]\d\d:\d\d)?")


@dataclass
class Cells:
    """When the chapter's cells ran, by the engine's clock.

    Parameters
    ----------
    spans : list of (int, int or None)
        Begin and end of each, nanoseconds since 1970; None where it still runs.
    """

    spans: list[tuple[int, int | None]] = field(default_factory=list)

    def cover(self, moment: int | None) -> bool:
        """Tell whether a cell ran at this moment; a moment that is unknown is in none."""
        return moment is not None and any(
            begin <= moment and (end is None or moment <= end) for begin, end in self.spans
        )


class Ownership:
    """Decides, for one chapter on one engine, what its cells made.

    Parameters
    ----------
    client : docker.DockerClient
        The engine.
    chapter : Chapter
        The chapter.
    cells : Cells
        When its cells ran.
    """

    def __init__(self, client: docker.DockerClient, chapter: Chapter, cells: Cells) -> None:
        self._api = client.api
        self._chapter = chapter
        self._cells = cells
        self._unnamed: set[str] = set()
        self._knows_birth = knows_birth(client)

    def told_by_events(self, events: Iterable[Event], noted: Noted) -> Noted:
        """Give what is new in ``noted`` after these events (``GET /events``).

        What an event no longer finds on the engine needs no note.
        """
        found = Noted()
        images: set[str] = set()
        for event in events:
            moment = _moment(event)
            actor = event.get("Actor") or {}
            what, notes = str(actor.get("ID") or ""), actor.get("Attributes") or {}
            name = str(notes.get("name") or "")
            found = found.without_volumes(destroyed([event]))
            if not self._cells.cover(moment):
                # what bore a name in a cell may have lost it to something else since
                images -= {complete(what), complete(name)}
                continue
            match event.get("Type"), event.get("Action"):
                case "container", "create":
                    found |= self._container(what, name, notes)
                case "container", "rename":
                    found |= self._renamed(what, name, noted | found)
                case "container", "commit":
                    images.add(str(notes.get("imageID") or ""))
                case "network", "create":
                    found |= self._network(what, name)
                case "volume", "create":
                    found |= self._volume(what, moment)
                case "image", "pull":
                    images |= {complete(what), complete(name)}
                case "image", action if action in _MAKING:
                    images.add(what if what.startswith("sha256:") else f"sha256:{what}")
                    found |= self._tagged(what, name, notes)
        return (found | self.images(noted, images)) if images else found

    def told_by_engine(self, noted: Noted) -> Noted:
        """Give what is new in ``noted`` by what the engine says of when each thing was made.

        For what no event told: the engine keeps the last 256 only. Volumes are left to the events,
        for old engines know no more of them than when they were last changed.
        """
        found = self.images(noted, ())
        for container in self._api.containers(all=True):
            name = container_name(container)
            labels = container.get("Labels") or {}
            if container["Id"] in noted.containers or not (
                self._chapter.keeps(name) or labels.get(LABEL) == self._chapter.number
            ):
                continue
            if self._cells.cover(
                moment_of(self._inspected("container", container["Id"], "Created"))
            ):
                found |= self._container(container["Id"], name, labels)
        for network in self._api.networks():
            if network["Id"] not in noted.networks and self._cells.cover(
                moment_of(network.get("Created"))
            ):
                found |= self._network(network["Id"], network["Name"])
        return found

    def images(self, noted: Noted, made: Iterable[str]) -> Noted:
        """Give the images that got a name of the chapter's while a cell ran (``GET /images/json``).

        Parameters
        ----------
        noted : Noted
            What is known already.
        made : iterable of str
            IDs and names of which events told.
        """
        found, made = Noted(), set(made)
        for image in self._api.images():
            identity = str(image["Id"])
            tags = tags_of(image)
            labelled = self._labelled(image.get("Labels"))
            kept = [tag for tag in tags if labelled or self._chapter.keeps(tag)]
            brought = [tag for tag in tags if tag in noted.pulled and tag in made]
            if brought and not any(identity in noted.pulled[tag] for tag in brought):
                found |= Noted(pulled=dict.fromkeys(brought, (identity,)))
            fresh = set(kept) - set(noted.images.get(identity, ()))
            lost = not tags and labelled and identity not in noted.images
            if (fresh or lost) and self._in_a_cell(identity, {*kept, identity} & made, lost=lost):
                found |= Noted(images={identity: tuple(sorted(fresh))})
        return found

    def _in_a_cell(self, identity: str, told: set[str], *, lost: bool) -> bool:
        if told:
            return True
        if lost:
            return self._cells.cover(moment_of(self._inspected("image", identity, "Created")))
        metadata = self._inspected("image", identity, "Metadata")
        tagged = metadata.get("LastTagTime") if isinstance(metadata, dict) else None
        return self._cells.cover(moment_of(tagged))

    def _tagged(self, identity: str, name: str, labels: Mapping[str, Any]) -> Noted:
        """Note the name of the very moment: it may have moved on to another image since."""
        tag = complete(name)
        is_name = identity.startswith("sha256:") and not name.startswith("sha256:")
        if is_name and (self._chapter.keeps(tag) or self._labelled(labels)):
            return Noted(images={identity: (tag,)})
        return Noted()

    def _container(self, identity: str, name: str, labels: Mapping[str, Any]) -> Noted:
        mine = self._chapter.keeps(name) or (
            labels.get(LABEL) == self._chapter.number and not self._inherits(identity)
        )
        if not mine:
            self._unnamed.add(identity)
            return Noted()
        return Noted(containers={identity: (name,)}) | self._anonymous_volumes(identity)

    def _renamed(self, identity: str, name: str, noted: Noted) -> Noted:
        if identity in noted.containers or (
            identity in self._unnamed and self._chapter.keeps(name)
        ):
            return Noted(containers={identity: (name,)}) | self._anonymous_volumes(identity)
        return Noted()

    def _inherits(self, container: str) -> bool:
        """Tell whether a container has the label from its image, so that it says nothing."""
        image = self._inspected("container", container, "Image")
        configuration = self._inspected("image", str(image), "Config") if image else None
        labels = configuration.get("Labels") if isinstance(configuration, dict) else None
        return isinstance(labels, dict) and LABEL in labels

    def _anonymous_volumes(self, container: str) -> Noted:
        mounts = self._inspected("container", container, "Mounts")
        names = [
            str(mount.get("Name"))
            for mount in (mounts if isinstance(mounts, list) else ())
            if mount.get("Type") == "volume" and _ANONYMOUS.fullmatch(str(mount.get("Name")))
        ]
        found = Noted()
        for name in names:
            created = self._inspected("volume", name, "CreatedAt")
            found |= Noted(volumes={name: str(created)} if created else {})
        return found

    def _network(self, identity: str, name: str) -> Noted:
        labels = self._inspected("network", identity, "Labels")
        if self._chapter.keeps(name) or self._labelled(labels):
            return Noted(networks={identity: name})
        return Noted()

    def _volume(self, name: str, moment: int | None) -> Noted:
        created = self._inspected("volume", name, "CreatedAt")
        labels = self._inspected("volume", name, "Labels") if created else None
        if not created or not (self._chapter.keeps(name) or self._labelled(labels)):
            return Noted()
        if self._knows_birth and (moment_of(created) or 0) > (moment or 0) + _SECOND:
            return Noted()  # another volume of the same name
        return Noted(volumes={name: str(created)})

    def _labelled(self, labels: object) -> bool:
        return isinstance(labels, dict) and labels.get(LABEL) == self._chapter.number

    def _inspected(self, kind: str, name: str, key: str) -> Any:  # noqa: ANN401 - as the engine says it
        """Give one field of a thing; None where it is gone, or has no such field."""
        look = getattr(self._api, f"inspect_{kind}")
        try:
            return look(name).get(key)
        except docker.errors.NotFound:
            return None


def destroyed(events: Iterable[Event]) -> frozenset[str]:
    """Give the names of the volumes that events say were removed, whoever did it."""
    return frozenset(
        str((event.get("Actor") or {}).get("ID"))
        for event in events
        if (event.get("Type"), event.get("Action")) == ("volume", "destroy")
    )


def knows_birth(client: docker.DockerClient) -> bool:
    """Tell whether a volume's CreatedAt is its birth; before API 1.42 it is its last change."""
    version = [int(part) for part in client.api.api_version.split(".")]
    return version >= _BIRTH_SINCE


def complete(name: str) -> str:
    """Give an image's name with its tag, as the engine lists it."""
    return name if not name or ":" in name.rpartition("/")[2] else f"{name}:latest"


def tags_of(image: Mapping[str, Any]) -> list[str]:
    """List the names of an image of ``GET /images/json``."""
    return [tag for tag in image.get("RepoTags") or () if tag != "<none>:<none>"]


def container_name(container: Mapping[str, Any]) -> str:
    """Give the name of a container of ``GET /containers/json``, or its ID."""
    # besides its own name a container bears one for each link to it, with a slash inside
    names = [name[1:] for name in container.get("Names") or () if "/" not in name[1:]]
    return str(names[0] if names else container["Id"])


def moment_of(time: object) -> int | None:
    """Read a time as the engine writes it, in nanoseconds since 1970; None where it is none."""
    found = _TIME.match(time) if isinstance(time, str) else None
    if found is None or found[1].startswith("0001-"):
        return None
    try:
        second = datetime.fromisoformat(found[1] + (found[3] or "Z").replace("Z", "+00:00"))
        return int(second.timestamp()) * 10**9 + int((found[2] or "").ljust(9, "0") or 0)
    except (ValueError, OverflowError):
        return None


def _moment(event: Event) -> int | None:
    moment = event.get("timeNano")
    return moment if isinstance(moment, int) else None

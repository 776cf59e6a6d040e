"""The exercises of chapter 1: give orders to the daemon, whichever client carries them."""

from typing import Any

import docker

from dockerlab.course.check import Exercise, Point
from dockerlab.course.exercises.finding import container_names, inspect_container, missing
from dockerlab.facts import plain
from dockerlab.language import _

_SHELF, _STREET, _HOUSE = "lab1-shelf", "lab1-street", "lab1-house"
_OWNER, _PLACE = "owner", "/shelf"


def _look_at_shelf(client: docker.DockerClient) -> tuple[Point, ...]:
    volume = _volume(client)
    if volume.met:
        return (volume, _owned(client.api.inspect_volume(_SHELF).get("Labels") or {}))
    return (volume,)


def _look_at_house(client: docker.DockerClient) -> tuple[Point, ...]:
    points = [_network(client), _volume(client)]
    there = _("a container named {name}").format(name=_HOUSE)
    container = inspect_container(client, _HOUSE)
    if container is None:
        way = _(
            "`docker run -d --name {name} … busybox sleep 300` makes it; docker create would "
            "do as well."
        ).format(name=_HOUSE)
        return (*points, missing(there, _HOUSE, container_names(client), way))
    return (
        *points,
        Point(there, True, _("there it is")),
        _on_the_street(container["NetworkSettings"].get("Networks") or {}),
        _shelf_inside(container.get("Mounts") or []),
    )


def _volume(client: docker.DockerClient) -> Point:
    wanted = _("a volume named {name}").format(name=_SHELF)
    names = [one["Name"] for one in client.api.volumes().get("Volumes") or []]
    if _SHELF in names:
        return Point(wanted, True, _("there it is"))
    if inspect_container(client, _SHELF) is not None:
        hint = _("There is a container of that name, but a volume is wanted: another noun.")
        return Point(wanted, False, _("there is none"), hint)
    way = _("`client.volumes.create` asks for it, POST /volumes/create in the API.")
    return missing(wanted, _SHELF, names, way)


def _owned(labels: dict[str, str]) -> Point:
    wanted = _("a label {label} on it, with your name").format(label=_OWNER)
    if labels.get(_OWNER):
        return Point(wanted, True, f"{_OWNER}={labels[_OWNER]}")
    again = _("A volume's labels can't be changed: remove it and create it again.")
    if _OWNER in labels:
        hint = _("The label is there, but empty. {again}").format(again=again)
        return Point(wanted, False, _("it has no value"), hint)
    if labels:
        hint = _("Its labels are: {names}. {again}").format(names=", ".join(labels), again=again)
        return Point(wanted, False, _("there is another label"), hint)
    hint = _("Give labels={{'{label}': '…'}} when you create it. {again}").format(
        label=_OWNER, again=again
    )
    return Point(wanted, False, _("it has no labels"), hint)


def _network(client: docker.DockerClient) -> Point:
    wanted = _("a network named {name}").format(name=_STREET)
    names = [one["Name"] for one in client.api.networks()]
    if _STREET in names:
        return Point(wanted, True, _("there it is"))
    way = _("`docker network create {name}` makes it.").format(name=_STREET)
    return missing(wanted, _STREET, names, way)


def _on_the_street(networks: dict[str, Any]) -> Point:
    wanted = _("the container is on {network}").format(network=_STREET)
    if _STREET in networks:
        return Point(wanted, True, _("it is"))
    seen = _("it is on {names}").format(names=", ".join(map(plain, networks)) or _("none"))
    hint = _(
        "Without --network a container lands on the default network. A running one can be "
        "connected later: `docker network connect {network} {name}`."
    ).format(network=_STREET, name=_HOUSE)
    return Point(wanted, False, seen, hint)


def _shelf_inside(mounts: list[dict[str, Any]]) -> Point:
    wanted = _("the volume is mounted at {place}").format(place=_PLACE)
    for mount in mounts:
        named, at = mount.get("Name") == _SHELF, mount.get("Destination") == _PLACE
        if named and at:
            return Point(wanted, True, _("it is"))
        if named:
            seen = _("it is at {place}").format(place=mount.get("Destination"))
            hint = _("The part after the colon is the place inside: {name}:{place}.")
        elif at and mount.get("Type") == "bind":
            seen = _("a folder of the host is there")
            hint = _("A name with a slash means a folder. Just the name means a volume: {name}.")
        elif at:
            seen = _("another volume is there")
            hint = _("Without a name before the colon a new volume is made: {name}:{place}.")
        else:
            continue
        return Point(wanted, False, seen, _again(hint))
    hint = _("A mount is part of how a container is created: -v {name}:{place}.")
    return Point(wanted, False, _("nothing is"), _again(hint))


def _again(hint: str) -> str:
    remedy = _("Remove the container with `docker rm -f {house}` and create it again.")
    return f"{hint} {remedy}".format(name=_SHELF, place=_PLACE, house=_HOUSE)


EXERCISES = (
    Exercise("1.a", _("an order without the docker command"), _look_at_shelf),
    Exercise("1.b", _("a house on a street"), _look_at_house),
)

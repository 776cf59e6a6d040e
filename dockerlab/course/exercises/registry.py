"""The exercises of chapter 5.2: a registry whose data lasts, and a command put right."""

from typing import Any

import docker

from dockerlab.course.check import Exercise, Point
from dockerlab.course.exercises.finding import (
    container_point,
    judged,
    registry_address,
    running_point,
)
from dockerlab.errors import LabError
from dockerlab.facts import read_registry
from dockerlab.language import _

_SHELF, _BOOKS, _NOVEL, _FIRST = "lab52-shelf", "lab52-books", "lab52/novel", "1"
_MENDED, _HOME, _DATA = "lab52-mended", "lab52-home", "/var/lib/registry"


def _look_at_shelf(client: docker.DockerClient) -> tuple[Point, ...]:
    way = _("`docker run -d --name {name} … registry:2` starts it.").format(name=_SHELF)
    container, there = container_point(client, _SHELF, way)
    if container is None:
        return (there,)
    address = registry_address(client, _SHELF)
    hint = _("-p publishes its port 5000: -p 127.0.0.1::5000 on any free one. Make it anew.")
    seen = _("it is not published")
    open_ = judged(_("its port is published"), bool(address), seen, hint, fine=_("it is"))
    points = [there, running_point(container), _volume(container, _BOOKS), open_]
    return (*points, _novel(address)) if address else tuple(points)


def _volume(container: dict[str, Any], wanted_name: str) -> Point:
    wanted = _("its data is in the volume {name}").format(name=wanted_name)
    for mount in container.get("Mounts") or []:
        at, name = str(mount.get("Destination")).rstrip("/"), str(mount.get("Name") or "")
        if at == _DATA and name == wanted_name:
            return Point(wanted, True, _("it is"))
        if at == _DATA:
            hint = _("That one has no name, or another: -v {name}:{place}")
            seen = _("it is in another volume")
            return Point(wanted, False, seen, hint.format(name=wanted_name, place=_DATA))
        if name == wanted_name:
            hint = _("The registry keeps its data at {place}: the volume must be there.")
            return Point(wanted, False, _("it is mounted elsewhere"), hint.format(place=_DATA))
    hint = _("-v {name}:{place} puts it there.").format(name=wanted_name, place=_DATA)
    return Point(wanted, False, _("it is not"), hint)


def _novel(address: str) -> Point:
    wanted = _("it holds {name}:{tag}").format(name=_NOVEL, tag=_FIRST)
    try:
        shelf = read_registry(address)
    except LabError as error:
        return Point(wanted, False, error.problem, error.mend)
    held = {each.name: each.targets for each in shelf.repositories}
    tags = {tag for target in held.get(_NOVEL, ()) for tag in target.tags}
    if tags:
        hint = _("The tag is wanted as {tag}.").format(tag=_FIRST)
    else:
        hint = _("`docker tag busybox {address}/{name}:{tag}`, and then push that name.")
        hint = hint.format(address=address, name=_NOVEL, tag=_FIRST)
    seen = _("it holds {names}").format(names=", ".join(sorted(held)) or _("nothing"))
    return judged(wanted, _FIRST in tags, seen, hint)


def _look_at_mended(client: docker.DockerClient) -> tuple[Point, ...]:
    way = _("After --name comes the container's name, and then the image: --name {name} …")
    container, there = container_point(client, _MENDED, way.format(name=_MENDED))
    if container is None:
        return (there,)
    image = str(container["Config"].get("Image"))
    hint = _("The image is the first word that is no option: registry:2.")
    seen = _("it is {image}").format(image=image)
    right = judged(_("its image is registry:2"), image == "registry:2", seen, hint)
    return (there, right, _volume(container, _HOME), running_point(container))


EXERCISES = (
    Exercise("5.2.a", _("a shelf that lasts"), _look_at_shelf),
    Exercise("5.2.b", _("repair the command"), _look_at_mended),
)

"""The exercises of chapter 5.1: a push through a guarded door, and a name put right."""

import docker

from dockerlab.course.check import Exercise, Point
from dockerlab.course.exercises.finding import (
    image_names,
    inspect_image,
    judged,
    missing,
    registry_address,
)
from dockerlab.errors import LabError
from dockerlab.facts import read_registry
from dockerlab.language import _

_HUB, _MINE, _TAG = "lab51-hub", "lab51-student/mine", "2.0"
_USER, _PASSWORD = "student", "swordfish"
_RIGHT, _WRONG = "superyaaaang/ubuntu:20.04", "superyaaaang/ubuntu20.04:latest"


def _look_at_shelf(client: docker.DockerClient) -> tuple[Point, ...]:
    address = registry_address(client, _HUB)
    runs = judged(
        _("the guarded registry runs"),
        bool(address),
        _("it does") if address else _("no"),
        _("Run the cells that make {name} again.").format(name=_HUB),
    )
    if not address:
        return (runs,)
    wanted = _("it holds {name}:{tag}").format(name=_MINE, tag=_TAG)
    try:
        shelf = read_registry(address, username=_USER, password=_PASSWORD)
    except LabError as error:
        return (runs, Point(wanted, False, error.problem, error.mend))
    held = {
        each.name: {tag for target in each.targets for tag in target.tags}
        for each in shelf.repositories
    }
    tags = held.get(_MINE, set())
    local = f"{address}/{_MINE}:{_TAG}"
    if tags:
        hint = _("The tag is wanted as {tag}; it stands after the colon.").format(tag=_TAG)
    elif inspect_image(client, local):
        hint = _(
            "The name is there, but here only. Log in with {{docker}} login, and push with "
            "{{docker}} push."
        ).format()
    else:
        hint = _("First a name that begins with the address: docker tag busybox {{home}}/{name}:…")
        hint = hint.format(name=_MINE)
    seen = _("it has {tags}").format(tags=", ".join(sorted(tags)) or _("no such repository"))
    return (runs, judged(wanted, _TAG in tags, seen, hint))


def _look_at_list(client: docker.DockerClient) -> tuple[Point, ...]:
    wanted = _("{name} names an image").format(name=_RIGHT)
    names = image_names(client)
    if inspect_image(client, _RIGHT):
        right = Point(wanted, True, _("it does"))
    else:
        way = _("A tag stands after a colon: `docker tag IMAGE {name}`").format(name=_RIGHT)
        right = missing(wanted, _RIGHT, [], way)
    still = _WRONG.removesuffix(":latest") in names
    hint = _("`docker image rm {name}` takes the wrong name away.")
    if still and not right.met:
        hint = _("It is the image's only name: first give it the right one, then remove {name}.")
    gone = judged(
        _("the wrong name is gone"),
        not still,
        _("it is there"),
        hint.format(name=_WRONG.removesuffix(":latest")),
        fine=_("it is"),
    )
    return (right, gone)


EXERCISES = (
    Exercise("5.1.a", _("on the guarded shelf"), _look_at_shelf),
    Exercise("5.1.b", _("repair the list"), _look_at_list),
)

"""The exercises of chapter 4.0: containers in given states, and one found by its state."""

import docker

from dockerlab.course.check import Exercise, Point
from dockerlab.course.exercises.finding import (
    container_names,
    inspect_container,
    judged,
    missing,
    running_point,
)
from dockerlab.language import _

_UP, _FROZEN, _SEVEN = "lab40-up", "lab40-frozen", "lab40-seven"
_GOOD, _BAD = ("lab40-ada", "lab40-cleo"), "lab40-bea"


def _look_at_states(client: docker.DockerClient) -> tuple[Point, ...]:
    return (_up(client), _frozen(client), _seven(client))


def _absent(client: docker.DockerClient, name: str, wanted: str, way: str) -> Point:
    return missing(wanted, name, container_names(client), way.format(name=name))


def _up(client: docker.DockerClient) -> Point:
    wanted = _("{name} runs").format(name=_UP)
    box = inspect_container(client, _UP)
    if box is None:
        way = _("`docker run -d --name {name} busybox sleep 600` keeps running.")
        return _absent(client, _UP, wanted, way)
    point = running_point(box)
    return Point(wanted, point.met, point.seen, point.hint)


def _frozen(client: docker.DockerClient) -> Point:
    wanted = _("{name} is paused").format(name=_FROZEN)
    box = inspect_container(client, _FROZEN)
    if box is None:
        way = _("Start it like the first one, and then `docker pause {name}`.")
        return _absent(client, _FROZEN, wanted, way)
    state = box["State"]["Status"]
    hint = (
        _("It runs; `docker pause {name}` freezes it.")
        if state == "running"
        else _("Only a running container can be paused; a stopped one is something else.")
    )
    seen = _("it is {state}").format(state=state)
    return judged(wanted, state == "paused", seen, hint.format(name=_FROZEN))


def _seven(client: docker.DockerClient) -> Point:
    wanted = _("{name} has ended with exit code 7").format(name=_SEVEN)
    box = inspect_container(client, _SEVEN)
    if box is None:
        way = _("A shell ends with any code you like: `docker run --name {name} busybox sh -c …`")
        return _absent(client, _SEVEN, wanted, way)
    state, code = box["State"]["Status"], box["State"]["ExitCode"]
    if state != "exited":
        hint = _("It has to run and come to an end: is there a command after the image?")
    elif code == 127:
        hint = _("127: no such program. exit is the shell's own word: sh -c 'exit 7'.")
    else:
        hint = _("The code is what the main program ends with: sh -c 'exit 7'.")
    seen = _("it is {state}, with code {code}").format(state=state, code=code)
    return judged(wanted, state == "exited" and code == 7, seen, hint)


def _look_at_culprit(client: docker.DockerClient) -> tuple[Point, ...]:
    left = [name for name in _GOOD if inspect_container(client, name)]
    bad = inspect_container(client, _BAD)
    wanted = _("the container that failed is gone")
    hint = _("`docker container ls -a` shows each one's exit code; one is not 0. Remove that.")
    gone = judged(wanted, bad is None, _("it is still there"), hint, fine=_("it is"))
    wanted = _("the two that ended well are there")
    hint = _("Too much was removed: run the cell above again, and remove only one.")
    seen = _("there are {names}").format(names=", ".join(left) or _("none"))
    return (gone, judged(wanted, len(left) == len(_GOOD), seen, hint))


EXERCISES = (
    Exercise("4.0.a", _("three states"), _look_at_states),
    Exercise("4.0.b", _("find the culprit"), _look_at_culprit),
)

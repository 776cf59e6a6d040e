"""The exercise of the welcome: a first container of one's own."""

from typing import Any

import docker

from dockerlab.course.check import Exercise, Point
from dockerlab.course.exercises.finding import container_names, inspect_container, missing
from dockerlab.language import _

_NAME = "lab0-mine"


def _look_at_mine(client: docker.DockerClient) -> tuple[Point, ...]:
    there = _("a container named {name}").format(name=_NAME)
    container = inspect_container(client, _NAME)
    if container is None:
        way = _(
            "Give `docker run` a name: `docker run --name {name} busybox …`. With --rm the "
            "container would be gone as soon as it ends, so leave that out."
        ).format(name=_NAME)
        return (missing(there, _NAME, container_names(client), way),)
    state = container["State"]
    return (
        Point(there, True, _("there it is")),
        _ended(state),
        _spoke(client, state["Status"]),
    )


def _ended(state: dict[str, Any]) -> Point:
    wanted = _("it has run and ended well, with exit code 0")
    status, code = state["Status"], state["ExitCode"]
    if status == "exited" and code == 0:
        return Point(wanted, True, _("it exited with 0"))
    if status == "created" and code == 0:
        seen = _("it was never started")
        hint = _("`docker create` only makes it. Let it run: `docker start -a {name}`.")
    elif status not in ("exited", "created"):
        seen = _("it is {status}").format(status=status)
        hint = _(
            "Its program has not come to an end. Remove the container with `docker rm -f {name}` "
            "and give the next one a command that ends, such as echo."
        )
    elif code == 127:
        seen = _("it exited with {code}").format(code=code)
        hint = _(
            "127 says that the image has no such program. Remove the container with "
            "`docker rm {name}` and try a command that busybox knows, such as echo."
        )
    else:
        seen = _("it exited with {code}").format(code=code)
        hint = _(
            "Its program reported a failure; `docker logs {name}` may tell why. Remove the "
            "container with `docker rm {name}` and try another command."
        )
    return Point(wanted, False, seen, hint.format(name=_NAME))


def _spoke(client: docker.DockerClient, status: str) -> Point:
    wanted = _("it said something")
    # a container that never started has no log, which some engines answer with an error
    said = b"" if status == "created" else client.api.logs(_NAME, tail=20)
    if said.strip():
        words = said.decode(errors="replace").strip().splitlines()[0][:60]
        return Point(wanted, True, f"“{words}”")
    hint = _("A command such as `echo hello`, after the image's name, says something.")
    return Point(wanted, False, _("its log is empty"), hint)


EXERCISES = (Exercise("0.a", _("a container of your own"), _look_at_mine),)

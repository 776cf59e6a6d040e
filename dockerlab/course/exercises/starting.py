"""The exercises of chapter 4.1: a container that was started twice, and one that stays."""

import docker

from dockerlab.course.check import Exercise, Point
from dockerlab.course.exercises.finding import (
    container_point,
    file_in_container,
    judged,
    running_point,
)
from dockerlab.language import _

_DIARY, _FILE, _SHELL = "lab41-diary", "/diary", "lab41-shell"


def _look_at_diary(client: docker.DockerClient) -> tuple[Point, ...]:
    way = _("`docker run --name {name} busybox sh -c 'echo … >> {file}'` makes it.")
    container, there = container_point(client, _DIARY, way.format(name=_DIARY, file=_FILE))
    if container is None:
        return (there,)
    content = file_in_container(client, _DIARY, _FILE)
    lines = (content or b"").splitlines()
    wanted = _("{file} has two lines or more").format(file=_FILE)
    if content is None:
        seen, hint = _("there is no such file"), _("Its command has to write into {file}.")
    else:
        seen = _("it has {count}").format(count=len(lines))
        hint = _(
            "`docker start {name}` runs the command once more. If a line is all there ever is, "
            "the command overwrites: >> adds, > begins anew."
        )
    if content is not None and str(container["Config"].get("Cmd")).count(">>") == 0:
        hint = _("Its command overwrites the file at each start: >> adds a line, > begins anew.")
    hint = hint.format(file=_FILE, name=_DIARY)
    return (there, judged(wanted, len(lines) > 1, seen, hint), _started(client))


def _started(client: docker.DockerClient) -> Point:
    """Tell from the file's lines and the state whether starts made the lines, not one long run."""
    state = client.api.inspect_container(_DIARY)["State"]
    hint = _("It still runs. Let its command end, and start the container again.")
    seen = _("it is {state}").format(state=state["Status"])
    return judged(_("it has ended"), state["Status"] == "exited", seen, hint)


def _look_at_shell(client: docker.DockerClient) -> tuple[Point, ...]:
    way = _("Run one from busybox with the command sh, in the background: -d.")
    container, there = container_point(client, _SHELL, way)
    if container is None:
        return (there,)
    command = container["Config"].get("Cmd") or []
    wanted = _("its command is sh")
    hint = _("Something else keeps it busy; a plain sh is wanted, which stays while it may read.")
    seen = " ".join(map(str, command)) or _("none")
    shell = judged(wanted, command in (["sh"], ["/bin/sh"]), seen, hint)
    running = running_point(container)
    if not running.met and not container["Config"].get("OpenStdin"):
        hint = _("sh reads from a closed input, finds the end and leaves. -i keeps the input open.")
        running = Point(running.wanted, False, running.seen, hint)
    return (there, shell, running)


EXERCISES = (
    Exercise("4.1.a", _("start it twice"), _look_at_diary),
    Exercise("4.1.b", _("repair a start"), _look_at_shell),
)

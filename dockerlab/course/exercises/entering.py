"""The exercises of chapter 4.4: a note left inside, and a container one can leave."""

import docker

from dockerlab.course.check import Exercise, Point
from dockerlab.course.exercises.finding import (
    container_point,
    file_in_container,
    judged,
    running_point,
)
from dockerlab.language import _

_DESK, _NOTE, _SEAT = "lab44-desk", "/note", "lab44-seat"
_SHELLS = ("sh", "bash", "ash")


def _look_at_desk(client: docker.DockerClient) -> tuple[Point, ...]:
    way = _("`docker run -d --name {name} debian:12 sleep 600` makes one that keeps running.")
    container, there = container_point(client, _DESK, way.format(name=_DESK))
    if container is None:
        return (there,)
    content = file_in_container(client, _DESK, _NOTE)
    wanted = _("{file} has a word in it").format(file=_NOTE)
    if content is None:
        seen = _("there is no such file")
        hint = _(
            "`docker exec {name} sh -c 'echo … > {file}'`: without sh -c, your own shell takes "
            "the > and writes the file on the host."
        )
    else:
        seen, hint = _("it is empty"), _("Echo a word into it: {file}.")
    hint = hint.format(name=_DESK, file=_NOTE)
    noted = judged(wanted, bool(content and content.strip()), seen, hint, fine=_("it has"))
    return (there, running_point(container), noted)


def _look_at_seat(client: docker.DockerClient) -> tuple[Point, ...]:
    way = _("`docker run -d … --name {name} busybox sh` makes it.").format(name=_SEAT)
    container, there = container_point(client, _SEAT, way)
    if container is None:
        return (there,)
    config = container["Config"]
    command = [*(config.get("Entrypoint") or []), *(config.get("Cmd") or [])]
    shell = bool(command) and str(command[0]).rpartition("/")[2] in _SHELLS
    hint = _("Attached to {command} you could type nothing: let it run sh.")
    seen = " ".join(map(str, command)) or _("nothing")
    runs = judged(_("it runs a shell"), shell, seen, hint.format(command=seen))
    has = {"-t": bool(config.get("Tty")), "-i": bool(config.get("OpenStdin"))}
    lacking = [option for option, there_is in has.items() if not there_is]
    if lacking == ["-t"]:
        hint = _("Without a terminal the keys are not looked at: -t.")
    elif lacking == ["-i"]:
        hint = _("Its input is closed, so nothing you type would arrive: -i.")
    else:
        hint = _(
            "-d alone gives neither; they can be combined: -d -it. Remove it and run it again."
        )
    wanted = _("it has a terminal and an open input")
    seen = _("it lacks {options}").format(options=", ".join(lacking))
    leave = judged(wanted, not lacking, seen, hint, fine=_("it has"))
    return (there, runs, leave, running_point(container))


EXERCISES = (
    Exercise("4.4.a", _("leave a note inside"), _look_at_desk),
    Exercise("4.4.b", _("a seat to leave"), _look_at_seat),
)

"""The exercises of chapter 4.2: a worker in the background, and a log that speaks."""

import docker

from dockerlab.course.check import Exercise, Point
from dockerlab.course.exercises.finding import (
    container_point,
    file_in_container,
    judged,
    log_lines,
    running_point,
)
from dockerlab.language import _

_WORKER, _READY = "lab42-worker", "ready"
_NEWS, _WELL = "lab42-news", "all is well"


def _look_at_worker(client: docker.DockerClient) -> tuple[Point, ...]:
    way = _("`docker run -d --name {name} busybox …` starts it in the background.")
    container, there = container_point(client, _WORKER, way.format(name=_WORKER))
    if container is None:
        return (there,)
    lines = log_lines(client, _WORKER)
    wanted = _("its log has the line {words}").format(words=_READY)
    seen = _("the log is empty") if not lines else _("it says “{line}”").format(line=lines[-1])
    if any(_READY in line for line in lines):
        hint = _("The line should be just that word.")
    else:
        hint = _("Let its command print it: sh -c 'echo {words}; sleep 600'.").format(words=_READY)
    speaks = judged(wanted, _READY in lines, seen, hint, fine=_("it has"))
    return (there, running_point(container), speaks)


def _look_at_news(client: docker.DockerClient) -> tuple[Point, ...]:
    way = _("Remove the old one, and run it again with another command: {name}.")
    container, there = container_point(client, _NEWS, way.format(name=_NEWS))
    if container is None:
        return (there,)
    lines = log_lines(client, _NEWS)
    wanted = _("docker logs shows the line {words}").format(words=_WELL)
    kept = file_in_container(client, _NEWS, "/news") is not None
    driver = container["HostConfig"]["LogConfig"]["Type"]
    if lines:
        seen, hint = _("it says “{line}”").format(line=lines[-1]), _("Mind the words: {words}.")
    elif driver == "none":
        seen = _("the log is switched off")
        hint = _("--log-driver none keeps nothing: leave it out.")
    elif kept:
        seen = _("the log is empty")
        hint = _("It still writes into a file. Without > the words go to standard output.")
    else:
        seen, hint = _("the log is empty"), _("Its command prints nothing: echo {words}")
    return (
        there,
        judged(wanted, _WELL in lines, seen, hint.format(words=_WELL), fine=_("it does")),
    )


EXERCISES = (
    Exercise("4.2.a", _("a quiet worker"), _look_at_worker),
    Exercise("4.2.b", _("make it speak"), _look_at_news),
)

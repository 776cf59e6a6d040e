"""The exercises of chapter 4.3: an end without force, and a container that comes back."""

import docker

from dockerlab.course.check import Exercise, Point
from dockerlab.course.exercises.finding import container_point, judged, running_point
from dockerlab.facts import read_timeline
from dockerlab.language import _

_CLEAN, _NET = "lab43-clean", "lab43-net"
_POLICY = "unless-stopped"


def _look_at_clean(client: docker.DockerClient) -> tuple[Point, ...]:
    way = _("Run one in the background, `docker run -d --name {name} …`, and stop it.")
    container, there = container_point(client, _CLEAN, way.format(name=_CLEAN))
    if container is None:
        return (there,)
    state = container["State"]
    code, status = state["ExitCode"], state["Status"]
    if status == "running":
        hint = _("It is still running: `docker stop {name}`.")
    elif status == "created":
        hint = _("It has never run: `docker start {name}`, and then stop it.")
    elif code == 137:
        hint = _(
            "137 is SIGKILL: its process 1 ignored SIGTERM until the patience was over. Let the "
            "command handle it: trap 'exit 0' TERM"
        )
    elif code == 0:
        hint = _(
            "Nobody stopped it: its command came to an end. Let it run on, and then "
            "`docker stop {name}`."
        )
    elif code == 143:
        hint = _("143 is SIGTERM, so it was ended by the signal; a handler can end it with 0.")
    else:
        hint = _("It ended by itself, and not well: docker logs {name} may say why.")
    seen = _("it is {state}, with code {code}").format(state=status, code=code)
    wanted = _("it was stopped, and ended with exit code 0")
    met = status == "exited" and code == 0 and not _ended_by_itself(client)
    return (there, judged(wanted, met, seen, hint.format(name=_CLEAN)))


def _ended_by_itself(client: docker.DockerClient) -> bool:
    """Tell whether its last run ended unasked; False where the engine no longer remembers."""
    told = [
        moment.action for lane in read_timeline(client, _CLEAN).lanes for moment in lane.moments
    ]
    begun = max((place for place, action in enumerate(told) if action == "start"), default=None)
    if begun is None or "die" not in told[begun:]:
        return False
    return not {"kill", "stop"} & set(told[begun:])


def _look_at_net(client: docker.DockerClient) -> tuple[Point, ...]:
    way = _("`docker run -d --name {name} … busybox sleep 600` starts it.").format(name=_NET)
    container, there = container_point(client, _NET, way)
    if container is None:
        return (there,)
    policy = container["HostConfig"]["RestartPolicy"]["Name"] or "no"
    if policy == "no":
        hint = _("--restart says when; it can be set later: docker update --restart … {name}")
    elif policy == "on-failure":
        hint = _("on-failure brings it back only when its exit code is not 0.")
    else:
        hint = _("always would bring it back with the daemon even after you stopped it.")
    wanted = _("the engine starts it again unless it was stopped")
    seen = _("its restart policy is {policy}").format(policy=policy)
    fits = policy == _POLICY
    return (there, running_point(container), judged(wanted, fits, seen, hint.format(name=_NET)))


EXERCISES = (
    Exercise("4.3.a", _("end well"), _look_at_clean),
    Exercise("4.3.b", _("it comes back"), _look_at_net),
)

"""The exercises of chapter 4.6: clearing up with care, and a container that needs none."""

import docker

from dockerlab.course.check import Exercise, Point
from dockerlab.course.exercises.finding import (
    container_point,
    inspect_container,
    judged,
    running_point,
)
from dockerlab.language import _

_ENDED, _KEEP, _BRIEF = ("lab46-old", "lab46-older"), "lab46-keep", "lab46-brief"


def _look_at_sweep(client: docker.DockerClient) -> tuple[Point, ...]:
    way = _(
        "It was removed with the others: name the containers, since -f and a list of all take "
        "running ones too. Run the cell above again to get it back: {name}."
    )
    keep, there = container_point(client, _KEEP, way.format(name=_KEEP))
    runs = (running_point(keep),) if keep else ()
    return (there, *runs, *(_gone(client, name) for name in _ENDED))


def _gone(client: docker.DockerClient, name: str) -> Point:
    wanted = _("no container {name} any more").format(name=name)
    found = inspect_container(client, name)
    if found is None:
        return Point(wanted, True, _("it is gone"))
    state = found["State"]["Status"]
    if state in {"running", "paused"}:
        hint = _("It was started again: stop it first, or remove it with -f.")
    else:
        hint = _("It has ended and can go: `docker container rm {name}`.").format(name=name)
    return Point(wanted, False, _("it is there, {state}").format(state=state), hint)


def _look_at_brief(client: docker.DockerClient) -> tuple[Point, ...]:
    way = _(
        "`docker run -d … --name {name} busybox sleep 600`: if you did so with --rm and a short "
        "command, it has ended and is gone already."
    )
    container, there = container_point(client, _BRIEF, way.format(name=_BRIEF))
    if container is None:
        return (there,)
    alone = bool(container["HostConfig"].get("AutoRemove"))
    hint = _(
        "It would stay in `docker container ls -a`. --rm at `docker run` removes it when it ends."
    )
    wanted = _("it is removed when it ends")
    rid = judged(wanted, alone, _("it would stay"), hint, fine=_("it is"))
    return (there, rid, running_point(container), _no_named_volume(container))


def _no_named_volume(container: dict[str, object]) -> Point:
    mounts = container.get("Mounts")
    kept = [
        str(mount.get("Name") or mount.get("Source"))
        for mount in (mounts if isinstance(mounts, list) else [])
        if mount.get("Type") == "bind" or len(str(mount.get("Name") or "")) != 64
    ]
    hint = _("--rm takes only nameless volumes along; this one would stay. Leave -v out.")
    wanted, seen = _("it keeps nothing elsewhere"), ", ".join(kept)
    return judged(wanted, not kept, seen, hint, fine=_("nothing"))


EXERCISES = (
    Exercise("4.6.a", _("clear up, but not all"), _look_at_sweep),
    Exercise("4.6.b", _("no clearing up"), _look_at_brief),
)

"""The exercises of chapter 2.2: data that outlives a container, and limits for one."""

from typing import Any

import docker

from dockerlab.course.check import Exercise, Point
from dockerlab.course.exercises.finding import (
    container_point,
    file_in_container,
    judged,
    running_point,
)
from dockerlab.language import _

_DIARY, _PAGES, _FOLDER, _TODAY = "lab22-diary", "lab22-pages", "/diary", "/diary/today"
_GUEST, _HOSTNAME = "lab22-guest", "guest"
_MOST_MEMORY = 64 * 2**20  # bytes
_HALF = 5 * 10**8  # billionths of a processor


def _look_at_diary(client: docker.DockerClient) -> tuple[Point, ...]:
    way = _("`docker run --name {name} -v {volume}:{folder} …` makes it with its volume.")
    container, there = container_point(
        client, _DIARY, way.format(name=_DIARY, volume=_PAGES, folder=_FOLDER)
    )
    if container is None:
        return (there,)
    return (there, _volume(container.get("Mounts") or []), _page(client))


def _volume(mounts: list[dict[str, Any]]) -> Point:
    wanted = _("{folder} is the volume {volume}").format(folder=_FOLDER, volume=_PAGES)
    for mount in mounts:
        at, name = str(mount.get("Destination")).rstrip("/"), mount.get("Name")
        if at == _FOLDER and name == _PAGES:
            return Point(wanted, True, _("it is"))
        if at == _FOLDER and mount.get("Type") == "bind":
            hint = _("A part with a slash before the colon means a folder: give just the name.")
            return Point(wanted, False, _("it is a folder of the host"), hint)
        if at == _FOLDER:
            seen = _("it is another volume")
            hint = _("Name the volume before the colon: -v {volume}:{folder}.")
        elif name == _PAGES:
            seen = _("the volume is at {place}").format(place=at)
            hint = _("The place in the container stands after the colon: -v {volume}:{folder}.")
        else:
            continue
        return Point(wanted, False, seen, hint.format(volume=_PAGES, folder=_FOLDER))
    hint = _(
        "The folder lies in the container's own layer, and dies with it. A mount can't be added "
        "later: remove the container and run it again with -v {volume}:{folder}."
    ).format(volume=_PAGES, folder=_FOLDER)
    return Point(wanted, False, _("nothing is mounted there"), hint)


def _page(client: docker.DockerClient) -> Point:
    content = file_in_container(client, _DIARY, _TODAY)
    if content is None:
        seen, hint = _("there is no such file"), _("Let the container write it: echo … > {file}")
    else:
        seen = _("it has {count} bytes").format(count=len(content))
        hint = _("The file is empty: echo a line into it. {file}")
    wanted = _("{file} has a line").format(file=_TODAY)
    return judged(wanted, bool(content and content.strip()), seen, hint.format(file=_TODAY))


def _look_at_guest(client: docker.DockerClient) -> tuple[Point, ...]:
    way = _("`docker run -d --name {name} … busybox sleep 600` starts it.").format(name=_GUEST)
    container, there = container_point(client, _GUEST, way)
    if container is None:
        return (there,)
    settings = container.get("HostConfig") or {}
    return (
        there,
        running_point(container),
        _memory(int(settings.get("Memory") or 0)),
        _processors(settings),
        _hostname(str(container["Config"].get("Hostname"))),
    )


def _memory(limit: int) -> Point:
    wanted = _("at most 64 MiB of memory")
    if not limit:
        seen, hint = _("no limit"), _("`--memory 64m` sets one, also later with `docker update`.")
    else:
        seen = _("{size} MiB").format(size=f"{limit / 2**20:.0f}")
        hint = _("Mind the unit: m is mebibytes, g is gibibytes. `--memory 64m`")
    return judged(wanted, 0 < limit <= _MOST_MEMORY, seen, hint)


def _processors(settings: dict[str, Any]) -> Point:
    wanted = _("half a processor at most")
    share = int(settings.get("NanoCpus") or 0)
    period = int(settings.get("CpuPeriod") or 0) or 100_000  # microseconds, the kernel's default
    if not share and settings.get("CpuQuota"):
        share = int(settings["CpuQuota"]) * 10**9 // period
    if share:
        seen = _("{share} processors").format(share=share / 10**9)
        return judged(wanted, share <= _HALF, seen, _("A half is 0.5: `--cpus 0.5`."))
    hint = _("`--cpus 0.5` sets it; --cpu-shares only weighs containers against each other.")
    return Point(wanted, False, _("no limit"), hint)


def _hostname(name: str) -> Point:
    hint = _(
        "--name is what Docker calls the container; what it calls itself is `--hostname {name}`, "
        "and can be given only when it is made."
    ).format(name=_HOSTNAME)
    seen = _("it thinks it is {name}").format(name=name)
    return judged(
        _("its host name is {name}").format(name=_HOSTNAME), name == _HOSTNAME, seen, hint
    )


EXERCISES = (
    Exercise("2.2.a", _("a diary that stays"), _look_at_diary),
    Exercise("2.2.b", _("a guest with manners"), _look_at_guest),
)

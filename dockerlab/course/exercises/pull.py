"""The exercises of chapter 3.1: fetch one version, and pin one for good."""

import docker

from dockerlab.course.check import Exercise, Point
from dockerlab.course.exercises.finding import (
    image_names,
    image_point,
    inspect_image,
    judged,
    registry_address,
)
from dockerlab.errors import LabError
from dockerlab.facts import read_registry
from dockerlab.language import _

_REGISTRY, _APP, _PINNED = "lab31-registry", "lab31-student/app", "lab31-pinned"


def _registry(client: docker.DockerClient) -> tuple[str, Point]:
    address = registry_address(client, _REGISTRY)
    hint = _("Run the cell that starts {name} again.").format(name=_REGISTRY)
    wanted, seen = _("the registry of this chapter runs"), _("it does") if address else _("no")
    return address, judged(wanted, bool(address), seen, hint)


def _look_at_version(client: docker.DockerClient) -> tuple[Point, ...]:
    address, runs = _registry(client)
    if not address:
        return (runs,)
    here = [name for name in image_names(client) if name.startswith(f"{address}/{_APP}")]
    versions = sorted(name.rpartition(":")[2] for name in here)
    seen = _("here are {versions}").format(versions=", ".join(versions) or _("none"))
    if not here:
        hint = _("Version 1 is the tag 1: `docker pull {{address}}/{app}:1`").format(app=_APP)
    elif "1" not in versions:
        hint = _("That is another version: the tag stands after the colon, :1.")
    else:
        hint = _(
            "--all-tags brought them all. `docker image rm` takes away those you did not want."
        )
    wanted = _("version 1 of {app} is here, and no other").format(app=_APP)
    return (runs, judged(wanted, versions == ["1"], seen, hint))


def _look_at_pinned(client: docker.DockerClient) -> tuple[Point, ...]:
    address, runs = _registry(client)
    if not address:
        return (runs,)
    way = _("`docker tag IMAGE {name}` gives an image a further name.").format(name=_PINNED)
    image, there = image_point(client, _PINNED, way)
    if image is None:
        return (runs, there)
    return (runs, there, _today(address, image), _by_digest(client, address))


def _today(address: str, image: dict[str, object]) -> Point:
    wanted = _("it is what the tag 3 names today")
    digest = _digest(address)
    digests = image.get("RepoDigests")
    mine = [str(one).partition("@")[2] for one in (digests if isinstance(digests, list) else [])]
    hint = _("Pull :3 once more, read the line Digest, and tag that image.")
    seen = _("it is") if digest in mine else _("it is another image")
    return judged(wanted, digest in mine, seen, hint)


def _by_digest(client: docker.DockerClient, address: str) -> Point:
    wanted = _("it was fetched by its digest")
    pinned = inspect_image(client, f"{address}/{_APP}@{_digest(address)}")
    hint = _("`docker pull {{address}}/{app}@sha256:…` asks for exactly that image.")
    seen = _("it was") if pinned else _("the engine knows no such digest")
    return judged(wanted, pinned is not None, seen, hint.format(app=_APP))


def _digest(address: str) -> str:
    """Ask the registry for the digest that the tag 3 points at; empty where it has none."""
    try:
        repositories = read_registry(address, _APP).repositories
    except LabError:
        return ""
    targets = [target for each in repositories for target in each.targets]
    return next((target.digest for target in targets if "3" in target.tags), "")


EXERCISES = (
    Exercise("3.1.a", _("one version, no more"), _look_at_version),
    Exercise("3.1.b", _("pinned"), _look_at_pinned),
)

"""What the exercises' checks ask the engine, and the hint for a thing that is not there."""

import difflib
from typing import Any

import docker

from dockerlab.course.check import Point
from dockerlab.facts import plain
from dockerlab.language import _


def inspect_container(client: docker.DockerClient, name: str) -> dict[str, Any] | None:
    """Give ``GET /containers/{name}/json``, or None where there is no such container."""
    try:
        found: dict[str, Any] = client.api.inspect_container(name)
    except docker.errors.NotFound:
        return None
    return found


def inspect_image(client: docker.DockerClient, name: str) -> dict[str, Any] | None:
    """Give ``GET /images/{name}/json``, or None where there is no such image."""
    try:
        found: dict[str, Any] = client.images.get(name).attrs
    except docker.errors.NotFound:
        return None
    return found


def container_names(client: docker.DockerClient) -> list[str]:
    """List the names of all containers, running or not."""
    containers = client.api.containers(all=True)
    return [name.lstrip("/") for one in containers for name in one.get("Names") or []]


def image_names(client: docker.DockerClient) -> list[str]:
    """List the tags of all images, without ``:latest``."""
    images = client.api.images()
    return [tag.removesuffix(":latest") for one in images for tag in one.get("RepoTags") or []]


def missing(wanted: str, name: str, others: list[str], way: str) -> Point:
    """Describe a thing that is not there, and hint at a misspelt name or at the way to it.

    Parameters
    ----------
    wanted : str
        The point's first half: what should be there.
    name : str
        The name it should have.
    others : list of str
        Names of the same kind that are there.
    way : str
        The hint where none of them looks like a slip of ``name``.
    """
    # a chapter's names begin alike, so only a slip of a letter or two is near enough; or the
    # chapter's prefix was left out
    bare = name.partition("-")[2]
    near = difflib.get_close_matches(name, others, n=1, cutoff=0.88)
    near += [other for other in others if other == bare]
    if near:
        way = _("There is {near}, which is nearly the name. It has to be {name}.").format(
            near=plain(near[0]), name=name
        )
    return Point(wanted, False, _("there is none"), way)

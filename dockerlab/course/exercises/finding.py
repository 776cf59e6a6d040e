"""What the exercises' checks ask the engine, and the hint for a thing that is not there."""

import difflib
import io
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import docker

from dockerlab.course.check import Point
from dockerlab.course.ownership import LABEL
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


def judged(wanted: str, met: bool, seen: str, hint: str = "", *, fine: str = "") -> Point:
    """Make a point; its hint is kept only where it is not met, and ``fine`` seen where it is."""
    return Point(wanted, True, fine or seen) if met else Point(wanted, False, seen, hint)


def container_point(
    client: docker.DockerClient, name: str, way: str
) -> tuple[dict[str, Any] | None, Point]:
    """Give a container's attributes and the point that it is there."""
    wanted = _("a container named {name}").format(name=name)
    found = inspect_container(client, name)
    if found is None:
        return None, missing(wanted, name, container_names(client), way)
    return found, Point(wanted, True, _("there it is"))


def image_point(
    client: docker.DockerClient, name: str, way: str
) -> tuple[dict[str, Any] | None, Point]:
    """Give an image's attributes and the point that it is there."""
    wanted = _("an image named {name}").format(name=name)
    found = inspect_image(client, name)
    if found is None:
        return None, missing(wanted, name, image_names(client), way)
    return found, Point(wanted, True, _("there it is"))


def running_point(container: dict[str, Any]) -> Point:
    """Make the point that a container runs."""
    state = container["State"]
    seen = _("it is {state}").format(state=state["Status"])
    if state["Status"] == "created":
        hint = _("It was made and never started: `docker start` does that.")
    elif state["Status"] == "paused":
        hint = _("`docker unpause` lets it go on.")
    else:
        hint = _(
            "It ended with exit code {code}. A container runs as long as its command does; "
            "`sleep 600` takes its time, and `-d` keeps it in the background."
        ).format(code=state.get("ExitCode"))
    return judged(_("it is running"), state["Status"] == "running", seen, hint)


def file_in_container(
    client: docker.DockerClient, container: str, path: str, limit: int = 1000
) -> bytes | None:
    """Read the beginning of a file of a container, running or not; None where there is none."""
    try:
        chunks, __ = client.api.get_archive(container, path)
        with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
            member = archive.extractfile(archive.getmembers()[0])
            return member.read(limit) if member else b""
    except docker.errors.NotFound:
        return None


@contextmanager
def passing_container(client: docker.DockerClient, image: str, chapter: str) -> Iterator[str]:
    """Make a container of an image that is never started, to look into the image's files."""
    container = client.api.create_container(image, ["true"], labels={LABEL: chapter})["Id"]
    try:
        yield container
    finally:
        client.api.remove_container(container, v=True)


def registry_address(client: docker.DockerClient, name: str) -> str:
    """Say where a registry in a container of this name answers; empty where it does not run."""
    container = inspect_container(client, name)
    ports = (container or {}).get("NetworkSettings", {}).get("Ports") or {}
    published = [entry for entries in ports.values() for entry in entries or []]
    return f"127.0.0.1:{published[0]['HostPort']}" if published else ""


def log_lines(client: docker.DockerClient, container: str) -> list[str]:
    """Read the last lines a container has printed; none where its log is kept elsewhere."""
    try:
        said: bytes = client.api.logs(container, tail=100)
    except docker.errors.APIError:
        return []
    return said.decode(errors="replace").splitlines()

"""The pictures as a notebook asks for them: read the engine, then draw."""

from collections.abc import Mapping
from pathlib import Path

from dockerlab.course.bench import present
from dockerlab.course.ownership import LABEL
from dockerlab.errors import UsageError
from dockerlab.facts import (
    Builder,
    Since,
    TagWorld,
    Thing,
    build_image,
    pull_image,
    push_image,
    read_comparison,
    read_container,
    read_context,
    read_isolation,
    read_registry,
    read_stack,
    read_tags,
    read_timeline,
)
from dockerlab.language import _
from dockerlab.pictures import (
    Picture,
    draw_build,
    draw_comparison,
    draw_context,
    draw_lifecycle,
    draw_namespaces,
    draw_registry,
    draw_stack,
    draw_tags,
    draw_timeline,
    draw_transfer,
)


def stack(*things: Thing) -> Picture:
    """Show the layers of images, and of containers the writable layer on top.

    Parameters
    ----------
    *things : str or docker-py object
        Images and containers, by name, short ID or object.

    Raises
    ------
    UnknownNameError
        One of them is not there; the mend names the nearest.
    """
    return draw_stack(read_stack(present().client, *things))


def tags(*only: Thing, before: Picture | None = None) -> Picture:
    """Show which names point at which images, and which containers use them.

    Parameters
    ----------
    *only : str or docker-py object
        Repositories, tags or IDs to keep; by default all.
    before : Picture, optional
        What this function showed earlier: new names are marked with a plus, gone ones with a minus.

    Raises
    ------
    UnknownNameError
        One of them is not there; the mend names the nearest.
    UsageError
        ``before`` is another kind of picture.
    """
    earlier = before.facts if before else None
    if not isinstance(earlier, TagWorld | None):
        raise UsageError(
            _("'before' is no picture of tags."), _("Keep one first: before = lab.tags()")
        )
    return draw_tags(read_tags(present().client, *only), earlier)


def lifecycle(container: Thing) -> Picture:
    """Show a container's state, the way it took there, and its exit code in words.

    Raises
    ------
    UnknownNameError
        There is no such container; the mend names the nearest.
    """
    return draw_lifecycle(read_container(present().client, container))


def timeline(*containers: Thing, since: Since = None) -> Picture:
    """Show what containers went through over time, those removed meanwhile included.

    Parameters
    ----------
    *containers : str or docker-py object
        By name, short ID or object; by default all that did something.
    since : str, float, timedelta or datetime, optional
        From when on: "10m", seconds back, or a time. By default since the oldest of the containers
        was created; without names, the last hour.

    Raises
    ------
    UnknownNameError
        There is and was no such container; the mend names the nearest.
    UsageError
        ``since`` is no time in the past.
    """
    return draw_timeline(read_timeline(present().client, *containers, since=since))


def namespaces(container: Thing) -> Picture:
    """Show a container as the host's process that it is: its namespaces, limits and powers.

    Raises
    ------
    UnknownNameError
        There is no such container; the mend names the nearest.
    """
    return draw_namespaces(read_isolation(present().client, container))


def registry(
    address: str | None = None,
    repository: str | None = None,
    *,
    username: str | None = None,
    password: str | None = None,
    ca: str | Path | None = None,
) -> Picture:
    """Show what a registry holds: repositories, tags, manifests, and the blobs they share.

    Parameters
    ----------
    address : str, optional
        Host and port, or a URL; by default the course's own registry, the hub.
    repository : str, optional
        Only this one, as "library/nginx" or "library/nginx:latest".
    username, password : str, optional
        Given to the registry when it asks who is there.
    ca : str or Path, optional
        A PEM file with the certificates to trust instead of the machine's own.

    Raises
    ------
    RegistryError
        It can't be reached, can't be trusted, or refuses.
    UnknownNameError
        It has no such repository or tag; the mend names the nearest.
    UsageError
        The address makes no sense, or there is no hub to take by default.
    """
    where = address or present().engine.hub
    if where is None:
        raise UsageError(
            _("Which registry? This engine has no hub beside it."),
            _("Name one, as in lab.registry('127.0.0.1:5000')."),
        )
    return draw_registry(
        read_registry(where, repository, username=username, password=password, ca=ca)
    )


def pull(name: str, *, username: str | None = None, password: str | None = None) -> Picture:
    """Pull an image, and show layer by layer what moved and what was there already.

    Raises
    ------
    UnknownNameError
        The registry has no such image.
    RegistryError
        The registry can't be reached, can't be trusted, or refuses.
    """
    return draw_transfer(pull_image(present().client, name, username=username, password=password))


def push(name: str, *, username: str | None = None, password: str | None = None) -> Picture:
    """Push an image, and show layer by layer what moved and what was there already.

    Raises
    ------
    UnknownNameError
        The engine has no such image; the mend names the nearest.
    RegistryError
        The registry can't be reached, can't be trusted, or refuses.
    """
    return draw_transfer(push_image(present().client, name, username=username, password=password))


def build(
    context: str | Path,
    dockerfile: str | Path | None = None,
    *,
    tag: str | None = None,
    build_args: Mapping[str, str] | None = None,
    target: str | None = None,
    no_cache: bool = False,
    builder: Builder | None = None,
    sdk: bool = False,
    timeout: float = 600,
) -> Picture:
    """Build an image, and show what became of each instruction and which layer it made.

    A build that fails is shown too, with the step, what it wrote, and what was wrong.

    Parameters
    ----------
    context : str or Path
        The folder that is the build context.
    dockerfile : str or Path, optional
        By default ``Dockerfile`` in that folder.
    tag, build_args, target, no_cache
        As ``docker build`` takes them.
    builder : {"buildkit", "classic"}, optional
        By default the one that ``docker build`` takes on this engine.
    sdk : bool
        Build through the Docker SDK for Python instead of the docker command.
    timeout : float
        Seconds after which the build is stopped.

    Raises
    ------
    LabError
        There is no such folder or Dockerfile.
    UsageError
        BuildKit was asked for through the SDK, which has only the classic builder.
    EngineError
        The engine doesn't answer.
    """
    bench = present()
    facts = build_image(
        bench.client,
        context,
        dockerfile,
        tag=tag,
        build_args=build_args,
        target=target,
        no_cache=no_cache,
        labels={LABEL: bench.chapter.number},
        builder=builder,
        through="sdk" if sdk else None,
        environment=bench.engine.environment(),
        timeout=timeout,
    )
    return draw_build(facts)


def context(
    path: str | Path, dockerfile: str | Path | None = None, *, builder: Builder = "buildkit"
) -> Picture:
    """Show what of a folder a build can see, and what .dockerignore keeps out.

    Parameters
    ----------
    path : str or Path
        The folder.
    dockerfile : str or Path, optional
        BuildKit prefers a ``NAME.dockerignore`` beside it.
    builder : {"buildkit", "classic"}, optional
        Whose rules to follow; they differ in a few exceptions.

    Raises
    ------
    LabError
        There is no such folder, or a line of its .dockerignore is no pattern.
    """
    return draw_context(read_context(path, dockerfile, builder=builder))


def compare(a: Thing, b: Thing, *, files: bool = True) -> Picture:
    """Show what two images share and where they differ: layers, settings, files.

    Parameters
    ----------
    a, b : str or docker-py object
        Images or containers, by name, short ID or object.
    files : bool
        Whether to compare their files too; of a large image that takes some seconds the first time.

    Raises
    ------
    UnknownNameError
        One of them is not there; the mend names the nearest.
    """
    return draw_comparison(read_comparison(present().client, a, b, files=files))

"""From an order to build to the facts of what was built."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

import docker

from dockerlab.errors import LabError, UsageError
from dockerlab.facts.building.dockerfile import Dockerfile, parse
from dockerlab.facts.building.failure import failure_of
from dockerlab.facts.building.match import steps_of_buildkit, steps_of_classic, with_layers
from dockerlab.facts.building.run import Order, Told, build_by_command, has_command
from dockerlab.facts.building.sdk import build_by_sdk
from dockerlab.facts.building.values import (
    Build,
    Builder,
    BuildFailure,
    BuildStage,
    BuildStep,
    StepOutcome,
)
from dockerlab.facts.images import read_image
from dockerlab.facts.names import asking
from dockerlab.facts.plain import plain
from dockerlab.language import _

_LONGEST_DOCKERFILE = 1_000_000


def build_image(
    client: docker.DockerClient,
    context: str | os.PathLike[str],
    dockerfile: str | os.PathLike[str] | None = None,
    *,
    tag: str | None = None,
    build_args: Mapping[str, str] | None = None,
    target: str | None = None,
    no_cache: bool = False,
    labels: Mapping[str, str] | None = None,
    builder: Builder | None = None,
    through: Literal["cli", "sdk"] | None = None,
    environment: Mapping[str, str] | None = None,
    timeout: float = 600,
) -> Build:
    """Build an image and say what became of each instruction.

    Parameters
    ----------
    client : docker.DockerClient
        A client to the engine.
    context : path
        The folder that is the build context.
    dockerfile : path, optional
        The Dockerfile, from the folder or from here; by default ``Dockerfile`` in the folder.
    tag, build_args, target, no_cache, labels
        As ``docker build`` takes them.
    builder : {"buildkit", "classic"}, optional
        Which builder has to do it; by default the one that ``docker build`` takes.
    through : {"cli", "sdk"}, optional
        The docker command, or the Docker SDK for Python, which knows only the classic builder. By
        default the command, where there is one.
    environment : mapping, optional
        What the command needs to reach the same engine, beside this process' environment.
    timeout : float
        Seconds after which the build is stopped.

    Raises
    ------
    LabError
        There is no such folder or no such Dockerfile.
    UsageError
        BuildKit was asked for where only the SDK is.
    EngineError
        The engine doesn't answer.
    """
    folder = Path(context).expanduser()
    if not folder.is_dir():
        raise LabError(
            _("There is no folder '{path}'.").format(path=plain(folder)),
            _("A build context is a folder: give its path from this notebook."),
        )
    file = find_dockerfile(folder, dockerfile)
    surroundings = {**os.environ, **(environment or {})}
    if through is None:
        through = "cli" if has_command(surroundings) else "sdk"
    if through == "sdk" and builder == "buildkit":
        raise UsageError(
            _("The Docker SDK for Python has no BuildKit."),
            _("Leave out builder=, or build through the docker command."),
        )
    with asking():
        client.ping()
    plan = parse(read_dockerfile(file), build_args)
    order = Order(
        folder=folder.resolve(),
        dockerfile=file.resolve(),
        tag=tag,
        arguments=dict(build_args or {}),
        target=target,
        no_cache=no_cache,
        labels=dict(labels or {}),
    )
    if through == "sdk":
        told = build_by_sdk(client, order, timeout)
    else:
        told = build_by_command(order, builder, surroundings, timeout)
    return _facts(client, order, plan, told)


def find_dockerfile(folder: Path, dockerfile: str | os.PathLike[str] | None) -> Path:
    """Return the path of the Dockerfile that is meant.

    Raises
    ------
    LabError
        There is none.
    """
    wanted = Path(dockerfile or "Dockerfile").expanduser()
    for candidate in (folder / wanted, wanted):
        if candidate.is_file():
            return candidate
    raise LabError(
        _("There is no '{name}' in '{folder}'.").format(name=plain(wanted), folder=plain(folder)),
        _("A build follows a Dockerfile: write one, or say which with dockerfile=…."),
    )


def read_dockerfile(path: Path) -> str:
    """Return a Dockerfile's text.

    Raises
    ------
    LabError
        It can't be read, or it is far longer than any Dockerfile.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_LONGEST_DOCKERFILE + 1)
    except OSError as error:
        raise LabError(
            _("'{path}' can't be read: {cause}.").format(path=plain(path), cause=error.strerror),
        ) from error
    if len(content) > _LONGEST_DOCKERFILE:
        raise LabError(
            _("'{path}' is no Dockerfile: it has more than a million bytes.").format(
                path=plain(path)
            )
        )
    return content.decode(errors="replace")


def _facts(client: docker.DockerClient, order: Order, plan: Dockerfile, told: Told) -> Build:
    target = plan.target(order.target)
    chain = plan.chain(target)
    steps = steps_of(plan, target, told)
    image = read_image(client, told.image_id) if told.image_id else None
    failure = None
    if image is None:
        failure = failure_of(told.messages, steps, plan, out_of_time=told.out_of_time)
        steps = _marked(steps, failure)
    else:
        steps = with_layers(steps, chain, image)
    return Build(
        name=order.tag or order.folder.name,
        builder=told.builder,
        through=told.through,
        stages=tuple(
            BuildStage(stage.name, stage.base, stage.parent, position in chain)
            for position, stage in enumerate(plan.stages)
        ),
        steps=steps,
        seconds=told.seconds,
        context_bytes=told.progress.sent if told.builder == "buildkit" else told.classic.sent,
        image=image,
        failure=failure,
    )


def _marked(steps: tuple[BuildStep, ...], failure: BuildFailure) -> tuple[BuildStep, ...]:
    """Mark the step that failed, where the builder told of it only in its last words."""
    if failure.step is None or failure.kind == "timeout":
        return steps
    failed = replace(steps[failure.step], outcome="failed")
    return (*steps[: failure.step], failed, *steps[failure.step + 1 :])


def steps_of(plan: Dockerfile, target: int, told: Told) -> tuple[BuildStep, ...]:
    """Put what the builder told beside the Dockerfile's instructions."""
    if told.builder == "buildkit":
        vertices = told.progress.vertices.values()
        return steps_of_buildkit(plan, target, vertices, ended=bool(told.image_id))
    last: StepOutcome = "stopped" if told.out_of_time else "ran" if told.image_id else "failed"
    return steps_of_classic(plan, target, told.classic.steps, last)

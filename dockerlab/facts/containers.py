"""Containers as an engine holds them: state, the way there, and the writable layer."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

import docker
from docker.errors import APIError, NotFound

from dockerlab.errors import UnknownNameError
from dockerlab.facts.events import (
    attributes,
    by_container,
    container_events,
    engine_time,
    is_called,
    not_yet_told,
    wait_for_events,
)
from dockerlab.facts.names import Thing, asking, identity, inspect_container
from dockerlab.facts.states import path_of, state_of
from dockerlab.facts.times import from_text
from dockerlab.facts.values import Container, FileChange, StateChange

Json = Mapping[str, Any]

_KINDS: tuple[Literal["C"], Literal["A"], Literal["D"]] = ("C", "A", "D")


def read_container(client: docker.DockerClient, thing: Thing) -> Container:
    """Read one container by name, (short) ID or docker-py object.

    A container that is gone is read from the engine's events, as long as they remember it.

    Raises
    ------
    UnknownNameError
        No container has or had this name; the error names the nearest one.
    EngineError
        The engine doesn't answer.
    """
    try:
        data = inspect_container(client, thing)
    except UnknownNameError:
        gone = _remembered(client, identity(thing))
        if gone is None:
            raise
        return gone
    container_id = str(data.get("Id") or "")
    state = data.get("State") or {}
    created = from_text(data.get("Created"))
    since = created - timedelta(seconds=1) if created else None
    now = engine_time(client)
    path = _path(client, data, since, now)
    if not_yet_told(path, now):
        wait_for_events()
        path = _path(client, data, since, engine_time(client))
    failed = bool(state.get("Error"))
    here = state_of(data)
    return Container(
        id=container_id,
        name=str(data.get("Name") or "").lstrip("/"),
        image=str((data.get("Config") or {}).get("Image") or ""),
        image_id=str(data.get("Image") or ""),
        state=here,
        exit_code=_exit_code(state) if failed or here not in ("created", "running") else None,
        oom_killed=bool(state.get("OOMKilled")),
        error=str(state.get("Error") or ""),
        restart_policy=_policy(data),
        path=path,
        writable=_writable(client, container_id),
        changes=_changes(client, container_id),
    )


def _path(
    client: docker.DockerClient, data: Json, since: datetime | None, now: datetime | None
) -> tuple[StateChange, ...]:
    begin = since.timestamp() if since else 0
    filters = {"container": str(data.get("Id") or "")}
    return path_of(container_events(client, begin, filters, until=now), data)


def _exit_code(state: Json) -> int | None:
    if state.get("Status") == "paused":
        return None
    code = state.get("ExitCode")
    return None if code is None else int(code)


def _policy(data: Json) -> str:
    policy = (data.get("HostConfig") or {}).get("RestartPolicy") or {}
    return str(policy.get("Name") or "no")


def _writable(client: docker.DockerClient, container_id: str) -> int | None:
    with asking():
        listed = client.api.containers(all=True, size=True, filters={"id": container_id})
    size = listed[0].get("SizeRw", 0) if listed else None
    return None if size is None else int(size)


def _changes(client: docker.DockerClient, container_id: str) -> tuple[FileChange, ...]:
    with asking():
        try:
            found: Sequence[Json] | None = client.api.diff(container_id)
        except (APIError, NotFound):
            return ()  # a dead or half removed container has no layer to compare any more
    changes = (FileChange(_KINDS[one["Kind"]], str(one["Path"])) for one in found or ())
    return tuple(sorted(changes, key=lambda change: change.path))


def _remembered(client: docker.DockerClient, name: str) -> Container | None:
    events_of = by_container(container_events(client, 0, {}, until=engine_time(client)))
    for container_id, events in reversed(events_of.items()):
        told = attributes(events[-1])
        path = path_of(events, None)
        codes = [change.exit_code for change in path if change.exit_code is not None]
        if is_called(name, container_id, events) and path and path[-1].state == "removed":
            return Container(
                id=container_id,
                name=str(told.get("name") or ""),
                image=str(told.get("image") or ""),
                image_id="",
                state="removed",
                exit_code=codes[-1] if codes else None,
                path=path,
            )
    return None

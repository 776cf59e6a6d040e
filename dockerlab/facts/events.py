"""The engine's memory of what happened: its events, up to now and never beyond."""

import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import docker
from docker.utils import convert_filters

from dockerlab.facts.makers import is_podman
from dockerlab.facts.names import asking
from dockerlab.facts.times import from_seconds, from_text
from dockerlab.facts.values import StateChange

Json = Mapping[str, Any]

_YOUNG = 3.0
_MOMENT = 0.3


def engine_time(client: docker.DockerClient) -> datetime | None:
    """Return what the engine's own clock says (GET /info), None where it doesn't tell."""
    with asking():
        return from_text(client.api.info().get("SystemTime"))


def container_events(
    client: docker.DockerClient, since: float, filters: Mapping[str, str], until: datetime | None
) -> list[Json]:
    """Return the containers' events that the engine still knows, oldest first.

    Parameters
    ----------
    since : float
        Seconds since 1970.
    filters : mapping
        Such as ``{"container": id}``.
    until : datetime or None
        When to stop, by the engine's clock: it would wait for more events without.
    """
    if until is None:
        return []
    params = {"since": f"{since:.9f}", "filters": convert_filters({"type": "container", **filters})}
    if is_podman(client):
        params["stream"] = "false"  # it stops at an `until` in the past before it has begun
    else:
        params["until"] = f"{until.timestamp():.9f}"
    # docker-py's own method knows no `stream`, and its times only whole seconds
    api: Any = client.api
    with asking():
        answer = api._get(api._url("/events"), params=params, stream=True, timeout=None)
        return list(api._stream_helper(answer, decode=True))


def not_yet_told(path: Sequence[StateChange], now: datetime | None) -> bool:
    """Whether the last change is so young that its event may still be on its way.

    The engine answers `docker stop` when the process has ended, and logs the end a moment later.
    """
    last = path[-1] if path else None
    if last is None or last.witnessed or last.at is None or now is None:
        return False
    return abs((now - last.at).total_seconds()) < _YOUNG


def wait_for_events() -> None:
    """Give the engine the moment it needs to log what it has just done."""
    time.sleep(_MOMENT)


def by_container(events: Iterable[Json]) -> dict[str, list[Json]]:
    """Sort events by the ID of their container; the one heard of last comes last."""
    found: dict[str, list[Json]] = {}
    for event in events:
        container_id = str((event.get("Actor") or {}).get("ID") or event.get("id") or "")
        known = found.pop(container_id, [])
        known.append(event)
        found[container_id] = known
    return found


def attributes(event: Json) -> Json:
    """Return what an event tells of its container: name, image, labels, signal, exit code."""
    told: Json = (event.get("Actor") or {}).get("Attributes") or {}
    return told


def is_called(name: str, container_id: str, events: list[Json]) -> bool:
    """Whether these are the events of the container that had this name or (short) ID."""
    is_id = len(name) >= 12 and container_id.startswith(name)
    return is_id or attributes(events[-1]).get("name") == name


def moment_of(event: Json) -> datetime | None:
    """Return when an event happened."""
    if event.get("timeNano"):
        return from_seconds(int(event["timeNano"]) / 1e9)
    return from_seconds(event.get("time"))

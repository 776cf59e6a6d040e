"""Containers over time, put together from the engine's events and the containers it has."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import docker

from dockerlab.errors import EngineError, UnknownNameError, UsageError
from dockerlab.facts.events import (
    attributes,
    by_container,
    container_events,
    engine_time,
    is_called,
    moment_of,
    not_yet_told,
    wait_for_events,
)
from dockerlab.facts.names import (
    Thing,
    asking,
    find_container,
    identity,
    inspect_container,
)
from dockerlab.facts.plain import plain
from dockerlab.facts.states import path_of, state_of
from dockerlab.facts.timeline_values import Lane, Moment, Span, Timeline
from dockerlab.facts.times import from_text
from dockerlab.facts.values import StateChange
from dockerlab.language import _

Json = Mapping[str, Any]
Since = str | float | timedelta | datetime | None
"""From when on: seconds back, a timedelta, a time, or as docker writes it ("10m", "1h30m")."""

_ALL_LANES = timedelta(hours=1)
_SHOWN = frozenset(
    ("create", "start", "kill", "die", "oom", "stop", "restart", "pause", "unpause",
     "health_status", "rename", "destroy")
)  # fmt: skip
_PODMAN_WORDS = {"died": "die", "remove": "destroy"}
_ACTIVE = frozenset(("running", "paused", "restarting", "removing"))
_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


def read_timeline(client: docker.DockerClient, *things: Thing, since: Since = None) -> Timeline:
    """Read what containers went through over time, those removed meanwhile included.

    Parameters
    ----------
    *things : str or docker-py object
        Containers by name, (short) ID or object; none means all that did something.
    since : str, float, timedelta or datetime, optional
        From when on: "10m", seconds back, or a time. By default from the creation of the oldest
        container named; without names, the last hour.

    Raises
    ------
    UnknownNameError
        No container has or had one of the names; the error names the nearest one.
    UsageError
        `since` is no time.
    EngineError
        The engine doesn't answer.

    Notes
    -----
    GET /events from `since` until now, and GET /containers/{id}/json. The engine keeps its last
    256 events and loses them when it is restarted; what they don't tell is inferred from each
    container's present state.
    """
    timeline, young = _read(client, things, since)
    if young:
        wait_for_events()
        timeline, _young = _read(client, things, since)
    return timeline


def _read(
    client: docker.DockerClient, things: Sequence[Thing], since: Since
) -> tuple[Timeline, bool]:
    """Return the timeline, and whether an event of it may still be on its way."""
    now = engine_time(client)
    if now is None:
        raise EngineError(_("The engine doesn't tell its time, so no timeline can be drawn."))
    asked = _begin(since, now)
    if things:
        known, gone = _named(client, things, now)
    else:
        known, gone = _everything(client, asked or now - _ALL_LANES, now)
    created = [from_text(data.get("Created")) for data in known.values()]
    created += [moment_of(events[0]) for events in gone.values()]
    oldest = min((at for at in created if at), default=now)
    begin = asked or (oldest if things else max(oldest, now - _ALL_LANES))
    # From the oldest's creation on, for what was before `begin` tells which state it began in.
    heard = by_container(container_events(client, oldest.timestamp() - 1, {}, until=now))
    lives: list[tuple[str, list[Json], Json | None]] = [
        (one, heard.get(one, []), data) for one, data in known.items()
    ]
    lives += [(one, heard.get(one, events), None) for one, events in gone.items()]
    young = any(not_yet_told(path_of(events, data), now) for _one, events, data in lives)
    lanes = [_lane(one, events, data, begin, now) for one, events, data in lives]
    return Timeline(begin, now, tuple(sorted(lanes, key=_age))), young


def _age(lane: Lane) -> tuple[datetime, str]:
    first = [span.begin for span in lane.spans] + [moment.at for moment in lane.moments]
    return (min(first, default=datetime.max.replace(tzinfo=UTC)), lane.name)


def _named(
    client: docker.DockerClient, things: Sequence[Thing], now: datetime
) -> tuple[dict[str, Json], dict[str, list[Json]]]:
    known: dict[str, Json] = {}
    gone: dict[str, list[Json]] = {}
    heard: dict[str, list[Json]] | None = None
    for thing in things:
        name = identity(thing)
        data = find_container(client, name)
        if data is not None:
            known[str(data.get("Id"))] = data
            continue
        if heard is None:
            heard = by_container(container_events(client, 0, {}, until=now))
        had_it = [one for one, events in heard.items() if is_called(name, one, events)]
        if not had_it:
            inspect_container(client, thing)  # says which one was meant
            raise UnknownNameError(_("No container '{name}'.").format(name=plain(name)))
        gone[had_it[-1]] = heard[had_it[-1]]
    return known, gone


def _everything(
    client: docker.DockerClient, begin: datetime, now: datetime
) -> tuple[dict[str, Json], dict[str, list[Json]]]:
    """Return all that was heard of since `begin`, and what has been active all the time."""
    heard = by_container(container_events(client, begin.timestamp(), {}, until=now))
    with asking():
        listed = client.api.containers(all=True)
    known: dict[str, Json] = {}
    for summary in listed:
        container_id = str(summary.get("Id") or "")
        if container_id in heard or summary.get("State") in _ACTIVE:
            data = find_container(client, container_id)
            if data is not None:  # else it was removed since the list was made
                known[container_id] = data
    gone = {one: events for one, events in heard.items() if one not in known}
    return known, gone


def _lane(
    container_id: str, events: Sequence[Json], data: Json | None, begin: datetime, now: datetime
) -> Lane:
    path = path_of(events, data)
    told = attributes(events[-1]) if events else {}
    inspected = data or {}
    state = inspected.get("State") or {}
    codes = [change.exit_code for change in path if change.exit_code is not None]
    policy_starts = sum(1 for one in path if one.state == "running" and one.action == "policy")
    return Lane(
        id=container_id,
        name=str(inspected.get("Name") or told.get("name") or "").lstrip("/"),
        image=str((inspected.get("Config") or {}).get("Image") or told.get("image") or ""),
        state=path[-1].state if data is None and path else state_of(inspected),
        spans=_spans(path, begin, now),
        moments=tuple(one for one in _moments(events) if begin <= one.at <= now),
        exit_code=codes[-1] if codes else None,
        oom_killed=bool(state.get("OOMKilled")) or any(one.action == "oom" for one in path),
        restarts=int(inspected.get("RestartCount") or policy_starts),
        health=str((state.get("Health") or {}).get("Status") or ""),
    )


def _spans(path: Sequence[StateChange], begin: datetime, now: datetime) -> tuple[Span, ...]:
    times: list[datetime] = []
    for change in path:
        # What nothing dates began no earlier than what came before it.
        earliest = times[-1] if times else begin
        times.append(max(change.at or earliest, earliest) if times else change.at or begin)
    spans = []
    for change, start, end in zip(path, times, [*times[1:], now], strict=True):
        shown = (max(start, begin), min(end, now))
        if change.state != "removed" and shown[0] < shown[1]:
            spans.append(Span(change.state, *shown, change.witnessed))
    return tuple(spans)


def _moments(events: Iterable[Json]) -> list[Moment]:
    found = []
    for event in events:
        action, _colon, rest = str(event.get("Action") or event.get("status") or "").partition(":")
        action = _PODMAN_WORDS.get(action, action)
        at = moment_of(event)
        if action not in _SHOWN or at is None:
            continue
        told = attributes(event)
        said = {
            "kill": told.get("signal"),
            "die": told.get("exitCode", told.get("containerExitCode")),
        }.get(action)
        detail = int(said) if said is not None and str(said).isdecimal() else None
        health = rest.strip() or str(told.get("health_status") or told.get("healthStatus") or "")
        found.append(Moment(at, action, detail, health if action == "health_status" else ""))
    return found


def _begin(since: Since, now: datetime) -> datetime | None:
    if since is None:
        return None
    if isinstance(since, datetime):
        begin = since.astimezone(UTC)
    elif isinstance(since, timedelta):
        begin = now - since
    elif isinstance(since, str):
        begin = _parsed(since.strip(), now)
    else:
        begin = now - timedelta(seconds=since)
    if begin >= now:
        raise _no_time(since)
    return begin


def _parsed(text: str, now: datetime) -> datetime:
    if re.fullmatch(r"(?:\d+(?:\.\d+)?(?:ms|[dhms]))+", text):
        parts = re.findall(r"(\d+(?:\.\d+)?)(ms|[dhms])", text)
        try:
            return now - timedelta(seconds=sum(float(n) * _UNITS[unit] for n, unit in parts))
        except OverflowError as error:
            raise _no_time(text) from error
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise _no_time(text) from error


def _no_time(since: object) -> UsageError:
    return UsageError(
        _("since='{since}' is no time in the past.").format(since=plain(since)[:80]),
        _("Write how long ago, as '10m' or '1h30m', or a time as '2030-01-31T12:00:00Z'."),
    )

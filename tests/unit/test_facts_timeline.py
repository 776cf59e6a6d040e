"""Containers over time, read from recordings and from made-up events."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import docker
import pytest
from recorded_engine import ENGINES, Memory, remembering

from dockerlab.errors import UnknownNameError, UsageError
from dockerlab.facts import Lane, Timeline, read_timeline

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


@pytest.fixture(params=ENGINES)
def client(request: pytest.FixtureRequest) -> Iterator[docker.DockerClient]:
    with remembering(Memory.read(request.param)) as client:
        yield client


def states(lane: Lane) -> list[str]:
    return [span.state for span in lane.spans]


def test_recorded_lives(client: docker.DockerClient) -> None:
    names = ("recorded-created", "recorded-running", "recorded-paused", "recorded-exited")
    lanes = {lane.name: lane for lane in read_timeline(client, *names).lanes}
    assert set(lanes) == set(names)
    assert states(lanes["recorded-created"]) == ["created"]
    assert states(lanes["recorded-running"]) == ["created", "running"]
    paused = ["created", "running", "paused", "running", "paused"]
    assert states(lanes["recorded-paused"]) == paused
    assert states(lanes["recorded-exited"]) == ["created", "running", "exited"]
    assert lanes["recorded-exited"].exit_code == 3
    assert all(span.witnessed for lane in lanes.values() for span in lane.spans)


def test_recorded_restarts(client: docker.DockerClient) -> None:
    (lane,) = read_timeline(client, "recorded-again").lanes
    assert states(lane).count("restarting") == 2
    assert (lane.state, lane.exit_code, lane.restarts) == ("exited", 4, 2)
    assert [one.action for one in lane.moments].count("die") == 3


def test_a_removed_container_is_still_shown(client: docker.DockerClient) -> None:
    (lane,) = read_timeline(client, "recorded-removed").lanes
    assert lane.state == "removed"
    assert lane.moments[-1].action == "destroy"
    assert lane.spans[-1].end <= lane.moments[-1].at


def test_without_names_all_that_did_something(client: docker.DockerClient) -> None:
    names = {lane.name for lane in read_timeline(client).lanes}
    assert {"recorded-created", "recorded-running", "recorded-removed"} <= names


def test_spans_follow_each_other_without_gaps(client: docker.DockerClient) -> None:
    timeline = read_timeline(client)
    for lane in timeline.lanes:
        for before, after in zip(lane.spans, lane.spans[1:], strict=False):
            assert before.end == after.begin
        for span in lane.spans:
            assert timeline.begin <= span.begin < span.end <= timeline.now
        if lane.state != "removed":
            assert lane.spans[-1].end == timeline.now


def stamp(seconds: float) -> str:
    return (NOW + timedelta(seconds=seconds)).isoformat()


def event(seconds: float, action: str, container: str = "c" * 64, **told: str) -> dict[str, Any]:
    at = (NOW + timedelta(seconds=seconds)).timestamp()
    attributes = {"name": "web", "image": "nginx", **told}
    return {"Action": action, "time": int(at), "timeNano": round(at * 1e9),
            "Actor": {"ID": container, "Attributes": attributes}}  # fmt: skip


def read(events: list[dict[str, Any]], *names: str, since: Any = None, **state: Any) -> Timeline:
    """Read from an engine that has the container `web`, unless it has no state."""
    container_id = "c" * 64
    inspected = {"Id": container_id, "Name": "/web", "Created": stamp(-100),
                 "Config": {"Image": "nginx"}, "State": state}  # fmt: skip
    listed = [{"Id": container_id, "Names": ["/web"], "State": state.get("Status")}]
    contents = {
        "info": {"SystemTime": stamp(0)},
        "containers": listed if state else [],
        "container-inspect": {container_id: inspected} if state else {},
        "events": events,
    }
    with remembering(Memory(contents)) as client:
        return read_timeline(client, *names, since=since)


def test_signals_codes_health_and_lack_of_memory() -> None:
    timeline = read(
        [
            event(-100, "create"), event(-99, "start"),
            event(-90, "health_status: unhealthy"), event(-80, "exec_create: test"),
            event(-70, "kill", signal="15"), event(-60, "oom"), event(-59, "die", exitCode="137"),
        ],
        "web", Status="exited", OOMKilled=True, ExitCode=137,
    )  # fmt: skip
    (lane,) = timeline.lanes
    told = [(one.action, one.detail, one.health) for one in lane.moments]
    assert told == [
        ("create", None, ""), ("start", None, ""), ("health_status", None, "unhealthy"),
        ("kill", 15, ""), ("oom", None, ""), ("die", 137, ""),
    ]  # fmt: skip
    assert lane.oom_killed


def test_podmans_words() -> None:
    events = [
        event(-100, "create"), event(-99, "init"), event(-98, "start"),
        event(-50, "died", containerExitCode="1"), event(-49, "cleanup"), event(-48, "remove"),
    ]  # fmt: skip
    (lane,) = read(events, "web").lanes
    assert [one.action for one in lane.moments] == ["create", "start", "die", "destroy"]
    assert (lane.state, lane.exit_code) == ("removed", 1)


def test_what_was_before_the_window_tells_how_it_begins() -> None:
    events = [event(-100, "create"), event(-99, "start"), event(-20, "pause")]
    timeline = read(events, "web", since="30s", Status="paused")
    (lane,) = timeline.lanes
    assert timeline.begin == NOW - timedelta(seconds=30)
    assert [(span.state, span.witnessed) for span in lane.spans] == [
        ("running", True), ("paused", True),
    ]  # fmt: skip
    assert lane.spans[0].begin == timeline.begin
    assert [one.action for one in lane.moments] == ["pause"]


def test_without_events_the_states_are_inferred() -> None:
    (lane,) = read([], "web", Status="running", StartedAt=stamp(-40)).lanes
    assert [(span.state, span.witnessed) for span in lane.spans] == [
        ("created", False), ("running", False),
    ]  # fmt: skip
    assert lane.spans[1].begin == NOW - timedelta(seconds=40)


def test_a_removed_one_by_its_old_name_and_the_newest_of_two() -> None:
    events = [
        event(-100, "create", "a" * 64), event(-90, "destroy", "a" * 64),
        event(-80, "create", "b" * 64), event(-70, "destroy", "b" * 64),
    ]  # fmt: skip
    assert [lane.id[0] for lane in read(events, "web").lanes] == ["b"]
    assert [lane.id[0] for lane in read(events).lanes] == ["a", "b"]
    with pytest.raises(UnknownNameError, match="No container 'nowhere'"):
        read(events, "nowhere")


@pytest.mark.parametrize(
    ("since", "seconds"),
    [("10m", 600), ("1h30m", 5400), ("1.5s", 1.5), ("250ms", 0.25), ("2d", 172_800), (45, 45),
     (timedelta(minutes=2), 120), (NOW - timedelta(seconds=7), 7), (stamp(-9), 9)],
)  # fmt: skip
def test_since(since: Any, seconds: float) -> None:
    timeline = read([], "web", since=since, Status="running", StartedAt=stamp(-99))
    assert timeline.now - timeline.begin == timedelta(seconds=seconds)


@pytest.mark.parametrize("since", ["soon", "", "10", "-5m", "9" * 400 + "d", stamp(60), -3, 0])
def test_no_time_in_the_past(since: Any) -> None:
    with pytest.raises(UsageError, match="no time in the past"):
        read([], "web", since=since, Status="running", StartedAt=stamp(-99))

"""The states a container went through, from the engine's events and its present state."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from dockerlab.facts.times import from_seconds, from_text
from dockerlab.facts.values import State, StateChange

_STATES: Mapping[str, State] = {
    "created": "created",
    "running": "running",
    "paused": "paused",
    "restarting": "restarting",
    "removing": "removing",
    "exited": "exited",
    "dead": "dead",
    # Podman's own names.
    "configured": "created",
    "initialized": "created",
    "stopping": "running",
    "stopped": "exited",
}
_ACTIONS = {"died": "die", "remove": "destroy", "init": "", "cleanup": ""}
_ENDING_SIGNALS = frozenset((9, 15))


def state_of(inspected: Mapping[str, Any]) -> State:
    """Return the state that GET /containers/{id}/json tells."""
    status = str((inspected.get("State") or {}).get("Status") or "created")
    return _STATES.get(status, "created")


def path_of(
    events: Sequence[Mapping[str, Any]], inspected: Mapping[str, Any] | None
) -> tuple[StateChange, ...]:
    """Put together the way a container went.

    Parameters
    ----------
    events : sequence of mapping
        The container's events, oldest first (GET /events); the engine keeps only its last 256.
    inspected : mapping or None
        GET /containers/{id}/json; None for a container that is gone.

    Returns
    -------
    tuple of StateChange
        What the events don't tell but the present state implies has `witnessed` False.
    """
    data = inspected or {}
    path = _witnessed(events, _policy(data))
    if not path or path[0].action != "create":
        path[:0] = _before(path, data)
    if inspected is not None:
        path = _up_to_now(path, data)
    return tuple(path)


def _policy(inspected: Mapping[str, Any]) -> str:
    host = inspected.get("HostConfig") or {}
    return str((host.get("RestartPolicy") or {}).get("Name") or "no")


class _Walk:
    """Follows events; a signal sent or a lack of memory explains the end that follows it."""

    def __init__(self, policy: str) -> None:
        self.policy = policy
        self.path: list[StateChange] = []
        self.signal = 0
        self.stopped = False
        self.out_of_memory = False
        self.announced = False
        self.podman = False

    def see(self, action: str, event: Mapping[str, Any]) -> None:
        attributes = (event.get("Actor") or {}).get("Attributes") or {}
        at = from_seconds(event.get("time"))
        if event.get("timeNano"):
            at = from_seconds(int(event["timeNano"]) / 1e9)
        last = self.path[-1] if self.path else None
        self.podman = "containerExitCode" in attributes
        if action == "kill":
            self.signal = _number(attributes.get("signal")) or 0
        elif action == "oom":
            self.out_of_memory = True
        elif action == "die":
            code = _number(attributes.get("exitCode", attributes.get("containerExitCode")))
            self.path.append(StateChange("exited", self._cause(code), at, code))
            self.out_of_memory = False
        elif action == "stop" and last and last.state == "exited":
            self.path[-1] = replace(last, action="stop")
        elif action == "stop":
            self.stopped = True  # the engine may tell of the stop before the end it brought
        elif action == "restart" and self.podman:
            # Podman tells of it before the stop and start it consists of; of its policy's, after
            ended = last is not None and last.state == "exited"
            self.announced = not (ended and last and self.would_restart(last))
        elif action == "restart" and last and last.state == "running":
            self._restarted()
        elif action == "start":
            self._start(StateChange("running", "start", at))
        elif action in _SIMPLE:
            self.path.append(StateChange(_SIMPLE[action], _WORDS.get(action, action), at))

    def _cause(self, code: int | None) -> str:
        if self.out_of_memory:
            return "oom"
        if self.stopped or self.announced:
            return "stop"
        if self.podman and code in {128 + signal for signal in _ENDING_SIGNALS}:
            return ""  # it does not always tell of the signals it sends
        ended_by_signal = self.signal in _ENDING_SIGNALS or code == 128 + self.signal
        return "kill" if self.signal and ended_by_signal else "end"

    def _start(self, change: StateChange) -> None:
        last = self.path[-1] if self.path else None
        if last and last.state == "exited" and not self.announced and self.would_restart(last):
            self.path[-1] = replace(last, state="restarting", action="policy")
            change = replace(change, action="policy")
        if self.announced:
            change = replace(change, action="restart")
        self.signal = 0
        self.stopped = self.announced = False
        self.path.append(change)

    def _restarted(self) -> None:
        # A restart is a stop and a start, of which only the start has an event of its own.
        self.path[-1] = replace(self.path[-1], action="restart")
        if len(self.path) > 1 and self.path[-2].action == "kill":
            self.path[-2] = replace(self.path[-2], action="stop")

    def would_restart(self, end: StateChange) -> bool:
        """Whether the restart policy answers this end with a start of its own."""
        if end.action in ("stop", "kill"):
            return False
        wanted = self.policy in ("always", "unless-stopped")
        return wanted or (self.policy == "on-failure" and end.exit_code != 0)


_SIMPLE: Mapping[str, State] = {
    "create": "created",
    "pause": "paused",
    "unpause": "running",
    "destroy": "removed",
}
_WORDS = {"destroy": "rm"}


def _witnessed(events: Sequence[Mapping[str, Any]], policy: str) -> list[StateChange]:
    walk = _Walk(policy)
    for event in events:
        action = str(event.get("Action") or event.get("status") or "")
        walk.see(_ACTIONS.get(action, action), event)
    return walk.path


def _before(path: Sequence[StateChange], inspected: Mapping[str, Any]) -> list[StateChange]:
    """Infer what was before the first event that is still known."""
    created = from_text(inspected.get("Created"))
    before = [StateChange("created", "create", created, witnessed=False)]
    first = path[0] if path else None
    if first and (first.action == "unpause" or first.state in ("paused", "exited", "restarting")):
        before.append(StateChange("running", "start", witnessed=False))
    if first and first.action == "unpause":
        before.append(StateChange("paused", "pause", witnessed=False))
    return before


def _up_to_now(path: list[StateChange], inspected: Mapping[str, Any]) -> list[StateChange]:
    """Add what the present state tells and no event did."""
    now = state_of(inspected)
    last = path[-1]
    if last.state == now:
        return path
    if now == "restarting" and last.state == "exited":
        return [*path[:-1], replace(last, state=now, action="policy")]
    state = inspected.get("State") or {}
    started = from_text(state.get("StartedAt"))
    if last.state == "created" and started and now != "running":
        path = [*path, StateChange("running", "start", started, witnessed=False)]
    ended = now in ("exited", "restarting")
    inferred = StateChange(
        state=now,
        action=_implied(last.state, now),
        at=started if now == "running" else from_text(state.get("FinishedAt")) if ended else None,
        exit_code=_number(state.get("ExitCode")) if ended else None,
        witnessed=False,
    )
    if ended and state.get("OOMKilled"):
        inferred = replace(inferred, action="oom")
    return [*path, inferred]


def _implied(before: State, now: State) -> str:
    """Return the action without an event, empty where there is more than one way it can be."""
    if now == "running":
        return "unpause" if before == "paused" else "start"
    return {"paused": "pause", "restarting": "policy", "removing": "rm", "dead": "rm"}.get(now, "")


def _number(value: object) -> int | None:
    try:
        return int(str(value))
    except ValueError:
        return None

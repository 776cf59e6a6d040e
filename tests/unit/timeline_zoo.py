"""Made-up containers over time, for the timeline's tests: small, large and hostile."""

from datetime import UTC, datetime, timedelta

from dockerlab.facts import Lane, Moment, Span, State, Timeline

START = datetime(2026, 1, 1, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def lane(name: str, *steps: tuple[float, State, str], now: float, code: int | None = None) -> Lane:
    """Make a lane from steps: when, which state, which event."""
    ends = [at(step[0]) for step in steps[1:]] + [at(now)]
    spans = [
        Span(state, at(seconds), end)
        for (seconds, state, _action), end in zip(steps, ends, strict=True)
        if state != "removed"
    ]
    moments = tuple(
        Moment(at(seconds), action, code if action == "die" else None)
        for seconds, _state, action in steps
    )
    return Lane(f"id-{name}", name, "busybox", steps[-1][1], tuple(spans), moments, code)


def ended(name: str, begin: float, now: float, code: int = 0) -> Lane:
    return lane(
        name, (begin, "created", "create"), (begin + 0.4, "running", "start"),
        (begin + 5, "exited", "die"), now=now, code=code,
    )  # fmt: skip


def crowd(count: int) -> Timeline:
    now = count * 3.0 + 10
    lanes = [ended(f"worker-{number:03}", number * 3.0, now, number % 4) for number in range(count)]
    return Timeline(START, at(now), tuple(lanes))


def hostile_timeline(text: str) -> Timeline:
    spans = (Span("created", at(0), at(1)), Span("running", at(1), at(9), witnessed=False))
    moments = (
        Moment(at(0), "create"),
        Moment(at(1), text),
        Moment(at(2), "health_status", health=text),
        Moment(at(9), "kill", 64),
        Moment(at(9), "die", 255),
        Moment(at(9), "destroy"),
    )
    lanes = (
        Lane(text, text, text, "removed", spans, moments, 255, True, 7, text),
        Lane(text, "", text, "running", spans, moments, None, False, 1, text),
    )
    return Timeline(START, at(10), lanes)

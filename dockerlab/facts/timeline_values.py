"""Containers over time, as frozen values: times in UTC."""

from dataclasses import dataclass
from datetime import datetime

from dockerlab.facts.values import State


@dataclass(frozen=True)
class Moment:
    """One event of a container.

    Parameters
    ----------
    at : datetime
        When.
    action : str
        The engine's word: "create", "start", "kill", "die", "pause", "health_status", "destroy", …
    detail : int or None
        A "kill"'s signal, a "die"'s exit code.
    health : str
        What a "health_status" told: "healthy" or "unhealthy".
    """

    at: datetime
    action: str
    detail: int | None = None
    health: str = ""


@dataclass(frozen=True)
class Span:
    """A stretch of time in one state.

    Parameters
    ----------
    witnessed : bool
        Whether an event tells how it began; otherwise it follows from the present state.
    """

    state: State
    begin: datetime
    end: datetime
    witnessed: bool = True


@dataclass(frozen=True)
class Lane:
    """One container over the time shown.

    Parameters
    ----------
    spans : tuple of Span
        Its states one after the other, within the time shown; none after its removal.
    moments : tuple of Moment
        Its events within the time shown, in order.
    exit_code : int or None
        Of the last process that ended.
    restarts : int
        How often its restart policy has started it again.
    health : str
        What its last health check said; empty where it has none.
    """

    id: str
    name: str
    image: str
    state: State
    spans: tuple[Span, ...] = ()
    moments: tuple[Moment, ...] = ()
    exit_code: int | None = None
    oom_killed: bool = False
    restarts: int = 0
    health: str = ""


@dataclass(frozen=True)
class Timeline:
    """Containers over time: what one timeline picture shows.

    Parameters
    ----------
    begin, now : datetime
        The time shown, up to the moment the engine was asked, by the engine's own clock.
    lanes : tuple of Lane
        Oldest first.
    """

    begin: datetime
    now: datetime
    lanes: tuple[Lane, ...] = ()

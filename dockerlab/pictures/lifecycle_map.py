"""The state machine of a container: where each state stands, and what leads from one to another."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from dockerlab.facts import State
from dockerlab.language import _
from dockerlab.pictures.svg import Anchor

PILL_WIDTH = 136
PILL_HEIGHT = 40

PLACES: Mapping[State, tuple[int, int]] = {
    "created": (108, 142),
    "running": (410, 142),
    "paused": (712, 142),
    "removing": (108, 262),
    "exited": (410, 262),
    "restarting": (712, 262),
    "removed": (108, 356),
    "dead": (410, 356),
}
"""Centres of the states: what works stands at the top, what has ended in the middle."""


@dataclass(frozen=True)
class Edge:
    """One arrow.

    Parameters
    ----------
    start, end : tuple
        Where it begins and ends.
    label : tuple
        Where its words stand: x, the first line's y, anchor.
    badge : tuple
        Where the numbers of the way stand.
    actions : tuple of str
        What leads along it, in the facts' words.
    """

    start: tuple[int, int]
    end: tuple[int, int]
    label: tuple[int, int, Anchor]
    badge: tuple[int, int]
    actions: tuple[str, ...]


_Arrow = tuple[State | None, State]

EDGES: Mapping[_Arrow, Edge] = {
    (None, "created"): Edge((108, 88), (108, 120), (126, 104, "start"), (108, 101), ("create",)),
    ("created", "running"): Edge(
        (176, 142), (341, 142), (262, 130, "middle"), (222, 142), ("start",)
    ),
    ("running", "paused"): Edge(
        (478, 132), (643, 132), (576, 122, "middle"), (524, 132), ("pause",)
    ),
    ("paused", "running"): Edge(
        (644, 152), (479, 152), (560, 170, "middle"), (612, 152), ("unpause",)
    ),
    ("running", "exited"): Edge(
        (386, 162), (386, 241), (352, 186, "end"), (386, 189), ("stop", "kill", "end", "oom")
    ),
    ("exited", "running"): Edge(
        (434, 242), (434, 163), (462, 206, "start"), (434, 215), ("start", "restart")
    ),
    ("running", "restarting"): Edge(
        (472, 158), (664, 241), (612, 204, "start"), (590, 209), ("policy",)
    ),
    ("restarting", "running"): Edge(
        (646, 252), (454, 163), (524, 238, "start"), (544, 205), ("delay",)
    ),
    ("restarting", "exited"): Edge(
        (644, 268), (479, 268), (562, 286, "middle"), (604, 268), ("stop",)
    ),
    ("created", "removing"): Edge((108, 162), (108, 241), (126, 205, "start"), (108, 200), ("rm",)),
    ("exited", "removing"): Edge((342, 262), (177, 262), (258, 251, "middle"), (292, 262), ("rm",)),
    ("removing", "removed"): Edge(
        (108, 282), (108, 335), (126, 313, "start"), (108, 308), ("gone",)
    ),
    ("removing", "dead"): Edge((170, 280), (344, 342), (266, 303, "start"), (246, 307), ("fails",)),
    ("dead", "removed"): Edge((342, 358), (177, 358), (258, 376, "middle"), (292, 358), ("rm",)),
}


def route(start: State | None, end: State) -> tuple[tuple[State | None, State], ...]:
    """Return the arrows from one state to another; events skip states that pass in a moment."""
    if (start, end) in EDGES:
        return ((start, end),)
    through: Mapping[tuple[State | None, State], tuple[State, ...]] = {
        ("created", "removed"): ("removing",),
        ("exited", "removed"): ("removing",),
        ("running", "removed"): ("exited", "removing"),
        ("running", "removing"): ("exited",),
        ("exited", "dead"): ("removing",),
        ("running", "dead"): ("exited", "removing"),
        ("created", "dead"): ("removing",),
        ("paused", "exited"): ("running",),
        ("paused", "removed"): ("running", "exited", "removing"),
        ("restarting", "removed"): ("exited", "removing"),
        ("restarting", "removing"): ("exited",),
        ("exited", "restarting"): ("running",),
    }
    stops = (start, *through.get((start, end), ()), end)
    return tuple((a, b) for a, b in pairwise(stops) if b is not None and (a, b) in EDGES)


def action_word(action: str) -> str:
    """Return what a student types, or what happens by itself."""
    words = {
        "end": _("the process ends"),
        "oom": _("out of memory"),
        "policy": _("it ends: restart policy"),
        "delay": _("after a delay"),
        "gone": _("all of it deleted"),
        "fails": _("removal fails"),
    }
    return words.get(action, action)


def meaning_of(state: State) -> str:
    """Say in a sentence what it means to be in a state."""
    meanings: Mapping[State, str] = {
        "created": _("It has a name, settings and a writable layer, but no process yet."),
        "running": _("Its main process runs; when that process ends, the container has ended."),
        "paused": _("Every process is frozen where it stands; memory and files stay as they are."),
        "restarting": _("Its process ended; the restart policy starts it again after a delay."),
        "removing": _("The engine is deleting it and its writable layer."),
        "exited": _("No process runs; its writable layer and settings stay until docker rm."),
        "dead": _("Its removal failed half-way: it can't be started, only removed again."),
        "removed": _("Container and writable layer are gone; only the engine's events remember."),
    }
    return meanings[state]


def state_word(state: State) -> str:
    """Return a state's name."""
    names: Mapping[State, str] = {
        "created": _("created"),
        "running": _("running"),
        "paused": _("paused"),
        "restarting": _("restarting"),
        "removing": _("removing"),
        "exited": _("exited"),
        "dead": _("dead"),
        "removed": _("removed"),
    }
    return names[state]

"""The visual language: one colour a kind of thing, one look a state, and never colour alone.

Every `Paint` pairs a fill with ink of at least 4.5:1 contrast on it; the tests hold that.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from dockerlab.facts import State, StepOutcome

WIDTH = 820
MARGIN = 24
INNER = WIDTH - 2 * MARGIN
SMALLEST_TEXT = 11

SANS = "Inter, 'Segoe UI', Helvetica, Arial, 'Noto Sans CJK SC', sans-serif"
MONO = "'JetBrains Mono', SFMono-Regular, Menlo, Consolas, 'Liberation Mono', monospace"

CARD = "#ffffff"
CARD_EDGE = "#cbd2d9"
INK = "#1f2933"
SOFT = "#52606d"
FAINT = "#8793a1"
GRID = "#e4e7eb"
PATH = "#0b4f8a"


@dataclass(frozen=True)
class Paint:
    """How a thing is filled, what is written on it, and the line around it."""

    fill: str
    ink: str
    edge: str
    dashed: bool = False


LAYERS = (
    Paint("#0b4f8a", "#ffffff", "#0b4f8a"),
    Paint("#1668ad", "#ffffff", "#1668ad"),
    Paint("#9ccbf0", "#1f2933", "#5ea4d8"),
    Paint("#cfe5f7", "#1f2933", "#8cbfe6"),
)
"""Tints for layers, base first; from the fourth on they stay the lightest."""

FOLDED = Paint("#eef5fb", "#1f2933", "#8cbfe6", dashed=True)
WRITABLE = Paint("#fff7ed", "#1f2933", "#b45309", dashed=True)
CHIP = Paint("#f1f5f9", "#3e4c59", "#cbd2d9")
TAG = Paint("#fef3c7", "#7c3a06", "#d9a514")
IMAGE = Paint("#e3effa", "#0b3f70", "#1668ad")
INDEX = Paint("#ffffff", "#0b3f70", "#1668ad")
DANGLING = Paint("#ffffff", "#3e4c59", "#52606d", dashed=True)
CONTAINER = Paint("#ffffff", "#1f2933", "#9aa5b1")
REGISTRY = Paint("#ede9fe", "#5b21b6", "#8b5cf6")
REPOSITORY = Paint("#f7f5ff", "#4c1d95", "#a78bfa")
HOST = Paint("#f8fafc", "#52606d", "#cbd2d9")
INSIDE = Paint("#f3f8fd", "#0b3f70", "#1668ad", dashed=True)
PROCESS = Paint("#dcf4e3", "#14532d", "#15803d")
PROCESS_BAR = Paint("#15803d", "#ffffff", "#15803d")
SHARED = Paint("#ffffff", "#3e4c59", "#5b6b7b")
NEW = Paint("#15803d", "#ffffff", "#15803d")
GONE = Paint("#ffffff", "#b91c1c", "#b91c1c", dashed=True)
IMAGE_STAGE = Paint("#f3f8fd", "#0b3f70", "#8cbfe6")
OTHER_STAGE = Paint("#ffffff", "#3e4c59", "#9aa5b1", dashed=True)

STATES: Mapping[State, Paint] = {
    "created": Paint("#5b6b7b", "#ffffff", "#5b6b7b"),
    "running": Paint("#15803d", "#ffffff", "#15803d"),
    "paused": Paint("#b45309", "#ffffff", "#b45309"),
    "restarting": Paint("#7c3aed", "#ffffff", "#7c3aed"),
    "removing": Paint("#6b5b4d", "#ffffff", "#6b5b4d"),
    "exited": Paint("#334155", "#ffffff", "#334155"),
    "dead": Paint("#b91c1c", "#ffffff", "#b91c1c"),
    "removed": Paint("#e9edf1", "#4a5764", "#52606d", dashed=True),
}

OUTCOMES: Mapping[StepOutcome, Paint] = {
    "base": Paint("#0b4f8a", "#ffffff", "#0b4f8a"),
    "ran": Paint("#15803d", "#ffffff", "#15803d"),
    "cached": Paint("#ffffff", "#1f2933", "#475569"),
    "setting": Paint("#f1f5f9", "#3e4c59", "#52606d"),
    "failed": Paint("#b91c1c", "#ffffff", "#b91c1c"),
    "stopped": Paint("#b45309", "#ffffff", "#b45309"),
    "waiting": Paint("#ffffff", "#3e4c59", "#9aa5b1", dashed=True),
    "skipped": Paint("#ffffff", "#3e4c59", "#9aa5b1", dashed=True),
}
"""What became of an instruction of a Dockerfile."""

SYMBOLS: Mapping[State, tuple[str, ...]] = {
    "created": ("M-4,0 a4,4 0 1,0 8,0 a4,4 0 1,0 -8,0 z M-2,0 a2,2 0 1,1 4,0 a2,2 0 1,1 -4,0 z",),
    "running": ("M-3,-5 L5,0 L-3,5 z",),
    "paused": ("M-4,-5 h3 v10 h-3 z", "M1,-5 h3 v10 h-3 z"),
    "restarting": ("M-5,-5 L1,0 L-5,5 z", "M0,-5 L6,0 L0,5 z"),
    "removing": ("M-5,-2 h10 v4 h-10 z",),
    "exited": ("M-4,-4 h8 v8 h-8 z",),
    "dead": ("M-5,-3 l2,-2 l3,3 l3,-3 l2,2 l-3,3 l3,3 l-2,2 l-3,-3 l-3,3 l-2,-2 l3,-3 z",),
}
"""The outline of a state's symbol, around its middle; "removed" has none."""

CHANGES: Mapping[str, str] = {"A": "#15803d", "C": "#92500b", "D": "#b91c1c"}
"""Ink for the marks of added, changed and deleted paths, on a writable layer."""


def layer_paint(depth: int) -> Paint:
    """Return the tint of the layer at a depth counted from the base."""
    return LAYERS[min(depth, len(LAYERS) - 1)]

"""An executable Docker textbook: a real engine proves or corrects every claim.

``import dockerlab as lab``, then `start` a chapter and use the rest: `stack`, `files`,
`tags`, `lifecycle`, `timeline`, `build` and others draw, `predict`, `claim` and `check` teach,
`reset` and `cleanup` tidy up.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dockerlab.course.check import check
    from dockerlab.course.claim import claim
    from dockerlab.course.fetch import fetch
    from dockerlab.course.files import files
    from dockerlab.course.opening import cleanup, reset, start
    from dockerlab.course.port import port
    from dockerlab.course.predict import predict
    from dockerlab.course.progress_report import progress
    from dockerlab.course.show import (
        build,
        compare,
        context,
        lifecycle,
        namespaces,
        pull,
        push,
        registry,
        stack,
        tags,
        timeline,
    )
    from dockerlab.course.terminal import terminal

__all__ = [
    "build",
    "check",
    "claim",
    "cleanup",
    "compare",
    "context",
    "fetch",
    "files",
    "lifecycle",
    "namespaces",
    "port",
    "predict",
    "progress",
    "pull",
    "push",
    "registry",
    "reset",
    "stack",
    "start",
    "tags",
    "terminal",
    "timeline",
]

_ELSEWHERE = {
    "check": "check",
    "claim": "claim",
    "cleanup": "opening",
    "fetch": "fetch",
    "files": "files",
    "port": "port",
    "predict": "predict",
    "progress": "progress_report",
    "reset": "opening",
    "start": "opening",
    "terminal": "terminal",
}


def __getattr__(name: str) -> object:
    """Import a name when it is first used: the command line needs none of them."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"dockerlab.course.{_ELSEWHERE.get(name, 'show')}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

"""Which embedded engine an instance has: the one asked for, else the last one, else the usual."""

import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from dockerlab.engine import programs, records
from dockerlab.engine.places import Places
from dockerlab.errors import UsageError
from dockerlab.language import _

STORES = ("overlay2", "containerd")
_SUITE = re.compile(r"[a-z][a-z0-9-]{0,40}")


@dataclass(frozen=True)
class Choice:
    """What an instance was last started with; kept for the next start."""

    suite: str
    store: str


def choose(places: Places, suite: str | None, store: str | None) -> Choice:
    """Fill up what was asked for with the last choice, else with the defaults.

    Raises
    ------
    UsageError
        There is no such store, or the suite's name is none.
    """
    if store is not None and store not in STORES:
        raise UsageError(
            _("There is no image store {store!r}.").format(store=store),
            _("Choose {stores}.").format(stores=_(" or ").join(STORES)),
        )
    if suite is not None and not _SUITE.fullmatch(suite):
        raise UsageError(
            _("{suite!r} is not a suite's name.").format(suite=suite),
            _("One is 'trixie', for example."),
        )
    last = last_choice(places)
    return Choice(
        suite or (last.suite if last else programs.default_suite()),
        store or (last.store if last else STORES[0]),
    )


def last_choice(places: Places) -> Choice | None:
    """Read what the instance was last started with; None before its first start.

    Where that can't be read, the newest data root tells it by its name.
    """
    fields = records.read(_file(places))
    if isinstance(fields, dict) and (kept := _choice(fields.get("suite"), fields.get("store"))):
        return kept
    if not os.path.lexists(_file(places)):
        return None
    roots = [root for root in (places.home / "data").glob("*-*") if root.is_dir()]
    roots.sort(key=lambda root: root.stat().st_mtime, reverse=True)
    known = (_choice(*root.name.rsplit("-", 1)) for root in roots)
    return next((choice for choice in known if choice), None)


def remember(places: Places, choice: Choice | None) -> None:
    """Write down what the instance is started with; None forgets it."""
    if choice:
        records.write(_file(places), asdict(choice))
    else:
        _file(places).unlink(missing_ok=True)


def _choice(suite: object, store: object) -> Choice | None:
    """Give a choice whose suite is a name, never a way out of the cache, and whose store exists."""
    if not isinstance(suite, str) or not isinstance(store, str):
        return None
    return Choice(suite, store) if _SUITE.fullmatch(suite) and store in STORES else None


def _file(places: Places) -> Path:
    return places.home / "choice.json"

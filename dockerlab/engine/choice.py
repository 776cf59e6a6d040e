"""Which embedded engine an instance has: the one asked for, else the last one, else the usual."""

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from dockerlab.engine import programs
from dockerlab.engine.places import Places
from dockerlab.errors import UsageError

STORES = ("overlay2", "containerd")


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
        raise UsageError(f"There is no image store {store!r}.", f"Choose {' or '.join(STORES)}.")
    if suite is not None and not re.fullmatch(r"[a-z][a-z0-9-]*", suite):
        raise UsageError(f"{suite!r} is not a suite's name.", "One is 'trixie', for example.")
    last = last_choice(places)
    return Choice(
        suite or (last.suite if last else programs.default_suite()),
        store or (last.store if last else STORES[0]),
    )


def last_choice(places: Places) -> Choice | None:
    """Read what the instance was last started with; None before its first start."""
    try:
        fields = json.loads(_file(places).read_text())
        return Choice(fields["suite"], fields["store"])
    except (OSError, ValueError, KeyError):
        return None


def remember(places: Places, choice: Choice | None) -> None:
    """Write down what the instance is started with; None forgets it."""
    if choice:
        write_json(_file(places), asdict(choice))
    else:
        _file(places).unlink(missing_ok=True)


def write_json(file: Path, value: object) -> None:
    """Write a file that is never seen half written."""
    temporary = file.with_name(f"{file.name}.new")
    temporary.write_text(json.dumps(value, indent=1), encoding="utf-8")
    temporary.replace(file)


def _file(places: Places) -> Path:
    return places.home / "choice.json"

"""Facts in which every field is filled, and the same facts with hostile text in one field each."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

Field = tuple[str, str]
"""The name of a class and of its field."""


def poisoned(value: Any, text: str) -> Iterator[tuple[Field, Any]]:
    """Give a frozen value again and again, each time with `text` in another of its free strings."""
    yield from _poisoned(value, type(value), ("", ""), text)


def _poisoned(value: Any, hint: Any, place: Field, text: str) -> Iterator[tuple[Field, Any]]:
    if names := _fields(type(value)):
        hints = get_type_hints(type(value))
        for name in names:
            inner = (type(value).__name__, name)
            for found, other in _poisoned(getattr(value, name), hints[name], inner, text):
                yield found, _with(value, name, other)
    elif isinstance(value, tuple):
        for number, member in enumerate(value):
            for found, other in _poisoned(member, _member_hint(hint, number), place, text):
                yield found, (*value[:number], other, *value[number + 1 :])
    elif isinstance(value, str) and _is_free(hint):
        yield place, text


def free_strings(cls: type) -> set[Field]:
    """Return all fields, of a class and of what it is made of, that can hold any text."""
    found: set[Field] = set()
    waiting, seen = [cls], {cls}
    while waiting:
        one = waiting.pop()
        for name, hint in get_type_hints(one).items():
            for part in _parts(hint):
                if part is str:
                    found.add((one.__name__, name))
                elif isinstance(part, type) and _fields(part) and part not in seen:
                    seen.add(part)
                    waiting.append(part)
    return found


def _fields(cls: type) -> tuple[str, ...]:
    """Return the fields of a dataclass or named tuple; none of anything else."""
    if is_dataclass(cls):
        return tuple(one.name for one in fields(cls))
    return getattr(cls, "_fields", ())


def _with(value: Any, name: str, other: Any) -> Any:
    changed = {name: other}
    return replace(value, **changed) if is_dataclass(value) else value._replace(**changed)


def _parts(hint: Any) -> Iterator[Any]:
    if get_origin(hint) in (tuple, UnionType, Union):
        for argument in get_args(hint):
            yield from _parts(argument)
    else:
        yield hint


def _is_free(hint: Any) -> bool:
    return get_origin(hint) is not Literal and str in _parts(hint)


def _member_hint(hint: Any, number: int) -> Any:
    hints = [one for one in (hint, *get_args(hint)) if get_origin(one) is tuple]
    arguments = get_args(hints[0])
    return arguments[0] if arguments[-1] is Ellipsis else arguments[number]

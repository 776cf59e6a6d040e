"""How a small JSON file of ours is kept: locked, written whole, set aside when it is damaged.

Whoever keeps something between two runs gives a frozen dataclass for its shape. What a newer
version of dockerlab added to the file stays in it when this one writes.
"""

import contextlib
import errno
import json
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Generic, TypeVar

import msgspec
from filelock import FileLock

LARGEST = 1_000_000
"""Bytes of the largest file that is read or written: ours have some thousands."""
DEEPEST = 100
"""Levels of the deepest nesting; far below what Python's own reader and writer bear."""
PATIENCE = 30.0
"""Seconds to wait for whoever holds a file."""

_MOST_SET_ASIDE = 10

T = TypeVar("T")


@dataclass(frozen=True)
class Kept(Generic[T]):
    """What a file holds.

    Parameters
    ----------
    value : object or None
        Its value; None where there is no file, or where it was damaged.
    broken : Path or None
        Where the damaged file is that was found; tell the user. It is ``NAME.broken`` beside the
        file, or the file itself where it could not be set aside.
    """

    value: T | None
    broken: Path | None = None


class Held(Generic[T]):
    """A file that nobody else changes meanwhile; see `held`."""

    def __init__(self, path: Path, shape: type[T]) -> None:
        self._path = path
        self._shape = shape
        self.kept: Kept[T]
        self._found: object = None
        try:
            self._found = _parsed(path)
            self.kept = Kept(None if self._found is None else _shaped(self._found, shape))
        except _DamagedError:
            self._found = None
            self.kept = Kept(None, _set_aside(path))

    @property
    def value(self) -> T | None:
        """What the file holds now; None where there is nothing yet."""
        return self.kept.value

    def write(self, value: T) -> None:
        """Put a value in the place of the former one, in one step.

        Raises
        ------
        OSError
            It can't be written; the former one is still there.
        """
        merged = _merged(self._found, value)
        _write(self._path, merged)
        self._found = merged
        self.kept = Kept(value, self.kept.broken)


def read(path: Path, shape: type[T]) -> Kept[T]:
    """Read a file without waiting for those who write it.

    Parameters
    ----------
    path : Path
        The file.
    shape : type
        A frozen dataclass. Types are strict; fields it does not have are no fault.

    Returns
    -------
    Kept
        Its value, and whether it was damaged: then it has been set aside.

    Raises
    ------
    OSError
        There is a file and it can't be read: another user's, say.
    """
    try:
        found = _parsed(path)
        return Kept(None if found is None else _shaped(found, shape))
    except _DamagedError:
        pass
    try:
        with held(path, shape) as file:  # looks again: another one may have set it aside
            return file.kept
    except OSError:  # nothing can be changed there, and nothing has to be
        return Kept(None, path)


def update(path: Path, shape: type[T], change: Callable[[T | None], T]) -> Kept[T]:
    """Read a file, change its value and write it, while nobody else does.

    Parameters
    ----------
    path : Path
        The file. Its folder is made where it is missing.
    shape : type
        A frozen dataclass, as for `read`.
    change : callable
        Gives the new value for the former one; that is None where there is nothing yet, or where
        the file was damaged and has been set aside.

    Returns
    -------
    Kept
        The new value, and where the damaged file is.

    Raises
    ------
    OSError
        It can't be read, locked or written; what was in it is still there.
    """
    with held(path, shape) as file:
        file.write(change(file.value))
        return file.kept


@contextlib.contextmanager
def held(path: Path, shape: type[T], patience: float = PATIENCE) -> Iterator[Held[T]]:
    """Hold a file against all other threads and processes; the end, even a kill, lets it go.

    Parameters
    ----------
    path : Path
        The file; ``NAME.lock`` beside it is the lock. Its folder is made where it is missing.
    shape : type
        A frozen dataclass, as for `read`.
    patience : float
        Seconds to wait for whoever holds it; negative for ever.

    Raises
    ------
    OSError
        It can't be read or locked, or is held for too long (TimeoutError).
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # short naps: several kernels take turns, and a claim should not be seen to wait
    lock = FileLock(_beside(path, "lock"), timeout=patience, mode=0o600, poll_interval=0.005)
    with lock:
        yield Held(path, shape)


class _DamagedError(Exception):
    """What is there is none of our files."""


def _parsed(path: Path) -> object:
    content = _content(path)
    if content is None:
        return None
    try:
        found = json.loads(
            content.decode("utf-8-sig"),
            object_pairs_hook=_object,
            parse_constant=_no_number,
            parse_float=_number,
        )
    except (ValueError, RecursionError) as error:
        raise _DamagedError from error
    if not isinstance(found, dict) or _too_deep(found):
        raise _DamagedError
    return found


def _content(path: Path) -> bytes | None:
    """Read the bytes; a pipe in the file's place is not waited for, a device not listened to."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except FileNotFoundError:
        if path.is_symlink():  # to nowhere
            raise _DamagedError from None
        return None
    except OSError as error:
        # a circle of links; a socket, or a device without a driver
        if error.errno in {errno.ELOOP, errno.ENXIO, errno.ENODEV}:
            raise _DamagedError from error
        raise
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode) or found.st_size > LARGEST:
            raise _DamagedError
        with os.fdopen(handle, "rb", closefd=False) as file:
            content = file.read(LARGEST + 1)
    finally:
        os.close(handle)
    if len(content) > LARGEST:
        raise _DamagedError
    return content


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    made = dict(pairs)
    if len(made) < len(pairs):  # one of two equal keys would be lost by the next write
        raise ValueError
    return made


def _no_number(word: str) -> float:
    raise ValueError(word)


def _number(word: str) -> float:
    number = float(word)
    if number in {float("inf"), float("-inf")}:
        raise ValueError(word)
    return number


def _too_deep(found: object) -> bool:
    level = [found]
    for _depth in range(DEEPEST):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return False
    return True


def _shaped(found: object, shape: type[T]) -> T:
    try:
        return msgspec.convert(found, type=shape)
    except ValueError as error:  # of msgspec, or half of a pair of surrogates where none may be
        raise _DamagedError from error


def _merged(before: object, value: object) -> object:
    """Give a value as JSON takes it, with the fields it does not know as they were before."""
    if is_dataclass(value):
        old = before if isinstance(before, dict) else {}
        new = {each.name: getattr(value, each.name) for each in fields(value)}
        return {**old, **{name: _merged(old.get(name), new[name]) for name in new}}
    if isinstance(value, Mapping):
        old = before if isinstance(before, dict) else {}
        return {str(key): _merged(old.get(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        former = before if isinstance(before, list) else []
        return [_merged(_same(former, inner), inner) for inner in value]
    return value


def _same(former: list[object], value: object) -> object:
    """Find what was in a list for a value that is still in it, wherever it is now."""
    for old in former if is_dataclass(value) else ():
        new = _merged(old, value)
        if isinstance(old, dict) and isinstance(new, dict) and old == {k: new[k] for k in old}:
            return old
    return None


def _write(path: Path, value: object) -> None:
    words = json.dumps(value, indent=1, allow_nan=False, default=msgspec.to_builtins)
    content = words.encode("ascii")
    if len(content) > LARGEST:  # it would not be read again
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(path))
    # one name for all: who holds the lock finds the leftover of whoever was killed, and no other
    draft = _beside(path, "draft")
    draft.unlink(missing_ok=True)
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with os.fdopen(os.open(draft, flags, 0o600), "wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Let the new name outlast a loss of power, on file systems that can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _set_aside(path: Path) -> Path:
    """Rename what is damaged, by a name that is free.

    Raises
    ------
    OSError
        It can't be renamed; or so many were set aside that something else must be wrong.
    """
    names = ["broken", *(f"broken.{number}" for number in range(1, _MOST_SET_ASIDE))]
    for name in names:
        aside = _beside(path, name)
        if not os.path.lexists(aside):
            path.rename(aside)
            return aside
    raise OSError(errno.EEXIST, os.strerror(errno.EEXIST), str(_beside(path, "broken")))


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(f"{path.name}.{ending}")

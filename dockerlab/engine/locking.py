"""One job at a time: locks that are safe to delete together with what they guard."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def locked(file: Path) -> Iterator[None]:
    """Hold the lock ``file``, waiting for whoever holds it; its end, even a kill, frees it.

    Who held it may have deleted the file, and its folder, before letting go: what was waited
    for is then no longer what the next one finds there, so the wait begins again.
    """
    while True:
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            handle = file.open("w")
        except FileNotFoundError:  # the folder went between the two lines
            continue
        with handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            if _is_at(handle.fileno(), file):
                yield
                return


def _is_at(descriptor: int, file: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), file.stat())
    except FileNotFoundError:
        return False

"""One job at a time: locks that are safe to delete together with what they guard."""

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from dockerlab.engine.records import set_aside


@contextlib.contextmanager
def locked(file: Path) -> Iterator[None]:
    """Hold the lock ``file``, waiting for whoever holds it; its end, even a kill, frees it.

    Who held it may have deleted the file, and its folder, before letting go: what was waited
    for is then no longer what the next one finds there, so the wait begins again.
    """
    while True:
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            # never through a link, and never emptying what is there: it may be anybody's
            handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:  # the folder went between the two lines
            continue
        except OSError as error:
            if error.errno not in (errno.EISDIR, errno.ELOOP, errno.ENXIO):
                raise
            set_aside(file)
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            if _is_at(handle, file):
                yield
                return
        finally:
            os.close(handle)


def _is_at(descriptor: int, file: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), file.stat())
    except FileNotFoundError:
        return False

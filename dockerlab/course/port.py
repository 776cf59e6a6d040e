"""A port to publish on: the text's own where it is free, so that no two notebooks clash."""

import os
import socket
import sys
from contextlib import closing

from dockerlab.language import _

_NEARBY = 8000  # above what only root may use
_held: dict[int, socket.socket] = {}


def port(wanted: int) -> int:
    """Give a TCP port of this machine to publish a container on.

    Where the port that the text names is taken, or is not this user's to use, another one is
    given and a sentence says so. A port is kept for this notebook as long as its kernel runs, so
    that another notebook of the course, perhaps on another engine, gets another.

    Parameters
    ----------
    wanted : int
        The port as the text types it: 80, 5000.

    Returns
    -------
    int
        The port to use, as in ``!docker run -p {web}:80 nginx``.

    Raises
    ------
    OSError
        This machine has no port left.
    """
    chosen = next(found for found in _candidates(wanted) if _hold(found))
    if chosen != wanted:
        words = _("Port {wanted} is taken or not yours to use; this notebook takes {chosen}.")
        sys.stdout.write(words.format(wanted=wanted, chosen=chosen) + "\n")
    return chosen


def _candidates(wanted: int) -> list[int]:
    nearby = range(_NEARBY + wanted % 1000, _NEARBY + wanted % 1000 + 100)
    return [wanted, *nearby, *(_any_free() for _again in range(100))]


def _hold(number: int) -> bool:
    """Keep a port for this kernel; False where it is taken or another kernel keeps it.

    The port itself must stay open for the engine, so what is bound is a name that ends with the
    process: Linux's abstract sockets are one to a machine, as its ports are.
    """
    if number in _held:
        return True
    if not _is_free(number):
        return False
    if not sys.platform.startswith("linux"):
        return True
    mark = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        mark.bind(f"\0dockerlab-port-{number}")
    except OSError:
        mark.close()
        return False
    _held[number] = mark
    return True


def _is_free(number: int) -> bool:
    with closing(socket.socket()) as trial:
        if os.name == "posix":  # a connection that has just ended does not hold its port
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("", number))
        except OSError:
            return False
        return True


def _any_free() -> int:
    with closing(socket.socket()) as trial:
        trial.bind(("", 0))
        return int(trial.getsockname()[1])

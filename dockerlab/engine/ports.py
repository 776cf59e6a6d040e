"""TCP ports of this machine's loopback: which are free, and who has the others."""

import socket
from contextlib import closing, suppress

import psutil

from dockerlab.errors import HubError
from dockerlab.language import _

LOOPBACK = "127.0.0.1"


def free_port(port: int) -> int | None:
    """Give ``port`` when it is free (of port 0: any free one), else None."""
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return None
        return int(probe.getsockname()[1])


def require_free(port: int) -> None:
    """Refuse a port that is taken, and say by whom.

    Raises
    ------
    HubError
        Another program listens there, or this user may not.
    """
    if free_port(port) is not None:
        return
    who = listener(port)
    raise HubError(
        _("Port {port} is taken by {program}.").format(port=port, program=who)
        if who
        else _("Port {port} is taken, or not yours to use.").format(port=port),
        _("Leave out --port, or choose another."),
    )


def listener(port: int) -> str | None:
    """Name the program that listens on a port and its process ID, where this user may see it."""
    for connection in psutil.net_connections("tcp"):
        if (
            connection.status == psutil.CONN_LISTEN
            and getattr(connection.laddr, "port", None) == port
            and connection.pid
        ):
            with suppress(psutil.Error):
                return f"{psutil.Process(connection.pid).name()} ({connection.pid})"
    return None

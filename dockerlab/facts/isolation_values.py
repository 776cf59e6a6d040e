"""A container as the process it is: what it has of its own and what it shares, as frozen values."""

from dataclasses import dataclass
from typing import Literal

from dockerlab.facts.values import State

NamespaceKind = Literal["mnt", "pid", "net", "uts", "ipc", "user", "cgroup", "time"]
KINDS: tuple[NamespaceKind, ...] = ("mnt", "pid", "net", "uts", "ipc", "user", "cgroup", "time")
"""Linux's namespaces, by their names in /proc/PID/ns."""

Sharing = Literal["own", "host", "container", "unknown"]
Sight = Literal["here", "helper", "settings"]
"""How it was seen: in this machine's /proc, by a helper container, or not beyond its settings."""
Obstacle = Literal["", "stopped", "no helper", "refused"]
"""Why only its settings are known: no process, no image for a helper, or no helper allowed."""


@dataclass(frozen=True)
class Namespace:
    """One of a container's namespaces.

    Parameters
    ----------
    own, host : int or None
        The number of the namespace the container is in, and of the host's; None where not seen.
    sharing : Sharing
        Whose it is: the container's own, the host's, or another container's.
    other : str
        The other container's name.
    """

    kind: NamespaceKind
    sharing: Sharing
    own: int | None = None
    host: int | None = None
    other: str = ""


@dataclass(frozen=True)
class Process:
    """A process of a container, as the host sees it.

    Parameters
    ----------
    pid : int
        Its number on the host.
    inside : int or None
        Its number in the container; None where it can't be seen.
    user : str
        As `docker top` prints it: the name that the host knows for the user's number.
    """

    pid: int
    inside: int | None
    user: str
    command: str


@dataclass(frozen=True)
class Limit:
    """What a container may use of a resource.

    Parameters
    ----------
    resource : str
        "memory" (bytes), "cpu" (processors) or "pids" (processes).
    asked : float or None
        What `docker run` asked for; None for no limit.
    kept : float or None
        What the kernel keeps to, from the cgroup; None for no limit, or not seen.
    used : float or None
        How much is in use now.
    file : str
        The cgroup file that says so; empty where it can't be seen.
    """

    resource: Literal["memory", "cpu", "pids"]
    asked: float | None
    kept: float | None = None
    used: float | None = None
    file: str = ""


@dataclass(frozen=True)
class RootFilesystem:
    """What a container sees as /.

    Parameters
    ----------
    kind : str
        The file system or storage driver.
    folder : str
        Where the host has it; empty where the engine doesn't tell.
    lower : int
        How many read-only folders lie under the writable one; 0 where not seen.
    read_only : bool
        Whether the container can't write to it.
    """

    kind: str
    folder: str = ""
    lower: int = 0
    read_only: bool = False


@dataclass(frozen=True)
class Isolation:
    """A container as the host sees it.

    Parameters
    ----------
    sight : Sight
        How it was seen.
    obstacle : Obstacle
        Why it wasn't, where only its settings are known.
    capabilities : tuple of str
        What even its root may do, without the prefix CAP_.
    user : str
        As its settings name it; empty is root.
    uid, host_uid : int or None
        The main process's user number in the container and on the host.
    cgroup : str
        Its path in the cgroup tree.
    cgroup_version : int
        1 or 2; 0 where not seen.
    seccomp : bool or None
        Whether system calls are filtered.
    """

    id: str
    name: str
    image: str
    state: State
    sight: Sight
    namespaces: tuple[Namespace, ...]
    obstacle: Obstacle = ""
    processes: tuple[Process, ...] = ()
    limits: tuple[Limit, ...] = ()
    capabilities: tuple[str, ...] = ()
    privileged: bool = False
    user: str = ""
    uid: int | None = None
    host_uid: int | None = None
    root: RootFilesystem | None = None
    cgroup: str = ""
    cgroup_version: int = 0
    seccomp: bool | None = None

"""A container as the host's process: read from its settings, /proc and its cgroup."""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import docker
from docker.errors import DockerException
from requests.exceptions import RequestException

from dockerlab.facts.capabilities import from_mask, from_settings
from dockerlab.facts.isolation_values import (
    KINDS,
    Isolation,
    Limit,
    Namespace,
    NamespaceKind,
    Obstacle,
    Process,
    RootFilesystem,
    Sharing,
    Sight,
)
from dockerlab.facts.names import Thing, asking, find_container, inspect_container
from dockerlab.facts.sight import (
    Files,
    cgroup_paths,
    helper_image,
    look_here,
    look_through_helper,
)
from dockerlab.facts.states import state_of

Json = Mapping[str, Any]

_UNLIMITED = 2**60
"""From here on a cgroup's number is its way of writing "no limit"."""
_MOST_PROCESSES = 50


def read_isolation(client: docker.DockerClient, thing: Thing) -> Isolation:
    """Read what a container has of its own and what it shares with the host.

    Raises
    ------
    UnknownNameError
        There is no such container; the error names the nearest one.
    EngineError
        The engine doesn't answer.

    Notes
    -----
    GET /containers/{id}/json, GET /containers/{id}/top and GET /info; then, of a running
    container, /proc and /sys/fs/cgroup of the machine the engine runs on: read here where that is
    this machine, else by a short-lived container of the image `busybox`, if the engine has it.
    """
    data = inspect_container(client, thing)
    with asking():
        info: Json = client.api.info()
    container_id = str(data.get("Id") or "")
    host: Json = data.get("HostConfig") or {}
    main = int((data.get("State") or {}).get("Pid") or 0)
    processes = _processes(client, container_id, main) if main else []
    pids = [process.pid for process in processes]
    sight, obstacle, files = _look(client, container_id, pids)
    config: Json = data.get("Config") or {}
    status = files.get("status", "")
    host_uid = _number(_field(status, "Uid"))
    return Isolation(
        id=container_id,
        name=str(data.get("Name") or "").lstrip("/"),
        image=str(config.get("Image") or ""),
        state=state_of(data),
        sight=sight,
        obstacle=obstacle,
        namespaces=tuple(
            _namespace(client, kind, files, host, _separate_users(info)) for kind in KINDS
        ),
        processes=tuple(_with_inside(process, files) for process in processes),
        limits=tuple(_limits(host, files)),
        capabilities=_capabilities(host, data, status),
        privileged=bool(host.get("Privileged")),
        user=str(config.get("User") or ""),
        uid=_inside_uid(host_uid, files.get("uid_map", "")),
        host_uid=host_uid,
        root=_root(data, host, files.get("mountinfo", "")),
        cgroup=_cgroup(files),
        cgroup_version=_version(files),
        seccomp=_field(status, "Seccomp") != "0" if _field(status, "Seccomp") else None,
    )


def _look(
    client: docker.DockerClient, container_id: str, pids: list[int]
) -> tuple[Sight, Obstacle, Files]:
    if not pids:
        return "settings", "stopped", {}
    seen = look_here(container_id, pids)
    if seen is not None:
        return "here", "", seen
    image_id = helper_image(client)
    if image_id is None:
        return "settings", "no helper", {}
    seen = look_through_helper(client, image_id, pids)
    return ("settings", "refused", {}) if seen is None else ("helper", "", seen)


def _processes(client: docker.DockerClient, container_id: str, main: int) -> list[Process]:
    """Return what `docker top` tells, the main process first."""
    try:
        told: Json = client.api.top(container_id)
    except (DockerException, RequestException):
        told = {}  # it has just ended, or the host has no `ps`
    titles = [str(title).upper() for title in told.get("Titles") or ()]
    found = [Process(main, None, "", "")]
    for row in told.get("Processes") or ():
        fields = dict(zip(titles, row, strict=False))
        pid = _number(fields.get("PID"))
        command = str(fields.get("CMD") or fields.get("COMMAND") or "")
        user = str(fields.get("UID") or fields.get("USER") or "")
        if pid == main:
            found[0] = Process(pid, None, user, command)
        elif pid:
            found.append(Process(pid, None, user, command))
    # Podman's `top` counts as the container does: its numbers mean nothing on the host.
    return found[:_MOST_PROCESSES] if found[0].command else found[:1]


def _with_inside(process: Process, files: Files) -> Process:
    numbers = _field(files.get(f"status/{process.pid}", ""), "NSpid").split()
    inside = _number(numbers[-1]) if numbers else None
    return Process(process.pid, inside, process.user, process.command)


def _namespace(
    client: docker.DockerClient, kind: NamespaceKind, files: Files, host: Json, separate_users: bool
) -> Namespace:
    own, hosts = (_inode(files.get(f"{whose}/{kind}", "")) for whose in ("ns", "host"))
    mode = _mode(kind, host)
    sharing: Sharing = "host" if mode == "host" else "own"
    if kind == "user" and sharing == "own" and not separate_users:
        sharing = "host"
    if kind == "cgroup" and not mode:
        sharing = "unknown"
    if mode.startswith("container:"):
        sharing = "container"
    if own is not None and hosts is not None and (own == hosts or sharing != "container"):
        sharing = "host" if own == hosts else "own"
    other = _name_of(client, mode.partition(":")[2]) if sharing == "container" else ""
    return Namespace(kind, sharing, own, hosts, other)


def _mode(kind: NamespaceKind, host: Json) -> str:
    """Return what the settings say of a namespace: "host", "container:ID", or another word."""
    keys = {
        "pid": "PidMode", "net": "NetworkMode", "uts": "UTSMode", "ipc": "IpcMode",
        "user": "UsernsMode", "cgroup": "CgroupnsMode",
    }  # fmt: skip
    if kind == "time":
        return "host"  # Docker makes no time namespaces
    return str(host.get(keys.get(kind, "")) or "")


def _separate_users(info: Json) -> bool:
    options = " ".join(str(option) for option in info.get("SecurityOptions") or ())
    return "name=userns" in options or "name=rootless" in options


def _name_of(client: docker.DockerClient, container_id: str) -> str:
    data = find_container(client, container_id) or {}
    return str(data.get("Name") or container_id[:12]).lstrip("/")


def _limits(host: Json, files: Files) -> Iterator[Limit]:
    quota, period = (float(host.get(key) or 0) for key in ("CpuQuota", "CpuPeriod"))
    cpus = float(host.get("NanoCpus") or 0) / 1e9 or max(quota, 0) / (period or 100_000)
    pids = float(host.get("PidsLimit") or 0)
    memory = float(host.get("Memory") or 0)
    kept, file = _first(files, ("memory.max", "memory.limit_in_bytes"), _amount)
    used, _file = _first(files, ("memory.current", "memory.usage_in_bytes"), _amount)
    yield Limit("memory", memory or None, kept, used, file)
    share, file = _first(files, ("cpu.max", "cpu.cfs_quota_us"), lambda text: _cpus(text, files))
    yield Limit("cpu", cpus or None, share, None, file)
    most, file = _first(files, ("pids.max",), _amount)
    running, _file = _first(files, ("pids.current",), _amount)
    yield Limit("pids", pids if pids > 0 else None, most, running, file)


def _first(
    files: Files, names: tuple[str, ...], understand: Callable[[str], float | None]
) -> tuple[float | None, str]:
    for name in names:
        if files.get(name, "").strip():
            return understand(files[name].strip()), name
    return None, ""


def _amount(text: str) -> float | None:
    number = _number(text)
    return None if number is None or number >= _UNLIMITED else float(number)


def _cpus(text: str, files: Files) -> float | None:
    """Read "50000 100000" (v2) or the quota alone (v1), in microseconds."""
    quota, _space, period = text.partition(" ")
    microseconds = _number(quota)
    if microseconds is None or microseconds <= 0:
        return None
    return microseconds / (_number(period or files.get("cpu.cfs_period_us", "")) or 100_000)


def _capabilities(host: Json, data: Json, status: str) -> tuple[str, ...]:
    mask = _field(status, "CapBnd")
    if mask:
        return from_mask(int(mask, 16))
    if data.get("BoundingCaps"):  # Podman tells them itself
        return tuple(sorted(str(name).removeprefix("CAP_") for name in data["BoundingCaps"]))
    return from_settings(
        host.get("CapAdd"), host.get("CapDrop"), privileged=bool(host.get("Privileged"))
    )


def _root(data: Json, host: Json, mountinfo: str) -> RootFilesystem | None:
    driver: Json = data.get("GraphDriver") or {}
    folder = _from_home(str((driver.get("Data") or {}).get("MergedDir") or ""))
    read_only = bool(host.get("ReadonlyRootfs"))
    before, dash, after = mountinfo.partition(" - ")
    if not dash:
        kind = str(driver.get("Name") or data.get("Driver") or "")
        return RootFilesystem(kind, folder, 0, read_only) if kind else None
    lower = re.findall(r"(?:^|[ ,])lowerdir\+?=([^, ]*)", after)
    options = before.split()[5] if len(before.split()) > 5 else ""
    return RootFilesystem(
        kind=after.split()[0],
        folder=folder,
        lower=sum(part.count(":") + 1 for part in lower),
        read_only="ro" in options.split(","),
    )


def _from_home(folder: str) -> str:
    """Write a folder of the user's own as a shell does: shorter, and nobody's name in it."""
    home = str(Path.home())
    return "~" + folder.removeprefix(home) if folder.startswith(f"{home}/") else folder


def _inside_uid(outside: int | None, uid_map: str) -> int | None:
    for line in uid_map.splitlines():
        fields = [_number(field) for field in line.split()]
        if outside is None or len(fields) != 3:
            continue
        inner, outer, length = (field or 0 for field in fields)
        if outer <= outside < outer + length:
            return inner + outside - outer
    return None


def _version(files: Files) -> int:
    if not files.get("cgroup"):
        return 0
    return 1 if "memory" in cgroup_paths(files["cgroup"]) else 2


def _cgroup(files: Files) -> str:
    paths = cgroup_paths(files.get("cgroup", ""))
    return paths.get("memory") or paths.get("", "")


def _field(status: str, name: str) -> str:
    found = re.search(rf"^{name}:[ \t]*(.*)$", status, re.MULTILINE)
    words = found.group(1).strip() if found else ""
    return words.split()[0] if words and name != "NSpid" else words


def _inode(link: str) -> int | None:
    return _number(link.partition("[")[2].rstrip("]\n "))


def _number(value: object) -> int | None:
    text = str(value).strip()
    return int(text) if text.lstrip("-").isdecimal() else None

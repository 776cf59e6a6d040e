"""What containers stand in: the volumes and networks of an engine, and who uses which."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import docker

from dockerlab.facts.names import asking
from dockerlab.facts.times import from_text

_ANONYMOUS = re.compile("[0-9a-f]{64}")

Json = Mapping[str, Any]


@dataclass(frozen=True)
class VolumeUse:
    """A container that a volume is mounted into: by name, where, and whether it may write."""

    container: str
    path: str
    writable: bool = True


@dataclass(frozen=True)
class Volume:
    """A volume on an engine.

    Parameters
    ----------
    anonymous : bool
        Whether the engine made up its name, as it does for VOLUME and ``-v /path``.
    users : tuple of VolumeUse
        The containers it is mounted into, running or not.
    """

    name: str
    driver: str = "local"
    anonymous: bool = False
    created: datetime | None = None
    labels: tuple[tuple[str, str], ...] = ()
    users: tuple[VolumeUse, ...] = ()


@dataclass(frozen=True)
class NetworkMember:
    """A container on a network, with its IPv4 address; without one while it doesn't run."""

    container: str
    address: str = ""


@dataclass(frozen=True)
class Network:
    """A network on an engine.

    Parameters
    ----------
    driver : str
        "bridge", "host", "null" and so on.
    subnets : tuple of str
        As "172.18.0.0/16".
    internal : bool
        Whether it leads nowhere but to its own members.
    members : tuple of NetworkMember
        The containers on it, running or not.
    """

    id: str
    name: str
    driver: str
    scope: str = "local"
    internal: bool = False
    subnets: tuple[str, ...] = ()
    created: datetime | None = None
    labels: tuple[tuple[str, str], ...] = ()
    members: tuple[NetworkMember, ...] = ()


def read_volumes(client: docker.DockerClient) -> tuple[Volume, ...]:
    """Read all volumes and the containers that use them, named ones first.

    Raises
    ------
    EngineError
        The engine doesn't answer.

    Notes
    -----
    GET /volumes and GET /containers/json, once each.
    """
    with asking():
        found: Sequence[Json] = client.api.volumes().get("Volumes") or ()
        containers: Sequence[Json] = client.api.containers(all=True)
    users = defaultdict(list)
    for container in containers:
        for mount in container.get("Mounts") or ():
            if mount.get("Type") == "volume":
                use = VolumeUse(
                    _name(container), str(mount.get("Destination")), bool(mount.get("RW", True))
                )
                users[str(mount.get("Name"))].append(use)
    volumes = (_volume(one, users[str(one.get("Name"))]) for one in found)
    return tuple(sorted(volumes, key=lambda volume: (volume.anonymous, volume.name)))


def read_networks(client: docker.DockerClient) -> tuple[Network, ...]:
    """Read all networks and the containers on them.

    Raises
    ------
    EngineError
        The engine doesn't answer.

    Notes
    -----
    GET /networks and GET /containers/json, once each: the list of networks names no containers,
    and inspecting each would name only those that run.
    """
    with asking():
        found: Sequence[Json] = client.api.networks()
        containers: Sequence[Json] = client.api.containers(all=True)
    members = defaultdict(list)
    for container in containers:
        networks = (container.get("NetworkSettings") or {}).get("Networks") or {}
        for name, told in networks.items():
            member = NetworkMember(_name(container), str((told or {}).get("IPAddress") or ""))
            members[name].append(member)
    return tuple(
        sorted(
            (_network(one, members[str(one.get("Name"))]) for one in found),
            key=lambda network: network.name,
        )
    )


def _volume(fields: Json, users: Sequence[VolumeUse]) -> Volume:
    name = str(fields.get("Name") or "")
    return Volume(
        name=name,
        driver=str(fields.get("Driver") or ""),
        anonymous=bool(_ANONYMOUS.fullmatch(name)),
        created=from_text(fields.get("CreatedAt")),
        labels=_labels(fields),
        users=tuple(sorted(users, key=lambda use: (use.container, use.path))),
    )


def _network(fields: Json, members: Sequence[NetworkMember]) -> Network:
    ranges = (fields.get("IPAM") or {}).get("Config") or ()
    return Network(
        id=str(fields.get("Id") or ""),
        name=str(fields.get("Name") or ""),
        driver=str(fields.get("Driver") or ""),
        scope=str(fields.get("Scope") or ""),
        internal=bool(fields.get("Internal")),
        subnets=tuple(str(one["Subnet"]) for one in ranges if one.get("Subnet")),
        created=from_text(fields.get("Created")),
        labels=_labels(fields),
        members=tuple(sorted(members, key=lambda member: member.container)),
    )


def _name(container: Json) -> str:
    names = container.get("Names") or [str(container.get("Id"))[:12]]
    return str(names[0]).lstrip("/")


def _labels(fields: Json) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((str(k), str(v)) for k, v in (fields.get("Labels") or {}).items()))

"""The embedded engine's network: a bridge, a range of addresses and firewall chains of its own.

Two dockerd on one machine share the names ``docker0``, ``DOCKER``, ``DOCKER-USER`` and so on,
and each flushes those chains when it starts. This engine gets other names, so that neither
harms the other and everything of it can be found and removed.
"""

import ipaddress
import re
import shlex
import socket
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from dockerlab.engine import processes, records
from dockerlab.engine.programs import Programs
from dockerlab.errors import EngineError
from dockerlab.language import _

_FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
_DEVICES = Path("/sys/class/net")
_DATABASE = "*/network/files/local-kv.db"
_TO_ITS_NAME = rb'((?:(?!"inDelete").)*?"name":"bridge","networkType":"bridge")'
_DEFAULT_NETWORK = re.compile(rb'"inDelete":false' + _TO_ITS_NAME, re.DOTALL)
_MARKED_NETWORK = re.compile(rb'"inDelete":true ' + _TO_ITS_NAME, re.DOTALL)
_TABLES = ("nat", "filter", "raw", "mangle")
_TRIES = 5
_NOT_RUN = (126, 127)  # what a shell or the loader says of a program that did not begin
_BRIDGE_PREFIX = "dlab"
# a network's own bridge, and the parents that macvlan and ipvlan networks are given
_NAMED_BY_DOCKER = re.compile(r"\b(?:br|dm|di)-[0-9a-f]{12}\b")
_CANDIDATES = tuple(
    ipaddress.IPv4Network(f"{first}.0.0/16")
    for first in (
        *(f"10.{n}" for n in range(213, 255)),
        *(f"172.{n}" for n in range(31, 15, -1)),
        *(f"10.{n}" for n in range(212, 0, -1)),
    )
)


@dataclass(frozen=True)
class Network:
    """The names and addresses of one embedded engine.

    Parameters
    ----------
    bridge : str
        The default network's bridge.
    chains : str
        What replaces ``DOCKER`` at the start of the names of its firewall chains.
    pool : ipaddress.IPv4Network
        A /16 from which all its networks are taken; the first /24 is the bridge's.
    """

    bridge: str
    chains: str
    pool: ipaddress.IPv4Network

    @property
    def subnet(self) -> ipaddress.IPv4Network:
        """The default network's addresses."""
        return next(self.pool.subnets(new_prefix=24))

    @property
    def gateway(self) -> ipaddress.IPv4Interface:
        """The bridge's own address."""
        return ipaddress.IPv4Interface(f"{self.subnet.network_address + 1}/24")


def choose(key: str, file: Path) -> Network:
    """Choose a range that no route of this machine uses; the last one again where it is free.

    Parameters
    ----------
    key : str
        The instance's eight hexadecimal digits.
    file : Path
        Where the choice is remembered, for the networks kept in the data root lie in it.

    Raises
    ------
    EngineError
        Every private range is in use.
    """
    bridge, chains = _names(key)
    used = list(_routes())
    # engines side by side begin their search at different places, so that one that is
    # stopped seldom finds its range taken by another
    first = int(key, 16) % len(_CANDIDATES)
    last = remembered(file)
    for pool in (*([last] if last else []), *_CANDIDATES[first:], *_CANDIDATES[:first]):
        if not any(pool.overlaps(network) for network in used):
            records.write(file, {"pool": str(pool)})
            return Network(bridge, chains, pool)
    raise EngineError(
        _("Every private address range is routed somewhere on this machine."),
        _("Take down a VPN, or use '--engine current'."),
    )


def remembered(file: Path) -> ipaddress.IPv4Network | None:
    """Read the range that was chosen last; None before the first time."""
    kept = records.read(file)
    pool = kept.get("pool") if isinstance(kept, dict) else None
    # only one of those that are ours to take
    return next((each for each in _CANDIDATES if str(each) == pool), None)


def prepare(network: Network, programs: Programs, folder: Path) -> None:
    """Make the bridge, and in ``folder`` the ``iptables`` that dockerd is to use.

    Raises
    ------
    EngineError
        The kernel or its permissions allow no bridge.
    """
    folder.mkdir(parents=True, exist_ok=True)
    multi = programs.path("xtables-nft-multi")
    for name in ("iptables", "ip6tables"):
        wrapper = folder / name
        wrapper.write_text(
            "#!/bin/sh\n"
            f"# {name} with chains of this engine's own instead of DOCKER…, which belong to\n"
            "# any other Docker on this machine.\n"
            "for word; do\n  shift\n  case $word in DOCKER*) "
            f'word="{network.chains}${{word#DOCKER}}";; esac\n'
            '  set -- "$@" "$word"\ndone\n'
            f'exec {shlex.quote(str(multi))} {name} "$@"\n',
            encoding="utf-8",
        )
        wrapper.chmod(0o755)
    if not (_DEVICES / network.bridge).exists():
        _ip(programs, "link", "add", network.bridge, "type", "bridge")
    _ip(programs, "addr", "flush", "dev", network.bridge)
    _ip(programs, "addr", "add", str(network.gateway), "dev", network.bridge)
    _ip(programs, "link", "set", network.bridge, "up")


def forwarding() -> bool:
    """Tell whether this machine passes packets on from one network to another."""
    return _FORWARDING.read_text().strip() == "1"


def set_forwarding(on: bool) -> None:
    """Switch passing on; where dockerd does it itself, it also drops everyone else's packets."""
    _FORWARDING.write_text("1" if on else "0")


def forwarded_for() -> str | None:
    """Name a bridge that relies on packets being passed on: another engine's, or another's."""
    return next((device.parent.name for device in _DEVICES.glob("*/bridge")), None)


def is_ours(bridge: str) -> bool:
    """Tell whether a bridge of that name belongs to an embedded engine, this one or another."""
    return bridge.startswith(_BRIDGE_PREFIX)


def can_use(programs: Programs) -> bool:
    """Tell whether the programs that know the bridge and the rules are all there."""
    root = programs.root / "usr"
    return (
        all(
            next(root.glob(pattern), None)
            for pattern in ("sbin/xtables-nft-multi", "lib/*/libxtables.so*", "lib/*/libnftnl.so*")
        )
        and (programs.root / "bin/busybox").exists()
    )


def exists(key: str) -> bool:
    """Tell whether the bridge of the engine of that key is there."""
    return (_DEVICES / _names(key)[0]).exists()


def take_down(key: str, programs: Programs, data: Path) -> None:
    """Remove every rule, chain and bridge of the engine of that key, and nothing else.

    Parameters
    ----------
    key : str
        The instance's eight hexadecimal digits.
    programs : Programs
        The engine's ``iptables`` and ``ip``.
    data : Path
        The folder of the instance's data roots, where its networks are recorded.
    """
    bridge, chains = _names(key)
    ours = {bridge, *recorded_devices(data)}
    for program in ("iptables", "ip6tables"):
        for _attempt in range(_TRIES):
            tables = {table: _rules(programs, program, table) for table in _TABLES}
            for rule in (rule for rules in tables.values() for rule in rules if chains in rule):
                ours |= set(_NAMED_BY_DOCKER.findall(rule))
            script = "".join(_deletion(name, rules, ours, chains) for name, rules in tables.items())
            if not script:
                break
            # refused as a whole where another program changed the same rules meanwhile
            _run(programs, f"{program}-restore", "--noflush", said=script)
    for name in ours:
        if (_DEVICES / name).exists():
            _ip(programs, "link", "del", name)


def forget_default_network(data: Path) -> None:
    """Let dockerd make its default network anew, as if it had been about to delete the old one.

    Where it finds its network ``bridge`` of last time, and has address ranges of its own, it
    takes for granted that ``docker0`` is its own too, and deletes it: that is the bridge of any
    other Docker on this machine. The mark has the length of what it replaces, so that nothing
    in the database moves. A database in which nothing can be marked is given up, and the
    networks in it, rather than another Docker's.
    """
    for file in _databases(data):
        content = file.read_bytes()
        marked, count = _DEFAULT_NETWORK.subn(rb'"inDelete":true \1', content)
        if count:
            with file.open("r+b") as database:
                database.write(marked)
        elif b'"name":"bridge"' in content and not _MARKED_NETWORK.search(content):
            file.unlink()


def recorded_devices(data: Path) -> set[str]:
    """List the network devices that the data roots say dockerd made for its networks.

    Its database is read as bytes: names of networks that are long gone are found too, and one
    that a user chose counts only while the device has the address the network had.
    """
    found = set()
    addresses = {
        (name, address.address)
        for name, list_ in psutil.net_if_addrs().items()
        for address in list_
    }
    for file in _databases(data):
        content = file.read_bytes().decode("utf-8", errors="replace")
        found |= set(_NAMED_BY_DOCKER.findall(content))
        for entry in re.findall(r'\{[^{}]*"BridgeIfaceCreator":1,[^{}]*\}', content):
            name = re.search(r'"BridgeName":"([^"]+)"', entry)
            address = re.search(r'"AddressIPv4":"([0-9.]+)/', entry)
            if name and address and (name[1], address[1]) in addresses:
                found.add(name[1])
    return found


def _databases(data: Path) -> Iterator[Path]:
    return (file for file in data.glob(_DATABASE) if file.is_file())


def _names(key: str) -> tuple[str, str]:
    return f"{_BRIDGE_PREFIX}{key}", f"DL{key}".upper()


def _deletion(table: str, rules: list[str], ours: set[str], chains: str) -> str:
    """Write what removes our rules and chains from one table, as iptables-restore reads it."""
    interface = re.compile(rf"-[io] ({'|'.join(map(re.escape, sorted(ours)))})\b")
    own_rules = [
        f"-D{rule[2:]}"
        for rule in rules
        if rule.startswith("-A") and (chains in rule or interface.search(rule))
    ]
    own_chains = [f"-X {rule.split()[1]}" for rule in rules if rule.startswith(f"-N {chains}")]
    if not own_rules and not own_chains:
        return ""
    return "\n".join([f"*{table}", *own_rules, *own_chains, "COMMIT", ""])


def _rules(programs: Programs, program: str, table: str) -> list[str]:
    return _run(programs, program, "-t", table, "-S").stdout.splitlines()


def _ip(programs: Programs, *arguments: str) -> None:
    job = _run(programs, "busybox", "ip", *arguments)
    if job.returncode:
        raise EngineError(
            _("The bridge can't be made or removed: {cause}").format(cause=job.stderr.strip()),
            _("This machine's kernel must allow bridges, and you must be root."),
        )


def _run(
    programs: Programs, program: str, *arguments: str, said: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program of the engine's; one that can't is told from one that refuses."""
    path = programs.path(program)
    with processes.can_run(path):
        job = subprocess.run(
            [path, *arguments], input=said, env=programs.environment(), capture_output=True,
            text=True, errors="replace", check=False,
        )  # fmt: skip
    if job.returncode < 0 or job.returncode in _NOT_RUN:
        raise EngineError(
            _("The program {program} can't be run: {cause}.").format(
                program=path,
                cause=job.stderr.strip() or _("it ended with status {s}").format(s=job.returncode),
            ),
            _("Run 'dockerlab engine repair'."),
        )
    return job


def _routes() -> Iterator[ipaddress.IPv4Network]:
    for line in Path("/proc/net/route").read_text().splitlines()[1:]:
        _, target, _, _, _, _, _, mask, *_ = line.split()
        address, netmask = (
            socket.inet_ntoa(struct.pack("<I", int(word, 16))) for word in (target, mask)
        )
        if netmask != "0.0.0.0":  # noqa: S104 - the default route's mask, nothing is bound
            yield ipaddress.IPv4Network(f"{address}/{netmask}", strict=False)

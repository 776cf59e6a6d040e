"""After a stop the machine is as it was before the start, whatever ran."""

import os
import sys
import time
from pathlib import Path

import psutil
import pytest
from docker.types import IPAMConfig, IPAMPool
from machine import (
    IMAGE,
    SLEEP,
    STUBBORN,
    client_of,
    devices_of,
    in_a_room,
    make_image,
    processes_of,
    published,
    rules,
    says_hello,
    serve,
    stale_shim_sockets,
    traces,
    unpacked,
)

from dockerlab.engine import embedded, programs
from dockerlab.engine.places import Places

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(os.geteuid() != 0, reason="bridges and rules are made by root alone"),
]


def test_a_stop_leaves_nothing_of_all_that_ran(fire: Places) -> None:
    stale = stale_shim_sockets()
    ipv6 = _sysctl("ipv6/conf/all/forwarding")
    embedded.start(fire)
    with client_of(fire) as client:
        make_image(client, unpacked(fire))
        client.volumes.create("kept")
        pool = IPAMConfig(pool_configs=[IPAMPool(subnet="192.168.217.0/24")])
        client.networks.create("plain")
        client.networks.create("explicit", ipam=pool)
        client.networks.create("inner", internal=True)
        client.networks.create("named", options={"com.docker.network.bridge.name": "labfire0"})
        six = IPAMConfig(pool_configs=[IPAMPool(subnet="fd00:217::/64")])
        client.networks.create("six", enable_ipv6=True, ipam=six)
        web = serve(client, None, network="plain")
        client.containers.run(IMAGE, STUBBORN, detach=True, network="explicit", init=True)
        client.containers.run(IMAGE, SLEEP, detach=True, network_mode="host")
        client.containers.run(
            IMAGE, SLEEP, detach=True, network="named", restart_policy={"Name": "always"},
            volumes={"kept": {"bind": "/kept"}}, mem_limit="64m", name="again",
        )  # fmt: skip
        client.containers.run(IMAGE, SLEEP, detach=True, name="paused").pause()
        assert says_hello(published(web))
        devices = devices_of(client, fire)
    assert len(processes_of(fire)) > 10
    assert "labfire0" in devices
    assert devices <= set(psutil.net_if_addrs())
    assert rules(unpacked(fire), "192.168.217")

    begun = time.monotonic()
    assert embedded.stop(fire)
    assert time.monotonic() - begun < 20  # five stubborn ones one after another would take 50

    assert traces(fire, unpacked(fire), devices, "192.168.217", "fd00:217") == []
    assert stale_shim_sockets() <= stale
    assert _sysctl("ipv6/conf/all/forwarding") == ipv6
    assert not embedded.stop(fire)

    embedded.start(fire)
    with client_of(fire) as client:
        assert {c.status for c in client.containers.list(all=True)} == {"exited", "running"}
        assert [c.name for c in client.containers.list()] == ["again"]
        assert client.volumes.get("kept")
        assert {n.name for n in client.networks.list()} > {"plain", "explicit", "named", "six"}


def test_the_engine_is_its_users_alone(fire: Places) -> None:
    running = embedded.start(fire)
    assert fire.socket.stat().st_mode & 0o777 == 0o600
    assert fire.run.stat().st_mode & 0o777 == 0o700
    # where /run is mounted noexec, nothing in it can be a program of dockerd's
    assert [f for f in fire.run.rglob("*") if f.is_file() and os.access(f, os.X_OK)] == []
    assert running.pid in {process.pid for process in processes_of(fire)}


def test_forwarding_is_given_back_by_the_last_engine(fire: Places, tmp_path: Path) -> None:
    """In a network of its own, where no other bridge keeps it on."""
    second = Places(fire.cache, f"{fire.instance}2")
    programs.bring(fire, programs.default_suite())
    done = in_a_room(fire, tmp_path, sys.executable, "-c", _FORWARDING, SECOND=second.instance)
    embedded.remove(second)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["0", "1", "1", "1", "0", "policy", "ACCEPT"]


_FORWARDING = """
import os, subprocess
from pathlib import Path
subprocess.run(["mount", "-t", "tmpfs", "none", "/run"], check=True)
from dockerlab.engine import embedded, programs
from dockerlab.engine.places import Places
first = Places.from_environment()
second = Places(first.cache, os.environ["SECOND"])
switch = Path("/proc/sys/net/ipv4/ip_forward")
switch.write_text("0")
print(switch.read_text())
for step, place in [(embedded.start, first), (embedded.start, second),
                    (embedded.stop, first), (embedded.stop, second)]:
    step(place)
    print(switch.read_text())
brought = programs.bring(first, programs.default_suite())
rules = subprocess.run([brought.path("iptables"), "-S", "FORWARD"], env=brought.environment(),
                       capture_output=True, text=True, check=True).stdout
print("policy", rules.split()[2])
"""


def _sysctl(name: str) -> str:
    return Path("/proc/sys/net", name).read_text()

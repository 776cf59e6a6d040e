"""Several commands at once, and several engines side by side."""

import json
import os
from contextlib import ExitStack

import pytest
from machine import (
    IMAGE,
    client_of,
    devices_of,
    lab,
    make_image,
    processes_of,
    published,
    says_hello,
    serve,
    traces,
    unpacked,
    until,
)

from dockerlab.engine import embedded
from dockerlab.engine.places import Places

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(os.geteuid() != 0, reason="looks at bridges, which root alone has"),
]


def test_two_starts_and_a_stop_at_once(fire: Places) -> None:
    with ExitStack() as stack:
        starters = [stack.enter_context(lab(fire, "engine", "start")) for _ in range(3)]
        said = [starter.communicate(timeout=120) for starter in starters]
    assert [starter.returncode for starter in starters] == [0, 0, 0], said
    assert len({out.splitlines()[-1] for out, _ in said}) == 1
    names = sorted(process.name() for process in processes_of(fire))
    assert names == ["containerd", "docker-registry", "dockerd"]

    embedded.stop(fire)
    with lab(fire, "engine", "start") as starter:
        until((fire.run / "daemon.json").exists, starter)
        assert embedded.stop(fire)  # waits for the start, and then stops what it started
        starter.communicate(timeout=60)
    assert starter.returncode == 0
    assert traces(fire, unpacked(fire), {f"dlab{fire.key}"}) == []

    with lab(fire, "engine", "remove") as remover, lab(fire, "engine", "start") as starter:
        ends = [job.communicate(timeout=120) for job in (remover, starter)]
    assert (remover.returncode, starter.returncode) == (0, 0), ends
    # whichever came first, the engine is whole or gone
    running = embedded.is_running(fire)
    assert running == bool(processes_of(fire))


def test_two_engines_side_by_side(fire: Places, other: Places) -> None:
    """Both start at once, and each has its own addresses, names and ports."""
    with lab(other, "engine", "start") as one, lab(fire, "engine", "start") as two:
        ends = [job.communicate(timeout=120) for job in (one, two)]
    assert (one.returncode, two.returncode) == (0, 0), ends
    first, second = embedded.status(other), embedded.status(fire)
    assert first.running
    assert second.running
    assert len({first.subnet, second.subnet}) == 2
    assert len({first.hub, second.hub}) == 2

    with client_of(other) as a, client_of(fire) as b:
        webs = []
        for client in (a, b):
            make_image(client, unpacked(fire))
            client.networks.create("lab-pair")
            webs.append(serve(client, None, name="lab-pair", network="lab-pair"))
        assert all(says_hello(published(web)) for web in webs)
        assert [len(client.containers.list()) for client in (a, b)] == [1, 1]
        devices = devices_of(b, fire)

        embedded.stop(fire)

        assert traces(fire, unpacked(fire), devices) == []
        assert says_hello(published(webs[0]))
        inside = a.containers.run(
            IMAGE, ["wget", "-q", "-O-", "http://lab-pair/"], network="lab-pair", remove=True
        )
        assert inside == b"hello\n"

    # stopped, the second loses its range to a third party: it moves, its bridge too
    (fire.home / "network.json").write_text(json.dumps({"pool": _pool(first)}))
    moved = embedded.start(fire)
    assert _pool(moved) != _pool(first)
    with client_of(fire) as client:
        told = client.networks.get("bridge").attrs["IPAM"]["Config"][0]["Subnet"]
        assert told == moved.subnet
        assert says_hello(published(serve(client, None)))


def _pool(status: embedded.Status) -> str:
    assert status.subnet
    return status.subnet.replace("/24", "/16")

"""The container as a process: what is its own and what it shares can be told apart."""

from xml.etree import ElementTree as ET

import pytest
from isolation_zoo import isolation

from dockerlab.facts import CAPABILITIES, Isolation, Limit, Namespace, RootFilesystem
from dockerlab.pictures import draw_namespaces

SVG = "{http://www.w3.org/2000/svg}"


def words(view: Isolation) -> str:
    svg = draw_namespaces(view).svg
    return "\n".join("".join(text.itertext()) for text in ET.fromstring(svg).iter(f"{SVG}text"))


def wide(view: Isolation) -> int:
    """Count the bars that reach across host and container."""
    rects = ET.fromstring(draw_namespaces(view).svg).iter(f"{SVG}rect")
    return sum(1 for r in rects if float(r.get("width", 0)) == 584 and r.get("height") == "26")


def test_what_is_shared_is_one_bar_and_says_so() -> None:
    view = isolation()
    assert wide(view) == 3
    assert words(view).count("shared with the host") == 3
    assert words(view).splitlines().count("its own") == 5


def test_both_numbers_of_a_process() -> None:
    told = words(isolation())
    assert "PID 4242 · root" in told
    assert "PID 1 nginx: master" in told
    assert "PID 7 worker" in told


def test_another_containers_network_is_named() -> None:
    view = isolation(namespaces=(Namespace("net", "container", 1, 2, "db"),))
    assert "shared with db" in words(view)
    assert "shared with db" in draw_namespaces(view).text


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        (Limit("memory", 2**26, 2**26, 2**24, "memory.max"), "16 MiB of 64 MiB"),
        (Limit("memory", None, None, 2**24, "memory.max"), "16 MiB, no limit"),
        (Limit("memory", 2**26), "at most 64 MiB"),
        (Limit("memory", 64e6, None, None, "memory.max"), "no limit"),
        (Limit("cpu", 0.5, 0.5, None, "cpu.max"), "at most 0.5"),
        (Limit("pids", None), "no limit"),
        (Limit("pids", 50, 50, 3, "pids.max"), "3 of 50"),
    ],
)
def test_limits_in_words(limit: Limit, said: str) -> None:
    view = isolation(limits=(limit,))
    assert said in words(view).splitlines()
    assert said in draw_namespaces(view).text


@pytest.mark.parametrize(
    ("uid", "host_uid", "said"),
    [(0, 0, "the host's root"), (0, 100_000, "not root outside"), (101, 101, "runs as user 101")],
)
def test_who_it_is_on_the_host(uid: int, host_uid: int, said: str) -> None:
    assert said in draw_namespaces(isolation(uid=uid, host_uid=host_uid)).text


def test_capabilities_are_counted_and_all_named_in_the_text() -> None:
    picture = draw_namespaces(isolation())
    assert "3 of 41 capabilities" in picture.text
    for name in CAPABILITIES:
        assert name in picture.text
    assert "use ports below 1024" in picture.svg
    assert "load kernel modules" in picture.svg


def test_privileged_is_said_first() -> None:
    view = isolation(privileged=True, capabilities=CAPABILITIES)
    assert "Privileged" in draw_namespaces(view).text
    assert "may not" not in words(view)


def test_what_cannot_be_seen_is_said() -> None:
    unseen = (Namespace("mnt", "own"), Namespace("cgroup", "unknown"))
    view = isolation(
        sight="settings", obstacle="no helper", namespaces=unseen, uid=None, host_uid=None,
        root=None, seccomp=None,
    )  # fmt: skip
    picture = draw_namespaces(view)
    assert "docker pull busybox" in picture.text
    assert "from its settings" in picture.text
    assert "can't be seen" in picture.text
    stopped = isolation(state="exited", sight="settings", obstacle="stopped", processes=())
    assert "It has no process now" in draw_namespaces(stopped).text
    assert "none: it is not running" in words(stopped)


def test_a_read_only_root() -> None:
    told = words(isolation(root=RootFilesystem("overlay", "", 3, read_only=True)))
    assert "nothing in it can be written" in told
    assert "a writable one" not in told


def test_same_facts_same_bytes() -> None:
    assert draw_namespaces(isolation()) == draw_namespaces(isolation())

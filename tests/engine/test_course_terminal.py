"""A real terminal in a cell: what is typed into containers, and what the screen shows."""

import time

import pytest
from course_engine import environment_restored

import dockerlab as lab
from dockerlab.engine.stock import stock

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module", autouse=True)
def chapter(places):
    stock(places)
    with environment_restored():
        lab.start("4.1")
        yield
        lab.cleanup("4.1")


@pytest.fixture(autouse=True)
def clean():
    yield
    lab.reset("4.1")


def test_lines_are_typed_when_the_shell_waits():
    run = "docker run -it --rm --hostname box --name lab41-tty debian:12 /bin/bash"
    screen = lab.terminal(run, "echo $((6*7))", "tty", "exit")
    assert screen.status == 0
    assert screen.lines == (
        "root@box:/# echo $((6*7))", "42", "root@box:/# tty", "/dev/pts/0", "root@box:/# exit",
        "exit",
    )  # fmt: skip
    assert screen.text.splitlines()[0] == f"$ {run}"


def test_the_status_is_the_command_s():
    assert lab.terminal("docker run -it --rm busybox sh", "exit 7").status == 7


def test_control_c_reaches_the_container():
    loop = "docker run -it --name lab41-loop busybox sh -c 'while :; do echo on; sleep 1; done'"
    screen = lab.terminal(loop, "Ctrl+C")
    assert screen.status == 130
    assert screen.lines[0] == "on"


def test_detaching_leaves_it_running(docker_cli):
    screen = lab.terminal("docker run -it --name lab41-stay busybox sh", "Ctrl+P Ctrl+Q")
    assert screen.status == 0
    assert docker_cli("container", "inspect", "-f", "{{.State.Status}}", "lab41-stay") == (
        "running\n"
    )


def test_what_never_ends_is_cut_off():
    begun = time.monotonic()
    screen = lab.terminal("docker run -it --rm --name lab41-long busybox sleep 99", timeout=4)
    assert screen.status is None
    assert time.monotonic() - begun < 15


def test_colours_and_hostile_words_become_plain_text():
    screen = lab.terminal(r"printf '\033[31mred\033[0m <script>\033]0;title\007\n'")
    assert screen.lines == ("red <script>",)
    bundle = screen._repr_mimebundle_()
    assert "<script>" not in bundle["text/html"]
    assert "&lt;script&gt;" in bundle["text/html"]

"""The port to publish on: the text's own, or another that nobody has."""

import socket
import subprocess
import sys
from contextlib import closing

import pytest

import dockerlab as lab
from dockerlab.course import port as port_module


@pytest.fixture(autouse=True)
def nothing_held(monkeypatch):
    held = {}
    monkeypatch.setattr(port_module, "_held", held)
    yield
    for mark in held.values():
        mark.close()


@pytest.fixture
def free():
    with closing(socket.socket()) as probe:
        probe.bind(("", 0))
        return probe.getsockname()[1]


def test_a_free_port_is_given_without_a_word(free, capsys):
    assert lab.port(free) == free
    assert capsys.readouterr().out == ""


def test_and_again_in_the_same_notebook(free):
    assert lab.port(free) == lab.port(free)


def test_for_one_that_is_taken_another_is_given_and_a_sentence(free, capsys):
    with closing(socket.socket()) as busy:
        busy.bind(("", free))
        busy.listen()
        other = lab.port(free)
    assert other != free
    assert f"Port {free} is taken" in capsys.readouterr().out


def test_two_notebooks_get_two_ports(free):
    ask = f"import dockerlab as lab; print(lab.port({free}), flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", ask], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as first:
        assert first.stdout.readline().strip() == str(free)
        assert lab.port(free) != free
        first.communicate("\n")

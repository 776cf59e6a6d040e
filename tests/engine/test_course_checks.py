"""What a check does besides judging: what it looks at, and what it leaves."""

import docker
import pytest
from course_engine import builder, environment_restored

import dockerlab as lab
from dockerlab.course import bench
from dockerlab.engine.stock import stock
from dockerlab.errors import UnknownNameError

pytestmark = pytest.mark.engine


@pytest.fixture(autouse=True)
def started(places):
    stock(places)
    with environment_restored():
        lab.start("1")
        lab.start("2.1")
        yield
        lab.cleanup()


def test_the_check_leaves_no_container(docker_cli, tmp_path, client):
    builder(docker_cli, tmp_path)("lab21-tidy", "FROM busybox\nRUN echo 3000000 > /report.txt\n")
    before = len(client.api.containers(all=True))
    lab.check("2.1.a")
    assert len(client.api.containers(all=True)) == before


def test_a_name_without_the_chapter_s_prefix_is_nearly_right():
    client: docker.DockerClient = bench.present().client
    volume = client.volumes.create("shelf")
    try:
        hints = " ".join(lab.check("1.a").hints)
        assert "There is shelf, which is nearly the name" in hints
    finally:
        volume.remove()


def test_every_point_that_is_not_met_has_its_hint():
    hints = " ".join(lab.check("1.b").hints)
    assert "docker network create lab1-street" in hints
    assert "docker run -d --name lab1-house" in hints


def test_a_chapter_checks_all_of_its_exercises():
    report = lab.check("1")
    assert [exercise.id for exercise, __ in report.findings] == ["1.a", "1.b"]
    assert not report.passed
    assert report._repr_mimebundle_()["text/plain"].count("Not yet") == 2


def test_an_unknown_exercise_names_the_nearest():
    with pytest.raises(UnknownNameError, match=r"no exercise '2\.1\.c'.*mean '2\.1\."):
        lab.check("2.1.c")

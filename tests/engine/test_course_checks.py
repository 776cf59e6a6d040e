"""Every check on a real engine: right ways pass, each usual mistake gets its hint."""

import pytest
from course_engine import builder, environment_restored

import dockerlab as lab
from dockerlab.course import bench
from dockerlab.engine.stock import stock
from dockerlab.errors import UnknownNameError

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module", autouse=True)
def images(places):
    """Keep the images between the tests, which start and clean up for themselves."""
    stock(places)
    with environment_restored():
        for number in ("0", "1", "2.1"):
            lab.start(number)
        yield
        lab.cleanup()


@pytest.fixture
def start():
    def start(number):
        lab.reset(number)
        return bench.present().client

    return start


@pytest.fixture
def build(docker_cli, tmp_path):
    return builder(docker_cli, tmp_path)


def the_hint(identity):
    report = lab.check(identity)
    assert not report.passed
    return " ".join(report.hints)


class TestAContainerOfYourOwn:
    @pytest.fixture(autouse=True)
    def client(self, start):
        return start("0")

    def test_right(self, docker_cli):
        docker_cli("run", "--name", "lab0-mine", "busybox", "echo", "hello")
        assert lab.check("0.a").passed

    def test_right_too_through_the_sdk_in_two_steps(self, client):
        client.containers.create("busybox", "date", name="lab0-mine").start()
        client.containers.get("lab0-mine").wait(timeout=20)
        assert lab.check("0.a").passed

    def test_nothing(self):
        assert "docker run --name lab0-mine" in the_hint("0.a")

    def test_a_slip_in_the_name(self, client):
        client.containers.create("busybox", "date", name="lab0-mime")
        assert "There is lab0-mime, which is nearly the name" in the_hint("0.a")

    def test_only_created(self, client):
        client.containers.create("busybox", "date", name="lab0-mine")
        assert "docker start -a lab0-mine" in the_hint("0.a")

    def test_still_running(self, client):
        client.containers.run("busybox", "sleep 60", name="lab0-mine", detach=True)
        assert "has not come to an end" in the_hint("0.a")

    def test_failed(self, client):
        client.containers.run("busybox", "ls /nowhere", name="lab0-mine", detach=True).wait()
        assert "docker logs lab0-mine" in the_hint("0.a")

    def test_no_such_program(self, client):
        box = client.containers.run("busybox", "sh -c ehco", name="lab0-mine", detach=True)
        box.wait(timeout=20)
        assert "127 says" in the_hint("0.a")

    def test_silent(self, client):
        client.containers.run("busybox", "true", name="lab0-mine", detach=True).wait()
        assert "echo hello" in the_hint("0.a")


class TestAnOrderWithoutTheCommand:
    @pytest.fixture(autouse=True)
    def client(self, start):
        return start("1")

    def test_right(self, client):
        client.volumes.create("lab1-shelf", labels={"owner": "me"})
        assert lab.check("1.a").passed

    def test_right_too_in_plain_http(self, client):
        order = {"Name": "lab1-shelf", "Labels": {"owner": "me", "colour": "red"}}
        client.api.post(f"{client.api.base_url}/v1.41/volumes/create", json=order)
        assert lab.check("1.a").passed

    def test_nothing(self):
        assert "client.volumes.create" in the_hint("1.a")

    def test_the_prefix_left_out(self, client):
        client.volumes.create("shelf")
        try:
            assert "There is shelf, which is nearly the name" in the_hint("1.a")
        finally:
            client.volumes.get("shelf").remove()

    def test_another_noun(self, client):
        client.containers.create("busybox", name="lab1-shelf")
        assert "a container of that name" in the_hint("1.a")

    def test_no_label(self, client):
        client.volumes.create("lab1-shelf")
        assert "labels={'owner'" in the_hint("1.a")

    def test_another_label(self, client):
        client.volumes.create("lab1-shelf", labels={"Owner": "me"})
        assert "Its labels are: Owner" in the_hint("1.a")

    def test_an_empty_label(self, client):
        client.volumes.create("lab1-shelf", labels={"owner": ""})
        assert "there, but empty" in the_hint("1.a")


class TestAHouseOnAStreet:
    @pytest.fixture(autouse=True)
    def client(self, start):
        return start("1")

    def test_right(self, docker_cli):
        docker_cli("network", "create", "lab1-street")
        docker_cli(
            "run", "-d", "--name", "lab1-house", "--network", "lab1-street",
            "-v", "lab1-shelf:/shelf", "busybox", "sleep", "60",
        )  # fmt: skip
        assert lab.check("1.b").passed

    def test_right_too_connected_later_and_not_even_running(self, client):
        self.make(client, volumes=["lab1-shelf:/shelf"])
        client.networks.create("lab1-street").connect("lab1-house")
        assert lab.check("1.b").passed

    def test_nothing(self):
        hints = the_hint("1.b")
        assert "docker network create lab1-street" in hints
        assert "docker run -d --name lab1-house" in hints

    def test_on_the_default_network(self, client):
        client.networks.create("lab1-street")
        self.make(client, volumes=["lab1-shelf:/shelf"])
        assert "docker network connect lab1-street lab1-house" in the_hint("1.b")

    def test_a_volume_without_its_name(self, client):
        self.settle(client, volumes=["/shelf"])
        client.volumes.create("lab1-shelf")
        assert "Without a name before the colon" in the_hint("1.b")

    def test_a_folder_of_the_host(self, client):
        client.volumes.create("lab1-shelf")
        self.settle(client, volumes=["/usr:/shelf:ro"])
        assert "A name with a slash means a folder" in the_hint("1.b")

    def test_the_wrong_place(self, client):
        self.settle(client, volumes=["lab1-shelf:/data"])
        assert "lab1-shelf:/shelf" in the_hint("1.b")
        assert "docker rm -f lab1-house" in the_hint("1.b")

    def test_no_mount(self, client):
        client.volumes.create("lab1-shelf")
        self.settle(client)
        assert "-v lab1-shelf:/shelf" in the_hint("1.b")

    def settle(self, client, **options):
        client.networks.create("lab1-street")
        self.make(client, network="lab1-street", **options)

    def make(self, client, **options):
        client.containers.create("busybox", "sleep 60", name="lab1-house", **options)


NUMBERS = "seq 1 3000000 > /numbers.txt"
COUNT = "wc -l < /numbers.txt > /report.txt"


class TestOnlyItsResult:
    @pytest.fixture(autouse=True)
    def client(self, start):
        return start("2.1")

    def test_right(self, build):
        build("lab21-tidy", f"FROM busybox\nRUN {NUMBERS} && {COUNT} && rm /numbers.txt\n")
        assert lab.check("2.1.a").passed

    def test_right_too_in_two_stages(self, build):
        build(
            "lab21-tidy",
            f"FROM busybox AS workshop\nRUN {NUMBERS}\nRUN {COUNT}\n"
            "FROM busybox\nCOPY --from=workshop /report.txt /report.txt\n",
        )
        assert lab.check("2.1.a").passed

    def test_right_too_without_a_file_and_from_another_base(self, build):
        build("lab21-tidy", "FROM debian:12\nRUN seq 1 3000000 | wc -l > /report.txt\n")
        assert lab.check("2.1.a").passed

    def test_nothing(self):
        assert "docker build -t lab21-tidy" in the_hint("2.1.a")

    def test_removed_in_a_later_layer(self, build):
        build("lab21-tidy", f"FROM busybox\nRUN {NUMBERS}\nRUN {COUNT}\nRUN rm /numbers.txt\n")
        assert "a later layer only hides it" in the_hint("2.1.a")

    def test_not_removed_at_all(self, build):
        build("lab21-tidy", f"FROM busybox\nRUN {NUMBERS} && {COUNT}\n")
        assert "still in the image" in the_hint("2.1.a")

    def test_bytes_counted(self, build):
        build("lab21-tidy", "FROM busybox\nRUN seq 1 3000000 | wc -c > /report.txt\n")
        assert "`wc -l` counts lines" in the_hint("2.1.a")

    def test_the_report_removed_as_well(self, build):
        build("lab21-tidy", f"FROM busybox\nRUN {NUMBERS} && {COUNT} && rm /*.txt\n")
        assert "Keep the report" in the_hint("2.1.a")

    def test_the_check_leaves_no_container(self, build, client):
        build("lab21-tidy", "FROM busybox\nRUN echo 3000000 > /report.txt\n")
        before = len(client.api.containers(all=True))
        lab.check("2.1.a")
        assert len(client.api.containers(all=True)) == before


class TestItsSettings:
    @pytest.fixture(autouse=True)
    def client(self, start):
        return start("2.1")

    def test_right(self, build):
        build("lab21-ready", "FROM busybox\nENV COURSE=docker\nVOLUME /data\nUSER 1000\n")
        assert lab.check("2.1.b").passed

    def test_right_too_by_commit(self, client):
        box = client.containers.create("busybox")
        changes = "ENV COURSE=docker\nVOLUME /data/\nUSER 65534:65534"
        box.commit("lab21-ready", changes=changes)
        box.remove()
        assert lab.check("2.1.b").passed

    def test_nothing(self):
        assert "docker build -t lab21-ready" in the_hint("2.1.b")

    def test_exported_in_a_run(self, build):
        build("lab21-ready", "FROM busybox\nRUN export COURSE=docker\nVOLUME /data\nUSER 1000\n")
        assert "RUN export ends with its own shell" in the_hint("2.1.b")

    def test_another_value(self, build):
        build("lab21-ready", "FROM busybox\nENV COURSE=Docker\nVOLUME /data\nUSER 1000\n")
        assert "Only the value is wrong" in the_hint("2.1.b")

    def test_no_user(self, build):
        build("lab21-ready", "FROM busybox\nENV COURSE=docker\nVOLUME /data\n")
        assert "names a user" in the_hint("2.1.b")

    def test_root_by_number(self, build):
        build("lab21-ready", "FROM busybox\nENV COURSE=docker\nVOLUME /data\nUSER 0\n")
        assert "root by another name" in the_hint("2.1.b")

    def test_a_folder_instead_of_a_volume(self, build):
        build("lab21-ready", "FROM busybox\nENV COURSE=docker\nRUN mkdir /data\nUSER 1000\n")
        assert "A folder made by RUN mkdir" in the_hint("2.1.b")

    def test_another_place(self, build):
        build("lab21-ready", "FROM busybox\nENV COURSE=docker\nVOLUME /date\nUSER 1000\n")
        assert "has to be /data" in the_hint("2.1.b")


def test_a_chapter_checks_all_of_its_exercises(start):
    start("1")
    report = lab.check("1")
    assert [exercise.id for exercise, __ in report.findings] == ["1.a", "1.b"]
    assert not report.passed
    assert report._repr_mimebundle_()["text/plain"].count("Not yet") == 2


def test_an_unknown_exercise_names_the_nearest():
    with pytest.raises(UnknownNameError, match=r"no exercise '2\.1\.c'.*mean '2\.1\."):
        lab.check("2.1.c")

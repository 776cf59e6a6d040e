"""Start, reset and cleanup on a real engine: the course's own things go, all else stays."""

import subprocess
from dataclasses import replace

import pytest
from course_engine import environment_restored, holdings

import dockerlab as lab
from dockerlab.course import opening
from dockerlab.course.chapters import CHAPTERS, find_chapter
from dockerlab.course.record import VERSION, Record, read_record, record_path
from dockerlab.engine.stock import stock
from dockerlab.errors import EngineError, LabError

pytestmark = pytest.mark.engine


@pytest.fixture(autouse=True)
def course(places, client):
    """Start from an engine without the course's things, and leave it so."""
    stock(places)
    with environment_restored():
        lab.start("0")
        lab.cleanup()
        yield
        lab.start("0")
        lab.cleanup()


@pytest.fixture
def strangers(client):
    """Something of the reader's own, of every kind, made before the course."""
    client.images.pull("busybox", "latest")
    client.images.get("busybox").tag("mine-image")
    client.volumes.create("mine-volume")
    network = client.networks.create("mine-network")
    container = client.containers.create(
        "mine-image", ["sleep", "60"], name="mine-container", network="mine-network"
    )
    yield
    container.remove(force=True)
    network.remove()
    client.volumes.get("mine-volume").remove()
    client.images.remove("mine-image")
    client.images.remove("busybox")


def test_it_says_which_engine_answers(capsys, client):
    lab.start("1")
    line = capsys.readouterr().out.splitlines()[-1]
    version = client.version()
    number = version["Version"].split("+")[0]
    assert line.startswith(f"Engine {number} · ")
    assert line.endswith(f" · embedded · API {version['ApiVersion']}")


def test_the_shell_talks_to_the_same_engine(client):
    lab.start("1")
    asked = subprocess.run(
        ["docker", "info", "--format", "{{.ID}}"], capture_output=True, text=True, check=True
    )
    assert asked.stdout.strip() == client.info()["ID"]


def test_it_brings_the_images_and_cleanup_takes_them_away_again(client):
    before = holdings(client)
    lab.start("0")
    assert client.images.get("hello-world:latest")
    assert client.images.get("busybox:latest")
    lab.cleanup("0")
    assert holdings(client) == before


def test_what_was_there_before_is_there_after(client, strangers):
    before = holdings(client)
    lab.start("1")
    make_all_kinds(client, "lab1-")
    card = lab.cleanup("1")
    assert holdings(client) == before
    for name in ("lab1-box", "lab1-net", "lab1-vol", "lab1-image"):
        assert name in card.text
    assert "mine" not in card.text


def test_starting_again_removes_what_was_left(client):
    lab.start("1")
    start = holdings(client)
    make_all_kinds(client, "lab1-")
    lab.start("1")
    assert holdings(client) == start


def test_reset_goes_back_to_the_start_and_keeps_the_images(client):
    lab.start("1")
    start = holdings(client)
    make_all_kinds(client, "lab1-")
    assert "lab1-box" in lab.reset().text
    assert holdings(client) == start


def test_what_carries_the_label_goes_whatever_its_name(client):
    lab.start("1")
    start = holdings(client)
    client.containers.create("busybox", labels={"io.dockerlab.course": "1"}, name="any-name")
    client.volumes.create("any-volume", labels={"io.dockerlab.course": "1"})
    lab.reset("1")
    assert holdings(client) == start


def test_an_image_that_lost_its_name_goes_too(client):
    lab.start("1")
    start = holdings(client)
    for words in ("first", "second"):
        box = client.containers.create("busybox", ["echo", words])
        box.commit("lab1-twice", changes="LABEL io.dockerlab.course=1", message=words)
        box.remove()
    nameless = ((), ("<none>:<none>",))  # as newer and older engines say it
    assert any(tags in nameless for __, tags in holdings(client)["images"])
    lab.reset("1")
    assert holdings(client) == start


def test_another_chapter_in_progress_is_left_alone(client):
    lab.start("1")
    make_all_kinds(client, "lab1-")
    lab.start("0")
    between = holdings(client)
    client.volumes.create("lab0-volume")
    lab.cleanup("0")
    now = holdings(client)
    assert now["containers"] == between["containers"]
    assert now["volumes"] == between["volumes"]
    assert client.images.get("busybox:latest"), "chapter 1 still needs it"


def test_an_image_that_two_chapters_share_goes_with_the_last_one(client):
    before = holdings(client)
    lab.start("1")
    lab.start("0")
    lab.cleanup("1")
    assert client.images.get("busybox:latest")
    lab.cleanup("0")
    assert holdings(client) == before


def test_an_image_in_use_by_the_reader_stays(client):
    lab.start("1")
    mine = client.containers.create("busybox", name="mine-container")
    try:
        card = lab.cleanup("1")
        assert card.badge == "Nearly clean"
        assert "something of yours uses it: busybox." in card.text
        assert client.images.get("busybox:latest")
        assert client.containers.get("mine-container")
    finally:
        mine.remove()
        client.images.remove("busybox")


def test_a_stranger_with_a_name_of_the_chapters_is_refused_and_left_alone(client):
    client.volumes.create("lab1-precious")
    try:
        with pytest.raises(LabError, match=r"'lab1-precious' is in the way.*begin with lab1-"):
            lab.start("1")
        lab.cleanup()
        assert client.volumes.get("lab1-precious")
    finally:
        client.volumes.get("lab1-precious").remove()


def test_an_image_nobody_has_is_one_line_and_is_not_noted(client, monkeypatch):
    needs = replace(find_chapter("1"), images=("busybox:latest", "dockerlab/none:here"))
    monkeypatch.setattr(opening, "find_chapter", lambda _number: needs)
    with pytest.raises(EngineError, match=r"no image dockerlab/none:here") as caught:
        lab.start("1")
    assert "\n" not in str(caught.value)
    assert list(read_record(record_path(client)).chapters["1"].pulled) == ["busybox:latest"]


def test_cleanup_twice_says_that_there_is_nothing(client):
    lab.start("1")
    lab.cleanup()
    assert "Nothing was left to remove" in lab.cleanup().text
    assert read_record(record_path(client)) == Record(version=VERSION)


def test_an_engine_that_has_gone_is_one_line(monkeypatch):
    lab.start("1")
    monkeypatch.setenv("DOCKERLAB_ENGINE", "unix:///nobody/here.sock")
    with pytest.raises(EngineError) as caught:
        lab.start("1")
    assert "\n" not in str(caught.value)


def test_every_chapter_starts(client):
    for chapter in CHAPTERS:
        assert lab.start(chapter.number).ping()


def make_all_kinds(client, prefix):
    client.networks.create(f"{prefix}net")
    client.volumes.create(f"{prefix}vol")
    box = client.containers.create(
        "busybox", ["sleep", "60"], name=f"{prefix}box", volumes=[f"{prefix}vol:/data"]
    )
    box.start()
    box.commit(f"{prefix}image")

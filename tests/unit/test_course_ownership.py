"""What events and the engine's own times say of who made a thing."""

from types import SimpleNamespace

import docker
import pytest

from dockerlab.course.chapters import find_chapter
from dockerlab.course.ownership import LABEL, Cells, Ownership, complete, moment_of
from dockerlab.course.record import Noted

CHAPTER = find_chapter("3.4")
ANONYMOUS = "ab" * 32
BEGIN, END = 1_000 * 10**9, 2_000 * 10**9
INSIDE, OUTSIDE = 1_500 * 10**9, 2_500 * 10**9
IN_TIME, OUT_TIME = "1970-01-01T00:25:00Z", "1970-01-01T00:41:40Z"


class Engine:
    """The answers that ownership asks for."""

    api_version = "1.45"

    def __init__(self):
        self.things = {"container": {}, "image": {}, "network": {}, "volume": {}}
        self.listed = []
        self.running = []

    def _give(self, kind, name):
        try:
            return self.things[kind][name]
        except KeyError:
            raise docker.errors.NotFound(name) from None

    def inspect_container(self, name):
        return self._give("container", name)

    def inspect_image(self, name):
        return self._give("image", name)

    def inspect_network(self, name):
        return self._give("network", name)

    def inspect_volume(self, name):
        return self._give("volume", name)

    def images(self):
        return self.listed

    def containers(self, **_all):
        return self.running

    def networks(self):
        return [{"Id": key, **value} for key, value in self.things["network"].items()]


@pytest.fixture
def engine():
    return Engine()


@pytest.fixture
def ownership(engine):
    return Ownership(SimpleNamespace(api=engine), CHAPTER, Cells([(BEGIN, END)]))


def event(kind, action, what, moment=INSIDE, **notes):
    return {
        "Type": kind, "Action": action, "timeNano": moment,
        "Actor": {"ID": what, "Attributes": notes},
    }  # fmt: skip


def test_a_name_of_the_chapter_s_given_in_a_cell(ownership, engine):
    engine.things["container"]["c1"] = {
        "Mounts": [{"Type": "volume", "Name": ANONYMOUS}, {"Type": "volume", "Name": "theirs"}]
    }
    engine.things["volume"][ANONYMOUS] = {"CreatedAt": IN_TIME}
    found = ownership.told_by_events(
        [event("container", "create", "c1", name="webserver")], Noted()
    )
    assert found == Noted(containers={"c1": ("webserver",)}, volumes={ANONYMOUS: IN_TIME})


@pytest.mark.parametrize(
    ("moment", "name"), [(OUTSIDE, "webserver"), (INSIDE, "mine"), (None, "webserver")]
)
def test_neither_the_name_nor_the_moment_alone_suffices(ownership, moment, name):
    told = event("container", "create", "c1", moment, name=name)
    assert ownership.told_by_events([told], Noted()) == Noted()


@pytest.mark.parametrize("inherited", [True, False])
def test_a_label_counts_where_the_image_has_none(ownership, engine, inherited):
    labels = {LABEL: "3.4"}
    engine.things["container"]["c1"] = {"Image": "i1", "Mounts": []}
    engine.things["image"]["i1"] = {"Config": {"Labels": labels if inherited else None}}
    told = event("container", "create", "c1", name="any", **labels)
    assert bool(ownership.told_by_events([told], Noted()).containers) is not inherited


def test_a_name_given_later_counts_for_what_a_cell_made(ownership, engine):
    engine.things["container"]["c1"] = {"Mounts": [], "Image": "i"}
    born, named = (
        event("container", "create", "c1", name="busy_bee"),
        event("container", "rename", "c1", name="webserver"),
    )
    assert ownership.told_by_events([named], Noted()) == Noted()
    assert ownership.told_by_events([born, named], Noted()).containers == {"c1": ("webserver",)}


def test_a_volume_that_was_removed_or_replaced_is_not_noted(ownership, engine):
    engine.things["volume"]["lab34-v"] = {"CreatedAt": OUT_TIME}
    created = event("volume", "create", "lab34-v")
    assert ownership.told_by_events([created], Noted()) == Noted()
    engine.things["volume"]["lab34-v"] = {"CreatedAt": IN_TIME}
    assert ownership.told_by_events([created], Noted()).volumes == {"lab34-v": IN_TIME}
    gone = event("volume", "destroy", "lab34-v", OUTSIDE)
    assert ownership.told_by_events([created, gone], Noted()) == Noted()


def test_an_image_tagged_in_a_cell_whose_name_moved_on_elsewhere(ownership, engine):
    engine.listed = [{"Id": "sha256:mine", "RepoTags": ["nginx:v2"]}]
    engine.things["image"]["sha256:mine"] = {"Metadata": {"LastTagTime": OUT_TIME}}
    events = [
        event("image", "tag", "sha256:course", name="nginx:v2"),
        event("image", "tag", "sha256:mine", OUTSIDE, name="nginx:v2"),
    ]
    found = ownership.told_by_events(events, Noted())
    assert found.images == {"sha256:course": ("nginx:v2",)}


def test_a_build_that_no_event_tells_of_is_seen_by_its_time(ownership, engine):
    engine.listed = [
        {"Id": "sha256:course", "RepoTags": ["lab34-a:latest"]},
        {"Id": "sha256:mine", "RepoTags": ["lab34-b:latest"]},
    ]
    for name, tagged in (("course", IN_TIME), ("mine", OUT_TIME)):
        engine.things["image"][f"sha256:{name}"] = {"Metadata": {"LastTagTime": tagged}}
    assert ownership.images(Noted(), ()).images == {"sha256:course": ("lab34-a:latest",)}


def test_an_image_needs_the_name_or_the_label_and_the_moment(ownership, engine):
    labels = {LABEL: "3.4"}
    engine.listed = [
        {"Id": "sha256:a", "RepoTags": None, "Labels": labels},
        {"Id": "sha256:b", "RepoTags": ["<none>:<none>"], "Labels": labels},
        {"Id": "sha256:c", "RepoTags": [], "Labels": {}},
        {"Id": "sha256:d", "RepoTags": ["any:1"], "Labels": labels},
        {"Id": "sha256:e", "RepoTags": ["mine:1"], "Labels": labels},
    ]
    for name, made in (
        ("a", IN_TIME), ("b", OUT_TIME), ("c", IN_TIME), ("d", IN_TIME), ("e", OUT_TIME),
    ):  # fmt: skip
        engine.things["image"][f"sha256:{name}"] = {
            "Created": made, "Metadata": {"LastTagTime": made},
        }  # fmt: skip
    found = ownership.images(Noted(), ())
    assert found.images == {"sha256:a": (), "sha256:d": ("any:1",)}


def test_an_image_pulled_again_in_a_cell_is_the_course_s_if_the_first_one_was(ownership, engine):
    engine.listed = [{"Id": "sha256:new", "RepoTags": ["nginx:latest"]}]
    pulled = event("image", "pull", "nginx:latest", name="nginx")
    assert ownership.told_by_events([pulled], Noted()) == Noted()
    before = Noted(pulled={"nginx:latest": ("sha256:old",)})
    assert ownership.told_by_events([pulled], before).pulled == {"nginx:latest": ("sha256:new",)}


def test_what_no_event_told_is_found_by_its_birth(ownership, engine):
    for name, made in (("c1", IN_TIME), ("c2", OUT_TIME)):
        engine.running.append({"Id": name, "Names": [f"/lab34-{name}"]})
        engine.things["container"][name] = {"Created": made, "Mounts": []}
        engine.things["network"][name] = {"Created": made, "Name": f"lab34-{name}"}
    found = ownership.told_by_engine(Noted())
    assert found == Noted(containers={"c1": ("lab34-c1",)}, networks={"c1": "lab34-c1"})


@pytest.mark.parametrize(
    ("name", "whole"),
    [
        ("a", "a:latest"), ("a:1", "a:1"), ("h:5000/a", "h:5000/a:latest"),
        ("h:5000/a:2", "h:5000/a:2"), ("", ""),
    ],
)  # fmt: skip
def test_a_name_is_completed_as_the_engine_lists_it(name, whole):
    assert complete(name) == whole


@pytest.mark.parametrize(
    ("time", "moment"),
    [
        ("1970-01-01T00:00:01Z", 10**9),
        ("1970-01-01T00:00:01.5Z", 1_500_000_000),
        ("1970-01-01T01:00:01.000000001+01:00", 10**9 + 1),
        ("0001-01-01T00:00:00Z", None), ("", None), (None, None), (7, None),
        ("9999-99-99T00:00:00Z", None), ("now", None),
    ],
)  # fmt: skip
def test_times_as_engines_write_them(time, moment):
    assert moment_of(time) == moment

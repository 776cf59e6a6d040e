"""The readers' own reasoning: steps and layers, states and events, names and text."""

import pytest

from dockerlab.facts import Reference, Step, TaggedImage, TagWorld, plain
from dockerlab.facts.names import nearest
from dockerlab.facts.states import path_of
from dockerlab.facts.steps import match_layers, read_steps
from dockerlab.facts.times import from_text
from dockerlab.facts.values import EMPTY_LAYER

ZERO = "0001-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("created_by", "instruction", "argument"),
    [
        ("/bin/sh -c #(nop)  ENV A=b", "ENV", "A=b"),
        ("/bin/sh -c #(nop) COPY file:ab in / ", "COPY", "file:ab in /"),
        ("/bin/sh -c apt-get update", "RUN", "apt-get update"),
        ("|2 A=1 B=2 /bin/sh -c echo $A", "RUN", "echo $A"),
        ("RUN /bin/sh -c echo hi # buildkit", "RUN", "echo hi"),
        ("RUN |1 A=1 /bin/sh -c echo $A # buildkit", "RUN", "echo $A"),
        ("RUN /bin/busybox --install # buildkit", "RUN", "/bin/busybox --install"),
        ('CMD ["sh"]', "CMD", '["sh"]'),
        ("COPY . /app # buildkit", "COPY", ". /app"),
        ("# debian.sh --arch 'amd64' out/", "", "# debian.sh --arch 'amd64' out/"),
        ("", "", ""),
    ],
)
def test_history_lines(created_by: str, instruction: str, argument: str) -> None:
    (step,) = read_steps([{"CreatedBy": created_by}], parent="")
    assert (step.instruction, step.argument) == (instruction, argument)


def test_only_the_newest_step_of_an_image_with_a_parent_is_a_commit() -> None:
    history = [{"CreatedBy": "sh", "Comment": "mine"}, {"CreatedBy": "sh"}]
    assert [s.instruction for s in read_steps(history, parent="sha256:1")] == ["", "COMMIT"]
    assert [s.instruction for s in read_steps(history, parent="")] == ["", ""]


def step(text: str, size: int = 0, image_id: str = "") -> Step:
    instruction, _, argument = text.partition(" ")
    return Step(instruction, argument, size, image_id=image_id)


def untold(_image_id: str) -> int | None:
    return None


def test_layers_follow_the_steps_with_bytes() -> None:
    steps = [step("ADD a /", 5), step("ENV A=b"), step("RUN b", 7), step("CMD c")]
    assert match_layers(steps, ["a", "b"], untold) == [0, 2]


def test_a_deleting_step_is_a_layer_and_metadata_is_none() -> None:
    steps = [step("ADD a /", 5), step("ENV A=b"), step("RUN rm a"), step("USER x")]
    assert match_layers(steps, ["a", "b"], untold) == [0, 2]


def test_the_empty_layer_is_never_made_by_a_step_with_bytes() -> None:
    steps = [step("ADD a /", 5), step("RUN true"), step("RUN b", 7), step("RUN rm b")]
    assert match_layers(steps, ["a", EMPTY_LAYER, "b"], untold) == [0, 1, 2]


def test_intermediate_images_settle_what_is_left() -> None:
    steps = [step("ADD a /", 5, "i0"), step("RUN true", 0, "i1"), step("RUN rm a", 0, "i2")]
    assert match_layers(steps, ["a", "b"], {"i1": 1, "i2": 2}.get) == [0, 2]
    assert match_layers(steps, ["a", "b"], {"i1": 2, "i2": 2}.get) == [0, 1]


def test_more_layers_than_steps_and_none_at_all() -> None:
    assert match_layers([], ["a", "b"], untold) == [None, None]
    assert match_layers([step("RUN b", 7)], ["a", "b"], untold).count(0) == 1
    assert match_layers([step("RUN b", 7), step("CMD c")], [], untold) == []
    assert match_layers([step("RUN b", 7), step("RUN c", 7)], ["a"], untold) in ([0], [1])


def event(action: str, seconds: int, **attributes: str) -> dict[str, object]:
    return {"Action": action, "time": seconds, "Actor": {"Attributes": attributes}}


def inspected(status: str, **state: object) -> dict[str, object]:
    times = {"StartedAt": ZERO, "FinishedAt": ZERO}
    return {
        "Created": "2026-01-01T00:00:00.123456789Z",
        "State": {"Status": status, **times, **state},
    }


STARTED = {"StartedAt": "2026-01-01T00:00:01Z"}
ENDED = {**STARTED, "FinishedAt": "2026-01-01T00:00:02Z"}


@pytest.mark.parametrize(
    ("data", "states"),
    [
        (inspected("created"), ["created"]),
        (inspected("running", **STARTED), ["created", "running"]),
        (inspected("paused", **STARTED), ["created", "running", "paused"]),
        (inspected("exited", ExitCode=3, **ENDED), ["created", "running", "exited"]),
        (inspected("restarting", ExitCode=3, **ENDED), ["created", "running", "restarting"]),
        (inspected("dead", **ENDED), ["created", "running", "dead"]),
        (inspected("removing", **ENDED), ["created", "running", "removing"]),
        (inspected("configured"), ["created"]),
        (inspected("stopped", ExitCode=0, **ENDED), ["created", "running", "exited"]),
    ],
)
def test_without_events_the_way_is_inferred(data: dict[str, object], states: list[str]) -> None:
    path = path_of([], data)
    assert [change.state for change in path] == states
    assert not any(change.witnessed for change in path)


def test_an_inferred_end_claims_no_cause_but_keeps_the_code() -> None:
    last = path_of([], inspected("exited", ExitCode=137, **ENDED))[-1]
    assert (last.action, last.exit_code) == ("", 137)
    last = path_of([], inspected("exited", ExitCode=137, OOMKilled=True, **ENDED))[-1]
    assert last.action == "oom"


def test_a_beginning_that_was_forgotten_is_marked() -> None:
    path = path_of([event("pause", 5)], inspected("paused", **STARTED))
    assert [(c.state, c.witnessed) for c in path] == [
        ("created", False), ("running", False), ("paused", True),
    ]  # fmt: skip


def test_a_signal_that_did_not_end_it_is_no_cause() -> None:
    events = [
        event("create", 1),
        event("start", 2),
        event("kill", 3, signal="1"),
        event("die", 9, exitCode="0"),
    ]
    assert path_of(events, None)[-1].action == "end"
    events[2] = event("kill", 3, signal="2")
    events[3] = event("die", 3, exitCode="130")
    assert path_of(events, None)[-1].action == "kill"


def test_stop_oom_and_names_of_old_and_other_engines() -> None:
    start = [event("create", 1), event("start", 2)]
    stop = [event("kill", 3, signal="15"), event("die", 4, exitCode="143"), event("stop", 4)]
    assert path_of([*start, *stop], None)[-1].action == "stop"
    oom = [event("oom", 3), event("die", 4, exitCode="137")]
    assert path_of([*start, *oom], None)[-1].action == "oom"
    podman = [{"status": "died", "time": 4, "Actor": {"Attributes": {"containerExitCode": "3"}}}]
    assert path_of([*start, *podman], None)[-1].exit_code == 3


def test_a_stopped_container_is_not_restarted_by_its_policy() -> None:
    data = inspected("running", **STARTED) | {"HostConfig": {"RestartPolicy": {"Name": "always"}}}
    end = [event("kill", 3, signal="15"), event("die", 4, exitCode="143"), event("stop", 4)]
    path = path_of([event("create", 1), event("start", 2), *end, event("start", 5)], data)
    assert [change.state for change in path] == ["created", "running", "exited", "running"]


@pytest.mark.parametrize(
    ("name", "registry", "repository", "tag", "familiar"),
    [
        ("nginx", "docker.io", "library/nginx", "latest", "nginx:latest"),
        ("nginx:1.25", "docker.io", "library/nginx", "1.25", "nginx:1.25"),
        ("me/app", "docker.io", "me/app", "latest", "me/app:latest"),
        ("localhost/app:1", "localhost", "app", "1", "localhost/app:1"),
        ("127.0.0.1:5000/a/b:1", "127.0.0.1:5000", "a/b", "1", "127.0.0.1:5000/a/b:1"),
        ("ghcr.io/a/b", "ghcr.io", "a/b", "latest", "ghcr.io/a/b:latest"),
        ("nginx@sha256:ab", "docker.io", "library/nginx", "", "nginx@sha256:ab"),
    ],
)
def test_references(name: str, registry: str, repository: str, tag: str, familiar: str) -> None:
    reference = Reference.parse(name)
    assert (reference.registry, reference.repository, reference.tag) == (registry, repository, tag)
    assert reference.familiar == familiar


def test_only_takes_repositories_tags_ids_and_registries_with_a_port() -> None:
    app = TaggedImage("sha256:aa11bb22", (Reference.parse("127.0.0.1:5000/app:1"),))
    web = TaggedImage("sha256:cc33dd44", (Reference.parse("web:1"), Reference.parse("web:2")))
    world = TagWorld((app, web))
    assert world.only() == world
    assert world.only("web").images == (web,)
    assert world.only("web:2").images == (web,)
    assert world.only("web:3").images == ()
    assert world.only("cc33").images == (web,)
    assert world.only("sha256:aa11bb22").images == (app,)
    assert world.only("127.0.0.1:5000/app").images == (app,)
    assert world.only("127.0.0.1:5000/app:1").images == (app,)
    assert world.only("web", "127.0.0.1:5000/app").images == (app, web)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("ngnix", "nginx:latest"), ("NGINX", "nginx:latest"), ("debian:13", "debian:12"),
     ("registery", "127.0.0.1:5000/x/registry:2"), ("zzzzzz", None)],
)  # fmt: skip
def test_nearest(typed: str, meant: str | None) -> None:
    there = ["nginx:latest", "debian:12", "127.0.0.1:5000/x/registry:2"]
    assert nearest(typed, there) == meant


def test_times() -> None:
    moment = from_text("2026-01-01T02:00:00.123456789+02:00")
    assert moment is not None
    assert moment.isoformat() == "2026-01-01T00:00:00.123456+00:00"
    assert from_text(ZERO) is None
    assert from_text("") is None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("a\nb\tc  d", "a b c d"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("a\u202eb\u2066c\u200bd\u200fe", "abcde"),
        ("\x00\x07\x9b31mx", "x"),
        ("lone \ud800 surrogate", "lone surrogate"),
        ("中文 émoji", "中文 émoji"),
    ],
)
def test_plain(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_plain_cuts_what_no_picture_can_show() -> None:
    assert len(plain("x" * 10_000)) == 2_000

"""The state machine with the way a container went."""

import re
from xml.etree import ElementTree as ET

import pytest

from dockerlab.facts import Container, State, StateChange
from dockerlab.pictures import draw_lifecycle
from dockerlab.pictures.lifecycle_map import EDGES, PLACES, route
from dockerlab.pictures.theme import PATH, STATES

SVG = "{http://www.w3.org/2000/svg}"
ALL: list[State] = [
    "created", "running", "paused", "restarting", "removing", "exited", "dead", "removed",
]  # fmt: skip


def container(state: State, *path: StateChange, **more: object) -> Container:
    return Container("id", "web", "nginx", "sha256:1", state, path=path, **more)  # type: ignore[arg-type]


def words(svg: str) -> list[str]:
    return [text.text or "" for text in ET.fromstring(svg).iter(f"{SVG}text")]


def arrows(svg: str, colour: str) -> list[ET.Element]:
    paths = ET.fromstring(svg).iter(f"{SVG}path")
    return [p for p in paths if p.get("stroke") == colour and p.get("marker-end")]


@pytest.mark.parametrize("state", ALL)
def test_the_present_state_is_filled_and_the_others_are_not(state: State) -> None:
    picture = draw_lifecycle(container(state))
    shown = words(picture.svg)
    assert set(ALL) <= set(shown)
    filled = [r.get("fill") for r in ET.fromstring(picture.svg).iter(f"{SVG}rect")]
    for other in ALL:
        assert (STATES[other].fill in filled) == (other == state)
    assert f"*{state}*" in picture.text
    assert picture.text.count("*") == 2


def test_the_way_is_numbered_along_its_arrows() -> None:
    way = (
        StateChange("created", "create"),
        StateChange("running", "start"),
        StateChange("exited", "stop", exit_code=143),
        StateChange("running", "restart"),
    )
    picture = draw_lifecycle(container("running", *way))
    assert {"1", "2", "3", "4"} <= set(words(picture.svg))
    assert len(arrows(picture.svg, PATH)) == 4
    assert "  3 stop" in picture.text
    assert "→ exited (143)" in picture.text


def test_only_what_happened_is_bold() -> None:
    way = (StateChange("created", "create"), StateChange("running", "start"),
           StateChange("exited", "kill", exit_code=137))  # fmt: skip
    svg = draw_lifecycle(container("exited", *way, exit_code=137)).svg
    bold = [t.text for t in ET.fromstring(svg).iter(f"{SVG}text") if t.get("fill") == PATH]
    assert "kill" in bold
    assert "stop" not in bold
    assert "the process ends" not in bold


def test_a_loop_walked_often_shows_how_often() -> None:
    way = [StateChange("created", "create"), StateChange("running", "start")]
    for _round in range(30):
        way += [StateChange("paused", "pause"), StateChange("running", "unpause")]
    picture = draw_lifecycle(container("running", *way))
    assert words(picture.svg).count("30×") == 2  # noqa: RUF001  the sign for times
    assert "50 more steps" in picture.text


def test_what_no_event_tells_is_dashed_and_said() -> None:
    way = (StateChange("created", "create", witnessed=False),
           StateChange("running", "start", witnessed=False))  # fmt: skip
    picture = draw_lifecycle(container("running", *way))
    assert "implied: no event left" in picture.text
    assert all(arrow.get("stroke-dasharray") for arrow in arrows(picture.svg, PATH))
    seen = draw_lifecycle(container("running", StateChange("created", "create")))
    assert "implied" not in seen.text


def test_exit_codes_in_words() -> None:
    shown = draw_lifecycle(container("exited", exit_code=137))
    assert "exited (137)" in words(shown.svg)
    assert "Exit code 137: killed by SIGKILL" in shown.text
    oom = draw_lifecycle(container("exited", exit_code=137, oom_killed=True))
    assert "memory limit" in oom.text


def test_a_start_that_failed() -> None:
    failed = container("created", exit_code=127, error="exec: not found")
    picture = draw_lifecycle(failed)
    assert "failed" in words(picture.svg)
    assert "The engine said: exec: not found" in picture.text


@pytest.mark.parametrize("start", [None, *ALL[:-1]])
@pytest.mark.parametrize("end", ALL)
def test_every_route_runs_along_arrows_and_arrives(start: State | None, end: State) -> None:
    way = route(start, end)
    for arrow in way:
        assert arrow in EDGES
    if way:
        assert way[0][0] == start
        assert way[-1][1] == end
    draw_lifecycle(container(end, StateChange(end, "x")))


def test_every_way_the_reader_can_tell_is_drawn() -> None:
    told = [(None, "created"), ("created", "running"), ("running", "paused"), ("paused", "running"),
            ("running", "exited"), ("exited", "running"), ("running", "restarting"),
            ("restarting", "running"), ("exited", "removed"), ("created", "removed"),
            ("running", "removed"), ("paused", "exited"), ("running", "dead"),
            ("running", "removing"), ("restarting", "exited")]  # fmt: skip
    for start, end in told:
        assert route(start, end)  # type: ignore[arg-type]


def test_states_keep_clear_of_each_other() -> None:
    places = list(PLACES.values())
    for number, (x, y) in enumerate(places):
        for other_x, other_y in places[number + 1 :]:
            assert abs(x - other_x) >= 150 or abs(y - other_y) >= 50


def test_a_restart_is_told_by_what_did_it() -> None:
    way = [StateChange("created", "create"), StateChange("running", "start")]
    way += [StateChange("restarting", "policy", exit_code=3), StateChange("running", "policy")]
    text = draw_lifecycle(container("running", *way)).text
    assert re.search(r"3 it ends: restart policy +→ restarting \(3\)", text)
    assert re.search(r"4 after a delay +→ running", text)

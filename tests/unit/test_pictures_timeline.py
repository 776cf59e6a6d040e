"""The timeline's picture: true to scale, readable, and told in words."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from timeline_zoo import START, at, crowd, ended, lane

from dockerlab.facts import Moment, Timeline
from dockerlab.pictures import draw_timeline, theme
from dockerlab.pictures.timeline_scale import Scale
from dockerlab.pictures.wording import duration

SVG = "{http://www.w3.org/2000/svg}"
LEFT, RIGHT = 156.0, 796.0

STOPPED = lane(
    "web", (0, "created", "create"), (1, "running", "start"), (4, "paused", "pause"),
    (6, "running", "unpause"), (10, "exited", "die"), now=20, code=137,
)  # fmt: skip


def bars(svg: str, fill: str) -> list[tuple[float, float, float]]:
    return [
        (float(r.get("x", 0)), float(r.get("width", 0)), float(r.get("height", 0)))
        for r in ET.fromstring(svg).iter(f"{SVG}rect")
        if r.get("fill") == fill and r.get("stroke") == fill
    ]


def words(svg: str) -> list[str]:
    return ["".join(text.itertext()) for text in ET.fromstring(svg).iter(f"{SVG}text")]


def test_bars_are_true_to_scale() -> None:
    svg = draw_timeline(Timeline(START, at(20), (STOPPED,))).svg
    ((x, width, _height),) = bars(svg, theme.STATES["paused"].fill)
    unit = (RIGHT - LEFT) / 20
    assert x == pytest.approx(LEFT + 4 * unit, abs=0.2)
    assert width == pytest.approx(2 * unit, abs=0.2)
    running = bars(svg, theme.STATES["running"].fill)
    assert sum(width for _x, width, _height in running) == pytest.approx(7 * unit, abs=0.5)


def test_what_has_a_process_is_taller() -> None:
    svg = draw_timeline(Timeline(START, at(20), (STOPPED,))).svg
    ((_x, _width, exited),) = bars(svg, theme.STATES["exited"].fill)
    assert all(height > exited for *_place, height in bars(svg, theme.STATES["running"].fill))


def test_every_event_is_named_and_exit_codes_are_in_words() -> None:
    picture = draw_timeline(Timeline(START, at(20), (STOPPED,)))
    for told in (picture.text, "\n".join(words(picture.svg))):
        for event in ("create", "start", "pause", "unpause", "die 137"):
            assert event in told
        assert "killed by SIGKILL" in told
    assert "exited (137)" in picture.text


def test_signals_have_names() -> None:
    killed = replace(STOPPED, moments=(Moment(at(9), "kill", 15), Moment(at(9.9), "kill", 64)))
    text = draw_timeline(Timeline(START, at(20), (killed,))).text
    assert "kill SIGTERM" in text
    assert "kill signal 64" in text


def test_labels_never_lie_on_each_other() -> None:
    busy = ended("busy", 0, 40)
    moments = tuple(Moment(at(second * 1.3), "kill", 15) for second in range(30))
    svg = draw_timeline(Timeline(START, at(40), (replace(busy, moments=moments),))).svg
    rows: dict[str, list[tuple[float, float]]] = {}
    for text in ET.fromstring(svg).iter(f"{SVG}text"):
        if (text.text or "").startswith("kill"):
            width = len(text.text or "") * 5
            x = float(text.get("x", 0)) - (width if text.get("text-anchor") == "end" else 0)
            rows.setdefault(text.get("y", ""), []).append((x, x + width))
    assert rows
    for row in rows.values():
        row.sort()
        assert all(end <= start for (_, end), (start, _) in pairwise(row))


def test_what_no_event_tells_is_dashed_and_explained() -> None:
    spans = tuple(replace(span, witnessed=False) for span in STOPPED.spans)
    picture = draw_timeline(Timeline(START, at(20), (replace(STOPPED, spans=spans),)))
    assert "last 256 events" in picture.text
    assert "stroke-dasharray" in picture.svg
    assert "last 256 events" not in draw_timeline(Timeline(START, at(20), (STOPPED,))).text


def test_a_long_pause_is_cut_and_what_is_around_it_stays_readable() -> None:
    ends = 3600 * 5
    late = replace(STOPPED, moments=(*STOPPED.moments, Moment(at(ends), "start")))
    picture = draw_timeline(Timeline(START, at(ends + 10), (late,)))
    assert "5 h" in picture.text or "4 h 59 min" in picture.svg
    ((_x, width, _height),) = bars(picture.svg, theme.STATES["paused"].fill)
    assert width > 30


def test_a_grace_time_of_ten_seconds_is_never_cut() -> None:
    scale = Scale(START, at(11), [at(0), at(0.3), at(0.5), at(10.6)], 600, 40)
    assert not any(stretch.cut for stretch in scale.stretches)


def test_the_axis_runs_on_and_on_one_way_only() -> None:
    seconds = [0, 1, 2, 2.5, 700, 701, 90_000, 90_001, 90_500]
    scale = Scale(START, at(90_600), [at(second) for second in seconds], 600, 40)
    places = [scale.place(at(second)) for second in (*seconds, 90_600)]
    assert places == sorted(places)
    assert places[0] == 0
    assert places[-1] == pytest.approx(600)
    assert any(stretch.cut for stretch in scale.stretches)
    ticks = scale.ticks(50)
    assert all(b.x - a.x >= 50 for a, b in pairwise(ticks))
    for tick in ticks:
        assert tick.x == pytest.approx(scale.place(START + timedelta(seconds=tick.seconds)))


def test_no_two_marks_on_the_axis_have_the_same_words() -> None:
    for pause in (59, 500, 40_000, 400_000):
        seconds = [0, pause, pause + 0.2, pause + 0.9, pause + 3]
        scale = Scale(START, at(pause + 4), [at(second) for second in seconds], 600, 40)
        told = [duration(tick.seconds) for tick in scale.ticks(50)]
        assert len(told) == len(set(told))


def test_an_empty_and_an_instant_timeline() -> None:
    assert "No container did anything" in draw_timeline(Timeline(START, at(60))).text
    assert draw_timeline(Timeline(START, START, (replace(STOPPED, spans=()),))).svg


def test_removed_containers_stay_in_sight() -> None:
    gone = lane(
        "gone", (0, "created", "create"), (1, "running", "start"), (2, "exited", "die"),
        (3, "removed", "destroy"), now=10, code=0,
    )  # fmt: skip
    picture = draw_timeline(Timeline(START, at(10), (gone,)))
    assert "removed (0)" in picture.text
    assert "destroy" in picture.svg


def test_a_crowd_is_counted_not_drawn() -> None:
    picture = draw_timeline(crowd(100))
    assert "76 more" in picture.text
    assert "worker-099" in picture.svg
    assert "worker-003" not in "".join(words(picture.svg)).split("Exit code")[0]
    assert len(picture.svg) < 60_000


def test_same_facts_same_bytes() -> None:
    assert draw_timeline(crowd(30)) == draw_timeline(crowd(30))


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (0.352, "0.35 s"), (12.4, "12 s"), (59.6, "1 min"), (125, "2 min 5 s"),
     (3600, "1 h"), (12_000, "3 h 20 min"), (86_400 * 2 + 3700, "2 d 1 h")],
)  # fmt: skip
def test_durations(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_the_word_in_a_bar_is_clear_of_its_marks() -> None:
    checked = replace(
        lane("web", (0, "created", "create"), (1, "running", "start"), now=100),
        moments=(Moment(at(1), "start"), Moment(at(4), "health_status", health="unhealthy")),
    )
    svg = draw_timeline(Timeline(START, at(100), (checked,))).svg
    (word,) = (text for text in ET.fromstring(svg).iter(f"{SVG}text") if text.text == "running"
               and text.get("font-weight"))  # fmt: skip
    assert float(word.get("x", 0)) > LEFT + 4 * (RIGHT - LEFT) / 100


def test_a_long_note_takes_two_lines() -> None:
    restarted = replace(STOPPED, state="restarting", restarts=12)
    shown = words(draw_timeline(Timeline(START, at(20), (restarted,))).svg)
    assert {"restarting (137)", "12 restarts"} <= set(shown)
    assert (
        "restarting (137) · 12 restarts"
        in draw_timeline(Timeline(START, at(20), (restarted,))).text
    )


def test_a_broken_axis_is_explained() -> None:
    waited = lane(
        "web", (0, "created", "create"), (1, "running", "start"), (4000, "exited", "die"),
        now=4001, code=0,
    )  # fmt: skip
    shown = "\n".join(words(draw_timeline(Timeline(START, at(4001), (waited,))).svg))
    assert "Where the axis is broken" in shown
    assert "1 h 6 min" in shown
    assert "broken" not in draw_timeline(Timeline(START, at(20), (STOPPED,))).svg

"""A build's picture: every instruction, its outcome in mark and word, its layer."""

import time
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from build_zoo import build
from test_pictures_theme import contrast

from dockerlab.facts import Build, BuildFailure, BuildStage, BuildStep
from dockerlab.pictures import draw_build, theme
from dockerlab.pictures.build_plan import MOST_STEPS, FoldRow, plan

SVG = "{http://www.w3.org/2000/svg}"


def words(svg: str) -> list[str]:
    return [text.text or "" for text in ET.fromstring(svg).iter(f"{SVG}text")]


def stages(*steps: BuildStep, names: str = "one two", failure: BuildFailure | None = None) -> Build:
    made = [BuildStage(name, "busybox", None, in_image=False) for name in names.split()]
    made[-1] = replace(made[-1], in_image=True)
    return build(1, stages=tuple(made), steps=steps, failure=failure,
                 **({"image": None} if failure else {}))  # fmt: skip


TWO = stages(
    BuildStep(1, "FROM", "busybox AS one", 0, "base"),
    BuildStep(2, "RUN", "make", 0, "ran", 4.0),
    BuildStep(3, "FROM", "busybox AS two", 1, "base"),
    BuildStep(4, "COPY", "--from=one /a /", 1, "cached", layer=1, source=0),
    BuildStep(5, "CMD", "a", 1, "setting"),
)


def test_each_instruction_with_its_outcome_in_a_word() -> None:
    picture = draw_build(TWO)
    shown = words(picture.svg)
    for text in ("RUN make", "4 s", "from the cache", "setting", "no layer", "base"):
        assert text in shown
        assert text in picture.text or text == "no layer"
    assert "BuildKit · 1 step run · 1 from the cache · 3.5 s in all · 28 B of context sent" in shown


def test_stages_have_frames_and_what_is_taken_has_an_arrow() -> None:
    svg = draw_build(TWO).svg
    shown = words(svg)
    assert {"stage one", "stage two", "its layers are the image"} <= set(shown)
    assert "stays behind, save what COPY --from takes" in shown
    arrows = [path for path in ET.fromstring(svg).iter(f"{SVG}path") if path.get("marker-end")]
    assert len(arrows) == 1
    alone = stages(BuildStep(1, "FROM", "x", 0, "base"), names="only")
    assert "stage only" not in words(draw_build(alone).svg)


def test_a_layer_is_shown_with_bytes_and_digest_and_larger_is_wider() -> None:
    facts = build(6)
    assert facts.image is not None
    root = ET.fromstring(draw_build(facts).svg)
    bars = [float(r.get("width", "0")) for r in root.iter(f"{SVG}rect") if r.get("height") == "24"]
    sizes = [layer.size or 0 for layer in facts.image.layers]
    assert len(bars) == len(sizes)
    by_size = [bar for _size, bar in sorted(zip(sizes, bars, strict=True))]
    assert by_size == sorted(by_size)


def test_a_failure_shows_the_last_lines_and_what_to_do() -> None:
    output = tuple(f"line {number}" for number in range(50))
    failed = stages(
        BuildStep(1, "FROM", "busybox", 0, "base"),
        BuildStep(2, "RUN", "false", 0, "failed", 1.0, output),
        BuildStep(3, "CMD", "x", 0, "waiting"),
        names="only",
        failure=BuildFailure("command", "no", 1, 127),
    )
    picture = draw_build(failed)
    shown = words(picture.svg)
    assert {"failed", "not reached", "line 49", "line 42"} <= set(shown)
    assert "line 41" not in shown
    assert "the layer it made" not in shown
    assert "exit code 127: the command was not found" in picture.text
    assert "failed at line 2" in picture.text


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (BuildFailure("copy", "m", 1, subject="a.txt"), "can't copy 'a.txt'"),
        (BuildFailure("copy", "m", 1), "can't copy what it names"),
        (BuildFailure("syntax", "unknown instruction: X"), "can't be read: unknown instruction: X"),
        (BuildFailure("base", "refused", 0, subject="ngnix"), "base image 'ngnix' is neither here"),
        (BuildFailure("timeout", step=1), "its time was up"),
        (BuildFailure("other", "disk full."), "The builder said: disk full."),
        (BuildFailure("other"), "The builder said: ?"),
    ],
)
def test_each_failure_in_words(failure: BuildFailure, words: str) -> None:
    steps = (BuildStep(1, "FROM", "ngnix", 0, "base"), BuildStep(2, "COPY", "a", 0, "failed"))
    assert words in draw_build(stages(*steps, names="only", failure=failure)).text


def test_where_the_cache_ended() -> None:
    outcomes = ("cached", "ran")
    steps = [BuildStep(n + 2, "RUN", "x", 0, one) for n, one in enumerate(outcomes)]
    assert "The cache held up to line 2. Line 3" in draw_build(stages(*steps, names="s")).text
    cached = [replace(step, outcome="cached") for step in steps]
    assert "Nothing was run" in draw_build(stages(*cached, names="s")).text


def test_a_build_through_the_sdk_says_so() -> None:
    facts = replace(TWO, builder="classic", through="sdk", context_bytes=None)
    shown = draw_build(facts).text
    assert "classic builder, through the SDK" in shown
    assert "of context sent" not in shown
    assert "docker image ls -a" in shown


def test_a_long_dockerfile_folds_what_is_small() -> None:
    facts = build(150)
    rows = [row for group in plan(facts) for row in group.rows]
    assert len(rows) <= 40
    folded = sum(len(row.steps) for row in rows if isinstance(row, FoldRow))
    assert folded + sum(not isinstance(row, FoldRow) for row in rows) == 151
    largest = max(facts.steps[1:], key=lambda step: facts.layer_of(step).size or 0)  # type: ignore[union-attr]
    assert largest in [row.step for row in rows if not isinstance(row, FoldRow)]
    assert not [
        row for group in plan(build(MOST_STEPS - 1)) for row in group.rows
        if isinstance(row, FoldRow)
    ]  # fmt: skip


def test_many_stages_fold_but_not_those_that_are_taken_from() -> None:
    made = [BuildStage(f"s{n}", "x", None, in_image=n == 99) for n in range(100)]
    steps = [BuildStep(n + 1, "FROM", f"x AS s{n}", n, "base") for n in range(100)]
    steps.append(BuildStep(200, "COPY", "--from=s50 a b", 99, "ran", 1.0, source=50))
    picture = draw_build(build(1, stages=tuple(made), steps=tuple(steps)))
    assert {"50 stages", "stage s50", "48 stages", "stage s99"} <= set(words(picture.svg))
    assert len(picture.text.splitlines()) < 40


def test_nothing_at_all_is_drawn() -> None:
    facts = build(0, stages=(), steps=(), image=None, failure=BuildFailure("syntax", "empty"))
    assert "can't be read: empty" in draw_build(facts).text


def test_the_same_facts_give_the_same_bytes_and_quickly() -> None:
    large = build(100)
    assert draw_build(large) == draw_build(large)
    began = time.perf_counter()
    draw_build(large)
    assert time.perf_counter() - began < 1  # a tenth of it is promised, on an idle machine


@pytest.mark.parametrize("outcome", theme.OUTCOMES)
def test_outcomes_can_be_read(outcome: str) -> None:
    paint = dict(theme.OUTCOMES)[outcome]
    assert contrast(paint.fill, paint.ink) >= 4.5
    assert contrast(theme.CARD, theme.SOFT if paint.dashed else paint.edge) >= 4.5


def test_only_what_is_taken_of_a_stage_is_in_the_image() -> None:
    assert "Of what stage one made, only what COPY --from takes" in draw_build(TWO).text
    alone = stages(BuildStep(1, "FROM", "x", 0, "base"), BuildStep(2, "FROM", "y", 1, "base"))
    assert "What stage one made is not in the image" in draw_build(alone).text


def test_short_times_are_told_alike() -> None:
    steps = [BuildStep(n, "RUN", f"step {n}", 0, "ran", 0.01 * n) for n in range(1, 13)]
    shown = words(draw_build(stages(*steps, names="one")).svg)
    assert shown.count("< 0.1 s") == 9
    assert "0.12 s" in shown

"""What a builder tells, beside the Dockerfile: every builder, every form of its report."""

import base64
import json
import time
from pathlib import Path

import pytest
from record_builds import SAMPLES

from dockerlab.errors import LabError, UsageError
from dockerlab.facts import BuildStep, Image, Layer, Step, build_image
from dockerlab.facts.building.buildkit import JsonProgress, PlainProgress, size_in_words
from dockerlab.facts.building.classic import ClassicReport
from dockerlab.facts.building.dockerfile import parse
from dockerlab.facts.building.failure import failure_of
from dockerlab.facts.building.match import with_layers
from dockerlab.facts.building.read import steps_of
from dockerlab.facts.building.run import Told
from dockerlab.facts.building.values import BuildFailure

TOLD = {path.stem: json.loads(path.read_text()) for path in (Path(__file__).parent / "builds").glob("*.json")}  # fmt: skip  # noqa: E501
HEARD = [(engine, form) for engine in sorted(TOLD) for form in TOLD[engine]["stages"]]
every_report = pytest.mark.parametrize(("engine", "form"), HEARD, ids="-".join)


def hear(engine: str, sample: str, form: str) -> Told:
    """Take in what the command of an engine said, a second a line."""
    progress = JsonProgress() if form == "rawjson" else PlainProgress()
    told = Told("cli", ClassicReport(), progress)
    for source in ("out", "err"):
        for second, line in enumerate(TOLD[engine][sample][form][source]):
            told.hear(source, float(second), line)
    told.classic.end(100.0)
    told.messages = told.progress.messages
    told.image_id = "sha256:1" if sample in ("stages", "cached") else ""
    return told


def steps(engine: str, sample: str, form: str) -> tuple[BuildStep, ...]:
    plan = parse(SAMPLES["stages" if sample == "cached" else sample])
    return steps_of(plan, plan.target(None), hear(engine, sample, form))


def failure(engine: str, sample: str, form: str) -> BuildFailure:
    told = hear(engine, sample, form)
    plan = parse(SAMPLES[sample])
    return failure_of(
        told.messages, steps_of(plan, plan.target(None), told), plan, out_of_time=False
    )


def test_there_are_both_builders_and_all_forms() -> None:
    assert {form for _engine, form in HEARD} == {"classic", "plain", "rawjson"}
    assert len(TOLD) >= 4


@every_report
def test_which_builder_it_was(engine: str, form: str) -> None:
    assert hear(engine, "stages", form).builder == ("classic" if form == "classic" else "buildkit")


@every_report
def test_each_instruction_has_its_outcome(engine: str, form: str) -> None:
    found = [(step.instruction, step.outcome) for step in steps(engine, "stages", form)]
    unused = ["base", "ran"] if form == "classic" else ["skipped", "skipped"]
    assert found == [
        ("FROM", "base"), ("ENV", "setting"), ("RUN", "ran"),
        ("FROM", "base"), ("RUN", "ran"), ("COPY", "ran"),
        ("FROM", unused[0]), ("RUN", unused[1]),
        ("FROM", "base"), ("COPY", "ran"), ("WORKDIR", "ran"), ("COPY", "ran"), ("RUN", "ran"),
        ("EXPOSE", "setting"), ("CMD", "setting"),
    ]  # fmt: skip


@every_report
def test_a_second_build_comes_from_the_cache(engine: str, form: str) -> None:
    found = {step.outcome for step in steps(engine, "cached", form)}
    assert "ran" not in found
    assert "cached" in found
    assert all(step.seconds is None for step in steps(engine, "cached", form)
               if step.outcome == "cached")  # fmt: skip


@every_report
def test_what_ran_took_time_and_its_output_is_kept(engine: str, form: str) -> None:
    found = steps(engine, "stages", form)
    times = [step.seconds for step in found if step.outcome == "ran" and step.instruction == "RUN"]
    assert all(time is not None and time > 0 for time in times)
    last = next(step for step in found if step.argument.startswith("echo line1"))
    assert {"line1", "line2"} <= set(last.output)


@every_report
def test_what_was_sent(engine: str, form: str) -> None:
    told = hear(engine, "stages", form)
    if form == "classic":
        assert told.classic.sent == 3072
    else:  # only the one file that COPY names
        assert 0 < told.progress.sent < 100


@every_report
def test_a_command_that_fails(engine: str, form: str) -> None:
    outcomes = [step.outcome for step in steps(engine, "command", form)]
    assert outcomes[2:] == ["failed", "waiting"]
    found = failure(engine, "command", form)
    assert (found.kind, found.step, found.exit_code) == ("command", 2, 7)
    assert {"before", "oops"} <= set(steps(engine, "command", form)[2].output)


@every_report
def test_a_file_that_is_not_there(engine: str, form: str) -> None:
    found = failure(engine, "copy", form)
    assert (found.kind, found.step, found.subject) == ("copy", 2, "nothing")
    assert [step.outcome for step in steps(engine, "copy", form)][2:] == ["failed", "waiting"]


@every_report
def test_a_dockerfile_that_can_not_be_read(engine: str, form: str) -> None:
    found = failure(engine, "syntax", form)
    assert (found.kind, found.step, found.subject) == ("syntax", 1, "RUNN")
    assert {step.outcome for step in steps(engine, "syntax", form)} == {"waiting"}
    assert failure(engine, "empty", form).kind == "syntax"


@every_report
def test_a_base_image_that_can_not_be_had(engine: str, form: str) -> None:
    found = failure(engine, "base", form)
    assert (found.kind, found.step, found.subject) == ("base", 0, "127.0.0.1:9/nowhere:1")
    assert "refused" in found.message
    assert not found.message.startswith("ERROR")


def test_a_build_that_was_stopped_says_where() -> None:
    told = Told("cli", ClassicReport(), PlainProgress())
    for line in ("Step 1/2 : FROM busybox", " ---> 1", "Step 2/2 : RUN sleep 9", "snore"):
        told.hear("out", 1, line)
    told.out_of_time = True
    plan = parse("FROM busybox\nRUN sleep 9\n")
    found = steps_of(plan, 0, told)
    assert found[1].outcome == "stopped"
    assert failure_of([], found, plan, out_of_time=True) == BuildFailure("timeout", step=1)


def test_a_step_whose_error_is_told_only_at_the_end() -> None:
    progress = PlainProgress()
    for line in (
        "#1 [1/2] FROM busybox",
        "#1 CANCELED",
        "#2 [2/2] COPY nothing /",
        "------",
        "   1 |     FROM busybox",
        "   2 | >>> COPY nothing /",
        "   3 |     ",
        "-------",
        'ERROR: failed to solve: checksum of ref a::b: "/nothing": not found',
    ):
        progress.feed(line)
    told = Told("cli", ClassicReport(), progress, messages=progress.messages)
    plan = parse("FROM busybox\nCOPY nothing /\n")
    found = failure_of(told.messages, steps_of(plan, 0, told), plan, out_of_time=False)
    assert (found.kind, found.step, found.subject) == ("copy", 1, "nothing")


def test_a_program_that_prints_like_a_builder_is_not_believed() -> None:
    report = ClassicReport()
    for line in ("Step 1/2 : FROM busybox", "Step 2/2 : RUN x", "Step 9/2 : RUN y", "Step 1/1 : Z"):
        report.feed(1, line)
    assert [step.text for step in report.steps] == ["FROM busybox", "RUN x"]
    assert list(report.steps[1].output) == ["Step 9/2 : RUN y", "Step 1/1 : Z"]


def test_rubbish_in_the_progress_is_only_a_message() -> None:
    for progress in (JsonProgress(), PlainProgress()):
        for line in ("{", "}", "{}", '{"vertexes": [{}]}', '{"logs": [{"data": "%%%"}]}', "{x}",
                     '{"statuses": [{"id": 5, "current": null}]}', "#", "#1", "#x y", "\x1b[1m",
                     "#1 DONE 1.2.3s"):  # fmt: skip
            progress.feed(line)
        assert progress.sent == 0


def test_pieces_of_a_line_are_put_together() -> None:
    progress = JsonProgress()
    for text, stream in (("/bin/sh: ", 2), ("x: not found\nnext\n\n", 2), ("a", 1), ("b", 2), ("", 2)):  # fmt: skip  # noqa: E501
        data = base64.b64encode(text.encode()).decode()
        progress.feed(json.dumps({"logs": [{"vertex": "v", "stream": stream, "data": data}]}))
    assert list(progress.vertices["v"].output) == ["/bin/sh: x: not found", "next", "", "a", "b"]


def test_endless_output_is_not_kept() -> None:
    report = ClassicReport()
    report.feed(0, "Step 1/1 : RUN yes")
    progress = PlainProgress()
    progress.feed("#1 [1/1] RUN yes")
    for _number in range(5_000):
        report.feed(1, "y")
        progress.feed("#1 0.1 y")
    assert len(report.steps[0].output) == len(progress.vertices["1"].output) == 200


def names(text: str) -> list[str]:
    return [f"{one.line} {one.keyword} {one.argument}" for one in parse(text).instructions]


def test_instructions_of_a_dockerfile() -> None:
    assert names("from a\n\n# x\n\trun b \\\n# c\n\n  d \\\n e\nEXPOSE\t80\r\n") == [
        "1 FROM a", "4 RUN b d e", "9 EXPOSE 80",
    ]  # fmt: skip
    assert names("# escape=`\nFROM a\nRUN b `\n c \\\nRUN d") == [
        "2 FROM a", "3 RUN b c \\", "5 RUN d",
    ]  # fmt: skip
    assert names("\ufeffFROM a\nRUN echo 'form\x0cfeed' \u2028 too") == [
        "1 FROM a", "2 RUN echo 'form\x0cfeed' \u2028 too",
    ]  # fmt: skip
    assert names("RUN a \\") == ["1 RUN a"]
    assert names("") == []


def test_here_documents() -> None:
    text = "FROM a\nRUN <<EOF sh\nFROM x\nEOF\nCOPY <<-A <<'B' /\n\tA\nRUN y\nB\nRUN echo $((1<<2))\nUSER u"  # noqa: E501
    assert [line.split()[1] for line in names(text)] == ["FROM", "RUN", "COPY", "RUN", "USER"]
    assert names("RUN cat <<END\nRUN next") == ["1 RUN cat <<END", "2 RUN next"]


def test_stages_and_what_they_need() -> None:
    plan = parse(
        "ARG BASE=one\nFROM x AS one\nFROM y AS Two\nFROM $BASE AS three\nFROM z\n"
        "COPY --from=two /a /\nRUN --mount=type=bind,from=0 ls\nCOPY --chown=1 --from=nginx /b /\n"
    )
    assert [(stage.name, stage.parent) for stage in plan.stages] == [
        ("one", None), ("Two", None), ("three", 0), ("", None),
    ]  # fmt: skip
    assert plan.stages[3].sources == (1, 0)
    assert plan.needed(plan.target(None)) == {0, 1, 3}
    assert plan.needed(plan.target("three")) == {0, 2}
    assert plan.chain(2) == (0, 2)
    assert plan.target("1") == 1
    assert plan.target("nowhere") == 3
    assert plan.target("9" * 5_000) == 3
    assert parse("ARG B\nFROM a AS b\nFROM ${B:-x}\n", {"B": "b"}).stages[1].parent == 0
    assert parse("RUN nothing").needed(parse("RUN nothing").target(None)) == frozenset()


def test_a_large_dockerfile_is_read_in_no_time() -> None:
    text = "FROM a\n" + "RUN cat <<NEVER\n" * 30_000 + "COPY <<A /\n" * 30_000
    assert len(parse(text).instructions) == 60_001


def image(*steps: tuple[str, bool]) -> Image:
    layers = [position for position, (_text, is_layer) in enumerate(steps) if is_layer]
    return Image(
        "sha256:1", "x:1", 0,
        tuple(Layer(f"sha256:{position}", 1, position) for position in layers),
        tuple(Step(*text.partition(" ")[::2], 1) for text, _is_layer in steps),
    )  # fmt: skip


def built(text: str) -> list[BuildStep]:
    plan = parse(text)
    return [
        BuildStep(one.line, one.keyword, one.argument, one.stage, "ran")
        for one in plan.instructions
    ]


def test_each_layer_belongs_to_the_instruction_that_made_it() -> None:
    made = image(("ADD base", True), ("CMD sh", False), ("ENV a=b", False), ("RUN x", True),
                 ("RUN true", False), ("COPY y", True), ("CMD z", False))  # fmt: skip
    steps = with_layers(built("FROM b\nENV a=b\nRUN x\nRUN true\nCOPY y /\nCMD z"), (0,), made)
    assert [step.layer for step in steps] == [None, None, 1, None, 2, None]


def test_layers_of_an_earlier_stage_are_those_of_its_instructions() -> None:
    made = image(("ADD base", True), ("RUN x", True), ("COPY y", True))
    steps = with_layers(built("FROM b AS s\nRUN x\nFROM t\nRUN q\nFROM s\nCOPY y /"), (0, 2), made)
    assert [step.layer for step in steps] == [None, 1, None, None, None, 2]


def test_what_the_dockerfile_does_not_name_is_passed_over() -> None:
    made = image(("ADD base", True), ("RUN trigger", True), ("RUN own", True), ("LABEL x", False))
    steps = with_layers(built("FROM b\nRUN own"), (0,), made)
    assert [step.layer for step in steps] == [None, 2]
    assert [step.layer for step in with_layers(built("FROM b\nVOLUME v"), (0,), made)] == [None] * 2


def test_wrong_folders_files_and_builders(tmp_path: Path) -> None:
    class Silent:
        def ping(self) -> bool:
            return True

    with pytest.raises(LabError, match="There is no folder"):
        build_image(Silent(), tmp_path / "nowhere")  # type: ignore[arg-type]
    with pytest.raises(LabError, match="There is no 'Dockerfile'"):
        build_image(Silent(), tmp_path)  # type: ignore[arg-type]
    (tmp_path / "Dockerfile").write_bytes(b"FROM x\n" * 200_000)
    with pytest.raises(LabError, match="more than a million bytes"):
        build_image(Silent(), tmp_path)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="has no BuildKit"):
        build_image(Silent(), tmp_path, builder="buildkit", through="sdk")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "# a=b" + " " * 100_000 + "c",
        "FROM " + "${a-" * 25_000,
        "FROM a\nFROM b\nRUN " + "--mount=" * 12_500,
        "FROM a\nFROM b\nRUN --mount=" + "from" * 25_000,
        "FROM a\nRUN " + "<<" * 50_000 + "\n",
        "FROM a\nRUN " + "1" * 100_000 + "<<\n",
    ],
)
def test_no_dockerfile_takes_more_time_than_its_length(text: str) -> None:
    before = time.process_time()
    parse(text)
    assert time.process_time() - before < 1  # some took ten seconds and more


def test_a_size_of_many_digits_is_none() -> None:
    before = time.process_time()
    assert size_in_words("1" * 100_000) is None
    assert size_in_words("9" * 400 + "B") is None
    assert time.process_time() - before < 1
    assert size_in_words("context: 12.5kB") == 12_500

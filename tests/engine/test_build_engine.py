"""Builds on a real engine: what was built, by which builder, is what the facts tell."""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import docker
import pytest
from course_engine import environment_restored

import dockerlab as lab
from dockerlab.engine import Engine
from dockerlab.errors import LabError
from dockerlab.facts import Build, build_image, read_comparison, read_context, read_stack
from dockerlab.pictures import draw_build, draw_comparison, draw_context, draw_stack

pytestmark = pytest.mark.engine
every_engine = pytest.mark.every_engine

Cli = Callable[..., str]
Builds = Callable[..., Build]
PREFIX = "build-test-"
WAYS = ("usual", "buildkit", "classic", "sdk")

STAGES = """
FROM busybox AS base
ENV GREETING=hello
RUN echo $GREETING > /greeting
FROM base AS tools
RUN dd if=/dev/zero of=/big bs=100000 count=1 2>/dev/null
FROM busybox AS unused
RUN echo never asked for
FROM busybox
COPY --from=tools /big /big
WORKDIR /srv
COPY note .
RUN rm /big
EXPOSE 80
CMD ["cat", "/srv/note"]
"""


@pytest.fixture
def build(client: docker.DockerClient, engine: Engine, cli: Cli, tmp_path: Path) -> Builds:
    """Build a Dockerfile in a folder with a file `note`, in one of the ways."""
    (tmp_path / "note").write_text("good day\n")

    def run(dockerfile: str, way: str = "usual", **options: object) -> Build:
        (tmp_path / "Dockerfile").write_text(dockerfile)
        chosen: dict[str, object] = {"sdk": {"through": "sdk"}, "usual": {}}.get(
            way, {"builder": way}
        )  # type: ignore[assignment]
        return build_image(client, tmp_path, environment=engine.environment(), **(chosen | options))  # type: ignore[arg-type]

    return run


@every_engine
@pytest.mark.parametrize("way", WAYS)
def test_every_way_of_building_makes_the_same_layers(
    client: docker.DockerClient, build: Builds, way: str
) -> None:
    made = build(STAGES, way, tag=f"{PREFIX}{way}:1", no_cache=True)
    assert made.failure is None
    assert made.image is not None
    assert made.image.tags == (f"{PREFIX}{way}:1",)
    found = [(step.instruction, step.layer) for step in made.steps if step.layer is not None]
    base = len(made.base_layers)
    assert base >= 1
    assert found == [("COPY", base), ("WORKDIR", base + 1), ("COPY", base + 2), ("RUN", base + 3)]
    big = next(step for step in made.steps if step.source is not None)
    layer = made.layer_of(big)
    assert layer is not None
    assert layer.size is not None
    assert 100_000 <= layer.size < 200_000
    skipped = {step.stage for step in made.steps if step.outcome == "skipped"}
    assert skipped == ({2} if made.builder == "buildkit" else set())
    ran = [step for step in made.steps if step.instruction == "RUN" and step.outcome == "ran"]
    assert all(step.seconds for step in ran)
    assert draw_build(made).facts is made


@every_engine
def test_the_builder_is_the_one_that_was_asked_for(
    client: docker.DockerClient, build: Builds
) -> None:
    generation = int(client.version()["Version"].split(".")[0])
    usual = "classic" if generation < 23 else "buildkit"
    assert build("FROM busybox\nRUN true\n").builder == usual
    for builder in ("buildkit", "classic"):
        assert build("FROM busybox\nRUN true\n", builder).builder == builder
    sdk = build("FROM busybox\nRUN true\n", "sdk")
    assert (sdk.builder, sdk.through) == ("classic", "sdk")


@pytest.mark.parametrize("way", WAYS)
def test_what_is_the_same_comes_from_the_cache(build: Builds, tmp_path: Path, way: str) -> None:
    dockerfile = "FROM busybox\nRUN echo one\nCOPY note /\nRUN echo two\n"
    (tmp_path / "note").write_text(f"good day {time.time_ns()}\n")
    build(dockerfile, way)
    again = build(dockerfile, way)
    assert [step.outcome for step in again.steps] == ["base", "cached", "cached", "cached"]
    (tmp_path / "note").write_text(f"good night {time.time_ns()}\n")
    changed = build(dockerfile, way)
    assert [step.outcome for step in changed.steps] == ["base", "cached", "ran", "ran"]
    assert "The cache held up to line 2. Line 3" in draw_build(changed).text


@every_engine
@pytest.mark.parametrize("way", ["buildkit", "sdk"])
def test_failures_are_facts_and_not_exceptions(
    client: docker.DockerClient, build: Builds, way: str
) -> None:
    before = {one["Id"] for one in client.api.containers(all=True)}
    command = build("FROM busybox\nRUN echo oops; exit 7\nCMD x\n", way).failure
    assert command is not None
    assert (command.kind, command.step, command.exit_code) == ("command", 1, 7)
    copy = build("FROM busybox\nCOPY nothing /\n", way).failure
    assert copy is not None
    assert (copy.kind, copy.step, copy.subject) == ("copy", 1, "nothing")
    syntax = build("FROM busybox\nRUNN x\n", way).failure
    assert syntax is not None
    assert (syntax.kind, syntax.step, syntax.subject) == ("syntax", 1, "RUNN")
    base = build("FROM 127.0.0.1:9/nowhere:1\nRUN true\n", way).failure
    assert base is not None
    assert (base.kind, base.step) == ("base", 0)
    tag = build("FROM busybox\n", way, tag="Not A Tag").failure
    assert tag is not None
    assert tag.kind == "other"
    assert tag.message
    left = {one["Id"] for one in client.api.containers(all=True)} - before
    assert not left, "a step that failed left its container"


@pytest.mark.parametrize("way", WAYS)
def test_a_build_without_end_is_ended(client: docker.DockerClient, build: Builds, way: str) -> None:
    before = {one["Id"] for one in client.api.containers(all=True)}
    stopped = build("FROM busybox\nRUN exec sleep 1234567\n", way, timeout=3)
    assert stopped.failure is not None
    assert (stopped.failure.kind, stopped.failure.step) == ("timeout", 1)
    assert stopped.steps[1].outcome == "stopped"
    deadline = time.monotonic() + 30
    while _sleepers() or {one["Id"] for one in client.api.containers(all=True)} - before:
        assert time.monotonic() < deadline, "the engine still builds"
        time.sleep(0.5)


def _sleepers() -> list[str]:
    """List the processes of the build above, wherever the builder runs them."""
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = process.read_bytes().split(b"\0")
        except OSError:
            continue
        if command[:2] == [b"sleep", b"1234567"]:
            found.append(process.parent.name)
    return found


@pytest.mark.parametrize("way", WAYS)
def test_arguments_target_and_labels(build: Builds, way: str) -> None:
    dockerfile = (
        "ARG BASE=nowhere\nFROM $BASE AS one\nARG A\nRUN echo $A > /a\nFROM one\nRUN false\n"
    )
    made = build(dockerfile, way, build_args={"BASE": "busybox", "A": "3"}, target="one",
                 labels={"kind": "sample"})  # fmt: skip
    assert made.failure is None
    assert made.image is not None
    assert ("kind", "sample") in made.image.config.labels
    assert [step.outcome for step in made.steps if step.stage == 1] == ["skipped", "skipped"]
    assert made.stages[0].in_image
    assert not made.stages[1].in_image


def test_the_context_is_what_docker_copies(client: docker.DockerClient, build: Builds,
                                           cli: Cli, tmp_path: Path) -> None:  # fmt: skip
    for name in ("a/b/keep.txt", "a/b/x.log", "a/x.log", "top.log", "tmp/x", "tmp/in/y", ".env"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / ".dockerignore").write_text("**/*.log\n!a/x.log\ntmp\n!tmp/in\n# no\n/top*\n")
    for builder in ("buildkit", "classic"):
        build("FROM busybox\nCOPY . /context\n", builder, tag=f"{PREFIX}context:1")
        listed = cli("run", "--rm", f"{PREFIX}context:1", "find", "/context", "-type", "f")
        context = read_context(tmp_path, builder=builder)
        assert sorted(listed.split()) == [f"/context/{file.path}" for file in context.sent]
        assert context.secrets == (".env",)
        assert "lets in" in draw_context(context).text


@every_engine
def test_two_images_compared_by_layers_settings_and_files(
    client: docker.DockerClient, build: Builds
) -> None:
    build("FROM busybox\nENV A=1\nRUN echo one > /text; echo x > /gone\n", tag=f"{PREFIX}a:1")
    build(
        f"FROM {PREFIX}a:1\nENV A=2\nRUN echo three > /text; rm /gone; echo n > /new\nUSER 7\n",
        tag=f"{PREFIX}b:1",
    )  # fmt: skip
    found = read_comparison(client, f"{PREFIX}a:1", f"{PREFIX}b:1")
    assert found.common == len(found.a.image.layers)
    assert {(one.kind, one.key, one.a, one.b) for one in found.settings} == {
        ("ENV", "A", "1", "2"), ("USER", "", None, "7"),
    }  # fmt: skip
    files = {one.path: (one.kind, one.a, one.b) for one in found.files or ()}
    assert files["/text"] == ("content", 4, 6)
    assert files["/gone"] == ("only a", 2, None)
    assert files["/new"] == ("only b", None, 2)
    assert "/bin/busybox" not in files
    assert f"{PREFIX}a:1 and {PREFIX}b:1" in draw_comparison(found).text


@every_engine
def test_a_commit_turns_the_writable_layer_read_only(client: docker.DockerClient, cli: Cli) -> None:
    name, image = f"{PREFIX}web", f"{PREFIX}kept:1"
    write = "echo hello > /new; rm /bin/ls; echo x >> /etc/passwd"
    for each in (name, f"{name}-other"):
        cli("run", "--name", each, "busybox", "sh", "-c", write)
    cli("commit", "--message", "keep it", name, image)
    stack = read_stack(client, name, image)
    (commit,) = stack.commits
    assert commit.container_id == stack.containers[0].id
    assert commit.witnessed
    assert f"was the writable layer of {name}" in draw_stack(stack).text
    assert read_stack(client, f"{name}-other", image).commits == ()
    compared = read_comparison(client, name, image)
    assert compared.files == ()
    assert compared.settings == ()
    cli("start", "--attach", name)  # writes once more to its own layer
    (changed,) = read_comparison(client, name, image).files or ()
    assert (changed.path, changed.kind) == ("/etc/passwd", "content")
    ran = read_comparison(client, "busybox", name).files or ()
    kinds = {one.path: one.kind for one in ran}
    assert kinds["/new"] == "only b"
    assert kinds["/bin/ls"] == "only a"
    assert kinds["/etc/passwd"] == "content"


def test_nothing_of_a_build_is_left_running(build: Builds) -> None:
    build("FROM busybox\nRUN true\n")
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    assert not [line for line in listed.stdout.splitlines() if "--iidfile" in line]


def test_as_a_notebook_types_it(client: docker.DockerClient, cli: Cli, tmp_path: Path) -> None:
    tag = f"{PREFIX}notebook:1"
    (tmp_path / "Dockerfile").write_text("FROM busybox\nRUN echo hi > /hi\n")
    with environment_restored():
        lab.start("2.1")
        for options in ({"builder": "buildkit"}, {"builder": "classic"}, {"sdk": True}):
            picture = lab.build(tmp_path, tag=tag, **options)  # type: ignore[arg-type]
            assert isinstance(picture.facts, Build)
            assert picture.facts.image is not None
            assert ("io.dockerlab.course", "2.1") in picture.facts.image.config.labels
        assert "Dockerfile" in lab.context(tmp_path).text
        compared = lab.compare("busybox", tag)
        assert "/hi" in compared.text
        assert "files" not in lab.compare("busybox", tag, files=False).text
        with pytest.raises(LabError, match="did you mean"):
            lab.compare("busybox", tag.replace("notebook", "notebok"))
        lab.cleanup()
    assert not client.api.images(tag)

"""What of a folder a build can see: judged by what Docker itself copied."""

import json
import os
import random
import time
from pathlib import Path
from typing import Any

import pytest
from record_ignore import FILE, make

from dockerlab.errors import LabError
from dockerlab.facts import Builder, read_context
from dockerlab.facts.ignore import Ignore, read_rules

RECORDED: dict[str, Any] = json.loads(FILE.read_text())
BUILDERS: tuple[Builder, Builder] = ("buildkit", "classic")


@pytest.mark.parametrize("builder", BUILDERS)
@pytest.mark.parametrize("sample", RECORDED["samples"], ids=lambda one: " ".join(one["lines"]))
def test_the_same_files_as_docker_copies(
    tmp_path: Path, sample: dict[str, Any], builder: Builder
) -> None:
    make(tmp_path, sample["lines"])
    if sample[builder] is None:
        with pytest.raises(LabError, match="is no pattern"):
            read_context(tmp_path, builder=builder)
    else:
        context = read_context(tmp_path, builder=builder)
        assert [file.path for file in context.sent] == sample[builder]
        everything = {file.path for file in (*context.sent, *context.kept_out)}
        assert everything == {*RECORDED["files"], *RECORDED["links"], ".dockerignore"}


def test_the_builders_differ_where_an_exception_has_two_stars() -> None:
    both = [(one["buildkit"], one["classic"]) for one in RECORDED["samples"]]
    assert any(buildkit != classic for buildkit, classic in both)


def test_sizes_and_the_rule_that_decided(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    for name, size in (("a.txt", 10), ("logs/a.log", 200), ("logs/keep.log", 3000)):
        (tmp_path / name).write_bytes(b"x" * size)
    (tmp_path / ".dockerignore").write_text("# first\nlogs\n!logs/keep.log\nnothing\n")
    context = read_context(tmp_path)
    assert context.sent_bytes == 10 + 3000 + len("# first\nlogs\n!logs/keep.log\nnothing\n")
    assert context.kept_out_bytes == 200
    assert [(rule.line, rule.text) for rule in context.rules] == [
        (2, "logs"), (3, "!logs/keep.log"), (4, "nothing"),
    ]  # fmt: skip
    decided = {file.path: file.rule for file in (*context.sent, *context.kept_out)}
    assert decided["logs/a.log"] == 0
    assert decided["logs/keep.log"] == 1
    assert decided["a.txt"] is None


def test_a_dockerignore_of_a_dockerfile_is_buildkits_alone(tmp_path: Path) -> None:
    (tmp_path / "note").write_text("x")
    (tmp_path / "other.Dockerfile").write_text("FROM x")
    (tmp_path / "other.Dockerfile.dockerignore").write_text("note")
    (tmp_path / ".dockerignore").write_text("other*")
    context = read_context(tmp_path, "other.Dockerfile")
    assert context.ignore_file == "other.Dockerfile.dockerignore"
    assert "note" not in {file.path for file in context.sent}
    classic = read_context(tmp_path, "other.Dockerfile", builder="classic")
    assert classic.ignore_file == ".dockerignore"
    assert "note" in {file.path for file in classic.sent}
    assert read_context(tmp_path).ignore_file == ".dockerignore"


def test_what_looks_secret(tmp_path: Path) -> None:
    secret = (".env", ".env.production", "id_rsa", "deep/id_ed25519", "tls/server.pem", ".npmrc",
              "x.p12", "credentials.json", "KEY.KEY")  # fmt: skip
    harmless = ("id_rsa.pub", ".env.example", "environment.py", "pem", "keys.txt", "a/.gitignore")
    inside = (".git/config", "sub/.ssh/known_hosts", ".git/objects/1")
    for name in (*secret, *harmless, *inside):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    found = read_context(tmp_path).secrets
    assert set(found) == {*secret, ".git/", "sub/.ssh/"}
    (tmp_path / ".dockerignore").write_text("**/.ssh\n.git\n.env*\n")
    assert not {".git/", "sub/.ssh/", ".env"} & set(read_context(tmp_path).secrets)


def test_links_are_not_followed_and_a_loop_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "up").symlink_to("..")
    (tmp_path / "away").symlink_to("/etc")
    os.mkfifo(tmp_path / "pipe")
    context = read_context(tmp_path)
    assert [(file.path, file.size) for file in context.sent] == [
        ("a/up", 0), ("away", 0), ("pipe", 0),
    ]  # fmt: skip


def test_a_folder_that_is_too_large_is_not_read_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dockerlab.facts.context.MOST_ENTRIES", 5)
    for number in range(9):
        (tmp_path / str(number)).write_text("")
    context = read_context(tmp_path)
    assert not context.complete
    assert len(context.sent) < 9


def test_no_folder_and_no_dockerignore(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="There is no folder"):
        read_context(tmp_path / "nowhere")
    assert read_context(tmp_path).ignore_file == ""
    assert read_context(tmp_path).sent == ()


@pytest.mark.parametrize(
    "line",
    ["!", "!  ", "[", "[a", "a[", "[^]", "\\q", "a\\", "a*\\", "bin\\", "[a-]", "[]a]", "[-a]",
     pytest.param("a" * 65_536, id="long")],
)  # fmt: skip
def test_what_is_no_pattern(line: str) -> None:
    with pytest.raises(LabError, match=r"Line 2 of \.dockerignore"):
        read_rules(f"# x\n{line}\n")


PATTERNS: list[dict[str, Any]] = json.loads(FILE.with_name("dockerignore.patterns").read_text())
"""Random patterns and what Docker's own code (moby's patternmatcher, in Go) says of paths."""


@pytest.mark.parametrize("sample", PATTERNS, ids=lambda one: one["pattern"])
def test_random_patterns_match_what_dockers_own_code_matches(sample: dict[str, Any]) -> None:
    if sample["matched"] is None:
        with pytest.raises(LabError, match="is no pattern"):
            read_rules(sample["pattern"])
        return
    ignore = Ignore(read_rules(sample["pattern"]))
    assert [ignore.decide(path, ())[0] == 0 for path in sample["paths"]] == sample["matched"]


def slow(pattern: str, path: str) -> bool:
    """Match by trying everything: a second reading of the rules, for `*`, `**`, `?` and letters."""
    if not pattern:
        return not path
    if pattern.startswith("**"):
        rest = pattern[2:].removeprefix("/")
        if not rest:
            return True
        starts = [0, *(at + 1 for at, sign in enumerate(path) if sign == "/")]
        return any(slow(rest, path[at:]) for at in starts)
    if pattern[0] == "*":
        name = len(path.partition("/")[0])
        return any(slow(pattern[1:], path[at:]) for at in range(name + 1))
    fits = path[:1] == pattern[0] or (pattern[0] == "?" and path[:1] not in {"", "/"})
    return fits and slow(pattern[1:], path[1:])


FUZZ_SECONDS = float(os.environ.get("DOCKERLAB_FUZZ_SECONDS", "1"))


def test_random_patterns_match_what_a_slow_reading_matches() -> None:
    chance = random.Random(8)
    until = time.monotonic() + FUZZ_SECONDS
    compared = 0
    while time.monotonic() < until:
        # "**" within or before a name is an ending to Docker; the samples above have those
        parts = ["*", "?", "a", "b", "ab", "a*", "*b", "a?*", "**", "*a*b*"]
        pattern = "/".join(chance.choice(parts) for _ in range(chance.randint(1, 4)))
        if pattern.endswith("/**"):
            continue  # takes the slash with it
        (rule,) = read_rules(pattern)
        ignore = Ignore([rule])
        for _ in range(20):
            names = ["a", "b", "ab", "aab", "abab", "ba"]
            path = "/".join(chance.choice(names) for _ in range(chance.randint(1, 5)))
            assert (ignore.decide(path, ())[0] == 0) == slow(pattern, path), (pattern, path)
            compared += 1
    assert compared > 100


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("*a*a*a*a*a*a*a*a*a*ab", "a" * 40),
        ("*a" * 500 + "b", "a" * 4000),
        ("**/*a" * 200 + "b", "a/" * 2000 + "a"),
        ("*" + "?*" * 400 + "b", "x" * 4000),
        ("[ab]*" * 300 + "c", "ab" * 2000),
        ("**/" + "a/**/" * 300 + "b", "a/" * 2000 + "a"),
        ("\\w*" * 300 + "b", "w" * 4000),
        ("*a*b*c", "abc" * 33_000 + "!"),
    ],
)
def test_no_pattern_takes_longer_than_its_length_and_the_paths(pattern: str, path: str) -> None:
    ignore = Ignore(read_rules(pattern))
    before = time.process_time()
    assert ignore.decide(path, ())[0] is None
    # the first took 33 seconds, and each "*a" more would have made it ten times as many
    assert time.process_time() - before < 5


def test_a_file_of_rules_has_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LabError, match="more than 2000 rules"):
        read_rules("a\n" * 2_001)
    (tmp_path / ".dockerignore").write_text("#\n" * 500_001)
    with pytest.raises(LabError, match="too long to be looked at"):
        read_context(tmp_path)
    (tmp_path / ".dockerignore").write_text("*a*\n" * 2_000)
    assert read_context(tmp_path).complete
    monkeypatch.setattr("dockerlab.facts.context.MOST_SECONDS", 0)
    assert not read_context(tmp_path).complete


def test_a_name_that_is_no_utf8_is_matched_byte_by_byte() -> None:
    ignore = Ignore(read_rules("a?*.log"))
    assert ignore.decide("a\udcff.log", ())[0] == 0
    assert ignore.decide("\udcff.log", ())[0] is None


def test_any_bytes_are_either_rules_or_refused() -> None:
    noise = ["(", ")+", "{1}", "^$", "a" * 10_000, "*" * 200, "\x00", "\x1b[1m", "[[:alpha:]]",
             "[a-]", "[]a]", "a\\", "\\\\", "((((", "x{9999}", "**/" * 50 + "x"]  # fmt: skip
    for line in noise:
        try:
            rules = read_rules(line)
        except LabError:
            continue
        ignore = Ignore(rules)
        for path in ("a", "a" * 200, "x/y/z", "a/" * 100 + "b", "(", line[:200].strip()):
            ignore.decide(path, ())

"""Numbers, codes and lines in words."""

import pytest

from dockerlab.facts import Container, Step
from dockerlab.pictures.measure import cells, fit, fit_cells, text_width, wrap
from dockerlab.pictures.wording import exit_code_words, exit_words, names, size, step_line


@pytest.mark.parametrize(
    ("number", "words"),
    [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (12_400_000, "12.4 MB"), (121_400_000, "121 MB"),
     (999_600, "1 MB"), (1_985_688, "1.99 MB"), (4e9, "4 GB"), (None, "?")],
)  # fmt: skip
def test_sizes_are_decimal_as_docker_prints_them(number: float | None, words: str) -> None:
    assert size(number) == words


@pytest.mark.parametrize(
    ("code", "part"),
    [(0, "without an error"), (1, "reported an error"), (125, "engine itself"),
     (126, "can't be executed"), (127, "not found"), (130, "SIGINT"), (137, "SIGKILL"),
     (139, "SIGSEGV"), (143, "SIGTERM"), (134, "signal 6, SIGABRT"), (42, "own code")],
)  # fmt: skip
def test_exit_codes(code: int, part: str) -> None:
    assert part in exit_code_words(code)


def test_out_of_memory_explains_137() -> None:
    killed = Container("i", "n", "m", "s", "exited", 137, oom_killed=True)
    assert "memory limit" in exit_words(killed)
    assert exit_words(Container("i", "n", "m", "s", "running")) == ""


@pytest.mark.parametrize(
    ("step", "line"),
    [
        (Step("RUN", "true", 0), "RUN true"),
        (Step("EXPOSE", "map[80/tcp:{} 81/tcp:{}]", 0), "EXPOSE 80/tcp 81/tcp"),
        (Step("COPY", f"file:{'a' * 64} in /", 0), "COPY file:aaaaaaaa… in /"),
        (Step("COMMIT", "sh", 0, "why"), "COMMIT “why”"),
        (Step("COMMIT", "sh", 0), "COMMIT sh"),
        (Step("", "", 0), "no history"),
    ],
)
def test_steps_as_dockerfile_lines(step: Step, line: str) -> None:
    assert step_line(step) == line


def test_names() -> None:
    assert names(["a", "b"], 3) == "a, b"
    assert names(["a", "b", "c", "d"], 2) == "a, b and 2 more"


def test_fit_never_exceeds_the_width() -> None:
    for text in ("short", "W" * 100, "中文" * 50, "mixed 中 text " * 20):
        line, cut = fit(text, 120, 12)
        assert text_width(line, 12) <= 120
        assert cut == (line != " ".join(text.split()))
        assert cells(fit_cells(text, 20)) <= 20


def test_wrap_keeps_all_words_or_says_there_is_more() -> None:
    assert wrap("one two three", 1000, 12, 2) == ["one two three"]
    lines = wrap("word " * 100, 200, 12, 3)
    assert len(lines) == 3
    assert lines[-1].endswith("…")

"""Numbers and codes in the words a student reads."""

from collections.abc import Iterable, Mapping, Sequence

from dockerlab.facts import Container, Lane, Step, plain
from dockerlab.facts.sizes import size_text
from dockerlab.language import _, ngettext

_SIGNALS: Mapping[int, str] = {
    1: "SIGHUP",
    2: "SIGINT",
    3: "SIGQUIT",
    4: "SIGILL",
    6: "SIGABRT",
    7: "SIGBUS",
    8: "SIGFPE",
    9: "SIGKILL",
    10: "SIGUSR1",
    11: "SIGSEGV",
    12: "SIGUSR2",
    13: "SIGPIPE",
    14: "SIGALRM",
    15: "SIGTERM",
}
"""Linux's numbers, whatever system the notebook runs on."""


def size(number: float | None) -> str:
    """Return bytes as the docker CLI counts them: decimal, three digits ("12.4 MB")."""
    return "?" if number is None else size_text(number)


def duration(seconds: float) -> str:
    """Return a length of time in its two largest units ("0.35 s", "2 min 5 s", "3 h 20 min")."""
    if seconds < 59.5:
        return _("{seconds} s").format(seconds=f"{seconds:.2g}" if seconds < 10 else round(seconds))
    whole = round(seconds)
    unit, below, many, few = next(one for one in _longer() if whole >= one[0])
    words = [many.format(count=whole // unit), few.format(count=whole % unit // below)]
    return " ".join(words if whole % unit // below else words[:1])


def _longer() -> tuple[tuple[int, int, str, str], ...]:
    """Units of time and the next smaller ones, in seconds and in words."""
    days, hours, minutes = _("{count} d"), _("{count} h"), _("{count} min")
    return (
        (86400, 3600, days, hours),
        (3600, 60, hours, minutes),
        (60, 1, minutes, _("{count} s")),
    )


def signal_name(number: int) -> str:
    """Return a signal's name, or its number where it has none of its own."""
    return _SIGNALS.get(number, _("signal {number}").format(number=number))


def short_digest(digest: str) -> str:
    """Return the 12 characters by which the CLI calls an ID or digest."""
    return plain(digest.rpartition(":")[2][:12])


def short_name(name: str) -> str:
    """Return an image's name without the tag that is meant anyway."""
    return plain(name.removesuffix(":latest"))


def names(all_names: Sequence[str], most: int = 3) -> str:
    """Return the first names, and how many more there are."""
    shown = ", ".join(plain(name) for name in all_names[:most])
    more = len(all_names) - most
    if more <= 0:
        return shown
    return _("{names} and {count} more").format(names=shown, count=more)


def step_line(step: Step) -> str:
    """Return a step as a line of a Dockerfile, with the hashes of copied files shortened."""
    if step.instruction == "COMMIT":
        return f"COMMIT “{plain(step.comment)}”" if step.comment else step.text
    if step.instruction in ("COPY", "ADD"):
        return " ".join(_short_source(word) for word in step.text.split())
    if step.instruction == "EXPOSE":
        return f"EXPOSE {_exposed(step.argument)}"
    return step.text or _("no history")


def _short_source(word: str) -> str:
    kind, colon, digest = word.partition(":")
    if colon and kind in ("file", "dir", "multi") and len(digest) >= 64:
        return f"{kind}:{digest[:8]}…"
    return word


def _exposed(argument: str) -> str:
    # BuildKit writes Go's map: "map[80/tcp:{}]".
    if argument.startswith("map[") and argument.endswith("]"):
        return argument[4:-1].replace(":{}", "")
    return argument


def layers(count: int) -> str:
    """Return "1 layer", "3 layers"."""
    return ngettext("{count} layer", "{count} layers", count).format(count=count)


def more_changes(count: int) -> str:
    """Count the changes in a writable layer that are not shown."""
    return ngettext("and {count} more change", "and {count} more changes", count).format(
        count=count
    )


def sentence(parts: Iterable[str]) -> str:
    """Join what matters with middle dots."""
    return " · ".join(part for part in parts if part)


def exit_words(container: Container | Lane) -> str:
    """Say what a container's exit code means, empty where it has none."""
    code = container.exit_code
    if code is None:
        return ""
    if container.oom_killed:
        return _("its memory limit was reached and the kernel killed it (SIGKILL)")
    return exit_code_words(code)


def exit_code_words(code: int) -> str:
    """Say what an exit code means."""
    special = {
        0: _("the program finished without an error"),
        1: _("the program reported an error"),
        2: _("the program reported an error, often a wrong option"),
        125: _("the engine itself failed"),
        126: _("the command was found but can't be executed"),
        127: _("the command was not found"),
        130: _("interrupted by SIGINT, as by Ctrl-C"),
        137: _("killed by SIGKILL: it could not refuse"),
        139: _("crashed by SIGSEGV: it touched memory that is not its own"),
        143: _("asked to end by SIGTERM, and it did"),
    }
    if code in special:
        return special[code]
    name = _SIGNALS.get(code - 128)
    if name:
        return _("ended by signal {number}, {name}").format(number=code - 128, name=name)
    return _("the program's own code for what went wrong")

"""A build context in words: title, one line of what matters, its meaning, and the text form."""

from collections.abc import Sequence
from dataclasses import dataclass

from dockerlab.facts import plain
from dockerlab.facts.context import Context, ContextFile
from dockerlab.facts.files import shown_path
from dockerlab.language import _, ngettext
from dockerlab.pictures.measure import cells, fit_cells
from dockerlab.pictures.wording import names, sentence, size

MOST_FILES = 8
MOST_RULES = 8
MOST_SECRETS = 4

_LINE = 48


@dataclass(frozen=True)
class RuleLine:
    """A rule, and on how many files it had the last word."""

    text: str
    exception: bool
    files: int
    bytes: int


def title(context: Context) -> str:
    """Name the folder."""
    return f"{plain(context.name)}/"


def files(count: int, total: int) -> str:
    """Return "3 files, 12 kB"."""
    words = ngettext("{count} file, {size}", "{count} files, {size}", count)
    return words.format(count=f"{count:,}", size=size(total))


def headline(context: Context) -> str:
    """Say what matters in one line."""
    sent = _("build context: {files}").format(files=files(len(context.sent), context.sent_bytes))
    kept = files(len(context.kept_out), context.kept_out_bytes)
    ignored = _("{file} keeps out {files}").format(file=plain(context.ignore_file), files=kept)
    return sentence((sent, ignored if context.ignore_file else _("no .dockerignore")))


def description(context: Context) -> str:
    """Say what the picture shows, for those who can't see it."""
    return _("What a build of the folder {name} can see: {headline}.").format(
        name=title(context), headline=headline(context)
    )


def largest(context: Context) -> tuple[ContextFile, ...]:
    """Return the largest files that can be sent."""
    by_size = sorted(context.sent, key=lambda file: (-file.size, file.path))
    return tuple(by_size[:MOST_FILES])


def rest_of_files(context: Context, shown: Sequence[ContextFile]) -> str:
    """Say how many files are not named."""
    more = len(context.sent) - len(shown)
    if more <= 0:
        return ""
    return _("and {files} more").format(
        files=files(more, context.sent_bytes - sum(file.size for file in shown))
    )


def rule_lines(context: Context) -> tuple[RuleLine, ...]:
    """Count what each rule decided, in the file's order."""
    counts = [0] * len(context.rules)
    totals = [0] * len(context.rules)
    for file in (*context.kept_out, *context.sent):
        if file.rule is not None:
            counts[file.rule] += 1
            totals[file.rule] += file.size
    return tuple(
        RuleLine(rule.text, rule.exception, count, total)
        for rule, count, total in zip(context.rules, counts, totals, strict=True)
    )


def shown_rules(context: Context) -> tuple[tuple[RuleLine, ...], int]:
    """Return the rules that are shown, and how many are not: those that decide least."""
    lines = rule_lines(context)
    if len(lines) <= MOST_RULES:
        return lines, 0
    order = sorted(range(len(lines)), key=lambda i: (-lines[i].bytes, -lines[i].files, i))
    kept = sorted(order[: MOST_RULES - 1])
    return tuple(lines[i] for i in kept), len(lines) - len(kept)


def rule_words(line: RuleLine) -> str:
    """Say what a rule does here."""
    if not line.files:
        return _("changes nothing here")
    if line.exception:
        return _("lets in {files}").format(files=files(line.files, line.bytes))
    return files(line.files, line.bytes)


def warning(context: Context) -> list[str]:
    """Say what looks secret and can be sent."""
    secrets = context.secrets
    if not secrets:
        return []
    return [
        _("Secret by its name, and a build can see it: {names}.").format(
            names=names(secrets, MOST_SECRETS)
        ),
        _("COPY . would put it into a layer, where it stays even if a later step deletes it."),
    ]


def meaning(context: Context) -> list[str]:
    """Say what the picture means, and what it leaves out."""
    if context.builder == "buildkit":
        lines = [
            _(
                "BuildKit asks for what a COPY or ADD names, and of that only for what has "
                "changed since the last build."
            )
        ]
    else:
        lines = [_("The classic builder is sent all of it before the first step, each time.")]
    if not context.ignore_file and context.kept_out == ():
        lines.append(_("Without a .dockerignore a COPY . copies the whole folder."))
    if not context.complete:
        lines.append(_("The folder has too many entries: it was not read to its end."))
    if context.unread:
        lines.append(_("These can't be read: {names}.").format(names=names(context.unread)))
    return lines


def context_text(context: Context) -> list[str]:
    """Return the picture's lines for a terminal."""
    shown = largest(context)
    secrets = tuple(context.secrets)
    lines = [f"{title(context)} — {headline(context)}", _("can be sent")]
    for file in shown:
        note = _("looks secret") if is_secret(file.path, secrets) else ""
        lines.append(_columns("█", shown_path(file.path), size(file.size), note))
    lines.append("  " + (rest_of_files(context, shown) or _("and nothing more")))
    rules, more = shown_rules(context)
    if context.ignore_file:
        lines.append(_("kept out by {file}").format(file=context.ignore_file))
    for line in rules:
        lines.append(_columns("!" if line.exception else "░", line.text, rule_words(line), ""))
    if more:
        lines.append("  " + more_rules(more))
    return [*lines, *(f"⚠ {line}" for line in warning(context)), *meaning(context)]


def more_rules(count: int) -> str:
    """Say how many rules are not shown."""
    return ngettext("and {count} more rule", "and {count} more rules", count).format(count=count)


def is_secret(path: str, secrets: Sequence[str]) -> bool:
    """Whether a path is one of those that look secret, or lies in one."""
    return any(path == one or (one.endswith("/") and path.startswith(one)) for one in secrets)


def _columns(mark: str, line: str, amount: str, note: str) -> str:
    shown = fit_cells(line, _LINE)
    padding = " " * (_LINE - cells(shown))
    return f"{mark} {shown}{padding}  {amount:>9}  {note}".rstrip()

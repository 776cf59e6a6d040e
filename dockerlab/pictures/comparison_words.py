"""A comparison in words: title, one line of what matters, its meaning, and the text form."""

from collections import Counter
from collections.abc import Mapping

from dockerlab.facts import (
    Comparison,
    FileDifference,
    SettingDifference,
    Side,
    plain,
)
from dockerlab.facts.comparison import FileKind
from dockerlab.facts.files import shown_path
from dockerlab.language import _, ngettext
from dockerlab.pictures.measure import cells, fit_cells
from dockerlab.pictures.stack_plan import Segment
from dockerlab.pictures.stack_words import stack_tree
from dockerlab.pictures.wording import layers as layer_count
from dockerlab.pictures.wording import sentence, short_name, size

MOST_SETTINGS = 12
MOST_FILES = 12

MARKS: Mapping[FileKind, str] = {
    "only a": "-",
    "only b": "+",
    "content": "≠",
    "mode": "≠",
    "owner": "≠",
    "type": "≠",
}
"""From the first to the second: what goes, what comes, what is otherwise."""

_LONG_LABEL = 18
_NAME = 24
_VALUE = 40


def side_name(side: Side) -> str:
    """Name a side."""
    return short_name(side.name)


def title(comparison: Comparison) -> str:
    """Name both."""
    return _("{a} and {b}").format(a=side_name(comparison.a), b=side_name(comparison.b))


def own_bytes(comparison: Comparison, side: Side) -> int:
    """Return the bytes of a side that the other doesn't have."""
    own = sum(layer.size or 0 for layer in side.image.layers[comparison.common :])
    return own + ((side.container.writable or 0) if side.container else 0)


def headline(comparison: Comparison) -> str:
    """Say what matters in one line."""
    common = sum(layer.size or 0 for layer in comparison.a.image.layers[: comparison.common])
    count = len(comparison.settings)
    files = comparison.files
    return sentence(
        (
            _("{layers} in common, {size}").format(
                layers=layer_count(comparison.common), size=size(common)
            )
            if comparison.common
            else _("no layer in common"),
            _difference(comparison),
            ngettext("{count} setting differs", "{count} settings differ", count).format(
                count=count
            ) if count else _("the same settings"),
            "" if files is None else _files_that_differ(len(files)),
        )
    )  # fmt: skip


def _files_that_differ(count: int) -> str:
    if not count:
        return _("the same files")
    words = ngettext("{count} file differs", "{count} files differ", count)
    return words.format(count=f"{count:,}")


def _difference(comparison: Comparison) -> str:
    by = comparison.b.bytes - comparison.a.bytes
    if not by:
        return _("the same size")
    larger = comparison.b if by > 0 else comparison.a
    return _("{name} is {size} larger").format(name=side_name(larger), size=size(abs(by)))


def description(comparison: Comparison) -> str:
    """Say what the picture shows, for those who can't see it."""
    return _("{names} side by side: {headline}.").format(
        names=title(comparison), headline=headline(comparison)
    )


def setting_name(setting: SettingDifference) -> str:
    """Name a setting as a Dockerfile does; of a long label the end, which tells it from others."""
    key = plain(setting.key)
    parts = key.split(".")
    if setting.kind == "LABEL" and len(key) > _LONG_LABEL and len(parts) > 2:
        key = "…" + ".".join(parts[-2:])
    return f"{setting.kind} {key}".rstrip()


def setting_value(value: str | None) -> str:
    """Return a setting's value, or that there is none."""
    if value is None:
        return _("not set")
    return plain(value) or _("set")


def largest_files(comparison: Comparison) -> tuple[FileDifference, ...]:
    """Return the files that differ most, the largest first."""
    files = comparison.files or ()
    by_size = sorted(files, key=lambda one: (-max(one.a or 0, one.b or 0), one.path))
    return tuple(by_size[:MOST_FILES])


def files_line(comparison: Comparison) -> str:
    """Say how many files differ in which way."""
    counts = Counter(MARKS[one.kind] for one in comparison.files or ())
    a, b = side_name(comparison.a), side_name(comparison.b)
    words = {
        "-": _("{count} only in {name}").format(count=f"{counts['-']:,}", name=a),
        "+": _("{count} only in {name}").format(count=f"{counts['+']:,}", name=b),
        "≠": _("{count} in both, but different").format(count=f"{counts['≠']:,}"),
    }
    parts = [f"{mark} {line}" for mark, line in words.items() if counts[mark]]
    return sentence(parts) or _("the same files")


def file_words(one: FileDifference) -> str:
    """Say how a file differs, by bytes where they are known."""
    if one.kind in ("mode", "owner", "type"):
        words: Mapping[FileKind, str] = {
            "mode": _("other mode"),
            "owner": _("other owner"),
            "type": _("other kind"),
        }
        return words[one.kind]
    if one.kind == "content" and None not in (one.a, one.b) and one.a != one.b:
        return _("{before} → {after}").format(before=size(one.a), after=size(one.b))
    known = one.a if one.a is not None else one.b
    if one.kind == "content":
        return _("changed")
    return "" if known is None else size(known)


def more_files(comparison: Comparison, shown: int) -> str:
    """Say how many files are not named."""
    more = len(comparison.files or ()) - shown
    if more <= 0:
        return ""
    return ngettext("and {count} more file", "and {count} more files", more).format(
        count=f"{more:,}"
    )


def more_settings(comparison: Comparison) -> str:
    """Say how many settings are not shown."""
    more = len(comparison.settings) - MOST_SETTINGS
    if more <= 0:
        return ""
    return ngettext("and {count} more", "and {count} more", more).format(count=more)


def meaning(comparison: Comparison) -> list[str]:
    """Say what the picture means."""
    a, b = comparison.a, comparison.b
    if a.image.id == b.image.id and not (a.container or b.container):
        return [_("These are two names of one image.")]
    if a.container and b.container and a.container.id == b.container.id:
        return [_("These are two names of one container.")]
    lines = []
    if a.image.id == b.image.id:
        lines.append(
            _("Both stand on one image: all that differs was written by a container or set for it.")
        )
    elif comparison.same:
        lines.append(
            _("Layers and settings are the same; the IDs differ by when or how they were made.")
        )
    elif not own_bytes(comparison, b) and len(b.image.layers) == comparison.common:
        lines.append(
            _("{b} is what {a} stands on: where {a} is, it takes no room of its own.").format(
                a=side_name(a), b=side_name(b)
            )
        )
    elif comparison.common:
        lines.append(
            _(
                "Where {a} is, {b} takes only {size} more: the layers in common are stored and "
                "fetched once."
            ).format(a=side_name(a), b=side_name(b), size=size(own_bytes(comparison, b)))
        )
    else:
        lines.append(_("Nothing is shared: each of them is stored and fetched for itself."))
    return lines


def comparison_text(comparison: Comparison, tree: Segment) -> list[str]:
    """Return the picture's lines for a terminal."""
    a, b = side_name(comparison.a), side_name(comparison.b)
    lines = [f"{title(comparison)} — {headline(comparison)}", *stack_tree(tree)]
    if comparison.settings:
        lines.append(_row(_("settings"), a, b))
    lines += [
        _row(setting_name(one), setting_value(one.a), setting_value(one.b))
        for one in comparison.settings[:MOST_SETTINGS]
    ]
    lines += ["  " + more for more in (more_settings(comparison),) if more]
    if comparison.files is not None:
        lines.append(_("files: {files}").format(files=files_line(comparison)))
        shown = largest_files(comparison)
        lines += [
            f"{MARKS[one.kind]} {_padded(shown_path(one.path), 60)} {file_words(one):>12}"
            for one in shown
        ]
        lines += ["  " + more for more in (more_files(comparison, len(shown)),) if more]
    return [*lines, *meaning(comparison)]


def _row(name: str, a: str, b: str) -> str:
    return f"  {_padded(name, _NAME)}  {_padded(a, _VALUE)}  {fit_cells(b, _VALUE)}"


def _padded(text: str, width: int) -> str:
    shown = fit_cells(text, width)
    return shown + " " * (width - cells(shown))

"""The files of an image in words: title, one line of what matters, rows, waste, the text form."""

import stat
from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from dockerlab.facts.archive.waste import made_by
from dockerlab.facts.files import Entry, Files, LayerFiles, Waste, shown_path
from dockerlab.language import _, ngettext
from dockerlab.pictures.files_plan import FilesPlan, LayerPlan
from dockerlab.pictures.files_tree import MARKS, Leaf, Node, Row
from dockerlab.pictures.measure import cells, fit_cells
from dockerlab.pictures.wording import layers as layer_count
from dockerlab.pictures.wording import sentence, short_digest, size, step_line

MOST_STORIES = 5
_LINE = 58
_WASTEFUL = 0.01


def title(files: Files) -> str:
    """Name the image."""
    return files.name


def headline(files: Files) -> str:
    """Say what matters in one line."""
    count = sum(1 for entry in files.visible.values() if entry.kind != "directory")
    return sentence(
        (
            layer_count(len(files.layers)),
            ngettext("{count} file", "{count} files", count).format(count=f"{count:,}"),
            _("{size} stored").format(size=size(files.stored_bytes)),
            _("{percent} of it can be seen").format(percent=percent(files.efficiency)),
        )
    )


def percent(share: float) -> str:
    """Return a share as a percentage; neither all nor nothing is said unless it is so."""
    rounded = min(max(round(100 * share, 1), 0.1), 99.9) if 0 < share < 1 else 100 * share
    return f"{rounded:g} %"


def description(plan: FilesPlan) -> str:
    """Say what the picture shows, for those who can't see it."""
    return _("What each layer of {name} does to files, the base at the bottom: {headline}.").format(
        name=title(plan.files), headline=headline(plan.files)
    )


def looked_for(plan: FilesPlan) -> str:
    """Say what was looked for and how much of it there is; empty if nothing was."""
    if not plan.find:
        return ""
    found = sum(sum(layer.root.marks.values()) for layer in plan.layers)
    return ngettext(
        "“{find}”: {count} path in these layers", "“{find}”: {count} paths in these layers", found
    ).format(find=plan.find, count=f"{found:,}")


def layer_line(files: Files, layer: LayerFiles, position: int) -> str:
    """Name a layer by the step that made it."""
    if layer.step is None or layer.step >= len(files.steps):
        return _("layer {number}").format(number=position)
    return step_line(files.steps[layer.step])


def layer_note(layer: LayerFiles, position: int) -> str:
    """Say which layer it is, and how much it does."""
    step = "" if layer.step is None else made_by(layer, position)
    return sentence(
        (
            _("layer {number}").format(number=position),
            step,
            counts(layer),
            short_digest(layer.diff_id),
        )
    )


def counts(layer: LayerFiles) -> str:
    """Say how many paths a layer adds, changes and deletes."""
    parts = (
        _("{count} added").format(count=f"{len(layer.added):,}") if layer.added else "",
        _("{count} changed").format(count=f"{len(layer.changed):,}") if layer.changed else "",
        _("{count} deleted").format(count=f"{len(layer.deleted):,}") if layer.deleted else "",
        _("{count} stored again unchanged").format(count=f"{len(layer.repeated):,}")
        if layer.repeated
        else "",
    )
    return ", ".join(part for part in parts if part) or _("no file touched")


def row_note(row: Row) -> str:
    """Say what a row's sums don't: how many files, what changed, where a link leads."""
    leaf = row.node.leaf
    if row.node.children:
        return _folder_note(row.node)
    return "" if leaf is None else leaf_note(leaf)


def _folder_note(node: Node) -> str:
    if len(node.marks) > 1:
        return " ".join(f"{mark}{node.marks[mark]:,}" for mark in MARKS if mark in node.marks)
    if not node.files:
        return ""
    return ngettext("{count} file", "{count} files", node.files).format(count=f"{node.files:,}")


def leaf_note(leaf: Leaf) -> str:
    """Say what changed of a path, where a link leads, or what kind of thing it is."""
    entry, before = leaf.entry, leaf.before
    if leaf.aspects and before is not None:
        return sentence(_aspect(aspect, before, entry) for aspect in leaf.aspects)
    if entry.link:
        return _("one file with {path}").format(path=shown_path(entry.link))
    if entry.kind == "symlink":
        return "→ " + shown_path(entry.target)
    if leaf.mark == "=":
        return _("unchanged")
    return "" if entry.kind == "file" else kind_word(entry)


def _aspect(aspect: str, before: Entry, after: Entry) -> str:
    if aspect == "mode":
        return _("mode {before} → {after}").format(
            before=f"{before.mode:04o}", after=f"{after.mode:04o}"
        )
    if aspect == "owner":
        return _("owner {before} → {after}").format(
            before=f"{before.uid}:{before.gid}", after=f"{after.uid}:{after.gid}"
        )
    if aspect == "type":
        return _("{before} → {after}").format(before=kind_word(before), after=kind_word(after))
    return _("content") if aspect == "content" else _("extended attributes")


def kind_word(entry: Entry) -> str:
    """Name what a path is."""
    return {
        "file": _("file"),
        "directory": _("folder"),
        "symlink": _("symbolic link"),
        "link": _("hard link"),
        "character": _("character device"),
        "block": _("block device"),
        "pipe": _("named pipe"),
    }[entry.kind]


def mode_text(entry: Entry) -> str:
    """Return permissions as ``ls -l`` prints them."""
    kinds = {"directory": stat.S_IFDIR, "symlink": stat.S_IFLNK, "character": stat.S_IFCHR,
             "block": stat.S_IFBLK, "pipe": stat.S_IFIFO}  # fmt: skip
    return stat.filemode(kinds.get(entry.kind, stat.S_IFREG) | entry.mode)


def row_size(row: Row) -> str:
    """Return a row's bytes: what travels, or of what is deleted, what is hidden."""
    if row.node.bytes or not row.node.gone:
        leaf = None if row.node.children else row.node.leaf
        return "" if leaf and leaf.entry.kind != "file" else size(row.node.bytes)
    return "-" + size(row.node.gone)


def more_names(count: int) -> str:
    """Say how many names a folder has besides those shown."""
    return ngettext("and {count} more", "and {count} more", count).format(count=f"{count:,}")


class Story(NamedTuple):
    """Some waste with one cause."""

    bytes: int
    why: str


def stories(files: Files) -> list[Story]:
    """Explain the waste, the largest first; many files that went for one reason are one story."""

    def cause(one: Waste) -> tuple[int, int, str]:
        return one.stored_by, one.hidden_by, one.reason

    found = []
    for _key, group in groupby(sorted(files.waste, key=cause), cause):
        waste = list(group)
        if len(waste) <= 2:
            found += [Story(one.bytes, one.why + ".") for one in waste]
        else:
            found.append(Story(sum(one.bytes for one in waste), _together(files, waste)))
    return sorted(found, key=lambda story: -story.bytes)


def _together(files: Files, waste: Sequence[Waste]) -> str:
    first = waste[0]
    words = {
        "deleted": _("{count} files below {folder}, {size}, stored by {first}, deleted by "
                     "{second}, still travel; the largest is {path}."),
        "repeated": _("{count} files below {folder}, {size}, stored by {first}, stored again "
                      "unchanged by {second}; the largest is {path}."),
        "mode": _("{count} files below {folder}, {size}, stored by {first}, stored again by "
                  "{second} for another mode; the largest is {path}."),
        "owner": _("{count} files below {folder}, {size}, stored by {first}, stored again by "
                   "{second} for another owner; the largest is {path}."),
        "attributes": _("{count} files below {folder}, {size}, stored by {first}, stored again by "
                        "{second} for other attributes; the largest is {path}."),
        "twice": _("{count} files below {folder}, {size}, stored twice by {first}; the largest "
                   "is {path}."),
    }.get(first.reason, _("{count} files below {folder}, {size}, stored by {first}, replaced by "
                          "{second}, still travel; the largest is {path}."))  # fmt: skip
    return words.format(
        count=f"{len(waste):,}",
        folder=shown_path(_common_folder([one.path for one in waste])),
        size=size(sum(one.bytes for one in waste)),
        first=made_by(files.layers[first.stored_by], first.stored_by),
        second=made_by(files.layers[first.hidden_by], first.hidden_by),
        path=_("{path} ({size})").format(path=shown_path(first.path), size=size(first.bytes)),
    )


def _common_folder(paths: Sequence[str]) -> str:
    low, high = min(paths).split("/")[:-1], max(paths).split("/")[:-1]
    common = []
    for a, b in zip(low, high, strict=False):
        if a != b:
            break
        common.append(a)
    return "/".join(common) or "/"


def legend(plan: FilesPlan) -> str:
    """Explain the marks that are there."""
    words = {
        "+": _("added"),
        "≠": _("changed"),
        "-": _("deleted"),
        "=": _("stored again unchanged"),
    }
    there = {mark for layer in plan.layers for mark in layer.root.marks}
    return "   ".join(f"{mark} {words[mark]}" for mark in MARKS if mark in there)


def meaning(plan: FilesPlan) -> list[str]:
    """Say what the picture means."""
    files = plan.files
    lines = []
    if plan.find and not any(layer.rows for layer in plan.layers):
        lines.append(_("No path of these layers has that in it."))
    elif not files.stored_bytes:
        lines.append(_("No layer stores a byte of content."))
    elif files.waste:
        share = 1 - files.efficiency
        words = (
            _("{size} is stored and sent but can't be seen in any container: what a layer deletes "
              "or replaces, the layers below still hold.")
            if share >= _WASTEFUL
            else _("Only {size} is stored and sent without ever being seen: little to gain here.")
        )  # fmt: skip
        lines.append(words.format(size=size(files.waste_bytes)))
    else:
        lines.append(_("Every stored byte can be seen in a container: nothing is wasted."))
    if plan.left_out:
        lines.append(
            _("{count} of the layers do least and are not drawn: lab.files(…, layer=N) shows one.")
            .format(count=plan.left_out)
        )  # fmt: skip
    return lines


def files_text(plan: FilesPlan) -> list[str]:
    """Return the picture's lines for a terminal."""
    files = plan.files
    lines = [f"{title(files)} — {headline(files)}"]
    lines += [line for line in (looked_for(plan),) if line]
    for layer in reversed(plan.layers):
        lines += _layer_lines(files, layer)
    shown = [] if plan.find else stories(files)
    lines += [f"  ! {story.why}" for story in shown[:MOST_STORIES]]
    if len(shown) > MOST_STORIES:
        lines.append("    " + more_causes(shown))
    return [*lines, *meaning(plan)]


def more_causes(shown: Sequence[Story]) -> str:
    """Say how much more waste there is than what is told."""
    rest = shown[MOST_STORIES:]
    return ngettext(
        "and {count} more cause, {size}", "and {count} more causes, {size}", len(rest)
    ).format(count=len(rest), size=size(sum(story.bytes for story in rest)))


def _layer_lines(files: Files, plan: LayerPlan) -> list[str]:
    name = fit_cells(layer_line(files, plan.layer, plan.position), _LINE)
    head = f"█ {_padded(name, _LINE)} {size(plan.layer.size):>8}"
    lines = [head, "  " + layer_note(plan.layer, plan.position)]
    for row in plan.rows:
        indent = "  " * row.depth
        if row.more:
            lines.append(f"    {indent}{more_names(row.more)}")
            continue
        name = indent + fit_cells(row.label, _LINE - 2 - len(indent))
        line = f"  {row.node.mark} {_padded(name, _LINE - 2)} {row_size(row):>8}  {row_note(row)}"
        lines.append(line.rstrip())
    return lines


def _padded(text: str, width: int) -> str:
    return text + " " * (width - cells(text))

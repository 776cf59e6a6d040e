"""The layer stack in words: title, one line of what matters, its meaning, and the text form."""

from collections.abc import Sequence

from dockerlab.facts import Commit, Container, Image, Stack, plain
from dockerlab.language import _, ngettext
from dockerlab.pictures.measure import cells, fit_cells
from dockerlab.pictures.stack_plan import (
    Block,
    Column,
    FoldBlock,
    Segment,
    StepsBlock,
    WritableBlock,
    notable,
)
from dockerlab.pictures.wording import layers as layer_count
from dockerlab.pictures.wording import (
    more_changes,
    names,
    sentence,
    short_digest,
    short_name,
    size,
)

_LINE = 58


def title(stack: Stack) -> str:
    """Name what is shown."""
    shown = [container.name for container in stack.containers]
    used = {container.image_id for container in stack.containers}
    shown += [image.name for image in stack.images if image.id not in used]
    return names(shown, 5)


def headline(stack: Stack) -> str:
    """Say what matters in one line."""
    if len(stack.images) > 1:
        return _several_headline(stack)
    image = stack.images[0]
    metadata = len(image.steps) - sum(1 for layer in image.layers if layer.step is not None)
    steps = _("{steps} steps, {metadata} of them metadata only").format(
        steps=len(image.steps), metadata=metadata
    )
    return sentence(
        (
            _of(stack.containers, image),
            layer_count(len(image.layers)),
            size(image.unpacked),
            steps if image.steps else _("no history"),
            image.platform,
            _compressed(image),
        )
    )


def _of(containers: tuple[Container, ...], image: Image) -> str:
    if not containers:
        return ""
    count = len(containers)
    words = ngettext("a container of {image}", "{count} containers of {image}", count)
    return words.format(image=image.name, count=count)


def _compressed(image: Image) -> str:
    if image.store != "containerd" or image.size >= image.unpacked:
        return ""
    return _("{size} to download").format(size=size(image.size))


def _several_headline(stack: Stack) -> str:
    once, many = _bytes_once(stack.images), sum(image.unpacked for image in stack.images)
    return _("{count} images · {many} if each were stored for itself, {once} as it is").format(
        count=len(stack.images), many=size(many), once=size(once)
    )


def _bytes_once(images: Sequence[Image]) -> int:
    chains: dict[tuple[str, ...], int] = {}
    for image in images:
        diff_ids = tuple(layer.diff_id for layer in image.layers)
        for depth, layer in enumerate(image.layers):
            chains[diff_ids[: depth + 1]] = layer.size or 0
    return sum(chains.values())


def description(stack: Stack) -> str:
    """Say what the picture shows, for those who can't see it."""
    return _("Layers of {names}, base at the bottom: {headline}.").format(
        names=title(stack), headline=headline(stack)
    )


def meaning(stack: Stack, left_out: int) -> list[str]:
    """Say what the picture means, and what it leaves out."""
    lines = [_meaning(stack)]
    if left_out:
        words = ngettext(
            "{count} more is not drawn: show fewer at once.",
            "{count} more are not drawn: show fewer at once.",
            left_out,
        )
        lines.append(words.format(count=left_out))
    return [line for line in lines if line]


def _meaning(stack: Stack) -> str:
    if stack.commits:
        return _meaning_of_commit(stack, stack.commits[0])
    if len(stack.containers) > 1:
        return _("Each container writes to a layer of its own; what lies below exists once.")
    if stack.containers:
        return _("All the container writes goes to its own layer; the image below never changes.")
    return _meaning_of_images(stack.images)


def _meaning_of_commit(stack: Stack, commit: Commit) -> str:
    names_of = {image.id: image.name for image in stack.images}
    names_of |= {container.id: container.name for container in stack.containers}
    words = {
        "image": short_name(names_of.get(commit.image_id, "")),
        "container": plain(names_of.get(commit.container_id, "")),
    }
    if not commit.witnessed:
        return _(
            "The top layer of {image} was the writable layer of {container}, or of a container "
            "with the same command: the engine no longer knows which."
        ).format(**words)
    return _(
        "docker commit kept what {container} had written as a read-only layer of {image}; the "
        "container still writes to its own."
    ).format(**words)


def _meaning_of_images(images: Sequence[Image]) -> str:
    if len(images) > 1:
        saved = sum(image.unpacked for image in images) - _bytes_once(images)
        if not saved:
            return _("These images have no layer in common.")
        return _("A bar across several images is one layer stored once: {size} saved.").format(
            size=size(saved)
        )
    image = images[0]
    if not image.layers:
        return _("This image has no layer at all: only settings.")
    shared = [layer.size or 0 for layer in image.layers if layer.shared_with]
    if not shared:
        return _("Layers are read-only: what a step changes lies on top, what is below stays.")
    return _("Hatched layers exist once for all images on them: {size} of {all}.").format(
        size=size(sum(shared)), all=size(image.unpacked)
    )


def stack_text(stack: Stack, tree: Segment, left_out: int) -> list[str]:
    """Return the picture's lines for a terminal."""
    return [f"{title(stack)} — {headline(stack)}", *stack_tree(tree), *meaning(stack, left_out)]


def stack_tree(tree: Segment) -> list[str]:
    """Return the shape's lines for a terminal: of one stack base last, of several as a tree."""
    if len(tree.columns) == 1:
        return [line for block in reversed(tree.blocks) for line in reversed(_lines(block))]
    return _tree(tree, "", "")


def _tree(segment: Segment, first: str, rest: str) -> list[str]:
    own = [line for block in segment.blocks for line in _lines(block)]
    if not segment.above:
        own.append(_end(segment.columns[0]))
    lines = [(first if number == 0 else rest) + line for number, line in enumerate(own)]
    base = rest if own else ""
    for number, branch in enumerate(segment.above):
        last = number == len(segment.above) - 1
        lines += _tree(branch, base + ("└─" if last else "├─"), base + ("  " if last else "│ "))
    return lines


def _end(column: Column) -> str:
    if column.container:
        return "  ► " + _("container {name} on {image}").format(
            name=fit_cells(column.container.name, 40),
            image=fit_cells(short_name(column.image.name), 40),
        )
    return "  ► " + names(column.image.tags or (column.image.name,))


def _lines(block: Block) -> list[str]:
    """Return the lines of one block, base first."""
    if isinstance(block, StepsBlock):
        return ["  · " + fit_cells(line, _LINE) for line in block.lines]
    if isinstance(block, WritableBlock):
        container = block.container
        name = _("writable layer of {name}").format(name=container.name)
        amount = "" if container.writable is None else size(container.writable)
        shown = notable(container.changes)[:4]
        changes = [f"      {c.kind} {fit_cells(c.path, _LINE)}" for c in shown]
        more = len(container.changes) - len(changes)
        if more > 0:
            changes.append("      " + more_changes(more))
        below = _("read-only below")
        return [f"  - - - {below}", *reversed(changes), _bar("┆", name, amount, "")]
    if isinstance(block, FoldBlock):
        name = _("{count} smaller layers").format(count=len(block.blocks))
        return [_bar("▒", name, size(block.size), "")]
    note = short_digest(block.layer.diff_id)
    if block.committed:
        note += "  " + _("was the writable layer of {name}").format(name=block.committed.name)
    if block.shared_with:
        others = names([short_name(one) for one in block.shared_with])
        note += "  " + _("shared with {names}").format(names=others)
    return [_bar("█", block.line, size(block.layer.size), note)]


def _bar(mark: str, line: str, amount: str, note: str) -> str:
    shown = fit_cells(line, _LINE)
    padding = " " * (_LINE - cells(shown))
    return f"{mark} {shown}{padding} {amount:>8}  {note}".rstrip()

"""What stands on what: images and containers as columns of blocks on their common base."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from dockerlab.facts import Container, FileChange, Image, Layer, Stack
from dockerlab.language import _
from dockerlab.pictures.wording import step_line

MOST_COLUMNS = 5
"""More images side by side can't be read at 820 px."""

MOST_LAYERS = 16
"""What one run of layers shows before its small ones are folded."""


@dataclass(frozen=True)
class LayerBlock:
    """One layer; `depth` counts from the base, `line` is the step that made it.

    `committed` is the container whose writable layer it was, None where it was none's.
    """

    layer: Layer
    line: str
    depth: int
    committed: Container | None = None

    @property
    def key(self) -> object:
        """What makes two blocks the same in two images."""
        return self.layer.diff_id

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return self.layer.size or 0

    @property
    def shared_with(self) -> tuple[str, ...]:
        """Names of other images on this layer."""
        return self.layer.shared_with


@dataclass(frozen=True)
class FoldBlock:
    """Several small layers on each other, drawn as one."""

    blocks: tuple[LayerBlock, ...]
    steps: int

    @property
    def key(self) -> object:
        """What makes two blocks the same in two images."""
        return tuple(block.layer.diff_id for block in self.blocks)

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(block.size for block in self.blocks)

    @property
    def shared_with(self) -> tuple[str, ...]:
        """Names of other images on the uppermost of these layers."""
        return self.blocks[-1].shared_with


@dataclass(frozen=True)
class StepsBlock:
    """Steps between two layers that changed only settings."""

    lines: tuple[str, ...]

    @property
    def key(self) -> object:
        """What makes two blocks the same in two images."""
        return self.lines


@dataclass(frozen=True)
class WritableBlock:
    """A container's writable layer."""

    container: Container

    @property
    def key(self) -> object:
        """What makes two blocks the same in two images."""
        return self.container.id


Block = LayerBlock | FoldBlock | StepsBlock | WritableBlock


@dataclass(frozen=True)
class Column:
    """An image, or a container on it, from the base up."""

    image: Image
    container: Container | None
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Segment:
    """Blocks that all columns above have in common, and what branches off on top of them.

    Parameters
    ----------
    blocks : tuple of Block
        Base first; may be empty.
    above : tuple of Segment
        The branches; none for the top of a column.
    columns : tuple of Column
        All that stand on this segment, in the order of `above`.
    """

    blocks: tuple[Block, ...]
    above: tuple["Segment", ...]
    columns: tuple[Column, ...]


def notable(changes: Sequence[FileChange]) -> tuple[FileChange, ...]:
    """Return changes with those first that say most.

    A folder counts as changed because something in it did: it stands behind what it contains.
    """
    folders = {one.path.rpartition("/")[0] for one in changes}
    return tuple(sorted(changes, key=lambda one: one.kind == "C" and one.path in folders))


def plan(stack: Stack) -> tuple[Segment, int]:
    """Arrange a stack as a tree of segments; also return how many columns were left out."""
    columns = [column for image in stack.images for column in _columns(image, stack)]
    shown = columns[:MOST_COLUMNS]
    inside = {tag for column in shown for tag in (*column.image.tags, column.image.name)}
    shown = [_without(column, inside) for column in shown] if len(shown) > 1 else shown
    return _fold(_segment(shown, 0)), len(columns) - len(shown)


def _columns(image: Image, stack: Stack) -> list[Column]:
    blocks = _blocks(image, _source(image, stack))
    users = [container for container in stack.containers if container.image_id == image.id]
    if not users:
        return [Column(image, None, blocks)]
    return [Column(image, user, (*blocks, WritableBlock(user))) for user in users]


def _source(image: Image, stack: Stack) -> Container | None:
    """Return the container that the image was committed from."""
    by_id = {container.id: container for container in stack.containers}
    sources = (by_id.get(one.container_id) for one in stack.commits if one.image_id == image.id)
    return next((container for container in sources if container), None)


def _blocks(image: Image, source: Container | None) -> tuple[Block, ...]:
    depth_of = {layer.step: depth for depth, layer in enumerate(image.layers)}
    blocks: list[Block] = []
    waiting: list[str] = []
    placed = 0

    def place(depth: int, line: str) -> None:
        if waiting:
            blocks.append(StepsBlock(tuple(waiting)))
            waiting.clear()
        is_top = depth == len(image.layers) - 1
        blocks.append(LayerBlock(image.layers[depth], line, depth, source if is_top else None))

    for position, step in enumerate(image.steps):
        depth = depth_of.get(position)
        if depth is None:
            waiting.append(step_line(step))
            continue
        for unexplained in range(placed, depth):
            place(unexplained, _("no history"))
        place(depth, step_line(step))
        placed = depth + 1
    for unexplained in range(placed, len(image.layers)):
        place(unexplained, _("no history"))
    if waiting:
        blocks.append(StepsBlock(tuple(waiting)))
    return tuple(blocks)


def _without(column: Column, names: set[str]) -> Column:
    """Leave out of "shared with" what stands in the same picture: there it can be seen."""

    def seen(block: Block) -> Block:
        if not isinstance(block, LayerBlock):
            return block
        others = tuple(name for name in block.layer.shared_with if name not in names)
        return replace(block, layer=replace(block.layer, shared_with=others))

    return replace(column, blocks=tuple(seen(block) for block in column.blocks))


def _segment(columns: Sequence[Column], start: int) -> Segment:
    shortest = min(len(column.blocks) for column in columns)
    end = start
    while end < shortest and len({column.blocks[end].key for column in columns}) == 1:
        end += 1
    common = columns[0].blocks[start:end]
    if len(columns) == 1:
        return Segment(common, (), tuple(columns))
    branches: dict[object, list[Column]] = {}
    for position, column in enumerate(columns):
        top = len(column.blocks) == end
        branches.setdefault(("top", position) if top else column.blocks[end].key, []).append(column)
    above = tuple(_segment(branch, end) for branch in branches.values())
    return Segment(common, above, tuple(one for branch in above for one in branch.columns))


def _fold(segment: Segment) -> Segment:
    above = tuple(_fold(branch) for branch in segment.above)
    sizes = sorted((b.size for b in segment.blocks if isinstance(b, LayerBlock)), reverse=True)
    if len(sizes) <= MOST_LAYERS:
        return replace(segment, above=above)
    least = sizes[MOST_LAYERS // 2]
    top = max(i for i, b in enumerate(segment.blocks) if isinstance(b, LayerBlock))
    bottom = min(i for i, b in enumerate(segment.blocks) if isinstance(b, LayerBlock))

    def is_small(numbered: tuple[int, Block]) -> bool:
        position, block = numbered
        if isinstance(block, StepsBlock):
            return bottom < position < top
        is_layer = isinstance(block, LayerBlock) and block.size <= least
        return is_layer and position not in (bottom, top)

    blocks: list[Block] = []
    for small, run in groupby(enumerate(segment.blocks), is_small):
        members = [block for _position, block in run]
        layers = tuple(block for block in members if isinstance(block, LayerBlock))
        if small and len(layers) > 2:
            steps = sum(len(block.lines) for block in members if isinstance(block, StepsBlock))
            blocks.append(FoldBlock(layers, steps))
        else:
            blocks.extend(members)
    return Segment(tuple(blocks), above, segment.columns)

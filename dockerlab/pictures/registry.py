"""What a registry holds: repositories, their tags, the manifests behind them, and the blobs."""

from dockerlab.facts import Blob, HeldManifest, RegistryWorld
from dockerlab.language import _
from dockerlab.pictures import theme
from dockerlab.pictures.measure import text_width
from dockerlab.pictures.picture import Picture
from dockerlab.pictures.registry_plan import RepositoryRows, TargetRows, plan
from dockerlab.pictures.registry_words import (
    description,
    headline,
    index_words,
    legend,
    manifest_lines,
    meaning,
    more_manifests,
    more_tags,
    registry_text,
    repository_note,
    title,
    unshown,
)
from dockerlab.pictures.svg import Canvas
from dockerlab.pictures.wording import short_digest, size

_REPOSITORY = (24, 164)
_TAG = (208, 104)
_MANIFEST = (340, 190)
_BLOBS = (546, 250)
_TOP = 106
_ROW = 42
_BOX = 36
_GAP = 8
_LEAST = 9
_LETTERED = 26


def draw_registry(world: RegistryWorld) -> Picture:
    """Draw what a registry holds.

    Parameters
    ----------
    world : RegistryWorld
        From `dockerlab.facts.read_registry`.

    Returns
    -------
    Picture
        From left to right: repository, tags, manifests (those of an index below it, attestations
        dashed), and each manifest's blobs as a bar; its length hints at the bytes that travel.
        Blobs that several manifests list are hatched and carry the same letter everywhere. Of
        many repositories and tags those that don't fit are counted.
    """
    planned = plan(world)
    canvas = Canvas(title(world), description(world))
    canvas.heading(title(world), headline(world))
    drawing = _Drawing(canvas, world, planned.letters)
    bottom = drawing.draw(planned.repositories)
    more = unshown(planned)
    if more:
        canvas.text(theme.MARGIN, bottom + 16, more, size=12, fill=theme.SOFT, width=theme.INNER)
        bottom += 24
    bottom = drawing.legend(legend(world, planned), bottom)
    svg = canvas.finish(canvas.paragraphs(bottom + 26, meaning(world)))
    lines = registry_text(world, planned)
    return Picture.of(title(world), description(world), svg, lines, world)


class _Drawing:
    def __init__(self, canvas: Canvas, world: RegistryWorld, letters: dict[str, str]) -> None:
        self.canvas = canvas
        self.letters = letters
        self.largest = max((one.travels for one in world.manifests), default=0)

    def draw(self, repositories: tuple[RepositoryRows, ...]) -> float:
        if not repositories:
            return 72
        for (x, _width), words in (
            (_REPOSITORY, _("repository")),
            (_TAG, _("tag")),
            (_MANIFEST, _("manifest")),
            (_BLOBS, _("blobs as they travel: config, layers")),
        ):
            self.canvas.text(x, _TOP - 16, words, size=11, fill=theme.SOFT)
        y: float = _TOP
        for number, rows in enumerate(repositories):
            if number:
                self.canvas.line(
                    theme.MARGIN, y - _GAP / 2, theme.WIDTH - theme.MARGIN, y - _GAP / 2, theme.GRID
                )  # fmt: skip
            self._repository(rows, y)
            y += rows.rows * _ROW + _GAP
        return y

    def _repository(self, rows: RepositoryRows, y: float) -> None:
        canvas = self.canvas
        x, width = _REPOSITORY
        canvas.rect(x, y, width, _BOX, theme.REPOSITORY, line=1.5)
        canvas.text(
            x + 10, y + (15 if rows.more_tags else 22), rows.repository.name, size=12, mono=True,
            bold=True, fill=theme.REPOSITORY.ink, width=width - 18, middle=True,
        )  # fmt: skip
        if rows.more_tags:
            canvas.text(
                x + 10, y + 30, more_tags(rows.more_tags), size=11, fill=theme.REPOSITORY.ink
            )  # fmt: skip
        start = y + _BOX / 2
        note = repository_note(rows)
        if note:
            canvas.text(
                _TAG[0], y + 22, note, size=12, fill=theme.SOFT,
                width=theme.WIDTH - theme.MARGIN - _TAG[0],
            )  # fmt: skip
        for target in rows.targets:
            self._target(target, y, start)
            y += target.rows * _ROW

    def _target(self, rows: TargetRows, y: float, start: float) -> None:
        canvas = self.canvas
        x, width = _TAG
        middle = y + _BOX / 2
        for number, tag in enumerate(rows.tags):
            top = y + number * _ROW + 5
            line = top + 13
            self._curve(_REPOSITORY[0] + _REPOSITORY[1], start, x, line, arrow=False)
            canvas.rect(x, top, width, 26, theme.TAG, radius=4)
            canvas.text(
                x + 10, top + 17, tag, size=12, mono=True, bold=True, fill=theme.TAG.ink,
                width=width - 18,
            )  # fmt: skip
            self._curve(x + width, line, _MANIFEST[0] - 2, middle, arrow=True)
        if rows.more_tags:
            below = y + len(rows.tags) * _ROW + 22
            canvas.text(x, below, more_tags(rows.more_tags), size=12, fill=theme.SOFT)
        if rows.target.kind != "manifest":
            self._index(rows, y)
            y += _ROW
        for manifest in rows.manifests:
            self._manifest(manifest, y, indent=14 if rows.target.kind == "index" else 0)
            y += _ROW
        if rows.more_manifests:
            canvas.text(
                _MANIFEST[0] + 14, y + 22, more_manifests(rows.more_manifests), size=12,
                fill=theme.SOFT,
            )  # fmt: skip

    def _index(self, rows: TargetRows, y: float) -> None:
        canvas = self.canvas
        x, width = _MANIFEST
        last = len(rows.manifests) + bool(rows.more_manifests)
        if last:
            canvas.line(x + 6, y + _BOX, x + 6, y + last * _ROW + _BOX / 2, theme.IMAGE.edge)
        canvas.rect(x, y, width, _BOX, theme.INDEX)
        self._words(x, y, width, (short_digest(rows.target.digest), index_words(rows)))

    def _manifest(self, manifest: HeldManifest, y: float, indent: int) -> None:
        canvas = self.canvas
        x, width = _MANIFEST[0] + indent, _MANIFEST[1] - indent
        if indent:
            canvas.line(x - 8, y + _BOX / 2, x, y + _BOX / 2, theme.IMAGE.edge)
        paint = theme.DANGLING if manifest.attests or not manifest.read else theme.IMAGE
        canvas.rect(x, y, width, _BOX, paint)
        self._words(x, y, width, manifest_lines(manifest))
        if manifest.blobs:
            canvas.line(x + width, y + _BOX / 2, _BLOBS[0], y + _BOX / 2, theme.FAINT)
            self._blobs(manifest, y)

    def _words(self, x: float, y: float, width: float, lines: tuple[str, str]) -> None:
        self.canvas.text(x + 9, y + 15, lines[0], size=11.5, mono=True, bold=True, width=width - 14)
        self.canvas.text(x + 9, y + 30, lines[1], size=11, width=width - 14)

    def _blobs(self, manifest: HeldManifest, y: float) -> None:
        """Draw a bar whose length hints at the bytes, a part for each blob."""
        left, most = _BLOBS
        blobs = manifest.blobs
        leasts = [_LETTERED if blob.digest in self.letters else _LEAST for blob in blobs]
        shrink = min(1.0, most / sum(leasts))
        share = manifest.travels / self.largest if self.largest else 0.0
        room = max(0.0, (most - sum(leasts)) * share)
        total = max(1, sum(blob.size for blob in blobs))
        x = float(left)
        for depth, (blob, least) in enumerate(zip(blobs, leasts, strict=True), -1):
            width = least * shrink + room * blob.size / total
            self._blob(blob, x, y, width, depth)
            x += width

    def _blob(self, blob: Blob, x: float, y: float, width: float, depth: int) -> None:
        canvas = self.canvas
        letter = self.letters.get(blob.digest, "")
        paint = theme.CHIP if blob.kind == "config" else theme.layer_paint(depth)
        kind = _("configuration") if blob.kind == "config" else _("layer")
        hint = f"{kind} {short_digest(blob.digest)} · {size(blob.size)}"
        canvas.rect(x, y + 3, max(1.0, width - 2), _BOX - 6, paint, radius=2, hint=hint)
        left = x + 5
        if letter and width >= _LETTERED:
            canvas.hatch(x, y + 3, _LETTERED - 2, _BOX - 6, theme.PATH)
            canvas.circle(x + 12, y + _BOX / 2, 8, theme.CARD, theme.PATH)
            canvas.text(
                x + 12, y + _BOX / 2 + 4, letter, size=11, bold=True, fill=theme.PATH,
                anchor="middle",
            )  # fmt: skip
            left = x + 32
        elif letter:
            canvas.hatch(x, y + 3, max(1.0, width - 2), _BOX - 6, theme.PATH)
        amount = size(blob.size)
        if left + text_width(amount, 11, bold=True) + 4 <= x + width:
            canvas.text(left, y + _BOX / 2 + 4, amount, size=11, bold=True, fill=paint.ink)

    def _curve(self, x1: float, y1: float, x2: float, y2: float, *, arrow: bool) -> None:
        bend = (x2 - x1) / 2
        self.canvas.path(
            f"M{x1:.1f},{y1:.1f} C{x1 + bend:.1f},{y1:.1f} {x2 - bend:.1f},{y2:.1f} "
            f"{x2:.1f},{y2:.1f}",
            stroke=theme.PATH if arrow else theme.FAINT,
            width=1.4,
            arrow=arrow,
        )

    def legend(self, letters: list[tuple[str, str]], y: float) -> float:
        """Say below the bars what the letters stand for, two in a row."""
        canvas = self.canvas
        for number, (letter, words) in enumerate(letters):
            x = theme.MARGIN + (number % 2) * (theme.INNER / 2)
            base = y + 18 + 20 * (number // 2)
            canvas.circle(x + 8, base - 4, 8, theme.CARD, theme.PATH)
            canvas.text(x + 8, base, letter, size=11, bold=True, fill=theme.PATH, anchor="middle")
            canvas.text(x + 24, base, words, size=12, width=theme.INNER / 2 - 34)
        return y + 20 * ((len(letters) + 1) // 2)

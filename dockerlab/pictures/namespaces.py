"""A container as the process it is: the host's namespaces beside its own, and what bounds it."""

from collections.abc import Sequence

from dockerlab.facts import CAPABILITIES, Isolation, Limit, Namespace
from dockerlab.language import _
from dockerlab.pictures import theme
from dockerlab.pictures.measure import wrap
from dockerlab.pictures.namespaces_words import (
    description,
    headline,
    kind_words,
    limit_title,
    limit_words,
    meaning,
    namespaces_text,
    powers,
    powers_title,
    root_lines,
    sharing_words,
    title,
    user_lines,
)
from dockerlab.pictures.picture import Picture
from dockerlab.pictures.svg import Canvas

_TOP = 78
_HOST = (170, theme.WIDTH - theme.MARGIN - 170)
_BOX = (478, 304)
_HOST_CHIP = (184, 278)
_OWN_CHIP = (492, 276)
_ROW = 34
_CHIP = 26
_PROCESSES = 4
_CARD_GAP = 14
_CARD_HEIGHT = 104


def draw_namespaces(isolation: Isolation) -> Picture:
    """Draw a container as a process of the host.

    Parameters
    ----------
    isolation : Isolation
        From `dockerlab.facts.read_isolation`.

    Returns
    -------
    Picture
        Left the host, right the container: a blue box is the container's own, a hatched bar
        across both is shared. Below: its root file system, its limits, its user and what its root
        may do.
    """
    svg, lines = _Drawing(isolation).draw(), namespaces_text(isolation)
    return Picture.of(title(isolation), description(isolation), svg, lines, isolation)


class _Drawing:
    def __init__(self, isolation: Isolation) -> None:
        self.isolation = isolation
        self.canvas = Canvas(title(isolation), description(isolation))

    def draw(self) -> str:
        canvas, isolation = self.canvas, self.isolation
        canvas.heading(title(isolation), headline(isolation))
        shown = isolation.processes[:_PROCESSES]
        more = len(isolation.processes) - len(shown)
        rows = max(1, len(shown)) + (1 if more else 0) + len(isolation.namespaces)
        height = 34 + rows * _ROW + 22
        canvas.rect(_HOST[0], _TOP, _HOST[1], height, theme.HOST, radius=10)
        canvas.text(_HOST_CHIP[0], _TOP + 22, _("host"), size=13, bold=True, fill=theme.SOFT)
        canvas.rect(_BOX[0], _TOP + 8, _BOX[1], height - 16, theme.INSIDE, radius=8, line=1.5)
        canvas.text(
            _OWN_CHIP[0], _TOP + 26, isolation.name, size=13, mono=True, bold=True,
            fill=theme.INSIDE.ink, width=_OWN_CHIP[1],
        )  # fmt: skip
        y = self._processes(more, _TOP + 36)
        for namespace in isolation.namespaces:
            self._namespace(namespace, y)
            y += _ROW
        y = _TOP + height + _CARD_GAP
        self._cards(y)
        y += _CARD_HEIGHT + _CARD_GAP
        return canvas.finish(canvas.paragraphs(self._powers(y) + 28, meaning(isolation)))

    def _processes(self, more: int, y: float) -> float:
        canvas, isolation = self.canvas, self.isolation
        self._label(_("process"), _("seen from both sides"), y)
        if not isolation.processes:
            canvas.rect(*_place(_OWN_CHIP, y), theme.DANGLING)
            self._words(_OWN_CHIP, y, _("none: it is not running"))
            y += _ROW
        for process in isolation.processes[:_PROCESSES]:
            canvas.rect(*_place(_HOST_CHIP, y), theme.PROCESS)
            canvas.rect(*_place(_OWN_CHIP, y), theme.PROCESS)
            middle = y + _CHIP / 2
            canvas.line(
                _HOST_CHIP[0] + _HOST_CHIP[1], middle, _OWN_CHIP[0], middle, theme.PROCESS.edge,
                width=2, dashes="2 3",
            )  # fmt: skip
            user = f"PID {process.pid}" + (f" · {process.user}" if process.user else "")
            self._words(_HOST_CHIP, y, user, bold=True)
            number = "PID ?" if process.inside is None else f"PID {process.inside}"
            self._words(_OWN_CHIP, y, f"{number}  {process.command}", bold=True)
            y += _ROW
        if more:
            canvas.text(
                _OWN_CHIP[0], y + 14, _("and {count} more processes").format(count=more), size=12
            )  # fmt: skip
            y += _ROW
        return y + 8

    def _namespace(self, namespace: Namespace, y: float) -> None:
        canvas = self.canvas
        self._label(namespace.kind, kind_words(namespace.kind), y, mono=True)
        own, host = (_inode(number) for number in (namespace.own, namespace.host))
        words = sharing_words(namespace)
        if namespace.sharing == "host":
            left, width = _HOST_CHIP[0], _OWN_CHIP[0] + _OWN_CHIP[1] - _HOST_CHIP[0]
            canvas.rect(left, y, width, _CHIP, theme.SHARED)
            canvas.hatch(left + 1, y + 1, 12, _CHIP - 2, theme.SHARED.edge)
            canvas.hatch(left + width - 13, y + 1, 12, _CHIP - 2, theme.SHARED.edge)
            canvas.text(left + 24, y + 17, host, size=12, mono=True, fill=theme.SHARED.ink)
            canvas.text(
                _OWN_CHIP[0] + 10, y + 17, words, size=12, bold=True, fill=theme.SHARED.ink
            )  # fmt: skip
            return
        canvas.rect(*_place(_HOST_CHIP, y), theme.CHIP)
        self._words(_HOST_CHIP, y, host or _("the host's"), mono=bool(host))
        paint = theme.IMAGE if namespace.sharing == "own" else theme.DANGLING
        canvas.rect(*_place(_OWN_CHIP, y), paint, line=1.5)
        self._words(_OWN_CHIP, y, own, mono=True)
        left = 110 if own else 10
        canvas.text(
            _OWN_CHIP[0] + left, y + 17, words, size=12, bold=True, fill=paint.ink,
            width=_OWN_CHIP[1] - left - 8,
        )  # fmt: skip

    def _label(self, name: str, words: str, y: float, *, mono: bool = False) -> None:
        self.canvas.text(theme.MARGIN, y + 11, name, size=13, mono=mono, bold=True)
        self.canvas.text(theme.MARGIN, y + 25, words, size=11, fill=theme.SOFT, width=140)

    def _words(
        self, chip: tuple[int, int], y: float, words: str, *, mono: bool = False, bold: bool = False
    ) -> None:
        self.canvas.text(
            chip[0] + 10, y + 17, words, size=12, mono=mono, bold=bold, width=chip[1] - 18
        )  # fmt: skip

    def _cards(self, y: float) -> None:
        isolation = self.isolation
        width = (theme.INNER - 2 * _CARD_GAP) / 3
        starts = [theme.MARGIN + number * (width + _CARD_GAP) for number in range(3)]
        titles = (_("what it sees as /"), _("what it may use"), _("who it is"))
        for x, words in zip(starts, titles, strict=True):
            self.canvas.rect(x, y, width, _CARD_HEIGHT, theme.CONTAINER, radius=8)
            self.canvas.text(x + 12, y + 21, words, size=12.5, bold=True)
        root = isolation.root
        self._lines(starts[0], y, width, root_lines(isolation))
        if root and root.folder:
            below = y + 40 + 18 * len(root_lines(isolation))
            self.canvas.text(
                starts[0] + 12, below, root.folder, size=11, mono=True, fill=theme.SOFT,
                width=width - 22,
            )  # fmt: skip
        for number, limit in enumerate(isolation.limits):
            self._limit(limit, starts[1], y + 32 + 23 * number, width)
        self._lines(starts[2], y, width, user_lines(isolation))

    def _lines(self, x: float, y: float, width: float, lines: Sequence[str]) -> None:
        for number, line in enumerate(lines):
            self.canvas.text(x + 12, y + 42 + 18 * number, line, size=12, width=width - 22)

    def _limit(self, limit: Limit, x: float, y: float, width: float) -> None:
        canvas = self.canvas
        canvas.text(x + 12, y + 10, limit_title(limit), size=11.5, fill=theme.SOFT)
        canvas.text(
            x + width - 12, y + 10, limit_words(limit), size=12, bold=True, anchor="end"
        )  # fmt: skip
        left, wide = x + 12, width - 24
        most = limit.kept if limit.file else limit.asked
        if most is None:
            canvas.line(left, y + 16, left + wide, y + 16, theme.FAINT, dashes="2 3")
            return
        canvas.rect(left, y + 14, wide, 4, theme.CHIP, radius=2)
        if limit.used is not None:
            share = min(1.0, limit.used / most) if most else 1.0
            canvas.rect(left, y + 14, max(3.0, wide * share), 4, theme.PROCESS_BAR, radius=2)

    def _powers(self, y: float) -> float:
        canvas, isolation = self.canvas, self.isolation
        kept, dropped = powers(isolation)
        width = theme.INNER - 44
        marked = [("✓", theme.NEW.edge, kept, _("may: {powers}"))]
        marked.append(("✗", theme.GONE.edge, dropped, _("may not: {powers}")))
        shown = [
            (mark if not number else "", colour, line)
            for mark, colour, words, form in marked
            if words
            for number, line in enumerate(
                wrap(form.format(powers=", ".join(words)), width, 12, most=2)
            )
        ]
        height = 60 + 18 * len(shown)
        canvas.rect(theme.MARGIN, y, theme.INNER, height, theme.CONTAINER, radius=8)
        canvas.text(theme.MARGIN + 12, y + 21, powers_title(isolation), size=12.5, bold=True)
        step = (theme.INNER - 24) / len(CAPABILITIES)
        has = set(isolation.capabilities)
        order = sorted(CAPABILITIES, key=lambda name: (name not in has, name))
        for number, name in enumerate(order):
            paint = theme.NEW if name in has else theme.DANGLING
            canvas.rect(
                theme.MARGIN + 12 + number * step, y + 32, step - 4, 14, paint, radius=2, hint=name
            )  # fmt: skip
        for number, (mark, colour, words) in enumerate(shown):
            base = y + 66 + 18 * number
            canvas.text(theme.MARGIN + 12, base, mark, size=12, bold=True, fill=colour)
            canvas.text(theme.MARGIN + 30, base, words, size=12)
        return y + height


def _place(chip: tuple[int, int], y: float) -> tuple[float, float, float, float]:
    return (chip[0], y, chip[1], _CHIP)


def _inode(number: int | None) -> str:
    return "" if number is None else str(number)

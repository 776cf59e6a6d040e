"""A build context: the folder parted into what can be sent and what stays at home."""

import math
from collections.abc import Sequence

from dockerlab.facts.context import Context
from dockerlab.facts.files import shown_path
from dockerlab.language import _
from dockerlab.pictures import theme
from dockerlab.pictures.context_words import (
    context_text,
    description,
    files,
    headline,
    is_secret,
    largest,
    meaning,
    more_rules,
    rest_of_files,
    rule_words,
    shown_rules,
    title,
    warning,
)
from dockerlab.pictures.measure import text_width, wrap
from dockerlab.pictures.picture import Picture
from dockerlab.pictures.svg import Canvas
from dockerlab.pictures.theme import Paint
from dockerlab.pictures.wording import size

_TOP = 78
_BAR = 58
_LEAST_SHARE = 0.2
_COLUMN_GAP = 24
_COLUMN = (theme.INNER - _COLUMN_GAP) / 2
_ROW = 24
_AMOUNT = 76
_LINE = 17


def draw_context(context: Context) -> Picture:
    """Draw what of a folder a build can see.

    Parameters
    ----------
    context : Context
        From `dockerlab.facts.context.read_context`.

    Returns
    -------
    Picture
        A bar parted by bytes: what can be sent, and dashed what .dockerignore keeps out. Below, the
        largest files on the one side, the rules with what each decides on the other, and a warning
        where a name looks secret.
    """
    svg = _Drawing(context).draw()
    return Picture.of(title(context), description(context), svg, context_text(context), context)


class _Drawing:
    def __init__(self, context: Context) -> None:
        self.context = context
        self.canvas = Canvas(title(context), description(context))
        self.secrets = context.secrets

    def draw(self) -> str:
        canvas, context = self.canvas, self.context
        canvas.heading(title(context), headline(context))
        self._bar()
        y = _TOP + _BAR + 26
        bottom = max(self._files(y), self._rules(y))
        bottom = self._warning(bottom + 12)
        return canvas.finish(canvas.paragraphs(bottom + 20, meaning(context)))

    def _bar(self) -> None:
        """Draw both parts of the folder, the smaller one never too small to be read."""
        context = self.context
        sent, kept = context.sent_bytes, context.kept_out_bytes
        if not context.kept_out:
            share = 1.0
        elif not context.sent:
            share = 0.0
        else:
            part = math.sqrt(sent) / ((math.sqrt(sent) + math.sqrt(kept)) or 1)
            share = min(1 - _LEAST_SHARE, max(_LEAST_SHARE, part))
        width = (theme.INNER - 6) * share
        if share:
            whole = width if share < 1 else theme.INNER
            words = files(len(context.sent), sent)
            self._part(theme.MARGIN, whole, theme.LAYERS[1], _("a build can see"), words)
        if share < 1:
            left = theme.MARGIN + (width + 6 if share else 0)
            rest = theme.WIDTH - theme.MARGIN - left
            words = files(len(context.kept_out), kept)
            self._part(left, rest, theme.DANGLING, _("kept out"), words)

    def _part(self, x: float, width: float, paint: Paint, name: str, words: str) -> None:
        canvas = self.canvas
        canvas.rect(x, _TOP, width, _BAR, paint, line=1.5)
        canvas.text(x + 14, _TOP + 24, name, size=13, bold=True, fill=paint.ink, width=width - 24)
        canvas.text(x + 14, _TOP + 43, words, fill=paint.ink, width=width - 24)

    def _files(self, y: float) -> float:
        canvas, context = self.canvas, self.context
        x = float(theme.MARGIN)
        shown = largest(context)
        canvas.text(x, y, _("largest of what a build can see"), bold=True, width=_COLUMN)
        y += 8
        biggest = max([1, *(file.size for file in shown)])
        for file in shown:
            mark = is_secret(file.path, self.secrets)
            long = max(2.0, (_AMOUNT - 6) * math.sqrt(file.size / biggest))
            amount = size(file.size)
            canvas.rect(x + _AMOUNT - long, y + 18, long, 3, theme.LAYERS[1], radius=1, line=0)
            canvas.text(x + _AMOUNT, y + 15, amount, bold=True, anchor="end")
            left = x + _AMOUNT + 10
            if mark:
                self._triangle(left + 6, y + 11, 0.6)
                left += 18
            canvas.text(
                left, y + 15, shown_path(file.path), mono=True, bold=mark,
                fill=theme.WRITABLE.edge if mark else theme.INK, width=x + _COLUMN - left,
            )  # fmt: skip
            y += _ROW
        rest = rest_of_files(context, shown) if shown else _("nothing at all")
        if rest:
            canvas.text(x + _AMOUNT + 10, y + 15, rest, fill=theme.SOFT, width=_COLUMN - _AMOUNT)
            y += _ROW
        return y

    def _rules(self, y: float) -> float:
        canvas, context = self.canvas, self.context
        x = theme.MARGIN + _COLUMN + _COLUMN_GAP
        if not context.ignore_file:
            canvas.text(x, y, _("no .dockerignore"), bold=True, width=_COLUMN)
            hint = _("A file of this name keeps out what no build needs: .git, node_modules, logs.")
            return self._lines(x, y + 4, wrap(hint, _COLUMN, 12, most=2), theme.SOFT)
        name = _("kept out by {file}").format(file=context.ignore_file)
        canvas.text(x, y, name, bold=True, width=_COLUMN)
        y += 8
        rules, more = shown_rules(context)
        for line in rules:
            words = rule_words(line)
            quiet = not line.files
            wide = text_width(words, 12)
            canvas.text(
                x, y + 15, line.text, mono=True, fill=theme.SOFT if quiet else theme.INK,
                width=_COLUMN - wide - 16,
            )  # fmt: skip
            canvas.text(
                x + _COLUMN, y + 15, words, anchor="end",
                fill=theme.SOFT if quiet else theme.NEW.edge if line.exception else theme.INK,
            )  # fmt: skip
            canvas.line(x, y + 22, x + _COLUMN, y + 22, theme.CARD_EDGE)
            y += _ROW
        if more:
            canvas.text(x, y + 15, more_rules(more), fill=theme.SOFT)
            y += _ROW
        return y

    def _lines(self, x: float, y: float, lines: Sequence[str], colour: str) -> float:
        for line in lines:
            y += _LINE
            self.canvas.text(x, y, line, fill=colour, width=_COLUMN)
        return y

    def _triangle(self, x: float, y: float, scale: float) -> None:
        """Draw the sign of a warning."""
        colour = theme.WRITABLE.edge
        points = [(0, -10), (10.5, 9), (-10.5, 9)]
        outline = " L".join(f"{across * scale:g},{down * scale:g}" for across, down in points)
        self.canvas.path(f"M{outline} z", stroke=colour, width=2 * scale, at=(x, y))
        self.canvas.line(x, y - 3.5 * scale, x, y + 2.5 * scale, colour, width=2.2 * scale)
        self.canvas.circle(x, y + 5.5 * scale, 1.4 * scale, colour)

    def _warning(self, y: float) -> float:
        room = theme.INNER - 56
        lines = [line for words in warning(self.context) for line in wrap(words, room, 12.5, 2)]
        if not lines:
            return y
        height = len(lines) * 19 + 14
        paint = theme.WRITABLE
        self.canvas.rect(theme.MARGIN, y, theme.INNER, height, paint, line=1.5)
        self._triangle(theme.MARGIN + 25, y + height / 2, 1)
        for number, line in enumerate(lines):
            self.canvas.text(
                theme.MARGIN + 46, y + 20 + 19 * number, line, size=12.5, fill=paint.ink
            )  # fmt: skip
        return y + height + 4

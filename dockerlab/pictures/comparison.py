"""Two images side by side: the layers they share, then settings and files that differ."""

from collections.abc import Mapping

from dockerlab.facts import Comparison
from dockerlab.facts.files import shown_path
from dockerlab.language import _
from dockerlab.pictures import theme
from dockerlab.pictures.comparison_words import (
    MARKS,
    MOST_SETTINGS,
    comparison_text,
    description,
    file_words,
    files_line,
    headline,
    largest_files,
    meaning,
    more_files,
    more_settings,
    setting_name,
    setting_value,
    side_name,
    title,
)
from dockerlab.pictures.measure import text_width
from dockerlab.pictures.picture import Picture
from dockerlab.pictures.stack_plan import plan
from dockerlab.pictures.stack_shape import StackShape
from dockerlab.pictures.svg import Canvas

_TOP = 78
_ROW = 24
_NAME = 214
_GAP = 16
_VALUE = (theme.INNER - _NAME - 2 * _GAP) / 2

_INKS: Mapping[str, str] = {
    "-": theme.CHANGES["D"],
    "+": theme.CHANGES["A"],
    "≠": theme.CHANGES["C"],
}


def draw_comparison(comparison: Comparison) -> Picture:
    """Draw what two images, or what containers made of them, share and where they differ.

    Parameters
    ----------
    comparison : Comparison
        From `dockerlab.facts.read_comparison`.

    Returns
    -------
    Picture
        Their layers on the common base, a table of the settings that differ, and the files that
        differ, the largest first: "-" only in the first, "+" only in the second, "≠" in both.
    """
    tree, _left_out = plan(comparison.stack)
    canvas = Canvas(title(comparison), description(comparison))
    canvas.heading(title(comparison), headline(comparison))
    y = StackShape(canvas, tree).draw(_TOP) + 34
    y = _settings(canvas, comparison, y)
    if comparison.files is not None:
        y = _files(canvas, comparison, y + 12)
    svg = canvas.finish(canvas.paragraphs(y + 8, meaning(comparison)))
    lines = comparison_text(comparison, tree)
    return Picture.of(title(comparison), description(comparison), svg, lines, comparison)


def _settings(canvas: Canvas, comparison: Comparison, y: float) -> float:
    left = theme.MARGIN + _NAME + _GAP
    columns = (left, left + _VALUE + _GAP)
    if not comparison.settings:
        canvas.text(theme.MARGIN, y, _("the settings are the same"), bold=True)
        return y + 16
    canvas.text(theme.MARGIN, y, _("settings that differ"), bold=True, width=_NAME)
    for x, side in zip(columns, (comparison.a, comparison.b), strict=True):
        canvas.text(x, y, side_name(side), bold=True, width=_VALUE)
    y += 8
    for one in comparison.settings[:MOST_SETTINGS]:
        canvas.text(theme.MARGIN, y + 16, setting_name(one), mono=True, bold=True, width=_NAME)
        for x, value in zip(columns, (one.a, one.b), strict=True):
            canvas.text(
                x, y + 16, setting_value(value), mono=value is not None,
                fill=theme.INK if value is not None else theme.SOFT, width=_VALUE,
            )  # fmt: skip
        canvas.line(theme.MARGIN, y + 23, theme.WIDTH - theme.MARGIN, y + 23, theme.CARD_EDGE)
        y += _ROW
    more = more_settings(comparison)
    if more:
        canvas.text(theme.MARGIN, y + 16, more, fill=theme.SOFT)
        y += _ROW
    return y + 16


def _files(canvas: Canvas, comparison: Comparison, y: float) -> float:
    shown = largest_files(comparison)
    name = _("files that differ") if shown else _("the files are the same")
    canvas.text(theme.MARGIN, y, name, bold=True)
    if not shown:
        return y + 16
    canvas.text(
        theme.MARGIN + _NAME + _GAP, y, files_line(comparison), fill=theme.SOFT,
        width=theme.INNER - _NAME - _GAP,
    )  # fmt: skip
    y += 8
    for one in shown:
        words = file_words(one)
        mark = MARKS[one.kind]
        wide = text_width(words, 12, bold=True)
        canvas.text(
            theme.MARGIN, y + 16, mark, size=13, mono=True, bold=True, fill=_INKS[mark]
        )  # fmt: skip
        canvas.text(
            theme.MARGIN + 18, y + 16, shown_path(one.path), mono=True,
            width=theme.INNER - wide - 36,
        )  # fmt: skip
        canvas.text(theme.WIDTH - theme.MARGIN, y + 16, words, bold=True, anchor="end")
        y += _ROW - 3
    more = more_files(comparison, len(shown))
    if more:
        canvas.text(theme.MARGIN + 18, y + 16, more, fill=theme.SOFT)
        y += _ROW
    return y + 16

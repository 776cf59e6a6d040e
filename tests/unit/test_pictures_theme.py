"""The visual language can be read: by contrast, and without colour."""

import pytest

from dockerlab.pictures import theme
from dockerlab.pictures.theme import Paint


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


PAINTS = [value for value in vars(theme).values() if isinstance(value, Paint)]
PAINTS += [*theme.LAYERS, *theme.STATES.values()]


@pytest.mark.parametrize("paint", PAINTS)
def test_ink_on_its_fill(paint: Paint) -> None:
    assert contrast(paint.fill, paint.ink) >= 4.5


@pytest.mark.parametrize("colour", [theme.INK, theme.SOFT, theme.PATH, theme.WRITABLE.edge,
                                    theme.NEW.edge, theme.GONE.edge])  # fmt: skip
def test_words_on_the_card(colour: str) -> None:
    assert contrast(theme.CARD, colour) >= 4.5


@pytest.mark.parametrize("state", theme.STATES)
def test_a_state_that_is_not_the_present_one_is_written_in_its_colour(state: str) -> None:
    paint = dict(theme.STATES)[state]
    assert contrast(theme.CARD, paint.ink if paint.dashed else paint.edge) >= 4.5


@pytest.mark.parametrize("colour", theme.CHANGES.values())
def test_marks_on_a_writable_layer(colour: str) -> None:
    assert contrast(theme.WRITABLE.fill, colour) >= 4.5


def test_white_on_the_numbers_of_the_way() -> None:
    assert contrast(theme.PATH, "#ffffff") >= 4.5


def test_lines_can_be_seen() -> None:
    assert contrast(theme.CARD, theme.FAINT) >= 3

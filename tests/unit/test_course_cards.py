"""Cards: legible, and readable where styles are stripped."""

import re

import pytest

from dockerlab.course.card import Card

TONES = ("good", "changed", "bad", "neutral")


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("tone", TONES)
def test_the_badge_has_enough_contrast(tone):
    background = re.search(r"background:(#[0-9a-f]{6});color:#fff", Card(tone, "x", "y").html)[1]
    assert 1.05 / (luminance(background) + 0.05) >= 4.5


def test_verdicts_differ_without_colour():
    assert len({Card(tone, "same", "same").text for tone in TONES}) == len(TONES)


def test_without_styles_the_words_are_all_there():
    card = Card("bad", "Not yet", "Exercise", ("a line",), (("Label", "value"),))
    plain = re.sub(r"<[^>]+>", " ", re.sub(r' style="[^"]*"', "", card.html))
    assert re.sub(r"\s+", " ", plain).strip() == "✗ Not yet Exercise Label: value a line"

"""The probe of claims can tell a verdict that could be another from one that could not."""

import ast

import pytest
from claim_probe import could_fail

NAMES = {"lines": ["a", "b"], "code": 137, "held": {"x": [1]}, "ask": lambda: "yes"}


@pytest.mark.parametrize(
    ("holds", "could"),
    [
        ("len(lines) == 2", True),
        ("'a' in lines and 'c' not in lines", True),
        ("code == 128 + 9", True),
        ("ask() == 'yes'", True),
        ("any(line == 'a' for line in lines)", True),
        ("all(held.values())", True),
        ("all(len(each) == 1 for each in held.values())", True),
        ("len(lines) >= 0", False),
        ("bool(lines) or True", False),
        ("1 + 1 == 2", False),
    ],
)
def test_it_tells(holds, could):
    assert could_fail(ast.parse(holds, mode="eval").body, NAMES) == could

"""The ledger and the notebooks: each claim has its cell, and each verdict could be another."""

import ast

import pytest
from reading import NOTEBOOKS, Origins, claim_calls, claims_of, code_cells, python_of

from dockerlab.course.ledger import read_ledger

LEDGER = read_ledger()
each = pytest.mark.parametrize("number", NOTEBOOKS)


@each
def test_the_claims_of_a_chapter_stand_in_the_order_of_the_text(number):
    shown = [identity for cell in code_cells(number) for identity in claims_of(cell)]
    if number == "0":
        assert set(shown) <= set(LEDGER)
    else:
        assert shown == [row.id for row in LEDGER.values() if row.chapter == number]


@each
def test_each_claim_is_in_the_cell_that_the_ledger_names(number):
    for cell in code_cells(number):
        for identity in claims_of(cell):
            assert number == "0" or LEDGER[identity].cell == cell.id


@each
def test_every_verdict_comes_from_an_engine(number):
    origins = Origins()
    for cell in code_cells(number):
        tree = python_of(cell)
        origins.visit(tree)
        for call in claim_calls(tree):
            answers = [word.value for word in call.keywords if word.arg == "holds"]
            stated = LEDGER[ast.literal_eval(call.args[0])].verdict == "stated"
            assert len(answers) == (0 if stated else 1), cell.id
            for answer in answers:
                assert origins.comes_from_an_engine(answer), (cell.id, ast.unparse(answer))


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("answer = True", False),
        ("answer = len([1, 2]) == 2", False),
        ("answer = client.ping()", True),
        ("lines = get_ipython().getoutput('docker ps')\nanswer = not lines", True),
        ("answer = lab.stack('busybox').facts", True),
        ("guess = lab.predict('?', a='1', b='2')\nanswer = guess.chosen == 'a'", False),
        ("answer = client.ping()\nanswer = True", False),
        ("def ask():\n    return client.ping()\nanswer = ask()", True),
        (
            "found = []\nfor one in client.images.list():\n    found.append(one)\nanswer = found",
            True,
        ),
        ("import os\nanswer = os.name == 'posix'", False),
    ],
)
def test_where_a_value_comes_from(source, told):
    """The follower itself can tell a constant from an answer."""
    origins = Origins()
    origins.visit(ast.parse(source))
    assert origins.comes_from_an_engine(ast.parse("answer", mode="eval")) == told

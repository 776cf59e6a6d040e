"""Asks of each claim a notebook makes whether another engine could have made it come out otherwise.

A cell of the notebook calls `install`. After each cell that claims something, what ``holds=`` says
is worked out again with other values in place of what the engine had told: where nothing makes
a difference, the claim could not fail, and proves nothing.
"""

import ast
import json
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class Blank:
    """Answers everything with nothing."""

    truth = False

    def __getattr__(self, _name: str) -> "Blank":
        return self

    def __call__(self, *_arguments: object, **_named: object) -> "Blank":
        return self

    def __getitem__(self, _key: object) -> "Blank":
        return self

    def __iter__(self) -> Iterator["Blank"]:
        return iter([self] if self.truth else [])

    def __len__(self) -> int:
        return int(self.truth)

    def __bool__(self) -> bool:
        return self.truth

    def __hash__(self) -> int:
        return 0

    def _same(self, _other: object) -> bool:
        return self.truth

    def _other(self, _other: object) -> bool:
        return not self.truth

    __eq__ = __contains__ = __lt__ = __gt__ = __le__ = __ge__ = _same
    __ne__ = _other


class Hollow(Blank):
    """Holds one thing, which is nothing."""

    def __iter__(self) -> Iterator[Blank]:
        return iter([Blank()])


class Full(Blank):
    """Agrees with everything."""

    truth = True


class Contrary(Blank):
    """Is there, and agrees with nothing."""

    truth = True

    def _same(self, _other: object) -> bool:
        return False

    def _other(self, _other: object) -> bool:
        return True

    __eq__ = __contains__ = __lt__ = __gt__ = __le__ = __ge__ = _same
    __ne__ = _other


OTHERS = (
    Blank(), Hollow(), Full(), Contrary(), None, [], [""], ["x", "y"], (), {}, set(), "", "x",
    b"", 0, 1, -1, 2, 10**9, True, False,
)  # fmt: skip
_PLAIN = (types.ModuleType, type)


def install(shell: Any, report: str) -> None:
    """Look at each claim from now on; write which could fail to ``report``."""
    found: dict[str, bool] = {}

    def look(result: Any) -> None:
        source = shell.transform_cell(result.info.raw_cell)
        if "lab.claim(" in source and result.success:
            for identity, answer in _claims(ast.parse(source)):
                found[identity] = could_fail(answer, shell.user_ns)
            Path(report).write_text(json.dumps(found), encoding="utf-8")

    shell.events.register("post_run_cell", look)


def could_fail(answer: ast.expr, names: dict[str, Any]) -> bool:
    """Tell whether the expression gives the contrary of its answer for other values."""
    now = _value(answer, names)
    used = {node.id for node in ast.walk(answer) if isinstance(node, ast.Name)}
    changing = [name for name in used if name in names and not isinstance(names[name], _PLAIN)]
    for name in changing:
        for other in OTHERS:
            if _value(answer, {**names, name: other}) == (not now):
                return True
    both = [dict.fromkeys(changing, other) for other in OTHERS] if changing else []
    return any(_value(answer, {**names, **all_other}) == (not now) for all_other in both)


def _claims(tree: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "lab.claim":
            for word in node.keywords:
                if word.arg == "holds":
                    yield ast.literal_eval(node.args[0]), word.value


def _value(answer: ast.expr, names: dict[str, Any]) -> bool | None:
    try:
        return bool(eval(compile(ast.Expression(answer), "<claim>", "eval"), dict(names)))
    except Exception:
        return None

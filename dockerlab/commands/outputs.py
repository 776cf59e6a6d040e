"""Stored outputs that change only when they say something else.

A run of a notebook brings new IDs, sizes and times every time. Where a cell says what it said
before, but for those, its stored output, which came from an engine as well, is kept: so a
notebook's diff shows what has changed, and nothing else.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nbformat import NotebookNode, from_dict

_RULE = re.compile(r"^\[(?P<name>.*)\]\nregex: (?P<regex>.*)$\n^replace: (?P<replace>.*)$", re.M)
_ONLY_NBVAL = "pictures"  # nbval compares a picture by its description; here its drawing counts
_IGNORED = "nbval-ignore-output"
_LIVE = "application/vnd.jupyter.widget-view+json"

Rules = Sequence[tuple[re.Pattern[str], str]]


def read_rules(file: Path) -> Rules:
    """Read what may differ between two runs, as nbval is told it."""
    return [
        (re.compile(rule["regex"]), rule["replace"])
        for rule in _RULE.finditer(file.read_text(encoding="utf-8"))
        if rule["name"] != _ONLY_NBVAL
    ]


def settle(fresh: NotebookNode, stored: NotebookNode, rules: Rules) -> None:
    """Put the stored outputs back into a notebook that has just run, where they say the same.

    The output of a cell that nbval ignores differs by nature: it is kept as long as neither that
    cell nor any above it has changed.
    """
    before = {cell.id: cell for cell in stored.cells}
    same_above = True
    for cell in fresh.cells:
        if cell.cell_type != "code":
            continue
        _clean(cell)
        old = before.get(cell.id)
        if old is None or old.cell_type != "code" or old.source != cell.source:
            same_above = False
        elif _IGNORED in cell.metadata.get("tags", ()):
            if same_above and old.outputs:
                cell.outputs = old.outputs
        elif _said(old.outputs, rules) == _said(cell.outputs, rules):
            cell.outputs = old.outputs
        else:
            same_above = False
        cell.outputs = [from_dict(output) for output in _joined(cell.outputs)]


def _clean(cell: NotebookNode) -> None:
    cell.metadata.pop("execution", None)
    for output in cell.outputs:
        # a widget's model is gone with its kernel; its still form is stored beside it
        output.get("data", {}).pop(_LIVE, None)


def _said(outputs: Sequence[NotebookNode], rules: Rules) -> object:
    return [_without(json.loads(json.dumps(output)), rules) for output in _joined(outputs)]


def _joined(outputs: Sequence[NotebookNode]) -> list[dict[str, Any]]:
    """Put a stream's pieces together: how they were cut is a matter of timing."""
    whole: list[dict[str, Any]] = []
    for output in outputs:
        piece = dict(output)
        last = whole[-1] if whole else {}
        if piece["output_type"] == "stream" and last.get("name") == piece["name"]:
            last["text"] += piece["text"]
        else:
            whole.append(piece)
    return whole


def _without(value: object, rules: Rules) -> object:
    if isinstance(value, dict):
        return {
            key: _without(each, rules) for key, each in value.items() if key != "execution_count"
        }
    if isinstance(value, list):
        return [_without(each, rules) for each in value]
    if isinstance(value, str):
        for pattern, replacement in rules:
            value = pattern.sub(replacement, value)
    return value

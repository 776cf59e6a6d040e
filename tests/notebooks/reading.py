"""The notebooks as the tests read them, and where the values in their claims come from."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
from IPython.core.inputtransformer2 import TransformerManager

from dockerlab.course.chapters import CHAPTERS

FOLDER = Path(__file__).parents[2] / "notebooks"
FILES = {chapter.number: f"{chapter.notebook}.ipynb" for chapter in CHAPTERS}
NOTEBOOKS = {
    number: nbformat.read(FOLDER / name, 4)
    for number, name in FILES.items()
    if (FOLDER / name).exists()
}
_CLAIM = re.compile(r'lab\.claim\(\s*"([0-9.]+)"')

ENGINE = {"client", "get_ipython", "subprocess", "urllib", "requests", "socket", "run_line_magic"}
"""Names through which a cell reaches an engine, a registry or a shell."""

LAB = {
    "build", "compare", "context", "fetch", "files", "lifecycle", "namespaces", "pull", "push",
    "registry", "stack", "start", "tags", "terminal", "timeline",
}  # fmt: skip
"""Functions of the package whose results come from an engine; a prediction's do not."""


def code_cells(number):
    return [cell for cell in NOTEBOOKS[number].cells if cell.cell_type == "code"]


def markdown(number):
    return [cell.source for cell in NOTEBOOKS[number].cells if cell.cell_type == "markdown"]


def tags(cell):
    return cell.metadata.get("tags", [])


def claims_of(cell):
    """The claims that a cell decides."""
    return _CLAIM.findall(cell.source)


def python_of(cell):
    """A cell as Python: its shell lines as the calls that IPython makes of them."""
    if cell.source.startswith("%%"):
        return ast.parse("")
    return ast.parse(TransformerManager().transform_cell(cell.source))


def claim_calls(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and ast.unparse(node.func) == "lab.claim"
        ):
            yield node


class Origins(ast.NodeVisitor):
    """Follows, cell by cell, which names hold something that an engine has said."""

    def __init__(self):
        self.told = set(ENGINE)

    def comes_from_an_engine(self, expression: ast.AST) -> bool:
        for node in ast.walk(expression):
            if isinstance(node, ast.Name) and node.id in self.told:
                return True
            if isinstance(node, ast.Attribute) and ast.unparse(node) in {
                f"lab.{name}" for name in LAB
            }:
                return True
        return False

    def visit_Assign(self, node):
        for target in node.targets:
            self._bind(target, node.value)

    def visit_AugAssign(self, node):
        if self.comes_from_an_engine(node.value):
            self._bind(node.target, node.value)

    def visit_AnnAssign(self, node):
        if node.value:
            self._bind(node.target, node.value)

    def visit_NamedExpr(self, node):
        self._bind(node.target, node.value)

    def visit_For(self, node):
        self._bind(node.target, node.iter)
        self._block(node)

    def visit_With(self, node):
        for item in node.items:
            if item.optional_vars:
                self._bind(item.optional_vars, item.context_expr)
        self._block(node)

    def visit_FunctionDef(self, node):
        if self.comes_from_an_engine(node):
            self.told.add(node.name)
        else:
            self.told.discard(node.name)

    def visit_Expr(self, node):
        # a list or dict that is filled: things.append(client...)
        call = node.value
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
            owner = call.func.value
            if isinstance(owner, ast.Name) and self.comes_from_an_engine(call):
                self.told.add(owner.id)
        self.generic_visit(node)

    def _block(self, node):
        for statement in node.body:
            self.visit(statement)

    def _bind(self, target, value):
        told = self.comes_from_an_engine(value)
        whole = isinstance(target, ast.Name | ast.Tuple | ast.List)
        for node in ast.walk(target):
            if isinstance(node, ast.Name):
                if told:
                    self.told.add(node.id)
                elif whole:
                    self.told.discard(node.id)

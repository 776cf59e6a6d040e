"""The ledger of the source text's claims: what each says, and what is true today."""

import difflib
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from dockerlab.errors import UnknownNameError
from dockerlab.language import _

Verdict = Literal["holds", "corrected", "depends", "stated"]


@dataclass(frozen=True)
class Row:
    """One claim of the source text.

    Parameters
    ----------
    id : str
        Section and number, ``"2.1.11"``.
    says : str
        The claim in our words.
    verdict : {"holds", "corrected", "depends", "stated"}
        What every supported engine shows; ``depends`` where they differ; ``stated`` where only
        Docker Hub or history could tell, so that it is said and not run.
    cell : str
        The cell of the chapter's notebook that shows it.
    where : tuple of str
        Of a claim that ``depends``: the traits an engine has on which it holds.
    adds : str
        What is right instead, or what the text leaves out; may be empty.
    since : str
        From which release on the text is dated; may be empty.
    """

    id: str
    says: str
    verdict: Verdict
    cell: str
    where: tuple[str, ...] = ()
    adds: str = ""
    since: str = ""

    @property
    def chapter(self) -> str:
        """The number of the chapter that shows it."""
        return self.id.rpartition(".")[0]


@cache
def read_ledger() -> dict[str, Row]:
    """Read all rows, in the order of the source text, by their IDs."""
    text = files("dockerlab.course").joinpath("claims.toml").read_text(encoding="utf-8")
    rows = [_row(fields) for fields in tomllib.loads(text)["claim"]]
    return {row.id: row for row in rows}


def _row(fields: dict[str, Any]) -> Row:
    return Row(**{**fields, "where": tuple(fields.get("where", ()))})


def find_row(identity: str) -> Row:
    """Give the row of this ID.

    Raises
    ------
    UnknownNameError
        The ledger has none; the mend names the nearest.
    """
    ledger = read_ledger()
    if identity in ledger:
        return ledger[identity]
    near = difflib.get_close_matches(str(identity), ledger, n=1, cutoff=0)
    raise UnknownNameError(
        _("The ledger has no claim {identity!r}.").format(identity=identity),
        _("Did you mean {near!r}?").format(near=near[0]),
    )

"""The ledger of the source text's claims: what each says, and what is true today."""

import difflib
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from dockerlab.errors import UnknownNameError
from dockerlab.language import _

Verdict = Literal["holds", "corrected", "depends"]


@dataclass(frozen=True)
class Row:
    """One claim of the source text.

    Parameters
    ----------
    id : str
        Section and number, ``"2.1.11"``.
    says : str
        The claim in our words.
    verdict : {"holds", "corrected", "depends"}
        What every supported engine shows; ``depends`` where they differ.
    adds : str
        What is right instead, or what the text leaves out; may be empty.
    since : str
        From which release on the text is dated; may be empty.
    """

    id: str
    says: str
    verdict: Verdict
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
    return {row["id"]: Row(**row) for row in tomllib.loads(text)["claim"]}


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

"""One thing the doctor looked at, and what it saw."""

from dataclasses import dataclass
from typing import Literal

from dockerlab.errors import LabError


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Parameters
    ----------
    name : str
        What was looked at; the same in every language and version.
    level : {"ok", "warning", "problem"}
        A problem keeps the course from running, a warning does not.
    what : str
        What was seen, in a sentence.
    mend : str
        What helps; empty where nothing needs help.
    """

    name: str
    level: Literal["ok", "warning", "problem"]
    what: str
    mend: str = ""


def problem(name: str, error: LabError) -> Finding:
    """Turn an error, which carries its mend, into a finding."""
    return Finding(name, "problem", error.problem, error.mend)

"""How a command that failed ends: one line with the mend, and an exit status."""

import errno
import os
import platform
import sys
import tempfile
import traceback
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from typer.exceptions import TyperException

from dockerlab.errors import LabError
from dockerlab.language import _

DEVELOPER_VARIABLE = "DOCKERLAB_TRACEBACK"
"""Set to 1, it shows the traceback of what was not foreseen."""

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
_NO_WRITING = (errno.EACCES, errno.EPERM, errno.EROFS)


@dataclass(frozen=True)
class Failure:
    """What is said of a failed command, and its exit status."""

    line: str
    status: int


def failure(error: Exception) -> Failure:
    """Put an error into one line; what was not foreseen is written to a report as well."""
    if isinstance(error, LabError):
        return Failure(_one_line(str(error)), error.exit_status)
    if isinstance(error, TyperException):
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "dockerlab"
        said = _one_line(error.format_message())
        said += "." if said and not said.endswith(".") else ""
        # a group of commands called with none has shown its help instead of a message
        line = said and _("{said} See '{command} --help'.").format(said=said, command=command)
        return Failure(line, error.exit_code)
    if isinstance(error, OSError) and error.errno in (*_NO_ROOM, *_NO_WRITING):
        return Failure(_one_line(_refused(error)), 1)
    return Failure(_unforeseen(error), 1)


def _refused(error: OSError) -> str:
    """Say what the file system refused, where no closer word was at hand."""
    place = error.filename2 or error.filename or _("A file")
    if error.errno in _NO_ROOM:
        return _(
            "The disk is full at {place}. "
            "Make room, or set DOCKERLAB_CACHE to a folder on a larger disk."
        ).format(place=place)
    return _(
        "{place} can't be written: {cause}. Set DOCKERLAB_CACHE to a folder you can write to."
    ).format(place=place, cause=error.strerror)


def _unforeseen(error: Exception) -> str:
    what = _one_line("".join(traceback.format_exception_only(error)))[:200]
    report = _write_report(error)
    mend = (
        _("A full report is in {report}; please send it to dockerlab's makers.").format(
            report=report
        )
        if report
        else _("Set {variable}=1 to see where.").format(variable=DEVELOPER_VARIABLE)
    )
    return _("This should not happen: {what}. {mend}").format(what=what.rstrip("."), mend=mend)


def _write_report(error: Exception) -> Path | None:
    try:
        release = version("dockerlab")
    except PackageNotFoundError:
        release = "?"
    facts = [
        f"dockerlab {release}, Python {platform.python_version()}, {platform.platform()}",
        f"command: {sys.argv!r}",
        f"folder: {os.environ.get('DOCKERLAB_CACHE', '')!r}",
        "",
        "".join(traceback.format_exception(error)),
    ]
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="dockerlab-", suffix=".txt", delete=False, encoding="utf-8",
            errors="backslashreplace",
        ) as file:  # fmt: skip
            file.write("\n".join(facts))
            return Path(file.name)
    except OSError:
        return None


def _one_line(text: str) -> str:
    """Join lines, and show control characters of names and servers as what they are."""
    words = " ".join(text.split())
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in words)

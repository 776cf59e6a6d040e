"""How a command that failed ends: one line with the mend, and an exit status."""

import errno
import os
import platform
import signal
import sys
import tempfile
import traceback
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from typer.exceptions import TyperException

from dockerlab.engine.places import Places
from dockerlab.errors import LabError
from dockerlab.language import _

DEVELOPER_VARIABLE = "DOCKERLAB_TRACEBACK"
"""Set to 1, it shows the traceback of what was not foreseen."""

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
_NO_WRITING = (errno.EACCES, errno.EPERM, errno.EROFS)
# what a file system says of a folder that is a file, a link that leads nowhere, a broken disk
_NO_FOLDER = (
    errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.ENOTEMPTY,
    errno.EEXIST, errno.EBUSY, errno.EIO, errno.ENXIO, errno.ENODEV, errno.ESTALE, errno.ENOTCONN,
    errno.EINVAL, errno.EMFILE, errno.ENFILE,
)  # fmt: skip


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
    if isinstance(error, OSError):
        if not error.filename and "temporary directory" in str(error):
            return Failure(
                _(
                    "There is no folder for temporary files that can be written. "
                    "Set TMPDIR to one, or make room in /tmp."
                ),
                1,
            )
        if error.errno in (*_NO_ROOM, *_NO_WRITING) or (error.errno in _NO_FOLDER and _own(error)):
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
    if error.errno in _NO_WRITING:
        return _(
            "{place} can't be written: {cause}. Set DOCKERLAB_CACHE to a folder you can write to."
        ).format(place=place, cause=error.strerror)
    return _(
        "{place} can't be used: {cause}. Look at it, and start again; if it stays so, run "
        "'dockerlab engine remove', or set DOCKERLAB_CACHE to another folder."
    ).format(place=place, cause=error.strerror)


def _own(error: OSError) -> bool:
    """Tell whether the file is one of those that dockerlab keeps: anyone may have changed them."""
    try:
        places = Places.from_environment()
        folders = [str(places.cache), str(places.run), str(places.machine)]
    except (LabError, OSError):
        return False
    names = [str(name) for name in (error.filename, error.filename2) if name is not None]
    return any(
        name == folder or name.startswith(f"{folder}/") for name in names for folder in folders
    )


def output_lost(error: OSError) -> Failure | None:
    """Say that standard output can't be written; None where another file is the trouble.

    Whoever reads it may have read enough, as ``head`` does: then nothing is said.
    """
    if error.filename is not None:
        return None
    if error.errno == errno.EPIPE:
        return Failure("", 128 + signal.SIGPIPE)
    steps = traceback.extract_tb(error.__traceback__)
    last = Path(steps[-1].filename) if steps else Path()
    # what prints for us, and the last flush: a file of ours is written elsewhere
    if "rich" not in last.parts and "click" not in last.parts and last.name != "cli.py":
        return None
    line = _("The output can't be written: {cause}. Send it to another place.")
    return Failure(line.format(cause=error.strerror), 1)


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

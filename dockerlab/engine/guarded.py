"""The way to a folder of ours: nobody else may put another folder in its place."""

import contextlib
import os
import shlex
import stat
from collections.abc import Iterable
from pathlib import Path

from dockerlab.errors import EngineError
from dockerlab.language import _

_MOST_LINKS = 40  # as many as Linux follows
_OF_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def guard(folder: Path, variable: str) -> None:
    """Make ``folder`` private where it is missing, and refuse one that others could replace.

    Programs are run out of our folders, by root too, and a socket in them is taken for the
    engine's. So nobody but this user and root may write to a folder on the way, nor own a link
    on it. One like ``/tmp``, in which all may write but only owners rename, will do.

    Parameters
    ----------
    folder : Path
        An absolute path.
    variable : str
        What the user sets to choose another folder.

    Raises
    ------
    EngineError
        Another user can replace a folder on the way, or owns ``folder``.
    OSError
        A folder can't be made or looked at.
    """
    if not hasattr(os, "geteuid"):
        return
    left = list(reversed([folder, *folder.parents]))
    links = 0
    while left:
        step = left.pop(0)
        try:
            found = step.lstat()
        except FileNotFoundError:
            step.mkdir(mode=0o700, exist_ok=True)
            found = step.lstat()
        if stat.S_ISLNK(found.st_mode):
            links += 1
            _require_owner(step, found, variable)
            target = step.parent / step.readlink()
            if links <= _MOST_LINKS:  # else the next look at it fails with ELOOP
                left = [*reversed(target.parents), target, *left]
            continue
        if os.geteuid() == 0 or step == folder:
            _require_owner(step, found, variable)
        if found.st_mode & _open_to_others(found) and not found.st_mode & stat.S_ISVTX:
            raise EngineError(
                _("Other users can write to the folder {folder}.").format(folder=step),
                _("Run 'chmod go-w {folder}', or set {variable} to a folder of your own.").format(
                    folder=shlex.quote(str(step)), variable=variable
                ),
            )


def close(folder: Path, known: Iterable[Path]) -> None:
    """Close to others a folder that an older version left as open as the umask let it.

    One in which there is anything but what is ``known`` is the user's, and keeps its mode.
    """
    with contextlib.suppress(OSError, AttributeError):  # Windows has no user IDs
        kept = set(folder.iterdir())
        found = folder.lstat()
        mine = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()
        if mine and kept and kept <= set(known):
            folder.chmod(0o700)


def _open_to_others(found: os.stat_result) -> int:
    """Give the bits that let others write: a user's own group has no one else in it."""
    return stat.S_IWOTH if found.st_gid == os.getegid() else _OF_OTHERS


def _require_owner(step: Path, found: os.stat_result, variable: str) -> None:
    if found.st_uid not in (0, os.geteuid()):
        raise EngineError(
            _("The folder {folder} is another user's.").format(folder=step),
            _("Set {variable} to a folder of your own.").format(variable=variable),
        )

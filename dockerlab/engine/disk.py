"""What a disk refuses, in one sentence."""

import errno
import shutil
from pathlib import Path

from dockerlab.errors import EngineError, HubError
from dockerlab.language import _


def disk_full(place: object) -> HubError:
    """Say that the disk is full."""
    return HubError(
        _("The disk filled up while images were written to {place}.").format(place=place),
        _("Make room, or set DOCKERLAB_CACHE to a folder on a larger disk."),
    )


def file_error(error: OSError, place: Path) -> HubError:
    """Say what the file system refused.

    Parameters
    ----------
    error : OSError
        What Python was told.
    place : Path
        The file or folder that was worked on, where the error names none.
    """
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return disk_full(place)
    return HubError(
        _("{file} can't be used: {cause}.").format(
            file=error.filename or place, cause=error.strerror or error
        ),
        _("Choose a folder you can write to; DOCKERLAB_CACHE moves the hub's."),
    )


def require_space(folder: Path, wanted: int) -> None:
    """Refuse before a job begins for which the disk is too small.

    Parameters
    ----------
    folder : Path
        A folder on the disk in question; it may yet have to be made.
    wanted : int
        Bytes that the job will write.

    Raises
    ------
    EngineError
        Fewer than ``wanted`` bytes are free.
    """
    free = shutil.disk_usage(nearest(folder)).free
    if free < wanted:
        raise EngineError(
            _(
                "The disk is full: {folder} has {free:.0f} MB free, {wanted:.0f} MB are needed."
            ).format(folder=folder, free=free / 1e6, wanted=wanted / 1e6),
            _("Make room, or set DOCKERLAB_CACHE to a folder on a larger disk."),
        )


def nearest(folder: Path) -> Path:
    """Give the folder itself, or what exists of the way to it."""
    return next(place for place in (folder, *folder.parents) if place.exists())

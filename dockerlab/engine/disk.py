"""What a disk refuses, in one sentence, and the files that can be read from and written to it."""

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from glob import escape
from pathlib import Path
from typing import IO

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


@contextmanager
def opened(file: Path) -> Iterator[IO[bytes]]:
    """Open what may be a bundle, without waiting for a pipe or reading a device.

    Raises
    ------
    HubError
        There is no such file, or it is none that holds a bundle.
    OSError
        The system refuses.
    """
    remedy = _("Name a file that 'dockerlab hub bundle save FILE' has written.")
    try:
        stream = open(file, "rb", opener=_without_waiting)  # noqa: SIM115 - it is closed below
    except (FileNotFoundError, NotADirectoryError) as error:
        raise HubError(_("There is no file {file}.").format(file=file), remedy) from error
    except IsADirectoryError as error:
        raise HubError(_("{file} is a folder, no bundle.").format(file=file), remedy) from error
    except OSError as error:
        raise HubError(
            _("{file} can't be read: {cause}.").format(file=file, cause=error.strerror),
            _("Take a copy that is yours."),
        ) from error
    with stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise HubError(_("{file} is no ordinary file.").format(file=file), remedy)
        yield stream


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def require_writable(file: Path) -> None:
    """Refuse to replace what is no file, and remove what killed savers left beside it.

    Raises
    ------
    HubError
        The file can't be what a bundle is written to.
    """
    if not file.parent.is_dir():
        raise HubError(
            _("There is no folder {folder}.").format(folder=file.parent),
            _("Make it, or name a file in another folder."),
        )
    if file.exists() and not stat.S_ISREG(file.stat().st_mode):
        raise HubError(
            _("{file} is no ordinary file, and can't become one.").format(file=file),
            _("Name a new file, such as course.tar."),
        )
    for left in file.parent.glob(f".{escape(file.name)}.*.part"):
        number = left.name.split(".")[-2]
        if not (number.isdigit() and Path("/proc", number).exists()):
            left.unlink(missing_ok=True)

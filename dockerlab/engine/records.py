"""The small files that dockerlab keeps for itself: read as if a stranger had written them."""

import contextlib
import json
import os
import stat
from pathlib import Path

_LARGEST = 16 * 2**20  # bytes: none of ours comes near it


def read(file: Path) -> object:
    """Read a JSON file of ours; None where it is missing, damaged or no file at all.

    Whoever reads it checks the shape: what was written by another version, or by hand, is as
    good as missing.
    """
    try:
        found: object = json.loads(read_text(file))
    except (ValueError, RecursionError):
        return None
    return found


def read_text(file: Path) -> str:
    """Read a text file of ours; empty where it is missing, too long or no file at all."""
    try:
        # without waiting: a pipe in its place would wait for a writer
        with open(os.open(file, os.O_RDONLY | os.O_NONBLOCK), "rb") as stream:  # noqa: PTH123
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                return ""
            content = stream.read(_LARGEST + 1)
    except OSError:
        return ""
    return content.decode(errors="replace") if len(content) <= _LARGEST else ""


def write(file: Path, value: object) -> None:
    """Write a JSON file that is never seen half written; what is no file there is set aside."""
    fresh = file.with_name(f"{file.name}.{os.getpid()}")
    fresh.write_text(json.dumps(value, indent=1), encoding="utf-8")
    if file.is_dir() and not file.is_symlink():
        set_aside(file)
    fresh.replace(file)


def set_aside(path: Path) -> Path:
    """Rename what stands where something of ours must be; what it holds is kept.

    Returns
    -------
    Path
        Its new place, ``NAME.broken`` or ``NAME.broken.1`` and so on.
    """
    number = 0
    while True:
        end = ".broken" if number == 0 else f".broken.{number}"
        place = path.with_name(path.name + end)
        if not os.path.lexists(place):
            break
        number += 1
    with contextlib.suppress(FileNotFoundError):  # another process was first
        path.rename(place)
    return place

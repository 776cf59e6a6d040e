"""Whether unpacked programs are still what their packages hold.

A look at names, sizes, modes and times takes milliseconds and is taken at each start. Digests
are read once after unpacking, of a file whose time has changed, and of all when a program fails.
"""

import contextlib
import hashlib
import os
import stat
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from dockerlab.engine import records

MANIFEST = "files.json"
"""The list of an unpacked engine's files, in the folder that holds them."""

_Known = tuple[int, int, int, str]


def sums_of(package: Path) -> dict[str, str]:
    """Read the MD5 digests that a package, whose own digest was verified, gives its files."""
    told = subprocess.run(
        ["dpkg-deb", "--info", package, "md5sums"], capture_output=True, text=True, check=False
    )
    lines = (line.split(maxsplit=1) for line in told.stdout.splitlines())
    return {words[1]: words[0] for words in lines if len(words) == 2}


def record(root: Path, sums: Mapping[str, str]) -> list[str]:
    """Write the manifest of what was just unpacked, each file by its digest.

    Parameters
    ----------
    root : Path
        The folder it was unpacked into.
    sums : mapping of str to str
        What the digests must be, by path; of other files they are taken as they are.

    Returns
    -------
    list of str
        The paths that are not what the packages hold; there is no manifest then.
    """
    files = {path: (*_looks(root / path), _digest(root / path)) for path in _paths(root)}
    wrong = [path for path, sum_ in sums.items() if path in files and files[path][-1] != sum_]
    wrong += [path for path in sums if path not in files]
    if not wrong:
        records.write(root / MANIFEST, files)
    return wrong


def is_whole(root: Path) -> bool:
    """Tell whether every file is there as it was unpacked; reads those alone that were touched."""
    known = _read(root)
    found = {path: _looks(root / path) for path in _paths(root)} if known else {}
    if not known or known.keys() != found.keys():
        return False
    if any(known[path][:2] != found[path][:2] for path in known):
        return False
    touched = [path for path in known if known[path][2] != found[path][2]]
    if any(known[path][3] != _digest(root / path) for path in touched):
        return False
    if touched:  # a copy of the cache has other times
        with contextlib.suppress(OSError):
            records.write(root / MANIFEST, {p: (*found[p], known[p][3]) for p in known})
    return True


def damaged(root: Path) -> list[str]:
    """List the files that are not what was unpacked, or are gone: reads all of them."""
    known = _read(root)
    wrong = []
    for path, (size, mode, _time, digest) in known.items():
        try:
            same = _looks(root / path)[:2] == (size, mode) and _digest(root / path) == digest
        except OSError:
            same = False
        if not same:
            wrong.append(path)
    return wrong if known else [MANIFEST]


def _read(root: Path) -> dict[str, _Known]:
    """Read the manifest; empty where it is damaged, or another version's."""
    found = records.read(root / MANIFEST)
    if not isinstance(found, dict):
        return {}
    known: dict[str, _Known] = {}
    for path, looks in found.items():
        match looks:
            case [int(size), int(mode), int(time), str(digest)]:
                known[path] = size, mode, time, digest
            case _:
                return {}
    return known


def _paths(root: Path) -> Iterator[str]:
    for folder, folders, files in os.walk(root):
        links = [name for name in folders if Path(folder, name).is_symlink()]
        for name in (*files, *links):
            path = str(Path(folder, name).relative_to(root))
            if path != MANIFEST and not path.startswith(f"{MANIFEST}."):
                yield path


def _looks(path: Path) -> tuple[int, int, int]:
    """Give size, what the owner may do with it, and the time of the last change."""
    found = path.lstat()
    kind = stat.S_IFMT(found.st_mode) | found.st_mode & 0o700
    return found.st_size, kind, found.st_mtime_ns


def _digest(path: Path) -> str:
    if path.is_symlink():
        return str(path.readlink())
    if not path.is_file():  # a pipe would be waited for
        return ""
    with path.open("rb") as stream:
        plain = hashlib.md5(usedforsecurity=False)
        return hashlib.file_digest(stream, lambda: plain).hexdigest()

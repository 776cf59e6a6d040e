"""What was read of layers, kept by diff ID in the user's cache folder.

In SQLite, because of what it promises: a write that is cut off leaves what was there, two
processes at once see one or the other, and a damaged file is noticed. (Of the cache libraries on
top of it, diskcache keeps pickles, which whoever can write the file can have run as code, and has
had no release since 2023.) A cache is never needed: where it can't be read or written it is empty.
"""

import json
import os
import sqlite3
import zlib
from array import array
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from itertools import repeat
from operator import attrgetter
from pathlib import Path
from typing import Any, TypeVar

from platformdirs import user_cache_path

from dockerlab.facts.archive.layer import DIGEST_SIZE, LayerTable
from dockerlab.facts.collector import paused
from dockerlab.facts.files import Entry, Kind

_VERSION = 1  # of what `_encode` makes: another one is another file
_LIMIT = 256_000_000  # bytes; a layer of 10,000 files takes half a million
_PATIENCE = 5.0  # seconds for another process to end its writing
_KINDS: dict[str, Kind] = {
    "f": "file", "d": "directory", "s": "symlink", "l": "link", "c": "character", "b": "block",
    "p": "pipe",
}  # fmt: skip
_LETTERS = {kind: letter for letter, kind in _KINDS.items()}
_NUMBERS = ("size", "stored", "mode", "uid", "gid", "inode")
_TABLE = """
CREATE TABLE IF NOT EXISTS layers (
    diff_id TEXT PRIMARY KEY, used INTEGER NOT NULL, size INTEGER NOT NULL, body BLOB NOT NULL
)"""
_PUT = """
INSERT OR REPLACE INTO layers
SELECT ?, COALESCE(MAX(used), 0) + 1, ?, ? FROM layers"""
_USE = """
UPDATE layers SET used = (SELECT MAX(used) + 1 FROM layers) WHERE diff_id = ?"""
_BOUND = """
DELETE FROM layers WHERE diff_id IN (
    SELECT diff_id FROM (
        SELECT diff_id, SUM(size) OVER (ORDER BY used DESC, diff_id) AS total FROM layers
    ) WHERE total > ?
)"""

T = TypeVar("T")


def cache_folder() -> Path:
    """Return ``$DOCKERLAB_CACHE`` or the user's cache folder for dockerlab."""
    named = os.environ.get("DOCKERLAB_CACHE")
    return Path(named).expanduser() if named else user_cache_path("dockerlab")


class LayerCache:
    """Layers that were read before.

    Parameters
    ----------
    folder : Path or None
        Where it lies; `cache_folder` unless told.
    limit : int
        Bytes it may take; what was used longest ago goes first.
    """

    def __init__(self, folder: Path | None = None, limit: int = _LIMIT) -> None:
        self._folder = (folder or cache_folder()) / "layers"
        self._file = self._folder / f"layers-{_VERSION}.sqlite3"
        self._limit = limit

    def get(self, diff_ids: Iterable[str]) -> dict[str, LayerTable]:
        """Return those of the layers that are known."""
        wanted = tuple(dict.fromkeys(diff_ids))
        if not self._file.exists():
            return {}
        with paused():
            return self._try(lambda database: dict(_found(database, wanted)), {})

    def put(self, tables: Iterable[LayerTable]) -> None:
        """Keep layers."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for other in self._folder.glob("layers-*.sqlite3"):
                if other != self._file:
                    other.unlink(missing_ok=True)
        except OSError:
            return
        once = {table.diff_id: table for table in tables}
        with paused():
            bodies = [(diff_id, _encode(table)) for diff_id, table in once.items()]
        self._try(lambda database: self._keep(database, bodies), None)

    def _keep(self, database: sqlite3.Connection, bodies: list[tuple[str, bytes]]) -> None:
        database.execute(_TABLE)
        for diff_id, body in bodies:
            database.execute(_PUT, (diff_id, len(body), body))
        database.execute(_BOUND, (self._limit,))

    def _try(self, job: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        try:
            with closing(sqlite3.connect(self._file, timeout=_PATIENCE)) as database, database:
                return job(database)
        except sqlite3.OperationalError:  # locked for long, no room, no permission
            return otherwise
        except sqlite3.DatabaseError:  # damaged, or no database at all
            with suppress(OSError):
                self._file.unlink(missing_ok=True)
            return otherwise


def _found(
    database: sqlite3.Connection, wanted: tuple[str, ...]
) -> Iterator[tuple[str, LayerTable]]:
    for diff_id in wanted:
        row = database.execute("SELECT body FROM layers WHERE diff_id = ?", (diff_id,)).fetchone()
        table = row and _decode(diff_id, row[0])
        if table:
            database.execute(_USE, (diff_id,))
            yield diff_id, table


def _encode(table: LayerTable) -> bytes:
    # Column by column, because that is five times as fast to read as entry by entry.
    entries = table.entries
    strings = {
        "paths": [entry.path for entry in entries],
        "kinds": "".join(_LETTERS[entry.kind] for entry in entries),
        "targets": {n: entry.target for n, entry in enumerate(entries) if entry.target},
        "links": {n: entry.link for n, entry in enumerate(entries) if entry.link},
        "devices": {n: entry.device for n, entry in enumerate(entries) if any(entry.device)},
        "attributes": {
            n: entry.attributes.hex() for n, entry in enumerate(entries) if entry.attributes
        },
        "whiteouts": table.whiteouts,
        "opaque": table.opaque,
    }
    text = json.dumps(strings, separators=(",", ":")).encode()
    numbers = b"".join(array("q", map(attrgetter(name), entries)).tobytes() for name in _NUMBERS)
    digests = b"".join(entry.digest.ljust(DIGEST_SIZE, b"\0") for entry in entries)
    return zlib.compress(len(text).to_bytes(8, "big") + text + numbers + digests, 1)


def _decode(diff_id: str, body: bytes) -> LayerTable | None:
    try:
        plain = memoryview(zlib.decompress(body))
        end = 8 + int.from_bytes(plain[:8], "big")
        strings = json.loads(bytes(plain[8:end]))
        return LayerTable(
            diff_id,
            tuple(_entries(strings, plain[end:])),
            tuple(strings["whiteouts"]),
            tuple(strings["opaque"]),
        )
    except (zlib.error, ValueError, KeyError, TypeError):
        return None


def _entries(strings: dict[str, Any], rest: memoryview) -> Iterator[Entry]:
    paths = strings["paths"]
    count = len(paths)
    numbers = {}
    for name in _NUMBERS:
        numbers[name] = array("q", bytes(rest[: 8 * count]))
        rest = rest[8 * count :]
    none = bytes(DIGEST_SIZE)
    digests = [bytes(rest[at : at + DIGEST_SIZE]) for at in range(0, len(rest), DIGEST_SIZE)]
    return map(
        Entry,
        paths, map(_KINDS.__getitem__, strings["kinds"]), numbers["size"], numbers["stored"],
        numbers["mode"], numbers["uid"], numbers["gid"], _spread(strings["targets"], count, ""),
        _spread({n: tuple(one) for n, one in strings["devices"].items()}, count, (0, 0)),
        [b"" if digest == none else digest for digest in digests],
        _spread({n: bytes.fromhex(one) for n, one in strings["attributes"].items()}, count, b""),
        numbers["inode"], _spread(strings["links"], count, ""),
    )  # fmt: skip


def _spread(few: dict[str, T], count: int, otherwise: T) -> Iterable[T]:
    if not few:
        return repeat(otherwise, count)
    column = [otherwise] * count
    for position, value in few.items():
        column[int(position)] = value
    return column

"""How far a long reading is, without knowing who shows it."""

from collections.abc import Callable, Iterable, Iterator

from dockerlab.facts.archive.tape import Chunk

Progress = Callable[[str, int, int | None], None]
"""Called with a step's label, what is done and the total, both in bytes (total None: unknown)."""


def silent(_label: str, _done: int, _total: int | None) -> None:
    """Show nothing."""


def counted(
    chunks: Iterable[Chunk], progress: Progress, label: str, total: int | None
) -> Iterator[Chunk]:
    """Pass chunks on and tell how much has passed."""
    done = 0
    for chunk in chunks:
        done += len(chunk)
        progress(label, done, total)
        yield chunk

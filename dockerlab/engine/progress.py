"""How long jobs tell how far they are, without knowing who shows it."""

from collections.abc import Callable

Progress = Callable[[str, int, int | None], None]
"""Called with a step's label, what is done and the total, both in bytes (total None: unknown)."""


def silent(_label: str, _done: int, _total: int | None) -> None:
    """Show nothing."""

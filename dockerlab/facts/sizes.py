"""Bytes in words."""

_UNITS = ("B", "kB", "MB", "GB", "TB", "PB", "EB")
_MEMORY_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


def size_text(number: float) -> str:
    """Return bytes as the docker CLI counts them: decimal, three digits ("12.4 MB")."""
    return _scaled(number, 1000, _UNITS)


def memory_text(number: float) -> str:
    """Return bytes as `docker run --memory` and `docker stats` count them ("64 MiB")."""
    return _scaled(number, 1024, _MEMORY_UNITS)


def _scaled(number: float, step: int, units: tuple[str, ...]) -> str:
    value, unit = float(number), 0
    # 999.5 would be rounded to 1000 and belongs to the next unit.
    while value >= 999.5 and unit < len(units) - 1:
        value, unit = value / step, unit + 1
    return f"{value:.3g} {units[unit]}"

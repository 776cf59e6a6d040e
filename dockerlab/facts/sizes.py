"""Bytes in words."""

_UNITS = ("B", "kB", "MB", "GB", "TB", "PB", "EB")
_MEMORY_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


def size_text(number: float) -> str:
    """Return bytes as the docker CLI counts them: decimal, three digits ("12.4 MB")."""
    value, unit = float(number), 0
    # 999.5 would be rounded to 1000 and belongs to the next unit.
    while value >= 999.5 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.3g} {_UNITS[unit]}"


def memory_text(number: float) -> str:
    """Return bytes as `docker run --memory` and `docker stats` count them ("64 MiB")."""
    value, unit = float(number), 0
    while value >= 999.5 and unit < len(_MEMORY_UNITS) - 1:
        value, unit = value / 1024, unit + 1
    return f"{value:.3g} {_MEMORY_UNITS[unit]}"

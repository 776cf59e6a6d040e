"""Bytes in words."""

_UNITS = ("B", "kB", "MB", "GB", "TB", "PB", "EB")


def size_text(number: float) -> str:
    """Return bytes as the docker CLI counts them: decimal, three digits ("12.4 MB")."""
    value, unit = float(number), 0
    # 999.5 would be rounded to 1000 and belongs to the next unit.
    while value >= 999.5 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.3g} {_UNITS[unit]}"

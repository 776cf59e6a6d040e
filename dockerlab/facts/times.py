"""Times as engines write them, as datetimes in UTC."""

from datetime import UTC, datetime


def from_text(text: str | None) -> datetime | None:
    """Read RFC 3339 with up to nanoseconds; the engine's zero time is None."""
    if not text or text.startswith("0001-"):
        return None
    return datetime.fromisoformat(text).astimezone(UTC)


def from_seconds(seconds: float | None) -> datetime | None:
    """Read seconds since 1970; zero and less are None."""
    return datetime.fromtimestamp(seconds, UTC) if seconds and seconds > 0 else None

"""Moments as texts of RFC 3339."""

from datetime import UTC, datetime


def rfc3339(moment: datetime | None) -> str | None:
    """A moment in UTC, with `Z`."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

"""Moments as commands print them."""

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from shanhai.settings import DatabaseSettings


def clock() -> Callable[[datetime], str]:
    """What writes a moment as clocks show it where the platform is, to the second."""
    zone = ZoneInfo(DatabaseSettings().timezone)
    return lambda at: at.astimezone(zone).isoformat(timespec="seconds")

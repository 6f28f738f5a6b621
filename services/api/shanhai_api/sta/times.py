"""Times as bodies tell them."""

from datetime import UTC, datetime

from shanhai.vocabulary import Label
from shanhai_api.sta.making import fault_at

Rule = Label


def instant_of(text: str | None, pointer: str) -> datetime:
    """An instant a body tells; now, where it tells none.

    Raises:
        InvalidInput: it is none.
    """
    found = time_of(text)
    if isinstance(found, Rule):
        raise fault_at(pointer, found.en, found.zh)
    return found


def time_of(text: object) -> datetime | Rule:
    """An instant in UTC, now for none; or the rule it breaks."""
    if text is None:
        return datetime.now(UTC)
    if isinstance(text, str) and "/" in text:
        return Rule(
            "须为时刻；时段统计值请按小时、日或月查询", "must be an instant, not an interval"
        )
    try:
        time = datetime.fromisoformat(text) if isinstance(text, str) else None
        if time is not None and time.tzinfo is not None:
            return time.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    return Rule(
        "须为带时区偏移的时刻，例如 2026-01-31T08:00:00Z",
        "must be a time with its offset from UTC, such as 2026-01-31T08:00:00Z",
    )

"""How a filter is refused."""

from shanhai.errors import InvalidInput, LimitExceeded

PARAMETER = "filter"
EXCERPT = 60


def refused(message: str, message_zh: str) -> InvalidInput:
    """The error of a filter that breaks a rule."""
    return InvalidInput(message, message_zh=message_zh, pointer=PARAMETER)


def exceeded(message: str, message_zh: str) -> LimitExceeded:
    """The error of a filter that is larger than allowed."""
    return LimitExceeded(message, message_zh=message_zh, pointer=PARAMETER)


def excerpt(text: str) -> str:
    """The beginning of a text, short enough for a message."""
    return text if len(text) <= EXCERPT else f"{text[:EXCERPT]}…"

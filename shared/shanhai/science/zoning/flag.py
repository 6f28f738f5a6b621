"""Something a planner should know about a result that is nevertheless complete."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Flag:
    """A code to count on and a sentence to read."""

    code: str
    detail: str

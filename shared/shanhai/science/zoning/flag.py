"""Something a planner should know about a result that is nevertheless complete."""

from dataclasses import dataclass

from shanhai.vocabulary import Label


@dataclass(frozen=True, slots=True)
class Flag:
    """A code to count on and a sentence to read, in both languages."""

    code: str
    text: Label

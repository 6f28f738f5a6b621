"""Something a reader should know about a result that is nevertheless complete."""

from dataclasses import dataclass

from shanhai.vocabulary import Label


@dataclass(frozen=True, slots=True)
class ResultFlag:
    """A code to count on and a sentence to read, in both languages."""

    code: str
    text: Label

    def document(self) -> dict[str, str]:
        """The flag as results, statistics and manifest show it."""
        return {"code": self.code, "detail": self.text.en, "detail_zh": self.text.zh}

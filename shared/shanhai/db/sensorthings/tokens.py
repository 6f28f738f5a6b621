"""The words of query options: what OData 4.01 writes between `?` and the end."""

import re
from dataclasses import dataclass
from typing import Literal

from shanhai.errors import InvalidInput, LimitExceeded

MOST_CHARACTERS = 8_000
MOST_TOKENS = 1_000
EXCERPT = 60
Sort = Literal["string", "typed", "moment", "date", "number", "option", "name", "mark", "end"]
TOKEN = re.compile(
    r"""(?P<typed>(?:geography|geometry|duration)'(?:[^']|'')*')
    |(?P<string>'(?:[^']|'')*')
    |(?P<moment>\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:[Zz]|[-+\ ]\d\d:\d\d))
    |(?P<date>\d{4}-\d\d-\d\d(?![\w]))
    |(?P<number>-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?(?![\w]))
    |(?P<option>\$[A-Za-z]+)
    |(?P<name>@?[^\W\d][\w.]*)
    |(?P<mark>[(),;/=:*-])""",
    re.VERBOSE,
)
"""A `+` that was not escaped in the address arrives as a space, which no offset has otherwise."""
SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Token:
    """A word, and where it stands."""

    sort: Sort
    text: str
    at: int


def refused(parameter: str, message: str, message_zh: str) -> InvalidInput:
    """The error of a query option that breaks a rule."""
    return InvalidInput(
        f"{parameter}: {message}", message_zh=f"{parameter}：{message_zh}", pointer=parameter
    )


def excerpt(text: str) -> str:
    """The beginning of a text, short enough for a message."""
    return text if len(text) <= EXCERPT else f"{text[:EXCERPT]}…"


def tokens_of(text: str, parameter: str) -> tuple[Token, ...]:
    """The words of an option's text, and one that says it ends.

    Raises:
        LimitExceeded: there are too many.
        InvalidInput: some of it is no word.
    """
    if len(text) > MOST_CHARACTERS:
        raise too_long(parameter, MOST_CHARACTERS)
    found, at = [], 0
    while at < len(text):
        if space := SPACES.match(text, at):
            at = space.end()
            continue
        match = TOKEN.match(text, at)
        if match is None:
            rest = excerpt(text[at:])
            raise refused(
                parameter,
                f"{rest!r} at character {at} is not understood",
                f"第 {at} 个字符起的 {rest!r} 无法识别",
            )
        found.append(Token(match.lastgroup, match.group(), at))  # type: ignore[arg-type] # named so
        at = match.end()
        if len(found) > MOST_TOKENS:
            raise too_long(parameter, MOST_TOKENS)
    return (*found, Token("end", "", len(text)))


def too_long(parameter: str, most: int) -> LimitExceeded:
    """The error of an option that is larger than allowed."""
    return LimitExceeded(
        f"{parameter} is longer than {most} characters or words",
        message_zh=f"{parameter} 超过 {most} 个字符或词",
        pointer=parameter,
    )


@dataclass(slots=True)
class Cursor:
    """A place among the words of one option."""

    parameter: str
    tokens: tuple[Token, ...]
    at: int = 0

    @classmethod
    def over(cls, text: str, parameter: str) -> "Cursor":
        """The beginning of a text."""
        return cls(parameter, tokens_of(text, parameter))

    @property
    def now(self) -> Token:
        """The word that stands here."""
        return self.tokens[self.at]

    @property
    def following(self) -> Token:
        """The word behind it."""
        return self.tokens[min(self.at + 1, len(self.tokens) - 1)]

    def take(self) -> Token:
        """The word that stands here; the cursor moves on."""
        token = self.now
        self.at = min(self.at + 1, len(self.tokens) - 1)
        return token

    def takes(self, mark: str) -> bool:
        """Whether this mark stands here; if so the cursor moves on."""
        if self.now.sort == "mark" and self.now.text == mark:
            self.take()
            return True
        return False

    def takes_word(self, *words: str) -> str | None:
        """Which of these words stands here; if one does the cursor moves on."""
        if self.now.sort == "name" and self.now.text in words:
            return self.take().text
        return None

    def demand(self, mark: str) -> None:
        """Move on over a mark that must stand here.

        Raises:
            InvalidInput: another word does.
        """
        if not self.takes(mark):
            raise self.unexpected(f"{mark!r}")

    def demand_name(self) -> str:
        """The name that must stand here.

        Raises:
            InvalidInput: another word does.
        """
        if self.now.sort != "name":
            raise self.unexpected("a name", "名称")
        return self.take().text

    def demand_end(self) -> None:
        """Make sure that nothing follows.

        Raises:
            InvalidInput: something does.
        """
        if self.now.sort != "end":
            raise self.unexpected("the end", "结尾")

    def unexpected(self, wanted: str, wanted_zh: str | None = None) -> InvalidInput:
        """The error of a word that stands where another must."""
        token = self.now
        here = f"{excerpt(token.text)!r}" if token.text else "the end"
        here_zh = f"{excerpt(token.text)!r}" if token.text else "结尾"
        return self.refused(
            f"at character {token.at}, {here} stands where {wanted} must",
            f"第 {token.at} 个字符处应为 {wanted_zh or wanted}，而不是 {here_zh}",
        )

    def refused(self, message: str, message_zh: str) -> InvalidInput:
        """The error of an option that breaks a rule."""
        return refused(self.parameter, message, message_zh)

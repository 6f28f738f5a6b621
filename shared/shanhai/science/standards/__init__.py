"""Environmental quality standards as data: a revised standard is another file of this folder."""

import tomllib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from typing import Any, TypeVar

from shanhai.errors import InvalidInput
from shanhai.vocabulary import Label


@dataclass(frozen=True, slots=True)
class Standard:
    """What every standard says of itself.

    Attributes:
        id: Identifier.
        label: Number and name.
        year: Of the edition.
        valid_from: First day it holds.
        medium: What it is for.
    """

    id: str
    label: Label
    year: int
    valid_from: date
    medium: str

    def document(self) -> dict[str, Any]:
        """What a result says of the standard it rests on."""
        return {
            "id": self.id,
            "name_zh": self.label.zh,
            "name_en": self.label.en,
            "year": self.year,
            "valid_from": self.valid_from.isoformat(),
        }


OneOf = TypeVar("OneOf", bound=Standard)


def read_standard(name: str, known: Collection[str]) -> dict[str, Any]:
    """The file of a standard.

    Raises:
        InvalidInput: it is not one of those known.
    """
    if name not in known:
        raise InvalidInput(
            f"there is no standard {name!r}; known are {', '.join(known)}",
            message_zh=f"没有标准 {name!r}；可用：{'、'.join(known)}",
        )
    return tomllib.loads((files(__name__) / f"{name}.toml").read_text(encoding="utf-8"))


def head_of(data: dict[str, Any]) -> tuple[str, Label, int, date, str]:
    """The members of `Standard` in a file, in their order."""
    label = Label(data["zh"], data["en"])
    return data["id"], label, data["year"], data["valid_from"], data["medium"]


def in_force(standards: Iterable[OneOf], medium: str, day: date) -> OneOf:
    """The standard of a medium in force on a day: the newest that began by then.

    Raises:
        InvalidInput: none was in force yet.
    """
    begun = [one for one in standards if one.medium == medium and one.valid_from <= day]
    if not begun:
        raise InvalidInput(
            f"no standard of {medium} was in force on {day}",
            message_zh=f"{day} 尚无适用的 {medium} 标准",
        )
    return max(begun, key=lambda one: one.valid_from)

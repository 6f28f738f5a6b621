"""The parts of a bulletin's document in one language, as every format writes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class SectionHeading:
    """The heading of a section, numbered."""

    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph; a quiet one says what is not there, or how something is meant."""

    text: str
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its heading, how wide it is beside the others, what it holds."""

    text: str
    width: float
    kind: Literal["text", "number"] = "text"


@dataclass(frozen=True, slots=True)
class Table:
    """A table; `colors` has a colour for the first cell of some rows."""

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    colors: Sequence[str | None] = ()


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture with its caption; without a file its place is told, as in previews."""

    caption: str
    path: Path | None


Block = SectionHeading | Paragraph | Table | Picture


@dataclass(frozen=True, slots=True)
class Front:
    """What stands above a bulletin: its title, who issues it, its number and day."""

    title: str
    issuer: str
    number: str
    day: str
    corrects: str | None


@dataclass(frozen=True, slots=True)
class Pages:
    """A bulletin in one language."""

    lang: Literal["zh", "en"]
    front: Front
    blocks: Sequence[Block]
    note: Sequence[str]

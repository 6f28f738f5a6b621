"""The parts of a bulletin's document in one language, and the page made of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from shanhai.reporting.pages import environment
from shanhai.vocabulary import Label


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


TEMPLATE = "bulletin.html.j2"
WORDS = {
    "place_of_picture": Label("（此处为地图或图表）", "(a map or chart stands here)"),
    "page": Label("第", "Page"),
    "of": Label("页，共", "of"),
    "pages": Label("页", ""),
}


def render_page(pages: Pages) -> str:
    """The document as one HTML page that needs nothing else."""
    return (
        environment()
        .get_template(TEMPLATE)
        .render(
            lang=pages.lang,
            front=pages.front,
            note=pages.note,
            words={name: label.in_(pages.lang) for name, label in WORDS.items()},
            blocks=[(_kind(block), block) for block in pages.blocks],
            widths=_widths,
        )
    )


def write_html(path: Path, pages: Pages) -> str:
    """Write the page and give it back."""
    text = render_page(pages)
    path.write_text(text, encoding="utf-8")
    return text


def _widths(columns: list[Column]) -> list[str]:
    total = sum(one.width for one in columns)
    return [f"{100 * one.width / total:.2f}%" for one in columns]


def _kind(block: SectionHeading | Paragraph | Table | Picture) -> str:
    return type(block).__name__.lower()

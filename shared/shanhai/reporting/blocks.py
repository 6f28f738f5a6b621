"""The parts of a document, as every format writes them; read from a page, or made into one."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal
from unicodedata import east_asian_width
from xml.etree.ElementTree import Element, TreeBuilder

from shanhai.reporting.pages import environment, write_pdf
from shanhai.vocabulary import Label, Lang


@dataclass(frozen=True, slots=True)
class SectionHeading:
    """The heading of a section, or of the whole where its level is 0."""

    text: str
    level: int = 1


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
    """A table; `colors` has a colour for the first cell of some rows.

    Without caption or texts of columns there is none, or no row of them.
    """

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
    """A document.

    Attributes:
        lang: Its language; the first of them where it has two.
        front: What stands above a bulletin.
        blocks: Its parts.
        note: Paragraphs at the end.
        wide: Whether its tables want wide pages.
    """

    lang: Lang
    front: Front | None
    blocks: Sequence[Block]
    note: Sequence[str] = ()
    wide: bool = False


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
            wide=pages.wide,
            front=pages.front,
            note=pages.note,
            words={name: label.in_(pages.lang) for name, label in WORDS.items()},
            blocks=[(type(block).__name__.lower(), block) for block in pages.blocks],
            widths=_widths,
        )
    )


def pdf_of(pages: Pages) -> bytes:
    """The document on A4 pages; equal documents are equal files.

    Raises:
        OSError: the libraries that set type are not installed.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder) / "document.pdf"
        write_pdf(path, render_page(pages))
        return path.read_bytes()


def word_of(pages: Pages, title: str, author: str, made_on: date | None = None) -> bytes:
    """The document for word processors; title, author and day are told in its properties."""
    from shanhai.reporting.word import document_of  # the API loads this module at its start

    return document_of(pages, title, author, made_on)


def _widths(columns: list[Column]) -> list[str]:
    total = sum(one.width for one in columns)
    return [f"{100 * one.width / total:.2f}%" for one in columns]


LETTERS = 115
"""What stands beside each other in a table on a wide page."""
_LINE, _WORD = r"[^\n]+", r"[^\s\u2e80-\uffef]+|\S"


def widths_of(columns: Sequence[Sequence[str]]) -> list[float]:
    """How wide columns of these texts are: as their lines, or on a full page nearer to words."""
    wholes, words = ([_longest(texts, of) for texts in columns] for of in (_LINE, _WORD))
    beyond = sum(wholes) - sum(words)
    kept = min(max(LETTERS - sum(words), 0) / beyond, 1) if beyond else 1
    return [word + kept * (whole - word) for whole, word in zip(wholes, words, strict=True)]


def _longest(texts: Iterable[str], pattern: str) -> int:
    """The longest part of texts with its edges: Chinese counts twice."""
    parts = [part for text in texts for part in re.findall(pattern, text)]
    longest = max(
        (sum(1 + (east_asian_width(o) in "WF") for o in part) for part in parts), default=0
    )
    return min(max(longest + 3, 6), 40)


def blocks_of(page: str, pictures: Mapping[str, Path]) -> list[Block]:
    """The parts of a page of a report.

    Args:
        page: HTML.
        pictures: Files by the addresses of the page that hold them.
    """
    tree = _Tree()
    tree.feed(page)
    return list(_parts(tree.close_root(), pictures))


VOID = {"br", "img", "meta", "col"}


class _Tree(HTMLParser):
    """The elements of a page whose tags are all closed."""

    def __init__(self) -> None:
        super().__init__()
        self._builder = TreeBuilder()
        self._builder.start("page", {})

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._builder.start(tag, {name: value or "" for name, value in attrs})
        if tag in VOID:
            self._builder.end(tag)

    def handle_endtag(self, tag: str) -> None:
        self._builder.end(tag)

    def handle_data(self, data: str) -> None:
        self._builder.data(data)

    def close_root(self) -> Element:
        self._builder.end("page")
        return self._builder.close()


BREAK = "\u2028"
"""Stands for the end of a line, which `br` makes and what else ends lines of a page does not."""
_LEVELS = {"h1": 0, "h2": 1, "h3": 2}
_LINES = {"p", "li", "footer"}


def _parts(parent: Element, pictures: Mapping[str, Path]) -> Iterator[Block]:
    """The parts of an element, in the order of the page."""
    for element in parent:
        classes = _classes(element)
        if element.tag in _LEVELS:
            yield SectionHeading(_text(element), _LEVELS[element.tag])
        elif element.tag in _LINES or "band" in classes:
            mark = "• " if element.tag == "li" else ""
            yield Paragraph(f"{mark}{_text(element)}", quiet=element.tag == "footer")
        elif "key" in classes:
            yield from (Paragraph(_text(one)) for one in element)
        elif element.tag == "table":
            yield _table(element)
        elif element.tag == "figure":
            (image,), (caption,) = element.iter("img"), element.iter("figcaption")
            yield Picture(_text(caption), pictures[image.attrib["src"]])
        elif element.tag != "head":
            yield from _parts(element, pictures)


def _classes(element: Element) -> list[str]:
    return element.get("class", "").split()


def _text(element: Element) -> str:
    """The text of an element; only what `br` breaks begins a line."""
    for one in element.iter("br"):
        one.tail = f"{BREAK}{one.tail or ''}"
    lines = "".join(element.itertext()).split(BREAK)
    return "\n".join(" ".join(line.split()) for line in lines if line.strip())


def _table(element: Element) -> Table:
    """A table; columns that hold bars only are left out."""
    head = [_cells(row) for row in element.iterfind("thead/tr")]
    body = element.findall("tbody/tr") or element.findall("tr")
    rows = [_cells(row) for row in body]
    every = range(len([*head, *rows][0]))
    told = [place for place in every if not any(_holds_bars(row, place) for row in body)]
    shown = [[row[place] for place in told] for row in (*head, *rows)]
    sides = list(zip(*shown, strict=True))
    widths = widths_of([[text for text, _ in cells] for cells in sides])
    columns = [_column(*one, bool(head)) for one in zip(sides, widths, strict=True)]
    return Table(
        "",
        columns,
        [[text for text, _ in row] for row in shown[len(head) :]],
        [_color(row) for row in body],
    )


def _holds_bars(row: Element, place: int) -> bool:
    return place < len(row) and any("bar" in _classes(one) for one in row[place].iter("div"))


def _cells(row: Element) -> list[tuple[str, bool]]:
    """Text of each cell of a row, and whether it is a number; the wide ones are several."""
    found: list[tuple[str, bool]] = []
    for cell in row:
        blank = [("", False)] * (int(cell.get("colspan", "1")) - 1)
        found += [(_text(cell), "n" in _classes(cell)), *blank]
    return found


def _column(cells: Sequence[tuple[str, bool]], width: float, has_head: bool) -> Column:
    numbers = all(number for text, number in cells if text)
    return Column(cells[0][0] if has_head else "", width, "number" if numbers else "text")


def _color(row: Element) -> str | None:
    """The colour shown in the first cell."""
    shown = [one for one in row[0].iter("span") if "swatch" in _classes(one)]
    return shown[0].get("style", "").rpartition("#")[2] if shown else None

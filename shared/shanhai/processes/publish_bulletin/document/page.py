"""A bulletin as HTML, and from that as PDF."""

from pathlib import Path

from shanhai.processes.publish_bulletin.document.blocks import (
    Column,
    Pages,
    Paragraph,
    Picture,
    SectionHeading,
    Table,
)
from shanhai.reporting.pages import data_uri, environment
from shanhai.vocabulary import Label

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
            data_uri=data_uri,
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

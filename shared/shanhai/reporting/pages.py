"""Pages of an evaluation and of an account: self-contained, in Chinese and English."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shanhai.reporting.pdf import can_write_pdf, write_pdf
from shanhai.reporting.rendering import data_uri, environment
from shanhai.vocabulary import Label

Picture = tuple[Path, Label]


@dataclass(frozen=True, slots=True)
class Page:
    """What a page shows.

    Attributes:
        template: Its template.
        place: Name of the region.
        content: The document it tells.
        manifest: How it was computed.
        pictures: PNG files with their captions, in order.
    """

    template: str
    place: Label
    content: Mapping[str, Any]
    manifest: Mapping[str, Any]
    pictures: Sequence[Picture] = ()


def write_page(html: Path, pdf: Path, page: Page) -> None:
    """Render the page with its pictures inside, as HTML, and as PDF where that can be made."""
    text = (
        environment()
        .get_template(page.template)
        .render(
            place=page.place,
            content=page.content,
            manifest=page.manifest,
            pictures=[(data_uri(picture), caption) for picture, caption in page.pictures],
            stand_ins=[one for one in page.manifest["inputs"] if one["stand_in"]],
        )
    )
    html.write_text(text, encoding="utf-8")
    if can_write_pdf():
        write_pdf(pdf, text)

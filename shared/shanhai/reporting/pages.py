"""Pages of an evaluation and of an account: self-contained HTML in Chinese and English."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

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


def write_page(path: Path, page: Page) -> None:
    """Render the page with its pictures inside."""
    text = (
        _environment()
        .get_template(page.template)
        .render(
            place=page.place,
            content=page.content,
            manifest=page.manifest,
            pictures=[(_data_uri(picture), caption) for picture, caption in page.pictures],
            stand_ins=[one for one in page.manifest["inputs"] if one["stand_in"]],
        )
    )
    path.write_text(text, encoding="utf-8")


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("shanhai.reporting"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = _number
    return environment


def _number(value: float | None, digits: int = 2) -> str:
    return "–" if value is None else f"{value:,.{digits}f}"


def _data_uri(path: Path) -> str:
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode("ascii")

"""Reports as self-contained HTML pages in Chinese and English, and as PDF."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache, lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from shanhai.cartography import LAND_COVER
from shanhai.reporting.input_words import choice_label, input_label
from shanhai.science.flags import ResultFlag
from shanhai.science.units import unit_name
from shanhai.vocabulary import Label, label_of


@cache
def environment() -> Environment:
    """The templates; what is not given to one is an error, and every text is escaped."""
    made = Environment(
        loader=PackageLoader("shanhai.reporting"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for one in (number, figure, told, data_uri, input_label, choice_label):
        made.filters[one.__name__] = one
    made.filters["unit"] = unit_name
    made.filters["computed"] = lambda manifest: computed_at(manifest).isoformat(" ", "minutes")
    made.globals["label_of"] = label_of
    made.globals["covers"] = {one.code: one.label for one in LAND_COVER.entries}
    made.filters["zip"] = lambda one, other: list(zip(one, other, strict=True))
    return made


def load_templates() -> None:
    """Compile all templates, so that processes split off this one have them."""
    for name in environment().list_templates():
        environment().get_template(name)


def computed_at(manifest: Mapping[str, Any]) -> datetime:
    """When a result was computed, by the clocks of the bureau."""
    zone = ZoneInfo(manifest["timezone"])
    return datetime.fromisoformat(manifest["created_utc"]).astimezone(zone)


def number(value: float | None, digits: int = 2) -> str:
    """A number with so many digits after the point; a dash for none."""
    return "–" if value is None else f"{value:z,.{digits}f}"


def figure(value: float | Sequence[float] | None, digits: int = 4) -> str:
    """A number or one a band, in so many digits, never in powers of ten; a dash for none."""
    if isinstance(value, Sequence):
        return " / ".join(figure(one, digits) for one in value)
    if value is None:
        return "–"
    if abs(value) >= 10**digits - 0.5:
        return f"{value:,.0f}"
    return f"{Decimal(f'{value:.{digits}g}'):,f}"


def data_uri(path: Path) -> str:
    """A PNG picture as an address that holds it."""
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode("ascii")


def told(value: Any) -> str:
    """A parameter's value for a reader: rows of a table, words of codes, a dash for none."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "是 yes" if value else "否 no"
    if isinstance(value, dict):
        return ", ".join(f"{told(name)} {told(one)}" for name, one in value.items()) or "–"
    if isinstance(value, list | tuple):
        return ", ".join(map(told, value)) or "–"
    if isinstance(value, str):
        label = choice_label(value)
        return label.zh if label.zh == label.en else f"{label.zh} {label.en}"
    return figure(value, 6) if isinstance(value, float) else str(value)


PANGO_PACKAGES = ("libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0")
"""The Debian packages that set the type."""


@lru_cache(maxsize=1)
def can_write_pdf() -> bool:
    """Whether the libraries that set the type are installed."""
    try:
        import weasyprint  # noqa: F401 - loads them
    except OSError:
        return False
    return True


def missing_pdf_warning() -> ResultFlag:
    """What to say where the PDF had to be left out."""
    text = Label(
        f"未安装排版库，未生成 PDF 报告；请安装 {'、'.join(PANGO_PACKAGES)}",
        "the libraries that set type are not installed, so there is no report as PDF; install "
        f"the packages {', '.join(PANGO_PACKAGES)}",
    )
    return ResultFlag("missing_pdf", text)


def write_pdf(path: Path, html: str) -> None:
    """Set `html` on A4 pages; equal pages are equal files.

    Nothing is fetched: a page holds all it shows. See `can_write_pdf`.

    Raises:
        ValueError: the page asks for something that it does not hold.
    """
    # Here, because it loads the libraries that set the type, which only this needs.
    from weasyprint import HTML
    from weasyprint.urls import FatalURLFetchingError, URLFetcher

    held = URLFetcher(allowed_protocols=["data"], fail_on_errors=True)
    try:
        HTML(string=html, url_fetcher=held).write_pdf(path)
    except FatalURLFetchingError as error:
        raise ValueError(f"a report holds all it shows: {error}") from error


Picture = tuple[Path, Label]


@dataclass(frozen=True, slots=True)
class ReportPage:
    """What a page shows.

    Attributes:
        template: Its template.
        place: Name of the region.
        content: The document it tells.
        manifest: How it was computed.
        pictures: PNG files with their captions, in order; their stems are their names.
    """

    template: str
    place: Label
    content: Mapping[str, Any]
    manifest: Mapping[str, Any]
    pictures: Sequence[Picture] = ()


def render_page(page: ReportPage, before: Sequence[Picture] = ()) -> str:
    """The page as HTML that needs nothing else, with some pictures before its own."""
    shown = [*before, *page.pictures]
    return (
        environment()
        .get_template(page.template)
        .render(
            place=page.place,
            content=page.content,
            manifest=page.manifest,
            pictures=shown,
            named={path.stem: path for path, _ in shown},
            stand_ins=[one for one in page.manifest["inputs"] if one["stand_in"]],
        )
    )

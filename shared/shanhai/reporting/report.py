"""The report of a zoning: one HTML page that needs nothing else, in Chinese and English."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from shanhai.cartography import LAND_COVER
from shanhai.vocabulary import ECOSERVICES, Label, label_of

TEMPLATE = "zoning_report.html.j2"
_LEADING = 2

LIMITS: tuple[Label, ...] = (
    Label(
        "index 方案使用 0–1 的相对指数，区域之间、年份之间不可直接比较。",
        "The index profile uses relative indices of 0–1; regions and years cannot be compared "
        "directly.",
    ),
    Label(
        "五类分区是规划决定，聚类诊断只作描述，不用于选择类别数。",
        "Five zones are a planning decision; the cluster diagnostics describe, they do not choose.",
    ),
    Label(
        "公式与默认参数来自文献与工程经验，并非任何已发布规划的复现。",
        "Formulas and defaults come from the literature and engineering practice; this is no "
        "reproduction of any published plan.",
    ),
    Label(
        "面积以栅格像元为准；矢量边界经过拓扑化简。",
        "Areas are those of the raster cells; polygon borders are simplified together.",
    ),
    Label(
        "海域不参与陆域服务评估。",
        "The sea takes no part in the assessment of terrestrial services.",
    ),
)


@dataclass(frozen=True, slots=True)
class ReportContent:
    """What the page shows.

    Attributes:
        place: Name of the region.
        statistics: The statistics document.
        manifest: The manifest.
        pictures: PNG files with their captions, in order.
        warnings: Each a code and a sentence in both languages, like the flags.
    """

    place: Label
    statistics: Mapping[str, Any]
    manifest: Mapping[str, Any]
    pictures: Sequence[tuple[Path, Label]]
    warnings: Sequence[Mapping[str, str]]


def write_report(path: Path, content: ReportContent) -> None:
    """Render the page with its pictures inside."""
    page = (
        _environment()
        .get_template(TEMPLATE)
        .render(
            place=content.place,
            statistics=content.statistics,
            manifest=content.manifest,
            pictures=[(_data_uri(picture), caption) for picture, caption in content.pictures],
            warnings=content.warnings,
            services=ECOSERVICES,
            stand_ins=[one for one in content.manifest["inputs"] if one["stand_in"]],
            limits=LIMITS,
            has_population=_every_zone_has(content.statistics, "population"),
            has_cover=_every_zone_has(content.statistics, "land_cover_percent"),
        )
    )
    path.write_text(page, encoding="utf-8")


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("shanhai.reporting"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = _number
    environment.filters["theme"] = label_of
    environment.filters["leading_cover"] = leading_cover
    return environment


def _every_zone_has(statistics: Mapping[str, Any], member: str) -> bool:
    return all(member in zone for zone in statistics["zones"])


def leading_cover(zone: Mapping[str, Any]) -> list[tuple[Label, float]]:
    """The land-cover classes that hold most of a zone, with their per cent."""
    labels = {str(entry.value): entry.label for entry in LAND_COVER.entries}
    shares = sorted(zone["land_cover_percent"].items(), key=lambda entry: -entry[1])
    return [(labels[code], share) for code, share in shares[:_LEADING]]


def _number(value: float | None, digits: int = 2) -> str:
    return "–" if value is None else f"{value:,.{digits}f}"


def _data_uri(path: Path) -> str:
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode("ascii")

"""The report of an assessment, with or without zones: one page, as HTML and as PDF."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shanhai.cartography import COORDINATION, LAND_COVER, QUADRANTS
from shanhai.reporting.pages import can_write_pdf, data_uri, environment, told, write_pdf
from shanhai.vocabulary import Label, label_of

TEMPLATE = "assessment_report.html.j2"
_LEADING = 2

PICTURES = ("zones", "ratio", "quadrants", "coordination", "doubts")
"""Pictures of the whole, in the order of the page."""

GRADES = {
    "stable": Label("稳定", "stable"),
    "weak": Label("较弱", "weak"),
    "not_stable": Label("不稳定", "not stable"),
}
"""What is said of a zone that comes back in resampling more or less."""

ZONING_TITLE = Label("生态保护修复分区报告", "ecological protection and restoration zones")
ASSESSMENT_TITLE = Label("生态系统服务评估报告", "assessment of ecosystem services")

_INDEX_LIMIT = Label(
    "指数法使用 0–1 的相对指数，区域之间、年份之间不可直接比较。",
    "The index methods use relative indices of 0–1; regions and years cannot be compared directly.",
)
_ZONE_LIMITS = (
    Label(
        "五类分区是规划决定，聚类诊断只作描述，不用于选择类别数。",
        "Five zones are a planning decision; the cluster diagnostics describe, they do not choose.",
    ),
    Label(
        "面积以栅格像元为准；矢量边界经过拓扑化简。",
        "Areas are those of the raster cells; polygon borders are simplified together.",
    ),
)
_LIMITS = (
    Label(
        "公式与默认参数来自文献与工程经验，并非任何已发布规划的复现。",
        "Formulas and defaults come from the literature and engineering practice; this is no "
        "reproduction of any published plan.",
    ),
    Label(
        "海域不参与陆域服务评估。",
        "The sea takes no part in the assessment of terrestrial services.",
    ),
)


@dataclass(frozen=True, slots=True)
class ReportContent:
    """What the report shows.

    Attributes:
        place: Name of the region.
        manifest: The manifest.
        figures: Figures of every service, as `assess_ecoservices.service_figures` makes them.
        pictures: PNG files: those of `PICTURES`, and `service.<code>` for each service; those that
            are missing are left out.
        statistics: The statistics document of a zoning; None for an assessment without zones.
        places: Statistics of the districts, of an assessment without zones.
    """

    place: Label
    manifest: Mapping[str, Any]
    figures: Sequence[Mapping[str, Any]]
    pictures: Mapping[str, Path]
    statistics: Mapping[str, Any] | None = None
    places: Sequence[Mapping[str, Any]] = ()


def write_report(html: Path, pdf: Path, content: ReportContent) -> None:
    """Write the page with its pictures inside, as HTML, and as PDF where that can be made."""
    page = render(content)
    html.write_text(page, encoding="utf-8")
    if can_write_pdf():
        write_pdf(pdf, page)


def render(content: ReportContent) -> str:
    """The report as one HTML page that needs nothing else."""
    made, manifest, statistics = environment(), content.manifest, content.statistics
    made.filters["leading_cover"] = leading_cover
    made.globals["label_of"] = label_of
    figures = [{**one, "label": label_of(one["code"])} for one in content.figures]
    names = [*PICTURES, *(f"service.{one['code']}" for one in figures)]
    held = content.pictures
    return made.get_template(TEMPLATE).render(
        place=content.place,
        title=ASSESSMENT_TITLE if statistics is None else ZONING_TITLE,
        manifest=manifest,
        profile=label_of(manifest["profile"]),
        statistics=statistics,
        places=content.places,
        figures=figures,
        worst=max(figures, key=lambda one: one["deficit_percent"], default=None),
        pictures={name: data_uri(held[name]) if name in held else None for name in names},
        parameters=list(parameter_rows(manifest)),
        stand_ins=[one for one in manifest["inputs"] if one["stand_in"]],
        valid_km2=manifest["aoi"]["valid_cells"] * manifest["aoi"]["cell_m"] ** 2 / 1e6,
        limits=limits_of(manifest["profile"], zoned=statistics is not None),
        grades=GRADES,
        quadrants=QUADRANTS,
        coordination=COORDINATION,
        has_population=_every_zone_has(statistics, "population"),
        has_cover=_every_zone_has(statistics, "land_cover_percent"),
    )


def limits_of(profile: str, *, zoned: bool) -> list[Label]:
    """What a reader must not conclude from the result."""
    return [
        *([_INDEX_LIMIT] if profile == "index" else []),
        *(_ZONE_LIMITS if zoned else ()),
        *_LIMITS,
    ]


def parameter_rows(manifest: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """Every number, way and table of a run: first those of the whole, then layer by layer."""
    asked, given = manifest["parameters"], manifest["request"]
    whole = {"profile": manifest["profile"], "fill_zero": asked["fill_zero"]}
    if "seed" in given:
        whole["seed"] = given["seed"]
    for name, value in {**whole, **asked["parameters"]}.items():
        yield {
            "layer": "*",
            "name": name,
            "value": told(value),
            "unit": "",
            "status": "",
            "source": "",
        }
    for one in asked["layers"]:
        yield {
            **{name: str(one[name]) for name in ("layer", "name", "unit", "status", "source")},
            "value": told(one["value"]),
        }


def _every_zone_has(statistics: Mapping[str, Any] | None, member: str) -> bool:
    return statistics is not None and all(member in zone for zone in statistics["zones"])


def leading_cover(zone: Mapping[str, Any]) -> list[tuple[Label, float]]:
    """The land-cover classes that hold most of a zone, with their per cent."""
    labels = {str(entry.value): entry.label for entry in LAND_COVER.entries}
    shares = sorted(zone["land_cover_percent"].items(), key=lambda entry: -entry[1])
    return [(labels[code], share) for code, share in shares[:_LEADING]]

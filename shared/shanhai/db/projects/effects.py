"""What a project has effected: rasters and indicators before and after, photos, signs to look at.

The signs are leads for a person. None of them is a verdict, and none changes anything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.data_sources import DATASETS
from shanhai.db.collections.programmes import DOCUMENTS
from shanhai.db.engine import read_today
from shanhai.db.features.selection import viewer_values, visibility
from shanhai.db.identity import Viewer
from shanhai.db.projects.documents import UNIT_OF, figure_in
from shanhai.db.projects.queries import ProjectSeen
from shanhai.science import effect as method
from shanhai.vocabulary import Label

_DAY = "coalesce(dc.attrs->>'period_to', dc.attrs->>'period_from', dc.created_at::date::text)"
_COUNTED_IN = UNIT_OF.format(quantity="dc.attrs->>'quantity'")
_LOOKED = "('photo', 'monitoring', 'effect_evaluation', 'after_care', 'acceptance')"
_NEWEST_PAPER = text(
    f"SELECT max({_DAY}) FROM document dc WHERE dc.owner_collection = 'projects'"  # noqa: S608 - constants
    f" AND dc.owner_code = :code AND dc.deleted_at IS NULL AND dc.kind IN {_LOOKED}"
)
_YEARS = text("SELECT start_year, end_year FROM project WHERE id = :id")
_INDICATORS = text(
    """SELECT DISTINCT i.id, i.code, i.name_zh, i.name_en, i.unit
         FROM project_measure m JOIN indicator i ON i.id = m.indicator_id
        WHERE m.project_id = :id AND i.deleted_at IS NULL ORDER BY i.code"""
)
_VALUES = text(
    """SELECT DISTINCT ON (indicator_id, year) indicator_id, year, value FROM indicator_value
        WHERE indicator_id = ANY(:indicators) AND region_id = :region
        ORDER BY indicator_id, year, recorded_at DESC, id DESC"""
)
SIGNS: Mapping[str, Label] = {
    "ndvi_fell_back": Label(
        "植被指数相对对照区先升后降，回落达升幅的一半以上，请核查管护与存活情况",
        "NDVI rose against the control area and has lost half of the rise or more: look at the"
        " plants and their care",
    ),
    "ndvi_flat": Label(
        "项目结束两年后植被指数相对对照区仍无明显上升，请核查是否实施到位",
        "two years after the project's end NDVI has not risen against the control area: look"
        " whether the works were done",
    ),
    "sealed_grew": Label(
        "项目范围内不透水面占比增加，且增幅高于对照区，请核查是否有未批建设",
        "the sealed share of the perimeter has grown, by more than that of the control area: look"
        " whether something was built",
    ),
    "no_observation": Label(
        "一年以上没有监测结果、照片或遥感观测，请安排复查",
        "nothing was observed for more than a year, by monitoring, photo or raster: have it looked"
        " at",
    ),
}
WATCHED = frozenset(
    {"implementation", "acceptance", "monitoring", "effect_evaluation", "after_care", "closed"}
)
"""States in which a project is to be seen; before, there is nothing of it."""


@dataclass(frozen=True, slots=True)
class IndicatorEffect:
    """An indicator before and after: of the region, or as monitoring of the project told it."""

    code: str
    name: Label
    unit: str | None
    of: str
    before_on: str
    before: Decimal
    after_on: str
    after: Decimal

    @property
    def change(self) -> Decimal:
        """After less before."""
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo among the documents of a project; `on` is the day it tells, else that it came."""

    code: str
    on: str
    title: Label
    media_type: str


@dataclass(frozen=True, slots=True)
class PhotoPair:
    """The first and the last photo of a measure, or of the project as a whole."""

    measure: str | None
    before: Photo
    after: Photo


@dataclass(frozen=True, slots=True)
class ProjectEffect:
    """What is known of a project's effect.

    Attributes:
        job: The newest comparison of rasters the reader may see, and the day it was made on.
        rasters: What it found; None where there is none.
        pictures: The file it drew of them.
        signs: Codes of `SIGNS`; none for the public, since they are leads and no findings.
    """

    first_year: int
    last_year: int
    job: str | None
    on: date | None
    rasters: Mapping[str, Any] | None
    pictures: Mapping[str, Any] | None
    indicators: Sequence[IndicatorEffect]
    photos: Sequence[PhotoPair]
    signs: Sequence[str]


async def read_project_effect(
    session: AsyncSession, project: ProjectSeen, viewer: Viewer
) -> ProjectEffect:
    """Put together what is known of a project's effect, as the viewer may know of it."""
    first, last = (await session.execute(_YEARS, {"id": project.id})).one()
    compared = await read_comparison(session, project, viewer)
    rasters = compared.rasters
    papers = await _papers(session, project, viewer)
    indicators = [*await _of_region(session, project, first), *_of_monitoring(papers)]
    signs = await _signs(session, project, rasters, (first, last)) if viewer.known else []
    told = (first, last, compared.job, compared.on, rasters, compared.pictures)
    return ProjectEffect(*told, indicators, photo_pairs(papers), signs)


async def _signs(
    session: AsyncSession,
    project: ProjectSeen,
    rasters: Mapping[str, Any] | None,
    years: tuple[int, int],
) -> Sequence[str]:
    """The signs; whether somebody looked at the project counts papers the reader may not see."""
    found = [] if rasters is None else list(signs_of(rasters, *years))
    newest = await session.scalar(_NEWEST_PAPER, {"code": project.code})
    days = [] if newest is None else [date.fromisoformat(newest)]
    days += [] if rasters is None else _days_of(rasters, years[0])
    if project.state in WATCHED and method.is_silent(
        days, date(years[0], 1, 1), await read_today(session)
    ):
        found.append("no_observation")
    return found


def signs_of(rasters: Mapping[str, Any], first_year: int, last_year: int) -> Sequence[str]:
    """The signs of false restoration in a comparison of rasters."""
    found: list[str] = []
    for theme in rasters["themes"]:
        seen = [
            method.Sighting(
                date.fromisoformat(one["on"]), one["inside"]["mean"], one["control"]["mean"]
            )
            for one in theme["series"]
        ]
        if theme["theme"] == "ndvi":
            found += method.vegetation_signs(seen, first_year, last_year)
        if theme["theme"] == "land_cover":
            found += method.sealing_signs(seen, first_year)
    return found


def _days_of(rasters: Mapping[str, Any], first_year: int) -> list[date]:
    days = [date.fromisoformat(one["on"]) for each in rasters["themes"] for one in each["series"]]
    return [day for day in days if day.year >= first_year]


@dataclass(frozen=True, slots=True)
class RasterComparison:
    """The newest comparison of a project; all is None where there is none to be seen."""

    job: str | None = None
    on: date | None = None
    rasters: Mapping[str, Any] | None = None
    pictures: Mapping[str, Any] | None = None


async def read_comparison(
    session: AsyncSession, project: ProjectSeen, viewer: Viewer
) -> RasterComparison:
    """The newest comparison that rests on nothing the viewer may not see."""
    seen = " AND ".join(("TRUE", *visibility(DATASETS, viewer)))
    query = text(
        "SELECT CAST(job.id AS text), job.finished_at::date,"  # noqa: S608 - constants
        " job.result->'values'->'effect'->'value', job.result->'outputs'->'pictures'"
        " FROM job WHERE job.kind = 'evaluate-effect' AND job.status = 'successful'"
        " AND job.inputs->>'project' = :code AND NOT EXISTS (SELECT FROM job_dataset used"
        f" JOIN {DATASETS.source} ON d.id = used.dataset_id"
        f" WHERE used.job_id = job.id AND used.role = 'input' AND ({seen}) IS NOT TRUE)"
        " ORDER BY job.created_at DESC, job.id DESC LIMIT 1"
    )
    row = (await session.execute(query, {"code": project.code, **viewer_values(viewer)})).first()
    return RasterComparison() if row is None else RasterComparison(*row)


async def _papers(
    session: AsyncSession, project: ProjectSeen, viewer: Viewer
) -> Sequence[Mapping[str, Any]]:
    met = (DOCUMENTS.live, DOCUMENTS.current, *visibility(DOCUMENTS, viewer))
    query = text(
        f"SELECT dc.code, dc.kind, dc.title_zh, dc.title_en, dc.media_type, {_DAY} AS day,"  # noqa: S608 - constants
        " dc.attrs->>'measure' AS measure, dc.attrs->>'quantity' AS quantity,"
        f" dc.attrs->>'value' AS value, dc.attrs->>'unit' AS unit, {_COUNTED_IN} AS counted_in"
        f" FROM {DOCUMENTS.source} WHERE {' AND '.join(met)} AND dc.owner_collection = 'projects'"
        f" AND dc.owner_code = :code AND dc.kind IN {_LOOKED} ORDER BY day, dc.id"
    )
    rows = await session.execute(query, {"code": project.code, **viewer_values(viewer)})
    return [dict(row) for row in rows.mappings()]


def photo_pairs(papers: Sequence[Mapping[str, Any]]) -> list[PhotoPair]:
    """The first and the last photo of each measure, by the day they tell, else that they came."""
    by_measure: dict[str | None, list[Mapping[str, Any]]] = {}
    for paper in papers:
        if paper["kind"] == "photo":
            by_measure.setdefault(paper["measure"], []).append(paper)
    return [
        PhotoPair(measure, _photo(of[0]), _photo(of[-1]))
        for measure, of in sorted(by_measure.items(), key=lambda item: item[0] or "")
        if of[0]["day"] < of[-1]["day"]
    ]


def _photo(paper: Mapping[str, Any]) -> Photo:
    title = Label(paper["title_zh"], paper["title_en"] or paper["title_zh"])
    return Photo(paper["code"], paper["day"], title, paper["media_type"])


def _of_monitoring(papers: Sequence[Mapping[str, Any]]) -> list[IndicatorEffect]:
    """What monitoring of the project told first and last of each quantity, in its unit."""
    told: dict[tuple[str, str | None], list[tuple[str, Decimal]]] = {}
    for paper in papers:
        if paper["quantity"] is not None and paper["value"] is not None:
            value, unit = figure_in(Decimal(paper["value"]), paper["unit"], paper["counted_in"])
            told.setdefault((paper["quantity"], unit), []).append((paper["day"], value))
    return [
        IndicatorEffect(quantity, Label(quantity, quantity), unit, "project", *of[0], *of[-1])
        for (quantity, unit), of in sorted(told.items(), key=lambda item: item[0][0])
        if of[0][0] < of[-1][0]
    ]


async def _of_region(
    session: AsyncSession, project: ProjectSeen, first_year: int
) -> list[IndicatorEffect]:
    """Indicators the project's measures serve: the last value before its first year, the newest."""
    known = (await session.execute(_INDICATORS, {"id": project.id})).all()
    values: dict[int, list[tuple[int, Decimal]]] = {}
    asked = {"indicators": [row[0] for row in known], "region": project.region_id}
    for indicator, year, value in await session.execute(_VALUES, asked):
        values.setdefault(indicator, []).append((year, value))
    found = []
    for row_id, code, zh, en, unit in known:
        before = [one for one in values.get(row_id, ()) if one[0] < first_year]
        since = [one for one in values.get(row_id, ()) if one[0] >= first_year]
        if before and since:
            (then, former), (now, latter) = before[-1], since[-1]
            found.append(
                IndicatorEffect(
                    code, Label(zh, en), unit, "region", str(then), former, str(now), latter
                )
            )
    return found

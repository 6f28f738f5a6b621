"""The task of the effect of a project: its perimeter, other projects, rasters of several times."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import orjson
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.data_sources import DATASETS
from shanhai.db.collections.projects import PROJECTS
from shanhai.db.features.selection import viewer_values, visibility
from shanhai.db.identity import EVERYTHING, Identity, Viewer
from shanhai.db.projects.queries import find_project
from shanhai.db.queries.jobs import RegionRow, places_of
from shanhai.db.tables.dataset import Dataset
from shanhai.errors import Fault, InvalidInput, NotFound
from shanhai.processes.evaluate_effect import contract
from shanhai.processes.kit.lookups import describe_dataset, find_usable_region, refuse
from shanhai.processes.kit.resolution import Resolution, check_grid, keep_rights
from shanhai.processes.kit.task import DatasetTask, Task

MOST_TIMES = 24
"""Times of a theme that are compared; the newest where there are more."""
MOST_OTHERS = 500
_NEARBY_DEG = 0.3
POINTER = "/inputs/project"


async def resolve(
    session: AsyncSession, inputs: contract.EvaluateEffectInputs, *, requested_by: str
) -> Task:
    """The project as it was named; all is looked up with the rights of the caller."""
    return contract.EvaluateEffectTask(
        process=contract.EVALUATE_EFFECT.id, inputs=inputs.model_dump(mode="json")
    )


async def complete(session: AsyncSession, task: Task, identity: Identity | None) -> Task:
    """The task with the perimeter and the rasters.

    Raises:
        InvalidInput: there is no such project, it has no area, or no rasters of two times.
    """
    inputs = contract.EvaluateEffectInputs.model_validate(task.inputs)
    viewer = EVERYTHING if identity is None else identity.viewer
    try:
        project = await find_project(session, inputs.project, viewer)
    except NotFound as error:
        raise InvalidInput(error.message, message_zh=error.message_zh, pointer=POINTER) from error
    subject, region_code = await _subject(session, project.id)
    row, region = await find_usable_region(session, region_code)
    check_grid(subject.geometry, epsg=region.epsg, cell_m=inputs.cell_m)
    datasets: dict[str, DatasetTask] = {}
    layers: list[contract.EffectLayer] = []
    missing: list[contract.EffectTheme] = []
    for theme in dict.fromkeys(inputs.themes):
        found = await _seen_of(session, row, theme, viewer, subject.first_year)
        if not found:
            missing.append(theme)
            continue
        layers += [layer for layer, _ in found]
        datasets |= {layer.dataset: describe_dataset(dataset) for layer, dataset in found}
    if not layers:
        refuse([_no_times(theme, subject.first_year) for theme in missing])
    subject.others = await _others(session, project.id, viewer)
    subject.layers, subject.missing = layers, missing
    return task.model_copy(
        update={
            "effect": subject,
            "datasets": datasets,
            "region": region.model_copy(update={"districts": []}),
        }
    )


def _no_times(theme: str, first_year: int) -> Fault:
    return Fault(
        "/inputs/themes",
        f"{theme}: a raster observed before {first_year} and one observed since are needed",
        f"{theme}：须有 {first_year} 年之前和之后各一期栅格",
    )


async def _subject(session: AsyncSession, project_id: int) -> tuple[contract.EffectSubject, str]:
    query = text(
        "SELECT pj.code, pj.name_zh, pj.name_en, pj.start_year, pj.end_year, r.code,"
        " ST_Dimension(pj.geom), ST_AsGeoJSON(pj.geom, 9, 0)"
        " FROM project pj JOIN region r ON r.id = pj.region_id WHERE pj.id = :id"
    )
    code, zh, en, first, last, region, dimension, geometry = (
        await session.execute(query, {"id": project_id})
    ).one()
    if dimension != 2:
        raise InvalidInput(
            f"the project {code!r} has no area, so there is no inside to compare",
            message_zh=f"项目 {code!r} 没有面状范围，无法对比",
            pointer=POINTER,
        )
    subject = contract.EffectSubject(
        code=code,
        name_zh=zh,
        name_en=en,
        first_year=first,
        last_year=last,
        geometry=orjson.loads(geometry),
    )
    return subject, region


async def _others(session: AsyncSession, project_id: int, viewer: Viewer) -> list[dict[str, Any]]:
    met = (PROJECTS.live, PROJECTS.current, *visibility(PROJECTS, viewer))
    query = text(
        "SELECT ST_AsGeoJSON(pj.geom, 9, 0)"  # noqa: S608 - constants
        f" FROM {PROJECTS.source} JOIN project own ON own.id = :id WHERE {' AND '.join(met)}"
        " AND pj.id <> own.id AND ST_Dimension(pj.geom) = 2"
        " AND pj.state NOT IN ('rejected', 'cancelled')"
        " AND pj.geom && ST_Expand(own.geom, :nearby) ORDER BY pj.geom <-> own.geom, pj.id"
        " LIMIT :most"
    )
    values = {"id": project_id, "nearby": _NEARBY_DEG, "most": MOST_OTHERS}
    rows = await session.scalars(query, {**values, **viewer_values(viewer)})
    return [orjson.loads(row) for row in rows]


Seen = Sequence[tuple[contract.EffectLayer, Dataset]]
"""Times of a theme with their rasters, in order."""


async def _seen_of(
    session: AsyncSession,
    region: RegionRow,
    theme: contract.EffectTheme,
    viewer: Viewer,
    first_year: int,
) -> Seen:
    """Times before a year and since: years of a series if it has both, else rasters of a time.

    The two are never mixed: a yearly composite and a picture of a day differ by their method.
    """
    if theme in contract.SERIES:
        series = await _rasters(session, region, contract.SERIES[theme], viewer)
        # The newest series that reaches over the beginning of the project.
        for _, dataset in reversed(series):
            years = _years_of(theme, dataset)
            if _is_before_and_since(years, first_year):
                return years
    rasters = await _rasters(session, region, theme, viewer)
    times = [
        (contract.EffectLayer(theme=theme, dataset=f"{theme}.{day}", on=day), dataset)
        for day, dataset in rasters
    ]
    return times if _is_before_and_since(times, first_year) else ()


def _is_before_and_since(seen: Seen, first_year: int) -> bool:
    years = [layer.on.year for layer, _ in seen]
    return bool(years) and min(years) < first_year <= max(years)


def _years_of(theme: contract.EffectTheme, dataset: Dataset) -> Seen:
    """The years of a series; none where its bands are not those of the years it was observed in."""
    first, last = dataset.observed_from, dataset.observed_to
    bands = dataset.grid.get("bands")
    if first is None or last is None or bands != last.year - first.year + 1:
        return ()
    return [
        (
            contract.EffectLayer(
                theme=theme,
                dataset=f"{theme}.{dataset.code}",
                on=date(first.year + band - 1, 12, 31),
                band=band,
            ),
            dataset,
        )
        for band in range(1, bands + 1)
    ][-MOST_TIMES:]


async def _rasters(
    session: AsyncSession, region: RegionRow, theme: str, viewer: Viewer
) -> Sequence[tuple[date, Dataset]]:
    """The newest rasters of a theme, one for the last day it was observed on, in order.

    Of two of a day the region's own is taken, then the newer.
    """
    met = (DATASETS.live, DATASETS.current, *visibility(DATASETS, viewer))
    day = "coalesce(d.observed_to, d.observed_from)"
    query = text(
        f"SELECT DISTINCT ON ({day}) d.id, {day}"  # noqa: S608 - constants
        f" FROM {DATASETS.source} WHERE {' AND '.join(met)} AND d.theme = :theme"
        " AND d.region_id = ANY(:regions) AND d.kind = 'raster' AND d.origin = 'imported'"
        f" AND {day} IS NOT NULL"
        f" ORDER BY {day} DESC, (d.region_id = :own) DESC, d.created_at DESC, d.id DESC LIMIT :most"
    )
    values = {"theme": theme, "regions": list(places_of(region)), "own": region.id}
    asked = {**values, "most": MOST_TIMES, **viewer_values(viewer)}
    rows = list(reversed((await session.execute(query, asked)).all()))
    known = await session.scalars(select(Dataset).where(Dataset.id.in_([row[0] for row in rows])))
    by_id = {dataset.id: dataset for dataset in known}
    return [(day, by_id[row_id]) for row_id, day in rows]


RESOLUTION = Resolution(contract.EVALUATE_EFFECT, resolve, keep_rights, complete)

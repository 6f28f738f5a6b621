"""The rasters and shapes that indicators are computed from."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import orjson
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.controls import CONTROL_AREAS
from shanhai.db.features.columns import source_of
from shanhai.db.features.selection import Selection, bound_values, conditions
from shanhai.db.identity import Viewer
from shanhai.db.queries.jobs import COORDINATE_DIGITS, RegionRow, places_of
from shanhai.db.tables.dataset import Dataset
from shanhai.errors import Fault
from shanhai.processes.evaluate_indicators.computations import Computation
from shanhai.processes.evaluate_indicators.contract import EvaluateIndicatorsInputs
from shanhai.processes.evaluate_indicators.task import ShapeTask
from shanhai.processes.kit.control_areas import MOST_VERTICES, checksum_of
from shanhai.processes.kit.lookups import describe_dataset
from shanhai.processes.kit.task import DatasetTask

LAND_COVER, TRAVEL_TIME = "land_cover", "travel_time"


async def find_yearly_rasters(
    session: AsyncSession,
    region: RegionRow,
    inputs: EvaluateIndicatorsInputs,
    reads: Collection[str],
) -> tuple[dict[str, DatasetTask], list[Fault]]:
    """Datasets as `theme.year`: those named, else of land cover the newest observed in the year.

    Returns:
        The datasets, and a fault for every named one that does not fit.
    """
    themes = {LAND_COVER, TRAVEL_TIME} if TRAVEL_TIME in reads else {LAND_COVER} & set(reads)
    if not themes:
        return {}, []
    rows = await session.scalars(
        select(Dataset)
        .where(
            Dataset.theme.in_(themes),
            Dataset.region_id.in_(places_of(region)),
            Dataset.deleted_at.is_(None),
        )
        .order_by(
            (Dataset.region_id == region.id).desc(), Dataset.created_at.desc(), Dataset.id.desc()
        )
    )
    own: dict[str, list[Dataset]] = {theme: [] for theme in themes}
    for row in rows:
        own[row.theme].append(row)
    found: dict[str, DatasetTask] = {}
    faults: list[Fault] = []
    for theme in sorted(themes):
        named = getattr(inputs.datasets, theme)
        faults += _misfits(theme, named, own[theme], inputs.years, region)
        for year in inputs.years:
            chosen = _of_year(own[theme], named.get(str(year)), year, theme)
            if chosen is not None:
                found[f"{theme}.{year}"] = describe_dataset(chosen)
    return found, faults


def _of_year(rows: Iterable[Dataset], named: str | None, year: int, theme: str) -> Dataset | None:
    if named is not None:
        return next((row for row in rows if row.code == named), None)
    # Times of travel lead to anything; that they lead to parks has to be said.
    if theme == TRAVEL_TIME:
        return None
    return next((row for row in rows if _observed_in(row, year)), None)


def _observed_in(row: Dataset, year: int) -> bool:
    first, last = row.observed_from or row.observed_to, row.observed_to or row.observed_from
    return first is not None and last is not None and first.year <= year <= last.year


def _misfits(
    theme: str,
    named: Mapping[str, str],
    rows: Sequence[Dataset],
    years: Sequence[int],
    region: RegionRow,
) -> list[Fault]:
    known = {row.code for row in rows}
    faults = [
        Fault(
            f"/inputs/datasets/{theme}/{year}",
            f"region {region.code!r} has no dataset {code!r} of theme {theme}",
            f"区域 {region.code!r} 没有专题为 {theme} 的数据集 {code!r}",
        )
        for year, code in named.items()
        if code not in known
    ]
    faults += [
        Fault(
            f"/inputs/datasets/{theme}/{year}",
            f"{year} is not among the years",
            f"{year} 不在计算年份中",
        )
        for year in named
        if int(year) not in years
    ]
    return faults


# Constants of the declarations; callers' values are bound. One without a shape counts in the
# region it is of, and in those above.
_FOUND = """
WITH RECURSIVE place (id) AS (
  SELECT CAST(:region AS bigint)
  UNION
  SELECT region.id FROM region JOIN place ON region.parent_id = place.id
)
SELECT ca.kind, ca.code, ca.row_version AS version, ca.class_code, ca.approved_area_km2,
       ST_NPoints({geometry}) AS vertices, {shape} AS geometry
  FROM {source}
 WHERE {conditions}
   AND ca.kind = ANY(CAST(:kinds AS text[]))
   AND CASE WHEN {geometry} IS NULL THEN ca.region_id IN (SELECT id FROM place)
            ELSE ST_Intersects({geometry}, (SELECT geom FROM region WHERE id = :region)) END
 ORDER BY ca.kind, ca.code
"""


async def find_shapes(
    session: AsyncSession,
    region: RegionRow,
    years: Sequence[int],
    chosen: Mapping[str, Computation | None],
    viewer: Viewer,
    today: date,
) -> tuple[list[ShapeTask], list[str]]:
    """The control areas the computations read, each with the years at whose end it was in force.

    Of the present year it is today that counts.

    Returns:
        The areas, and the kinds with too many vertices to be carried.
    """
    kinds = sorted({kind for one in chosen.values() if one is not None for kind in one.kinds})
    if not kinds:
        return [], []
    found: dict[str, ShapeTask] = {}
    left_out: set[str] = set()
    for year in years:
        selection = Selection(viewer, as_of=min(date(year, 12, 31), today))
        values = {**bound_values(selection), "region": region.id}
        counted = Counter[str]()
        for row in await session.execute(_statement(selection, "NULL"), {**values, "kinds": kinds}):
            counted[row.kind] += row.vertices or 0
        left_out |= {kind for kind, count in counted.items() if count > MOST_VERTICES}
        kept = [kind for kind in kinds if kind not in left_out]
        shape = f"ST_AsGeoJSON({CONTROL_AREAS.geometry}, {COORDINATE_DIGITS}, 0)"
        for row in await session.execute(_statement(selection, shape), {**values, "kinds": kept}):
            # By all it says: a state may have followed another without a new version.
            one = _shape(row)
            found.setdefault(one.model_dump_json(exclude={"geometry"}), one).years.append(year)
    # A kind is either told for every year or for none.
    return [one for one in found.values() if one.kind not in left_out], sorted(left_out)


def _statement(selection: Selection, shape: str) -> Any:
    met = (*conditions(CONTROL_AREAS, selection), CONTROL_AREAS.published)
    return text(
        _FOUND.format(
            geometry=CONTROL_AREAS.geometry,
            shape=shape,
            source=source_of(CONTROL_AREAS, former=True),
            conditions=" AND ".join(f"({one})" for one in met),
        )
    )


def _shape(row: Any) -> ShapeTask:
    geometry = None if row.geometry is None else orjson.loads(row.geometry)
    return ShapeTask(
        kind=row.kind,
        code=row.code,
        version=row.version,
        class_code=row.class_code,
        approved_area_km2=row.approved_area_km2,
        checksum=None if geometry is None else checksum_of(geometry),
        geometry=geometry,
        years=[],
    )

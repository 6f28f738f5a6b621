"""The control areas indicators are computed from, as they were in force at the end of each year."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.control_areas import CONTROL_AREAS
from shanhai.db.features.selection import Selection, bound_values, conditions
from shanhai.db.features.tables import source_of
from shanhai.db.identity import Viewer
from shanhai.db.queries.job_inputs import COORDINATE_DIGITS, RegionRow
from shanhai.processes.evaluate_indicators.computations import Computation
from shanhai.processes.evaluate_indicators.task import ShapeTask
from shanhai.processes.kit.control_areas import MOST_VERTICES, checksum_of

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

"""What of a geometry lies outside all lines of a kind, where there are such lines.

A line bounds the region it was drawn for. Where none was drawn, nothing is known to lie outside.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import lru_cache

import shapely
from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.base import STORAGE_SRID
from shanhai.db.compliance.cutting import LEAST_M, LEAST_M2, Given
from shanhai.db.compliance.overlaps import box_values, in_force
from shanhai.db.compliance.result import Measure, Place, TouchedLine
from shanhai.db.features.control_areas import CONTROL_AREAS
from shanhai.db.features.history import source_of
from shanhai.db.features.selection import Selection, bound_values, conditions
from shanhai.db.identity import Viewer
from shanhai.vocabulary import CONTROL_KINDS, Label

ROUNDING = 1e-9
"""Of a size: what the sum of parts may differ from the whole."""
NAMES = {
    term.code: Label(f"{term.label.zh}以外", f"Outside: {term.label.en}") for term in CONTROL_KINDS
}
# The region a place lies in is found by one point of the geometry; the whole of it is compared with
# its neighbours only. Of a region's lines one will do, the first of those the index has together.
DRAWN = """
WITH RECURSIVE above AS (
  SELECT id, parent_id FROM region WHERE id = ANY(CAST(:named AS bigint[]))
  UNION SELECT u.id, u.parent_id FROM region u JOIN above ON u.id = above.parent_id
), near AS (
  SELECT id, NULL::geometry AS geom, true AS named FROM above
  UNION ALL
  SELECT id, geom, false FROM region
   WHERE deleted_at IS NULL AND geom && ST_MakeEnvelope(:west, :south, :east, :north, {srid})
)
SELECT bounding.kind, array_agg(DISTINCT near.id) AS regions
  FROM near CROSS JOIN unnest(CAST(:bounding AS text[])) AS bounding (kind)
       CROSS JOIN LATERAL (SELECT FROM {source}
                            WHERE {conditions} AND ca.region_id = near.id
                              AND ca.kind = bounding.kind
                            {order} LIMIT 1) drawn
 WHERE near.named
    OR ST_Intersects(near.geom, ST_GeomFromWKB(CAST(:inner_point AS bytea), {srid}))
    OR ST_Intersects(near.geom, ST_GeomFromWKB(CAST(:shape AS bytea), {srid}))
 GROUP BY bounding.kind
"""


async def read_drawn(
    session: AsyncSession,
    viewer: Viewer,
    given: Given,
    kinds: Collection[str],
    regions: Collection[int],
    *,
    as_of: date | None,
) -> Mapping[str, frozenset[int]]:
    """Those of some kinds of which lines were drawn where the geometry lies, and for which regions.

    Args:
        regions: The ids of regions the geometry is said to lie in, whatever their shape.
    """
    if not kinds:
        return {}
    selection = Selection(viewer, as_of=as_of)
    statement = drawn_statement(conditions(CONTROL_AREAS, selection), as_of is not None)
    values = drawn_values(given, kinds, regions)
    rows = await session.execute(statement, {**bound_values(selection), **values})
    return {row.kind: frozenset(row.regions) for row in rows}


def drawn_values(
    given: Given, kinds: Collection[str], regions: Collection[int]
) -> dict[str, object]:
    """The values of the binds of `drawn_statement`, beside those of a selection."""
    return {
        **box_values(given),
        "bounding": sorted(kinds),
        "named": sorted(regions),
        "shape": given.wkb,
        "inner_point": shapely.point_on_surface(given.shape).wkb,
    }


@lru_cache(maxsize=64)
def drawn_statement(met: tuple[str, ...], former: bool) -> TextClause:
    """The statement over the lines of regions that meet the geometry."""
    # Constants of the declarations; callers' values are bound.
    return text(
        DRAWN.format(
            srid=STORAGE_SRID,
            source=source_of(CONTROL_AREAS, former=former),
            # The order of the index; former states have no such index, and any of them will do.
            order="" if former else "ORDER BY ca.valid_from",
            conditions=" AND ".join(f"({one})" for one in (*met, *in_force(former=former))),
        )
    )


def places_outside(
    given: Given, lines: Sequence[TouchedLine], kinds: Collection[str]
) -> list[Place]:
    """The places outside the lines of kinds of which there are lines around the geometry."""
    sizes = {kind: size_outside(given, lines, kind) for kind in sorted(kinds)}
    return [
        Place("outside_control_area", kind, NAMES[kind], measure=size, share=_share(size, given))
        for kind, size in sizes.items()
        if size is not None
    ]


def size_outside(given: Given, lines: Sequence[TouchedLine], kind: str) -> Measure | None:
    """How much of a geometry lies outside all lines of a kind; None where nothing does.

    A point lies outside where it lies in none of them.
    """
    touched = [line.measure for line in lines if line.kind == kind]
    whole = given.measure
    if whole.area_m2 is not None:
        left = whole.area_m2 - sum(one.area_m2 or 0 for one in touched)
        least = max(LEAST_M2, ROUNDING * whole.area_m2)
        return replace(whole, area_m2=left) if left > least else None
    if whole.length_m is not None:
        left = whole.length_m - sum(one.length_m or 0 for one in touched)
        least = max(LEAST_M, ROUNDING * whole.length_m)
        return replace(whole, length_m=left) if left > least else None
    return None if touched else whole


def _share(size: Measure, given: Given) -> float | None:
    return 1.0 if size == Measure() else size.share_of(given.measure)

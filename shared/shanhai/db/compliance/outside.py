"""What of a geometry lies outside all lines of a kind, where there are such lines.

A line bounds the region it was drawn for. Where none was drawn, or not all of it, nothing is known
to lie outside.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import lru_cache

from sqlalchemy import TextClause, text

from shanhai.db.compliance.cutting import LEAST_M, LEAST_M2, Given
from shanhai.db.compliance.overlaps import in_force
from shanhai.db.compliance.result import Measure, Place, TouchedLine
from shanhai.db.features.control_areas import CONTROL_AREAS
from shanhai.db.features.history import source_of
from shanhai.db.features.selection import Selection, bound_values, conditions
from shanhai.db.identity import Viewer
from shanhai.db.quick import Asked
from shanhai.vocabulary import CONTROL_KINDS, Label

ROUNDING = 1e-9
"""Of a size: what the sum of parts may differ from the whole."""
NAMES = {
    term.code: Label(f"{term.label.zh}以外", f"Outside: {term.label.en}") for term in CONTROL_KINDS
}
# Of a region's lines one will do, the first of those the index has together.
DRAWN = """
SELECT bounding.kind, array_agg(near.id) AS regions
  FROM unnest(CAST(:regions AS bigint[])) AS near (id)
       CROSS JOIN unnest(CAST(:bounding AS text[])) AS bounding (kind)
       CROSS JOIN LATERAL (SELECT FROM {source}
                            WHERE {conditions} AND ca.region_id = near.id
                              AND ca.kind = bounding.kind AND ca.geom IS NOT NULL
                            {order} LIMIT 1) drawn
 GROUP BY bounding.kind
"""


async def read_drawn(
    session: Asked,
    viewer: Viewer,
    kinds: Collection[str],
    regions: Collection[int],
    *,
    as_of: date | None,
) -> Mapping[str, frozenset[int]]:
    """Those of some kinds of which lines were drawn for some regions, and for which."""
    if not kinds or not regions:
        return {}
    selection = Selection(viewer, as_of=as_of)
    statement = drawn_statement(conditions(CONTROL_AREAS, selection), as_of is not None)
    values = {"bounding": sorted(kinds), "regions": sorted(regions)}
    rows = (await session.execute(statement, {**bound_values(selection), **values})).all()
    return {row.kind: frozenset(row.regions) for row in rows}


@lru_cache(maxsize=64)
def drawn_statement(met: tuple[str, ...], former: bool) -> TextClause:
    """The statement that asks whether there are drawn lines of kinds in regions."""
    # Constants of the declarations; callers' values are bound.
    return text(
        DRAWN.format(
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

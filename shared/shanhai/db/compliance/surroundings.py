"""What is registered around a place: regions, lines without a shape, and zonings.

A line whose approved area is 0 says that there is none.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from typing import Any

import shapely
from sqlalchemy import TextClause, text

from shanhai.db.base import STORAGE_SRID
from shanhai.db.collections.controls import CONTROL_AREAS
from shanhai.db.collections.regions import REGIONS
from shanhai.db.collections.zones import ZONE_SCHEMES
from shanhai.db.compliance.intersections import Given, part_left
from shanhai.db.compliance.overlaps import box_values, in_force, read_drawn
from shanhai.db.engine import Executor
from shanhai.db.features.columns import source_of
from shanhai.db.features.selection import Selection, bound_values, conditions
from shanhai.db.fence import PLATFORM, bound_to
from shanhai.db.identity import Viewer
from shanhai.errors import Fault, InvalidInput
from shanhai.vocabulary import Label

TOLERATED_SHARE = 1e-3
"""What of a geometry may lie beyond a border that was drawn twice."""
MOST_NAMED = 3
# The region a place lies in is found by one point of the geometry; the whole of it is compared with
# its neighbours only. A region nobody drew may hold the place where one above it does.
AROUND = text(
    f"""
WITH RECURSIVE given AS MATERIALIZED (
  SELECT ST_GeomFromWKB(CAST(:shape AS bytea), {STORAGE_SRID}) AS shape,
         ST_GeomFromWKB(CAST(:inner_point AS bytea), {STORAGE_SRID}) AS point
), met AS MATERIALIZED (
  SELECT r.id, r.geom, ST_Covers(r.geom, given.shape) AS covers
    FROM region r, given
   WHERE r.deleted_at IS NULL AND {REGIONS.current}
     AND r.geom && ST_MakeEnvelope(:west, :south, :east, :north, {STORAGE_SRID})
     AND (ST_Intersects(r.geom, given.point) OR ST_Intersects(r.geom, given.shape))
), here AS MATERIALIZED (
  SELECT met.id, met.covers,
         CASE WHEN NOT met.covers
              THEN ST_AsBinary(ST_Intersection(met.geom, given.shape), 'NDR') END AS part
    FROM met, given
), above AS (
  SELECT id, parent_id FROM region
   WHERE id = ANY(CAST(:named AS bigint[])) OR id IN (SELECT id FROM here)
  UNION SELECT u.id, u.parent_id FROM region u JOIN above ON u.id = above.parent_id
), undrawn AS (
  SELECT id FROM above
  UNION SELECT d.id FROM region d JOIN undrawn ON d.parent_id = undrawn.id
   WHERE d.geom IS NULL AND d.deleted_at IS NULL
)
SELECT r.id, r.code, r.name_zh, r.name_en, r.parent_id, r.geom IS NOT NULL AS drawn,
       here.id IS NOT NULL AS touched, here.covers, here.part
  FROM region r LEFT JOIN here ON here.id = r.id
 WHERE r.id IN (SELECT id FROM undrawn)
"""  # noqa: S608 - constants
)
NEAREST = text(
    f"""
SELECT r.code, r.name_zh, r.name_en,
       ST_Distance(r.geom::geography,
                   ST_GeomFromWKB(CAST(:shape AS bytea), {STORAGE_SRID})::geography) / 1e3 AS km
  FROM region r
 WHERE r.deleted_at IS NULL AND r.geom IS NOT NULL AND {REGIONS.current}
 ORDER BY r.geom <-> ST_GeomFromWKB(CAST(:shape AS bytea), {STORAGE_SRID}), r.code
 LIMIT :most
"""  # noqa: S608 - constants
)

HOLDERS = text(
    """SELECT DISTINCT ca.region_id FROM control_area ca JOIN region r ON r.id = ca.region_id
        WHERE ca.deleted_at IS NULL AND ca.status = 'published' AND r.deleted_at IS NULL"""
)


@dataclass(frozen=True, slots=True)
class SurroundingRegion:
    """A region around a place.

    Attributes:
        around: The place lies in it, or is said to; otherwise it may, since nobody drew it.
        part: What of the geometry lies in it, where that is not the whole.
    """

    id: int
    code: str
    name: Label
    parent_id: int | None
    drawn: bool
    touched: bool
    around: bool
    covers: bool
    part: Any


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """The regions around a geometry, and those of them it is said to lie in without a shape.

    Attributes:
        placed: Whether anything tells that it lies in them.
    """

    given: Given
    regions: Mapping[int, SurroundingRegion]
    asserted: frozenset[int]
    placed: bool = True

    @property
    def around(self) -> frozenset[int]:
        """The ids of the regions it lies in, and of all above them."""
        return frozenset(one.id for one in self.regions.values() if one.around)

    @property
    def lowest(self) -> frozenset[int]:
        """The ids of the regions it lies in or is said to lie in."""
        touched = {one.id for one in self.regions.values() if one.touched}
        return frozenset(touched) | self.asserted

    def chain(self, region_id: int) -> Iterable[int]:
        """The id of a region, and of those above it."""
        here = self.regions.get(region_id)
        while here is not None:
            yield here.id
            here = None if here.parent_id is None else self.regions.get(here.parent_id)

    def beyond(self, regions: Collection[int]) -> float:
        """The share of the geometry that lies in none of some of the lowest regions."""
        if self.asserted - set(regions):
            return 1.0
        left = self._left(regions)
        if self.asserted:
            # What lies in no region that is drawn lies in those it is said to lie in.
            left -= self._left(self.lowest)
        return left if left > TOLERATED_SHARE else 0.0

    def _left(self, regions: Collection[int]) -> float:
        held = [one for one in self.regions.values() if one.touched and one.id in regions]
        if any(one.covers for one in held):
            return 0.0
        return part_left(self.given, [one.part for one in held])

    def without(self, known: Collection[int]) -> list[SurroundingRegion]:
        """Those of the lowest regions that lie in none of some, the widest only.

        A region is passed over where a known one lies in it, unless nothing else is left.
        """
        held = {one: set(self.chain(one)) for one in self.lowest}
        lacking = {one for one, above in held.items() if not above & set(known)}
        holding = set().union(*(above for one, above in held.items() if one not in lacking), set())
        named = (lacking - holding) or lacking
        widest = [one for one in named if not (held[one] - {one}) & named]
        return sorted((self.regions[one] for one in widest), key=lambda one: one.code)


async def read_around(session: Executor, given: Given, named: Collection[int] = ()) -> Whereabouts:
    """The regions a geometry lies in, and all above them.

    Args:
        named: The ids of regions it is said to lie in; those nobody drew are believed.
    """
    values = {
        **box_values(given),
        "named": sorted(named),
        "shape": given.wkb,
        "inner_point": shapely.point_on_surface(given.shape).wkb,
    }
    rows = (await session.execute(AROUND, values)).all()
    found = [_known(row, given) for row in rows]
    asserted = frozenset(one.id for one in found if one.id in named and not one.drawn)
    every = Whereabouts(given, {one.id: one for one in found}, asserted)
    # What is above a neighbour that is only touched is not around, nor is what lies below it.
    reached = {above for one in {*every.lowest, *named} for above in every.chain(one)}
    kept = {
        one.id: replace(one, around=one.id in reached)
        for one in found
        if reached.intersection(every.chain(one.id))
    }
    return Whereabouts(given, kept, asserted)


def _known(row: Any, given: Given) -> SurroundingRegion:
    part = None if row.part is None else shapely.from_wkb(bytes(row.part))
    touches = part is not None and int(shapely.get_dimensions(part)) < given.dimension
    return SurroundingRegion(
        row.id,
        row.code,
        Label(row.name_zh, row.name_en),
        row.parent_id,
        row.drawn,
        touched=row.touched and not touches,
        around=False,
        covers=bool(row.covers),
        part=part,
    )


async def nearest(session: Executor, given: Given) -> Label | None:
    """The regions nearest to a geometry, in words; None where none is drawn."""
    rows = (await session.execute(NEAREST, {"shape": given.wkb, "most": MOST_NAMED})).all()
    if not rows:
        return None
    named = [
        (
            f"{row.name_zh}（{row.code}）{row.km:,.0f} km",
            f"{row.name_en} ({row.code}), {row.km:,.0f} km",
        )
        for row in rows
    ]
    zh, en = ("、".join(one[0] for one in named), "; ".join(one[1] for one in named))
    return Label(f"最近的区域：{zh}", f"the nearest are {en}")


async def demand_known(session: Executor, around: Whereabouts) -> Whereabouts:
    """Refuse a place outside every region that is known.

    While no region has a shape, each that holds lines may hold the place.

    Raises:
        InvalidInput: it lies in none, and in none it is said to lie in.
    """
    if around.lowest:
        return around
    near = await nearest(session, around.given)
    if near is None:
        # That a region keeps lines is no secret, whoever may see them.
        with bound_to(PLATFORM):
            holders = [row.region_id for row in (await session.execute(HOLDERS, {})).all()]
        return replace(await read_around(session, around.given, holders), placed=False)
    en = (
        f"the geometry lies in no known region; {near.en}. A region without shape is named by"
        " `region`"
    )
    zh = f"该几何不在任何已知区域内；{near.zh}。尚无图形的区域请以 region 指明"
    fault = Fault("/inputs/geometry", en, zh)
    raise InvalidInput(en, message_zh=zh, faults=[fault])


STATED = """
SELECT ca.region_id, ca.kind, ca.code, ca.approved_area_km2, ca.geom IS NULL AS undrawn
  FROM {source}
 WHERE {conditions} AND ca.region_id = ANY(CAST(:regions AS bigint[]))
   AND ca.kind = ANY(CAST(:kinds AS text[]))
   AND (ca.approved_area_km2 IS NOT NULL OR ca.geom IS NULL)
 ORDER BY ca.code
"""
# Lines of a region and of those in it may draw the same land, so the levels are not added up.
SIZES = """
WITH RECURSIVE below AS (
  SELECT id AS root, id, 0 AS depth FROM region WHERE id = ANY(CAST(:regions AS bigint[]))
  UNION ALL SELECT below.root, d.id, below.depth + 1
    FROM region d JOIN below ON d.parent_id = below.id
   WHERE d.deleted_at IS NULL AND below.depth < {deepest}
), level AS (
  SELECT below.root, ca.kind, below.depth, sum(ca.area_m2) / 1e6 AS km2
    FROM {source} JOIN below ON below.id = ca.region_id
   WHERE {conditions} AND ca.geom IS NOT NULL AND ca.kind = ANY(CAST(:kinds AS text[]))
   GROUP BY below.root, ca.kind, below.depth
)
SELECT root, kind, max(km2) AS km2 FROM level GROUP BY root, kind
"""
DEEPEST = 12
# Constants of the declarations; callers' values are bound.
SCHEMES = """
SELECT s.code, s.name_zh, s.name_en, s.kind, s.region_id, r.code AS region,
       EXISTS (SELECT FROM zone z WHERE z.scheme_id = s.id AND z.deleted_at IS NULL
                AND z.geom IS NULL) AS undrawn
  FROM {source}
 WHERE {conditions} AND s.region_id = ANY(CAST(:regions AS bigint[]))
 ORDER BY s.code
"""


@dataclass(frozen=True, slots=True)
class StatedArea:
    """What is stated of a kind of line in a region: areas without shape, and what was approved."""

    undrawn: tuple[str, ...]
    unstated: bool
    approved_km2: float


@dataclass(frozen=True, slots=True)
class StatedLines:
    """What there is of kinds of lines in regions, by region and kind.

    Attributes:
        drawn: The regions for which lines were drawn, by kind.
    """

    figures: Mapping[tuple[int, str], StatedArea]
    drawn: Mapping[str, frozenset[int]]


async def read_registered(
    session: Executor,
    viewer: Viewer,
    kinds: Collection[str],
    regions: Collection[int],
    *,
    as_of: date | None,
) -> StatedLines:
    """What there is of kinds of lines in regions."""
    figures = await read_figures(session, viewer, kinds, regions, as_of=as_of)
    return StatedLines(figures, await read_drawn(session, viewer, kinds, regions, as_of=as_of))


async def read_figures(
    session: Executor,
    viewer: Viewer,
    kinds: Collection[str],
    regions: Collection[int],
    *,
    as_of: date | None,
) -> Mapping[tuple[int, str], StatedArea]:
    """What is stated of kinds of lines in regions."""
    selection = Selection(viewer, as_of=as_of)
    statement = over_lines(STATED, conditions(CONTROL_AREAS, selection), as_of is not None)
    values = {**bound_values(selection), "kinds": sorted(kinds), "regions": sorted(regions)}
    found: dict[tuple[int, str], StatedArea] = {}
    for row in (await session.execute(statement, values)).all():
        known = found.get(
            (row.region_id, row.kind), StatedArea((), unstated=False, approved_km2=0.0)
        )
        approved = row.approved_area_km2
        lacking = row.undrawn and (approved is None or approved > 0)
        found[row.region_id, row.kind] = StatedArea(
            (*known.undrawn, row.code) if lacking else known.undrawn,
            known.unstated or (row.undrawn and approved is None),
            known.approved_km2 + float(approved or 0),
        )
    return found


async def read_sizes(
    session: Executor,
    viewer: Viewer,
    places: Collection[tuple[int, str]],
    *,
    as_of: date | None,
) -> dict[tuple[int, str], float]:
    """What is drawn of kinds of lines in regions and those below them, km²."""
    if not places:
        return {}
    selection = Selection(viewer, as_of=as_of)
    statement = over_lines(SIZES, conditions(CONTROL_AREAS, selection), as_of is not None)
    values = {
        **bound_values(selection),
        "kinds": sorted({kind for _, kind in places}),
        "regions": sorted({region for region, _ in places}),
    }
    rows = (await session.execute(statement, values)).all()
    return {(row.root, row.kind): float(row.km2 or 0) for row in rows}


async def read_schemes(
    session: Executor, viewer: Viewer, regions: Collection[int], *, day: date
) -> Sequence[Any]:
    """The zonings in force in regions on a day, and whether zones of them are not drawn."""
    selection = Selection(viewer, as_of=day)
    statement = _schemes_statement(conditions(ZONE_SCHEMES, selection))
    values = {**bound_values(selection), "regions": sorted(regions)}
    return (await session.execute(statement, values)).all()


@lru_cache(maxsize=64)
def over_lines(template: str, met: tuple[str, ...], former: bool) -> TextClause:
    """A statement over the lines in force."""
    # Constants of the declarations; callers' values are bound.
    return text(
        template.format(
            source=source_of(CONTROL_AREAS, former=former),
            conditions=" AND ".join(f"({one})" for one in (*met, *in_force(former=former))),
            deepest=DEEPEST,
        )
    )


@lru_cache(maxsize=64)
def _schemes_statement(met: tuple[str, ...]) -> TextClause:
    # Constants of the declarations; callers' values are bound.
    return text(
        SCHEMES.format(
            source=ZONE_SCHEMES.source, conditions=" AND ".join(f"({one})" for one in met)
        )
    )

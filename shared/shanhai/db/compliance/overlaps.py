"""Which lines and zones a geometry lies in, and how much of it: one statement for each.

Sizes are geodesic. A part that only touches has no size and is left out. What a reader may not see
is no part of the answer: the conditions are those of `shanhai.db.features.selection`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import groupby
from typing import Any

from sqlalchemy import Row, TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.base import STORAGE_SRID
from shanhai.db.compliance.result import Measure, TouchedArea, TouchedLine, TouchedZone
from shanhai.db.features.control_areas import CONTROL_AREAS
from shanhai.db.features.entity import Entity
from shanhai.db.features.history import columns_of, source_of
from shanhai.db.features.selection import Selection, bound_values, conditions
from shanhai.db.features.zones import ZONES
from shanhai.db.identity import Viewer
from shanhai.vocabulary import Label

LEAST_M2 = LEAST_M = 0.01
"""Smaller overlaps are how two drawings of one border differ in the last digits."""

FEW_OF_A_KIND = 300
"""Areas of one kind up to which their boxes are compared pair by pair."""

# The geometry is read from its bytes once; as the answer of a subquery it still leads the search
# in the spatial index. What lies wholly inside, or around, needs no cutting and is measured
# already; only those of a kind are united whose boxes meet, unless one holds all of the geometry.
PARTS = """
WITH given AS MATERIALIZED (
  SELECT ST_GeomFromWKB(CAST(:wkb AS bytea), {srid}) AS geom
), touched AS MATERIALIZED (
  SELECT {columns}, {geometry} AS geom, {alias}.area_m2 AS own_area, {length} AS own_length,
         least(ST_Dimension({geometry}), CAST(:dimension AS integer)) AS size,
         ST_Covers({geometry}, (SELECT geom FROM given)) AS around
    FROM {source}
   WHERE {conditions}
     AND {geometry} && (SELECT geom FROM given)
     AND ST_Intersects({geometry}, (SELECT geom FROM given))
     AND (CAST(:dimension AS integer) = 2 OR ST_Dimension({geometry}) < 2
          OR NOT ST_Touches({geometry}, (SELECT geom FROM given)))
), placed AS MATERIALIZED (
  SELECT t.*, around OR ST_Covers((SELECT geom FROM given), geom) AS uncut FROM touched t
), cut AS MATERIALIZED (
  SELECT p.*, CASE WHEN around THEN (SELECT geom FROM given) WHEN uncut THEN geom
                   ELSE ST_Intersection(geom, (SELECT geom FROM given)) END AS part
    FROM placed p
), measured AS MATERIALIZED (
  SELECT c.*,
         CASE WHEN size < 2 THEN NULL WHEN around THEN CAST(:area AS double precision)
              WHEN uncut THEN own_area ELSE ST_Area(part::geography) END AS area,
         CASE WHEN size <> 1 THEN NULL WHEN around THEN CAST(:length AS double precision)
              WHEN uncut AND own_length IS NOT NULL THEN own_length
              ELSE ST_Length(part::geography) END AS length
    FROM cut c
), kept AS MATERIALIZED (
  SELECT m.*, bool_or(around) OVER same AS all_of_it, count(*) OVER same AS number
    FROM measured m
   WHERE size = 0 OR area >= {least_m2} OR length >= {least_m}
  WINDOW same AS (PARTITION BY {group}, size)
), flagged AS MATERIALIZED (
  SELECT k.*, number > 1 AND NOT all_of_it
         AND (number > {few} OR EXISTS (
              SELECT FROM kept o WHERE o.{group} = k.{group} AND o.size = k.size
                 AND o.code <> k.code AND o.part && k.part)) AS beside
    FROM kept k
), together AS MATERIALIZED (
  SELECT {group}, size, sum(area) FILTER (WHERE NOT beside) AS lone_area,
         sum(length) FILTER (WHERE NOT beside) AS lone_length,
         ST_UnaryUnion(ST_Collect(part) FILTER (WHERE beside)) AS whole
    FROM flagged WHERE number > 1 AND NOT all_of_it GROUP BY {group}, size
), summed AS MATERIALIZED (
  SELECT {group}, size,
         coalesce(lone_area, 0) + coalesce(ST_Area(whole::geography), 0) AS whole_area,
         coalesce(lone_length, 0) + coalesce(ST_Length(whole::geography), 0) AS whole_length
    FROM together
)
SELECT {names}, size, area, length, number, all_of_it, whole_area, whole_length
  FROM kept LEFT JOIN summed USING ({group}, size)
 ORDER BY {group}, size DESC, code
"""

SURVEY = text(
    """WITH given AS MATERIALIZED (SELECT ST_GeomFromWKB(CAST(:wkb AS bytea), 4490) AS geom)
       SELECT ST_Area(geom::geography) AS area, ST_Length(geom::geography) AS length,
              ST_Dimension(geom) AS dimension,
              (SELECT count(*) FROM (SELECT FROM control_area
                WHERE geom && (SELECT geom FROM given) LIMIT :most) areas)
              + (SELECT count(*) FROM (SELECT FROM zone
                  WHERE geom && (SELECT geom FROM given) LIMIT :most) zones) AS near
         FROM given"""
)
MOST_COUNTED = 2_001

AREA_COLUMNS: Mapping[str, str] = {
    **{name: f"ca.{name}" for name in ("code", "name_zh", "name_en", "kind", "class_code")},
    **{name: f"ca.{name}" for name in ("level", "region_id", "legal_basis", "delimitation")},
    **{name: f"ca.{name}" for name in ("valid_from", "valid_to")},
    "version": "ca.row_version",
    "region": "r.code",
}
ZONE_COLUMNS: Mapping[str, str] = {
    "code": "z.code",
    "scheme": "s.code",
    "version": "s.version",
    "region_id": "s.region_id",
    "class_code": "c.code",
    "name_zh": "coalesce(z.name_zh, c.name_zh)",
    "name_en": "coalesce(z.name_en, c.name_en)",
    **{name: f"c.{name}" for name in ("color", "requirement_zh", "requirement_en")},
    "of_class": "s.code || ' ' || c.code",
}


async def read_lines(
    session: AsyncSession,
    viewer: Viewer,
    wkb: bytes,
    whole: Measure,
    *,
    as_of: date | None,
    kinds: frozenset[str] | None = None,
) -> tuple[tuple[TouchedLine, ...], frozenset[int]]:
    """The control areas in force that a geometry lies in, by kind, and the ids of their regions."""
    selection = Selection(viewer, as_of=as_of)
    statement = line_statement(conditions(CONTROL_AREAS, selection), as_of is not None)
    rows = await _read(session, statement, selection, wkb, whole, kinds=_sorted(kinds))
    lines = [
        _line(kind, size, list(found), whole)
        for (kind, size), found in groupby(rows, key=lambda row: (row.kind, row.size))
    ]
    return tuple(lines), frozenset(row.region_id for row in rows)


@dataclass(frozen=True, slots=True)
class Survey:
    """The size of a geometry, and how many areas and zones meet its box, as far as counted."""

    measure: Measure
    near: int


async def survey(session: AsyncSession, wkb: bytes) -> Survey:
    """Look over a geometry before it is checked."""
    row = (await session.execute(SURVEY, {"wkb": wkb, "most": MOST_COUNTED})).one()
    area = row.area if row.dimension == 2 else None
    length = row.length if row.dimension == 1 else None
    return Survey(Measure(area, length), row.near)


async def read_zones(
    session: AsyncSession, viewer: Viewer, wkb: bytes, whole: Measure, *, day: date
) -> tuple[tuple[TouchedZone, ...], frozenset[int]]:
    """The classes of the zonings published on a day, and the ids of the regions they are of."""
    selection = Selection(viewer, as_of=day)
    statement = zone_statement(conditions(ZONES, selection))
    rows = await _read(session, statement, selection, wkb, whole)
    zones = [
        _zone(list(found), whole)
        for _, found in groupby(rows, key=lambda row: (row.of_class, row.size))
    ]
    return tuple(zones), frozenset(row.region_id for row in rows)


@lru_cache(maxsize=64)
def line_statement(met: tuple[str, ...], former: bool) -> TextClause:
    """The statement over control areas; besides what the reader may see, only what is in force."""
    own = (
        f"({CONTROL_AREAS.published})",
        "(CAST(:kinds AS text[]) IS NULL OR ca.kind = ANY(CAST(:kinds AS text[])))",
        *(() if former else ("(ca.valid_from IS NULL OR ca.valid_from <= current_date)",)),
    )
    return _statement(CONTROL_AREAS, (*met, *own), AREA_COLUMNS, "kind", former=former)


@lru_cache(maxsize=64)
def zone_statement(met: tuple[str, ...]) -> TextClause:
    """The statement over zones."""
    return _statement(ZONES, met, ZONE_COLUMNS, "of_class", former=False)


def _statement(
    entity: Entity, met: Sequence[str], columns: Mapping[str, str], group: str, *, former: bool
) -> TextClause:
    measured = "length_m" in columns_of(entity)
    # Constants of the declarations; callers' values are bound.
    return text(
        PARTS.format(
            srid=STORAGE_SRID,
            columns=", ".join(f"{sql} AS {name}" for name, sql in columns.items()),
            names=", ".join(columns),
            alias=entity.alias,
            length=f"{entity.alias}.length_m" if measured else "NULL::double precision",
            geometry=entity.geometry,
            source=source_of(entity, former=former),
            conditions=" AND ".join(f"({condition})" for condition in met),
            group=group,
            few=FEW_OF_A_KIND,
            least_m2=LEAST_M2,
            least_m=LEAST_M,
        )
    )


async def _read(
    session: AsyncSession,
    statement: TextClause,
    selection: Selection,
    wkb: bytes,
    whole: Measure,
    **values: Any,
) -> Sequence[Row[Any]]:
    given: Mapping[str, Any] = {**given_values(wkb, whole), **values}
    return (await session.execute(statement, {**bound_values(selection), **given})).all()


def given_values(wkb: bytes, whole: Measure) -> dict[str, Any]:
    """The values of the binds that tell the geometry."""
    sizes = {"area": whole.area_m2, "length": whole.length_m}
    return {"wkb": wkb, "dimension": dimension_of(whole), **sizes}


def dimension_of(measure: Measure) -> int:
    """How many dimensions what was measured has."""
    if measure.area_m2 is not None:
        return 2
    return 0 if measure.length_m is None else 1


def _sorted(kinds: frozenset[str] | None) -> list[str] | None:
    return None if kinds is None else sorted(kinds)


def _line(kind: str, size: int, rows: Sequence[Row[Any]], whole: Measure) -> TouchedLine:
    measure = _together(rows, size, whole)
    areas = tuple(_area(row, whole) for row in rows)
    return TouchedLine(kind, measure, _share(measure, whole), areas)


def _area(row: Row[Any], whole: Measure) -> TouchedArea:
    measure = Measure(row.area, row.length)
    return TouchedArea(
        code=row.code,
        name=Label(row.name_zh, row.name_en),
        kind=row.kind,
        class_code=row.class_code,
        level=row.level,
        region=row.region,
        legal_basis=row.legal_basis,
        delimitation=row.delimitation,
        version=row.version,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        measure=measure,
        share=_share(measure, whole),
    )


def _zone(rows: Sequence[Row[Any]], whole: Measure) -> TouchedZone:
    first = rows[0]
    measure = _together(rows, first.size, whole)
    required = first.requirement_zh or first.requirement_en
    return TouchedZone(
        scheme=first.scheme,
        version=first.version,
        class_code=first.class_code,
        name=Label(first.name_zh, first.name_en),
        color=first.color,
        requirement=Label(first.requirement_zh or required, first.requirement_en or required)
        if required
        else None,
        zones=tuple(row.code for row in rows),
        measure=measure,
        share=_share(measure, whole),
    )


def _together(rows: Sequence[Row[Any]], size: int, whole: Measure) -> Measure:
    """The size of what several rows cover together, or of the only one."""
    row = rows[0]
    if row.number == 1:
        return Measure(row.area, row.length)
    if row.all_of_it:
        return whole
    return Measure(row.whole_area if size == 2 else None, row.whole_length if size == 1 else None)


def _share(measure: Measure, whole: Measure) -> float | None:
    """The share of the geometry; a point lies inside as a whole."""
    return 1.0 if dimension_of(whole) == 0 else measure.share_of(whole)

"""Which lines and zones a geometry lies in, how much of it, and what lies outside all lines."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from itertools import groupby
from typing import Any

from sqlalchemy import TextClause, text

from shanhai.db.base import STORAGE_SRID
from shanhai.db.collections.controls import CONTROL_AREAS
from shanhai.db.collections.zones import ZONES
from shanhai.db.compliance import result
from shanhai.db.compliance.intersections import (
    LEAST_M,
    LEAST_M2,
    CandidateArea,
    Given,
    Intersection,
    cut,
)
from shanhai.db.engine import Executor
from shanhai.db.features.columns import columns_in_order, source_of
from shanhai.db.features.entity import Entity
from shanhai.db.features.selection import Selection, bound_values, conditions
from shanhai.db.identity import Viewer
from shanhai.vocabulary import CONTROL_KINDS, Label

# The box is all PostgreSQL needs to find what may be met. What is cut and measured of that is done
# by `cutting`, where a vertex costs a fraction and the geometry is read once.
NEAR = """
SELECT {columns}, {alias}.area_m2 AS own_area, {length} AS own_length,
       ST_AsBinary({geometry}, 'NDR') AS wkb
  FROM {source}
 WHERE {conditions}
   AND {geometry} && ST_MakeEnvelope(:west, :south, :east, :north, {srid})
 ORDER BY {group}, code
"""

COUNTS = text(
    f"""SELECT current_date AS today,
              (SELECT count(*) FROM (SELECT FROM control_area
                WHERE geom && ST_MakeEnvelope(:west, :south, :east, :north, {STORAGE_SRID})
                LIMIT :most) areas)
            + (SELECT count(*) FROM (SELECT FROM zone
                WHERE geom && ST_MakeEnvelope(:west, :south, :east, :north, {STORAGE_SRID})
                LIMIT :most) zones) AS near"""  # noqa: S608 - a constant
)
MOST_COUNTED = 2_001
AT_ONCE_BYTES = 50_000
"""Bytes of shapes from which cutting them would keep other requests waiting."""

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
    "scheme_kind": "s.kind",
    "version": "s.version",
    "region_id": "s.region_id",
    "class_code": "c.code",
    "name_zh": "coalesce(z.name_zh, c.name_zh)",
    "name_en": "coalesce(z.name_en, c.name_en)",
    **{name: f"c.{name}" for name in ("color", "requirement_zh", "requirement_en")},
    "of_class": "s.code || ' ' || c.code",
}


async def read_lines(
    session: Executor,
    viewer: Viewer,
    given: Given,
    *,
    as_of: date | None,
    kinds: frozenset[str] | None = None,
) -> tuple[tuple[result.TouchedLine, ...], frozenset[int]]:
    """The control areas in force that a geometry lies in, by kind, and the ids of their regions."""
    selection = Selection(viewer, as_of=as_of)
    statement = line_statement(conditions(CONTROL_AREAS, selection), as_of is not None)
    found = await _read(
        session, statement, selection, given, "kind", kinds=None if kinds is None else sorted(kinds)
    )
    lines = [
        _line(list(alike), given.measure)
        for _, alike in groupby(found, key=lambda one: (one.row.kind, one.cut.size))
    ]
    return tuple(lines), frozenset(one.row.region_id for one in found)


async def count_near(session: Executor, given: Given) -> tuple[int, date]:
    """How many areas and zones meet the box of a geometry, as far as counted, and the day."""
    values = {**box_values(given), "most": MOST_COUNTED}
    (row,) = (await session.execute(COUNTS, values)).all()
    return int(row.near), row.today


async def read_zones(
    session: Executor, viewer: Viewer, given: Given, *, day: date
) -> tuple[tuple[result.TouchedZone, ...], frozenset[int]]:
    """The classes of the zonings published on a day, and the ids of the regions they are of."""
    selection = Selection(viewer, as_of=day)
    statement = zone_statement(conditions(ZONES, selection))
    found = await _read(session, statement, selection, given, "of_class")
    zones = [
        _zone(list(alike), given.measure)
        for _, alike in groupby(found, key=lambda one: (one.row.of_class, one.cut.size))
    ]
    return tuple(zones), frozenset(one.row.region_id for one in found)


@lru_cache(maxsize=64)
def line_statement(met: tuple[str, ...], former: bool) -> TextClause:
    """The statement over control areas; besides what the reader may see, only what is in force."""
    own = (
        *in_force(former=former),
        "(CAST(:kinds AS text[]) IS NULL OR ca.kind = ANY(CAST(:kinds AS text[])))",
    )
    return _statement(CONTROL_AREAS, (*met, *own), AREA_COLUMNS, "kind", former=former)


def in_force(*, former: bool) -> tuple[str, ...]:
    """The conditions of control areas that count, beside what the reader may see."""
    begun = "(ca.valid_from IS NULL OR ca.valid_from <= current_date)"
    return (f"({CONTROL_AREAS.published})", *(() if former else (begun,)))


@lru_cache(maxsize=64)
def zone_statement(met: tuple[str, ...]) -> TextClause:
    """The statement over zones."""
    return _statement(ZONES, met, ZONE_COLUMNS, "of_class", former=False)


def _statement(
    entity: Entity, met: Sequence[str], columns: Mapping[str, str], group: str, *, former: bool
) -> TextClause:
    measured = "length_m" in columns_in_order(entity)
    # Constants of the declarations; callers' values are bound.
    return text(
        NEAR.format(
            srid=STORAGE_SRID,
            columns=", ".join(f"{sql} AS {name}" for name, sql in columns.items()),
            alias=entity.alias,
            length=f"{entity.alias}.length_m" if measured else "NULL::double precision",
            geometry=entity.geometry,
            source=source_of(entity, former=former),
            conditions=" AND ".join(f"({condition})" for condition in met),
            group=group,
        )
    )


@dataclass(frozen=True, slots=True)
class _Touched:
    """A row of an area, and what of the geometry lies in it."""

    row: Any
    cut: Intersection


async def _read(
    session: Executor,
    statement: TextClause,
    selection: Selection,
    given: Given,
    group: str,
    **values: Any,
) -> Sequence[_Touched]:
    bound = {**bound_values(selection), **box_values(given), **values}
    rows = (await session.execute(statement, bound)).all()
    if not rows:
        return []
    candidates = [
        CandidateArea(row.wkb, getattr(row, group), row.own_area, row.own_length) for row in rows
    ]
    heavy = len(given.wkb) + sum(len(row.wkb) for row in rows) > AT_ONCE_BYTES
    cuts = await asyncio.to_thread(cut, given, candidates) if heavy else cut(given, candidates)
    return [_Touched(rows[one.place], one) for one in cuts]


def box_values(given: Given) -> dict[str, float]:
    """The values of the binds that tell where the geometry lies."""
    return dict(zip(("west", "south", "east", "north"), given.shape.bounds, strict=True))


def _line(found: Sequence[_Touched], whole: result.GeodesicSize) -> result.TouchedLine:
    measure = found[0].cut.together
    areas = tuple(_area(one, whole) for one in found)
    return result.TouchedLine(found[0].row.kind, measure, _share(measure, whole), areas)


def _area(found: _Touched, whole: result.GeodesicSize) -> result.TouchedArea:
    row, measure = found.row, found.cut.measure
    return result.TouchedArea(
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
        part=found.cut.part,
        measure=measure,
        share=_share(measure, whole),
    )


def _zone(found: Sequence[_Touched], whole: result.GeodesicSize) -> result.TouchedZone:
    first, measure = found[0].row, found[0].cut.together
    required = first.requirement_zh or first.requirement_en
    return result.TouchedZone(
        scheme=first.scheme,
        scheme_kind=first.scheme_kind,
        region_id=first.region_id,
        version=first.version,
        class_code=first.class_code,
        name=Label(first.name_zh, first.name_en),
        color=first.color,
        requirement=Label(first.requirement_zh or required, first.requirement_en or required)
        if required
        else None,
        zones=tuple(one.row.code for one in found),
        parts=tuple(one.cut.part for one in found),
        measure=measure,
        share=_share(measure, whole),
    )


def _share(measure: result.GeodesicSize, whole: result.GeodesicSize) -> float | None:
    """The share of the geometry; a point lies inside as a whole."""
    return 1.0 if whole == result.GeodesicSize() else measure.share_of(whole)


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
    session: Executor,
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
    given: Given, lines: Sequence[result.TouchedLine], kinds: Collection[str]
) -> list[result.RuleLocation]:
    """The places outside the lines of kinds of which there are lines around the geometry."""
    sizes = {kind: size_outside(given, lines, kind) for kind in sorted(kinds)}
    return [
        result.RuleLocation(
            "outside_control_area",
            kind,
            NAMES[kind],
            measure=size,
            share=1.0 if size == result.GeodesicSize() else size.share_of(given.measure),
        )
        for kind, size in sizes.items()
        if size is not None
    ]


def size_outside(
    given: Given, lines: Sequence[result.TouchedLine], kind: str
) -> result.GeodesicSize | None:
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

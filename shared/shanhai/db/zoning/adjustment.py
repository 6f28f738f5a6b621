"""Move areas of a draft from class to class by hand, so that its zones stay a coverage."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.identity import Identity
from shanhai.db.queries.audit import Act, record
from shanhai.db.zoning.schemes import DRAFT, SchemeVersion, begin_version, demand_writer
from shanhai.errors import Conflict, InvalidInput

MEASURED_KEYS = ("cells", "area_raster_km2", "statistics")
"""Members of a zone's `attrs` that were counted before the adjustment and hold no longer."""
FLAG = {
    "code": "adjusted_by_hand",
    "detail": "the zone was adjusted by hand; statistics of the computation no longer hold",
    "detail_zh": "该分区经人工调整，计算所得统计不再适用",
}
FLAG_JSON = json.dumps([FLAG], ensure_ascii=False)

_LOCK = text("SELECT status FROM zone_scheme WHERE id = :id FOR UPDATE")
_CLASS = text(
    "SELECT id, code, class_code FROM zone_class WHERE scheme_kind = :kind"
    " AND (class_code = :class OR code = :class) AND deleted_at IS NULL"
)
# Extracted before the update: afterwards nothing tells where a piece came from.
_PIECES = text(
    "WITH area AS (SELECT ST_GeomFromWKB(CAST(:area AS bytea), 4490) AS geom), piece AS ("
    " SELECT z.id AS zone_id, z.class_id, ST_Multi(ST_CollectionExtract("
    "ST_Intersection(z.geom, area.geom), 3)) AS geom"
    " FROM zone z JOIN area ON z.geom && area.geom AND ST_Intersects(z.geom, area.geom)"
    " WHERE z.scheme_id = :id AND z.deleted_at IS NULL AND z.class_id <> :class_id)"
    " INSERT INTO zone_adjustment (scheme_id, seq, from_class_id, to_class_id, note, actor, geom)"
    " SELECT :id, coalesce((SELECT max(seq) FROM zone_adjustment WHERE scheme_id = :id), 0)"
    " + row_number() OVER (ORDER BY c.order_no, piece.zone_id), piece.class_id, :class_id,"
    " :note, :actor, geom"
    " FROM piece JOIN zone_class c ON c.id = piece.class_id WHERE NOT ST_IsEmpty(geom)"
    " RETURNING seq, from_class_id, area_m2"
)
_CUT = text(
    "UPDATE zone z SET geom = nullif(ST_Multi(ST_CollectionExtract(ST_Difference(z.geom,"
    " ST_GeomFromWKB(CAST(:area AS bytea), 4490)), 3)), 'SRID=4490;MULTIPOLYGON EMPTY'),"
    " row_version = row_version + 1, updated_at = now()"
    " WHERE z.scheme_id = :id AND z.deleted_at IS NULL AND z.class_id <> :class_id"
    " AND z.geom && ST_GeomFromWKB(CAST(:area AS bytea), 4490)"
    " AND ST_Intersects(z.geom, ST_GeomFromWKB(CAST(:area AS bytea), 4490))"
)
_BURY_EMPTY = text(
    "UPDATE zone SET deleted_at = now(), valid_to = current_date, row_version = row_version + 1"
    " WHERE scheme_id = :id AND deleted_at IS NULL AND geom IS NULL AND id = ANY(:cut)"
)
_TOUCHED = text(
    "SELECT id FROM zone WHERE scheme_id = :id AND deleted_at IS NULL AND class_id <> :class_id"
    " AND geom && ST_GeomFromWKB(CAST(:area AS bytea), 4490)"
    " AND ST_Intersects(geom, ST_GeomFromWKB(CAST(:area AS bytea), 4490))"
)
_GROW = text(
    "UPDATE zone SET geom = ST_Multi(ST_CollectionExtract(ST_Union(coalesce(geom,"
    " 'SRID=4490;MULTIPOLYGON EMPTY'), (SELECT ST_Union(a.geom) FROM zone_adjustment a"
    " WHERE a.scheme_id = :id AND a.seq = ANY(:seqs))), 3)),"
    " row_version = row_version + 1, updated_at = now()"
    " WHERE id = :zone_id"
)
_TARGET = text(
    "SELECT id FROM zone WHERE scheme_id = :id AND class_id = :class_id AND deleted_at IS NULL"
    " ORDER BY id LIMIT 1"
)
_NEW_TARGET = text(
    "INSERT INTO zone (scheme_id, class_id, code, valid_from)"
    " VALUES (:id, :class_id, :code, current_date) RETURNING id"
)
_MEASURE = text(
    "UPDATE zone z SET attrs = (z.attrs - CAST(:stale AS text[])) || jsonb_build_object("
    "'share_percent', round((100 * z.area_m2 / total.area_m2)::numeric, 4), 'flags',"
    " (SELECT coalesce(jsonb_agg(f), '[]'::jsonb) FROM jsonb_array_elements("
    "coalesce(z.attrs->'flags', '[]'::jsonb)) f WHERE f->>'code' <> 'adjusted_by_hand')"
    " || CAST(:flag AS jsonb))"
    " FROM (SELECT sum(area_m2) AS area_m2 FROM zone WHERE scheme_id = :id"
    " AND deleted_at IS NULL) total"
    " WHERE z.scheme_id = :id AND z.deleted_at IS NULL"
)
_LIST = text(
    "SELECT a.seq, f.class_code AS from_class, t.class_code AS to_class, a.note, a.actor, a.at,"
    " a.area_m2, ST_AsGeoJSON(a.geom, 7, 0) AS geometry FROM zone_adjustment a"
    " LEFT JOIN zone_class f ON f.id = a.from_class_id JOIN zone_class t ON t.id = a.to_class_id"
    " WHERE a.scheme_id = :id ORDER BY a.seq"
)


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be moved: an area (WKB, longitude first), the class it becomes, and why."""

    area: bytes
    to_class: str
    note: str


@dataclass(frozen=True, slots=True)
class Adjusted:
    """What an adjustment did: the draft it was made in, and the area moved from each class."""

    scheme: SchemeVersion
    to_class: str
    moved_m2: dict[str, float]


async def adjust(
    session: AsyncSession, identity: Identity, act: Act, scheme: SchemeVersion, wish: Wish
) -> Adjusted:
    """Make all of an area that the scheme covers one class.

    A published version is left as it is: a new draft begins from it.

    Raises:
        Unauthenticated, Forbidden: the identity may not.
        InvalidInput: the class is not of the scheme's kind, or nothing would change.
        Conflict: the version is in review or approved, or another draft is being worked on.
    """
    demand_writer(identity, scheme)
    target = await _class_of(session, scheme, wish.to_class)
    if scheme.status in {"published", "superseded"}:
        scheme = await begin_version(session, identity, act, scheme, wish.note)
    await _lock_draft(session, scheme)
    moved = await _move(session, act, scheme, target, wish)
    if not moved:
        raise InvalidInput(
            f"nothing of the area would become {target['class_code']}: it lies in no other class",
            message_zh=f"区域内没有可改为 {target['class_code']} 的其他类别",
            pointer="/geometry",
        )
    after = {**scheme.named(), "to_class": target["class_code"], "moved_m2": moved}
    record(
        session,
        act,
        "adjust",
        table="zone_scheme",
        object_id=scheme.code,
        after={**after, "note": wish.note},
    )
    return Adjusted(scheme, target["class_code"], moved)


async def list_adjustments(session: AsyncSession, scheme_id: int) -> list[dict[str, Any]]:
    """What was moved by hand in a version, in order."""
    rows = (await session.execute(_LIST, {"id": scheme_id})).mappings()
    return [dict(row) for row in rows]


async def _move(
    session: AsyncSession, act: Act, scheme: SchemeVersion, target: dict[str, Any], wish: Wish
) -> dict[str, float]:
    """Cut the area out of the other classes and add it to the target; the area from each."""
    common = {"id": scheme.id, "class_id": target["id"]}
    area = {**common, "area": wish.area}
    kept = {**area, "note": wish.note, "actor": act.actor}
    pieces = (await session.execute(_PIECES, kept)).all()
    if not pieces:
        return {}
    touched = list(await session.scalars(_TOUCHED, area))
    await session.execute(_CUT, area)
    await session.execute(_BURY_EMPTY, {"id": scheme.id, "cut": touched})
    zone_id = await session.scalar(_TARGET, common)
    if zone_id is None:
        code = f"{scheme.code}.{target['class_code']}"
        zone_id = await session.scalar(_NEW_TARGET, {**common, "code": code})
    grown = {"id": scheme.id, "zone_id": zone_id, "seqs": [row.seq for row in pieces]}
    await session.execute(_GROW, grown)
    await session.execute(
        _MEASURE, {"id": scheme.id, "stale": list(MEASURED_KEYS), "flag": FLAG_JSON}
    )
    return await _areas_by_class(session, pieces)


async def _areas_by_class(session: AsyncSession, pieces: Sequence[Row[Any]]) -> dict[str, float]:
    names = text("SELECT id, class_code FROM zone_class WHERE id = ANY(:ids)")
    rows = await session.execute(names, {"ids": [row.from_class_id for row in pieces]})
    codes = {row.id: row.class_code for row in rows}
    moved: dict[str, float] = {}
    for row in pieces:
        code = codes[row.from_class_id]
        moved[code] = moved.get(code, 0.0) + row.area_m2
    return moved


async def _class_of(session: AsyncSession, scheme: SchemeVersion, code: str) -> dict[str, Any]:
    found = await session.execute(_CLASS, {"kind": scheme.kind, "class": code})
    row = found.mappings().first()
    if row is None:
        raise InvalidInput(
            f"{code!r} is no class of {scheme.kind}",
            message_zh=f"{scheme.kind} 中没有类别 {code!r}",
            pointer="/to_class",
        )
    return dict(row)


async def _lock_draft(session: AsyncSession, scheme: SchemeVersion) -> None:
    status = await session.scalar(_LOCK, {"id": scheme.id})
    if status != DRAFT:
        raise Conflict(
            f"version {scheme.version} is in state {status}; send it back to draft first",
            message_zh=f"第 {scheme.version} 版状态为 {status}，须先退回草案",
        )

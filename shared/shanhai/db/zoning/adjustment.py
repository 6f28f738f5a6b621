"""Redraw a draft by hand so that its zones stay a coverage: areas that become another class, zones
that are split and merged."""

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

_ZONES = text(
    "SELECT z.id, z.code, z.class_id, z.area_m2 FROM zone z WHERE z.scheme_id = :id"
    " AND z.deleted_at IS NULL AND z.geom IS NOT NULL AND z.code = ANY(:codes)"
    " ORDER BY z.id FOR UPDATE"
)
# Faces of the borders and the line together: no line is too crooked for it, none lies too near.
_LEFT = text(
    "WITH line AS (SELECT ST_GeomFromWKB(CAST(:line AS bytea), 4490) AS geom),"
    " part AS (SELECT d.path, d.geom FROM zone z CROSS JOIN line, ST_Dump(z.geom) d"
    " WHERE z.id = :zone_id AND ST_Intersects(d.geom, line.geom)),"
    " faces AS (SELECT part.path, part.geom AS whole, ST_Polygonize(ST_Union("
    "ST_Boundary(part.geom), line.geom)) AS geom FROM part CROSS JOIN line"
    " GROUP BY part.path, part.geom),"
    " face AS (SELECT faces.path, f.geom, count(*) OVER (PARTITION BY faces.path) AS number"
    " FROM faces, ST_Dump(faces.geom) f WHERE ST_Contains(whole, ST_PointOnSurface(f.geom))),"
    " beside AS (SELECT ST_Union(ST_Buffer(d.geom, 1e-7, 'side=left')) AS at_left,"
    " ST_Union(ST_Buffer(d.geom, 1e-7, 'side=right')) AS at_right FROM line, ST_Dump(geom) d)"
    " SELECT ST_AsBinary(ST_Multi(ST_Union(face.geom))) FROM face CROSS JOIN beside"
    " WHERE face.number > 1 AND ST_Area(ST_Intersection(face.geom, at_left))"
    " > ST_Area(ST_Intersection(face.geom, at_right))"
)
_NUMBER = text(
    "SELECT min(n) FROM generate_series(2, (SELECT count(*) + 2 FROM zone WHERE scheme_id = :id)) n"
    " WHERE NOT EXISTS (SELECT FROM zone WHERE scheme_id = :id AND code = :code || '-' || n)"
)
_NEW_TARGET = text(
    "INSERT INTO zone (scheme_id, class_id, code, valid_from)"  # noqa: S608 - constants
    " SELECT :id, :class_id, CAST(:code AS text) || CASE WHEN EXISTS (SELECT FROM zone"
    " WHERE scheme_id = :id AND code = :code AND deleted_at IS NULL)"
    f" THEN '-' || ({_NUMBER.text}) ELSE '' END, current_date RETURNING id"
)
_SPLIT_OFF = text(
    "INSERT INTO zone (scheme_id, class_id, code, name_zh, name_en, functions, problems, geom,"
    " attrs, valid_from)"
    " SELECT scheme_id, class_id, :code, name_zh, name_en, functions, problems,"
    " ST_GeomFromWKB(CAST(:part AS bytea), 4490), attrs, current_date FROM zone WHERE id = :zone_id"
    " RETURNING area_m2"
)
_LEAVE = text(
    "UPDATE zone SET geom = nullif(ST_Multi(ST_CollectionExtract(ST_Difference(geom,"
    " ST_GeomFromWKB(CAST(:part AS bytea), 4490)), 3)), 'SRID=4490;MULTIPOLYGON EMPTY'),"
    " row_version = row_version + 1, updated_at = now() WHERE id = :zone_id RETURNING area_m2"
)
_JOIN = text(
    "UPDATE zone SET geom = (SELECT ST_Multi(ST_CollectionExtract(ST_Union(geom), 3)) FROM zone"
    " WHERE id = ANY(:zone_ids)), row_version = row_version + 1, updated_at = now()"
    " WHERE id = :zone_id RETURNING area_m2"
)
_JOIN_TOWNS = text(
    "INSERT INTO zone_town (zone_id, region_id) SELECT DISTINCT CAST(:zone_id AS bigint), region_id"
    " FROM zone_town WHERE zone_id = ANY(:zone_ids) ON CONFLICT DO NOTHING"
)
_BURY = text(
    "UPDATE zone SET deleted_at = now(), valid_to = current_date, row_version = row_version + 1"
    " WHERE id = ANY(:zone_ids) AND id <> :zone_id"
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
    scheme = await _open_draft(session, identity, act, scheme, wish.note)
    target = await _class_of(session, scheme, wish.to_class)
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


@dataclass(frozen=True, slots=True)
class ZonesRedrawn:
    """What a split or a merger left: the draft it was made in, and its zones with their areas."""

    scheme: SchemeVersion
    areas_m2: dict[str, float]


async def split_zone(
    session: AsyncSession,
    identity: Identity,
    act: Act,
    scheme: SchemeVersion,
    zone: str,
    line: bytes,
    note: str,
) -> ZonesRedrawn:
    """Split a zone of a draft by a line (WKB, longitude first): what lies left of it is a new zone.

    A published version is left as it is: a new draft begins from it.

    Raises:
        Unauthenticated, Forbidden: the identity may not.
        InvalidInput: there is no such zone, or the line does not cross it from edge to edge.
        Conflict: the version is in review or approved, or another draft is being worked on.
    """
    scheme = await _open_draft(session, identity, act, scheme, note)
    (row,) = await _zones_of(session, scheme, [zone], "/zone")
    part = await session.scalar(_LEFT, {"zone_id": row.id, "line": line})
    if part is None:
        raise InvalidInput(
            f"the line does not cross {zone!r} from edge to edge",
            message_zh=f"分割线须从边界到边界穿过分区 {zone!r}",
            pointer="/line",
        )
    number = await session.scalar(_NUMBER, {"id": scheme.id, "code": zone})
    code, moved = f"{zone}-{number}", {"zone_id": row.id, "part": part}
    areas = {
        code: await session.scalar(_SPLIT_OFF, {**moved, "code": code}),
        zone: await session.scalar(_LEAVE, moved),
    }
    await _measure(session, scheme)
    return _redrawn(session, act, scheme, "split_zone", areas, note)


async def merge_zones(
    session: AsyncSession,
    identity: Identity,
    act: Act,
    scheme: SchemeVersion,
    zones: Sequence[str],
    note: str,
) -> ZonesRedrawn:
    """Merge zones of one class: the first becomes all of them, the others are gone.

    A published version is left as it is: a new draft begins from it.

    Raises:
        Unauthenticated, Forbidden: the identity may not.
        InvalidInput: there is no such zone, or they are not of one class.
        Conflict: the version is in review or approved, or another draft is being worked on.
    """
    scheme = await _open_draft(session, identity, act, scheme, note)
    rows = await _zones_of(session, scheme, zones, "/zones")
    if len({row.class_id for row in rows}) > 1:
        raise InvalidInput(
            "zones of different classes do not become one; give the area another class first",
            message_zh="类别不同的分区不能合并，请先改划类别",
            pointer="/zones",
        )
    first = next(row for row in rows if row.code == zones[0])
    merged = {"zone_id": first.id, "zone_ids": [row.id for row in rows]}
    area = await session.scalar(_JOIN, merged)
    await session.execute(_JOIN_TOWNS, merged)
    await session.execute(_BURY, merged)
    await _measure(session, scheme)
    return _redrawn(session, act, scheme, "merge_zones", {first.code: area}, note)


def _redrawn(
    session: AsyncSession,
    act: Act,
    scheme: SchemeVersion,
    action: str,
    areas: dict[str, float],
    note: str,
) -> ZonesRedrawn:
    after = {**scheme.named(), "zones": areas, "note": note}
    record(session, act, action, table="zone_scheme", object_id=scheme.code, after=after)
    return ZonesRedrawn(scheme, areas)


async def _open_draft(
    session: AsyncSession, identity: Identity, act: Act, scheme: SchemeVersion, note: str
) -> SchemeVersion:
    """The draft to work in, locked: of a published version a new one."""
    await demand_writer(session, identity, scheme)
    if scheme.status in {"published", "superseded"}:
        scheme = await begin_version(session, identity, act, scheme, note)
    await _lock_draft(session, scheme)
    return scheme


async def _zones_of(
    session: AsyncSession, scheme: SchemeVersion, codes: Sequence[str], pointer: str
) -> Sequence[Row[Any]]:
    rows = (await session.execute(_ZONES, {"id": scheme.id, "codes": list(codes)})).all()
    missing = sorted(set(codes) - {row.code for row in rows})
    if missing:
        raise InvalidInput(
            f"{missing[0]!r} is no drawn zone of version {scheme.version}",
            message_zh=f"第 {scheme.version} 版中没有已绘制的分区 {missing[0]!r}",
            pointer=pointer,
        )
    return rows


async def _measure(session: AsyncSession, scheme: SchemeVersion) -> None:
    """Shares anew; what was counted before holds no longer."""
    stale = {"id": scheme.id, "stale": list(MEASURED_KEYS), "flag": FLAG_JSON}
    await session.execute(_MEASURE, stale)


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
    await _measure(session, scheme)
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

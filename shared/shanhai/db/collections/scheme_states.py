"""The states of a zone scheme, and what must hold before it moves on."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.guards import became, refused
from shanhai.db.engine import read_today
from shanhai.db.features.entity import Lifecycle, PendingWrite, Step
from shanhai.db.queries.audit import Act, record
from shanhai.errors import Fault
from shanhai.vocabulary import Label, Role

GAP_TOLERATED_PERCENT = 0.5
"""Zones made of cells leave slivers along the border of a region."""

_WRITERS = frozenset({Role.PLANNER, Role.ANALYST})
_APPROVER = frozenset({Role.APPROVER})

LIFECYCLE = Lifecycle(
    property="status",
    initial="draft",
    steps=(
        Step("draft", "review", _WRITERS),
        Step("review", "draft", frozenset({Role.PLANNER, Role.APPROVER})),
        Step("review", "approved", _APPROVER),
        Step("approved", "draft", frozenset({Role.PLANNER, Role.APPROVER})),
        Step("approved", "published", _APPROVER, frozenset({"valid_from", "gap_reason"})),
        Step("published", "superseded", _APPROVER),
    ),
    settled=frozenset({"published", "superseded"}),
)

_RIVALS = text(
    "SELECT s.code, s.version FROM zone_scheme s JOIN region r ON r.id = s.region_id"
    " WHERE r.code = :region AND r.deleted_at IS NULL AND s.kind = :kind"
    " AND s.status IN ('published', 'superseded') AND s.deleted_at IS NULL AND s.id <> :row_id"
    " AND daterange(s.valid_from, s.valid_to)"
    " && daterange(CAST(CAST(:valid_from AS text) AS date), CAST(CAST(:valid_to AS text) AS date))"
    " ORDER BY s.valid_from LIMIT 1"
)

GAP = (
    "WITH gap AS (SELECT (ST_Dump(ST_CollectionExtract(ST_Difference(r.geom,"
    " coalesce((SELECT ST_Union(z.geom) FROM zone z"
    " WHERE z.scheme_id = s.id AND z.deleted_at IS NULL), 'SRID=4490;POLYGON EMPTY')), 3))).geom"
    " FROM zone_scheme s JOIN region r ON r.id = s.region_id WHERE s.id = :id)"
)
"""Where the region of a scheme lies in none of its zones."""
_COVER = text(
    f"{GAP} SELECT r.area_m2 AS region, count(z.id) FILTER (WHERE z.geom IS NULL) AS undrawn,"  # noqa: S608
    " (SELECT coalesce(sum(ST_Area(geom::geography)), 0) FROM gap) AS uncovered"
    " FROM zone_scheme s JOIN region r ON r.id = s.region_id"
    " LEFT JOIN zone z ON z.scheme_id = s.id AND z.deleted_at IS NULL"
    " WHERE s.id = :id GROUP BY r.id"
)
OVERLAPS = text(
    "SELECT a.code AS first, b.code AS second,"
    " ST_Area(ST_Intersection(a.geom, b.geom)::geography) AS area_m2"
    " FROM zone a JOIN zone b ON b.scheme_id = a.scheme_id AND b.id > a.id AND a.geom && b.geom"
    # Zones as large as all of them together share less than a square metre, in degrees.
    " WHERE (SELECT sum(ST_Area(z.geom)) - ST_Area(ST_Union(z.geom)) FROM zone z"
    " WHERE z.scheme_id = :id AND z.deleted_at IS NULL) > 8e-11"
    " AND a.scheme_id = :id AND a.deleted_at IS NULL AND b.deleted_at IS NULL"
    " AND ST_Relate(a.geom, b.geom, '2********')"
    " AND ST_Area(ST_Intersection(a.geom, b.geom)::geography) > :rounding"
    " ORDER BY area_m2 DESC, a.code, b.code"
)
ROUNDING_M2 = 1.0
"""Rounding of coordinates leaves less than this between neighbours."""

_STATUS_OF_ZONE = text(
    "SELECT s.status FROM zone z JOIN zone_scheme s ON s.id = z.scheme_id WHERE z.id = :row_id"
)

_NEWEST = (
    " FROM zone_scheme s WHERE s.code = :scheme AND s.deleted_at IS NULL ORDER BY s.id DESC LIMIT 1"
)
_STATUS_OF_SCHEME = text(f"SELECT s.status{_NEWEST}")
_KIND_OF_SCHEME = text(f"SELECT s.kind{_NEWEST}")
_KIND_OF_CLASS = text(
    "SELECT scheme_kind FROM zone_class WHERE code = :code AND deleted_at IS NULL"
)


async def published_without_rival(session: AsyncSession, change: PendingWrite) -> Sequence[Fault]:
    """At any date one scheme is published per region and kind."""
    after = change.after or {}
    if not became(change, "status", "published"):
        return ()
    if after.get("valid_from") is None:
        raise refused(
            "/properties/valid_from",
            Label("发布的方案须有生效日期", "a published scheme needs the day it is valid from"),
        )
    asked = {name: after.get(name) for name in ("region", "kind")}
    days = {
        name: None if after.get(name) is None else str(after[name])
        for name in ("valid_from", "valid_to")
    }
    found = await session.execute(_RIVALS, {**asked, **days, "row_id": change.row_id or 0})
    rival = found.first()
    if rival is None:
        return ()
    return (
        Fault(
            "/properties/status",
            f"{rival.code!r} version {rival.version} is published for the same region, kind and"
            " days; close it first",
            f"同一区域、类型和时段已发布 {rival.code!r} 第 {rival.version} 版，须先关闭",
        ),
    )


async def published_without_gap(session: AsyncSession, change: PendingWrite) -> Sequence[Fault]:
    """A published scheme covers its region, or says why it does not."""
    after = change.after or {}
    if not became(change, "status", "published") or after.get("gap_reason"):
        return ()
    cover = (await session.execute(_COVER, {"id": change.row_id})).first()
    if cover is None or not cover.region:
        return ()
    gap = 100 * cover.uncovered / cover.region
    if gap <= GAP_TOLERATED_PERCENT and not cover.undrawn:
        return ()
    return (
        Fault(
            "/properties/gap_reason",
            f"the zones leave {gap:.2f} % of the region uncovered; say why in gap_reason",
            f"分区未覆盖区域面积的 {gap:.2f} %，须填写空缺说明",
        ),
    )


async def reviewed_without_overlap(session: AsyncSession, change: PendingWrite) -> Sequence[Fault]:
    """No place lies in two zones of a scheme that goes to review."""
    if not became(change, "status", "review"):
        return ()
    asked = {"id": change.row_id, "rounding": ROUNDING_M2}
    pair = (await session.execute(OVERLAPS, asked)).first()
    if pair is None:
        return ()
    return (
        Fault(
            "/properties/status",
            f"the zones {pair.first!r} and {pair.second!r} overlap; see /topology",
            f"分区 {pair.first!r} 与 {pair.second!r} 重叠，详见 /topology",
        ),
    )


async def only_in_drafts(session: AsyncSession, change: PendingWrite) -> Sequence[Fault]:
    """The zones of a scheme are written while it is a draft."""
    statuses = []
    if change.row_id is not None:
        statuses.append(await session.scalar(_STATUS_OF_ZONE, {"row_id": change.row_id}))
    moved = change.before is None or (change.after or {}).get("scheme") != change.before["scheme"]
    if change.after is not None and moved:
        scheme = change.after.get("scheme")
        statuses.append(await session.scalar(_STATUS_OF_SCHEME, {"scheme": scheme}))
    settled = next((status for status in statuses if status not in {None, "draft"}), None)
    if settled is None:
        return ()
    return (
        Fault(
            "/properties/scheme",
            f"the scheme is {settled}; zones are written while it is a draft",
            f"方案状态为 {settled}；仅草案状态可编辑分区",
        ),
    )


async def class_fits_scheme(session: AsyncSession, change: PendingWrite) -> Sequence[Fault]:
    """The class of a zone is one of the kind of its scheme."""
    after = change.after or {}
    kind = await session.scalar(_KIND_OF_SCHEME, {"scheme": after.get("scheme")})
    of_class = await session.scalar(_KIND_OF_CLASS, {"code": after.get("zone_class")})
    if change.after is None or kind is None or of_class is None or kind == of_class:
        return ()
    raise refused(
        "/properties/zone_class",
        Label(
            f"方案类型为 {kind}，该类别属于 {of_class}",
            f"the scheme is of kind {kind}, the class of {of_class}",
        ),
    )


_CLOSE = text(
    "UPDATE zone_scheme s SET status = 'superseded', valid_to = CAST(:start AS date),"
    " row_version = s.row_version + 1, updated_at = now()"
    " FROM region r WHERE r.id = s.region_id AND r.code = :region AND s.kind = :kind"
    " AND s.id <> :row_id AND s.status = 'published' AND s.deleted_at IS NULL"
    " AND s.valid_from <= CAST(:start AS date)"
    " AND (s.valid_to IS NULL OR s.valid_to > CAST(:start AS date))"
    " RETURNING s.id, s.row_version, s.code, s.version, s.valid_from, s.valid_to"
)


async def close_former(session: AsyncSession, act: Act, change: PendingWrite) -> Mapping[str, Any]:
    """Publishing a scheme closes the one in force for the region and kind on the same day.

    A scheme published without a day is valid from today.
    """
    if not became(change, "status", "published"):
        return {}
    after = change.after or {}
    given = after.get("valid_from")
    start = await read_today(session) if given is None else date.fromisoformat(str(given))
    asked = {name: after.get(name) for name in ("region", "kind")}
    closed = await session.execute(_CLOSE, {**asked, "start": start, "row_id": change.row_id or 0})
    for row in closed.all():
        record(
            session,
            act,
            "supersede",
            table="zone_scheme",
            object_id=row.code,
            before={
                "id": row.id,
                "row_version": row.row_version - 1,
                "version": row.version,
                "status": "published",
            },
            after={
                "id": row.id,
                "row_version": row.row_version,
                "version": row.version,
                "status": "superseded",
                "valid_from": str(row.valid_from),
                "valid_to": str(row.valid_to),
            },
        )
    return {} if given is not None else {"valid_from": start}


# What a layer was computed from is closed: then it stays closed as well.
_SHOW = text(
    "UPDATE dataset d SET visibility = 'public', row_version = d.row_version + 1,"
    " updated_at = now()"
    " FROM zone_scheme s JOIN job j ON j.id = s.job_id"
    " WHERE s.id = :row_id AND d.job_id = s.job_id AND d.origin = 'computed'"
    " AND d.visibility <> 'public' AND d.deleted_at IS NULL"
    " AND NOT EXISTS (SELECT FROM jsonb_each(j.task->'datasets') one"
    " JOIN dataset used ON used.id::text = one.value->>'id'"
    " WHERE used.visibility <> 'public')"
    " RETURNING d.code, d.row_version"
)


async def show_rasters(session: AsyncSession, act: Act, change: PendingWrite) -> Mapping[str, Any]:
    """Publishing a computed scheme shows its rasters, where all they rest on is public."""
    if not became(change, "status", "published") or change.row_id is None:
        return {}
    for row in (await session.execute(_SHOW, {"row_id": change.row_id})).all():
        record(
            session,
            act,
            "publish",
            table="dataset",
            object_id=row.code,
            before={"visibility": "region", "row_version": row.row_version - 1},
            after={"visibility": "public", "row_version": row.row_version},
        )
    return {}

"""Versions of a zone scheme: found, begun anew, compared, and whether they cover their region."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.joint_plans import stays_once_decided
from shanhai.db.collections.scheme_states import GAP, OVERLAPS, ROUNDING_M2
from shanhai.db.collections.zones import ZONE_SCHEMES
from shanhai.db.features.entity import PendingWrite
from shanhai.db.features.query import read_feature
from shanhai.db.features.selection import Selection
from shanhai.db.identity import Identity, Viewer, demand_role, editing_of
from shanhai.db.queries.audit import Act, record
from shanhai.errors import Conflict, NotFound, Stale

DRAFT = "draft"
_SCHEME = text(
    "SELECT s.id, s.code, s.version, s.status, s.kind, s.origin, s.region_id, s.job_id::text AS job"
    " FROM zone_scheme s WHERE s.id = :id"
)
_PLAN = text("SELECT p.code FROM zone_scheme s JOIN plan p ON p.id = s.plan_id WHERE s.id = :id")
_LOCK_CODE = text("SELECT pg_advisory_xact_lock(hashtextextended('zone_scheme ' || :code, 0))")
_DRAFT_OF = text(
    "SELECT s.version FROM zone_scheme s WHERE s.code = :code AND s.deleted_at IS NULL"
    " AND s.status IN ('draft', 'review', 'approved') ORDER BY s.version DESC LIMIT 1"
)
# A computed scheme that a person goes on with is drawn; the job it began with stays in `attrs`.
_COPY_SCHEME = text(
    "INSERT INTO zone_scheme (code, name_zh, name_en, region_id, plan_id, kind, origin, status,"
    " version, supersedes_id, gap_reason, attrs)"
    " SELECT s.code, s.name_zh, s.name_en, s.region_id, s.plan_id, s.kind, 'drawn', 'draft',"
    " (SELECT max(version) + 1 FROM zone_scheme WHERE code = s.code), s.id, s.gap_reason,"
    " s.attrs || jsonb_strip_nulls(jsonb_build_object('began_from', s.version, 'note',"
    " CAST(:note AS text), 'computed_by', coalesce(s.job_id::text, s.attrs->>'computed_by')))"
    " FROM zone_scheme s WHERE s.id = :id RETURNING id"
)
_COPY_ZONES = text(
    "INSERT INTO zone (scheme_id, class_id, code, name_zh, name_en, functions, problems, geom,"
    " attrs, valid_from)"
    " SELECT :new_id, z.class_id, z.code, z.name_zh, z.name_en, z.functions, z.problems, z.geom,"
    " z.attrs, current_date FROM zone z WHERE z.scheme_id = :id AND z.deleted_at IS NULL"
)
_COPY_TOWNS = text(
    "INSERT INTO zone_town (zone_id, region_id, share)"
    " SELECT new.id, t.region_id, t.share FROM zone_town t JOIN zone old ON old.id = t.zone_id"
    " JOIN zone new ON new.code = old.code AND new.scheme_id = :new_id"
    " WHERE old.scheme_id = :id AND old.deleted_at IS NULL"
)
_LOCK_SCHEME = text("SELECT FROM zone_scheme WHERE id = :id FOR UPDATE")
_ZONE_VERSIONS = text(
    "SELECT left(encode(sha256(coalesce(string_agg(id || '.' || row_version, ',' ORDER BY id), '')"
    "::bytea), 'hex'), 16) FROM zone WHERE scheme_id = :id AND deleted_at IS NULL"
)


@dataclass(frozen=True, slots=True)
class SchemeVersion:
    """A version of a zone scheme; `job` computed it."""

    id: int
    code: str
    version: int
    status: str
    kind: str
    origin: str
    region_id: int
    job: str | None

    def named(self) -> dict[str, Any]:
        """How documents name it."""
        return {"code": self.code, "version": self.version, "status": self.status}


async def find_scheme(
    session: AsyncSession, viewer: Viewer, code: str, version: int | None = None
) -> SchemeVersion:
    """A version of a scheme; the one in force, or else the newest, when none is named.

    Raises:
        NotFound: there is none, or none the viewer may know of.
    """
    filters = {} if version is None else {"version": version}
    selection = Selection(viewer, filters=filters, code=code)
    row = await read_feature(session, ZONE_SCHEMES, selection) if "\x00" not in code else None
    if row is None:
        which = "" if version is None else f" version {version}"
        raise NotFound(
            f"there is no zone scheme {code!r}{which}",
            message_zh=f"没有分区方案 {code!r}" + ("" if version is None else f" 第 {version} 版"),
        )
    return await _scheme(session, row.key)


async def begin_version(
    session: AsyncSession, identity: Identity, act: Act, scheme: SchemeVersion, note: str
) -> SchemeVersion:
    """A new draft of a scheme, with the zones of the version it begins from.

    Raises:
        Unauthenticated, Forbidden: the identity may not.
        Conflict: a version of the scheme is being worked on already.
    """
    await demand_writer(session, identity, scheme)
    await session.execute(_LOCK_CODE, {"code": scheme.code})
    present = await session.scalar(_DRAFT_OF, {"code": scheme.code})
    if present is not None:
        raise Conflict(
            f"version {present} of {scheme.code!r} is not published yet; go on with that one",
            message_zh=f"方案 {scheme.code!r} 第 {present} 版尚未发布，请在该版本上继续",
        )
    new_id = await session.scalar(_COPY_SCHEME, {"id": scheme.id, "note": note})
    for copying in (_COPY_ZONES, _COPY_TOWNS):
        await session.execute(copying, {"id": scheme.id, "new_id": new_id})
    new = await _scheme(session, int(new_id or 0))
    after = {**new.named(), "began_from": scheme.version, "note": note}
    record(session, act, "begin_version", table="zone_scheme", object_id=new.code, after=after)
    return new


async def demand_writer(session: AsyncSession, identity: Identity, scheme: SchemeVersion) -> None:
    """Refuse to redraw a scheme of a region that is not one's own, or of a joint plan in force.

    Raises:
        Unauthenticated, Forbidden: the identity may not.
        Conflict: all regions of its plan approved it.
    """
    demand_role(identity, editing_of(ZONE_SCHEMES, identity, "update").roles, scheme.region_id)
    plan = {"plan": await session.scalar(_PLAN, {"id": scheme.id})}
    change = PendingWrite("update", scheme.id, plan, plan, geometry_changed=True)
    if faults := await stays_once_decided(session, change):
        raise Conflict.of(faults)


async def state_of_zones(session: AsyncSession, scheme: SchemeVersion) -> str:
    """What tells this state of a version's zones from others, for two who redraw it at a time."""
    return str(await session.scalar(_ZONE_VERSIONS, {"id": scheme.id}))


async def demand_zones(
    session: AsyncSession, scheme: SchemeVersion, expected: frozenset[str] | None
) -> None:
    """Refuse to redraw zones that are in none of the expected states.

    Raises:
        Stale: they are not.
    """
    if expected is None:
        return
    # Of others only a new draft begins, and of them no zone changes.
    if scheme.status == DRAFT:
        await session.execute(_LOCK_SCHEME, {"id": scheme.id})
    if await state_of_zones(session, scheme) not in expected:
        raise Stale(
            f"the zones of version {scheme.version} of {scheme.code!r} have changed since they were"
            " read; read them again",
            message_zh=f"方案 {scheme.code!r} 第 {scheme.version} 版的分区在读取之后已被更改，"
            "请重新读取",
        )


async def _scheme(session: AsyncSession, scheme_id: int) -> SchemeVersion:
    return SchemeVersion(*(await session.execute(_SCHEME, {"id": scheme_id})).one())


_CLASSES = text(
    "SELECT c.class_code AS code, c.name_zh, c.name_en, min(c.order_no) AS order_no,"
    " sum(z.area_m2) AS area_m2 FROM zone z JOIN zone_class c ON c.id = z.class_id"
    " WHERE z.scheme_id = :id AND z.deleted_at IS NULL"
    " GROUP BY c.class_code, c.name_zh, c.name_en ORDER BY order_no, code"
)
_MOVES = text(
    "SELECT ca.class_code AS origin, cb.class_code AS target,"
    " sum(ST_Area(ST_Intersection(a.geom, b.geom)::geography)) AS area_m2"
    " FROM zone a JOIN zone b ON b.scheme_id = :other AND a.geom && b.geom"
    " AND ST_Intersects(a.geom, b.geom)"
    " JOIN zone_class ca ON ca.id = a.class_id JOIN zone_class cb ON cb.id = b.class_id"
    " WHERE a.scheme_id = :id AND a.deleted_at IS NULL AND b.deleted_at IS NULL"
    " GROUP BY ca.class_code, cb.class_code"
)
_DIFFERENCES = text(
    "SELECT ca.class_code AS origin, cb.class_code AS target, cb.color,"
    " ST_AsGeoJSON(ST_Multi(g.geom), 7, 0) AS geometry, ST_Area(g.geom::geography) AS area_m2"
    " FROM (SELECT a.class_id AS origin, b.class_id AS target, ST_CollectionExtract(ST_Union("
    "ST_Intersection(a.geom, b.geom)), 3) AS geom"
    " FROM zone a JOIN zone b ON b.scheme_id = :other AND a.geom && b.geom"
    " AND ST_Intersects(a.geom, b.geom) AND b.class_id <> a.class_id"
    " WHERE a.scheme_id = :id AND a.deleted_at IS NULL AND b.deleted_at IS NULL"
    " GROUP BY a.class_id, b.class_id) g"
    " JOIN zone_class ca ON ca.id = g.origin JOIN zone_class cb ON cb.id = g.target"
    " WHERE ST_Area(g.geom::geography) > :least AND ca.class_code <> cb.class_code"
    " ORDER BY area_m2 DESC, origin, target"
)
# Measured and not subtracted: along a long edge the sum of two geodesic areas is not quite the area
# of their union, and the difference would look like land.
_UNSHARED = text(
    "SELECT c.class_code AS code, sum(ST_Area(ST_Difference(a.geom, coalesce("
    "(SELECT ST_Union(b.geom) FROM zone b WHERE b.scheme_id = :other AND b.deleted_at IS NULL"
    " AND b.geom && a.geom), 'SRID=4490;POLYGON EMPTY'))::geography)) AS area_m2"
    " FROM zone a JOIN zone_class c ON c.id = a.class_id"
    " WHERE a.scheme_id = :id AND a.deleted_at IS NULL AND a.geom IS NOT NULL"
    " GROUP BY c.class_code"
)


@dataclass(frozen=True, slots=True)
class ClassArea:
    """A class of a scheme and its area; None when nobody has drawn it."""

    code: str
    name_zh: str
    name_en: str
    order_no: int
    area_m2: float | None


@dataclass(frozen=True, slots=True)
class ZoningComparison:
    """Two zonings side by side, measured on the ellipsoid.

    Attributes:
        before: The classes of the first.
        after: The classes of the second.
        moved: Area of each class of the first that is of each class of the second.
        left: Area of each class of the first that the second does not cover.
        entered: Area of each class of the second that the first does not cover.
    """

    before: Sequence[ClassArea]
    after: Sequence[ClassArea]
    moved: dict[tuple[str, str], float]
    left: dict[str, float]
    entered: dict[str, float]

    @property
    def changed_m2(self) -> float:
        """Area in both that is of another class."""
        return sum(area for (origin, target), area in self.moved.items() if origin != target)

    @property
    def unchanged_m2(self) -> float:
        """Area in both that is of the same class."""
        return sum(area for (origin, target), area in self.moved.items() if origin == target)


async def compare_schemes(session: AsyncSession, first: int, second: int) -> ZoningComparison:
    """Compare the zones of two versions or two schemes."""
    before = (await session.execute(_CLASSES, {"id": first})).all()
    after = (await session.execute(_CLASSES, {"id": second})).all()
    moves = (await session.execute(_MOVES, {"id": first, "other": second})).all()
    return ZoningComparison(
        [ClassArea(*row) for row in before],
        [ClassArea(*row) for row in after],
        {(row.origin, row.target): row.area_m2 for row in moves if row.area_m2 > 0},
        left=await _unshared(session, first, second),
        entered=await _unshared(session, second, first),
    )


async def _unshared(session: AsyncSession, scheme_id: int, other: int) -> dict[str, float]:
    rows = (await session.execute(_UNSHARED, {"id": scheme_id, "other": other})).all()
    return {row.code: row.area_m2 for row in rows if row.area_m2 > 0}


async def list_differences(
    session: AsyncSession, first: int, second: int
) -> Sequence[Mapping[str, Any]]:
    """Where two zonings differ: `origin` and `target` class, `color` of the target, `geometry` as
    GeoJSON text, `area_m2`; the largest first, rounding left out."""
    asked = {"id": first, "other": second, "least": ROUNDING_M2}
    return [dict(row) for row in (await session.execute(_DIFFERENCES, asked)).mappings()]


SLIVER_M2 = 1_000.0
"""A gap smaller than this is a sliver: the border of cells, not a place somebody forgot."""
MOST_LISTED = 100

_GAPS = text(
    f"{GAP} SELECT ST_Area(geom::geography) AS area_m2, ST_X(ST_PointOnSurface(geom)) AS lon,"  # noqa: S608
    " ST_Y(ST_PointOnSurface(geom)) AS lat FROM gap ORDER BY area_m2 DESC"
)
_TOTALS = text(
    "SELECT r.area_m2 AS region, coalesce(sum(z.area_m2), 0) AS zones, count(z.id) AS number,"
    " count(z.id) FILTER (WHERE z.geom IS NULL) AS undrawn"
    " FROM zone_scheme s JOIN region r ON r.id = s.region_id"
    " LEFT JOIN zone z ON z.scheme_id = s.id AND z.deleted_at IS NULL WHERE s.id = :id"
    " GROUP BY r.id"
)


@dataclass(frozen=True, slots=True)
class Topology:
    """What is wrong with the coverage of a scheme, measured on the ellipsoid.

    Attributes:
        region_m2: Area of the region; None where nobody has drawn it.
        zones_m2: Sum of the zones' areas.
        zones: Number of zones.
        undrawn: How many of them have no geometry.
        overlaps: Pairs of zones that share an area, the largest first.
        gaps: Places of the region in no zone, the largest first; slivers are left out.
        gap_m2: Area of all gaps, slivers included.
        slivers: Number of gaps too small to be listed.
    """

    region_m2: float | None
    zones_m2: float
    zones: int
    undrawn: int
    overlaps: list[dict[str, Any]]
    gaps: list[dict[str, Any]]
    gap_m2: float
    slivers: int

    @property
    def overlap_m2(self) -> float:
        """Area that lies in two zones."""
        return float(sum(item["area_m2"] for item in self.overlaps))

    @property
    def gap_percent(self) -> float | None:
        """Share of the region that lies in no zone."""
        return 100 * self.gap_m2 / self.region_m2 if self.region_m2 else None


async def measure_topology(session: AsyncSession, scheme_id: int) -> Topology:
    """Measure overlaps and gaps of a scheme's zones."""
    values = {"id": scheme_id}
    totals = (await session.execute(_TOTALS, values)).one()
    shared = await session.execute(OVERLAPS, {**values, "rounding": ROUNDING_M2})
    overlaps = [dict(row) for row in shared.mappings()]
    found = [] if totals.region is None else (await session.execute(_GAPS, values)).all()
    gaps = [row for row in found if row.area_m2 >= SLIVER_M2]
    return Topology(
        region_m2=totals.region,
        zones_m2=totals.zones,
        zones=totals.number,
        undrawn=totals.undrawn,
        overlaps=overlaps,
        gaps=[
            {"area_m2": row.area_m2, "point": [round(row.lon, 6), round(row.lat, 6)]}
            for row in gaps[:MOST_LISTED]
        ],
        gap_m2=float(sum(row.area_m2 for row in found)),
        slivers=len(found) - len(gaps),
    )

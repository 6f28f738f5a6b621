"""Whether the zones of a scheme cover their region, each place once."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

SLIVER_M2 = 1_000.0
"""A gap smaller than this is a sliver: the border of cells, not a place somebody forgot."""
MOST_LISTED = 100

_OVERLAPS = text(
    "SELECT a.code AS first, b.code AS second,"
    " ST_Area(ST_Intersection(a.geom, b.geom)::geography) AS area_m2"
    " FROM zone a JOIN zone b ON b.scheme_id = a.scheme_id AND b.id > a.id AND a.geom && b.geom"
    " WHERE a.scheme_id = :id AND a.deleted_at IS NULL AND b.deleted_at IS NULL"
    " AND ST_Relate(a.geom, b.geom, '2********') ORDER BY area_m2 DESC, a.code, b.code"
)
_GAPS = text(
    "WITH gap AS (SELECT (ST_Dump(ST_CollectionExtract(ST_Difference(r.geom,"
    " coalesce((SELECT ST_Union(z.geom) FROM zone z"
    " WHERE z.scheme_id = s.id AND z.deleted_at IS NULL), 'SRID=4490;POLYGON EMPTY')), 3))).geom"
    " FROM zone_scheme s JOIN region r ON r.id = s.region_id WHERE s.id = :id)"
    " SELECT ST_Area(geom::geography) AS area_m2, ST_X(ST_PointOnSurface(geom)) AS lon,"
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
    overlaps = [dict(row) for row in (await session.execute(_OVERLAPS, values)).mappings()]
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

"""What maps of bulletins show: the zoning in force on a day, and the corridors."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.features.columns import IN_FORCE, holds_on
from shanhai.db.features.corridors import CORRIDORS
from shanhai.db.features.selection import viewer_values, visibility
from shanhai.db.identity import Viewer

DIGITS = 5
"""Decimals of degrees: a metre, much less than a map of a region shows."""
GRAIN_DEGREES = 0.0005
"""Shapes are drawn a few hundred pixels wide; what is smaller than this cannot be seen."""
_SCHEME = text("""
  SELECT id, code, name_zh, name_en FROM zone_scheme
   WHERE region_id = :region AND status IN ('published', 'superseded') AND deleted_at IS NULL
     AND valid_from <= :day AND (valid_to IS NULL OR valid_to > :day)
     AND EXISTS (SELECT FROM zone z WHERE z.scheme_id = zone_scheme.id
                    AND z.geom IS NOT NULL AND z.deleted_at IS NULL)
   ORDER BY valid_from DESC, id DESC LIMIT 1
""")
_ZONES = text("""
  SELECT c.class_code, c.name_zh, c.name_en, c.color, sum(z.area_m2) AS area_m2,
         CAST(ST_AsGeoJSON(ST_CollectionExtract(ST_Collect(
           ST_SimplifyPreserveTopology(z.geom, :grain)), 3), :digits, 0) AS jsonb) AS geometry
    FROM zone z JOIN zone_class c ON c.id = z.class_id
   WHERE z.scheme_id = :scheme AND z.geom IS NOT NULL AND z.deleted_at IS NULL
   GROUP BY c.class_code, c.name_zh, c.name_en, c.color, c.order_no
   ORDER BY c.order_no, c.class_code
""")


@dataclass(frozen=True, slots=True)
class Scheme:
    """A zoning in force."""

    id: int
    code: str
    name_zh: str
    name_en: str


@dataclass(frozen=True, slots=True)
class ZoneShape:
    """All zones of one class of a scheme; the geometry is GeoJSON, generalised."""

    code: str
    name_zh: str
    name_en: str
    color: str | None
    area_m2: float
    geometry: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class CorridorShape:
    """A corridor; its geometry is GeoJSON, generalised."""

    type: str
    length_m: float
    geometry: dict[str, Any] | None


async def find_scheme(session: AsyncSession, region_id: int, day: date) -> Scheme | None:
    """The published zoning of a region that was in force on a day and is drawn."""
    row = (await session.execute(_SCHEME, {"region": region_id, "day": day})).first()
    return None if row is None else Scheme(*row)


async def read_zones(session: AsyncSession, scheme_id: int) -> list[ZoneShape]:
    """The classes of a zoning with their areas and shapes."""
    values = {"scheme": scheme_id, "grain": GRAIN_DEGREES, "digits": DIGITS}
    return [ZoneShape(*row) for row in await session.execute(_ZONES, values)]


async def read_corridors(
    session: AsyncSession, region_id: int, viewer: Viewer
) -> list[CorridorShape]:
    """The corridors of a region a viewer may know of that are drawn, the longest first."""
    met = (
        *(CORRIDORS.live, CORRIDORS.published, CORRIDORS.current),
        holds_on(IN_FORCE, "current_date"),
        *("co.region_id = :region", "co.geom IS NOT NULL"),
        *visibility(CORRIDORS, viewer),
    )
    query = text(
        "SELECT co.type, co.length_m, CAST(ST_AsGeoJSON("  # noqa: S608 - constants
        "ST_SimplifyPreserveTopology(co.geom, :grain), :digits, 0) AS jsonb)"
        f" FROM {CORRIDORS.source} WHERE {' AND '.join(f'({one})' for one in met)}"
        " ORDER BY co.length_m DESC, co.code LIMIT 2000"
    )
    values = {"region": region_id, "grain": GRAIN_DEGREES, "digits": DIGITS}
    rows = await session.execute(query, {**values, **viewer_values(viewer)})
    return [CorridorShape(*row) for row in rows]

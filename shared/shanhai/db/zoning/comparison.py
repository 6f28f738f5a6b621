"""What differs between two zonings: the area that moved from class to class."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

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

"""Lines of a region that are known: those it has are drawn, of the others there are none."""

from collections.abc import Collection
from datetime import date

from shapely import Polygon
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.tables.control import ControlArea, ControlRule
from shanhai.db.tables.zone import Region
from shanhai.vocabulary import CONTROL_KINDS, codes

LONG_AGO = date(1990, 1, 1)


def red_line(region: Region, shape: Polygon) -> ControlArea:
    """A published red line of a region."""
    return ControlArea(
        visibility="public",
        code="red-1",
        name_zh="线",
        name_en="Line",
        kind="red_line",
        region_id=region.id,
        status="published",
        valid_from=LONG_AGO,
        geom=f"SRID=4490;{shape.wkt}",
    )


async def register_lines(
    session: AsyncSession, region: Region, *, but: Collection[str] = (), rule: bool = True
) -> None:
    """Register that a region has no line of any kind, but for some.

    Args:
        but: Kinds that are left unregistered.
        rule: Whether a rule that encourages restoration is put as well, if there is none.
    """
    session.add_all(
        ControlArea(
            visibility="public",
            code=f"{region.code}.no-{kind}",
            name_zh="无",
            name_en="None",
            kind=kind,
            region_id=region.id,
            status="published",
            valid_from=LONG_AGO,
            approved_area_km2=0,
        )
        for kind in codes(CONTROL_KINDS)
        if kind not in but
    )
    if rule and await session.scalar(select(ControlRule.id).limit(1)) is None:
        session.add(
            ControlRule(
                code="restoration",
                scope="everywhere",
                activity="restoration_project",
                decision="encouraged",
            )
        )
    await session.flush()

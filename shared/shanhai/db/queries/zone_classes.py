"""The classes of the kinds of scheme."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.tables import ZoneClass


async def list_zone_classes(
    session: AsyncSession, *, scheme_kind: str | None = None
) -> Sequence[ZoneClass]:
    """All classes, or those of one kind of scheme, in their order."""
    query = select(ZoneClass).where(ZoneClass.deleted_at.is_(None))
    query = query.order_by(ZoneClass.scheme_kind, ZoneClass.order_no)
    if scheme_kind is not None:
        query = query.where(ZoneClass.scheme_kind == scheme_kind)
    return (await session.scalars(query)).all()

"""Bulletins as they are read: what is published by everybody it is meant for, drafts by few."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from shanhai.db.identity import Viewer
from shanhai.db.tables.delivery import Bulletin
from shanhai.db.tables.plan import Plan
from shanhai.db.tables.zone import Region
from shanhai.errors import NotFound

_BELOW = text("""
  WITH RECURSIVE within (id) AS (
    SELECT id FROM region WHERE code = :code
    UNION
    SELECT region.id FROM region JOIN within ON region.parent_id = within.id
  ) SELECT id FROM within
""")


@dataclass(frozen=True, slots=True)
class SeenBulletin:
    """A bulletin with the codes of its region, plan, and the bulletins before and after it."""

    bulletin: Bulletin
    region: str
    region_zh: str
    region_en: str
    plan: str | None
    corrects: str | None
    corrected_by: str | None = None


@dataclass(frozen=True, slots=True)
class BulletinFilter:
    """Which bulletins are asked for; those of a period meet it."""

    region: str | None = None
    state: str | None = None
    first: date | None = None
    last: date | None = None


def visible_to(viewer: Viewer) -> ColumnElement[bool] | None:
    """Bulletins a viewer may know of; None where nothing is hidden.

    Those made of public data once they are published; all others where the viewer works.
    """
    if viewer.sees_all:
        return None
    public = and_(Bulletin.state == "published", Bulletin.is_public)
    if not viewer.regions:
        return public
    return or_(public, Bulletin.region_id.in_(sorted(viewer.regions)))


async def find_bulletin(session: AsyncSession, code: str, viewer: Viewer) -> SeenBulletin:
    """A bulletin.

    Raises:
        NotFound: there is none the viewer may know of.
    """
    query = _seen(viewer).where(Bulletin.code == code)
    row = None if "\x00" in code else (await session.execute(query)).first()
    if row is None:
        raise NotFound(f"there is no bulletin {code!r}", message_zh=f"没有公报 {code!r}")
    after = select(Bulletin.code).where(
        Bulletin.corrects_id == row[0].id, Bulletin.state == "published"
    )
    return replace(SeenBulletin(*row), corrected_by=await session.scalar(after.limit(1)))


async def list_bulletins(
    session: AsyncSession,
    viewer: Viewer,
    asked: BulletinFilter,
    *,
    limit: int,
    before: tuple[date, int] | None = None,
) -> Sequence[SeenBulletin]:
    """Bulletins, those of the latest periods first.

    Args:
        asked: Of which region, with those below it; in which state; of which days.
        before: Only those behind the one of this last day and id.
    """
    own = Bulletin
    query = _seen(viewer).order_by(own.last_day.desc(), own.id.desc()).limit(limit)
    if asked.region is not None:
        within = (await session.scalars(_BELOW, {"code": asked.region})).all()
        query = query.where(own.region_id.in_(within))
    if asked.state is not None:
        query = query.where(own.state == asked.state)
    if asked.first is not None:
        query = query.where(own.last_day >= asked.first)
    if asked.last is not None:
        query = query.where(own.first_day <= asked.last)
    if before is not None:
        query = query.where(tuple_(own.last_day, own.id) < before)
    return [SeenBulletin(*row) for row in await session.execute(query)]


def _seen(viewer: Viewer) -> Any:
    former = aliased(Bulletin)
    query: Any = (
        select(Bulletin, Region.code, Region.name_zh, Region.name_en, Plan.code, former.code)
        .join(Region, Region.id == Bulletin.region_id)
        .outerjoin(Plan, Plan.id == Bulletin.plan_id)
        .outerjoin(former, former.id == Bulletin.corrects_id)
    )
    met = visible_to(viewer)
    return query if met is None else query.where(met)

"""What a job's inputs refer to: regions, plans, datasets and uploads, found by code."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, or_, select
from sqlalchemy.dialects.postgresql import JSONB, distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.tables.dataset import Dataset, Upload
from shanhai.db.tables.plan import Plan
from shanhai.db.tables.zone import Region, SchemeClass

COORDINATE_DIGITS = 9
"""Decimals of degrees handed to computations: a tenth of a millimetre."""


@dataclass(frozen=True, slots=True)
class RegionRow:
    """A region with its geometry as GeoJSON in longitude, latitude."""

    id: int
    code: str
    name_zh: str
    name_en: str
    parent_id: int | None
    metric_srid: int | None
    geometry: dict[str, Any] | None


async def find_region(session: AsyncSession, code: str) -> RegionRow | None:
    """The region of that code as it is today."""
    statement = _select_regions().where(Region.code == code)
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else RegionRow(*row)


async def find_districts(session: AsyncSession, region_id: int) -> Sequence[RegionRow]:
    """The districts of a region that have a geometry, by code."""
    statement = (
        _select_regions()
        .where(Region.parent_id == region_id, Region.level == "district", Region.geom.is_not(None))
        .order_by(Region.code)
    )
    return [RegionRow(*row) for row in await session.execute(statement)]


async def find_regions_within(
    session: AsyncSession, region_id: int, level: str
) -> Sequence[RegionRow]:
    """The regions of a level, at any depth below a region, that have a geometry, by code."""
    below = select(Region.id).where(Region.parent_id == region_id).cte("below", recursive=True)
    below = below.union(select(Region.id).where(Region.parent_id == below.c.id))
    statement = (
        _select_regions()
        .where(Region.id.in_(select(below.c.id)), Region.level == level, Region.geom.is_not(None))
        .order_by(Region.code)
    )
    return [RegionRow(*row) for row in await session.execute(statement)]


async def find_plan(session: AsyncSession, code: str) -> Plan | None:
    """The plan of that code."""
    return await session.scalar(select(Plan).where(Plan.code == code, Plan.deleted_at.is_(None)))


async def find_datasets(session: AsyncSession, codes: Collection[str]) -> dict[str, Dataset]:
    """The live datasets among `codes`, by code."""
    statement = select(Dataset).where(Dataset.code.in_(codes), Dataset.deleted_at.is_(None))
    return {dataset.code: dataset for dataset in await session.scalars(statement)}


async def find_newest_datasets(
    session: AsyncSession, region: RegionRow, themes: Collection[str]
) -> dict[str, Dataset]:
    """The newest imported dataset per theme; the region's own come before its parent's."""
    statement = (
        select(Dataset)
        .where(
            Dataset.region_id.in_(places_of(region)),
            Dataset.theme.in_(themes),
            Dataset.origin == "imported",
            Dataset.deleted_at.is_(None),
        )
        .ext(distinct_on(Dataset.theme))
        .order_by(
            Dataset.theme,
            (Dataset.region_id == region.id).desc(),
            Dataset.created_at.desc(),
            Dataset.id.desc(),
        )
    )
    return {dataset.theme: dataset for dataset in await session.scalars(statement)}


async def find_upload(session: AsyncSession, upload_id: UUID, *, owner: str) -> Upload | None:
    """An upload of this owner that has not expired."""
    statement = select(Upload).where(
        Upload.id == upload_id, Upload.owner == owner, Upload.expires_at > func.now()
    )
    return await session.scalar(statement)


def places_of(region: RegionRow) -> tuple[int, ...]:
    """The regions whose datasets may serve this one: itself and its parent."""
    return (region.id,) if region.parent_id is None else (region.id, region.parent_id)


def _select_regions() -> Select[Any]:
    return select(
        Region.id,
        Region.code,
        Region.name_zh,
        Region.name_en,
        Region.parent_id,
        Region.metric_srid,
        func.ST_AsGeoJSON(Region.geom, COORDINATE_DIGITS, 0).cast(JSONB),
    ).where(
        Region.deleted_at.is_(None),
        Region.valid_from <= func.current_date(),
        or_(Region.valid_to.is_(None), Region.valid_to > func.current_date()),
    )


async def list_zone_classes(
    session: AsyncSession, *, scheme_kind: str | None = None
) -> Sequence[SchemeClass]:
    """All classes, or those of one kind of scheme, in their order."""
    query = select(SchemeClass).where(SchemeClass.deleted_at.is_(None))
    query = query.order_by(SchemeClass.scheme_kind, SchemeClass.order_no)
    if scheme_kind is not None:
        query = query.where(SchemeClass.scheme_kind == scheme_kind)
    return (await session.scalars(query)).all()

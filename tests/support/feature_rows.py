"""Rows that tests of collections need: jobs that ended, schemes, zones."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.catalogue import ENTITIES
from shanhai.db.tables.job import Job
from shanhai.db.tables.zone import Region, SchemeClass, Zone, ZoneScheme
from shanhai.vocabulary import SUPPLY_DEMAND, ZONE_CLASSES
from tests.support.emptying import KEPT, forget_rows
from tests.support.job_rows import CHECKSUM, add_region

Bounds = tuple[float, float, float, float]


_CELL = "ST_Multi(ST_MakeEnvelope(100 + x, 20 + y, 101 + x, 21 + y, 4490))"
_CELLS = "FROM generate_series(0, 49) x, generate_series(0, 49) y"
PATCHED_REGIONS = f"""
    INSERT INTO region (code, name_zh, name_en, level, geom)
    SELECT concat(x, '-', y), '区', 'r', 'city', {_CELL} {_CELLS}"""
PATCHED_ZONES = f"""
    INSERT INTO zone (scheme_id, class_id, code, geom)
    SELECT :scheme, (SELECT min(id) FROM zone_class), concat(x, '-', y), {_CELL}
    {_CELLS}"""
PATCHED_DATASETS = f"""
    INSERT INTO dataset (code, name_zh, name_en, region_id, theme, uri, checksum, bytes, crs, grid,
                         origin, footprint)
    SELECT concat(x, '-', y), '数', 'd', :region, 'dem', concat('objects/', x, '-', y),
           '{CHECKSUM}', 1, 'EPSG:4490', '{{}}', 'imported', {_CELL}
    {_CELLS}"""


async def add_job(
    session: AsyncSession, *, kind: str = "delineate-zones", status: str = "accepted", **values: Any
) -> Job:
    """A job in any state, as if it had come there by itself."""
    job = Job(**{"kind": kind, "requested_by": "tester", "status": status, **values})
    session.add(job)
    await session.flush()
    await session.refresh(job)
    return job


async def add_scheme(
    session: AsyncSession,
    region: Region,
    *,
    code: str = "city.supply_demand",
    status: str = "published",
    version: int = 1,
    valid: tuple[date | None, date | None] = (date(2024, 1, 1), None),
    job_id: UUID | None = None,
) -> ZoneScheme:
    """A version of a zoning, drawn unless it has a job."""
    scheme = ZoneScheme(
        code=code,
        name_zh=f"方案 {code}",
        name_en=f"Scheme {code}",
        region_id=region.id,
        kind=SUPPLY_DEMAND,
        origin="drawn" if job_id is None else "computed",
        job_id=job_id,
        status=status,
        version=version,
        valid_from=valid[0],
        valid_to=valid[1],
    )
    session.add(scheme)
    await session.flush()
    return scheme


async def add_zone(
    session: AsyncSession, scheme: ZoneScheme, class_code: str, bounds: Bounds | None
) -> Zone:
    """A rectangular zone (west, south, east, north), or one nobody has drawn."""
    class_id = await session.scalar(
        select(SchemeClass.id).where(
            SchemeClass.scheme_kind == scheme.kind, SchemeClass.class_code == class_code
        )
    )
    zone = Zone(
        scheme_id=scheme.id,
        class_id=class_id,
        code=f"{scheme.code}.{class_code}",
        geom=None if bounds is None else func.ST_Multi(func.ST_MakeEnvelope(*bounds, 4490)),
        attrs={"share_percent": 20.0, "cells": 100, "flags": []},
    )
    session.add(zone)
    await session.flush()
    return zone


async def add_five_zones(session: AsyncSession, scheme: ZoneScheme) -> list[Zone]:
    """One zone per class, side by side from 118.0° E on, 0.1° wide."""
    return [
        await add_zone(
            session,
            scheme,
            zone_class.code,
            (118 + number / 10, 24.4, 118.1 + number / 10, 24.5),
        )
        for number, zone_class in enumerate(ZONE_CLASSES)
    ]


async def add_patchwork(session: AsyncSession) -> None:
    """A degree each, 2 500 regions, zones and datasets: enough for the way to rows to matter."""
    city = await add_region(session, "city")
    scheme = await add_scheme(session, city)
    for statement in (PATCHED_REGIONS, PATCHED_ZONES, PATCHED_DATASETS):
        await session.execute(text(statement), {"scheme": scheme.id, "region": city.id})
    await session.execute(text("ANALYZE region, zone, zone_scheme, dataset"))


async def forget_features(session: AsyncSession) -> None:
    """Leave no object, no former state and nothing that refers to one; zone classes are kept."""
    tables = {entity.table for entity in ENTITIES}
    former = {f"{table}_history" for table in tables}
    await forget_rows(session, (tables | former | {"job", "idempotency_key", "upload"}) - KEPT)

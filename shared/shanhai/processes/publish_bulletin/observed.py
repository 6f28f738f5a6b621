"""What stations of a region observed in the period of a bulletin."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Literal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.observations.aggregation import course_of, daily_air, find_stations, period_means
from shanhai.db.queries.jobs import RegionRow
from shanhai.db.tables.observation import ObservedProperty
from shanhai.processes.kit.air_days import days_of
from shanhai.processes.publish_bulletin.contract import MOST_CHARTS, PublishBulletinInputs
from shanhai.processes.publish_bulletin.document.task import (
    AirDaysTask,
    BulletinStation,
    ObservedMean,
    SeriesTask,
)
from shanhai.science.air_quality import DAILY, air_standard
from shanhai.vocabulary import STATION_KINDS, codes

MAIN: tuple[tuple[str, str], ...] = (
    ("land", "pm25"),
    ("land", "o3"),
    ("water_section", "permanganate_index"),
    ("water_section", "ammonia_nitrogen"),
    ("water_section", "total_phosphorus"),
    ("water_section", "dissolved_oxygen"),
    ("sea", "inorganic_nitrogen"),
    ("sea", "active_phosphate"),
)
"""Kinds of stations and properties that are drawn first, where they are observed."""
MOST_DAYS = 92
"""Longer periods are drawn by month."""


async def find_told(
    session: AsyncSession, region: RegionRow, first: date, last: date
) -> tuple[dict[str, int], list[BulletinStation]]:
    """The stations of a region with means of what they observed, and their ids by code."""
    rows = await find_stations(session, region.id, codes(STATION_KINDS))
    ids = {row.code: row.id for row in rows}
    means: dict[int, list[ObservedMean]] = {row.id: [] for row in rows}
    for one in await period_means(session, list(ids.values()), first, last) if rows else ():
        means[one.station_id].append(
            ObservedMean(
                property=one.property, mean=one.mean, months=one.months, number=one.observations
            )
        )
    return ids, [
        BulletinStation(
            code=row.code,
            name_zh=row.name_zh,
            name_en=row.name_en,
            kind=row.kind,
            interval_s=row.interval_s,
            longitude=row.longitude,
            latitude=row.latitude,
            means=means[row.id],
        )
        for row in rows
    ]


async def find_series(
    session: AsyncSession,
    ids: Mapping[str, int],
    stations: Sequence[BulletinStation],
    inputs: PublishBulletinInputs,
) -> list[SeriesTask]:
    """The course of the properties asked for, or of the main ones and those observed most."""
    days = (inputs.last - inputs.first).days + 1
    every: Literal["day", "month"] = "day" if days <= MOST_DAYS else "month"
    known = {row.code: row for row in await session.scalars(select(ObservedProperty))}
    found: list[SeriesTask] = []
    for kind, code in _chosen(stations, inputs):
        own = [ids[one.code] for one in stations if one.kind == kind and _tells(one, code)]
        points = await course_of(session, own, code, inputs.first, inputs.last, every)
        found.append(
            SeriesTask(
                kind=kind,
                property=code,
                name_zh=known[code].name_zh,
                name_en=known[code].name_en,
                unit=known[code].unit,
                stations=len(own),
                every=every,
                points=list(points),
            )
        )
    return found


async def find_air(
    session: AsyncSession,
    ids: Mapping[str, int],
    stations: Sequence[BulletinStation],
    first: date,
    last: date,
) -> AirDaysTask | None:
    """Daily concentrations over the stations on land that tell of the air; None without any."""
    pollutants = air_standard(last).pollutants
    by_property = {pollutants[code].property: code for code in DAILY}
    own = [
        ids[one.code]
        for one in stations
        if one.kind == "land" and any(_tells(one, code) for code in by_property)
    ]
    if not own:
        return None
    daily = await daily_air(session, own, by_property, first, last)
    return AirDaysTask(
        stations=len(own),
        hours=sum(one.hours for one in daily),
        days=days_of(daily, by_property, first, last),
    )


def _chosen(
    stations: Sequence[BulletinStation], inputs: PublishBulletinInputs
) -> list[tuple[str, str]]:
    """Kinds of stations and properties to be drawn, in their order."""
    numbers: dict[tuple[str, str], int] = {}
    for one in stations:
        for mean in one.means:
            key = (one.kind, mean.property)
            numbers[key] = numbers.get(key, 0) + mean.number
    if inputs.properties is not None:
        asked = [key for code in inputs.properties for key in sorted(numbers) if key[1] == code]
        return asked[:MOST_CHARTS]
    most = sorted(numbers, key=lambda key: (-numbers[key], key))
    return list(dict.fromkeys([*(key for key in MAIN if key in numbers), *most]))[:MOST_CHARTS]


def _tells(station: BulletinStation, code: str) -> bool:
    return any(mean.property == code for mean in station.means)

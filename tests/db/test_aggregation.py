"""Means of observations by station and year, and of a region's air by day, on PostGIS."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from shanhai.db.engine import Sessions
from shanhai.db.observations.aggregation import (
    course_of,
    daily_air,
    find_stations,
    period_means,
    yearly_means,
)
from shanhai.db.observations.rollups import sum_up
from shanhai.db.tables.observation import ObservedProperty
from shanhai.db.tables.station import Station
from shanhai.db.tables.zone import Region
from shanhai.monitoring.observation import FeedObservation
from shanhai.science.air_quality import AIR_STANDARDS, load_air_standard
from shanhai.science.water_quality import WATER_STANDARDS, load_water_standard
from tests.support.emptying import forget_rows
from tests.support.job_rows import add_region
from tests.support.observation_rows import add_station, forget_observations, store_observations

MIDNIGHT = datetime(2024, 7, 1, tzinfo=UTC) - timedelta(hours=8)
"""The first hour of July where the plans are made."""
YEAR = (date(2024, 1, 1), date(2024, 12, 31))


@pytest.fixture(autouse=True)
async def city_and_district(sessions: Sessions) -> None:
    async with sessions.begin() as session:
        await forget_observations(session)
        await forget_rows(session, ["region"])
        region = await add_region(session, "city")
        await add_region(session, "district", parent=region, box=None)


async def add(sessions: Sessions, *codes: str, kind: str = "land") -> list[int]:
    async with sessions.begin() as session:
        region = await session.scalar(select(Region).where(Region.code == "city"))
        return [(await add_station(session, code, region=region, kind=kind)).id for code in codes]


def hourly(station: str, code: str, values: dict[int, float]) -> list[FeedObservation]:
    return [
        FeedObservation(station, code, MIDNIGHT + timedelta(hours=hour), value)
        for hour, value in values.items()
    ]


async def test_months_count_alike_whether_they_are_summed_up_or_due(sessions: Sessions) -> None:
    section, other = await add(sessions, "section", "other", kind="water_section")
    january = datetime(2024, 1, 10, tzinfo=UTC)
    given = [
        # Three values on the tenth, one on the next day.
        *(
            FeedObservation("section", "cod", january + n * timedelta(hours=6), 10.0)
            for n in range(4)
        ),
        FeedObservation("section", "cod", january + timedelta(days=40), 20.0),
        FeedObservation("section", "cod", january + timedelta(days=41), 9999.0, quality="fault"),
        *(
            FeedObservation("other", "cod", january + timedelta(days=40, hours=n), 40.0)
            for n in (0, 1)
        ),
        # The last hour of December in Greenwich is of the next year where the plans are made.
        FeedObservation("section", "cod", datetime(2023, 12, 31, 23, tzinfo=UTC), 35.0),
    ]
    await store_observations(sessions, given)
    for before in (None, date(2024, 1, 13), date(2025, 1, 1)):
        async with sessions.begin() as session:
            if before is not None:
                await sum_up(session, before=before)
            (found,) = await yearly_means(session, [section], ["cod"], [2023, 2024])
            (period,) = await period_means(session, [section], *YEAR)
            months = await course_of(session, [section, other], "cod", *YEAR, "month")
            days = await course_of(session, [section, other], "cod", *YEAR, "day")
        assert (found.property, found.year, found.months, found.observations) == ("cod", 2024, 2, 6)
        assert (period.property, period.months, period.observations) == ("cod", 2, 6)
        # (4 · 10 + 35) ÷ 5 = 15 in January, 20 in February, when the other station tells 40
        assert [found.mean, period.mean] == pytest.approx([17.5, 17.5])
        assert months == [(date(2024, 1, 1), pytest.approx(15.0)), (date(2024, 2, 1), 30.0)]
        assert [(day.day, mean) for day, mean in days] == [(1, 35), (10, 10), (11, 10), (19, 30)]


async def test_a_mean_of_decimals_is_the_decimal_it_is(sessions: Sessions) -> None:
    (station,) = await add(sessions, "a")
    values = (0.1, 0.2, 0.3)
    assert sum(values) / 3 > 0.2
    given = [
        FeedObservation("a", "cod", datetime(2024, month, 1, 4, tzinfo=UTC), value)
        for month, value in enumerate(values, 1)
    ]
    await store_observations(sessions, given)
    async with sessions() as session:
        (found,) = await yearly_means(session, [station], ["cod"], [2024])
        (period,) = await period_means(session, [station], *YEAR)
    assert [found.mean, period.mean] == [0.2, 0.2]


async def test_a_day_of_air_needs_most_of_its_hours(sessions: Sessions) -> None:
    station, _ = await add(sessions, "a", "b")
    given = [
        *hourly("a", "pm25", dict.fromkeys(range(20), 40.0)),
        *hourly("a", "pm25", {24 + hour: 40.0 for hour in range(19)}),
        *hourly("a", "so2", {hour: float(hour) for hour in range(24)}),
    ]
    await store_observations(sessions, given)
    async with sessions() as session:
        found = await daily_air(session, [station], ["pm25", "so2"], *YEAR)
    assert [(one.property, one.day, one.mean, one.hours) for one in found] == [
        ("pm25", date(2024, 7, 1), 40.0, 20),
        ("so2", date(2024, 7, 1), 11.5, 24),
    ]


async def test_ozone_is_told_by_its_greatest_eight_hours(sessions: Sessions) -> None:
    (station,) = await add(sessions, "a")
    first = {hour: 100.0 if 10 <= hour < 18 else 20.0 for hour in range(24)} | {13: 180.0}
    few = {24 + hour: 160.0 for hour in range(18)}
    bad = {48 + hour: 170.0 for hour in range(8)}
    enough = {72 + hour: 90.0 for hour in range(19)}
    # Every eight hours lack two at most; those that are highest end with one that is missing.
    holes = {
        96 + hour: 100.0 if 13 <= hour < 20 else 20.0
        for hour in range(24)
        if hour not in {8, 11, 16, 20}
    }
    given = {**first, **few, **bad, **enough, **holes}
    await store_observations(sessions, hourly("a", "o3", given))
    async with sessions() as session:
        found = await daily_air(session, [station], ["o3"], *YEAR)
    # The second day has 13 means and is on the limit, the third above it with 3; the fourth has 14.
    assert [(one.day.day, one.mean, one.hours) for one in found] == [
        (1, 110.0, 24),
        (3, 170.0, 8),
        (4, 90.0, 19),
        (5, 100.0, 20),
    ]


async def test_a_region_needs_three_quarters_of_its_stations(sessions: Sessions) -> None:
    ids = await add(sessions, "a", "b", "c", "d")
    given = [
        observation
        for code, days, value in (("a", 2, 40.0), ("b", 2, 50.0), ("c", 2, 60.0), ("d", 1, 90.0))
        for observation in hourly(code, "pm10", dict.fromkeys(range(24 * days), value))
    ]
    given += [
        observation
        for code in ("a", "b")
        for observation in hourly(code, "pm10", {48 + hour: 50.0 for hour in range(24)})
    ]
    await store_observations(sessions, given)
    async with sessions() as session:
        found = await daily_air(session, ids, ["pm10"], *YEAR)
    assert [(one.day.day, one.mean, one.hours) for one in found] == [(1, 60, 96), (2, 50, 72)]


async def test_stations_belong_to_a_region_or_lie_in_it(sessions: Sessions) -> None:
    async with sessions.begin() as session:
        city = await session.scalar(select(Region).where(Region.code == "city"))
        district = await session.scalar(select(Region).where(Region.code == "district"))
        assert city is not None
        await add_station(session, "of_district", region=district, place=(0.0, 0.0))
        await add_station(session, "inside", place=(118.05, 24.45))
        await add_station(session, "outside", place=(0.0, 0.0))
        await add_station(session, "other_kind", place=(118.05, 24.45), kind="sea")
        gone = await add_station(session, "gone", region=city)
        gone.deleted_at = datetime.now(UTC)
        found = await find_stations(session, city.id, ["land"])
        assert [one.code for one in found] == ["inside", "of_district"]
        assert await session.scalar(select(Station.id).where(Station.code == "outside"))


async def test_standards_have_the_units_of_the_properties(sessions: Sessions) -> None:
    """Means are judged by limits as they are, so the two must be in one unit."""
    async with sessions() as session:
        rows = await session.execute(select(ObservedProperty.code, ObservedProperty.unit))
        units = {row.code: row.unit for row in rows}
    water = [item for name in WATER_STANDARDS for item in load_water_standard(name).items]
    assert {item.code: item.unit for item in water} == {
        item.code: units[item.code] for item in water
    }
    air = load_air_standard(AIR_STANDARDS[0]).pollutants.values()
    assert {one.property: one.unit for one in air} == {
        one.property: units[one.property] for one in air
    }

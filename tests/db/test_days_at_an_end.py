"""Days at the ends of the years 1 to 9999 that were stored before they were refused."""

import asyncio
from datetime import UTC, date, datetime

from sqlalchemy import text

from shanhai.db.changes import read_changes, read_head
from shanhai.db.collections.catalogue import entity_named
from shanhai.db.engine import Sessions
from shanhai.db.identity import EVERYTHING
from shanhai.db.migrate import upgrade
from shanhai.db.queries.audit_chain import verify_chain
from shanhai.db.tables.duty import Duty
from shanhai.db.tables.job import Schedule
from shanhai.db.tables.station import HistoricalLocation
from shanhai.monitoring.observation import FeedObservation
from tests.support.databases import downgrade
from tests.support.indicator_rows import add_plan
from tests.support.job_rows import add_region
from tests.support.observation_rows import add_station, forget_observations, store_observations

NAMES = {"name_zh": "名", "name_en": "Name"}
DAYS = "SELECT code, valid_from::text, valid_to::text, row_version FROM station ORDER BY code"
MOMENT = datetime(2026, 3, 1, tzinfo=UTC)


async def test_stations_of_all_time_go_on_observing(sessions: Sessions) -> None:
    async with sessions.begin() as session:
        await forget_observations(session)
        for code, since in (("first", date.min), ("last", date.max), ("changed", date.min)):
            await add_station(session, code, since=since)
        await session.execute(
            text("UPDATE station SET valid_from = '2026-01-01' WHERE code = 'changed'")
        )
    sent = [FeedObservation(code, "pm25", MOMENT, 7.0) for code in ("first", "last", "changed")]
    assert (await store_observations(sessions, sent)).accepted == 3


async def test_an_upgrade_moves_them_and_tells_of_it(
    fresh_sessions: Sessions, fresh_database_url: str
) -> None:
    async with fresh_sessions.begin() as session:
        city = await add_region(session, "city")
        plan = await add_plan(session, "plan", city)
        first = await add_station(session, "first", since=date.min)
        first.valid_to = date.max
        await add_station(session, "imported", since=date(2020, 1, 1))
        await add_station(session, "never", since=date.max)
        await add_station(session, "sound", since=date(2020, 1, 1))
        session.add(Duty(code="d", plan_id=plan.id, due_on=date.max, last_year=2020, **NAMES))
        session.add(HistoricalLocation(station_id=first.id, since=datetime.min.replace(tzinfo=UTC)))
        timing = {"every_s": 3600, "timezone": "UTC", "priority": 5, "enabled": True}
        latest = datetime.max.replace(tzinfo=UTC)
        session.add(
            Schedule(
                code="s", process="echo", inputs={}, owner="x", starts_at=latest, **timing, **NAMES
            )
        )
        await session.flush()
        await session.execute(
            text("UPDATE station SET valid_to = '9999-12-31' WHERE code = 'imported'")
        )
    async with fresh_sessions() as session:
        since = await read_head(session)
        assert (await session.execute(text(DAYS))).first() == ("first", "-infinity", "infinity", 1)
    await asyncio.to_thread(downgrade, fresh_database_url, "0099")
    for _ in range(2):
        await asyncio.to_thread(upgrade, fresh_database_url)
    async with fresh_sessions() as session:
        assert [tuple(row) for row in await session.execute(text(DAYS))] == [
            ("first", "0001-01-02", None, 2),
            ("imported", "2020-01-01", None, 2),
            ("never", "9999-12-30", None, 2),
            ("sound", "2020-01-01", None, 1),
        ]
        # Were its day left out, the duty would be due at the end of its last year.
        assert await session.scalar(text("SELECT due_on::text FROM duty")) == "9999-12-30"
        moments = "SELECT since FROM historical_location UNION SELECT starts_at FROM schedule"
        assert sorted(await session.scalars(text(moments))) == [
            datetime(1, 1, 2, tzinfo=UTC),
            datetime(9999, 12, 31, tzinfo=UTC),
        ]
        stations = [entity_named("stations")]
        page = await read_changes(session, EVERYTHING, stations, after=since, limit=9)
        assert [one.code for one in page.changes] == ["first", "imported", "never"]
    async with fresh_sessions() as session:
        await verify_chain(session)

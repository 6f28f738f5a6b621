"""The worker sums past days up and makes months ahead."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text

from shanhai.db.engine import Sessions
from shanhai.db.observations.partitions import month_table, months_ahead
from shanhai.db.observations.retention import list_months
from shanhai.db.observations.rollups import sum_up
from shanhai.monitoring.observation import Batch, FeedObservation
from shanhai.shutdown import end
from shanhai_worker import periodic
from shanhai_worker.context import WorkerContext
from shanhai_worker.feeds.intake import open_intake
from tests.support.observation_rows import (
    add_station,
    forget_observations,
    store_observations,
)
from tests.support.workers import eventually


async def test_past_days_are_summed_up_and_months_made_ahead(
    context: WorkerContext, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sessions.begin() as session:
        await forget_observations(session)
        await add_station(session, "kept")
    long_ago = datetime.now(UTC) - timedelta(days=9)
    rows = [
        FeedObservation("kept", "pm25", long_ago + timedelta(days=day), day) for day in range(3)
    ]
    await store_observations(sessions, rows)

    async def summed_up() -> bool:
        async with sessions() as session:
            due = await session.scalar(text("SELECT count(*) FROM rollup_due"))
            days = await session.scalar(text("SELECT count(*) FROM observation_day"))
            return (due, days) == (0, 3)

    monkeypatch.setattr(periodic, "SETTLED", timedelta(0))
    keeping = asyncio.create_task(periodic.maintain_statistics(context))
    try:
        await eventually(summed_up)
    finally:
        await end(keeping)
    async with sessions() as session:
        for month in months_ahead(datetime.now(UTC), periodic.MONTHS_AHEAD):
            found = await session.scalar(
                text("SELECT to_regclass(:name) IS NOT NULL"), {"name": month_table(month)}
            )
            assert found, month


async def test_months_that_are_over_are_put_into_files(
    context: WorkerContext, sessions: Sessions
) -> None:
    async with sessions.begin() as session:
        await forget_observations(session)
        await add_station(session, "closed")
    start = datetime(2021, 2, 3, tzinfo=UTC)
    rows = [FeedObservation("closed", "pm25", start + timedelta(days=day), day) for day in range(3)]
    await store_observations(sessions, rows)
    assert await periodic.keep_months(context, 24) == []
    async with sessions.begin() as session:
        await sum_up(session)
    assert await periodic.keep_months(context, 0) == []
    assert await periodic.keep_months(context, 24) == [date(2021, 2, 1)]
    assert await periodic.keep_months(context, 24) == []
    async with sessions() as session:
        [month] = await list_months(session)
    assert (month.live, month.filed) == (0, 3)
    # A feed brings one again, and another: what is late waits for a day.
    deliveries = [*rows[:1], FeedObservation("closed", "pm25", start, 7)]
    async with open_intake(context, "mqtt", skew=timedelta(minutes=5)) as intake:
        await intake.store(Batch.of(deliveries))
    assert await periodic.keep_months(context, 24) == []
    async with sessions() as session:
        [month] = await list_months(session)
    assert (month.live, month.filed) == (3, 0)


async def test_a_month_whose_file_is_missing_stops_no_other(
    context: WorkerContext, sessions: Sessions, capsys: pytest.CaptureFixture[str]
) -> None:
    async with sessions.begin() as session:
        await forget_observations(session)
        await add_station(session, "lost")
        await add_station(session, "late")
    february, march = (datetime(2021, month, 3, tzinfo=UTC) for month in (2, 3))
    await store_observations(sessions, [FeedObservation("lost", "pm25", february, 1)])
    async with sessions.begin() as session:
        await sum_up(session)
    assert await periodic.keep_months(context, 24) == [date(2021, 2, 1)]
    async with sessions.begin() as session:
        await session.execute(
            text("UPDATE observation_archive SET archived_at = now() - interval '2 days'")
        )
        uri = await session.scalar(text("SELECT uri FROM observation_archive"))
    context.artifacts.local_path(uri or "").unlink()
    late = [FeedObservation("late", "pm25", time, 1) for time in (february, march)]
    await store_observations(sessions, late, files=context.artifacts)
    async with sessions.begin() as session:
        await sum_up(session)
    assert await periodic.keep_months(context, 24) == [date(2021, 3, 1)]
    told = [line for line in capsys.readouterr().out.splitlines() if "month not closed" in line]
    assert len(told) == 1
    assert "2021-02" in told[0]
    assert "missing from the store" in told[0]

"""Months in files: what reading gives is the same as before, whatever comes late or breaks off."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import text

from shanhai.db.engine import Sessions
from shanhai.db.features.selection import Selection
from shanhai.db.identity import EVERYTHING
from shanhai.db.observations.archive import Closed, close_month
from shanhai.db.observations.partitions import month_table
from shanhai.db.observations.properties import change_property
from shanhai.db.observations.queries import (
    EARLIEST,
    SeriesPosition,
    SeriesQuery,
    Value,
    find_properties,
    find_stations,
    read_former,
    read_values,
)
from shanhai.db.observations.retention import (
    demand_closable,
    draw_lines,
    find_due,
    hold_month,
    release_month,
)
from shanhai.db.observations.rollups import EVERY, Rollup, sum_up
from shanhai.db.queries.keys import OPERATOR
from shanhai.errors import InvalidInput, Unavailable
from shanhai.monitoring.observation import BatchOutcome, FeedObservation
from shanhai.storage.artifacts import LocalArtifacts
from tests.support.job_rows import open_sessions
from tests.support.observation_rows import (
    add_station,
    forget_observations,
    read_buckets,
    store_observations,
)

FIRST, SECOND, THIRD = date(2020, 3, 1), date(2020, 4, 1), date(2020, 5, 1)
MONTHS = (FIRST, SECOND, THIRD)
START = datetime(2020, 3, 1, tzinfo=UTC)
END = datetime(2020, 6, 1, tzinfo=UTC)
STATIONS, PROPERTIES = ("a", "b", "c"), ("pm25", "pm10")
FAULTS = ("written", "stored", "checked", "recorded", "emptied", "done")


class KilledError(BaseException):
    """Ends the work at once, as a signal would."""


@pytest.fixture(autouse=True)
async def three_stations(sessions: Sessions) -> None:
    """Sessions on a database with three stations."""
    async with sessions.begin() as session:
        await forget_observations(session)
        for number, code in enumerate(STATIONS):
            await add_station(session, code, place=(118 + number / 10, 24.5))


async def store(
    sessions: Sessions, files: LocalArtifacts, given: list[FeedObservation]
) -> BatchOutcome:
    return await store_observations(sessions, given, files=files)


async def sum_all(sessions: Sessions) -> None:
    async with sessions.begin() as session:
        assert await sum_up(session, most=10_000) < 10_000


async def close(sessions: Sessions, files: LocalArtifacts, *months: date) -> list[Closed | None]:
    return [await close_month(sessions, files, month) for month in months]


async def live(sessions: Sessions, month: date) -> int:
    """How many rows the partition of a month has."""
    async with sessions() as session:
        query = text(f"SELECT count(*) FROM {month_table(month)}")
        return int(await session.scalar(query) or 0)


async def series_of(
    sessions: Sessions,
    *,
    stations: tuple[str, ...] = STATIONS,
    start: datetime = EARLIEST,
    end: datetime = END,
    marked: bool = False,
) -> SeriesQuery:
    async with sessions() as session:
        known = await find_stations(session, Selection(EVERYTHING), stations)
        return SeriesQuery(known, await find_properties(session, PROPERTIES), start, end, marked)


async def values(
    sessions: Sessions,
    files: LocalArtifacts,
    series: SeriesQuery,
    *,
    most: int | None = None,
    after: SeriesPosition | None = None,
) -> list[Value]:
    async with sessions() as session:
        blocks = read_values(session, series, files, most=most, after=after)
        return [row async for block in blocks for row in block]


async def buckets(sessions: Sessions) -> list[list[Rollup]]:
    series = await series_of(sessions)
    known, observed = sorted(series.stations), sorted(series.properties)
    async with sessions() as session:
        found = [
            await read_buckets(session, every, known, observed, EARLIEST, END) for every in EVERY
        ]
    # A sum hangs on the order of its rows, in the last digits.
    return [[one._replace(mean=round(one.mean, 6)) for one in listed] for listed in found]


async def everything(sessions: Sessions, files: LocalArtifacts) -> tuple[Any, ...]:
    """All that can be read: values, marked ones, what they were before, statistics."""
    series = await series_of(sessions)
    found = await values(sessions, files, series)
    marked = await values(sessions, files, await series_of(sessions, marked=True))
    async with sessions() as session:
        former = await read_former(session, found)
    return found, marked, former, await buckets(sessions)


def some(random: Random, number: int) -> list[FeedObservation]:
    """Rows of any series and time, some of them at the edges of months; half of them whole."""
    edges = [START, datetime(2020, 4, 1, tzinfo=UTC), datetime(2020, 3, 31, 16, tzinfo=UTC)]
    times = [
        START + timedelta(microseconds=random.randrange(int((END - START) / timedelta.resolution)))
        for _ in range(number)
    ]
    times = [
        random.choice(edges) if random.random() < 0.1 else time.replace(minute=0, second=0)
        for time in times
    ]
    return [
        FeedObservation(
            random.choice(STATIONS),
            random.choice(PROPERTIES),
            time,
            random.choice((random.uniform(0, 300), 12.5, 20_000.0)),
            quality=random.choice(("N", "N", "M")),
            result_time=random.choice((None, time + timedelta(hours=2))),
            feature=random.choice((0, 7)),
        )
        for time in times
    ]


def hours(station: str, start: datetime, number: int) -> list[FeedObservation]:
    return [
        FeedObservation(station, "pm25", start + hour * timedelta(hours=1), hour % 40 + hour / 1000)
        for hour in range(number)
    ]


@pytest.mark.parametrize("seed", range(4))
async def test_reading_gives_the_same_whatever_is_closed_and_comes_late(
    sessions: Sessions, empty_store: LocalArtifacts, tmp_path: Path, seed: int
) -> None:
    """A database whose months are closed and one whose are not tell the same, step by step."""
    random = Random(seed)  # noqa: S311 - the same rows each time
    steps = [some(random, 60) for _ in range(3)]
    # Some of each step are sent again with other values: revisions.
    steps[1:] = [
        step + [FeedObservation(o.station, o.property, o.time, o.value + 1) for o in before[:20]]
        for before, step in pairwise(steps)
    ]
    told = [await _told(sessions, empty_store, steps, closing=closing) for closing in (False, True)]
    for (outcome, plain), (again, closed) in zip(*told, strict=True):
        assert (outcome.accepted, outcome.duplicates, outcome.revised) == (
            again.accepted,
            again.duplicates,
            again.revised,
        )
        assert _undated(plain) == _undated(closed)


async def _told(
    sessions: Sessions, files: LocalArtifacts, steps: list[list[FeedObservation]], *, closing: bool
) -> list[tuple[BatchOutcome, tuple[Any, ...]]]:
    async with sessions.begin() as session:
        await forget_observations(session)
        for number, code in enumerate(STATIONS):
            await add_station(session, code, place=(118 + number / 10, 24.5))
    received = datetime(2020, 7, 1, tzinfo=UTC)
    found = []
    for step in steps:
        outcome = await store_observations(sessions, step, files=files, received=received)
        # Before they are summed up, statistics come from the rows.
        early = await buckets(sessions)
        await sum_all(sessions)
        assert early == await buckets(sessions)
        if closing:
            assert all(await close(sessions, files, *MONTHS))
            assert [await live(sessions, month) for month in MONTHS] == [0, 0, 0]
        found.append((outcome, await everything(sessions, files)))
    return found


def _undated(told: tuple[Any, ...]) -> Any:
    """What was read, with stations counted from the first: another run has other numbers."""
    found, marked, former, statistics = told
    numbers = sorted({row.station_id for row in found})
    place = {number: at for at, number in enumerate(numbers)}
    rows = [
        [row._replace(station_id=place[row.station_id]) for row in listed]
        for listed in (found, marked)
    ]
    before = {
        (spot.at, place[spot.station_id], spot.property_id): [one[3:6] for one in listed]
        for spot, listed in former.items()
    }
    statistics = [
        [one._replace(station_id=place[one.station_id]) for one in listed] for listed in statistics
    ]
    return rows, before, statistics


async def test_pages_go_on_over_the_border_of_a_closed_month(
    sessions: Sessions, empty_store: LocalArtifacts
) -> None:
    await store(
        sessions, empty_store, [o for code in STATIONS for o in hours(code, START, 24 * 61)]
    )
    await sum_all(sessions)
    series = await series_of(sessions, start=START + timedelta(days=3))
    whole = await values(sessions, empty_store, series)
    assert len(whole) == 3 * 24 * 58
    assert await close(sessions, empty_store, FIRST)
    assert await live(sessions, FIRST) == 0
    assert await values(sessions, empty_store, series) == whole
    found, place = list[Value](), None
    while page := await values(sessions, empty_store, series, most=777, after=place):
        found += page
        place = SeriesPosition(*page[-1][:3])
        assert len(found) <= len(whole), "pages without end"
    assert found == whole
    own = await series_of(sessions, stations=("b",), start=START, end=START + timedelta(hours=5))
    assert [row.value for row in await values(sessions, empty_store, own)] == [
        0,
        1.001,
        2.002,
        3.003,
        4.004,
    ]


async def test_some_of_many_stations_are_read_as_some_of_few(
    sessions: Sessions, empty_store: LocalArtifacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = [o for code in STATIONS for o in hours(code, START, 24 * 3)]
    await store(sessions, empty_store, given)
    series = await series_of(sessions, stations=STATIONS[:2], end=START + timedelta(days=2))
    few = await values(sessions, empty_store, series)
    assert len(few) == 2 * 24 * 2
    monkeypatch.setattr("shanhai.db.observations.queries.MANY_STATIONS", 1)
    assert await values(sessions, empty_store, series) == few
    behind = SeriesPosition(*few[9][:3])
    assert await values(sessions, empty_store, series, most=5, after=behind) == few[10:15]


async def test_a_late_row_fetches_its_own_series_back_and_no_other(
    sessions: Sessions, empty_store: LocalArtifacts
) -> None:
    given = [o for code in STATIONS for o in hours(code, START, 24 * 40)]
    await store(sessions, empty_store, given)
    await sum_all(sessions)
    assert all(await close(sessions, empty_store, FIRST, SECOND))
    # The file says so already: a duplicate is known as one.
    again = await store(sessions, empty_store, given[:1])
    assert (again.accepted, again.duplicates) == (0, 1)
    late = START + timedelta(days=10, minutes=30)
    assert (
        await store(sessions, empty_store, [FeedObservation("a", "pm25", late, 7)])
    ).accepted == 1
    assert await live(sessions, FIRST) == 24 * 31 + 1
    # The zone's month of March has none of April's rows: only the month before is needed.
    assert await live(sessions, SECOND) == 0
    found = await values(sessions, empty_store, await series_of(sessions))
    assert len(found) == len(given) + 1
    # It is not closed before its statistics are made.
    assert await close(sessions, empty_store, FIRST) == [None]
    await sum_all(sessions)
    [closed] = await close(sessions, empty_store, FIRST)
    assert closed is not None
    assert closed.rows == 3 * 24 * 31 + 1
    assert await values(sessions, empty_store, await series_of(sessions)) == found
    # A month in which nothing was observed leaves no file.
    kept = len([*empty_store.root.rglob("*.parquet")])
    assert await close(sessions, empty_store, date(2019, 5, 1)) == [Closed(date(2019, 5, 1), 0, 0)]
    assert len([*empty_store.root.rglob("*.parquet")]) == kept


@pytest.mark.parametrize("fault", FAULTS)
async def test_who_is_killed_loses_and_doubles_nothing(
    sessions: Sessions, empty_store: LocalArtifacts, fault: str
) -> None:
    await store(sessions, empty_store, [o for code in STATIONS for o in hours(code, START, 50)])
    await sum_all(sessions)
    before = await everything(sessions, empty_store)

    def die(step: str) -> None:
        if step == fault:
            raise KilledError(step)

    with pytest.raises(KilledError):
        await close_month(sessions, empty_store, FIRST, tell=die)
    assert await everything(sessions, empty_store) == before
    assert (await live(sessions, FIRST) == 0) == (fault == "done")
    assert all(await close(sessions, empty_store, FIRST))
    assert await everything(sessions, empty_store) == before
    assert await live(sessions, FIRST) == 0


async def test_what_is_stored_meanwhile_is_not_closed(
    sessions: Sessions, empty_store: LocalArtifacts, database_url: str
) -> None:
    await store(sessions, empty_store, hours("a", START, 50))
    await sum_all(sessions)

    async def store_late() -> None:
        late = FeedObservation("b", "pm25", START + timedelta(days=1), 3)
        async with open_sessions(database_url) as others:
            await store(others, empty_store, [late])

    def interfere(step: str) -> None:
        # In a thread, so that it is stored before the closing goes on.
        if step == "written":
            with ThreadPoolExecutor(1) as pool:
                pool.submit(asyncio.run, store_late()).result()

    assert await close_month(sessions, empty_store, FIRST, tell=interfere) is None
    assert await live(sessions, FIRST) == 51


async def policy(sessions: Sessions, property_: str, years: int | None) -> None:
    async with sessions.begin() as session:
        await change_property(session, property_, {"raw_years": years}, act=OPERATOR)


async def test_values_are_removed_by_policy_alone_and_their_statistics_stay(
    sessions: Sessions, empty_store: LocalArtifacts
) -> None:
    now = datetime.now(UTC)
    old = datetime(now.year - 3, 2, 27, tzinfo=UTC)
    given = [
        row for start in (old, old + timedelta(days=1100 - 365)) for row in hours("a", start, 60)
    ]
    await store(sessions, empty_store, given + [row._replace(property="pm10") for row in given])
    await store(sessions, empty_store, [given[0]._replace(value=99)])
    await sum_all(sessions)
    statistics = await buckets(sessions)
    held = date(old.year, 3, 1)
    async with sessions.begin() as session:
        await hold_month(session, held, "a case at court", act=OPERATOR)
    assert await _keep(sessions, empty_store) == 3
    await policy(sessions, "pm25", 2)
    try:
        # Of March nothing may be removed, but of February.
        assert await _keep(sessions, empty_store) == 1
        # The zone's March began eight hours before that of UTC: all before it is gone.
        line = datetime(old.year, 3, 1, tzinfo=UTC) - timedelta(hours=8)
        assert await _left(sessions, empty_store) == (line, old, 60 + 20)
        again = await store(sessions, empty_store, [given[0]])
        assert again.rejected.told[0].detail.endswith("older values of pm25 are not kept")
        async with sessions.begin() as session:
            assert (await read_former(session, [])) == {}
            assert await session.scalar(text("SELECT count(*) FROM observation_revision")) == 0
            await release_month(session, held, act=OPERATOR)
        # The last hours of February were the zone's March.
        assert await _keep(sessions, empty_store) == 2
        first, kept, number = await _left(sessions, empty_store)
        assert (first > line, kept, number) == (True, old, 60)
        assert await buckets(sessions) == statistics
        async with sessions() as session:
            told = await session.execute(
                text(
                    "SELECT after->>'raw_since' FROM audit_log WHERE action = 'purge'"
                    " AND object_id = 'pm25' ORDER BY id"
                )
            )
            lines = [datetime.fromisoformat(since) for (since,) in told]
        assert lines[0] == line
        assert len(lines) == 2
    finally:
        async with sessions.begin() as session:
            await session.execute(
                text("UPDATE observed_property SET raw_years = NULL, raw_since = NULL")
            )


async def _keep(sessions: Sessions, files: LocalArtifacts) -> int:
    """What the keeper does; how many months it closed."""
    async with sessions.begin() as session:
        await draw_lines(session, act=OPERATOR)
    async with sessions() as session:
        due = await find_due(session, after_months=3)
    closed = await close(sessions, files, *due)
    assert all(closed)
    return len(closed)


async def _left(sessions: Sessions, files: LocalArtifacts) -> tuple[datetime, datetime, int]:
    """The first time of what has a policy and of what has none, and how much the former is."""
    found = await values(sessions, files, await series_of(sessions, end=datetime.now(UTC)))
    async with sessions() as session:
        known = await find_properties(session, ["pm25"])
    mine = [row.at for row in found if row.property_id in known]
    return mine[0], min(row.at for row in found if row.property_id not in known), len(mine)


async def test_a_month_that_is_not_over_for_long_is_not_closed() -> None:
    with pytest.raises(InvalidInput, match="70 days"):
        demand_closable(datetime.now(UTC).date().replace(day=1))


async def test_a_damaged_or_missing_file_is_told(
    sessions: Sessions, empty_store: LocalArtifacts
) -> None:
    await store(sessions, empty_store, hours("a", START, 50))
    await sum_all(sessions)

    class Damaging(LocalArtifacts):
        def put(self, path: Path, *, suffix: str) -> Any:
            stored = super().put(path, suffix=suffix)
            # A byte of a column, some way from header and footer.
            target = self.root / stored.uri
            data = bytearray(target.read_bytes())
            data[200] ^= 0xFF
            target.write_bytes(data)
            return stored

    with pytest.raises(Unavailable, match="is damaged"):
        await close_month(sessions, Damaging(empty_store.root / "other"), FIRST)
    assert await live(sessions, FIRST) == 50
    assert all(await close(sessions, empty_store, FIRST))
    [path] = (empty_store.root / "objects").rglob("*.parquet")
    path.unlink()
    with pytest.raises(Unavailable, match="missing from the store"):
        await values(sessions, empty_store, await series_of(sessions))

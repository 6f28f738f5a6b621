"""Storing observations on PostGIS: duplicates, revisions, late data, months, checks, rights."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text

from shanhai.db.engine import Sessions
from shanhai.db.identity import Grant, Identity
from shanhai.db.observations.feeds import GroupCommit
from shanhai.db.observations.ingest import IncomingBatch, Sender, store_all
from shanhai.db.observations.partitions import make_months, month_after, months_ahead
from shanhai.db.observations.rollups import (
    EVERY,
    Every,
    prune_changes,
    sum_up,
)
from shanhai.monitoring.checks import flag_codes
from shanhai.monitoring.observation import Batch, BatchOutcome, FeedObservation
from shanhai.storage.artifacts import LocalArtifacts
from shanhai.vocabulary import Role, Scope
from tests.support.job_rows import add_region
from tests.support.observation_rows import (
    FEED,
    add_station,
    fetch,
    forget_observations,
    read_buckets,
    store_observations,
    stored_values,
)

START = datetime(2026, 3, 1, tzinfo=UTC)
NOW = datetime(2026, 6, 1, tzinfo=UTC)
SENDER = Sender("http", FEED)


@pytest.fixture(autouse=True)
async def two_stations(sessions: Sessions) -> None:
    """Sessions on a database with two stations."""
    async with sessions.begin() as session:
        await forget_observations(session)
        for code in ("a", "b"):
            await add_station(session, code)


def rows(
    values: Iterable[float],
    *,
    station: str = "a",
    property_: str = "pm25",
    start: datetime = START,
    step: timedelta = timedelta(hours=1),
    **more: Any,
) -> list[FeedObservation]:
    return [
        FeedObservation(station, property_, start + number * step, value, **more)
        for number, value in enumerate(values)
    ]


async def store(sessions: Sessions, given: list[FeedObservation], **options: Any) -> BatchOutcome:
    return await store_observations(sessions, given, **{"received": NOW, **options})


def counts(outcome: BatchOutcome) -> tuple[int, int, int, int]:
    return outcome.accepted, outcome.duplicates, outcome.revised, outcome.rejected.number


async def test_what_is_sent_again_is_a_duplicate(sessions: Sessions) -> None:
    given = rows([10, 11, 12])
    assert counts(await store(sessions, given)) == (3, 0, 0, 0)
    assert counts(await store(sessions, given)) == (0, 3, 0, 0)
    assert [value for _, value in await stored_values(sessions, "a", "pm25")] == [10, 11, 12]
    # A batch that changes nothing is not told.
    assert len(await fetch(sessions, "SELECT 1 FROM observation_change")) == 1


async def test_another_value_is_a_revision_and_the_former_one_is_kept(sessions: Sessions) -> None:
    await store(sessions, rows([10, 11, 12]))
    changed = [*rows([10, 99]), *rows([12], start=START + timedelta(hours=2), quality="M")]
    later = NOW + timedelta(hours=1)
    assert counts(await store(sessions, changed, received=later)) == (0, 1, 2, 0)
    assert [value for _, value in await stored_values(sessions, "a", "pm25")] == [10, 99, 12]
    kept = await fetch(
        sessions,
        "SELECT value, quality, received_at, replaced_at FROM observation_revision ORDER BY value",
    )
    assert kept == [(11, 0, NOW, later), (12, 0, NOW, later)]
    latest = await fetch(sessions, "SELECT value, quality, observed_at FROM observation_latest")
    assert latest == [(12, 2, START + timedelta(hours=2))]


async def test_late_and_early_rows_of_one_batch(sessions: Sessions) -> None:
    await store(sessions, rows([5], start=START + timedelta(days=40)))
    late = rows([1, 2]) + rows([5, 6], start=START + timedelta(days=40))
    assert counts(await store(sessions, late)) == (3, 1, 0, 0)
    assert [value for _, value in await stored_values(sessions, "a", "pm25")] == [1, 2, 5, 6]
    assert await fetch(sessions, "SELECT value FROM observation_latest") == [(6,)]


async def test_the_last_row_of_a_key_counts(sessions: Sessions) -> None:
    given = [*rows([1]), *rows([1]), *rows([2]), *rows([3])]
    assert counts(await store(sessions, given)) == (1, 1, 2, 0)
    assert counts(await store(sessions, given)) == (0, 4, 0, 0)
    assert [value for _, value in await stored_values(sessions, "a", "pm25")] == [3]
    kept = await fetch(sessions, "SELECT value FROM observation_revision ORDER BY id")
    assert kept == [(1,), (2,)]


async def test_each_month_has_a_table_and_late_months_are_made(sessions: Sessions) -> None:
    spread = [
        FeedObservation("a", "pm10", START + timedelta(days=31 * number), number)
        for number in range(3)
    ]
    spread.append(FeedObservation("a", "pm10", datetime(1999, 12, 31, 23, 59, tzinfo=UTC), 7))
    assert counts(await store(sessions, spread)) == (4, 0, 0, 0)
    held = await fetch(sessions, "SELECT tableoid::regclass::text, value FROM observation")
    assert sorted(held) == [
        ("observation_y1999m12", 7),
        ("observation_y2026m03", 0),
        ("observation_y2026m04", 1),
        ("observation_y2026m05", 2),
    ]


async def test_months_are_made_once_by_many(sessions: Sessions) -> None:
    months = [date(2001, month, 1) for month in range(1, 7)]

    async def make() -> int:
        async with sessions.begin() as session:
            return len(await make_months(session, months))

    async with asyncio.timeout(30):
        assert sum(await asyncio.gather(*(make() for _ in range(6)))) == 6
    assert months_ahead(datetime(2026, 12, 31, tzinfo=UTC), 1) == [
        date(2026, 12, 1),
        date(2027, 1, 1),
    ]
    assert month_after(date(2026, 1, 1)) == date(2026, 2, 1)


async def test_rows_that_break_a_rule_are_named_and_the_others_kept(sessions: Sessions) -> None:
    async with sessions.begin() as session:
        await add_station(session, "young", since=date(2026, 2, 1))
    given = [
        *rows([1]),
        *rows([1], station="nowhere"),
        *rows([1], property_="mood"),
        *rows([1], start=NOW + timedelta(minutes=6)),
        *rows([1], station="young", start=datetime(2026, 1, 31, 15, 0, tzinfo=UTC)),
        *rows([1], start=datetime(1949, 1, 1, tzinfo=UTC)),
        *rows([float("nan")]),
        *rows([float("inf")]),
        *rows([1], unit="m/s"),
        *rows([1], station="young", start=datetime(2026, 1, 31, 17, 0, tzinfo=UTC)),
        *rows([1], station="b\x00", property_="x" * 300),
    ]
    outcome = await store(sessions, given)
    assert counts(outcome) == (2, 0, 0, 9)
    told = [(one.index, one.pointer, one.detail) for one in outcome.rejected.told]
    assert told == [
        (1, "/station", "no station 'nowhere' is known"),
        (2, "/property", "no property 'mood' is known"),
        (3, "/time", "2026-06-01T00:06Z is more than 300 s ahead of the clock"),
        (
            4,
            "/time",
            "2026-01-31T15:00Z is before the station began, 2026-01-31T16:00:00+00:00",
        ),
        (
            5,
            "/time",
            "1949-01-01Z is before 1950-01-01T00:00:00+00:00, the earliest time that is kept",
        ),
        (6, "/value", "nan is not a finite number"),
        (7, "/value", "inf is not a finite number"),
        (
            8,
            "/unit",
            "'m/s' is no unit of pm25; use one of"
            " mg/L, ug/L, ng/L, g/L, kg/m3, g/m3, mg/m3, ug/m3, ng/m3",
        ),
        (10, "/station", "no station 'b\\x00' is known"),
    ]
    assert all(one.detail_zh != one.detail for one in outcome.rejected.told)


async def test_values_are_kept_in_the_unit_of_the_property(sessions: Sessions) -> None:
    given = [
        FeedObservation("a", "ammonia_nitrogen", START, 150, unit="µg/L"),
        FeedObservation("a", "air_temperature", START, 300, unit="K"),
        FeedObservation("a", "a01006", START, 101325, unit="Pa"),
        FeedObservation("a", "pm2.5", START, 0.035, unit="mg/m³"),
    ]
    assert counts(await store(sessions, given)) == (4, 0, 0, 0)
    for code, value in (
        ("ammonia_nitrogen", 0.15),
        ("air_temperature", 26.85),
        ("air_pressure", 1013.25),
        ("pm25", 35),
    ):
        [(at, stored)] = await stored_values(sessions, "a", code)
        assert at == START
        assert stored == pytest.approx(value)


async def test_a_feed_of_a_region_knows_its_stations_only(sessions: Sessions) -> None:
    async with sessions.begin() as session:
        region = await add_region(session, "r-own")
        await add_station(session, "own", region=region)
        grant = Grant(Role.FEED, frozenset({region.id}))
    feed = Identity("key:own", frozenset({Scope.OBSERVE}), (grant,))
    outcome = await store(sessions, rows([1], station="own") + rows([1]), identity=feed)
    assert counts(outcome) == (1, 0, 0, 1)
    assert outcome.rejected.told[0].detail == "no station 'a' is known"


async def test_batches_of_several_senders_count_apart(sessions: Sessions) -> None:
    async with sessions.begin() as session:
        region = await add_region(session, "r-both")
        await add_station(session, "inside", region=region)
        grant = Grant(Role.FEED, frozenset({region.id}))
    narrow = Identity("key:narrow", frozenset({Scope.OBSERVE}), (grant,))
    inside, outside = rows([1, 2], station="inside"), rows([3])
    deliveries = [
        IncomingBatch(Batch.of(inside + outside), Sender("http", narrow)),
        IncomingBatch(Batch.of([*rows([1, 5], station="inside"), *outside]), Sender("sta", FEED)),
        IncomingBatch(Batch.of(rows([1], station="inside")), Sender("http", narrow)),
    ]
    async with sessions.begin() as session:
        outcomes = await store_all(session, deliveries, received=NOW)
    assert [counts(one) for one in outcomes] == [(2, 0, 0, 1), (1, 1, 1, 0), (0, 1, 0, 0)]
    assert outcomes[0].rejected.told[0].index == 2
    sent = await fetch(
        sessions,
        "SELECT value, kind, sender FROM observation JOIN observation_source s ON s.id = source_id"
        " ORDER BY value",
    )
    assert sent == [
        (1, "http", "key:narrow"),
        (3, "sta", "key:feed"),
        (5, "sta", "key:feed"),
    ]


async def test_small_batches_share_a_transaction_and_none_suffers_for_another(
    sessions: Sessions, tmp_path: Path
) -> None:
    gathering = GroupCommit(sessions, skew=timedelta(days=3650), files=LocalArtifacts(tmp_path))
    async with asyncio.timeout(30):
        deliveries = [
            IncomingBatch(
                Batch.of(rows([number], start=START + number * timedelta(hours=1))), SENDER
            )
            for number in range(40)
        ]
        found = await asyncio.gather(*map(gathering.store, deliveries))
    assert [counts(one) for one in found] == [(1, 0, 0, 0)] * 40
    assert len(await fetch(sessions, "SELECT DISTINCT xmin::text FROM observation")) < 10
    # A batch that breaks what the database can hold fails alone.
    broken = IncomingBatch(replace(Batch.of(rows([9])), quality=np.array([99_999])), SENDER)
    late = IncomingBatch(Batch.of(rows([7], property_="no2")), SENDER)
    async with asyncio.timeout(30):
        failed, stored = await asyncio.gather(
            gathering.store(broken), gathering.store(late), return_exceptions=True
        )
    assert isinstance(failed, Exception)
    assert isinstance(stored, BatchOutcome)
    assert counts(stored) == (1, 0, 0, 0)


async def flags_of(sessions: Sessions, code: str = "pm25") -> list[list[str]]:
    query = (
        "SELECT flags FROM observation o JOIN observed_property p ON p.id = property_id"
        f" WHERE p.code = '{code}' ORDER BY station_id, observed_at"
    )
    return [flag_codes(flags) for (flags,) in await fetch(sessions, query)]


async def test_what_is_impossible_is_marked_and_kept(sessions: Sessions) -> None:
    async with sessions.begin() as session:
        await session.execute(
            text(
                "INSERT INTO station_range SELECT s.id, p.id, 0, 50 FROM station s,"
                " observed_property p WHERE s.code = 'b' AND p.code = 'pm25'"
            )
        )
    given = rows([-1, 60, 20_000]) + rows([60, 40], station="b")
    assert counts(await store(sessions, given)) == (5, 0, 0, 0)
    marked = ["out_of_range"]
    assert await flags_of(sessions) == [marked, [], marked, marked, []]


async def test_a_flat_line_is_found_across_batches(sessions: Sessions) -> None:
    await store(sessions, rows([3] * 8))
    await store(sessions, rows([3] * 5, start=START + timedelta(hours=8)))
    await store(sessions, rows([4], start=START + timedelta(hours=13)))
    found = await flags_of(sessions)
    assert found == [*[[]] * 11, ["flat"], ["flat"], []]


async def test_a_spike_is_found_once_the_usual_change_is_known(sessions: Sessions) -> None:
    await store(sessions, rows([10, 50]))
    async with sessions.begin() as session:
        await session.execute(text("UPDATE observation_latest SET hourly_spread = 2"))
    given = rows([59, 70, 71, 40, 41], start=START + timedelta(hours=2))
    await store(sessions, given)
    assert await flags_of(sessions) == [[], [], [], ["spike"], [], ["spike"], []]


async def test_contradictions_are_marked_in_a_batch_and_against_what_is_stored(
    sessions: Sessions,
) -> None:
    both = rows([80, 20]) + rows([50, 50], property_="pm10")
    await store(sessions, both)
    assert await flags_of(sessions) == [["inconsistent"], []]
    assert await flags_of(sessions, "pm10") == [["inconsistent"], []]
    await store(sessions, rows([20], property_="water_temperature"))
    # 468 / (31.6 + 20) = 9.07 mg/L; one and a half times that is 13.6.
    await store(sessions, rows([13.7], property_="dissolved_oxygen"))
    assert await flags_of(sessions, "dissolved_oxygen") == [["inconsistent"]]
    # What a sensor tells while it is broken contradicts nothing, in a batch or stored.
    later = START + timedelta(days=1)
    broken = rows([0, 0], property_="pm10", start=later, quality="fault")
    await store(sessions, broken[:1])
    await store(sessions, rows([80, 80], start=later) + broken[1:])
    assert (await flags_of(sessions))[2:] == [[], []]


async def test_writers_of_the_same_series_at_once_lose_nothing(sessions: Sessions) -> None:
    chance = Random(7)  # noqa: S311 - rows of a test
    batches = []
    for number in range(12):
        given = rows(range(number, 40 + number), station="a", start=START + timedelta(hours=number))
        given += rows(range(10), station="b", property_="no2", start=START)
        chance.shuffle(given)
        batches.append(given)
    async with asyncio.timeout(60):
        outcomes = await asyncio.gather(*(store(sessions, batch) for batch in batches))
    assert sum(one.accepted for one in outcomes) == 51 + 10
    assert all(one.revised == 0 for one in outcomes)
    expected = [(START + timedelta(hours=hour), hour) for hour in range(51)]
    assert await stored_values(sessions, "a", "pm25") == expected


async def test_random_batches_leave_what_a_dictionary_would(sessions: Sessions) -> None:
    chance = Random(3)  # noqa: S311 - rows of a test
    expected: dict[tuple[str, datetime], float] = {}
    for _ in range(12):
        given = [
            FeedObservation(
                chance.choice("ab"),
                "no2",
                START + timedelta(hours=chance.randrange(60)),
                chance.randrange(4),
            )
            for _ in range(chance.randrange(1, 60))
        ]
        before = dict(expected)
        expected |= {(one.station, one.time): one.value for one in given}
        outcome = await store(sessions, given)
        assert outcome.accepted == len(expected) - len(before)
        assert outcome.accepted + outcome.duplicates + outcome.revised == len(given)
        changed = {key for key, value in before.items() if expected[key] != value}
        assert outcome.revised >= len(changed)
    for station in "ab":
        kept = sorted((time, value) for (of, time), value in expected.items() if of == station)
        assert await stored_values(sessions, station, "no2") == kept
        latest = await fetch(
            sessions,
            "SELECT observed_at, value FROM observation_latest l JOIN station s"
            f" ON s.id = l.station_id WHERE s.code = '{station}'",
        )
        assert latest == kept[-1:]


async def test_sums_are_those_of_the_rows_before_and_after_summing_up(sessions: Sessions) -> None:
    """By hand, then for random batches with late values and revisions between the sums."""
    chance = Random(11)  # noqa: S311 - rows of a test
    seen: dict[tuple[str, datetime], float] = {}
    for round_ in range(6):
        given = [
            FeedObservation(
                chance.choice("ab"),
                "pm10",
                START + timedelta(minutes=chance.randrange(60 * 24 * 40)),
                chance.randrange(200),
            )
            for _ in range(150)
        ]
        seen |= {(one.station, one.time): one.value for one in given}
        await store(sessions, given)
        await check_sums(sessions, seen)
        if round_ % 2:
            async with sessions.begin() as session:
                while await sum_up(session, most=17):
                    pass
            assert await fetch(sessions, "SELECT 1 FROM rollup_due") == []
            await check_sums(sessions, seen)


async def check_sums(sessions: Sessions, seen: dict[tuple[str, datetime], float]) -> None:
    end = START + timedelta(days=60)
    stations = dict(await fetch(sessions, "SELECT id, code FROM station"))
    [(property_,)] = await fetch(sessions, "SELECT id FROM observed_property WHERE code = 'pm10'")
    for every in EVERY:
        groups: dict[tuple[str, datetime], list[float]] = {}
        for (station, time), value in seen.items():
            groups.setdefault((station, begin_of(every, time)), []).append(value)
        async with sessions() as session:
            first = START - timedelta(days=60)
            found = await read_buckets(session, every, list(stations), [property_], first, end)
        assert {(stations[one.station_id], one.starts_at): one.number for one in found} == {
            key: len(values) for key, values in groups.items()
        }
        for one in found:
            values = groups[stations[one.station_id], one.starts_at]
            told = (one.mean, one.low, one.high, one.p50, one.p98)
            assert told == pytest.approx(
                (
                    np.mean(values),
                    min(values),
                    max(values),
                    np.percentile(values, 50),
                    np.percentile(values, 98),
                )
            )


def begin_of(every: Every, time: datetime) -> datetime:
    """The start of the hour, day or month of Beijing."""
    here = time.astimezone(timezone(timedelta(hours=8))).replace(minute=0, second=0, microsecond=0)
    if every != "hour":
        here = here.replace(hour=0)
    return here.replace(day=1) if every == "month" else here


async def test_invalid_and_impossible_values_count_in_no_sum(sessions: Sessions) -> None:
    await store(
        sessions,
        [
            *rows([10, 20, 32_767], step=timedelta(minutes=10)),
            *rows([99], start=START + timedelta(minutes=50), quality="fault"),
        ],
    )
    for _ in range(2):
        async with sessions.begin() as session:
            [bucket] = await read_buckets(
                session, "hour", *await series(sessions), START, START + timedelta(hours=1)
            )
            assert (bucket.number, bucket.mean, bucket.p50, bucket.p98) == (2, 15, 15, 19.8)
            await sum_up(session)


async def test_a_bucket_has_all_its_values_wherever_the_stretch_ends(sessions: Sessions) -> None:
    """Both where its days are due and where some of them are summed up."""
    begin = START - timedelta(hours=8)  # of March in Beijing
    late = START + timedelta(days=30, hours=15)  # the last of its days there
    await store(sessions, [*rows([1], start=START + timedelta(days=9)), *rows([3], start=late)])
    buckets: list[tuple[Every, datetime, datetime, int]] = [
        ("month", begin, begin + timedelta(minutes=1), 2),
        ("month", begin - timedelta(days=40), begin + timedelta(days=4), 2),
        ("month", begin - timedelta(days=40), begin, 0),
        ("day", late - timedelta(hours=23), late - timedelta(hours=22), 1),
        ("day", late - timedelta(hours=24), late - timedelta(hours=23), 0),
        ("hour", late, late + timedelta(minutes=1), 1),
    ]
    for before in (START.date(), date(2026, 3, 20), date(2026, 5, 1)):
        async with sessions.begin() as session:
            await sum_up(session, before=before)
            for every, start, end, number in buckets:
                found = await read_buckets(session, every, *await series(sessions), start, end)
                assert sum(one.number for one in found) == number, (every, start, end, before)


async def test_values_too_large_to_be_summed_up_are_refused(sessions: Sessions) -> None:
    # From mg/L to µg/m³ a value grows by a million.
    given = [*rows([1e100, -1e100, 1.7e308, -1.1e100]), *rows([1e94, 1e95, 1e305], unit="mg/L")]
    outcome = await store(sessions, given)
    beyond = "is beyond ±1e+100, in the unit of the property, where no value is kept"
    assert [(one.index, one.pointer, one.detail) for one in outcome.rejected.told] == [
        (2, "/value", f"1.7e+308 {beyond}"),
        (3, "/value", f"-1.1e+100 {beyond}"),
        (5, "/value", f"1e+95 {beyond}"),
        (6, "/value", f"1e+305 {beyond}"),
    ]


async def test_what_cannot_be_summed_up_stops_no_other_series(sessions: Sessions) -> None:
    """Values that were stored before any was too large."""
    await store(sessions, rows([1, 2]) + rows([3], station="b"))
    async with sessions.begin() as session:
        await session.execute(text("UPDATE observation SET value = 1.7e308 WHERE value = 2"))
    stations = [station for (station,) in await fetch(sessions, "SELECT id FROM station")]
    [(of,)] = await fetch(sessions, "SELECT DISTINCT property_id FROM observation_latest")
    for _ in range(2):
        async with sessions.begin() as session:
            found = await read_buckets(
                session, "day", stations, [of], START - timedelta(days=1), NOW
            )
            assert [(one.number, one.mean) for one in found] == [(1, 1), (1, 3)]
            await sum_up(session)
    assert await fetch(sessions, "SELECT 1 FROM rollup_due") == []


async def series(sessions: Sessions) -> tuple[list[int], list[int]]:
    [(station, of)] = await fetch(
        sessions, "SELECT station_id, property_id FROM observation_latest"
    )
    return [station], [of]


async def test_the_day_under_way_is_not_summed_up(sessions: Sessions) -> None:
    await store(sessions, rows([1, 2], start=START + timedelta(hours=14)))
    async with sessions.begin() as session:
        # 14:00 and 15:00 of UTC are 22:00 and 23:00 of the first day there.
        assert await sum_up(session, before=date(2026, 3, 1)) == 0
        assert await sum_up(session, before=date(2026, 3, 2)) == 1


async def test_the_usual_change_is_learned_from_the_hours(sessions: Sessions) -> None:
    # Quartiles of the changes 1 to 24 are 6.75 and 18.25; older ones and one over a gap count not.
    values = [number * (number + 1) / 2 for number in range(25)]
    ago, later = START - timedelta(days=40), START + timedelta(hours=24)
    for given, spread in (
        ([*rows([0, 500], start=ago), *rows(values[:24])], None),
        (rows([values[24], 0], start=later, step=timedelta(hours=6)), 11.5),
    ):
        await store(sessions, given)
        async with sessions.begin() as session:
            await sum_up(session)
        assert await fetch(sessions, "SELECT hourly_spread FROM observation_latest") == [(spread,)]


async def test_what_changed_is_noted_by_series_and_forgotten_in_time(sessions: Sessions) -> None:
    await store(sessions, rows([1, 2], property_="no2"))
    await store(sessions, rows([1, 2], property_="no2"))
    await store(sessions, rows([1], station="b") + rows([1], station="b", property_="no2"))
    noted = await fetch(sessions, "SELECT first_at, last_at FROM observation_change ORDER BY id")
    assert noted == [(START, START + timedelta(hours=1)), (START, START), (START, START)]
    async with sessions.begin() as session:
        # After days without a worker a rule still judges what is not older than it looks back.
        await session.execute(text("UPDATE observation_change SET at = at - interval '6 days'"))
        assert await prune_changes(session) == 0
        assert await prune_changes(session, kept=timedelta(0)) == 3

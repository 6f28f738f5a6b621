"""Early warning on PostGIS: what opens, raises and ends alerts, and what does not."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from shanhai.db.alerts.observation_evaluation import (
    UNFOUNDED,
    end_expired,
    evaluate_changes,
    evaluate_silence,
)
from shanhai.db.alerts.rules import create_rule, drop_rule, find_rule, replace_rule
from shanhai.db.alerts.subscriptions import answer_alert
from shanhai.db.engine import Sessions
from shanhai.db.identity import Grant, Identity
from shanhai.db.observations.archive_restore import annul
from shanhai.db.queries.audit import Act
from shanhai.errors import Conflict, Forbidden, InvalidInput
from shanhai.monitoring.observation import FeedObservation
from shanhai.storage.artifacts import LocalArtifacts
from shanhai.vocabulary import Role, Scope
from tests.support.alert_rows import events, rule
from tests.support.emptying import forget_rows
from tests.support.job_rows import add_region
from tests.support.observation_rows import (
    add_station,
    fetch,
    forget_observations,
    store_observations,
)

START = datetime(2026, 3, 1, tzinfo=UTC)
NOW = START + timedelta(hours=12)
HOUR = timedelta(hours=1)
ACT = Act("key:test")
PLANNER = Identity("key:test", frozenset({Scope.WRITE}))
RULE = rule(
    code="pm25",
    kind="above",
    property="pm25",
    limits={"yellow": 75.0, "red": 250.0},
    reset=60.0,
    max_age_s=86_400,
)


@pytest.fixture(autouse=True)
async def station_in_a_district(sessions: Sessions) -> None:
    """A database with a station in a district, and one elsewhere."""
    async with sessions.begin() as session:
        await forget_observations(session)
        await forget_rows(session, ["region"])
        city = await add_region(session, "city")
        district = await add_region(session, "district", parent=city, box=None)
        await add_station(session, "a", region=district)
        await add_station(session, "b")


async def add_rule(sessions: Sessions, **changes: Any) -> None:
    async with sessions.begin() as session:
        await create_rule(session, {**RULE, **changes}, identity=PLANNER, act=ACT)
    await evaluate(sessions)


async def evaluate(sessions: Sessions, now: datetime = NOW) -> int:
    async with sessions.begin() as session:
        return await evaluate_changes(session, now=now)


async def send(
    sessions: Sessions, values: Mapping[float, float], *, station: str = "a", **more: Any
) -> None:
    """Store values by their hours, and evaluate."""
    given = [
        FeedObservation(station, "pm25", START + hour * HOUR, value, **more)
        for hour, value in values.items()
    ]
    await store_observations(sessions, given, received=NOW)
    await evaluate(sessions)


async def alerts(sessions: Sessions) -> list[tuple[Any, ...]]:
    return await fetch(sessions, "SELECT status, level FROM alert ORDER BY id")


async def test_an_alert_opens_rises_and_ends_with_the_values(sessions: Sessions) -> None:
    await add_rule(sessions)
    await send(sessions, {0: 50, 1: 80})
    assert await alerts(sessions) == [("open", "yellow")]
    await send(sessions, {2: 70, 3: 251, 4: 90})
    assert await alerts(sessions) == [("open", "red")]
    told = await fetch(sessions, "SELECT began_at, raised_at, measure FROM alert")
    assert told == [(START + HOUR, START + 3 * HOUR, 251)]
    await send(sessions, {5: 60})
    assert await alerts(sessions) == [("closed", "red")]
    assert await events(sessions) == ["opened", "raised", "recovered"]
    assert await fetch(sessions, "SELECT 1 FROM observation_change") == []


async def test_each_station_has_an_alert_of_its_own(sessions: Sessions) -> None:
    await add_rule(sessions)
    await send(sessions, {1: 80}, station="b")
    await send(sessions, {1: 80})
    await send(sessions, {2: 10}, station="b")
    assert await alerts(sessions) == [("closed", "yellow"), ("open", "yellow")]
    async with sessions.begin() as session:
        await session.execute(text("UPDATE station SET deleted_at = now() WHERE code = 'a'"))
        await end_expired(session, now=NOW)
    assert (await events(sessions))[-1] == "subject_gone"
    assert {status for status, _ in await alerts(sessions)} == {"closed"}


async def test_what_was_undone_is_evaluated_again_and_what_was_done_is_not(
    sessions: Sessions,
) -> None:
    await add_rule(sessions)
    given = [FeedObservation("a", "pm25", START + HOUR, 80)]
    await store_observations(sessions, given, received=NOW)
    async with sessions() as session:
        assert await evaluate_changes(session, now=NOW) == 1
        await session.rollback()
    assert await alerts(sessions) == []
    async with sessions.begin() as session:
        assert await evaluate_changes(session, now=NOW) == 1
        # Somebody else is at it.
        assert await evaluate(sessions) == 0
    assert await evaluate(sessions) == 0
    assert await events(sessions) == ["opened"]


async def test_late_values_never_open_an_alert_in_the_past(sessions: Sessions) -> None:
    await add_rule(sessions)
    await send(sessions, {5: 50})
    await send(sessions, {1: 300, 2: 50})
    assert await alerts(sessions) == []
    # A revision of the newest value counts, and so does its being taken back.
    await send(sessions, {5: 80})
    assert await alerts(sessions) == [("open", "yellow")]
    await send(sessions, {3: 10, 5: 55})
    assert await alerts(sessions) == [("closed", "yellow")]


async def test_late_values_count_for_how_long_a_limit_is_exceeded(sessions: Sessions) -> None:
    await add_rule(sessions, min_duration_s=7200)
    await send(sessions, {2: 80, 3: 80})
    assert await alerts(sessions) == []
    # The hour before arrives late: three in a row make two hours.
    await send(sessions, {1: 90})
    assert await fetch(sessions, "SELECT began_at FROM alert") == [(START + HOUR,)]


async def test_a_revision_takes_back_what_made_the_time_long(sessions: Sessions) -> None:
    await add_rule(sessions, min_duration_s=7200)
    await send(sessions, {1: 80, 2: 80})
    await send(sessions, {2: 10})
    await send(sessions, {3: 80})
    assert await alerts(sessions) == []
    await send(sessions, {4: 80, 5: 80})
    assert await alerts(sessions) == [("open", "yellow")]


async def test_marked_values_raise_nothing_unless_the_rule_says_so(sessions: Sessions) -> None:
    await add_rule(sessions)
    await send(sessions, {1: 80}, quality="fault")
    await send(sessions, {2: 99_999})
    assert await alerts(sessions) == []
    await add_rule(sessions, code="all", any_quality=True)
    assert await alerts(sessions) == [("open", "red")]


async def test_what_rested_on_a_value_that_was_a_fault_ends(sessions: Sessions) -> None:
    await add_rule(sessions)
    await send(sessions, {1: 50, 2: 80})
    await send(sessions, {2: 80}, quality="fault")
    assert await alerts(sessions) == [("closed", "yellow")]
    told = await fetch(sessions, "SELECT kind, measure, note FROM alert_event ORDER BY id")
    assert told[1] == ("recovered", None, UNFOUNDED)
    # What is said of it once more changes nothing, and the next value is judged as any other.
    await send(sessions, {2: 81}, quality="fault")
    await send(sessions, {3: 300})
    assert await alerts(sessions) == [("closed", "yellow"), ("open", "red")]
    # It was valid after all.
    await send(sessions, {3: 300}, quality="fault")
    await send(sessions, {3: 300}, quality="valid")
    assert await alerts(sessions) == [("closed", "yellow"), ("closed", "red"), ("open", "red")]


async def test_what_stands_without_a_value_that_was_a_fault_goes_on(sessions: Sessions) -> None:
    await add_rule(sessions)
    # The third is within the reset: what the second raised stays raised.
    await send(sessions, {1: 50, 2: 80, 3: 70, 4: 260})
    await send(sessions, {4: 260}, quality="fault")
    assert await alerts(sessions) == [("open", "red")]
    await send(sessions, {2: 80}, quality="fault")
    assert await alerts(sessions) == [("open", "red")]
    # The newest of those left is judged again when it is a fault too.
    await send(sessions, {3: 70}, quality="fault")
    assert await alerts(sessions) == [("closed", "red")]


async def test_a_fault_and_what_comes_with_it_are_judged_together(sessions: Sessions) -> None:
    await add_rule(sessions, min_duration_s=3600)
    await send(sessions, {1: 80, 2: 90})
    given = [
        FeedObservation("a", "pm25", START + 2 * HOUR, 90, quality="fault"),
        FeedObservation("a", "pm25", START + 3 * HOUR, 85),
    ]
    await store_observations(sessions, given, received=NOW)
    await evaluate(sessions)
    assert await alerts(sessions) == [("closed", "yellow"), ("open", "yellow")]


async def test_history_raises_nothing(sessions: Sessions) -> None:
    await add_rule(sessions, max_age_s=3600)
    await send(sessions, {1: 300, 10.9: 80})
    assert await alerts(sessions) == []
    await send(sessions, {11: 80})
    assert await alerts(sessions) == [("open", "yellow")]


async def test_changes_that_are_too_fast(sessions: Sessions) -> None:
    await add_rule(sessions, kind="rate", limits={"orange": 20.0}, reset=5.0)
    await send(sessions, {1: 10})
    await send(sessions, {2: 30})
    assert await alerts(sessions) == []
    await send(sessions, {3: 51})
    assert await fetch(sessions, "SELECT level, measure FROM alert") == [("orange", 21)]
    await send(sessions, {4: 56})
    assert await alerts(sessions) == [("closed", "orange")]


async def silence(sessions: Sessions, hours: float) -> None:
    async with sessions.begin() as session:
        await evaluate_silence(session, now=START + hours * HOUR)


async def test_silence_opens_rises_and_ends_with_the_next_value(sessions: Sessions) -> None:
    limits = {"blue": 7200.0, "orange": 14_400.0}
    await add_rule(sessions, kind="no_data", limits=limits, reset=7200.0)
    await send(sessions, {0: 10})
    await silence(sessions, 2)
    assert await alerts(sessions) == []
    await silence(sessions, 3)
    await silence(sessions, 3.5)
    assert await alerts(sessions) == [("open", "blue")]
    await silence(sessions, 5)
    assert await fetch(sessions, "SELECT level, raised_at, measure FROM alert") == [
        ("orange", START, 18_000)
    ]
    # An old value that comes late does not end it.
    await send(sessions, {1: 10})
    await silence(sessions, 5)
    assert await alerts(sessions) == [("open", "orange")]
    await send(sessions, {4.5: 10})
    await silence(sessions, 5)
    assert await alerts(sessions) == [("closed", "orange")]
    assert await events(sessions) == ["opened", "raised", "recovered"]


async def test_silence_of_a_series_that_is_deleted_ends(
    sessions: Sessions, empty_store: LocalArtifacts
) -> None:
    await add_rule(sessions, kind="no_data", limits={"red": 7200.0}, reset=7200.0)
    await send(sessions, {0: 10})
    await silence(sessions, 3)
    assert await alerts(sessions) == [("open", "red")]
    async with sessions.begin() as session:
        query = text("SELECT station_id, property_id FROM observation_latest")
        await annul(session, empty_store, *(await session.execute(query)).one())
    await silence(sessions, 4)
    async with sessions.begin() as session:
        await end_expired(session, now=NOW)
    assert await events(sessions) == ["opened", "subject_gone"]


async def test_a_rule_holds_where_it_says(sessions: Sessions) -> None:
    await add_rule(sessions, region="city")
    await add_rule(sessions, code="other", stations=["b"])
    await add_rule(sessions, code="off", enabled=False)
    await send(sessions, {1: 80})
    await send(sessions, {1: 80}, station="b")
    query = """SELECT r.code, s.code FROM alert a JOIN alert_rule r ON r.id = a.rule_id
                 JOIN station s ON s.id = a.station_id ORDER BY a.id"""
    assert await fetch(sessions, query) == [("pm25", "a"), ("other", "b")]


@pytest.mark.parametrize("kind", ["above", "no_data"])
async def test_what_was_raised_of_a_station_that_leaves_the_region_is_closed(
    sessions: Sessions, kind: str
) -> None:
    limits = {"yellow": 75.0} if kind == "above" else {"yellow": 7200.0}
    await add_rule(sessions, kind=kind, region="city", limits=limits, reset=60.0)
    await add_rule(sessions, code="all", kind=kind, limits=limits, reset=60.0)
    await send(sessions, {1: 80})
    await silence(sessions, 4)
    assert len(await alerts(sessions)) == 2
    async with sessions.begin() as session:
        await end_expired(session, now=NOW)
    assert await events(sessions) == ["opened", "opened"]
    await move(sessions, "NULL")
    assert await events(sessions) == ["opened", "opened", "subject_gone"]
    query = "SELECT r.code, a.status FROM alert a JOIN alert_rule r ON r.id = a.rule_id ORDER BY 1"
    assert await fetch(sessions, query) == [("all", "open"), ("pm25", "closed")]
    # Back again it is judged as any other.
    await move(sessions, "(SELECT id FROM region WHERE code = 'district')")
    await send(sessions, {2: 80})
    await silence(sessions, 6)
    assert await fetch(sessions, query) == [("all", "open"), ("pm25", "closed"), ("pm25", "open")]


async def test_a_station_is_watched_from_its_first_day_to_its_last(sessions: Sessions) -> None:
    await add_rule(sessions, kind="no_data", property=None, limits={"red": 7200.0}, reset=7200.0)
    async with sessions.begin() as session:
        days = "created_at = '2026-02-01', valid_from = '2026-03-02'"
        await session.execute(text(f"UPDATE station SET {days}"))
    await silence(sessions, 12)
    assert await alerts(sessions) == []
    await silence(sessions, 48)
    assert await alerts(sessions) == [("open", "red"), ("open", "red")]
    async with sessions.begin() as session:
        await session.execute(
            text(
                "UPDATE station SET valid_from = NULL,"
                " valid_to = current_date + CASE code WHEN 'b' THEN 1 ELSE 0 END"
            )
        )
        await end_expired(session, now=NOW)
    assert await events(sessions) == ["opened", "opened", "subject_gone"]
    await silence(sessions, 72)
    assert await alerts(sessions) == [("closed", "red"), ("open", "red")]


async def move(sessions: Sessions, region: str) -> None:
    """Put the first station into a region, and end what has no ground any more."""
    async with sessions.begin() as session:
        await session.execute(text(f"UPDATE station SET region_id = {region} WHERE code = 'a'"))
        await end_expired(session, now=NOW)


async def test_a_new_rule_judges_the_newest_value_and_a_changed_one_anew(
    sessions: Sessions,
) -> None:
    await send(sessions, {1: 80})
    await add_rule(sessions)
    assert await alerts(sessions) == [("open", "yellow")]
    contents = {**RULE, "limits": {"blue": 70.0}, "reset": 70.0}
    async with sessions.begin() as session:
        await replace_rule(session, "pm25", contents, identity=PLANNER, act=ACT)
    await evaluate(sessions)
    assert await alerts(sessions) == [("closed", "yellow"), ("open", "blue")]
    async with sessions.begin() as session:
        await drop_rule(session, "pm25", identity=PLANNER, act=ACT)
    await send(sessions, {2: 80})
    assert await alerts(sessions) == [("closed", "yellow"), ("closed", "blue")]
    assert await events(sessions) == ["opened", "rule_changed", "opened", "rule_changed"]


async def test_a_rule_goes_on_with_what_it_names_and_is_gone(sessions: Sessions) -> None:
    await add_rule(sessions, stations=["a", "b"], region="district")
    async with sessions.begin() as session:
        for table, code in (("station", "a"), ("region", "district")):
            await session.execute(
                text(f"UPDATE {table} SET deleted_at = now() WHERE code = :code"), {"code": code}
            )
        told = await find_rule(session, "pm25")
        same = await replace_rule(session, "pm25", told.contents, identity=PLANNER, act=ACT)
        assert same == told
        contents = {**told.contents, "limits": {"blue": 70.0}, "reset": 70.0}
        changed = await replace_rule(session, "pm25", contents, identity=PLANNER, act=ACT)
        assert (changed.contents["stations"], changed.contents["region"]) == (
            ["a", "b"],
            "district",
        )
        # A new station of the same code is meant by who names it again.
        fresh = await add_station(session, "a")
        await replace_rule(session, "pm25", changed.contents, identity=PLANNER, act=ACT)
        number = fresh.id
    assert [
        number in row[0] for row in await fetch(sessions, "SELECT stations FROM alert_rule")
    ] == [True]
    with pytest.raises(InvalidInput):
        await add_rule(sessions, code="other", region="district")


async def answer(sessions: Sessions, how: Any, identity: Identity = PLANNER) -> None:
    async with sessions.begin() as session:
        found = await session.scalar(text("SELECT max(id) FROM alert"))
        await answer_alert(session, int(found or 0), how, "seen", identity=identity, act=ACT)


async def test_one_closed_by_hand_opens_again_only_when_things_get_worse(
    sessions: Sessions,
) -> None:
    await add_rule(sessions)
    await send(sessions, {1: 80})
    await answer(sessions, "acknowledge")
    with pytest.raises(Conflict):
        await answer(sessions, "acknowledge")
    await answer(sessions, "close")
    with pytest.raises(Conflict):
        await answer(sessions, "close")
    await send(sessions, {2: 90})
    assert await alerts(sessions) == [("closed", "yellow")]
    await send(sessions, {3: 300})
    await answer(sessions, "close")
    await send(sessions, {4: 10, 5: 80})
    assert await alerts(sessions) == [("closed", "yellow"), ("closed", "red"), ("open", "yellow")]


async def test_what_gets_worse_must_be_acknowledged_again(sessions: Sessions) -> None:
    await add_rule(sessions)
    await send(sessions, {1: 80})
    await answer(sessions, "acknowledge")
    await send(sessions, {2: 300})
    assert await alerts(sessions) == [("open", "red")]
    await answer(sessions, "acknowledge")
    await send(sessions, {3: 10})
    assert await alerts(sessions) == [("closed", "red")]


async def test_rules_and_alerts_are_for_those_who_plan_there(sessions: Sessions) -> None:
    async with sessions() as session:
        district = await session.scalar(text("SELECT id FROM region WHERE code = 'district'"))
    assert isinstance(district, int)
    scopes = frozenset({Scope.WRITE})
    local = Identity("key:local", scopes, (Grant(Role.PLANNER, frozenset({district})),))
    viewer = Identity("key:viewer", scopes, (Grant(Role.VIEWER),))
    feed = Identity("key:feed", frozenset({Scope.OBSERVE}))
    refused: list[tuple[Identity, dict[str, Any]]] = [
        (local, {}),
        (local, {"region": "city"}),
        (local, {"stations": ["a", "b"]}),
        (viewer, {"region": "district"}),
        (feed, {}),
    ]
    for identity, changes in refused:
        with pytest.raises(Forbidden):
            async with sessions.begin() as session:
                await create_rule(session, {**RULE, **changes}, identity=identity, act=ACT)
    for code, place in (("one", {"region": "district"}), ("two", {"stations": ["a"]})):
        async with sessions.begin() as session:
            contents = {**RULE, "code": code, **place}
            await create_rule(session, contents, identity=local, act=ACT)
    await send(sessions, {1: 80})
    with pytest.raises(Forbidden):
        await answer(sessions, "close", viewer)
    await answer(sessions, "close", local)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"property": "none"}, "/property"),
        ({"region": "none"}, "/region"),
        ({"stations": ["a", "none"]}, "/stations/1"),
    ],
)
async def test_codes_in_rules_must_be_known(
    sessions: Sessions, changes: dict[str, Any], pointer: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        await add_rule(sessions, **changes)
    assert [fault.pointer for fault in refused.value.faults] == [pointer]
    assert await fetch(sessions, "SELECT 1 FROM alert_rule") == []


async def test_a_worker_of_the_release_before_may_run_on(sessions: Sessions) -> None:
    await add_rule(sessions)
    await send(sessions, {1: 50})
    # As it kept its watches, when all rules were about stations.
    keep = """INSERT INTO alert_watch (rule_id, station_id, seen_to, since, level)
              SELECT r.id, s.id, now(), '{}', 'red' FROM alert_rule r, station s WHERE s.code = 'a'
              ON CONFLICT (rule_id, station_id) DO UPDATE SET level = excluded.level"""
    for _ in range(2):
        async with sessions.begin() as session:
            await session.execute(text(keep))
    assert await fetch(sessions, "SELECT level FROM alert_watch") == [("red",)]

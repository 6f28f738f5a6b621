"""Who is told of alerts by mail, and when: on PostGIS, up to the outbox."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from shanhai.db.alerts.observation_evaluation import end_expired, evaluate_changes
from shanhai.db.alerts.rules import create_rule
from shanhai.db.alerts.subscriptions import (
    create_subscription,
    drop_subscription,
    find_subscription,
    replace_subscription,
    token_of,
    unsubscribe,
)
from shanhai.db.alerts.transitions import send_notices
from shanhai.db.engine import Sessions
from shanhai.db.identity import Identity
from shanhai.db.queries.audit import Act
from shanhai.db.tables.delivery import Delivery, Webhook
from shanhai.db.tables.zone import Region
from shanhai.errors import InvalidInput, NotFound, Stale
from shanhai.monitoring.observation import FeedObservation
from shanhai.vocabulary import Scope
from tests.support.alert_rows import rule
from tests.support.emptying import forget_rows
from tests.support.job_rows import add_region
from tests.support.observation_rows import add_station, forget_observations, store_observations

EVENING = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
"""11 at night in Shanghai, on a Monday."""
HOUR = timedelta(hours=1)
ACT = Act("key:test")
PLANNER = Identity("key:test", frozenset({Scope.WRITE}))
NIGHT = {
    "from": "22:00",
    "to": "07:00",
    "days": [1, 2, 3, 4, 5, 6, 7],
    "time_zone": "Asia/Shanghai",
    "red_passes": True,
}
RULE = rule(
    code="pm25",
    name_zh="细颗粒物",
    name_en="Fine particles",
    kind="above",
    property="pm25",
    limits={"yellow": 75.0, "red": 250.0},
    reset=60.0,
    max_age_s=864_000,
)
READER: dict[str, Any] = {
    "name": "值班员",
    "address": "duty@example.org",
    "lang": "zh",
    "levels": ["yellow", "red"],
    "rules": None,
    "region": None,
    "digest_at": None,
    "time_zone": "Asia/Shanghai",
    "endings": True,
    "enabled": True,
}
SECRET = "s" * 32


@pytest.fixture(autouse=True)
async def watched_places(sessions: Sessions) -> None:
    """A station in a district of a city, and another city."""
    async with sessions.begin() as session:
        await forget_observations(session)
        await forget_rows(session, ["region", "subscription", "delivery", "webhook"])
        city = await add_region(session, "city")
        district = await add_region(session, "district", parent=city, box=None)
        await add_region(session, "other", box=None)
        await add_station(session, "a", region=district)


async def add_rule(sessions: Sessions, **changes: Any) -> None:
    async with sessions.begin() as session:
        await create_rule(session, {**RULE, **changes}, identity=PLANNER, act=ACT)


async def subscribe(sessions: Sessions, **changes: Any) -> int:
    async with sessions.begin() as session:
        found = await create_subscription(session, {**READER, **changes}, ACT)
        return found.row.id


async def send(sessions: Sessions, value: float, at: datetime) -> None:
    """Store a value of a moment, and evaluate it at that moment."""
    await store_observations(sessions, [FeedObservation("a", "pm25", at, value)], received=at)
    async with sessions.begin() as session:
        await evaluate_changes(session, now=at)


async def mails(sessions: Sessions, now: datetime) -> list[tuple[str, str, list[str]]]:
    """Type, address and events of the mails there are after a look at a moment."""
    async with sessions.begin() as session:
        await send_notices(session, now)
    async with sessions() as session:
        rows = (await session.scalars(select(Delivery).order_by(Delivery.created_at))).all()
    return [
        (
            row.event_type,
            row.target,
            [f"{event['event']} {event['level']}" for event in row.payload["events"]],
        )
        for row in rows
    ]


async def test_who_is_subscribed_is_told_each_event_once(sessions: Sessions) -> None:
    await add_rule(sessions)
    await subscribe(sessions)
    await send(sessions, 80, EVENING)
    async with sessions() as session:
        # Who makes mails is killed before the end.
        assert await send_notices(session, EVENING) == 1
        await session.rollback()
    told = [("alert.notice", "duty@example.org", ["opened yellow"])]
    assert await mails(sessions, EVENING) == told
    assert await mails(sessions, EVENING) == told
    await send(sessions, 300, EVENING + HOUR)
    await send(sessions, 10, EVENING + 2 * HOUR)
    # What is due at one time goes in one mail.
    together = ("alert.digest", "duty@example.org", ["raised red", "recovered red"])
    assert await mails(sessions, EVENING + 2 * HOUR) == [*told, together]
    async with sessions() as session:
        payload = await session.scalar(text("SELECT payload FROM delivery ORDER BY created_at"))
    assert payload["events"][0] == {
        "at": EVENING.isoformat(),
        "event": "opened",
        "event_name": "发出预警",
        "level": "yellow",
        "level_name": "黄色",
        "color": "#e6b800",
        "alert": payload["events"][0]["alert"],
        "rule": "细颗粒物",
        "subject": "站点 a · 细颗粒物 PM2.5",
        "measure": 80,
        "unit": "µg/m³",
        "note": None,
        "href": f"/alerts/{payload['events'][0]['alert']}",
    }


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"region": "city"}, ["opened yellow", "recovered yellow"]),
        ({"region": "other"}, None),
        ({"rules": ["pm25"], "endings": False}, ["opened yellow"]),
        ({"rules": ["mute"]}, None),
        ({"levels": ["red"]}, None),
        ({"enabled": False}, None),
    ],
)
async def test_people_are_told_of_what_they_want_to_know(
    sessions: Sessions, changes: dict[str, Any], told: list[str] | None
) -> None:
    await add_rule(sessions)
    await add_rule(sessions, code="mute", enabled=False)
    await subscribe(sessions, **changes)
    await send(sessions, 80, EVENING)
    await send(sessions, 10, EVENING + HOUR)
    found = await mails(sessions, EVENING + HOUR)
    assert [one[2] for one in found] == ([] if told is None else [told])


@pytest.mark.parametrize("rule_region", [None, "city"])
@pytest.mark.parametrize("region", ["city", "other"])
async def test_an_end_is_told_where_the_station_was_and_is(
    sessions: Sessions, region: str, rule_region: str | None
) -> None:
    await add_rule(sessions, region=rule_region)
    await subscribe(sessions, region=region)
    await send(sessions, 80, EVENING)
    async with sessions.begin() as session:
        places = {row.code: row.id for row in await session.scalars(select(Region))}
        for code in ("district", "other"):
            session.add(
                Webhook(
                    code=code,
                    name=code,
                    url="https://x.example",
                    lang="zh",
                    events=["alert.closed"],
                    region_id=places[code],
                    enabled=True,
                    secret=b"",
                    created_by="t",
                )
            )
        moved = text("UPDATE station SET region_id = :region")
        await session.execute(moved, {"region": places["other"]})
    async with sessions.begin() as session:
        await end_expired(session, now=EVENING + HOUR)
    await send(sessions, 10, EVENING + HOUR)
    end = "recovered" if rule_region is None else "subject_gone"
    began = ["opened yellow"] if region == "city" else []
    async with sessions.begin() as session:
        await send_notices(session, EVENING + HOUR)
    query = select(Delivery.payload).where(Delivery.kind == "email")
    async with sessions() as session:
        (mail,) = (await session.scalars(query)).all()
        query = select(Delivery.target).where(Delivery.event_type == "alert.closed")
        assert set(await session.scalars(query)) == {"district", "other"}
    told = [f"{event['event']} {event['level']}" for event in mail["events"]]
    assert told == [*began, f"{end} yellow"]


async def test_quiet_hours_hold_mails_back_and_not_alerts(sessions: Sessions) -> None:
    await add_rule(sessions, quiet=NIGHT)
    await subscribe(sessions)
    await send(sessions, 80, EVENING)
    async with sessions() as session:
        assert await session.scalar(text("SELECT status FROM alert")) == "open"
    await send(sessions, 10, EVENING + HOUR)
    await send(sessions, 90, EVENING + 2 * HOUR)
    assert await mails(sessions, EVENING + 7 * HOUR) == []
    # Red goes through at once, and the rest at seven.
    await send(sessions, 300, EVENING + 7.5 * HOUR)
    red = ("alert.notice", "duty@example.org", ["raised red"])
    assert await mails(sessions, EVENING + 7.5 * HOUR) == [red]
    held = ["opened yellow", "recovered yellow", "opened yellow"]
    after = await mails(sessions, EVENING + 8 * HOUR)
    assert after == [red, ("alert.digest", "duty@example.org", held)]


async def test_a_digest_is_sent_once_a_day(sessions: Sessions) -> None:
    await add_rule(sessions)
    number = await subscribe(sessions, digest_at="08:00")
    morning = EVENING + 9 * HOUR
    await send(sessions, 80, EVENING)
    await send(sessions, 10, EVENING + HOUR)
    assert await mails(sessions, morning - HOUR) == []
    first = ("alert.digest", "duty@example.org", ["opened yellow", "recovered yellow"])
    assert await mails(sessions, morning) == [first]
    async with sessions.begin() as session:
        # Sent later that day, it would be a second one.
        contents = {**READER, "digest_at": "18:00"}
        await replace_subscription(session, number, contents, ACT, expected=None)
    await send(sessions, 80, morning + HOUR)
    assert await mails(sessions, morning + 10 * HOUR) == [first]
    second = ("alert.digest", "duty@example.org", ["opened yellow"])
    assert await mails(sessions, morning + 34 * HOUR) == [first, second]


async def test_a_digest_waits_for_the_end_of_quiet_hours(sessions: Sessions) -> None:
    await add_rule(sessions, quiet={**NIGHT, "to": "09:00"})
    await subscribe(sessions, digest_at="08:00")
    await send(sessions, 80, EVENING)
    assert await mails(sessions, EVENING + 10 * HOUR) == []
    assert len(await mails(sessions, EVENING + 33 * HOUR)) == 1


async def test_who_wants_no_more_is_told_no_more(sessions: Sessions) -> None:
    await add_rule(sessions)
    number = await subscribe(sessions)
    other = await subscribe(sessions, address="other@example.org")
    await send(sessions, 80, EVENING)
    async with sessions.begin() as session:
        await drop_subscription(session, other, ACT, expected=None)
        token = token_of((await find_subscription(session, number)).row, SECRET)
        for forged in ("", "x", f"{number}.", f"{other}.{token.partition('.')[2]}", token[:-1]):
            with pytest.raises(NotFound):
                await unsubscribe(session, forged, SECRET)
        with pytest.raises(NotFound):
            await unsubscribe(session, token, "t" * 32)
        await unsubscribe(session, token, SECRET)
        await unsubscribe(session, token, SECRET)
    assert await mails(sessions, EVENING) == []
    await send(sessions, 300, EVENING + HOUR)
    assert await mails(sessions, EVENING + HOUR) == []
    async with sessions.begin() as session:
        # Another change leaves it ended; a new address is told, and old links do not end it.
        changed = {**READER, "name": "new"}
        await replace_subscription(session, number, changed, ACT, expected=None)
        assert (await find_subscription(session, number)).row.unsubscribed_at is not None
        changed["address"] = "next@example.org"
        await replace_subscription(session, number, changed, ACT, expected=None)
        with pytest.raises(NotFound):
            await unsubscribe(session, token, SECRET)
    await send(sessions, 10, EVENING + 2 * HOUR)
    found = await mails(sessions, EVENING + 2 * HOUR)
    assert [one[1] for one in found] == ["next@example.org"]


async def test_codes_and_states_of_subscriptions_are_checked(sessions: Sessions) -> None:
    await add_rule(sessions)
    refused = (({"rules": ["pm25", "x"]}, "/rules/1"), ({"region": "x"}, "/region"))
    for changes, pointer in refused:
        with pytest.raises(InvalidInput) as error:
            await subscribe(sessions, **changes)
        assert [fault.pointer for fault in error.value.faults] == [pointer]
    number = await subscribe(sessions)
    async with sessions.begin() as session:
        with pytest.raises(Stale):
            await drop_subscription(session, number, ACT, expected=frozenset({"7"}))
        with pytest.raises(NotFound):
            await drop_subscription(session, number + 1, ACT, expected=None)


async def test_a_subscription_goes_on_with_what_it_names_and_is_gone(sessions: Sessions) -> None:
    await add_rule(sessions)
    number = await subscribe(sessions, rules=["pm25"], region="district")
    async with sessions.begin() as session:
        for table in ("alert_rule", "region"):
            await session.execute(text(f"UPDATE {table} SET deleted_at = now()"))
        told = (await find_subscription(session, number)).contents
        # Without them it would be told of every rule, and of every region.
        assert (told["rules"], told["region"]) == (["pm25"], "district")
        contents = {**told, "name": "new"}
        made = await replace_subscription(session, number, contents, ACT, expected=None)
        assert made.contents == contents
    with pytest.raises(InvalidInput):
        await subscribe(sessions, region="district")

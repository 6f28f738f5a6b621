"""The outbox: written once, taken by one, tried again, given up, forgotten."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text

from shanhai.db.deliveries import outbox
from shanhai.db.deliveries.outbox import (
    ClaimedDelivery,
    DeliveryOutcome,
    enqueue,
    list_deliveries,
    note_outcome,
    prune_deliveries,
    send_again,
)
from shanhai.db.deliveries.webhooks import find_listening
from shanhai.db.engine import Sessions
from shanhai.db.migrate import upgrade
from shanhai.db.tables.delivery import Delivery, Webhook
from tests.support.databases import downgrade
from tests.support.emptying import forget_rows
from tests.support.job_rows import add_region

FAILED = DeliveryOutcome(answered=500, reason="the receiver answered 500")


@pytest.fixture(autouse=True)
async def without_deliveries(sessions: Sessions) -> None:
    async with sessions.begin() as session:
        await forget_rows(session, ["delivery", "webhook", "region"])


async def write(sessions: Sessions, *targets: str, **given: Any) -> list[UUID | None]:
    made = []
    for target in targets:
        async with sessions.begin() as session:
            made.append(await enqueue(session, "webhook", target, "x", {"a": 1}, **given))
    return made


async def take(sessions: Sessions, *, most: int = 10, lease_s: float = 60) -> list[ClaimedDelivery]:
    async with sessions.begin() as session:
        return await outbox.take(session, ["webhook"], most=most, lease_s=lease_s)


async def note(sessions: Sessions, taken: ClaimedDelivery, outcome: DeliveryOutcome) -> str | None:
    async with sessions.begin() as session:
        return await note_outcome(session, taken, outcome)


async def row_of(sessions: Sessions, delivery_id: UUID | None) -> Delivery:
    async with sessions() as session:
        return await session.get_one(Delivery, delivery_id)


async def age(sessions: Sessions, **columns: str) -> None:
    """Move times of all deliveries to the past."""
    moved = ", ".join(f"{name} = now() - interval '{by}'" for name, by in columns.items())
    async with sessions.begin() as session:
        await session.execute(text(f"UPDATE delivery SET {moved}"))


async def test_written_with_its_cause_or_not_at_all(sessions: Sessions) -> None:
    async with sessions() as session:
        await enqueue(session, "webhook", "a", "x", {})
        await session.rollback()
    assert await take(sessions) == []


async def test_once_by_its_key(sessions: Sessions) -> None:
    first, second = await write(sessions, "a", "b", once_key="digest:1:2026-01-01")
    assert first is not None
    assert second is None
    assert [one.target for one in await take(sessions)] == ["a"]


async def test_what_is_written_together_is_sent_in_the_order_it_was_written(
    sessions: Sessions,
) -> None:
    async with sessions.begin() as session:
        ids = [await enqueue(session, "webhook", "a", "x", {}) for _ in range(8)]
    async with sessions() as session:
        listed = await list_deliveries(session, "webhook", "a", limit=9)
        older = await list_deliveries(session, "webhook", "a", limit=9, before=ids[3])
    assert [row.id for row in listed] == ids[::-1]
    assert [row.id for row in older] == ids[2::-1]
    sent = list[ClaimedDelivery]()
    for _ in ids:
        sent += await take(sessions)
        await note(sessions, sent[-1], DeliveryOutcome(answered=204))
    assert [one.id for one in sent] == ids
    numbers = [one.number for one in sent]
    assert numbers == sorted(set(numbers))


async def test_who_began_first_and_wrote_last_is_sent_last(sessions: Sessions) -> None:
    async with sessions.begin() as early:
        await early.execute(text("SELECT 1"))
        (first,) = await write(sessions, "a")
        last = await enqueue(early, "webhook", "a", "x", {})
    (taken,) = await take(sessions)
    assert taken.id == first
    await note(sessions, taken, DeliveryOutcome(answered=204))
    assert [one.id for one in await take(sessions)] == [last]


async def test_what_waits_at_an_upgrade_is_numbered_as_it_was_written(
    fresh_sessions: Sessions, fresh_database_url: str
) -> None:
    ids = await write(fresh_sessions, "a", "a", "a")
    async with fresh_sessions.begin() as session:
        # Tried once, it lies behind the others.
        tried = "UPDATE delivery SET attempt = 1 WHERE id = :id"
        await session.execute(text(tried), {"id": ids[0]})
    await asyncio.to_thread(downgrade, fresh_database_url, "0098")
    await asyncio.to_thread(upgrade, fresh_database_url)
    ids += await write(fresh_sessions, "a")
    async with fresh_sessions() as session:
        ordered = await session.scalars(select(Delivery.id).order_by(Delivery.number))
        assert ordered.all() == ids


async def test_each_target_has_its_turn(sessions: Sessions) -> None:
    ids = await write(sessions, "busy", "busy", "busy", "other", "third")
    taken = await take(sessions)
    assert [one.id for one in taken] == [ids[0], ids[3], ids[4]]
    assert {one.attempt for one in taken} == {1}
    # What is being sent is not taken again, and nothing more for its target.
    assert await take(sessions) == []
    assert await note(sessions, taken[0], DeliveryOutcome(answered=204)) == "delivered"
    assert [one.id for one in await take(sessions)] == [ids[1]]
    done = await row_of(sessions, ids[0])
    assert (done.status, done.answered, done.reason) == ("delivered", 204, None)
    assert done.finished_at is not None


async def test_most_is_kept_to_and_the_longest_waiting_goes_first(sessions: Sessions) -> None:
    await write(sessions, "late", due_at=datetime.now(UTC) + timedelta(hours=1))
    ids = await write(sessions, "a", "b", "c")
    assert [one.id for one in await take(sessions, most=2)] == ids[:2]


async def test_many_takers_take_each_once(sessions: Sessions) -> None:
    await write(sessions, *(f"t{number}" for number in range(12)))
    found = await asyncio.gather(*(take(sessions, most=5) for _ in range(6)))
    ids = [one.id for taken in found for one in taken]
    assert len(ids) == len(set(ids))


async def test_a_lease_that_ran_out_is_taken_by_another(sessions: Sessions) -> None:
    await write(sessions, "a")
    (first,) = await take(sessions)
    await age(sessions, lease_until="1 second")
    (second,) = await take(sessions)
    assert (second.id, second.attempt) == (first.id, 2)
    # Who comes back late changes nothing.
    assert await note(sessions, first, FAILED) is None
    assert await note(sessions, second, DeliveryOutcome(answered=200)) == "delivered"


async def test_ten_attempts_in_a_day_and_then_it_is_given_up(sessions: Sessions) -> None:
    (delivery_id,) = await write(sessions, "a")
    for attempt in range(1, 11):
        await age(sessions, due_at="1 second")
        (taken,) = await take(sessions)
        assert taken.attempt == attempt
        status = await note(sessions, taken, FAILED)
        assert status == ("dead" if attempt == 10 else "waiting")
        row = await row_of(sessions, delivery_id)
        if status == "waiting":
            pause = (row.due_at - datetime.now(UTC)).total_seconds()
            assert pause == pytest.approx(outbox.PAUSES_S[attempt - 1], rel=0.15, abs=2)
            assert await take(sessions) == []
    assert (row.answered, row.reason) == (500, "the receiver answered 500")
    assert sum(outbox.PAUSES_S) == pytest.approx(24 * 3600, rel=0.02)
    assert all(one < two for one, two in pairwise(outbox.PAUSES_S))
    # By hand it begins anew, under the same id.
    async with sessions.begin() as session:
        await send_again(session, "webhook", "a", row.id)
    (again,) = await take(sessions)
    assert (again.id, again.attempt) == (delivery_id, 1)


async def test_a_final_answer_is_not_asked_for_again(sessions: Sessions) -> None:
    await write(sessions, "a")
    (taken,) = await take(sessions)
    gone = DeliveryOutcome(answered=410, reason="x" * 1000, final=True)
    assert await note(sessions, taken, gone) == "dead"
    row = await row_of(sessions, taken.id)
    assert row.reason == "x" * 500


async def test_what_ended_long_ago_is_forgotten(sessions: Sessions) -> None:
    kept, old = await write(sessions, "a", "b")
    for taken in await take(sessions):
        await note(sessions, taken, DeliveryOutcome(answered=200))
    async with sessions.begin() as session:
        aged = text("UPDATE delivery SET finished_at = now() - interval '31 days' WHERE id = :id")
        await session.execute(aged, {"id": old})
        assert await prune_deliveries(session) == 1
        assert list(await session.scalars(select(Delivery.id))) == [kept]


async def test_pages_of_deliveries(sessions: Sessions) -> None:
    ids = await write(sessions, "a", "a", "a", "b")
    async with sessions.begin() as session:
        # Rows of one moment are told apart by their numbers.
        await session.execute(text("UPDATE delivery SET created_at = '2026-01-01T00:00:00Z'"))
        whole = [row.id for row in await list_deliveries(session, "webhook", "a", limit=9)]
        pages: list[UUID] = []
        while page := await list_deliveries(
            session, "webhook", "a", limit=1, before=pages[-1] if pages else None
        ):
            pages += [row.id for row in page]
        dead = await list_deliveries(session, "webhook", "a", limit=9, status="dead")
    assert pages == whole
    assert set(whole) == set(ids[:3])
    assert dead == []


async def test_webhooks_of_the_region_and_those_above_listen(sessions: Sessions) -> None:
    async with sessions.begin() as session:
        city = await add_region(session, "city")
        west = await add_region(session, "west", level="district", parent=city)
        east = await add_region(session, "east", level="district", parent=city)
        for name, region, events, enabled in (
            ("all", None, ["alert.opened"], True),
            ("city", city.id, ["alert.opened", "alert.closed"], True),
            ("west", west.id, ["alert.opened"], True),
            ("off", None, ["alert.opened"], False),
            ("other", None, ["case.opened"], True),
        ):
            session.add(
                Webhook(
                    code=name,
                    name=name,
                    url="https://x.example",
                    lang="zh",
                    events=events,
                    region_id=region,
                    enabled=enabled,
                    secret=b"",
                    created_by="t",
                )
            )
        await session.flush()

        async def names(event_type: str, region_id: int | None) -> list[str]:
            found = await find_listening(session, event_type, region_id)
            return [hook.code for hook in found]

        assert await names("alert.opened", west.id) == ["all", "city", "west"]
        assert await names("alert.opened", east.id) == ["all", "city"]
        assert await names("alert.opened", None) == ["all"]
        assert await names("alert.closed", east.id) == ["city"]
        assert await names("case.opened", west.id) == ["other"]

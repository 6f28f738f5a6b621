"""Duties that come near their last day, are late and are done: warnings, on PostGIS."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from shanhai.db.alerts.observation_evaluation import note_all_ledgers
from shanhai.db.alerts.plan_evaluation import evaluate_ledgers
from shanhai.db.alerts.queries import describe_alert, list_alerts
from shanhai.db.alerts.rules import create_rule
from shanhai.db.deliveries.webhooks import HostlessLinks
from shanhai.db.duties import mark_late, read_duties
from shanhai.db.engine import Sessions, read_today
from shanhai.db.identity import EVERYTHING, Identity
from shanhai.db.indicators.plan_indicators import find_plan
from shanhai.db.queries.audit import Act
from shanhai.vocabulary import Scope
from tests.support.alert_rows import rule
from tests.support.emptying import forget_rows
from tests.support.indicator_rows import add_plan
from tests.support.job_rows import add_region

ANYONE = Identity("key:test", frozenset({Scope.WRITE, Scope.PROJECTS}))
RULE = rule(
    code="due",
    kind="duty_due",
    limits={"blue": -30.0, "yellow": -7.0, "red": 0.0},
    reset=-30.0,
)


@pytest.fixture(autouse=True)
async def duties(sessions: Sessions) -> None:
    """A plan in force with duties that are due in so many days, and a rule that watches them."""
    async with sessions.begin() as session:
        await forget_rows(session, ["region", "indicator", "alert_rule"])
        city = await add_region(session, "city")
        plan = await add_plan(session, "plan", city)
        for code, days in (("far", 31), ("near", 29), ("week", 6), ("today", 0), ("past", -1)):
            await session.execute(
                text(
                    "INSERT INTO duty (code, plan_id, name_zh, name_en, due_on)"
                    " VALUES (:code, :plan, '职责', :code, current_date + CAST(:days AS integer))"
                ),
                {"code": code, "plan": plan.id, "days": days},
            )
        await create_rule(session, RULE, identity=ANYONE, act=Act("key:test"))
    await judge(sessions)


async def judge(sessions: Sessions) -> None:
    async with sessions.begin() as session:
        await note_all_ledgers(session)
    async with sessions.begin() as session:
        await evaluate_ledgers(session)


async def change(sessions: Sessions, code: str, columns: str) -> None:
    async with sessions.begin() as session:
        await session.execute(text(f"UPDATE duty SET {columns} WHERE code = :code"), {"code": code})
    async with sessions.begin() as session:
        await evaluate_ledgers(session)


async def levels(sessions: Sessions) -> dict[str, str]:
    async with sessions() as session:
        rows = await list_alerts(session, EVERYTHING, {"subject": "duty"}, limit=10)
    return {row.duty: row[0].level for row in rows if row[0].status != "closed"}


async def test_they_are_warned_of_by_the_days_that_are_left(sessions: Sessions) -> None:
    # On the last day itself, and 30 and 7 days before it, a limit is not passed yet.
    assert await levels(sessions) == {
        "near": "blue",
        "week": "yellow",
        "today": "yellow",
        "past": "red",
    }
    async with sessions() as session:
        [row] = await list_alerts(session, EVERYTHING, {"level": "red"}, limit=10)
        told = describe_alert(row, HostlessLinks("en"))
    assert (told["subject"], told["duty"], told["plan"]) == ("duty", "past", "plan")
    assert (told["measure"], told["unit"]) == (1.0, "d")
    assert told["links"][-1]["href"].endswith("/plans/plan/duties/past")


async def test_what_is_done_is_warned_of_no_longer(sessions: Sessions) -> None:
    await change(sessions, "past", "state = 'done'")
    await change(sessions, "week", "state = 'dropped', reason = 'given up'")
    await change(sessions, "near", "due_on = current_date + 300")
    assert await levels(sessions) == {"today": "yellow"}
    async with sessions() as session:
        kinds = await session.execute(
            text(
                "SELECT du.code, array_agg(e.kind ORDER BY e.id) FROM alert_event e"
                " JOIN alert a ON a.id = e.alert_id JOIN duty du ON du.id = a.duty_id"
                " GROUP BY du.code"
            )
        )
        assert {row[0]: row[1] for row in kinds} == {
            "past": ["opened", "recovered"],
            "week": ["opened", "subject_gone"],
            "near": ["opened", "recovered"],
            "today": ["opened"],
        }
    # Once more changes nothing.
    await judge(sessions)
    assert await levels(sessions) == {"today": "yellow"}


async def test_a_duty_is_late_after_its_last_day(sessions: Sessions) -> None:
    async with sessions.begin() as session:
        assert await mark_late(session) == 1
    async with sessions.begin() as session:
        assert await mark_late(session) == 0
        late = await session.scalars(text("SELECT code FROM duty WHERE state = 'late'"))
        assert list(late) == ["past"]
        told = await session.scalar(
            text("SELECT actor FROM audit_log WHERE object_table = 'duty' AND object_id = 'past'")
        )
        assert told == "calendar"


async def test_duties_of_drafts_are_not_watched(sessions: Sessions) -> None:
    async with sessions.begin() as session:
        await session.execute(text("UPDATE plan SET status = 'draft'"))
    await judge(sessions)
    assert await levels(sessions) == {}
    async with sessions.begin() as session:
        assert await mark_late(session) == 0


async def test_those_of_a_joint_plan_are_found_by_each_of_its_regions(sessions: Sessions) -> None:
    async with sessions.begin() as session:
        above = await add_region(session, "upstream", level="province")
        district = await add_region(session, "district", level="district", parent=above)
        await add_region(session, "elsewhere")
        await session.execute(
            text("UPDATE plan SET region_ids = ARRAY[region_id, :other]"), {"other": district.id}
        )
    found = {}
    async with sessions() as session:
        for region in ("city", "upstream", "district", "elsewhere"):
            rows = await list_alerts(session, EVERYTHING, {"region": region}, limit=10)
            found[region] = len(rows)
    assert found == {"city": 4, "upstream": 4, "district": 4, "elsewhere": 0}


async def test_a_late_duty_was_open_on_former_days(sessions: Sessions) -> None:
    await change(sessions, "past", "valid_from = current_date - 100")
    async with sessions.begin() as session:
        await mark_late(session)
    async with sessions() as session:
        today = await read_today(session)
        states = {}
        for days in (101, 40, 1, 0):
            seen = await find_plan(session, "plan", EVERYTHING, today - timedelta(days=days))
            told = {duty["code"]: duty["state"] for duty in await read_duties(session, seen)}
            states[days] = told.get("past")
    assert states == {101: None, 40: "open", 1: "open", 0: "late"}

"""A worker warns by itself, soon after something has changed and when nothing does."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest
from shapely import MultiPolygon, box
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from shanhai.db.alerts.plan_evaluation import evaluate_cases, evaluate_ledgers
from shanhai.db.alerts.rules import create_rule
from shanhai.db.alerts.subscriptions import create_subscription
from shanhai.db.cases.leads import CaseRule, Lead, receive_lead
from shanhai.db.engine import Sessions
from shanhai.db.identity import Identity
from shanhai.db.queries.audit import Act
from shanhai.db.tables.alert import Alert, AlertRule
from shanhai.db.tables.duty import Duty
from shanhai.monitoring.observation import FeedObservation
from shanhai.shutdown import end
from shanhai.vocabulary import Scope
from shanhai_worker import periodic
from shanhai_worker.context import WorkerContext
from tests.support.alert_rows import rule
from tests.support.emptying import forget_rows
from tests.support.indicator_rows import add_indicator, add_plan
from tests.support.job_rows import add_region
from tests.support.known_lines import red_line
from tests.support.observation_rows import add_station, forget_observations, store_observations

PATIENCE_S = 30.0
RULE = rule(property="pm25", max_age_s=86_400)
READER = {
    "name": "reader",
    "address": "a@b.cn",
    "lang": "zh",
    "levels": ["blue", "yellow", "red"],
    "time_zone": "Asia/Shanghai",
    "endings": False,
    "enabled": True,
    **dict.fromkeys(("rules", "region", "digest_at")),
}


async def test_values_silence_and_targets_open_alerts_that_people_are_told_of(
    sessions: Sessions, context: WorkerContext
) -> None:
    async with sessions.begin() as session:
        await forget_observations(session)
        await forget_rows(session, ["region", "indicator", "subscription", "delivery"])
        plan = await add_plan(session, "plan", await add_region(session, "city"))
        # The path asks for 40 of 2024.
        figures = [("base", 2020, "0"), ("target", 2090, "700")]
        await add_indicator(session, plan, "woods", figures=figures, values=[(2024, "30")])
        await create_subscription(session, READER, Act("key:test"))
        for code in ("loud", "silent"):
            await add_station(session, code)
        planner = Identity("key:test", frozenset({Scope.WRITE}))
        for code, kind, limits in (
            ("high", "above", {"red": 75.0}),
            ("mute", "no_data", {"blue": 7200.0}),
            ("behind", "indicator_behind_target", {"yellow": 0.0}),
        ):
            (reset,) = limits.values()
            contents = {**RULE, "code": code, "kind": kind, "limits": limits, "reset": reset}
            if code == "behind":
                contents["property"] = None
            await create_rule(session, contents, identity=planner, act=Act("key:test"))
    now = datetime.now(UTC)
    await store_observations(
        sessions,
        [
            FeedObservation("loud", "pm25", now, 80),
            FeedObservation("silent", "pm25", now - timedelta(hours=3), 10),
        ],
    )
    query = select(AlertRule.code).join(Alert, Alert.rule_id == AlertRule.id)
    told = text("SELECT sum((payload->>'number')::int) FROM delivery WHERE target = 'a@b.cn'")
    warning = asyncio.create_task(periodic.evaluate_alert_rules(context))
    async with asyncio.timeout(PATIENCE_S):
        found: set[str] = set()
        mails = 0
        while found != {"high", "mute", "behind"} or mails != 3:
            await asyncio.sleep(0.1)
            async with sessions() as session:
                found = set(await session.scalars(query))
                mails = await session.scalar(told)
    await end(warning)


async def test_open_cases_are_judged_once_a_rule_begins_to_hold(
    sessions: Sessions, context: WorkerContext
) -> None:
    shape, anyone = box(118.02, 24.42, 118.03, 24.43), frozenset({Scope.WRITE, Scope.PROJECTS})
    identity, act = Identity("key:test", anyone), Act("key:test")
    days = date(2025, 1, 1), date(2025, 6, 1)
    lead = Lead("satellite", "1", "mining", *days, None, MultiPolygon([shape]).wkb)
    async with sessions.begin() as session:
        await forget_rows(session, ["lead_case", "region", "alert_rule", "alert_due"])
        session.add(red_line(await add_region(session, "city"), shape))
        await receive_lead(session, identity, act, lead, CaseRule({"red_line": 400.0}, 15))
        contents = rule(kind="red_line_lead", control_kind="red_line", limits={"red": 400.0})
        contents |= {"reset": 0.0, "valid_from": "2999-01-01"}
        await create_rule(session, contents, identity=identity, act=act)
        assert await evaluate_cases(session) == 1
        await session.execute(text("UPDATE alert_rule SET valid_from = current_date"))
    warning = asyncio.create_task(periodic.evaluate_alert_rules(context))
    async with asyncio.timeout(PATIENCE_S):
        found: list[str] = []
        while found != ["open"]:
            await asyncio.sleep(0.1)
            async with sessions() as session:
                found = [*await session.scalars(select(Alert.status))]
    await end(warning)


async def test_a_part_that_fails_ends_nothing_else(
    sessions: Sessions, context: WorkerContext
) -> None:
    """With the days of a duty that never ends nobody can count; notices are sent all the same."""
    shape, anyone = box(118.02, 24.42, 118.03, 24.43), frozenset({Scope.WRITE, Scope.PROJECTS})
    identity, act = Identity("key:test", anyone), Act("key:test")
    days = date(2025, 1, 1), date(2025, 6, 1)
    lead = Lead("satellite", "1", "mining", *days, None, MultiPolygon([shape]).wkb)
    async with sessions.begin() as session:
        tables = ["lead_case", "region", "indicator", "alert_rule", "alert_due", "delivery"]
        await forget_rows(session, [*tables, "subscription"])
        city = await add_region(session, "city")
        plan = await add_plan(session, "plan", city)
        session.add(red_line(city, shape))
        await create_subscription(session, READER, act)
        due = rule(code="due", kind="duty_due", limits={"red": 0.0}, reset=0.0)
        await create_rule(session, due, identity=identity, act=act)
        cut = rule(kind="red_line_lead", control_kind="red_line", limits={"red": 400.0}, reset=0.0)
        await create_rule(session, {**cut, "code": "cut"}, identity=identity, act=act)
        await receive_lead(session, identity, act, lead, CaseRule({"red_line": 400.0}, 15))
        named = {"name_zh": "职责", "name_en": "Duty", "due_on": date.max}
        session.add(Duty(code="endless", plan_id=plan.id, **named))
    async with sessions() as session:
        with pytest.raises(DBAPIError, match="infinite dates"):
            await evaluate_ledgers(session)
    told = text("SELECT sum((payload->>'number')::int) FROM delivery WHERE target = 'a@b.cn'")
    warning = asyncio.create_task(periodic.evaluate_alert_rules(context))
    async with asyncio.timeout(PATIENCE_S):
        mails = None
        while mails != 1:
            await asyncio.sleep(0.1)
            async with sessions() as session:
                mails = await session.scalar(told)
    await end(warning)


@pytest.mark.long
async def test_ledgers_open_and_end_alerts_when_they_change_and_when_days_pass(
    sessions: Sessions, context: WorkerContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sessions.begin() as session:
        await forget_rows(session, ["region", "indicator", "alert_rule", "alert_due", "delivery"])
        city = await add_region(session, "city")
        planner = Identity("key:test", frozenset({Scope.WRITE}))
        for kind, sort in (
            ("balance_short", "natural_shoreline"),
            ("reclamation_due", None),
            ("mine_fund_short", None),
            ("settlement_waiting", None),
        ):
            contents = {**RULE, "code": kind, "kind": kind, "limits": {"red": 0.0}, "reset": 0.0}
            contents |= {"property": None, "balance_kind": sort}
            await create_rule(session, contents, identity=planner, act=Act("key:test"))
    query = text(
        "SELECT r.kind, a.status FROM alert a JOIN alert_rule r ON r.id = a.rule_id ORDER BY a.id"
    )

    async def reach(expected: set[tuple[str, str]]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            found: set[tuple[str, str]] = set()
            while found != expected:
                await asyncio.sleep(0.1)
                async with sessions() as session:
                    rows = (await session.execute(query)).all()
                found = {(row.kind, row.status) for row in rows}
                assert len(rows) == len(found), "one alert about one subject"

    async def run(*statements: str) -> None:
        async with sessions.begin() as session:
            for statement in statements:
                await session.execute(text(statement), {"city": city.id})

    monkeypatch.setattr(periodic, "PLANS_S", 0.2)
    warning = asyncio.create_task(periodic.evaluate_alert_rules(context))
    try:
        await run(
            "INSERT INTO balance_entry (code, title_zh, kind, direction, amount, unit, region_id,"
            " year, state, accepted_on) VALUES ('quay', '码头', 'natural_shoreline', 'taken', 300,"
            " 'm', :city, 2026, 'accepted', current_date)",
            "INSERT INTO mine (code, name_zh, name_en, kind, region_id)"
            " VALUES ('quarry', '矿', 'Quarry', 'producing', :city)",
            "INSERT INTO mine_deposit_entry (mine_id, kind, year, amount, actor)"
            " SELECT id, 'due', 2020, 5, 'x' FROM mine WHERE region_id = :city",
        )
        short = {("balance_short", "open"), ("mine_fund_short", "open")}
        await reach(short)
        # Nothing tells of this change: the look of every ten minutes finds it.
        await run(
            "ALTER TABLE reclamation DISABLE TRIGGER note_ledger_insert",
            "INSERT INTO reclamation (visibility, code,"
            " name_zh, name_en, region_id, state, start_on, end_on,"
            " land_class_before) VALUES ('public',"
            " 'road', '便道', 'Road', :city, 'in_use', '2020-01-01',"
            " '2021-01-01', '旱地')",
            "ALTER TABLE reclamation ENABLE TRIGGER note_ledger_insert",
        )
        await reach({*short, ("reclamation_due", "open")})
        # Several looks later there is no second one.
        await asyncio.sleep(1)
        await reach({*short, ("reclamation_due", "open")})
        await run(
            "INSERT INTO balance_entry (code, title_zh, kind, direction, amount, unit, region_id,"
            " year, state, accepted_on) VALUES ('shore', '修复', 'natural_shoreline', 'given', 300,"
            " 'm', :city, 2026, 'accepted', current_date)",
            "INSERT INTO mine_deposit_entry (mine_id, kind, year, amount, actor)"
            " SELECT id, 'paid', 2020, 5, 'x' FROM mine WHERE region_id = :city",
            "UPDATE reclamation SET state = 'accepted', accepted_on = current_date",
        )
        await reach({(kind, "closed") for kind in ("reclamation_due", *(one for one, _ in short))})
    finally:
        await end(warning)

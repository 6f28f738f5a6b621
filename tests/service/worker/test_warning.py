"""A worker warns by itself, soon after something has changed and when nothing does."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select, text

from shanhai.db.alerts.rules import create_rule
from shanhai.db.alerts.subscriptions import create_subscription
from shanhai.db.engine import Sessions
from shanhai.db.identity import Identity
from shanhai.db.queries.audit import Act
from shanhai.db.tables.alert import Alert, AlertRule
from shanhai.monitoring.observation import FeedObservation
from shanhai.shutdown import end
from shanhai.vocabulary import Scope
from shanhai_worker import periodic
from shanhai_worker.context import WorkerContext
from tests.support.emptying import forget_rows
from tests.support.indicator_rows import add_indicator, add_plan
from tests.support.job_rows import add_region
from tests.support.observation_rows import add_station, forget_observations, store_observations

PATIENCE_S = 30.0
RULE: dict[str, Any] = {
    "name_zh": "规则",
    "name_en": "Rule",
    "property": "pm25",
    "stations": None,
    "region": None,
    "min_duration_s": 0,
    "max_age_s": 86_400,
    "any_quality": False,
    "enabled": True,
    **dict.fromkeys(
        ("plan", "indicator", "control_kind", "quiet", "valid_from", "valid_to"),
    ),
}
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
            rule = {**RULE, "code": code, "kind": kind, "limits": limits, "reset": reset}
            if code == "behind":
                rule["property"] = None
            await create_rule(session, rule, identity=planner, act=Act("key:test"))
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

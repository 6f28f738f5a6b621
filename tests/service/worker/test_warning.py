"""A worker warns by itself, soon after values are stored and when none are."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select

from shanhai.db.alerts.rules import create_rule
from shanhai.db.engine import Sessions
from shanhai.db.identity import Identity
from shanhai.db.queries.audit import Act
from shanhai.db.tables import Alert, AlertRule
from shanhai.ending import end
from shanhai.monitoring.observation import Observation
from shanhai.testing.observation_rows import add_station, forget_observations, store_observations
from shanhai.vocabulary import Scope
from shanhai_worker import alert_keeper
from shanhai_worker.context import Context

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


async def test_values_and_silence_open_alerts(sessions: Sessions, context: Context) -> None:
    async with sessions.begin() as session:
        await forget_observations(session)
        for code in ("loud", "silent"):
            await add_station(session, code)
        planner = Identity("key:test", frozenset({Scope.WRITE}))
        for code, kind, limits in (
            ("high", "above", {"red": 75.0}),
            ("mute", "no_data", {"blue": 7200.0}),
        ):
            (reset,) = limits.values()
            rule = {**RULE, "code": code, "kind": kind, "limits": limits, "reset": reset}
            await create_rule(session, rule, identity=planner, act=Act("key:test"))
    now = datetime.now(UTC)
    await store_observations(
        sessions,
        [
            Observation("loud", "pm25", now, 80),
            Observation("silent", "pm25", now - timedelta(hours=3), 10),
        ],
    )
    query = select(AlertRule.code).join(Alert, Alert.rule_id == AlertRule.id)
    warning = asyncio.create_task(alert_keeper.run(context))
    async with asyncio.timeout(PATIENCE_S):
        found: set[str] = set()
        while found != {"high", "mute"}:
            await asyncio.sleep(0.1)
            async with sessions() as session:
                found = set(await session.scalars(query))
    await end(warning)

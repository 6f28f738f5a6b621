"""The list of the duty desk in Chromium, with alerts about all that alerts are about."""

import asyncio
import socket
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from shapely import MultiPolygon, box
from sqlalchemy import text

from shanhai.db.alerts.observation_evaluation import evaluate_changes
from shanhai.db.alerts.plan_evaluation import evaluate_cases, evaluate_plans
from shanhai.db.alerts.rules import create_rule
from shanhai.db.alerts.subscriptions import answer_alert
from shanhai.db.cases.leads import CaseRule, Lead, receive_lead
from shanhai.db.engine import Sessions
from shanhai.db.identity import Identity
from shanhai.db.queries.audit import Act
from shanhai.db.queries.keys import create_key
from shanhai.db.tables.station import Station
from shanhai.db.tables.zone import Region
from shanhai.monitoring.observation import FeedObservation
from shanhai.vocabulary import Scope
from shanhai_api.alerts.models import NewRule
from shanhai_api.app import create_app
from shanhai_api.kit.state import Configuration
from tests.support.browser import open_page
from tests.support.feature_rows import forget_features
from tests.support.indicator_rows import add_indicator, add_plan
from tests.support.job_rows import add_region, open_sessions
from tests.support.known_lines import red_line
from tests.support.observation_rows import add_station, forget_observations, store_observations
from tests.support.pictures import keep_picture
from tests.support.serving import serving

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
WINDOW = (1180, 640)
SHAPE = box(118.020, 24.420, 118.021, 24.421)
ACT = Act("key:duty")
ANYONE = Identity("key:duty", frozenset({Scope.WRITE, Scope.OBSERVE}))
RULES: list[dict[str, Any]] = [
    {
        "code": "ammonia-high",
        "name_zh": "氨氮超标",
        "name_en": "Ammonia too high",
        "kind": "above",
        "property": "ammonia_nitrogen",
        "limits": {"yellow": 1.0, "orange": 1.5, "red": 2.0},
    },
    {
        "code": "oxygen-low",
        "name_zh": "溶解氧偏低",
        "name_en": "Oxygen too low",
        "kind": "below",
        "property": "dissolved_oxygen",
        "limits": {"blue": 5.0, "yellow": 3.0},
    },
    {
        "code": "targets-behind",
        "name_zh": "规划指标滞后",
        "name_en": "Targets behind",
        "kind": "indicator_behind_target",
        "limits": {"blue": 0, "yellow": 5, "orange": 10, "red": 20},
    },
    {
        "code": "red-line",
        "name_zh": "红线内变化",
        "name_en": "Change in the red line",
        "kind": "red_line_lead",
        "control_kind": "red_line",
        "limits": {"yellow": 400, "orange": 2000, "red": 10_000},
    },
]


async def warn(url: str) -> str:
    """A morning at the duty desk, and a key to read of it."""
    async with open_sessions(url) as sessions:
        async with sessions.begin() as session:
            await forget_observations(session)
            await forget_features(session)
            city = await add_region(session, "350200")
            city.name_zh, city.name_en = "厦门市", "Xiamen"
            await _add_places(session, city)
            for contents in RULES:
                rule = NewRule(**contents).contents()
                await create_rule(session, rule, identity=ANYONE, act=ACT)
        for station, property_, hours, value in (
            ("xm-dz01", "dissolved_oxygen", 9, 4.6),
            ("xm-dz01", "dissolved_oxygen", 8, 5.3),
            ("xm-dz02", "dissolved_oxygen", 3, 4.8),
            ("xm-dz01", "ammonia_nitrogen", 1, 1.72),
        ):
            at = NOW - timedelta(hours=hours)
            await store_observations(sessions, [FeedObservation(station, property_, at, value)])
            await _evaluate(sessions, at)
        async with sessions.begin() as session:
            number = await session.scalar(text("SELECT max(id) - 1 FROM alert"))
            await answer_alert(
                session, int(number or 0), "acknowledge", "已派人核查", identity=ANYONE, act=ACT
            )
            return await create_key(session, name="duty", scopes=(Scope.READ,))


async def _add_places(session: Any, city: Region) -> None:
    for code, name_zh, name_en in (
        ("xm-dz01", "东溪入库断面", "Dongxi at the reservoir"),
        ("xm-dz02", "西溪入海口", "Mouth of the Xixi"),
    ):
        station: Station = await add_station(session, code, region=city)
        station.name_zh, station.name_en = name_zh, name_en
    plan = await add_plan(session, "xiamen-2035", city)
    # The path asks for 40 of 2024.
    figures = [("base", 2020, "0"), ("target", 2090, "700")]
    values = [(2024, "35.2")]
    woods = await add_indicator(session, plan, "mangrove", figures=figures, values=values)
    woods.name_zh, woods.name_en, woods.unit = "红树林修复面积", "Mangroves restored", "ha"
    line = red_line(city, SHAPE)
    session.add(line)
    await session.flush()
    days, shape = (date(2025, 1, 1), date(2025, 6, 1)), MultiPolygon([SHAPE])
    lead = Lead("satellite", "1", "mining", *days, None, shape.wkb)
    await receive_lead(session, ANYONE, ACT, lead, CaseRule({"red_line": 400.0}, 15))
    renamed = "UPDATE lead_case SET code = 'case-5f3a9c0b7d21e684', created_at = :at"
    await session.execute(text(renamed), {"at": NOW - timedelta(hours=6)})


async def _evaluate(sessions: Sessions, at: datetime) -> None:
    for evaluate in (evaluate_plans, evaluate_cases, evaluate_changes):
        async with sessions.begin() as session:
            await evaluate(session, now=at)


@pytest.mark.usefixtures("browser")
def test_the_duty_desk_sees_all_and_follows_one(
    database_url: str, configuration: Configuration, tmp_path: Path
) -> None:
    key = asyncio.run(warn(database_url))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        public = configuration.public.model_copy(update={"api_url": base})
        app = create_app(replace(configuration, public=public))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None))
        with serving(server, listener), open_page(tmp_path / "profile", *WINDOW) as page:
            page.call("Network.enable")
            headers = {"Authorization": f"Bearer {key}"}
            page.call("Network.setExtraHTTPHeaders", headers=headers)
            for lang, title in (("en", "Alerts"), ("zh", "预警")):
                page.open(f"{base}/alerts?f=html&lang={lang}")
                page.wait_for(f"document.querySelector('h1')?.textContent === '{title}'")
                page.wait_for("document.readyState === 'complete'")
                keep_picture(f"alerts-{lang}.png", page.screenshot())
            assert page.evaluate("document.querySelectorAll('svg.swatch').length") == 5
            for subject, name in (
                ("indicator", "橙色 · 红树林修复面积 · 厦门市 2090"),
                ("case", "红色 · case-5f3a9c0b7d21e684"),
                ("station", "橙色 · 东溪入库断面"),
            ):
                page.open(f"{base}/alerts?f=html&lang=zh&subject={subject}")
                page.wait_for("document.querySelector('td a') !== null")
                page.evaluate("document.querySelector('td a').click()")
                page.wait_for(f"document.querySelector('h1')?.textContent === '{name}'")
            assert page.messages == []

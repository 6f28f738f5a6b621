"""The page of a station in Chromium, under the policy it is served with."""

import asyncio
import math
import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import uvicorn
from sqlalchemy import text

from shanhai.monitoring.observation import FeedObservation
from shanhai_api.app import create_app
from shanhai_api.kit.state import Configuration
from tests.support.browser import open_page
from tests.support.job_rows import open_sessions
from tests.support.observation_rows import add_station, forget_observations, store_observations
from tests.support.pictures import keep_picture
from tests.support.serving import serving

START = datetime(2026, 2, 28, 16, tzinfo=UTC)
WINDOW = (1180, 980)


def made_up() -> list[FeedObservation]:
    """A month of a river as it might be: oxygen of day and night, a gap, a broken sensor."""
    rows = []
    for hour in range(31 * 24):
        at, day = START + timedelta(hours=hour), hour / 24
        sun = math.sin(2 * math.pi * (day - 0.4))
        if 250 <= hour < 310:
            continue
        oxygen = 7.8 + 0.9 * sun - 0.6 * math.sin(day / 5) + 0.15 * math.sin(hour * 1.7)
        quality = "calibration" if 500 <= hour < 503 else "valid"
        oxygen = 5.2 if quality == "calibration" else oxygen
        shown = round(oxygen, 2)
        rows.append(FeedObservation("xm-dz01", "dissolved_oxygen", at, shown, None, quality))
        rows.append(FeedObservation("xm-dz01", "ph", at, round(7.4 + 0.2 * sun, 2)))
        rows.append(FeedObservation("xm-dz01", "ammonia_nitrogen", at, round(0.4 - 0.1 * sun, 3)))
    rows.append(FeedObservation("xm-dz01", "ph", START + timedelta(days=31), 15.2))
    return rows


async def store(database_url: str) -> None:
    async with open_sessions(database_url) as sessions:
        async with sessions.begin() as session:
            await forget_observations(session)
            await add_station(session, "xm-dz01", place=(118.0, 24.7))
            named = (
                "UPDATE station SET name_zh = '东溪入库断面', name_en = 'Dongxi at the reservoir'"
            )
            await session.execute(text(named))
        await store_observations(sessions, made_up())


@pytest.mark.usefixtures("browser")
def test_a_person_can_read_it(
    database_url: str, configuration: Configuration, tmp_path: Path
) -> None:
    asyncio.run(store(database_url))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        public = configuration.public.model_copy(update={"api_url": base})
        app = create_app(replace(configuration, public=public))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None))
        with serving(server, listener), open_page(tmp_path / "profile", *WINDOW) as page:
            for lang, title in (("zh", "东溪入库断面"), ("en", "Dongxi at the reservoir")):
                query = f"f=html&lang={lang}&property=dissolved_oxygen&date=2026-03-15"
                page.open(f"{base}/stations/xm-dz01/observations?{query}")
                page.wait_for(f"document.querySelector('h1')?.textContent === '{title}'")
                page.wait_for("document.readyState === 'complete'")
                # Before the gap and behind it; the three hours of calibration are spots.
                assert page.evaluate("document.querySelectorAll('svg .line').length") == 3
                assert page.evaluate("document.querySelectorAll('svg .spot').length") == 3
                keep_picture(f"station-{lang}.png", page.screenshot())
            page.evaluate("document.querySelector('a[rel=prev]').click()")
            page.wait_for("document.querySelector('svg .none') !== null")
            assert page.messages == []

"""The form of comments in Chromium: the page does the work, and the comment is kept once."""

import asyncio
import socket
from dataclasses import replace
from pathlib import Path

import pytest
import uvicorn
from pydantic import SecretStr
from sqlalchemy import text

from shanhai.settings import ParticipationSettings
from shanhai_api.app import create_app
from shanhai_api.kit.state import Configuration
from tests.support.browser import open_page
from tests.support.feature_rows import forget_features
from tests.support.job_rows import add_region, open_sessions
from tests.support.serving import serving

WINDOW = (1000, 1300)
PLAN = """INSERT INTO plan (code, name_zh, name_en, region_id, kind, level, first_year)
  SELECT 'p-1', '规划', 'Plan', id, 'special_plan', 'city', 2026 FROM region"""
NOTICE = """INSERT INTO notice (code, name_zh, name_en, region_id, subject_collection, subject_code,
    text_zh, period_from, period_to, contact_office, commenters, state)
  SELECT 'n-1', '规划草案公示', 'Draft plan', id, 'plans', 'p-1', '请提出意见。', current_date,
    current_date + 30, '规划科', 'anonymous', 'published' FROM region"""
SENT = """SELECT text, authored, round(ST_X(geom)::numeric, 2), round(ST_Y(geom)::numeric, 2)
  FROM notice_comment"""


async def give_notice(database_url: str) -> None:
    async with open_sessions(database_url) as sessions, sessions.begin() as session:
        await forget_features(session)
        await add_region(session, "a", box=(118.0, 24.4, 118.1, 24.5))
        for statement in (PLAN, NOTICE):
            await session.execute(text(statement))


async def read_comments(database_url: str) -> list[tuple[object, ...]]:
    async with open_sessions(database_url) as sessions, sessions() as session:
        return [tuple(row) for row in await session.execute(text(SENT))]


@pytest.mark.usefixtures("browser")
def test_a_comment_is_sent_from_the_page(
    database_url: str, configuration: Configuration, tmp_path: Path
) -> None:
    asyncio.run(give_notice(database_url))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        public = configuration.public.model_copy(update={"api_url": base})
        taking = ParticipationSettings(secret=SecretStr("s" * 32), work_bits=12, per_address=0)
        app = create_app(replace(configuration, public=public, participation=taking))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None))
        with serving(server, listener), open_page(tmp_path / "profile", *WINDOW) as page:
            page.open(f"{base}/notices/n-1?f=html&lang=zh")
            page.wait_for("document.querySelector('form.comment') !== null")
            page.wait_for("document.readyState === 'complete'")
            box = "document.querySelector('svg[data-scale]').getBoundingClientRect()"
            middle = page.evaluate(f"[{box}.x + {box}.width / 2, {box}.y + {box}.height / 2]")
            page.click(round(middle[0]), round(middle[1]))
            said = "document.querySelector('textarea').value = '请保留<湿地>。'"
            page.evaluate(said)
            page.evaluate("document.querySelector('form.comment button').click()")
            page.wait_for("document.querySelector('output').textContent.includes('回执')")
            assert page.messages == []
    found = asyncio.run(read_comments(database_url))
    told = [(said, how, float(str(x)), float(str(y))) for said, how, x, y in found]
    assert told == [("请保留<湿地>。", "anonymous", 118.05, 24.45)]

"""The forms of the public in Chromium: the page does the work, and what is sent is kept once."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import uvicorn
from pydantic import SecretStr
from sqlalchemy import text

from shanhai.settings import ParticipationSettings
from shanhai_api.app import create_app
from shanhai_api.kit.state import Configuration
from tests.support.browser import Page, open_page
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


async def read_rows(database_url: str, query: str) -> list[tuple[object, ...]]:
    async with open_sessions(database_url) as sessions, sessions() as session:
        return [tuple(row) for row in await session.execute(text(query))]


COMPLAINT = """SELECT c.text, c.photos, k.kind, ST_X(ST_Centroid(k.geom)), ST_Y(ST_Centroid(k.geom))
  FROM complaint c JOIN lead_case k ON k.id = c.case_id"""
PHOTO = """(() => {
  const drawn = document.createElement('canvas');
  drawn.width = drawn.height = 40;
  drawn.getContext('2d').fillRect(0, 0, 20, 20);
  drawn.toBlob((blob) => {
    const held = new DataTransfer();
    held.items.add(new File([blob], 'seen.png', {type: 'image/png'}));
    document.querySelector('input[name=photos]').files = held.files;
  });
})()"""


@contextmanager
def shown(configuration: Configuration, folder: Path, path: str) -> Iterator[Page]:
    """A page of a service that takes what is said without an account."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        public = configuration.public.model_copy(update={"api_url": base})
        taking = ParticipationSettings(secret=SecretStr("s" * 32), work_bits=12, per_address=0)
        app = create_app(replace(configuration, public=public, participation=taking))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None))
        with serving(server, listener), open_page(folder / "profile", *WINDOW) as page:
            page.open(f"{base}{path}?f=html&lang=zh")
            page.wait_for("document.querySelector('form[data-sends]') !== null")
            page.wait_for("document.readyState === 'complete'")
            yield page
            assert page.messages == []


@pytest.mark.usefixtures("browser")
def test_a_comment_is_sent_from_the_page(
    database_url: str, configuration: Configuration, tmp_path: Path
) -> None:
    asyncio.run(give_notice(database_url))
    with shown(configuration, tmp_path, "/notices/n-1") as page:
        box = "document.querySelector('svg[data-scale]').getBoundingClientRect()"
        middle = page.evaluate(f"[{box}.x + {box}.width / 2, {box}.y + {box}.height / 2]")
        page.click(round(middle[0]), round(middle[1]))
        said = "document.querySelector('textarea').value = '请保留<湿地>。'"
        page.evaluate(said)
        page.evaluate("document.querySelector('form.comment button').click()")
        page.wait_for("document.querySelector('output').textContent.includes('回执')")
    found = asyncio.run(read_rows(database_url, SENT))
    told = [(said, how, float(str(x)), float(str(y))) for said, how, x, y in found]
    assert told == [("请保留<湿地>。", "anonymous", 118.05, 24.45)]


@pytest.mark.usefixtures("browser")
def test_a_complaint_with_a_photo_is_sent_and_asked_for(
    database_url: str, configuration: Configuration, tmp_path: Path
) -> None:
    asyncio.run(give_notice(database_url))
    output = "document.querySelector('form[data-sends=complaint] output').textContent"
    receipt = "document.querySelector('form[data-sends=receipt]')"
    with shown(configuration, tmp_path, "/complaints") as page:
        for name, value in (("kind", "dumping"), ("lon", "118.05"), ("lat", "24.45")):
            page.evaluate(f"document.querySelector('[name={name}]').value = '{value}'")
        page.evaluate("document.querySelector('textarea').value = '河边倾倒<渣土>。'")
        page.evaluate(PHOTO)
        page.wait_for("document.querySelector('input[name=photos]').files.length === 1")
        page.evaluate(
            "document.querySelector('form[data-sends=complaint] button[type=submit]').click()"
        )
        page.wait_for(f"{output}.includes('回执')")
        page.wait_for("document.querySelector('input[name=photos]').files.length === 0")
        page.evaluate(f"{receipt}.elements.receipt.value = {output}.split('：')[1]")
        page.evaluate(f"{receipt}.querySelector('button').click()")
        page.wait_for(f"{receipt}.querySelector('output').textContent.includes('待处理')")
    ((said, photos, kind, lon, lat),) = asyncio.run(read_rows(database_url, COMPLAINT))
    assert (said, photos, kind) == ("河边倾倒<渣土>。", 1, "dumping")
    assert (float(str(lon)), float(str(lat))) == pytest.approx((118.05, 24.45), abs=1e-4)


@pytest.mark.usefixtures("browser")
def test_what_is_refused_is_told_on_the_page(
    database_url: str, configuration: Configuration, tmp_path: Path
) -> None:
    asyncio.run(give_notice(database_url))
    output = "document.querySelector('form[data-sends=complaint] output').textContent"
    with shown(configuration, tmp_path, "/complaints") as page:
        press = "document.querySelector('form[data-sends=complaint] button[type=submit]').click()"
        # Blanks, which the browser takes for words: told in words, and once.
        page.evaluate("document.querySelector('textarea').value = ' '")
        page.evaluate("document.querySelector('[name=lon]').value = '118.05'")
        page.evaluate("document.querySelector('[name=lat]').value = '24.45'")
        page.evaluate(press)
        page.wait_for(f"{output}.includes('不得为空')")
        assert page.evaluate(output).count("不得含控制字符") == 1
        assert "^" not in page.evaluate(output)
        # Far from every region.
        for name, value in (("lon", "-40"), ("lat", "10")):
            page.evaluate(f"document.querySelector('[name={name}]').value = '{value}'")
        page.evaluate("document.querySelector('textarea').value = '海上。'")
        page.evaluate(press)
        page.wait_for(f"{output}.includes('区域')")
        page.messages.clear()
    assert asyncio.run(read_rows(database_url, COMPLAINT)) == []

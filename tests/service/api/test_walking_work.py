"""Pages of work under way: jobs and their results, alerts, bulletins, schedules, webhooks."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.alerts.observation_evaluation import evaluate_changes
from shanhai.db.alerts.plan_evaluation import evaluate_lines
from shanhai.db.bulletins.publication import BulletinDraft, BulletinSubject, add_draft
from shanhai.db.queries.audit import Act
from shanhai.db.seeds.load import seed_cities
from shanhai.db.tables.delivery import Webhook
from shanhai.db.tables.plan import Plan
from shanhai.db.tables.station import Station
from shanhai.db.tables.zone import Region
from shanhai.monitoring.observation import FeedObservation
from shanhai_api.kit.state import ServiceState
from tests.service.api.walks import (
    assert_names_are_shown,
    assert_no_dead_links,
    assert_written_for_people,
    names_of_codes,
    steps_of,
)
from tests.support.emptying import forget_rows
from tests.support.feature_rows import add_job
from tests.support.observation_rows import forget_observations, store_observations

pytestmark = pytest.mark.long

Client = httpx.AsyncClient
ACT = Act("tester")
PLACE = {
    "type": "Polygon",
    "coordinates": [
        [[118.05, 24.6], [118.08, 24.6], [118.08, 24.63], [118.05, 24.63], [118.05, 24.6]]
    ],
}
MANIFEST = {
    "plan": "xiamen-vanguard-2025",
    "region": {"code": "xiamen", "name_zh": "厦门市", "name_en": "Xiamen"},
    "process": "delineate-zones",
    "profile": "index",
    "inputs": [
        {
            "id": "xiamen.dem.demo",
            "uri": f"objects/{'e' * 64}.tif",
            "theme": "dem",
            "sha256": "e" * 64,
            "licence": "CC BY 4.0",
            "name_zh": "高程",
            "name_en": "Elevation",
            **dict.fromkeys(("min", "mean", "max", "native_resolution_m"), 1.5),
            **dict.fromkeys(("unit", "year", "crs", "source", "observed_from")),
        }
    ],
}
FAILURE = {
    "class": "invalid",
    "title": "Invalid input",
    "title_zh": "输入无效",
    "detail": "not a raster",
    "detail_zh": "不是栅格",
    "faults": [{"pointer": "/inputs/upload", "detail": "is no raster", "detail_zh": "不是栅格"}],
}
RULES: tuple[dict[str, Any], ...] = (
    {"code": "pm25.high", "kind": "above", "property": "pm25", "limits": {"yellow": 75}},
    {"code": "red-line.cut", "kind": "line_decline", "control_kind": "red_line"},
)


@pytest.fixture
async def work(
    session: AsyncSession, state: ServiceState, admin: Client, tmp_path: Path
) -> AsyncIterator[list[str]]:
    """Seeded cities, in which something of each kind is done; the addresses of jobs' pages."""
    await forget_rows(session, ["bulletin_template", "webhook", "delivery", "schedule"])
    await forget_observations(session)
    await seed_cities(session, ["xiamen", "banan"], [], act=ACT)
    await session.commit()
    await add_orders(session, admin)
    jobs = await add_jobs(session, state, admin, tmp_path)
    await add_bulletin(session, state, admin, jobs["publish-bulletin"], tmp_path)
    await raise_alerts(session, state, admin)
    pages = [f"/jobs/{job}" for job in jobs.values()]
    ended = [job for kind, job in jobs.items() if kind in {"delineate-zones", "check-compliance"}]
    yield [*pages, *(f"/jobs/{job}/{part}" for job in ended for part in ("results", "manifest"))]
    await forget_rows(session, ["schedule", "schedule_run"])
    await session.commit()


def stored(state: ServiceState, folder: Path, name: str, media_type: str) -> dict[str, Any]:
    """A file as a worker would have stored it."""
    (folder / name).write_bytes(name.encode())
    file = state.store.put(folder / name, suffix=f".{name.partition('_')[0]}")
    return {"uri": file.uri, "sha256": file.sha256, "bytes": file.bytes, "media_type": media_type}


async def add_jobs(
    session: AsyncSession, state: ServiceState, admin: Client, folder: Path
) -> dict[str, UUID]:
    """A zoning, a check, an import that failed and its second try, and others."""
    zone = {"class": "supply_demand.strict_protection", "color": "#1b6e3c", "area_km2": 12.5}
    told = {"title_zh": "分区图", "title_en": "Map of the zones"}
    picture = {**stored(state, folder, "png_map", "image/png"), **told}
    asked = {"inputs": {"geometry": PLACE, "activities": ["mining"]}}
    checked = await admin.post("/processes/check-compliance/execution", json=asked)
    zoned = {"scheme": "xiamen.supply_demand", "zones": [zone], "status": "published"}
    results = {
        "delineate-zones": {"outputs": {"map_zh": picture, "map_en": picture}, "values": zoned},
        "check-compliance": {"outputs": {}, "values": checked.json()},
        "publish-bulletin": {"outputs": {}, "values": {}},
    }
    found = {
        kind: await add_job(
            session,
            kind=kind,
            status="successful",
            progress=100,
            result={"manifest": MANIFEST, "warnings": [], **result},
        )
        for kind, result in results.items()
    }
    found["import-dataset"] = await add_job(
        session, kind="import-dataset", status="failed", error=FAILURE
    )
    found["retry"] = await add_job(
        session,
        kind="import-dataset",
        inputs={"name_zh": "高程"},
        retry_of=found["import-dataset"].id,
    )
    found["build-network"] = await add_job(session, kind="build-network", inputs={})
    await session.commit()
    return {kind: job.id for kind, job in found.items()}


async def add_bulletin(
    session: AsyncSession, state: ServiceState, admin: Client, job: UUID, folder: Path
) -> None:
    """A bulletin that is published."""
    region = (await session.scalars(select(Region).where(Region.code == "xiamen"))).one()
    plan = (await session.scalars(select(Plan).where(Plan.code == "xiamen-vanguard-2025"))).one()
    files = {
        f"{kind}_{lang}": stored(state, folder, f"{kind}_{lang}", media_type)
        for kind, media_type in (("pdf", "application/pdf"), ("docx", "application/octet-stream"))
        for lang in ("zh", "en")
    }
    draft = BulletinDraft(
        subject=BulletinSubject(region.id, plan.id, date(2026, 1, 1), date(2026, 1, 31), True),
        region=region.code,
        job_id=job,
        issue=1,
        version=1,
        corrects_id=None,
        title_zh="厦门市监测公报",
        title_en="Xiamen: bulletin",
        template="default",
        template_version=0,
        content={},
        files=files,
    )
    code = (await add_draft(session, draft, ACT)).code
    await session.commit()
    assert (await admin.post(f"/bulletins/{code}/publish")).status_code == 200


async def raise_alerts(session: AsyncSession, state: ServiceState, admin: Client) -> None:
    """An alert of a station, and one of a line that was cut."""
    named = {"name_zh": "湖里空气站", "name_en": "Huli air station"}
    session.add(Station(code="xiamen.air-1", kind="land", interval_s=3600, **named))
    await session.execute(text(DRAW.format(edge="118.1", since="2020-01-01")))
    await session.commit()
    for rule in RULES:
        body = {"name_zh": "规则", "name_en": "Rule", "limits": {"red": 1000}, **rule}
        made = await admin.post("/alert-rules", json=body)
        assert made.status_code == 201, made.text
    await session.execute(text(DRAW.format(edge="118.09", since="2024-01-01")))
    await session.commit()
    high = FeedObservation("xiamen.air-1", "pm25", datetime.now(UTC) - timedelta(minutes=1), 80)
    await store_observations(state.sessions, [high])
    async with state.sessions.begin() as judging:
        await evaluate_changes(judging)
    async with state.sessions.begin() as judging:
        await evaluate_lines(judging)
    assert len((await admin.get("/alerts?f=json")).json()["alerts"]) == 2


DRAW = """UPDATE control_area SET valid_from = '{since}',
    geom = ST_MakeEnvelope(118, 24.4, {edge}, 24.5, 4490) WHERE code = 'xiamen.red-line'"""


async def add_orders(session: AsyncSession, admin: Client) -> None:
    """A schedule, and a webhook."""
    nightly = {
        "code": "xiamen.nightly",
        "name_zh": "每晚",
        "name_en": "Nightly",
        "cron": "0 2 * * *",
    }
    asked = {"process": "echo", "inputs": {"message": "good night"}}
    made = await admin.post("/schedules", json={**nightly, **asked})
    assert made.status_code == 201, made.text
    session.add(
        Webhook(
            code="wh-0123456789abcdef",
            name="局信息中心",
            url="https://hook.test",
            lang="zh",
            events=["bulletin.published"],
            enabled=True,
            secret=b"sealed",
            created_by="key:admin",
        )
    )
    await session.commit()


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_pages_of_work_lead_somewhere_and_show_names(
    admin: Client, work: list[str], lang: str
) -> None:
    others = (*work, "/alerts", "/alert-rules", "/bulletins", "/schedules", "/webhooks")
    steps = await steps_of(admin, lang, *others)
    assert_no_dead_links(steps)
    read = {httpx.URL(step.url).path for step in steps if step.page}
    assert {*others} <= read
    for below in ("/alerts/", "/alert-rules/", "/bulletins/", "/schedules/", "/webhooks/"):
        assert any(path.startswith(below) for path in read), below
    assert_names_are_shown(steps, await names_of_codes(admin))
    assert_written_for_people(steps)

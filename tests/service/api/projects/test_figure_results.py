"""The figures of a plan beside computed ones, over HTTP."""

import csv
import io
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.queries.audit import Act
from shanhai.db.seeds.load import seed_cities

pytestmark = [pytest.mark.db, pytest.mark.redis, pytest.mark.service]

PLAN = "/plans/banan-restoration-2021"
JOB = text(
    """INSERT INTO job (kind, inputs, task, status, requested_by, result, finished_at)
       VALUES ('evaluate-ecosystem', '{}', '{}', 'successful', 'someone', CAST(:result AS jsonb),
               now()) RETURNING id"""
)
LAYER = text(
    """INSERT INTO dataset (code, name_zh, name_en, region_id, theme, uri, checksum, bytes, crs,
                            grid, origin, job_id, visibility)
       SELECT :code, :code, :code, r.id, :theme, 'x', 'x', 1, 'EPSG:4548', '{}', 'computed',
              CAST(:job AS uuid), :visibility FROM region r WHERE r.code = 'banan'"""
)
RESULT = """{"values": {
  "areas_km2": {"importance": {"banan": {"extremely_important": 800.0, "important": 500.0}},
                "quality": {"banan": {"high": 300.5, "fairly_high": 332.18, "medium": 9.0}}},
  "means": {"carbon": {"unit": "tC/ha/yr", "banan": 2.6}}
}}"""


@pytest.fixture
async def evaluated_banan(session: AsyncSession) -> AsyncSession:
    """Banan's plan, with an evaluation of which the quality is not public."""
    await seed_cities(session, ["banan"], [], act=Act("tester"))
    job = await session.scalar(JOB, {"result": RESULT})
    for theme, seen in (("importance", "public"), ("quality", "region"), ("carbon", "public")):
        values = {"code": f"banan.{theme}.one", "theme": theme, "job": str(job), "visibility": seen}
        await session.execute(LAYER, values)
    await session.execute(
        text(
            "UPDATE dataset SET stand_in = true, stand_in_note_zh = '所用替代数据：NPP',"
            " stand_in_note_en = 'rests on stand-ins: NPP' WHERE code = 'banan.importance.one'"
        )
    )
    await session.commit()
    return session


async def results(client: httpx.AsyncClient, **asked: str) -> dict[str, Any]:
    answer = await client.get(f"{PLAN}/results", params=asked)
    assert answer.status_code == 200, answer.text
    return {item["code"]: item for item in answer.json()["results"]}


async def test_printed_and_computed_stand_side_by_side(
    evaluated_banan: AsyncSession, anonymous: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    found = await results(admin)
    importance = found["service_importance"]
    assert (importance["printed"], importance["computed"]) == (818.57, 800.0)
    assert (importance["difference"], importance["difference_percent"]) == (-18.57, -2.27)
    assert importance["source"]["code"] == "banan.importance.one"
    assert importance["source"]["job"] is not None
    # Two classes: 300.5 + 332.18 = 632.68, as printed.
    assert (found["quality"]["computed"], found["quality"]["difference"]) == (632.68, 0.0)
    # Neither period nor substance is printed, so the mean stands beside it and no more.
    assert (found["carbon"]["computed"], found["carbon"]["difference"]) == (2.6, None)
    assert found["carbon"]["computed_unit"] == "tC/ha/yr"
    assert importance["source"]["remark_en"] == "rests on stand-ins: NPP"
    assert found["quality"]["source"]["remark_zh"] is None
    assert found["resilience"]["computed"] is None
    assert "evaluate-ecosystem" in found["resilience"]["reason_en"]
    assert (found["projects"]["computed"], found["projects"]["difference"]) == (21.0, 0.0)
    assert (found["main_tasks"]["computed"], found["indicators"]["computed"]) == (5.0, 8.0)
    assert found["jobs"]["reason_en"] == "no computed result is named for it"
    # What is not public is not computed for the public.
    public = await results(anonymous)
    assert public["service_importance"]["computed"] == 800.0
    assert (public["quality"]["computed"], public["quality"]["source"]) == (None, None)


async def test_a_benefit_is_planned_and_reached(
    evaluated_banan: AsyncSession, admin: httpx.AsyncClient, reader: httpx.AsyncClient
) -> None:
    benefit = (await results(reader, kind="benefit"))["mines"]
    assert (benefit["printed"], benefit["computed"], benefit["reached_percent"]) == (254, 0.0, 0.0)
    await evaluated_banan.execute(
        text(
            "UPDATE mine SET state = 'accepted', accepted_on = '2024-05-01', area_ha = 63.5,"
            " accepted_area_ha = 63.5 WHERE id = (SELECT min(id) FROM mine)"
        )
    )
    await evaluated_banan.commit()
    benefit = (await results(reader, kind="benefit"))["mines"]
    # A quarter of 254 ha.
    assert (benefit["computed"], benefit["reached_percent"]) == (63.5, 25.0)
    # Jobs are observed by an indicator, and come from projects that are named.
    indicator = {"code": "jobs", "name_zh": "就业", "name_en": "Jobs", "unit": "jobs"}
    indicator |= {"property": "expected", "direction": "higher"}
    made = await admin.post("/indicators", json=indicator)
    assert made.status_code == 201, made.text
    change = {"indicator": "jobs", "projects": ["banan.PRJ02", "banan.PRJ03"]}
    headers = {"Content-Type": "application/merge-patch+json"}
    changed = await admin.patch(f"{PLAN}/figures/jobs", json=change, headers=headers)
    assert changed.status_code == 200, changed.text
    await evaluated_banan.execute(
        text(
            "INSERT INTO indicator_value (indicator_id, region_id, year, value)"
            " SELECT i.id, r.id, y.year, y.value FROM indicator i, region r,"
            " (VALUES (2023, 100), (2024, 200)) y (year, value)"
            " WHERE i.code = 'jobs' AND r.code = 'banan'"
        )
    )
    await evaluated_banan.commit()
    jobs = (await results(reader))["jobs"]
    assert (jobs["printed"], jobs["computed"], jobs["reached_percent"]) == (800, 200, 25.0)
    assert jobs["projects"] == ["banan.PRJ02", "banan.PRJ03"]
    assert jobs["source"]["year"] == 2024


async def test_drafts_beside_what_is_published_are_not_counted(
    evaluated_banan: AsyncSession, admin: httpx.AsyncClient
) -> None:
    figure = {"code": "lines", "name_zh": "红线", "name_en": "Lines", "kind": "condition"}
    told = {"value": 142.4, "unit": "km2", "computed_by": "control_area"}
    made = await admin.post(f"{PLAN}/figures", json={**figure, **told, "computed_of": ["red_line"]})
    assert made.status_code == 201, made.text
    square = "ST_Multi(ST_MakeEnvelope(106.5, 29.4, 106.6, 29.5, 4490))"
    await evaluated_banan.execute(
        text(f"UPDATE control_area SET geom = {square} WHERE code = 'banan.red-line'")
    )
    await evaluated_banan.commit()
    computed = (await results(admin))["lines"]["computed"]
    # 0.1 by 0.1 degrees at 29.45 degrees north: 9.71 km by 11.09 km.
    assert computed == pytest.approx(107.6, abs=0.5)
    ring = [[106.5, 29.4], [106.6, 29.4], [106.6, 29.5], [106.5, 29.4]]
    shape = {"type": "Polygon", "coordinates": [ring]}
    draft = {"code": "draft", "name_zh": "稿", "name_en": "Draft", "region": "banan"}
    sent = {"type": "Feature", "geometry": shape, "properties": {**draft, "kind": "red_line"}}
    drawn = await admin.post("/collections/control_areas/items", json=sent)
    assert drawn.status_code == 201, drawn.text
    assert (await results(admin))["lines"]["computed"] == computed


async def test_results_are_filtered_and_written(
    evaluated_banan: AsyncSession, anonymous: httpx.AsyncClient
) -> None:
    assert {*await results(anonymous, **{"class": "极重要"})} == {"service_importance"}
    assert {*await results(anonymous, **{"class": "degraded"})} == {"degradation"}
    in_2018 = await results(anonymous, year="2018", kind="evaluation")
    assert {*in_2018} == {"service_importance", "resilience", "degradation", "quality"}
    assert await results(anonymous, year="2030", kind="evaluation") == {}
    assert await results(anonymous, region="banan.nanquan") == {}
    assert len(await results(anonymous, region="banan")) == 53
    answer = await anonymous.get(f"{PLAN}/results", params={"f": "csv", "kind": "evaluation"})
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert (rows[0]["printed"], rows[0]["computed"], rows[0]["origin"]) == (
        "818.57",
        "800.0",
        "dataset",
    )
    for lang, word in (("zh", "计算结果"), ("en", "Computed from")):
        page = await anonymous.get(f"{PLAN}/results", params={"f": "html", "lang": lang})
        assert page.status_code == 200
        assert word in page.text
        assert "<svg" in page.text
    for asked in ({"kind": "moon"}, {"year": "1"}, {"moon": "1"}):
        assert (await anonymous.get(f"{PLAN}/results", params=asked)).status_code == 400
    assert (await anonymous.get("/plans/nowhere/results")).status_code == 404


@pytest.mark.parametrize(
    ("told", "pointer"),
    [
        ({"computed_by": "evaluation_area", "computed_of": ["importance"]}, "/computed_of"),
        ({"computed_by": "evaluation_area", "computed_of": ["moon", "high"]}, "/computed_of"),
        ({"computed_by": "row_count", "computed_of": ["moons"]}, "/computed_of"),
        ({"computed_by": "control_area"}, "/computed_of"),
        ({"computed_by": "region_area", "computed_of": ["banan"]}, "/computed_of"),
        ({"computed_by": "work_done"}, "/computed_of"),
    ],
)
async def test_what_cannot_be_computed_is_refused(
    evaluated_banan: AsyncSession, admin: httpx.AsyncClient, told: dict[str, Any], pointer: str
) -> None:
    figure = {"code": "new", "name_zh": "新", "name_en": "New", "kind": "condition", "value": 1}
    refused = await admin.post(f"{PLAN}/figures", json=figure | told)
    assert refused.status_code == 409, refused.text
    assert pointer in refused.text
    hidden = await admin.post(
        f"{PLAN}/figures", json=figure | {"projects": ["banan.PRJ02", "nowhere"]}
    )
    assert hidden.status_code in {400, 409}

"""A project from its proposal to after-care, with one person for each office."""

import asyncio
import io
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import rasterio
from affine import Affine
from PIL import Image
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from shanhai.db.engine import async_url
from shanhai.db.projects.reserve import comment_days
from shanhai.local.stack import Stack
from tests.e2e.journeys.conftest import PDF, Bureau, Caller, Found, named
from tests.support.projects import age_notice

CODE = "quarry-restoration"
PROJECT = f"/projects/{CODE}"
STEPS = f"{PROJECT}/transitions"
TODAY = datetime.now(ZoneInfo("Asia/Shanghai")).date()
YESTERDAY = TODAY - timedelta(days=1)
RESULT = {
    "period_from": TODAY.isoformat(),
    "period_to": TODAY.isoformat(),
    "quantity": "mine_restoration",
    "value": 12.5,
    "unit": "ha",
}


def go(caller: Caller, to: str, note: str | None = None, *, status: int = 201) -> None:
    caller.post(STEPS, {"to": to, "note": note}, status=status)


def file(caller: Caller, kind: str, **about: Any) -> str:
    asked = {"kind": kind, "filename": f"{kind}.pdf", "title_zh": kind, **about}
    return caller.attach(f"{PROJECT}/documents", PDF, "application/pdf", **asked)


async def let_the_notice_hang(url: str, *, days: int) -> None:
    """So many days pass in which the notice is public."""
    engine = create_async_engine(async_url(url))
    async with AsyncSession(engine) as session:
        await age_notice(session, days=days)
    await engine.dispose()


def draw_lines(bureau: Bureau) -> None:
    """What could bind in the region, drawn and in force, away from the project."""
    far = bureau.square(0.15, 0.15)
    for kind in ("red_line", "permanent_basic_farmland", "cultivated_land", "urban_boundary"):
        line = named(f"{bureau.region}-{kind}", kind, kind) | {
            "kind": kind,
            "valid_from": "2020-01-01",
        }
        bureau.planner.make("control_areas", far, region=bureau.region, **line)
        published = {"status": "published", "valid_from": "2020-01-01"}
        bureau.approver.change("control_areas", str(line["code"]), published)


def test_from_a_proposal_to_after_care(
    stack: Stack, found: Found, admin: Caller, public: Caller
) -> None:
    bureau = found("project-district", "项目区", "Project District")
    owner, planner, approver = bureau.owner, bureau.planner, bureau.approver
    draw_lines(bureau)
    names = named(CODE, "采石场修复", "Quarry restoration")
    owner.make(
        "projects", bureau.square(), region=bureau.region, start_year=2025, end_year=2027, **names
    )
    public.get(f"/collections/projects/items/{CODE}", status=404)
    go(owner, "proposed", status=409)
    measure = {"planned": 12.5, "unit": "ha"}
    owner.put(f"{PROJECT}/measures/mine_restoration", measure, status=201)
    owner.change("projects", CODE, {"type": "mine_restoration", "cost": 350.5})
    go(owner, "proposed")
    go(owner, "reserve", status=403)
    check = planner.post(
        "/processes/check-compliance/execution", {"inputs": {"project": CODE}}, status=200
    )["result"]
    assert check["verdict"] == "undetermined"
    go(planner, "reserve", status=409)
    for gap in check["gaps"]:
        decided = {"gap": gap["code"], "project": CODE, "reason": "修复工程，无需规则"}
        planner.post("/compliance/exceptions", decided, status=403)
        approver.post("/compliance/exceptions", decided)
    go(planner, "reserve")
    fund = named("journey-fund", "省级资金", "Provincial fund") | {
        "kind": "provincial",
        "amount": 500,
    }
    admin.post("/fund-sources", fund)
    approver.post(
        f"{PROJECT}/funds", {"kind": "allocation", "source": "journey-fund", "amount": "350.50"}
    )
    for kind in ("proposal", "design"):
        file(owner, kind)
    file(planner, "notice", visibility="public")
    owner.change("projects", CODE, {"comment_until": TODAY.isoformat()})
    go(approver, "approved", status=409)
    asyncio.run(let_the_notice_hang(stack.database_url, days=comment_days() + 1))
    owner.change("projects", CODE, {"comment_until": YESTERDAY.isoformat()})
    go(approver, "approved")
    go(owner, "design")
    go(approver, "implementation", status=409)
    owner.change("projects", CODE, {"geometry_final": True})
    go(approver, "implementation")
    owner.put(f"{PROJECT}/measures/mine_restoration", measure | {"done": 12.5})
    file(owner, "completion", measure="mine_restoration")
    go(owner, "acceptance")
    file(approver, "acceptance")
    go(approver, "monitoring")
    file(bureau.supervisor, "monitoring", **RESULT)
    go(bureau.supervisor, "effect_evaluation")
    file(approver, "effect_evaluation", **RESULT)
    go(approver, "after_care")
    go(owner, "closed", status=409)
    owner.change("projects", CODE, {"after_care_until": YESTERDAY.isoformat()})
    go(owner, "closed")
    steps = [event["to"] for event in owner.get(f"{PROJECT}/events")["events"]]
    assert steps[-1] == "closed"


def write_ndvi(path: Path, bureau: Bureau, inside: float, beside: float) -> Path:
    """NDVI of a region in cells of 0.00025 degrees: one value in the project, one elsewhere.

    Values are interpolated across the perimeter, over the width of a cell. At this width the means
    of both sides are nearer to each other by 0.0025 in all, for a step of 0.2 in 2 km.
    """
    west, south, east, north = bureau.box
    cell = 0.00025
    across, down = round((east - west) / cell), round((north - south) / cell)
    values = np.full((down, across), beside, dtype=np.float32)
    # The project is 0.02 degrees wide and lies in the south-western corner, 0.1 degrees off.
    first, size = round(0.1 / cell), round(0.02 / cell)
    values[down - first - size : down - first, first : first + size] = inside
    transform = Affine(cell, 0, west, 0, -cell, north)
    profile = {"driver": "GTiff", "width": across, "height": down, "count": 1, "dtype": "float32"}
    with rasterio.open(path, "w", crs="EPSG:4490", transform=transform, **profile) as raster:
        raster.write(values, 1)
    return path


def test_what_a_project_effected(found: Found, public: Caller, tmp_path: Path) -> None:
    bureau = found("effect-district", "成效区", "Effect District")
    code = "meadow-restoration"
    bureau.owner.make(
        "projects",
        bureau.square(0.1, 0.1),
        region=bureau.region,
        start_year=2020,
        end_year=2022,
        **named(code, "草地修复", "Meadow restoration"),
    )
    for year, inside, beside in ((2019, 0.3, 0.3), (2023, 0.6, 0.4)):
        path = write_ndvi(tmp_path / f"{year}.tif", bureau, inside, beside)
        octets = {"Content-Type": "application/octet-stream"}
        sent = bureau.analyst.client.post("/uploads", content=path.read_bytes(), headers=octets)
        wish = {"upload": sent.json()["upload"], "region": bureau.region, "theme": "ndvi"}
        told = {"source": "made in code", "licence": "CC0-1.0", "observed_to": f"{year}-08-01"}
        bureau.analyst.run("import-dataset", {**wish, **told, "code": f"{code}.{year}"})
    found_so = bureau.analyst.run("evaluate-effect", {"project": code, "themes": ["ndvi"]})
    change = found_so["effect"]["value"]["themes"][0]["change"]
    # 0.3 inside and 0.1 beside: the project's own are 0.2.
    assert change["effect"] == pytest.approx(0.2, abs=0.005)
    shown = bureau.planner.get(f"/projects/{code}/effect")
    assert shown["rasters"][0]["effect"] == change["effect"]
    assert (shown["rasters"][0]["before_on"], shown["signs"]) == ("2019-08-01", [])
    page = bureau.planner.page(f"/projects/{code}/effect", "en")
    assert "0.2" in page
    pictures = f"/projects/{code}/effect/pictures"
    assert shown["pictures"].endswith(pictures)
    assert f'<img class="map" src="{shown["pictures"]}' in page
    drawn = Image.open(io.BytesIO(bureau.planner.client.get(pictures).content))
    # Two maps side by side, in more colours than their frames have.
    assert drawn.width > drawn.height
    assert len(drawn.convert("RGB").getcolors(2**16) or ()) > 20
    public.get(f"/projects/{code}/effect", status=404)
    public.get(pictures, status=404)

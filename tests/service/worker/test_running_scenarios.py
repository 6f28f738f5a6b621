"""A scenario on its way through the worker: a project's land edited, its layers published."""

import json

import pytest
from geoalchemy2.shape import from_shape
from shapely.geometry import shape
from sqlalchemy import func, select

from shanhai.data.synthetic_watershed import CODE, EASY
from shanhai.db.base import STORAGE_SRID
from shanhai.db.engine import Sessions
from shanhai.db.tables.dataset import Dataset
from shanhai.db.tables.provision import Problem
from shanhai.db.tables.zone import Corridor, Region
from shanhai.processes.delineate_zones.contract import DELINEATE_ZONES, DelineateZonesInputs
from shanhai.processes.run_scenario.contract import (
    RUN_SCENARIO,
    SCENARIO_RASTERS,
    RunScenarioInputs,
)
from shanhai.vocabulary import JobStatus
from shanhai_worker.context import WorkerContext
from tests.service.worker.conftest import Linked
from tests.support.job_rows import submit
from tests.support.key_rows import add_identity
from tests.support.scenario_edits import passage, planted
from tests.support.workers import reach_end

pytestmark = pytest.mark.long

PROBLEM = f"{CODE}.gap"


@pytest.fixture
async def ground(sessions: Sessions, linked: Linked) -> Linked:
    """The watershed with a problem to be mended."""
    async with sessions.begin() as session:
        region_id = await session.scalar(select(Region.id).where(Region.code == CODE))
        session.add(
            Problem(
                visibility="public",
                code=PROBLEM,
                name_zh="廊道断裂",
                name_en="Broken corridor",
                region_id=region_id,
                type="fragmentation",
                geom=from_shape(shape(planted(linked.watershed)["geometry"]), srid=STORAGE_SRID),
            )
        )
    return linked


async def test_a_scenario_becomes_layers_and_figures_and_no_network(
    worker: WorkerContext, sessions: Sessions, ground: Linked
) -> None:
    mended = {"kind": "restore", "name_zh": "修复断裂", "cover": "forest", "problem": PROBLEM}
    inputs = RunScenarioInputs.model_validate(
        {
            "region": CODE,
            "cell_m": 100,
            "supplies": ground.supplies,
            "parameters": EASY,
            "publish": True,
            "edits": [mended, passage(ground.watershed)],
        }
    )
    async with sessions.begin() as session:
        who = await add_identity(session)
        job = await submit(session, contract=RUN_SCENARIO, inputs=inputs, identity=who)
    (area,) = [one for one in job.task["areas"] if one["kind"] == "problem"]
    assert (area["code"], area["name_zh"]) == (PROBLEM, "廊道断裂")
    await worker.dispatcher.dispatch(job.id, 0)
    job = await reach_end(worker.sessions, job.id, within_s=120)
    assert job.status == JobStatus.SUCCESSFUL, job.error
    assert job.result is not None
    values = job.result["values"]
    assert values["layers"] == {name: f"{name}.{CODE}" for name in SCENARIO_RASTERS}
    assert values["status"] == {"before": "connected", "after": "connected"}
    assert values["connectivity"]["improves_connectivity"]
    # The south-western wood is one with the north-western, and the way from it to the south-eastern
    # leads through the passage and the north-eastern one now.
    assert (values["changes"]["merged"], values["changes"]["closed"]) == (2, 2)
    assert json.dumps(values["measures"], ensure_ascii=False).count("等效连通面积") == 1
    async with sessions() as session:
        themes = await session.scalars(
            select(Dataset.theme).where(Dataset.job_id == job.id, Dataset.visibility == "public")
        )
        assert set(themes) == set(SCENARIO_RASTERS)
        assert await session.scalar(select(func.count()).select_from(Corridor)) == 0


async def test_ratio_and_zones_are_compared_with_those_of_a_job(
    worker: WorkerContext, sessions: Sessions, linked: Linked
) -> None:
    former = DelineateZonesInputs.model_validate({"region": CODE, "cell_m": 100, "publish": True})
    async with sessions.begin() as session:
        who = await add_identity(session)
        base = await submit(session, contract=DELINEATE_ZONES, inputs=former, identity=who)
        # What a scenario takes of it is what it was asked for: no need to wait for its results.
        for status in (JobStatus.RUNNING, JobStatus.SUCCESSFUL):
            base.status = status
            await session.flush()
    inputs = RunScenarioInputs.model_validate(
        {
            "region": CODE,
            "cell_m": 100,
            "compare": ["supply_demand_ratio", "zones"],
            "assessment": base.id,
            "publish": True,
            "edits": [planted(linked.watershed)],
        }
    )
    async with sessions.begin() as session:
        who = await add_identity(session)
        job = await submit(session, contract=RUN_SCENARIO, inputs=inputs, identity=who)
    await worker.dispatcher.dispatch(job.id, 0)
    job = await reach_end(worker.sessions, job.id, within_s=120)
    assert job.status == JobStatus.SUCCESSFUL, job.error
    assert job.result is not None
    values = job.result["values"]
    altered = values["services"]["altered"]
    assert set(values["layers"]) == {
        *("ratio_after", "ratio_change", "zones_after", "zones_change"),
        *(f"ratio_change.{service}" for service in altered),
    }
    assert values["layers"]["zones_change"] == f"zones_change.{CODE}"
    assert {"ratio_table", "zones_table", "statistics"} <= set(job.result["outputs"])
    assert "corridors_table" not in job.result["outputs"]
    (whole,) = [one for one in values["ratios"] if one["place"] == CODE and one["service"] is None]
    assert whole["changed_cells"] > 0

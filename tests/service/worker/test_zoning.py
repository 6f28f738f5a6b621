"""A zoning under the law and in doubt, on its way through the worker: lines, draws, rows."""

import pytest
from shapely.affinity import scale
from shapely.geometry import shape
from sqlalchemy import delete, select

from shanhai.data.synthetic_watershed import CODE, Watershed
from shanhai.db.engine import Sessions
from shanhai.db.tables.control import ControlArea
from shanhai.db.tables.dataset import Dataset
from shanhai.db.tables.job import JobDataset
from shanhai.db.tables.zone import Region, Zone, ZoneScheme
from shanhai.processes.delineate_zones.contract import DELINEATE_ZONES, DelineateZonesInputs
from shanhai.storage.artifacts import LocalArtifacts
from shanhai.vocabulary import JobStatus
from shanhai_worker.context import WorkerContext
from tests.support.job_rows import submit
from tests.support.stored import store_watershed
from tests.support.workers import reach_end

DOUBTED = {
    "region": CODE,
    "cell_m": 100,
    "publish": False,
    "parameters": {"overlays": "red_line", "autocorrelation": True},
    "uncertainty": {"draws": 30},
}


# A lease that lasts while thirty draws keep the machine busy.
pytestmark = [pytest.mark.long, pytest.mark.configured(slots=1, lease_s=60, renew_s=5)]


async def _forget(sessions: Sessions) -> None:
    async with sessions.begin() as session:
        for table in (Zone, ZoneScheme, ControlArea, JobDataset, Dataset):
            await session.execute(delete(table))
        await session.execute(delete(Region).where(Region.code.startswith(CODE)))


@pytest.fixture
async def region_under_a_line(
    worker: WorkerContext, sessions: Sessions, small_watershed: Watershed
) -> None:
    """The watershed with its datasets, and a red line around its middle."""
    assert isinstance(worker.artifacts, LocalArtifacts)
    await _forget(sessions)
    async with sessions.begin() as session:
        whole = await store_watershed(session, worker.artifacts, small_watershed)
        middle = scale(shape(small_watershed.region.geometry), 0.5, 0.5)
        line = ControlArea(
            visibility="public",
            code="red",
            name_zh="红线",
            name_en="Red line",
            kind="red_line",
            status="published",
            region_id=whole.id,
            geom=f"SRID=4490;{middle.wkt}",
        )
        session.add(line)


@pytest.mark.usefixtures("region_under_a_line")
async def test_zones_under_the_law_and_in_doubt_become_rows(
    worker: WorkerContext, sessions: Sessions
) -> None:
    inputs = DelineateZonesInputs.model_validate(DOUBTED)
    async with worker.sessions.begin() as session:
        asked = await submit(
            session, contract=DELINEATE_ZONES, inputs=inputs, requested_by="tester"
        )
    await worker.dispatcher.dispatch(asked.id, 0)
    job = await reach_end(worker.sessions, asked.id, within_s=180)
    assert job.status == JobStatus.SUCCESSFUL, job.error
    async with sessions() as session:
        themes = set(await session.scalars(select(Dataset.theme).where(Dataset.job_id == job.id)))
        schemes = select(ZoneScheme.id).where(ZoneScheme.job_id == job.id)
        zones = (await session.scalars(select(Zone).where(Zone.scheme_id.in_(schemes)))).all()
    assert {
        *("zones", "zones_before_overlay", "override_source", "modal_zone"),
        *("stability", "deficit_probability", "ratio_mean", "ratio_sd", "ratio_clusters"),
    } <= themes
    assert job.result is not None
    assert "clusters_table" in job.result["outputs"]
    assert zones
    for zone in zones:
        statistics = zone.attrs["statistics"]
        assert 0.2 <= statistics["assignment_stability"] <= 1
        assert 0 <= statistics["red_line_overlap_ha"] <= zone.attrs["cells"]
    # Within the red line no zone asks for less than key protection.
    weaker = [one for one in zones if one.attrs["class_value"] > 2]
    assert all(one.attrs["statistics"]["red_line_overlap_ha"] == 0 for one in weaker)
    await _forget(sessions)

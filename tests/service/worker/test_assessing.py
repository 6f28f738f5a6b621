"""An assessment on its way through the worker: child, files, store, rows."""

import pytest
from sqlalchemy import select

from shanhai.data.synthetic_watershed import CODE, Watershed, build_watershed
from shanhai.db.engine import Sessions
from shanhai.db.tables.dataset import Dataset
from shanhai.db.tables.job import JobDataset
from shanhai.processes.assess_ecoservices.contract import (
    ASSESS_ECOSERVICES,
    AssessEcoservicesInputs,
)
from shanhai.storage.artifacts import LocalArtifacts
from shanhai.vocabulary import JobStatus
from shanhai_worker.context import WorkerContext
from tests.support.emptying import forget_rows
from tests.support.job_rows import submit
from tests.support.key_rows import add_identity
from tests.support.stored import store_watershed
from tests.support.workers import reach_end

pytestmark = pytest.mark.long

CHOICES = {
    "water_conservation": {"parameters": {"industrial_use": 1000}},
    "carbon_sink": {"parameters": {"emissions_total": 1000}},
    "stormwater_regulation": {"parameters": {"storm_mm": 100}},
    "recreation": {"method": "una"},
}


@pytest.fixture(scope="module")
def biophysical_watershed(tmp_path_factory: pytest.TempPathFactory) -> Watershed:
    return build_watershed(tmp_path_factory.mktemp("watershed"), cells=32, biophysical=True)


@pytest.fixture
async def assessed_region(
    worker: WorkerContext, sessions: Sessions, biophysical_watershed: Watershed
) -> None:
    """The watershed as a region with its datasets; what is known of lights is not public."""
    assert isinstance(worker.artifacts, LocalArtifacts)
    async with sessions.begin() as session:
        await forget_rows(session, ["region", "dataset"])
        await store_watershed(session, worker.artifacts, biophysical_watershed)


@pytest.mark.usefixtures("assessed_region")
async def test_an_assessment_becomes_datasets_in_the_units_of_its_methods(
    worker: WorkerContext, sessions: Sessions
) -> None:
    inputs = AssessEcoservicesInputs.model_validate(
        {
            "region": CODE,
            "cell_m": 100,
            "profile": "biophysical",
            "ecoservices": CHOICES,
            "public": True,
        }
    )
    async with sessions.begin() as session:
        who = await add_identity(session)
        asked = await submit(session, contract=ASSESS_ECOSERVICES, inputs=inputs, identity=who)
    await worker.dispatcher.dispatch(asked.id, 0)
    job = await reach_end(worker.sessions, asked.id, within_s=120)
    assert job.status == JobStatus.SUCCESSFUL, job.error
    assert job.result is not None
    values = job.result["values"]
    assert values["methods"]["recreation"] == "una"
    assert values["layers"]["supply.cooling"] == f"supply.cooling.{CODE}"
    assert {"statistics", "table"} <= set(job.result["outputs"])
    async with sessions() as session:
        rows = (await session.scalars(select(Dataset).where(Dataset.job_id == job.id))).all()
        read = await session.scalars(
            select(JobDataset.name).where(JobDataset.job_id == job.id, JobDataset.role == "input")
        )
        # What no chosen method reads is not opened.
        assert not {"gdp", "travel_time", "lst", "carbon_density_start"} & set(read)
    units = {row.theme: row.unit for row in rows}
    assert len(rows) == 1 + 3 * 7
    assert units["supply.water_conservation"] == units["demand.water_conservation"] == "m3/ha/yr"
    assert units["supply.recreation"] == "m2/ha"
    assert units["ratio"] == "1"

"""Jobs whose files come from an object store and go there, whatever happens to it meanwhile."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from sqlalchemy import select

from shanhai.db.engine import Sessions
from shanhai.db.tables.dataset import Dataset
from shanhai.processes.import_dataset.contract import IMPORT_DATASET, ImportDatasetInputs
from shanhai.raster.geotiff import read_geotiff, write_geotiff
from shanhai.storage.artifacts import missing_files, sha256_of
from shanhai.vocabulary import JobStatus
from shanhai_worker.context import WorkerContext
from tests.support.job_rows import add_region, add_upload, read_job, submit
from tests.support.object_stores import Environment, HarmfulProxy, open_bucket
from tests.support.workers import eventually, reach_end

pytestmark = [
    pytest.mark.configured(retry_first_s=1, retry_longest_s=1),
    pytest.mark.usefixtures("harmful"),
]


async def import_raster(
    worker: WorkerContext, tmp_path: Path, *, highest: float = 900, lost: int = 0
) -> tuple[UUID, str]:
    """Send a raster, of which bytes at the end are lost then, and ask for its import; the job and
    the dataset's code."""
    code = f"city{datetime.now(UTC):%H%M%S%f}"
    path = tmp_path / "dem.tif"
    heights = np.linspace(0, highest, 120 * 120).reshape(1, 120, 120)
    transform = (0.001, 0.0, 117.99, 0.0, -0.001, 24.51)
    write_geotiff(path, heights, transform=transform, crs="EPSG:4326")
    async with worker.sessions.begin() as session:
        await add_region(session, code, box=(118.0, 24.4, 118.1, 24.5))
        upload = await add_upload(
            session, "tester", received_bytes=path.stat().st_size, sha256=sha256_of(path)
        )
        with worker.artifacts.receive(upload.id, 0) as sink:
            sink.write(path.read_bytes()[: path.stat().st_size - lost])
        inputs = ImportDatasetInputs(
            upload=upload.id, region=code, theme="dem", code=f"{code}.dem", mode="import"
        )
        job = await submit(session, contract=IMPORT_DATASET, inputs=inputs, requested_by="tester")
    await worker.dispatcher.dispatch(job.id, 0)
    return job.id, f"{code}.dem"


async def read_dataset(sessions: Sessions, code: str) -> Dataset | None:
    async with sessions() as session:
        return await session.scalar(select(Dataset).where(Dataset.code == code))


async def test_what_a_job_makes_is_read_elsewhere(
    worker: WorkerContext, sessions: Sessions, in_bucket: Environment, tmp_path: Path
) -> None:
    job_id, code = await import_raster(worker, tmp_path)
    job = await reach_end(sessions, job_id)
    assert job.status == JobStatus.SUCCESSFUL, job.error
    dataset = await read_dataset(sessions, code)
    assert dataset is not None
    elsewhere = open_bucket(in_bucket(cache=tmp_path / "other"))
    assert elsewhere.local_path(dataset.uri).stat().st_size == dataset.bytes
    assert read_geotiff(elsewhere.local_path(dataset.uri)).values.max() == pytest.approx(900)


async def test_a_job_outlasts_the_store_and_publishes_nothing_half(
    worker: WorkerContext,
    sessions: Sessions,
    harmful: HarmfulProxy,
    tmp_path: Path,
) -> None:
    harmful.harm, harmful.only = "503", "/objects/"
    job_id, code = await import_raster(worker, tmp_path)
    # It waits to be tried again, and says why.

    async def told() -> bool:
        return "object store" in str((await read_job(sessions, job_id)).error)

    await eventually(told, within_s=60)
    assert await read_dataset(sessions, code) is None
    harmful.harm = ""
    job = await reach_end(sessions, job_id)
    assert job.status == JobStatus.SUCCESSFUL, job.error
    dataset = await read_dataset(sessions, code)
    assert dataset is not None
    assert missing_files(worker.artifacts, {dataset.uri}) == []


async def test_what_is_left_of_an_upload_is_not_taken_for_all_of_it(
    worker: WorkerContext, sessions: Sessions, tmp_path: Path
) -> None:
    job_id, _ = await import_raster(worker, tmp_path, lost=1000)
    job = await reach_end(sessions, job_id)
    assert job.status == JobStatus.FAILED
    assert job.error is not None
    assert "not what was sent" in str(job.error)

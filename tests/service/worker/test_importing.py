"""A user's raster on its way through the worker: child, checks, COG, store, rows."""

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal
from uuid import UUID

import numpy as np
import pytest
from sqlalchemy import func, select

from shanhai.db.engine import Sessions
from shanhai.db.tables.dataset import Dataset
from shanhai.db.tables.job import Job, JobDataset
from shanhai.jobs.results import results_document
from shanhai.processes.import_dataset.contract import IMPORT_DATASET, ImportDatasetInputs
from shanhai.processes.kit.contract import Theme
from shanhai.raster.geotiff import write_geotiff
from shanhai.storage.artifacts import LocalArtifacts
from shanhai.vocabulary import JobStatus
from shanhai_worker.context import WorkerContext
from tests.support.job_rows import add_region, add_upload, submit
from tests.support.workers import reach_end


@pytest.fixture
async def region(sessions: Sessions) -> str:
    async with sessions.begin() as session:
        code = f"city{datetime.now(UTC):%H%M%S%f}"
        await add_region(session, code, box=(118.0, 24.4, 118.1, 24.5))
    return code


async def import_file(
    worker: WorkerContext,
    region: str,
    path: Path,
    theme: Theme = "dem",
    mode: Literal["import", "check"] = "import",
) -> UUID:
    """Upload the file and ask for its import, or a check, as elevation or another theme."""
    assert isinstance(worker.artifacts, LocalArtifacts)
    async with worker.sessions.begin() as session:
        upload = await add_upload(session, "tester")
        shutil.copy(path, worker.artifacts.upload_path(upload.id))
        job = await submit(
            session,
            contract=IMPORT_DATASET,
            inputs=ImportDatasetInputs(
                upload=upload.id, region=region, theme=theme, code=f"{region}.{theme}", mode=mode
            ),
            requested_by="tester",
        )
    await worker.dispatcher.dispatch(job.id, 0)
    return job.id


async def test_a_raster_becomes_a_dataset(
    worker: WorkerContext, sessions: Sessions, region: str, tmp_path: Path
) -> None:
    heights = np.linspace(0, 900, 120 * 120).reshape(1, 120, 120)
    transform = (0.001, 0.0, 117.99, 0.0, -0.001, 24.51)
    write_geotiff(tmp_path / "dem.tif", heights, transform=transform, crs="EPSG:4326")
    job = await reach_end(sessions, await import_file(worker, region, tmp_path / "dem.tif"))
    assert job.status == JobStatus.SUCCESSFUL, job.error
    assert job.stage == "publish", "told before it was published"
    assert job.result is not None
    assert job.result["values"]["dataset"] == f"{region}.dem"
    told = results_document(job, base_url="http://api", lang="en")
    assert told["dataset"] == f"{region}.dem", "the code, not the file it is kept in"
    async with sessions() as session:
        dataset = await session.scalar(select(Dataset).where(Dataset.code == f"{region}.dem"))
        assert dataset is not None
        output = await session.scalar(select(JobDataset).where(JobDataset.job_id == job.id))
    assert output is not None
    assert (output.role, output.checksum) == ("output", dataset.checksum)
    assert worker.artifacts.local_path(dataset.uri).stat().st_size == dataset.bytes


async def stored(worker: WorkerContext, sessions: Sessions) -> tuple[int, list[str]]:
    """How many datasets there are, of jobs or of their own, and all files that are kept of them."""
    assert isinstance(worker.artifacts, LocalArtifacts)
    async with sessions() as session:
        rows = await session.scalar(select(func.count()).select_from(Dataset)) or 0
        used = await session.scalar(select(func.count()).select_from(JobDataset)) or 0
    root = worker.artifacts.root
    files = [path.relative_to(root) for path in root.rglob("*") if path.is_file()]
    return rows + used, sorted(str(path) for path in files if path.parts[0] != "uploads")


async def test_a_check_tells_of_a_raster_and_stores_nothing(
    worker: WorkerContext, sessions: Sessions, region: str, tmp_path: Path
) -> None:
    heights = np.linspace(0, 900, 120 * 120).reshape(1, 120, 120)
    transform = (0.001, 0.0, 117.99, 0.0, -0.001, 24.51)
    write_geotiff(tmp_path / "dem.tif", heights, transform=transform, crs="EPSG:4326")
    before = await stored(worker, sessions)
    asked = await import_file(worker, region, tmp_path / "dem.tif", mode="check")
    job = await reach_end(sessions, asked)
    assert job.status == JobStatus.SUCCESSFUL, job.error
    told = results_document(job, base_url="http://api", lang="en")
    assert "dataset" not in told
    summary = told["summary"]
    assert (summary["verdict"], summary["crs"], summary["unit"]) == ("checked", "EPSG:4326", "m")
    assert (summary["columns"], summary["rows"], summary["bands"]) == (120, 120, 1)
    assert (summary["lowest"], summary["highest"]) == (0, pytest.approx(900))
    assert summary["empty_percent"] == 0
    assert await stored(worker, sessions) == before
    again = await import_file(worker, region, tmp_path / "dem.tif")
    job = await reach_end(sessions, again)
    assert job.status == JobStatus.SUCCESSFUL, job.error
    assert results_document(job, base_url="http://api", lang="en")["summary"] == {
        **summary,
        "verdict": "imported",
    }
    assert await stored(worker, sessions) != before


async def test_a_check_refuses_values_times_ten_thousand_with_the_remedy(
    worker: WorkerContext, sessions: Sessions, region: str, tmp_path: Path
) -> None:
    greenness = np.linspace(2000, 8200, 120 * 120).reshape(1, 120, 120)
    transform = (0.001, 0.0, 117.99, 0.0, -0.001, 24.51)
    write_geotiff(tmp_path / "ndvi.tif", greenness, transform=transform, crs="EPSG:4326")
    before = await stored(worker, sessions)
    asked = await import_file(worker, region, tmp_path / "ndvi.tif", theme="ndvi", mode="check")
    job = await reach_end(sessions, asked)
    assert job.status == JobStatus.FAILED
    assert job.error is not None
    assert "0.0001" in str(job.error)
    assert await stored(worker, sessions) == before


async def test_what_is_no_raster_is_refused_and_leaves_nothing(
    worker: WorkerContext, sessions: Sessions, region: str, tmp_path: Path
) -> None:
    (tmp_path / "notes.tif").write_text("not a raster\n")
    job = await reach_end(sessions, await import_file(worker, region, tmp_path / "notes.tif"))
    assert_refused(job, "/inputs/upload")
    async with sessions() as session:
        assert await session.scalar(select(Dataset).where(Dataset.code == f"{region}.dem")) is None


def assert_refused(job: Job, pointer: str) -> None:
    assert job.status == JobStatus.FAILED
    assert job.error is not None
    assert job.error["class"] == "invalid"
    assert pointer in [fault["pointer"] for fault in job.error["faults"]]
    assert job.attempt == 1  # the same input would only be refused again

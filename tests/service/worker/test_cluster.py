"""A job whose Dask cluster is not there tells so, all the time it waits."""

from pathlib import Path

import pytest
from sqlalchemy import delete

from shanhai.data.synthetic_watershed import CODE, Watershed
from shanhai.db.engine import Sessions
from shanhai.db.tables.dataset import Dataset
from shanhai.db.tables.job import JobDataset
from shanhai.db.tables.zone import Region
from shanhai.jobs.results import status_info
from shanhai.processes.assess_ecoservices.contract import (
    ASSESS_ECOSERVICES,
    AssessEcoservicesInputs,
)
from shanhai.storage.artifacts import LocalArtifacts
from shanhai.vocabulary import JobStatus, Lang
from tests.support.job_rows import read_job, submit
from tests.support.stored import store_watershed
from tests.support.workers import Workers, eventually, free_port, reach

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]


async def store_region(sessions: Sessions, folder: Path, watershed: Watershed) -> None:
    async with sessions.begin() as session:
        for table in (JobDataset, Dataset):
            await session.execute(delete(table))
        await session.execute(delete(Region).where(Region.code.startswith(CODE)))
        await store_watershed(session, LocalArtifacts(folder), watershed)


async def test_nobody_at_the_address_of_the_scheduler(
    workers: Workers, sessions: Sessions, small_watershed: Watershed
) -> None:
    await store_region(sessions, workers.folder / "artifacts", small_watershed)
    nobody = f"tcp://127.0.0.1:{free_port()}"
    variables = {"SHANHAI_DASK_SCHEDULER": nobody}
    workers.start(variables=variables, lease_s=15, max_retries=1, retry_first_s=1)
    inputs = AssessEcoservicesInputs.model_validate({"region": CODE, "cell_m": 100})
    async with sessions.begin() as session:
        asked = await submit(
            session, contract=ASSESS_ECOSERVICES, inputs=inputs, requested_by="tester"
        )
    told: dict[Lang, list[str]] = {"en": [], "zh": []}

    async def ended() -> bool:
        job = await read_job(sessions, asked.id)
        for lang, messages in told.items():
            message = status_info(job, base_url="", lang=lang)["message"]
            messages += [message] if messages[-1:] != [message] else []
        return job.status == JobStatus.FAILED

    await eventually(ended, within_s=240)
    reason = f"no Dask scheduler answers at {nobody} within 30 s"
    reason_zh = f"30 秒内没有 Dask 调度器应答（{nobody}）"
    trying, trying_zh = "Waiting for the Dask cluster to answer", "等待 Dask 集群应答"
    # The first look finds it waiting for a worker, and each attempt begins with loading.
    passing = {"Waiting for a worker", "Running", "排队等待", "计算中"}
    assert [one for one in told["en"] if one not in passing] == [
        trying,
        f"Waiting to be tried again: {reason}",
        trying,
        f"{reason} (tried 2 times)",
    ]
    assert [one for one in told["zh"] if one not in passing] == [
        trying_zh,
        f"等待重试：{reason_zh}",
        trying_zh,
        f"{reason_zh}（已尝试 2 次）",
    ]
    assert (await reach(sessions, asked.id, JobStatus.FAILED)).attempt == 2

"""A zoning whose worker is killed in the middle: another one goes on from what is finished."""

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from shanhai.data.synthetic_watershed import CODE, build_watershed
from shanhai.db.engine import Sessions
from shanhai.db.tables.job import Job
from shanhai.processes.delineate_zones.contract import DELINEATE_ZONES, DelineateZonesInputs
from shanhai.storage.artifacts import LocalArtifacts
from shanhai.vocabulary import JobStatus
from tests.support.emptying import forget_rows
from tests.support.job_rows import read_job, submit
from tests.support.serving import kill
from tests.support.stored import store_watershed
from tests.support.workers import Workers, children_of, eventually, is_running, reach_end

pytestmark = pytest.mark.long

INPUTS = {"region": CODE, "cell_m": 100, "publish": False, "uncertainty": {"draws": 80}}
TIMED = {"report", "report_pdf", "report_docx"}
SETTINGS: dict[str, Any] = {"keep_from_s": 0, "lease_s": 3, "renew_s": 0.5}
"""All is kept, and a busy machine does not cost a worker its lease."""

Written = dict[Path, tuple[int, int]]
"""Kept files, and by what one is told from another that took its place."""


@pytest.fixture
async def kept_region(sessions: Sessions, tmp_path: Path) -> None:
    """A watershed in the database and in the store of the workers."""
    watershed = build_watershed(tmp_path / "watershed", cells=32)
    async with sessions.begin() as session:
        await forget_rows(session, ["region", "dataset"])
        await store_watershed(session, LocalArtifacts(tmp_path / "artifacts"), watershed)


async def ask(sessions: Sessions) -> UUID:
    inputs = DelineateZonesInputs.model_validate(INPUTS)
    async with sessions.begin() as session:
        job = await submit(session, contract=DELINEATE_ZONES, inputs=inputs, requested_by="tester")
    return job.id


def kept_of(folder: Path) -> Written:
    found = {path: path.stat() for path in folder.rglob("*.window")}
    return {path: (one.st_ino, one.st_mtime_ns) for path, one in found.items()}


def checksums(job: Job) -> dict[str, str]:
    assert job.result is not None
    outputs = job.result["outputs"].items()
    return {name: file["sha256"] for name, file in outputs if name not in TIMED}


@pytest.mark.usefixtures("kept_region")
async def test_a_killed_workers_windows_are_not_computed_again(
    workers: Workers, sessions: Sessions, tmp_path: Path
) -> None:
    job_id = await ask(sessions)
    folder = tmp_path / "windows" / "kept" / str(job_id)
    victim = workers.start(**SETTINGS)

    async def in_the_middle() -> bool:
        draws = [path for path in folder.rglob("*.window") if "-" not in path.name]
        return len(draws) >= 5

    await eventually(in_the_middle, within_s=60)
    (child,) = children_of(victim.pid)
    kill(victim)

    async def child_ended() -> bool:
        return not is_running(child)

    await eventually(child_ended)
    finished = kept_of(folder)
    assert (await read_job(sessions, job_id)).status == JobStatus.RUNNING

    workers.start(**SETTINGS)

    async def gone_on() -> bool:
        return len(kept_of(folder)) > len(finished)

    await eventually(gone_on, within_s=60)
    # What is computed is kept anew: the files that lay there are still the same.
    assert finished.items() <= kept_of(folder).items()
    job = await reach_end(sessions, job_id, within_s=120)
    assert job.status == JobStatus.SUCCESSFUL, job.error
    assert (job.attempt, job.crash_count) == (2, 1)
    assert f'"windows":{len(finished)}' in (tmp_path / "worker.log").read_text("utf-8")

    async def dropped() -> bool:
        return not folder.exists()

    await eventually(dropped)
    undisturbed = await reach_end(sessions, await ask(sessions), within_s=120)
    assert undisturbed.status == JobStatus.SUCCESSFUL, undisturbed.error
    assert undisturbed.attempt == 1
    assert checksums(job) == checksums(undisturbed)

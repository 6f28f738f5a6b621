"""The PDF of a report, which follows once the results are published: nothing costs more than it."""

import asyncio
import os
import signal
from pathlib import Path
from uuid import UUID

from sqlalchemy import select

from shanhai.db.engine import Sessions
from shanhai.db.queries.audit import Act
from shanhai.db.tables.access import AuditLog
from shanhai.db.tables.job import Job
from shanhai.jobs.states import cancel
from shanhai.processes.echo.contract import ECHO, EchoInputs
from shanhai.processes.kit.report_pdf import NOT_SET
from shanhai.storage.artifacts import ArtifactStore, LocalArtifacts
from shanhai.vocabulary import JobStatus
from shanhai_worker.attempt import Ending, handle
from shanhai_worker.context import WorkerContext
from shanhai_worker.slots import Slots
from tests.support.job_rows import claim_job, read_job, submit
from tests.support.serving import kill
from tests.support.workers import Workers, children_of, eventually, reach_end

PAGE = "<!doctype html><html><body><h1>山海</h1></body></html>"
LONG = PAGE.replace("<h1>", "<p style='break-after: page'>山海</p>" * 1000 + "<h1>")
"""A page that takes a fast machine far longer to set than a test takes to stop it."""


async def published(
    sessions: Sessions, artifacts: ArtifactStore, folder: Path, page: str = PAGE
) -> UUID:
    """A waiting job whose results an earlier attempt has published, without their PDF."""
    (folder / "report.html").write_text(page, encoding="utf-8")
    stored = await asyncio.to_thread(artifacts.put, folder / "report.html", suffix=".html")
    report = {
        "uri": stored.uri,
        "sha256": stored.sha256,
        "bytes": stored.bytes,
        "media_type": "text/html",
        "title_zh": "报告",
        "title_en": "Report",
    }
    entry = {"name": "report", "sha256": stored.sha256, "unit": None, "nodata": None}
    result = {
        "outputs": {"report": report},
        "values": {"gep": 1, "warnings": [NOT_SET.document()]},
        "manifest": {"outputs": [entry, {**entry, "name": "table"}], "warnings": []},
        "warnings": [NOT_SET.document()],
    }
    async with sessions.begin() as session:
        job = await submit(
            session, contract=ECHO, inputs=EchoInputs(message="waits"), requested_by="tester"
        )
        job.kind, job.result = "account-gep", result
        job.task = {"process": "account-gep", "inputs": {}}
    return job.id


async def stopped_child(worker_pid: int) -> int:
    """The process that sets the PDF, soon after it has begun; it goes no further."""

    async def found() -> bool:
        return any(os.getsid(child) == child for child in children_of(worker_pid))

    await eventually(found, within_s=120)
    await asyncio.sleep(0.2)  # it tells its number now; one that cannot would be waited for
    (child,) = children_of(worker_pid)
    os.kill(child, signal.SIGSTOP)
    return child


def assert_without_pdf(job: Job) -> None:
    """The job is done, what was published stays, and it says what is missing."""
    assert (job.status, job.progress, job.error) == (JobStatus.SUCCESSFUL, 100, None)
    assert job.result is not None
    assert set(job.result["outputs"]) == {"report"}
    assert job.result["warnings"] == [NOT_SET.document()]


async def test_another_attempt_only_sets_the_pdf(
    worker: WorkerContext, sessions: Sessions, tmp_path: Path
) -> None:
    job_id = await published(sessions, worker.artifacts, tmp_path)
    await worker.dispatcher.dispatch(job_id, 0)
    job = await reach_end(sessions, job_id)
    assert job.status == JobStatus.SUCCESSFUL, job.error
    assert job.result is not None
    pdf = job.result["outputs"]["report_pdf"]
    assert worker.artifacts.local_path(pdf["uri"]).read_bytes().startswith(b"%PDF")
    told = job.result["manifest"]["outputs"]
    assert [one["name"] for one in told] == ["report", "report_pdf", "table"]
    assert told[1]["sha256"] == pdf["sha256"]
    assert job.result["values"] == {"gep": 1, "warnings": []}
    assert job.result["warnings"] == []


async def test_a_killed_workers_pdf_is_set_by_another(
    workers: Workers, sessions: Sessions, tmp_path: Path
) -> None:
    artifacts = LocalArtifacts(tmp_path / "artifacts")
    job_id = await published(sessions, artifacts, tmp_path, LONG)
    victim = workers.start()
    await stopped_child(victim.pid)
    kill(victim)
    workers.start()
    job = await reach_end(sessions, job_id)
    assert (job.status, job.attempt, job.crash_count) == (JobStatus.SUCCESSFUL, 2, 1)
    assert job.result is not None
    assert "report_pdf" in job.result["outputs"]
    async with sessions() as session:
        ends = select(AuditLog.action).where(AuditLog.object_id == str(job_id))
        assert (await session.scalars(ends)).all().count("succeed") == 1


async def test_to_cancel_what_is_published_costs_the_pdf(
    worker: WorkerContext, sessions: Sessions, tmp_path: Path
) -> None:
    job_id = await published(sessions, worker.artifacts, tmp_path, LONG)
    await worker.dispatcher.dispatch(job_id, 0)
    child = await stopped_child(os.getpid())
    async with sessions.begin() as session:
        assert await cancel(session, job_id, act=Act("tester")) is JobStatus.RUNNING
    assert_without_pdf(await reach_end(sessions, job_id))
    assert child not in children_of(os.getpid())


async def test_to_cancel_while_it_waits_costs_the_pdf(
    context: WorkerContext, sessions: Sessions, tmp_path: Path
) -> None:
    job_id = await published(sessions, context.artifacts, tmp_path)
    async with sessions.begin() as session:
        assert await cancel(session, job_id, act=Act("tester")) is JobStatus.ACCEPTED
    async with sessions.begin() as session:
        taken = await claim_job(session, worker="tester", lease_s=60, job_id=job_id)
    assert taken is not None
    assert await handle(context, taken, Slots(1).ask()) is Ending.DISMISSED
    assert_without_pdf(await read_job(sessions, job_id))


async def test_a_child_that_always_dies_costs_the_pdf(
    worker: WorkerContext, sessions: Sessions, tmp_path: Path
) -> None:
    job_id = await published(sessions, worker.artifacts, tmp_path)
    await worker.dispatcher.dispatch(job_id, 0)

    async def ended() -> bool:
        for child in children_of(os.getpid()):
            os.kill(child, signal.SIGKILL)
        return JobStatus((await read_job(sessions, job_id)).status).final

    await eventually(ended)
    job = await read_job(sessions, job_id)
    assert_without_pdf(job)
    assert job.crash_count == 2


async def test_a_page_that_cannot_be_set_costs_the_pdf(
    worker: WorkerContext, sessions: Sessions, tmp_path: Path
) -> None:
    page = '<!doctype html><html><body><img src="file:///etc/hostname"></body></html>'
    job_id = await published(sessions, worker.artifacts, tmp_path, page)
    await worker.dispatcher.dispatch(job_id, 0)
    assert_without_pdf(await reach_end(sessions, job_id))

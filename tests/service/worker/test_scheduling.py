"""A worker attends to schedules by itself."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, select

from shanhai.db.engine import Sessions
from shanhai.db.queries.keys import create_key, prefix_of
from shanhai.db.tables.job import Schedule, ScheduleRun
from shanhai.vocabulary import JobStatus, Scope
from shanhai_worker.context import WorkerContext
from tests.support.workers import eventually, reach


async def test_a_due_schedule_is_run_in_its_owners_name(
    worker: WorkerContext, sessions: Sessions
) -> None:
    now = datetime.now(UTC)
    async with sessions.begin() as session:
        key = await create_key(session, name="planner", scopes=(Scope.JOBS,))
        schedule = Schedule(
            code="hourly",
            name_zh="每小时",
            name_en="Hourly",
            process="echo",
            inputs={"message": "again"},
            every_s=3600,
            starts_at=now,
            timezone="UTC",
            priority=5,
            enabled=True,
            owner=f"key:{prefix_of(key)}",
            next_at=now - timedelta(seconds=1),
        )
        session.add(schedule)

    async def attended() -> bool:
        async with sessions() as session:
            return await session.scalar(select(ScheduleRun.job_id)) is not None

    await eventually(attended)
    async with sessions.begin() as session:
        (run,) = (await session.scalars(select(ScheduleRun))).all()
        assert run.job_id is not None
        job_id = run.job_id
        for table in (ScheduleRun, Schedule):
            await session.execute(delete(table))
    job = await reach(sessions, job_id, JobStatus.SUCCESSFUL)
    assert job.requested_by == schedule.owner
    assert job.result is not None
    assert job.result["values"] == {"message": "again"}

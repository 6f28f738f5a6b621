"""`shanhai jobs` and `shanhai schedules` on a database."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete, select

from shanhai.db.queries.system_status import Watched, read_watched
from shanhai.db.tables.access import AuditLog
from shanhai.db.tables.job import Job, Schedule, ScheduleRun
from shanhai.jobs.messages import Failure, unreachable
from shanhai.vocabulary import JobStatus, Label
from tests.support.feature_rows import add_job
from tests.support.job_rows import forget_jobs, open_sessions, submit_echo

Run = Callable[..., tuple[int, str]]
INVALID = Failure("invalid", Label("不行", "no"))
HEAD = ("id", "state", "since", "process", "failure", "caller")
NOW = datetime.now(UTC)


async def fill(database_url: str, *states: tuple[JobStatus, Failure | None]) -> list[UUID]:
    """A job in each of the states, and no others."""
    async with open_sessions(database_url) as sessions:
        await forget_jobs(sessions)
        async with sessions.begin() as session:
            made = [
                await add_job(
                    session,
                    kind="echo",
                    inputs={"message": "hello"},
                    task={"process": "echo", "inputs": {"message": "hello"}},
                    status=status,
                    finished_at=NOW if status.final else None,
                    error=None if failure is None else failure.document(),
                )
                for status, failure in states
            ]
            return [job.id for job in made]


async def read(database_url: str, job_id: UUID) -> tuple[Job, list[tuple[str, str]]]:
    """The job, and who did what with it."""
    async with open_sessions(database_url) as sessions, sessions() as session:
        acts = select(AuditLog.actor, AuditLog.action).where(AuditLog.object_id == str(job_id))
        told = [(row.actor, row.action) for row in await session.execute(acts.order_by("id"))]
        return await session.get_one(Job, job_id), told


async def add_dead(database_url: str, rights: dict[str, Any]) -> UUID:
    """A dead job that reads in the name of who asked for it."""
    task = {"process": "check-compliance", "inputs": {}, "authority": rights}
    async with open_sessions(database_url) as sessions, sessions.begin() as session:
        job = await add_job(
            session,
            kind="check-compliance",
            task=task,
            status="failed",
            error=unreachable().document(),
            requested_by=rights["owner"],
        )
        return job.id


async def watch(database_url: str) -> Watched:
    """What the rules of the operator see."""
    async with open_sessions(database_url) as sessions, sessions() as session:
        return await read_watched(session)


def rows(said: str, head: str) -> list[str]:
    """The lines of a list without its head, which is on the error stream."""
    return [line for line in said.splitlines() if not line.startswith(f"{head} ")]


def ids(said: str) -> set[str]:
    return {line.split()[0] for line in rows(said, "id")}


FAILED, WAITING = JobStatus.FAILED, JobStatus.ACCEPTED


class TestJobs:
    def test_the_dead_are_listed_shown_and_tried_again(self, run: Run, database_url: str) -> None:
        states = [(FAILED, unreachable()), (FAILED, INVALID), (WAITING, None)]
        dead, faulty, waiting = asyncio.run(fill(database_url, *states))
        code, said = run("jobs", "list", "--dead")
        (line,) = rows(said, "id")
        assert said.splitlines()[-1].split() == list(HEAD)
        finished = NOW.replace(microsecond=0).astimezone(UTC)
        assert (code, line.split()[:2]) == (0, [str(dead), "failed"])
        assert datetime.fromisoformat(line.split()[2]) == finished
        assert line.split()[3:] == ["echo", "transient", "tester"]
        assert ids(run("jobs", "list")[1]) == {str(dead), str(faulty), str(waiting)}
        assert ids(run("jobs", "list", "--failure", "invalid")[1]) == {str(faulty)}
        assert ids(run("jobs", "list", "--status", "accepted", "--hours", "1")[1]) == {str(waiting)}
        assert run("jobs", "list", "--process", "import-dataset") == (0, "")
        assert "more than 1" in run("jobs", "list", "--limit", "1")[1]
        (told,) = json.loads(run("jobs", "list", "--dead", "--json")[1])
        assert (told["id"], told["failure"], told["caller"]) == (str(dead), "transient", "tester")
        assert datetime.fromisoformat(told["since"]) == NOW
        assert run("jobs", "list", "--process", "import-dataset", "--json") == (0, "[]\n")
        assert asyncio.run(watch(database_url)).dead_jobs == {"transient": 1}

        code, said = run("jobs", "retry", str(dead), str(dead))
        former, made = said.split()
        assert (code, former) == (0, str(dead))
        again, acts = asyncio.run(read(database_url, UUID(made)))
        assert (again.status, again.requested_by, again.retry_of) == ("accepted", "tester", dead)
        assert again.inputs == {"message": "hello"}
        assert acts == [("operator", "submit")]
        assert run("jobs", "list", "--dead") == (0, "")
        assert asyncio.run(watch(database_url)).dead_jobs == {}
        shown = run("jobs", "show", str(dead))[1]
        assert f"tried again as  {made}" in shown
        assert "a service this depends on did not answer" in shown
        assert "所依赖的服务没有响应" in shown

    def test_it_is_tried_again_with_the_rights_of_who_asked(
        self, run: Run, database_url: str
    ) -> None:
        grants = [{"role": "planner", "regions": [7]}]
        rights = {"owner": "tester", "scopes": ["jobs"], "grants": grants}
        dead = asyncio.run(add_dead(database_url, rights))
        code, said = run("jobs", "retry", str(dead))
        assert code == 0, said
        again, _ = asyncio.run(read(database_url, UUID(said.split()[1])))
        asked = rights | {"groups": [], "proofs": []}
        assert (again.requested_by, again.task["authority"]) == ("tester", asked)

    def test_where_one_cannot_be_tried_again_none_is(self, run: Run, database_url: str) -> None:
        dead, waiting = asyncio.run(fill(database_url, (FAILED, unreachable()), (WAITING, None)))
        code, said = run("jobs", "retry", str(dead), str(waiting))
        assert code == 1
        assert f"job {waiting} is accepted" in said
        assert "只有失败或已取消的作业可以重试" in said
        assert ids(run("jobs", "list", "--dead")[1]) == {str(dead)}

    def test_waiting_ones_end_and_ended_ones_stay(self, run: Run, database_url: str) -> None:
        waiting, failed = asyncio.run(fill(database_url, (WAITING, None), (FAILED, INVALID)))
        code, said = run("jobs", "dismiss", str(waiting), str(failed))
        assert code == 0
        assert {tuple(line.split()) for line in said.splitlines()} == {
            (str(waiting), "dismissed"),
            (str(failed), "failed"),
        }
        _, acts = asyncio.run(read(database_url, waiting))
        assert acts[-1] == ("operator", "cancel")

    def test_what_is_no_job_is_told(self, run: Run, database_url: str) -> None:
        (waiting,) = asyncio.run(fill(database_url, (WAITING, None)))
        unknown = str(uuid4())
        for command in ("show", "retry", "dismiss"):
            code, said = run("jobs", command, unknown)
            assert code == 1
            assert f"there is no job {unknown}" in said
            assert f"没有作业 {unknown}" in said
        assert run("jobs", "dismiss", str(waiting), unknown)[0] == 1
        assert asyncio.run(read(database_url, waiting))[0].status == "accepted"
        assert run("jobs", "show", "7")[0] == 2


class TestSchedules:
    @pytest.fixture
    def made(self, database_url: str) -> Any:
        """Schedules: one as it should be, which was refused last, and one nobody attends to."""
        asyncio.run(self.forget(database_url))
        asyncio.run(self.make(database_url))
        yield
        asyncio.run(self.forget(database_url))

    async def forget(self, database_url: str) -> None:
        async with open_sessions(database_url) as sessions, sessions.begin() as session:
            for table in (ScheduleRun, Schedule):
                await session.execute(delete(table))

    async def make(self, database_url: str) -> None:
        async with open_sessions(database_url) as sessions:
            job_id = await submit_echo(sessions)
            async with sessions.begin() as session:
                daily, stuck = (
                    Schedule(
                        code=code,
                        name_zh="定时",
                        name_en="Again",
                        process="echo",
                        inputs={},
                        every_s=86_400,
                        starts_at=NOW,
                        timezone="UTC",
                        priority=5,
                        enabled=True,
                        owner="key:abcdefgh",
                        next_at=NOW + timedelta(seconds=due_s),
                    )
                    for code, due_s in (("daily", 86_400), ("stuck", -3600))
                )
                session.add_all([daily, stuck])
                await session.flush()
                past = NOW - timedelta(days=1)
                refused = unreachable().document()
                session.add_all(
                    [
                        ScheduleRun(schedule_id=daily.id, due_at=past, job_id=job_id),
                        ScheduleRun(schedule_id=daily.id, due_at=NOW, error=refused),
                        ScheduleRun(schedule_id=stuck.id, due_at=past, job_id=job_id),
                    ]
                )

    def test_they_are_listed_paused_and_resumed(
        self, run: Run, database_url: str, made: None
    ) -> None:
        code, said = run("schedules", "list")
        daily, stuck = rows(said, "code")
        assert code == 0
        assert daily.split()[:2] == ["daily", "enabled"]
        assert "refused: a service this depends on did not answer" in daily
        assert daily.endswith("key:abcdefgh")
        assert stuck.split()[:2] == ["stuck", "late"]
        told = json.loads(run("schedules", "list", "--json")[1])
        assert [(one["code"], one["state"]) for one in told] == [
            ("daily", "enabled"),
            ("stuck", "late"),
        ]
        assert " accepted " in stuck

        assert asyncio.run(watch(database_url)).schedule_late_s >= 3600

        assert run("schedules", "pause", "stuck") == (0, "stuck  paused\n")
        assert asyncio.run(watch(database_url)).schedule_late_s == 0
        code, said = run("schedules", "pause", "stuck")
        assert code == 1
        assert "paused already" in said
        assert "已处于暂停状态" in said
        code, said = run("schedules", "resume", "stuck")
        assert said.split()[:3] == ["stuck", "enabled", "next"]
        assert datetime.fromisoformat(said.split()[3]) > NOW
        assert asyncio.run(self.written(database_url)) == [
            ("operator", "pause", {"enabled": False}),
            ("operator", "resume", {"enabled": True}),
        ]
        assert run("schedules", "pause", "nothing")[0] == 1

    async def written(self, database_url: str) -> list[tuple[str, str, Any]]:
        """What the audit log has of the schedule; its owner is who it was."""
        async with open_sessions(database_url) as sessions, sessions() as session:
            schedule = await session.scalar(select(Schedule).where(Schedule.code == "stuck"))
            assert schedule is not None
            assert (schedule.owner, schedule.row_version) == ("key:abcdefgh", 3)
            entries = select(AuditLog).where(AuditLog.object_id == "stuck").order_by(AuditLog.id)
            rows = (await session.scalars(entries)).all()
            return [(row.actor, row.action, row.after) for row in rows[-2:]]


def test_a_database_that_is_away_is_told_in_a_line(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHANHAI_DATABASE_URL", "postgresql://someone:secret@127.0.0.1:1/none")
    code, said = run("jobs", "list")
    assert code == 1
    assert "does not answer" in said
    assert "数据库无响应" in said
    assert "secret" not in said
    assert "Traceback" not in said

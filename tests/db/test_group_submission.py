"""Jobs that are accepted together are what they would be one after another."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from shanhai.db.engine import Sessions
from shanhai.db.queries.audit import Act, Fingerprint, StoredResponse, recall
from shanhai.db.tables.access import AuditLog, IdempotencyKey
from shanhai.db.tables.job import Job
from shanhai.errors import InFlight, KeyReused
from shanhai.jobs.fair_queue import CHANNEL, QUOTA, Quota, TooManyJobs
from shanhai.jobs.group_submission import Answer, GroupSubmission, Submission
from shanhai.jobs.results import ResultForm
from shanhai.jobs.submission import Terms, prepare_job
from shanhai.processes.echo.contract import ECHO, EchoInputs
from tests.support.emptying import forget_rows
from tests.support.job_rows import submit_echo


@pytest.fixture
async def without_idempotency_keys(sessions: Sessions) -> None:
    async with sessions.begin() as session:
        await forget_rows(session, ["idempotency_key"])


pytestmark = pytest.mark.usefixtures("without_jobs", "without_idempotency_keys")


@asynccontextmanager
async def accepting(sessions: Sessions) -> AsyncIterator[GroupSubmission]:
    group = GroupSubmission(sessions)
    try:
        yield group
    finally:
        await group.close()


async def asked(
    sessions: Sessions,
    message: str = "x",
    *,
    owner: str = "one",
    key: str | None = None,
    body: str = "body",
    terms: Terms | None = None,
) -> Submission:
    async with sessions() as session:
        job = await prepare_job(
            session,
            contract=ECHO,
            inputs=EchoInputs(message=message, pause=0),
            requested_by=owner,
            request_id=f"request {message}"[:20],
            result_form=ResultForm(),
        )
    job.id = uuid4()
    fingerprint = None if key is None else Fingerprint(owner, "/here", key, body)
    answer = StoredResponse(201, {"Location": "there"}, f'"{message}"')
    return Submission(job, terms or Terms(), Act(owner, "r"), fingerprint, lambda job: answer)


async def outcomes(answers: Iterable[Awaitable[Answer]]) -> list[Any]:
    return await asyncio.gather(*answers, return_exceptions=True)


async def submit_all(sessions: Sessions, wanted: Iterable[Submission]) -> list[Any]:
    async with accepting(sessions) as group:
        return await outcomes([group.submit(one) for one in wanted])


async def count(sessions: Sessions, what: Any) -> int:
    async with sessions() as session:
        return int(await session.scalar(select(func.count()).select_from(what)) or 0)


async def test_those_that_come_together_share_a_transaction(sessions: Sessions) -> None:
    wanted = [await asked(sessions, f"m{number}") for number in range(20)]
    submitted = select(AuditLog.object_id).where(AuditLog.action == "submit")
    found = await submit_all(sessions, wanted)
    assert [job.id for job in found] == [one.job.id for one in wanted]
    async with sessions() as session:
        rows = (await session.execute(text("SELECT *, xmin FROM job ORDER BY turn"))).all()
        told = set(await session.scalars(submitted))
    assert [row.id for row in rows] == [one.job.id for one in wanted]
    assert len({row.xmin for row in rows}) == 1
    assert told >= {str(row.id) for row in rows}
    assert [row.inputs for row in rows] == [
        {"message": f"m{number}", "pause": 0} for number in range(20)
    ]
    assert {row.status for row in rows} == {"accepted"}


async def test_what_is_answered_is_what_is_kept(sessions: Sessions) -> None:
    [job] = await submit_all(sessions, [await asked(sessions)])
    async with sessions() as session:
        row = await session.get_one(Job, job.id)
    told = ("kind", "inputs", "task", "status", "attempt", "progress", "priority", "turn", "held")
    for name in (*told, "created_at", "updated_at", "digest", "cancel_requested", "error"):
        assert getattr(job, name) == getattr(row, name), name


async def test_a_row_is_as_one_that_comes_alone(sessions: Sessions) -> None:
    alone = await submit_echo(sessions, "x", requested_by="one")
    [job] = await submit_all(sessions, [await asked(sessions)])
    own = {"id", "turn", "created_at", "updated_at", "request_id", "digest"}
    names = ", ".join(column.key for column in Job.__table__.columns if column.key not in own)
    async with sessions() as session:
        rows = await session.execute(
            text(f"SELECT {names} FROM job WHERE id IN (:one, :other)"),
            {"one": alone, "other": job.id},
        )
        first, second = (
            {name: value or None for name, value in row.items()} for row in rows.mappings()
        )
    assert first == second


async def test_each_caller_has_the_turns_they_would_have_alone(sessions: Sessions) -> None:
    for _ in range(3):
        await submit_echo(sessions, requested_by="one")
    owners = ["two", "one", "two", "one", "three"]
    wanted = [await asked(sessions, owner=owner) for owner in owners]
    found = await submit_all(sessions, wanted)
    assert [job.turn for job in found] == [0, 3, 1, 4, 0]


async def test_who_may_have_no_more_is_refused_alone(sessions: Sessions) -> None:
    terms = Terms(quota=Quota(waiting=3))
    await submit_echo(sessions, requested_by="one")
    owners = ["one", "one", "two", "one", "two"]
    wanted = [await asked(sessions, owner=owner, terms=terms) for owner in owners]
    found = await submit_all(sessions, wanted)
    assert [type(one) for one in found] == [Job, Job, Job, TooManyJobs, Job]
    assert await count(sessions, Job) == 5


async def test_a_quota_is_of_all_priorities(sessions: Sessions) -> None:
    terms = [Terms(priority, quota=Quota(waiting=2, running=1)) for priority in (5, 8, 2)]
    found = await submit_all(sessions, [await asked(sessions, terms=one) for one in terms])
    assert [type(one) for one in found] == [Job, Job, TooManyJobs]
    assert [one.held for one in found[:2]] == [None, QUOTA]


async def test_what_cannot_be_stored_harms_no_other(sessions: Sessions) -> None:
    wanted = [await asked(sessions, message) for message in ("a", "nul \x00", "b")]
    found = await submit_all(sessions, wanted)
    assert [type(one) for one in found] == [Job, DBAPIError, Job]
    assert await count(sessions, Job) == 2


async def test_a_key_makes_one_job(sessions: Sessions) -> None:
    same = [await asked(sessions, "x", key="k") for _ in range(3)]
    first, *others = await submit_all(sessions, [*same, await asked(sessions, "y", key="other")])
    assert isinstance(first, Job)
    assert [type(one) for one in others] == [InFlight, InFlight, Job]
    again, misused, new = await submit_all(
        sessions,
        [
            await asked(sessions, "x", key="k"),
            await asked(sessions, "z", key="other", body="another"),
            await asked(sessions, "n", key="new"),
        ],
    )
    assert again == StoredResponse(201, {"Location": "there"}, '"x"')
    assert isinstance(misused, KeyReused)
    assert isinstance(new, Job)
    assert await count(sessions, Job) == 3
    assert await count(sessions, IdempotencyKey) == 3


async def test_a_key_that_another_process_holds_is_in_flight(sessions: Sessions) -> None:
    wanted = [await asked(sessions, "x", key="k"), await asked(sessions, "y")]
    fingerprint = wanted[0].fingerprint
    assert fingerprint is not None
    async with sessions.begin() as session:
        assert await recall(session, fingerprint) is None
        held, other = await submit_all(sessions, wanted)
    assert isinstance(held, InFlight)
    assert isinstance(other, Job)
    [later] = await submit_all(sessions, [await asked(sessions, "x", key="k")])
    assert isinstance(later, Job)


async def test_old_answers_are_forgotten(sessions: Sessions) -> None:
    await submit_all(sessions, [await asked(sessions, key="old")])
    async with sessions.begin() as session:
        await session.execute(
            text("UPDATE idempotency_key SET created_at = now() - '8 days'::interval")
        )
    await submit_all(sessions, [await asked(sessions, key="new")])
    async with sessions() as session:
        assert list(await session.scalars(select(IdempotencyKey.key))) == ["new"]


async def test_who_gives_up_stops_nobody(sessions: Sessions) -> None:
    wanted = [await asked(sessions, f"m{number}") for number in range(3)]
    async with accepting(sessions) as group:
        asking = [asyncio.create_task(group.submit(one)) for one in wanted]
        await asyncio.sleep(0)
        asking[1].cancel()
        first, second, third = await outcomes(asking)
    assert (type(first), type(third)) == (Job, Job)
    assert isinstance(second, asyncio.CancelledError)


async def test_workers_are_notified_by_the_commit(sessions: Sessions) -> None:
    heard = asyncio.Event()
    async with sessions() as session:
        raw = (await (await session.connection()).get_raw_connection()).driver_connection
        assert raw is not None
        await raw.add_listener(CHANNEL, lambda *told: heard.set())
        await session.rollback()
        await submit_all(sessions, [await asked(sessions)])
        async with asyncio.timeout(10):
            await heard.wait()
        await raw.reset()

"""The state machine of jobs in a real PostgreSQL."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError

from shanhai.db.engine import Sessions, driver_transaction
from shanhai.db.queries.audit import Act
from shanhai.db.queries.jobs import read_queue_state
from shanhai.db.tables.access import AuditLog
from shanhai.db.tables.job import Job
from shanhai.errors import Conflict, NotFound
from shanhai.jobs import states, upkeep
from shanhai.jobs.messages import Failure
from shanhai.jobs.states import Claim, Lease, LeaseLost, Standing
from shanhai.jobs.submission import Terms
from shanhai.vocabulary import JobStatus, Label
from tests.support.job_rows import age_job, claim_job, read_job, submit_echo

FAILURE = Failure("invalid", Label("不行", "no"))

pytestmark = pytest.mark.usefixtures("without_jobs")


async def claim(sessions: Sessions, job_id: UUID | None = None, *, lease_s: float = 15) -> Claim:
    async with sessions.begin() as session:
        claimed = await claim_job(session, worker="w", lease_s=lease_s, job_id=job_id)
    assert claimed is not None
    return claimed


async def expire(sessions: Sessions, job_id: UUID) -> None:
    await age_job(sessions, job_id, "lease_until", seconds=1)


async def reap(sessions: Sessions, *, max_crashes: int = 5) -> list[upkeep.Reaped]:
    async with sessions.begin() as session:
        return list(await upkeep.reap(session, max_crashes=max_crashes))


async def cancel(sessions: Sessions, job_id: UUID) -> JobStatus:
    async with sessions.begin() as session:
        return await states.cancel(session, job_id, act=Act("tester"))


async def renew(sessions: Sessions, lease: Lease, **told: float | str) -> Standing:
    async with sessions.begin() as session:
        return await states.renew(session, lease, lease_s=15, **told)  # type: ignore[arg-type]  # what the test tells


async def claim_several(sessions: Sessions, **wanted: Any) -> list[UUID]:
    async with sessions.begin() as session:
        taken = await states.claim_several(session, worker="w", lease_s=15, **wanted)
    assert all(found.lease.attempt == 1 for found in taken)
    return [found.lease.job_id for found in taken]


class TestClaimingSeveral:
    async def test_takes_as_many_as_are_free_in_the_order_of_the_line(
        self, sessions: Sessions
    ) -> None:
        low, first, second, high = [
            await submit_echo(sessions, terms=Terms(priority=priority)) for priority in (2, 5, 5, 8)
        ]
        assert await claim_several(sessions, free=2) == [high, first]
        assert await claim_several(sessions, free=5) == [second, low]
        assert await claim_several(sessions, free=5) == []

    async def test_more_are_taken_only_while_all_are_of_quick_kinds(
        self, sessions: Sessions
    ) -> None:
        jobs = [await submit_echo(sessions, str(number)) for number in range(6)]
        async with sessions.begin() as session:
            await session.execute(update(Job).where(Job.id == jobs[4]).values(kind="long"))
        ahead = {"ahead": 10, "quick": {"echo"}}
        assert await claim_several(sessions, free=1, ahead=2, quick={"other"}) == jobs[:1]
        assert await claim_several(sessions, free=1, **ahead) == jobs[1:4]
        assert await claim_several(sessions, free=0, **ahead) == []
        assert await claim_several(sessions, free=1, **ahead) == jobs[4:5]
        assert await claim_several(sessions, free=0, **ahead) == jobs[5:]

    async def test_several_workers_never_take_the_same(self, sessions: Sessions) -> None:
        jobs = {await submit_echo(sessions, str(number)) for number in range(20)}
        taken = await asyncio.gather(*(claim_several(sessions, free=3) for _ in range(6)))
        found = [job for batch in taken for job in batch]
        assert len(found) == len(set(found))
        assert set(found) <= jobs


class TestSucceedingInGroups:
    async def test_only_those_that_are_held_and_not_cancelled_end(self, sessions: Sessions) -> None:
        held, cancelled, lost = [
            (await claim(sessions, await submit_echo(sessions))).lease for _ in range(3)
        ]
        await cancel(sessions, cancelled.job_id)
        await expire(sessions, lost.job_id)
        await reap(sessions)
        results = {
            lease: {"values": {"of": str(lease.job_id)}} for lease in (held, cancelled, lost)
        }
        async with driver_transaction(sessions) as transaction:
            assert await states.succeed_several(transaction, results) == {held}
        job = await read_job(sessions, held.job_id)
        assert (job.status, job.progress, job.lease_until) == (JobStatus.SUCCESSFUL, 100, None)
        assert job.result == results[held]
        assert job.finished_at is not None
        assert (await read_job(sessions, cancelled.job_id)).status == JobStatus.RUNNING
        assert (await read_job(sessions, lost.job_id)).status == JobStatus.ACCEPTED
        async with sessions() as session:
            entries = select(AuditLog.object_id).where(AuditLog.action == "succeed")
            noted = set(await session.scalars(entries))
        assert noted & {str(lease.job_id) for lease in results} == {str(held.job_id)}


class TestClaim:
    async def test_takes_the_oldest_and_raises_the_attempt(self, sessions: Sessions) -> None:
        first, second = await submit_echo(sessions, "1"), await submit_echo(sessions, "2")
        claimed = await claim(sessions)
        assert claimed.lease == Lease(first, 1)
        assert claimed.task["inputs"]["message"] == "1"
        assert claimed.request_id == "request-1"
        job = await read_job(sessions, first)
        assert (job.status, job.worker) == (JobStatus.RUNNING, "w")
        assert job.started_at is not None
        assert (await read_job(sessions, second)).status == JobStatus.ACCEPTED

    async def test_takes_the_one_named(self, sessions: Sessions) -> None:
        await submit_echo(sessions)
        second = await submit_echo(sessions)
        assert (await claim(sessions, second)).lease.job_id == second

    async def test_finds_nothing_when_nothing_waits(self, sessions: Sessions) -> None:
        job_id = await submit_echo(sessions)
        await claim(sessions)
        async with sessions.begin() as session:
            assert await claim_job(session, worker="w", lease_s=15) is None
            assert await claim_job(session, worker="w", lease_s=15, job_id=job_id) is None

    async def test_many_workers_claim_each_job_once(self, sessions: Sessions) -> None:
        job_ids = {await submit_echo(sessions) for _ in range(4)}

        async def take(number: int) -> Claim | None:
            async with sessions.begin() as session:
                taken = await claim_job(session, worker=f"w{number}", lease_s=15)
                await asyncio.sleep(0.05)  # hold the row while the others look
                return taken

        claims = [taken for taken in await asyncio.gather(*map(take, range(8))) if taken]
        assert sorted(taken.lease.job_id for taken in claims) == sorted(job_ids)
        assert {taken.lease.attempt for taken in claims} == {1}


class TestRenew:
    async def test_moves_the_lease_and_keeps_progress_rising(self, sessions: Sessions) -> None:
        lease = (await claim(sessions, await submit_echo(sessions), lease_s=1)).lease
        before = (await read_job(sessions, lease.job_id)).lease_until
        assert await renew(sessions, lease, percent=40.7, stage="align") is Standing.HELD
        assert await renew(sessions, lease, percent=10) is Standing.HELD
        job = await read_job(sessions, lease.job_id)
        assert (job.progress, job.stage) == (40, "align")
        assert job.lease_until is not None
        assert before is not None
        assert job.lease_until > before

    async def test_a_running_job_never_shows_a_hundred(self, sessions: Sessions) -> None:
        lease = (await claim(sessions, await submit_echo(sessions))).lease
        await renew(sessions, lease, percent=100)
        assert (await read_job(sessions, lease.job_id)).progress == 99

    async def test_tells_of_a_cancel(self, sessions: Sessions) -> None:
        lease = (await claim(sessions, await submit_echo(sessions))).lease
        assert await cancel(sessions, lease.job_id) is JobStatus.RUNNING
        assert await renew(sessions, lease) is Standing.CANCELLED

    async def test_tells_of_a_lost_lease(self, sessions: Sessions) -> None:
        old = (await claim(sessions, await submit_echo(sessions))).lease
        await expire(sessions, old.job_id)
        await reap(sessions)
        assert await renew(sessions, old) is Standing.LOST
        await claim(sessions, old.job_id)
        assert await renew(sessions, old) is Standing.LOST


class TestFencing:
    @pytest.fixture
    async def zombie(self, sessions: Sessions) -> Lease:
        """The lease of a worker that slept past it while another claimed the job."""
        lease = (await claim(sessions, await submit_echo(sessions))).lease
        await expire(sessions, lease.job_id)
        await reap(sessions)
        await claim(sessions, lease.job_id)
        return lease

    async def test_a_zombie_cannot_finish(self, sessions: Sessions, zombie: Lease) -> None:
        with pytest.raises(LeaseLost):
            async with sessions.begin() as session:
                await states.succeed(session, zombie, result={"values": {"stale": True}})
        job = await read_job(sessions, zombie.job_id)
        assert (job.status, job.attempt, job.result) == (JobStatus.RUNNING, 2, None)

    async def test_a_zombie_can_do_nothing_else(self, sessions: Sessions, zombie: Lease) -> None:
        for change in (
            lambda session: states.fail(session, zombie, FAILURE),
            lambda session: states.dismiss(session, zombie),
            lambda session: states.hand_back(session, zombie),
            lambda session: states.crash(session, zombie, max_crashes=5),
        ):
            with pytest.raises(LeaseLost):
                async with sessions.begin() as session:
                    await change(session)
        async with sessions.begin() as session:
            assert await states.hold(session, zombie) is Standing.LOST
            assert await states.look(session, zombie) is Standing.LOST
        assert (await read_job(sessions, zombie.job_id)).crash_count == 1

    async def test_what_a_zombie_wrote_is_rolled_back(
        self, sessions: Sessions, zombie: Lease
    ) -> None:
        async def publish() -> None:
            async with sessions.begin() as session:
                session.add(AuditLog(actor="z", action="a", object_table="t", object_id="zombie"))
                await session.flush()
                await states.succeed(session, zombie, result={})

        with pytest.raises(LeaseLost):
            await publish()
        async with sessions() as session:
            written = select(AuditLog).where(AuditLog.object_id == "zombie")
            assert (await session.scalars(written)).first() is None


class TestEnd:
    async def test_success_keeps_the_result(self, sessions: Sessions) -> None:
        lease = (await claim(sessions, await submit_echo(sessions))).lease
        async with sessions.begin() as session:
            assert await states.hold(session, lease) is Standing.HELD
            await states.succeed(session, lease, result={"values": {"message": "x"}})
        job = await read_job(sessions, lease.job_id)
        assert (job.status, job.progress) == (JobStatus.SUCCESSFUL, 100)
        assert job.result == {"values": {"message": "x"}}
        assert job.finished_at is not None
        assert job.lease_until is None

    async def test_failure_keeps_the_reason(self, sessions: Sessions) -> None:
        lease = (await claim(sessions, await submit_echo(sessions))).lease
        async with sessions.begin() as session:
            await states.fail(session, lease, FAILURE)
        job = await read_job(sessions, lease.job_id)
        assert job.status == JobStatus.FAILED
        assert job.error is not None
        assert Failure.parse(job.error) == FAILURE

    @pytest.mark.parametrize("status", ["accepted", "running", "failed"])
    async def test_an_ended_job_never_changes(self, sessions: Sessions, status: str) -> None:
        lease = (await claim(sessions, await submit_echo(sessions))).lease
        async with sessions.begin() as session:
            await states.dismiss(session, lease)
        change = update(Job).where(Job.id == lease.job_id).values(status=status)
        with pytest.raises(DBAPIError, match="never changes again"):
            async with sessions.begin() as session:
                await session.execute(change)

    async def test_every_end_is_in_the_audit_log(self, sessions: Sessions) -> None:
        lease = (await claim(sessions, await submit_echo(sessions))).lease
        async with sessions.begin() as session:
            await states.succeed(session, lease, result={})
        async with sessions() as session:
            entries = select(AuditLog.action).where(AuditLog.object_id == str(lease.job_id))
            assert sorted(await session.scalars(entries)) == ["submit", "succeed"]


class TestReturn:
    async def test_handing_back_blames_nobody(self, sessions: Sessions) -> None:
        lease = (await claim(sessions, await submit_echo(sessions))).lease
        async with sessions.begin() as session:
            await states.hand_back(session, lease)
        job = await read_job(sessions, lease.job_id)
        assert (job.status, job.crash_count, job.attempt) == (JobStatus.ACCEPTED, 0, 1)
        assert (await claim(sessions)).lease == Lease(lease.job_id, 2)

    async def test_crashes_are_counted_until_the_limit(self, sessions: Sessions) -> None:
        job_id = await submit_echo(sessions)
        seen = []
        for _ in range(3):
            lease = (await claim(sessions, job_id)).lease
            async with sessions.begin() as session:
                seen.append(await states.crash(session, lease, max_crashes=3))
        assert seen == [JobStatus.ACCEPTED, JobStatus.ACCEPTED, JobStatus.FAILED]
        job = await read_job(sessions, job_id)
        assert job.error is not None
        assert (job.error["class"], job.crash_count) == ("lost", 3)
        assert job.finished_at is not None


class TestReap:
    async def test_leaves_held_jobs_alone(self, sessions: Sessions) -> None:
        await claim(sessions, await submit_echo(sessions))
        assert await reap(sessions) == []

    async def test_takes_expired_jobs_back(self, sessions: Sessions) -> None:
        lease = (await claim(sessions, await submit_echo(sessions))).lease
        await expire(sessions, lease.job_id)
        assert await reap(sessions) == [upkeep.Reaped(lease.job_id, JobStatus.ACCEPTED)]
        job = await read_job(sessions, lease.job_id)
        assert (job.crash_count, job.lease_until, job.error) == (1, None, None)

    async def test_ends_a_job_that_keeps_losing_workers(self, sessions: Sessions) -> None:
        lease = (await claim(sessions, await submit_echo(sessions))).lease
        await expire(sessions, lease.job_id)
        assert [job.status for job in await reap(sessions, max_crashes=1)] == [JobStatus.FAILED]
        job = await read_job(sessions, lease.job_id)
        assert job.error is not None
        assert job.error["class"] == "lost"
        assert "the worker was lost: its lease ran out" in job.error["detail"]

    async def test_dismisses_a_cancelled_job_of_a_dead_worker(self, sessions: Sessions) -> None:
        lease = (await claim(sessions, await submit_echo(sessions))).lease
        await cancel(sessions, lease.job_id)
        await expire(sessions, lease.job_id)
        assert [job.status for job in await reap(sessions)] == [JobStatus.DISMISSED]
        assert (await read_job(sessions, lease.job_id)).error is None

    async def test_two_reapers_count_one_crash(self, sessions: Sessions) -> None:
        lease = (await claim(sessions, await submit_echo(sessions))).lease
        await expire(sessions, lease.job_id)
        counts = [len(jobs) for jobs in await asyncio.gather(*(reap(sessions) for _ in range(4)))]
        assert sum(counts) == 1
        assert (await read_job(sessions, lease.job_id)).crash_count == 1


class TestTakeUndispatched:
    async def due(self, sessions: Sessions) -> list[Lease]:
        async with sessions.begin() as session:
            return list(await upkeep.take_undispatched(session, after_s=5))

    async def test_waits_before_sending_a_new_job_and_sends_once(self, sessions: Sessions) -> None:
        job_id = await submit_echo(sessions)
        assert await self.due(sessions) == []
        await age_job(sessions, job_id, "created_at", seconds=6)
        assert await self.due(sessions) == [Lease(job_id, 0)]
        assert await self.due(sessions) == []
        await age_job(sessions, job_id, "dispatched_at", seconds=6)
        assert await self.due(sessions) == [Lease(job_id, 0)]

    async def test_sends_a_returned_job_at_once(self, sessions: Sessions) -> None:
        job_id = await submit_echo(sessions)
        await age_job(sessions, job_id, "created_at", seconds=60)
        lease = (await claim(sessions, job_id)).lease
        assert await self.due(sessions) == []
        async with sessions.begin() as session:
            await states.hand_back(session, lease)
        assert await self.due(sessions) == [lease]


class TestCancel:
    async def test_a_waiting_job_ends_at_once(self, sessions: Sessions) -> None:
        job_id = await submit_echo(sessions)
        assert await cancel(sessions, job_id) is JobStatus.DISMISSED
        assert (await read_job(sessions, job_id)).finished_at is not None

    async def test_an_ended_job_stays_as_it_is(self, sessions: Sessions) -> None:
        lease = (await claim(sessions, await submit_echo(sessions))).lease
        async with sessions.begin() as session:
            await states.succeed(session, lease, result={})
        assert await cancel(sessions, lease.job_id) is JobStatus.SUCCESSFUL

    async def test_one_that_is_being_published_is_not_cancelled(self, sessions: Sessions) -> None:
        lease = (await claim(sessions, await submit_echo(sessions))).lease
        async with sessions.begin() as publication:
            assert await states.hold(publication, lease) is Standing.HELD
            with pytest.raises(Conflict, match="is publishing its results"):
                await cancel(sessions, lease.job_id)

    async def test_an_unknown_job_is_not_found(self, sessions: Sessions) -> None:
        with pytest.raises(NotFound, match="there is no job"):
            await cancel(sessions, uuid4())


async def test_the_queue_is_measured(sessions: Sessions) -> None:
    async with sessions() as session:
        assert (await read_queue_state(session)).oldest_waiting_s == 0
    waiting = await submit_echo(sessions)
    await age_job(sessions, waiting, "created_at", seconds=30)
    await submit_echo(sessions)
    await claim(sessions, await submit_echo(sessions))
    async with sessions() as session:
        state = await read_queue_state(session)
    assert state.jobs[JobStatus.ACCEPTED] == 2
    assert state.jobs[JobStatus.RUNNING] == 1
    assert state.jobs[JobStatus.FAILED] == 0
    assert 30 <= state.oldest_waiting_s < 60

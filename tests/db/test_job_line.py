"""The line of waiting jobs: order between callers, priorities, quotas, tries after failures."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import pytest
from sqlalchemy import select, text

from shanhai.db.engine import Sessions
from shanhai.db.identity import Identity
from shanhai.db.queries.audit import Act
from shanhai.db.queries.jobs import read_queue_state
from shanhai.db.tables.job import Job
from shanhai.errors import Conflict
from shanhai.jobs import fair_queue, states
from shanhai.jobs.fair_queue import PRIORITIES, Quota, TooManyJobs
from shanhai.jobs.messages import Failure
from shanhai.jobs.states import Claim
from shanhai.jobs.submission import USUAL, Terms, resubmit
from shanhai.vocabulary import JobStatus, Label, Scope
from tests.support.job_rows import age_job, claim_job, read_job, submit_echo

PASSING = Failure("transient", Label("断了", "it broke"))
TWO = Quota(running=2)

pytestmark = pytest.mark.usefixtures("without_jobs")


async def claim(sessions: Sessions) -> Claim | None:
    async with sessions.begin() as session:
        return await claim_job(session, worker="w", lease_s=15)


async def claim_all(sessions: Sessions) -> list[str]:
    """The messages of all jobs in line, in the order in which they are taken."""
    taken = []
    while (found := await claim(sessions)) is not None:
        taken.append(found.task["inputs"]["message"])
    return taken


async def succeed(sessions: Sessions, claimed: Claim | None) -> None:
    assert claimed is not None
    async with sessions.begin() as session:
        await states.succeed(session, claimed.lease, result={"values": {}})


async def admit(sessions: Sessions, quota: Quota = TWO) -> int:
    async with sessions.begin() as session:
        return await fair_queue.admit(session, quota=quota)


async def submit_many(
    sessions: Sessions, caller: str, number: int, terms: Terms = USUAL
) -> list[UUID]:
    return [
        await submit_echo(sessions, f"{caller}{one}", requested_by=caller, terms=terms)
        for one in range(number)
    ]


class TestOrder:
    async def test_callers_are_served_in_turn(self, sessions: Sessions) -> None:
        await submit_many(sessions, "a", 4)
        await submit_many(sessions, "b", 2)
        await submit_many(sessions, "c", 1)
        # A newcomer waits for one job of each, whatever the others have waiting.
        assert await claim_all(sessions) == ["a0", "b0", "c0", "a1", "b1", "a2", "a3"]

    async def test_a_newcomer_starts_at_the_turn_being_served(self, sessions: Sessions) -> None:
        await submit_many(sessions, "a", 5)
        for _ in range(3):
            await claim(sessions)
        await submit_many(sessions, "b", 2)
        assert await claim_all(sessions) == ["a3", "b0", "a4", "b1"]

    async def test_who_waited_outside_is_not_passed_by_a_newcomer_for_long(
        self, sessions: Sessions
    ) -> None:
        await submit_many(sessions, "a", 4, Terms(quota=TWO))
        first = await claim(sessions)
        await claim(sessions)
        await submit_many(sessions, "b", 3)  # turns from that of the running ones on
        await succeed(sessions, first)
        assert await admit(sessions) == 1
        assert await claim_all(sessions) == ["b0", "a2", "b1", "b2"]

    async def test_higher_priorities_go_first(self, sessions: Sessions) -> None:
        for name in ("low", "normal", "high"):
            await submit_many(sessions, name, 2, Terms(priority=PRIORITIES[name]))
        assert await claim_all(sessions) == ["high0", "high1", "normal0", "normal1", "low0", "low1"]

    async def test_a_job_handed_back_keeps_its_place(self, sessions: Sessions) -> None:
        await submit_many(sessions, "a", 2)
        first = await claim(sessions)
        assert first is not None
        async with sessions.begin() as session:
            await states.hand_back(session, first.lease)
        assert await claim_all(sessions) == ["a0", "a1"]

    async def test_the_head_of_a_long_line_is_one_look_at_an_index(
        self, sessions: Sessions
    ) -> None:
        async with sessions.begin() as session:
            await session.execute(
                text(
                    "INSERT INTO job (kind, requested_by, turn)"
                    " SELECT 'echo', 'caller' || n % 7, n / 7 FROM generate_series(1, 20000) AS n"
                )
            )
            await session.execute(text("ANALYZE job"))
        following = select(Job.id).where(fair_queue.IN_LINE).order_by(*fair_queue.ORDER).limit(1)
        compiled = following.with_for_update(skip_locked=True).compile(
            compile_kwargs={"literal_binds": True}
        )
        async with sessions() as session:
            # Not ANALYZE: locks are only taken in earnest.
            plan = "\n".join(await session.scalars(text(f"EXPLAIN {compiled}")))
        assert "Index Scan using ix_job_line" in plan
        assert "Sort" not in plan


class TestQuota:
    async def test_no_more_may_wait(self, sessions: Sessions) -> None:
        terms = Terms(quota=Quota(waiting=2))
        await submit_many(sessions, "a", 2, terms)
        with pytest.raises(TooManyJobs, match="2 jobs of yours are waiting") as caught:
            await submit_many(sessions, "a", 1, terms)
        assert caught.value.headers["Retry-After"] == "10"
        await submit_many(sessions, "b", 2, terms)
        await claim(sessions)  # what runs does not wait
        await submit_many(sessions, "a", 1, terms)

    async def test_requests_at_once_are_counted_one_by_one(self, sessions: Sessions) -> None:
        terms = Terms(quota=Quota(waiting=3, running=1))
        tries = (submit_echo(sessions, terms=terms) for _ in range(6))
        answers = await asyncio.gather(*tries, return_exceptions=True)
        assert sum(isinstance(answer, TooManyJobs) for answer in answers) == 3
        assert len(await claim_all(sessions)) == 1

    async def test_no_more_run_and_the_others_follow(self, sessions: Sessions) -> None:
        await submit_many(sessions, "a", 4, Terms(quota=TWO))
        await submit_many(sessions, "b", 1, Terms(quota=TWO))
        first = await claim(sessions)
        assert await claim_all(sessions) == ["b0", "a1"]
        assert await admit(sessions) == 0
        await succeed(sessions, first)
        assert await admit(sessions) == 1
        assert await claim_all(sessions) == ["a2"]

    async def test_who_lifts_the_quota_lets_everybody_in(self, sessions: Sessions) -> None:
        await submit_many(sessions, "a", 5, Terms(quota=TWO))
        assert await admit(sessions, Quota()) == 3
        assert len(await claim_all(sessions)) == 5

    async def test_reapers_at_once_admit_no_more_than_may(self, sessions: Sessions) -> None:
        for caller in "abc":
            await submit_many(sessions, caller, 3, Terms(quota=TWO))
        for claimed in [await claim(sessions) for _ in range(6)]:
            await succeed(sessions, claimed)
        assert sum(await asyncio.gather(*(admit(sessions) for _ in range(4)))) == 3
        assert sorted(await claim_all(sessions)) == ["a2", "b2", "c2"]


class TestRetry:
    async def postpone(self, sessions: Sessions, *, pause_s: float) -> UUID:
        job_id = await submit_echo(sessions)
        claimed = await claim(sessions)
        assert claimed is not None
        async with sessions.begin() as session:
            await states.postpone(session, claimed.lease, PASSING, pause_s=pause_s)
        return job_id

    async def test_a_job_waits_for_its_next_try(self, sessions: Sessions) -> None:
        job_id = await self.postpone(sessions, pause_s=60)
        assert await admit(sessions) == 0
        assert await claim(sessions) is None
        job = await read_job(sessions, job_id)
        assert (job.status, job.retries, job.crash_count) == (JobStatus.ACCEPTED, 1, 0)
        assert job.error is not None
        await age_job(sessions, job_id, "not_before", seconds=1)
        assert await admit(sessions) == 1
        again = await claim(sessions)
        assert again is not None
        assert (again.lease.attempt, again.retries) == (2, 1)
        assert (await read_job(sessions, job_id)).error is None

    async def test_it_waits_for_no_worker(self, sessions: Sessions) -> None:
        job_id = await self.postpone(sessions, pause_s=60)
        await age_job(sessions, job_id, "created_at", seconds=3600)
        async with sessions() as session:
            state = await read_queue_state(session)
        assert state.jobs[JobStatus.ACCEPTED] == 1
        assert state.oldest_waiting_s == 0

    async def test_a_cancelled_one_waits_no_more(self, sessions: Sessions) -> None:
        job_id = await self.postpone(sessions, pause_s=60)
        async with sessions.begin() as session:
            assert await states.cancel(session, job_id, act=Act("t")) is JobStatus.DISMISSED
        assert (await read_job(sessions, job_id)).error is None

    async def test_a_cancel_while_it_failed_ends_it(self, sessions: Sessions) -> None:
        job_id = await submit_echo(sessions)
        claimed = await claim(sessions)
        assert claimed is not None
        async with sessions.begin() as session:
            await states.cancel(session, job_id, act=Act("t"))
        async with sessions.begin() as session:
            await states.postpone(session, claimed.lease, PASSING, pause_s=1)
        assert (await read_job(sessions, job_id)).status == JobStatus.DISMISSED

    async def test_an_ended_job_is_tried_again_as_a_new_one_once(self, sessions: Sessions) -> None:
        job_id = await submit_echo(sessions, "again")
        claimed = await claim(sessions)
        assert claimed is not None
        owner = Identity("tester", frozenset({Scope.JOBS}))

        async def retry() -> Job:
            async with sessions.begin() as session:
                former = await session.get_one(Job, job_id)
                return await resubmit(session, former, identity=owner, terms=USUAL, act=Act("t"))

        with pytest.raises(Conflict, match="is running"):
            await retry()
        async with sessions.begin() as session:
            await states.fail(session, claimed.lease, PASSING)
        answers = await asyncio.gather(retry(), retry(), return_exceptions=True)
        (made,) = [answer for answer in answers if isinstance(answer, Job)]
        (refused,) = [answer for answer in answers if isinstance(answer, Conflict)]
        assert f"was tried again as {made.id}" in str(refused)
        given = {name: value for name, value in made.task["inputs"].items() if value is not None}
        assert (made.retry_of, given) == (job_id, {"message": "again", "pause": 0.0})
        assert await claim_all(sessions) == ["again"]
        former = await read_job(sessions, job_id)
        assert former.status == JobStatus.FAILED


class TestUnique:
    UNIQUE = Terms(unique_s=0)

    async def submit_at_once(self, sessions: Sessions, number: int) -> Sequence[UUID]:
        tries = (submit_echo(sessions, "same", terms=self.UNIQUE) for _ in range(number))
        return await asyncio.gather(*tries)

    async def test_requests_at_once_are_given_one_job(self, sessions: Sessions) -> None:
        assert len(set(await self.submit_at_once(sessions, 5))) == 1
        assert await claim_all(sessions) == ["same"]

    async def test_other_inputs_and_other_callers_have_jobs_of_their_own(
        self, sessions: Sessions
    ) -> None:
        (first,) = await self.submit_at_once(sessions, 1)
        assert await submit_echo(sessions, "other", terms=self.UNIQUE) != first
        another = await submit_echo(sessions, "same", requested_by="b", terms=self.UNIQUE)
        assert another != first
        assert await submit_echo(sessions, "same") != first  # nobody asked for a unique one

    async def test_a_success_stands_for_as_long_as_is_said(self, sessions: Sessions) -> None:
        (first,) = await self.submit_at_once(sessions, 1)
        await succeed(sessions, await claim(sessions))
        assert await submit_echo(sessions, "same", terms=Terms(unique_s=60)) == first
        (second,) = await self.submit_at_once(sessions, 1)
        assert second != first

    async def test_a_success_of_another_source_stands_for_nothing(
        self, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (first,) = await self.submit_at_once(sessions, 1)
        await succeed(sessions, await claim(sessions))
        monkeypatch.setattr("shanhai.jobs.submission.source_digest", lambda: "another")
        assert await submit_echo(sessions, "same", terms=Terms(unique_s=60)) != first

    async def test_a_failure_stands_for_nothing(self, sessions: Sessions) -> None:
        (first,) = await self.submit_at_once(sessions, 1)
        claimed = await claim(sessions)
        assert claimed is not None
        async with sessions.begin() as session:
            await states.fail(session, claimed.lease, PASSING)
        assert await submit_echo(sessions, "same", terms=Terms(unique_s=60)) != first

"""Jobs that are accepted in groups: while one transaction commits, the next requests gather.

One request alone waits for nothing. Each is refused or answered by itself, and answered only once
its row is durable; the jobs of a caller are counted one after another, as if each came alone. It is
for jobs whose task needs nothing of the database: what is looked up may be locked, and would make
others wait.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import text

from shanhai.db.engine import DriverTransaction, Sessions, driver_transaction, is_of_data
from shanhai.db.queries.audit import (
    Act,
    Fingerprint,
    StoredResponse,
    append_entries,
    entry_of,
    recall_several,
    remember_several,
    still_running,
)
from shanhai.db.tables.job import Job
from shanhai.errors import ShanhaiError
from shanhai.jobs.fair_queue import LOCKS, CallerLine, find_lines, number_of_caller
from shanhai.jobs.submission import Terms, told_of
from shanhai.shutdown import end
from shanhai.vocabulary import JobStatus

MOST_AT_ONCE = 100
Answer = Job | StoredResponse
"""A job that was made, or the answer that was given before to the same request."""


@dataclass(frozen=True, slots=True, eq=False)
class Submission:
    """A job that is asked for.

    Attributes:
        job: As `prepare_job` made it, with an id that nothing else has.
        terms: Without `unique_s`.
        fingerprint: What tells the request from others, if it has a key.
        answer: What the request is answered once the job is there, to be kept for the key.
    """

    job: Job
    terms: Terms
    act: Act
    fingerprint: Fingerprint | None
    answer: Callable[[Job], StoredResponse]


class GroupSubmission:
    """Accepts the jobs that one process is asked for."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._waiting: dict[Submission, asyncio.Future[Answer]] = {}
        self._keys: set[int] = set()
        self._committing: asyncio.Task[None] | None = None

    async def submit(self, submission: Submission) -> Answer:
        """Accept a job, durably, with whatever else waits.

        Raises:
            InFlight: Another request with its key is still running.
            KeyReused: Its key came with another body before.
            TooManyJobs: As many jobs of the caller are waiting as may.
        """
        key = None if submission.fingerprint is None else submission.fingerprint.lock_number()
        if key in self._keys:
            # The lock in the database is the connection's, which both would share.
            raise still_running()
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[submission] = answer
        if key is not None:
            self._keys.add(key)
            answer.add_done_callback(lambda _: self._keys.discard(key))
        if self._committing is None:
            # Not a part of this request, which may be broken off while it accepts those of others.
            self._committing = asyncio.create_task(self._commit_all())
        return await answer

    async def close(self) -> None:
        """Give up what has not been accepted; whoever waits for it is told by a cancellation."""
        if self._committing is not None:
            await end(self._committing)

    async def _commit_all(self) -> None:
        group: dict[Submission, asyncio.Future[Answer]] = {}
        try:
            while self._waiting:
                group = dict(list(self._waiting.items())[:MOST_AT_ONCE])
                for submission in group:
                    del self._waiting[submission]
                await self._commit(group)
        finally:
            self._committing = None
            for answer in (*group.values(), *self._waiting.values()):
                answer.cancel()

    async def _commit(self, group: dict[Submission, asyncio.Future[Answer]]) -> None:
        try:
            async with driver_transaction(self._sessions) as transaction:
                answers = await accept(transaction, [*group])
        except Exception as error:
            if len(group) > 1 and is_of_data(error):
                # One of them cannot be stored; the others shall not suffer for it.
                for submission, answer in group.items():
                    await self._commit({submission: answer})
                return
            answers = [error] * len(group)
        for told, answer in zip(answers, group.values(), strict=True):
            if answer.done():
                continue
            if isinstance(told, Exception):
                answer.set_exception(told)
            else:
                answer.set_result(told)


async def accept(
    transaction: DriverTransaction, group: Sequence[Submission]
) -> list[Answer | Exception]:
    """Write the jobs of a group, and tell of each what came of it."""
    answers: dict[Submission, Answer | Exception] = {}
    await _lock(transaction, group, answers)
    await _recall(transaction, group, answers)
    made = await _place(transaction, [one for one in group if one not in answers], answers)
    if made:
        await _insert(transaction, [one.job for one in made])
        kept = {one.fingerprint: one.answer(one.job) for one in made if one.fingerprint is not None}
        if kept:
            await remember_several(transaction, kept)
        await append_entries(transaction, [_entry(one) for one in made])
    return [answers.get(one, one.job) for one in group]


# One plan serves every group: to plan where the line ends takes longer than to look.
_LOCK = text(f"""
SELECT ARRAY(SELECT pg_try_advisory_xact_lock(number)
               FROM unnest(CAST(:keys AS bigint[])) WITH ORDINALITY AS asked (number, place)
              ORDER BY place) AS had,
       set_config('plan_cache_mode', 'force_generic_plan', true),
       (SELECT count(pg_advisory_xact_lock({LOCKS}, number))
          FROM unnest(CAST(:callers AS integer[])) AS caller (number)) AS counted
""")  # noqa: S608  (a constant)


async def _lock(
    transaction: DriverTransaction,
    group: Sequence[Submission],
    answers: dict[Submission, Answer | Exception],
) -> None:
    """Hold the keys, as far as nobody else does, and all callers, in one order for all groups."""
    keyed = [(one, one.fingerprint) for one in group if one.fingerprint is not None]
    given = {
        "keys": [fingerprint.lock_number() for _, fingerprint in keyed],
        "callers": sorted({number_of_caller(one.job.requested_by) for one in group}),
    }
    [row] = (await transaction.execute(_LOCK, given)).all()
    for (one, _), had in zip(keyed, row.had, strict=True):
        if not had:
            answers[one] = still_running()


async def _recall(
    transaction: DriverTransaction,
    group: Sequence[Submission],
    answers: dict[Submission, Answer | Exception],
) -> None:
    keyed = {
        one.fingerprint: one for one in group if one.fingerprint is not None and one not in answers
    }
    if keyed:
        found = await recall_several(transaction, [*keyed])
        answers.update({keyed[fingerprint]: told for fingerprint, told in found.items()})


async def _place(
    transaction: DriverTransaction,
    asked: Sequence[Submission],
    answers: dict[Submission, Answer | Exception],
) -> list[Submission]:
    """Give the jobs their places in the line, as one after another would have them."""
    if not asked:
        return []
    quota = asked[0].terms.quota
    callers = list({(one.job.requested_by, one.terms.priority): None for one in asked})
    lines = dict(zip(callers, await find_lines(transaction, callers, quota), strict=True))
    made = []
    for one in asked:
        job, priority = one.job, one.terms.priority
        line = lines[job.requested_by, priority]
        try:
            place = line.add(quota)
        except ShanhaiError as error:
            answers[one] = error
            continue
        _count_elsewhere(lines, job.requested_by, line)
        job.priority, job.turn, job.held = priority, place.turn, place.held
        made.append(one)
    return made


def _count_elsewhere(
    lines: dict[tuple[str, int], CallerLine], owner: str, line: CallerLine
) -> None:
    """Count a job in what its caller has of other priorities: the quota is of all."""
    for (other, _), same in lines.items():
        if other == owner:
            same.waiting, same.running = line.waiting, line.running


_INSERT = text("""
INSERT INTO job (id, kind, inputs, task, seed, software, requested_by, request_id, traceparent,
                 subscriber, result_form, priority, turn, held, digest)
SELECT id, kind, inputs, task, seed, software, requested_by, request_id, traceparent,
       subscriber, result_form, priority, turn, held, digest
  FROM jsonb_to_recordset(CAST(:jobs AS jsonb)) AS given (
       id uuid, kind text, inputs jsonb, task jsonb, seed bigint, software text, requested_by text,
       request_id text, traceparent text, subscriber jsonb, result_form jsonb, priority smallint,
       turn bigint, held text, digest text)
RETURNING id, created_at, updated_at
""")
_GIVEN = (
    *("id", "kind", "inputs", "task", "seed", "software", "requested_by", "request_id"),
    *("traceparent", "subscriber", "result_form", "priority", "turn", "held", "digest"),
)


async def _insert(transaction: DriverTransaction, jobs: Sequence[Job]) -> None:
    """Write the rows; the jobs are as they are in the database."""
    given = orjson.dumps([{name: getattr(job, name) for name in _GIVEN} for job in jobs]).decode()
    rows = {row.id: row for row in (await transaction.execute(_INSERT, {"jobs": given})).all()}
    for job in jobs:
        row = rows[job.id]
        job.created_at, job.updated_at = row.created_at, row.updated_at
        job.status, job.attempt, job.progress = JobStatus.ACCEPTED, 0, 0
        job.cancel_requested = False


def _entry(submission: Submission) -> str:
    job = submission.job
    told: dict[str, Any] = told_of(job)
    return entry_of(submission.act, "submit", table="job", object_id=str(job.id), after=told)

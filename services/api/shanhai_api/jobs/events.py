"""The progress of a job as server-sent events."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import orjson

from shanhai.db.queries.jobs import find_job
from shanhai.db.tables.job import Job
from shanhai.vocabulary import JobStatus
from shanhai_api.event_stream import HEARTBEAT, HEARTBEAT_S, LONGEST_S
from shanhai_api.identity import Caller
from shanhai_api.job_results import told_status
from shanhai_api.state import ServiceState
from shanhai_api.view import View, digest_of

POLL_S = 0.25


async def follow(
    state: ServiceState, view: View, job_id: UUID, caller: Caller, *, seen: str | None
) -> AsyncIterator[bytes]:
    """A `status` event for each change until the job ends, the service stops, or it took too long.

    The first tells the state there is, unless it is the one whose event was `seen` last.
    """
    loop = asyncio.get_running_loop()
    told, silent_s, ends_at = seen, 0.0, loop.time() + LONGEST_S
    while told is None or not (state.draining.is_set() or loop.time() >= ends_at):
        async with state.sessions() as session:
            job = await find_job(session, job_id, reader=caller)
        if job is None:
            return
        news = news_of(job, view)
        if (tag := digest_of(news)) != told:
            told, silent_s = tag, 0.0
            yield b"event: status\nid: %s\ndata: %s\n\n" % (tag.encode(), news)
        elif silent_s >= HEARTBEAT_S:
            silent_s = 0.0
            yield HEARTBEAT
        if JobStatus(job.status).final:
            return
        await asyncio.sleep(POLL_S)
        silent_s += POLL_S


def knows_the_end(job: Job, view: View, seen: str | None) -> bool:
    """Whether a caller has been told the last there is to be told of a job."""
    return JobStatus(job.status).final and seen == digest_of(news_of(job, view))


def news_of(job: Job, view: View) -> bytes:
    """What an event tells of a job: its statusInfo."""
    return orjson.dumps(told_status(job, view))

"""The progress of a job as server-sent events."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import orjson

from shanhai.db.queries.job_reading import find_job
from shanhai.jobs.results import status_info
from shanhai.vocabulary import JobStatus
from shanhai_api.identity import Caller
from shanhai_api.state import State
from shanhai_api.view import View

POLL_S = 0.25
HEARTBEAT_S = 15.0
HEARTBEAT = b": waiting\n\n"


async def follow(state: State, view: View, job_id: UUID, caller: Caller) -> AsyncIterator[bytes]:
    """A `status` event for each change, at least one, until the job ends or the service stops."""
    told, silent_s = b"", 0.0
    while not told or not state.draining.is_set():
        async with state.sessions() as session:
            job = await find_job(session, job_id, reader=caller)
        if job is None:
            return
        news = orjson.dumps(status_info(job, base_url=view.base, lang=view.lang))
        if news != told:
            told, silent_s = news, 0.0
            yield b"event: status\ndata: " + news + b"\n\n"
        elif silent_s >= HEARTBEAT_S:
            silent_s = 0.0
            yield HEARTBEAT
        if JobStatus(job.status).final:
            return
        await asyncio.sleep(POLL_S)
        silent_s += POLL_S

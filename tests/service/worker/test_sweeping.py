"""Files that nobody needs any more are removed by a worker."""

import os
import time

from shanhai.db.engine import Sessions
from shanhai.storage.artifacts import GRACE_S, LocalArtifacts
from shanhai_worker.context import WorkerContext
from shanhai_worker.periodic import sweep_files
from tests.support.job_rows import add_upload


async def test_what_is_left_of_uploads_without_a_row_goes_after_a_while(
    context: WorkerContext, sessions: Sessions
) -> None:
    store = context.artifacts
    assert isinstance(store, LocalArtifacts)
    async with sessions.begin() as session:
        known, left, new = [await add_upload(session, "tester") for _ in range(3)]
        for upload in (left, new):
            await session.delete(upload)
    for upload, age_s in ((known, GRACE_S + 60), (left, GRACE_S + 60), (new, GRACE_S - 60)):
        with store.receive(upload.id, 0) as sink:
            sink.write(b"bytes")
        os.utime(store.upload_path(upload.id), (0, time.time() - age_s))
    await sweep_files(context)
    assert [store.received(upload.id) for upload in (known, left, new)] == [5, 0, 5]

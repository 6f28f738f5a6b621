"""What is told of a standby that does not answer."""

import asyncio
from contextlib import suppress
from typing import Any

import asyncpg
from structlog.testing import capture_logs

from shanhai.db.standby import Standby


async def test_a_fault_that_lasts_is_told_once() -> None:
    faults: list[Exception] = [OSError(), OSError(), TimeoutError(), TimeoutError()]
    faults += [asyncpg.InvalidPasswordError()] * 2
    looked = asyncio.Event()

    async def written(*_: Any) -> list[Any]:
        if not faults:
            looked.set()
            raise asyncpg.InvalidPasswordError
        raise faults.pop(0)

    with capture_logs() as logs:
        following = asyncio.create_task(Standby(written, written, lag_s=0.02).follow())
        await asyncio.wait_for(looked.wait(), 30)
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
    told = [entry["error"] for entry in logs if entry["event"] == "standby not looked at"]
    assert told == ["OSError", "TimeoutError", "InvalidPasswordError"]

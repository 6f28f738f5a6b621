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


async def test_both_ways_are_told_when_it_falls_behind_and_catches_up() -> None:
    written = replayed = 0
    stuck = asyncio.Event()

    async def primary(*_: Any) -> list[Any]:
        nonlocal written
        written += 1
        return [(written, "log 1")]

    async def standby(*_: Any) -> list[Any]:
        nonlocal replayed
        replayed = replayed if stuck.is_set() else written
        return [(replayed, "log 1")]

    followed = Standby(primary, standby, lag_s=0.2)

    def told() -> list[bool]:
        return [entry["usable"] for entry in logs if entry["event"] == "standby changed"]

    with capture_logs() as logs:
        following = asyncio.create_task(followed.follow())
        for number, turn in enumerate((stuck.clear, stuck.set, stuck.clear), start=1):
            turn()
            for _ in range(3000):
                if len(told()) == number:
                    break
                await asyncio.sleep(0.01)
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
    assert told() == [True, False, True]


async def test_places_of_another_log_say_nothing() -> None:
    logs = {"primary": "shanhai_api shanhai 7001 timeline 2", "standby": ""}

    async def primary(*_: Any) -> list[Any]:
        return [(10, logs["primary"])]

    async def standby(*_: Any) -> list[Any]:
        return [(2_000, logs["standby"])]

    followed = Standby(primary, standby, lag_s=60)
    for log in (
        "shanhai_api shanhai 7001 timeline 1",
        "shanhai_api shanhai 7002 timeline 2",
        "shanhai_api postgres 7001 timeline 2",
        "postgres shanhai 7001 timeline 2",
    ):
        logs["standby"] = log
        await followed.look()
        assert not followed.usable, log
    logs["standby"] = logs["primary"]
    await followed.look()
    assert followed.usable

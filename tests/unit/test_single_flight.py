import asyncio

import pytest

from shanhai.errors import InvalidInput
from shanhai.overload import SingleFlight


class Work:
    """Work that waits until it is told to go on."""

    def __init__(self, error: Exception | None = None) -> None:
        self.begun = 0
        self.error = error
        self.go_on = asyncio.Event()

    async def __call__(self) -> str:
        self.begun += 1
        await self.go_on.wait()
        if self.error is not None:
            raise self.error
        return "done"


async def test_work_is_begun_once_for_all_who_wait() -> None:
    flights, work = SingleFlight[str](), Work()
    waiting = [asyncio.create_task(flights.share("key", work)) for _ in range(100)]
    await asyncio.sleep(0)
    work.go_on.set()
    assert await asyncio.gather(*waiting) == ["done"] * 100
    assert work.begun == 1


async def test_who_leaves_takes_nothing_from_the_others() -> None:
    flights, work = SingleFlight[str](), Work()
    leader = asyncio.create_task(flights.share("key", work))
    await asyncio.sleep(0)
    other = asyncio.create_task(flights.share("key", work))
    await asyncio.sleep(0)
    leader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leader
    work.go_on.set()
    assert await other == "done"
    assert work.begun == 1


async def test_error_is_that_of_all_and_then_forgotten() -> None:
    flights, work = SingleFlight[str](), Work(InvalidInput("no", message_zh="否"))
    waiting = [asyncio.create_task(flights.share("key", work)) for _ in range(3)]
    await asyncio.sleep(0)
    work.go_on.set()
    found = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(one) for one in found] == [InvalidInput] * 3
    work.error = None
    assert await flights.share("key", work) == "done"
    assert work.begun == 2


async def test_error_nobody_waits_for_is_not_complained_of() -> None:
    flights, work = SingleFlight[str](), Work(ValueError())
    only = asyncio.create_task(flights.share("key", work))
    await asyncio.sleep(0)
    only.cancel()
    with pytest.raises(asyncio.CancelledError):
        await only
    work.go_on.set()
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, found: complaints.append(found))
    await asyncio.sleep(0.01)
    assert complaints == []


async def test_closing_ends_what_is_under_way() -> None:
    flights, work = SingleFlight[str](), Work()
    only = asyncio.create_task(flights.share("key", work))
    await asyncio.sleep(0)
    await flights.close()
    with pytest.raises(asyncio.CancelledError):
        await only

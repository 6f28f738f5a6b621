"""Tasks that go on for ever end when they are told to, and tell what they broke by."""

import asyncio

import pytest

from shanhai import shutdown
from shanhai.shutdown import end


async def send_for_ever() -> None:
    """As redis-py sends: within `asyncio.wait_for`, whose cancellation may be lost."""
    while True:
        await asyncio.wait_for(asyncio.sleep(0), 30)


@pytest.fixture(autouse=True)
def _soon_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutdown, "AGAIN_S", 0.001)


@pytest.mark.parametrize("turns", range(8))
async def test_a_lost_cancellation_is_repeated(turns: int) -> None:
    task = asyncio.create_task(send_for_ever())
    for _ in range(turns):
        await asyncio.sleep(0)
    async with asyncio.timeout(30):
        await end(task)
    assert task.cancelled()


async def test_all_tasks_have_ended() -> None:
    tasks = [asyncio.create_task(asyncio.sleep(3600)) for _ in range(3)]
    async with asyncio.timeout(30):
        await end(*tasks)
    assert all(task.cancelled() for task in tasks)


async def test_an_error_is_told() -> None:
    async def fail() -> None:
        raise ValueError("broken")

    task = asyncio.create_task(fail())
    await asyncio.sleep(0)
    other = asyncio.create_task(asyncio.sleep(3600))
    with pytest.raises(ValueError, match="broken"):
        await end(task, other)
    assert other.cancelled()


async def test_nothing_to_end() -> None:
    await end()

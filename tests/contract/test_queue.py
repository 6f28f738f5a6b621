"""Every dispatcher does the same, and none lets a broken queue break its caller."""

import json
import socket
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from shanhai.jobs.queue import QUEUE, ArqDispatcher, NullDispatcher, connect, deserialize, serialize
from shanhai.testing.dispatchers import DispatcherConformance, InMemoryDispatcher


class TestInMemoryDispatcher(DispatcherConformance):
    @pytest.fixture
    def dispatcher(self) -> InMemoryDispatcher:
        self.memory = InMemoryDispatcher()
        return self.memory

    async def waiting(self) -> int:
        return len(self.memory.waiting)

    async def test_an_outage_is_told_and_not_raised(self) -> None:
        dispatcher = InMemoryDispatcher()
        dispatcher.reachable = False
        assert not await dispatcher.dispatch(uuid4(), 0)


@pytest.mark.redis
class TestArqDispatcher(DispatcherConformance):
    @pytest.fixture
    async def dispatcher(self, redis_url: str) -> AsyncIterator[ArqDispatcher]:
        self.redis = connect(redis_url)
        dispatcher = ArqDispatcher(redis_url)
        yield dispatcher
        await dispatcher.close()
        await self.redis.aclose(close_connection_pool=True)

    async def waiting(self) -> int:
        return int(await self.redis.zcard(QUEUE))

    async def test_only_the_id_is_carried_and_as_json(self, dispatcher: ArqDispatcher) -> None:
        job_id = uuid4()
        await dispatcher.dispatch(job_id, 3)
        stored = await self.redis.get(f"arq:job:{job_id}.3")
        assert json.loads(stored)["a"] == [str(job_id)]
        assert await self.redis.ttl(f"arq:job:{job_id}.3") <= 3600


@pytest.mark.redis
async def test_an_unreachable_redis_is_told_and_not_raised() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        dispatcher = ArqDispatcher(f"redis://127.0.0.1:{taken.getsockname()[1]}/0")
        assert not await dispatcher.dispatch(uuid4(), 0)
        await dispatcher.close()


async def test_the_null_dispatcher_sends_nothing() -> None:
    dispatcher = NullDispatcher()
    assert not await dispatcher.dispatch(uuid4(), 0)
    await dispatcher.close()


def test_messages_survive_the_way_and_unknown_objects_become_text() -> None:
    assert deserialize(serialize({"a": ["x"], "et": 1})) == {"a": ["x"], "et": 1}
    assert deserialize(serialize({"r": ValueError("no")})) == {"r": "ValueError('no')"}

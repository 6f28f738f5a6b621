"""Every queue does the same, and none lets an outage break its caller."""

import json
import socket
from collections.abc import AsyncIterator, Iterator
from functools import partial
from uuid import uuid4

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from shanhai.db.engine import Sessions
from shanhai.jobs.queue import (
    QUEUE,
    ArqDispatcher,
    PostgresDispatcher,
    connect,
    demand_address,
    deserialize,
    serialize,
)
from shanhai.local.servers import PrivateRedis
from shanhai.settings import DatabaseSettings, QueueSettings, RedisSettings
from shanhai_worker.app import listener_named_in
from shanhai_worker.runner import Consumer
from tests.support.job_rows import open_sessions
from tests.support.wake_ups import MakeListener, QueueConformance


@pytest.fixture
def refusing() -> Iterator[int]:
    """A port that refuses connections."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening
        yield taken.getsockname()[1]


@pytest.mark.redis
class TestArq(QueueConformance):
    @pytest.fixture
    async def dispatcher(
        self, redis_url: str, private_redis: PrivateRedis
    ) -> AsyncIterator[ArqDispatcher]:
        self.redis = connect(private_redis.administrator_url())
        dispatcher = ArqDispatcher(redis_url)
        yield dispatcher
        await dispatcher.close()
        await self.redis.aclose(close_connection_pool=True)

    @pytest.fixture
    def listen(self, redis_url: str) -> MakeListener:
        return partial(Consumer, redis_url)

    @pytest.fixture
    def unreachable(self, refusing: int) -> ArqDispatcher:
        return ArqDispatcher(f"redis://127.0.0.1:{refusing}/0")

    async def cut(self) -> None:
        assert await self.redis.client_kill_filter(_type="normal", skipme=True)

    async def test_only_the_id_is_carried_and_as_json(self, dispatcher: ArqDispatcher) -> None:
        job_id = uuid4()
        await dispatcher.dispatch(job_id, 3)
        stored = await self.redis.get(f"arq:job:{job_id}.3")
        assert json.loads(stored)["a"] == [str(job_id)]
        assert await self.redis.ttl(f"arq:job:{job_id}.3") <= 3600

    async def test_one_wake_up_waits_per_attempt(self, dispatcher: ArqDispatcher) -> None:
        before = await self.redis.zcard(QUEUE)
        job_id = uuid4()
        for attempt in (0, 0, 1, 0):
            assert await dispatcher.dispatch(job_id, attempt)
        assert await self.redis.zcard(QUEUE) == before + 2


@pytest.mark.db
class TestPostgres(QueueConformance):
    @pytest.fixture
    def dispatcher(self, sessions: Sessions) -> PostgresDispatcher:
        self.opened = sessions
        return PostgresDispatcher(sessions)

    @pytest.fixture
    def listen(self, database_url: str) -> MakeListener:
        database = DatabaseSettings(url=SecretStr(database_url))
        return listener_named_in(QueueSettings(queue="postgres"), RedisSettings(), database)

    @pytest.fixture
    async def unreachable(self, refusing: int) -> AsyncIterator[PostgresDispatcher]:
        async with open_sessions(f"postgresql://nobody@127.0.0.1:{refusing}/none") as sessions:
            yield PostgresDispatcher(sessions)

    async def cut(self) -> None:
        everyone = text(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        async with self.opened() as session:
            assert await session.scalar(everyone)


def test_a_queue_in_redis_needs_to_know_where_it_is() -> None:
    with pytest.raises(ValueError, match="SHANHAI_QUEUE=redis needs SHANHAI_REDIS_URL"):
        demand_address(RedisSettings())


def test_messages_survive_the_way_and_unknown_objects_become_text() -> None:
    assert deserialize(serialize({"a": ["x"], "et": 1})) == {"a": ["x"], "et": 1}
    assert deserialize(serialize({"r": ValueError("no")})) == {"r": "ValueError('no')"}

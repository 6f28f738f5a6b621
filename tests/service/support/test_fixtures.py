import asyncpg
import pytest

from shanhai.db.revision import expected_revision
from shanhai.local.servers import PrivateRedis


async def test_the_database_is_migrated_and_has_postgis(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        revision = await connection.fetchval("SELECT version_num FROM alembic_version")
        point = await connection.fetchval("SELECT ST_AsText(ST_Point(118, 24))")
    finally:
        await connection.close()
    assert revision == expected_revision()
    assert point == "POINT(118 24)"


@pytest.mark.parametrize("attempt", [1, 2])
async def test_a_fresh_database_is_fresh_every_time(fresh_database_url: str, attempt: int) -> None:
    connection = await asyncpg.connect(fresh_database_url)
    try:
        await connection.execute("CREATE TABLE only_here (n int)")
    finally:
        await connection.close()


def test_redis_answers(redis_url: str, private_redis: PrivateRedis) -> None:
    assert redis_url == private_redis.url()
    private_redis.flush()


def test_what_a_test_asks_for_marks_it(request: pytest.FixtureRequest, database_url: str) -> None:
    marks = {mark.name for mark in request.node.iter_markers()}
    assert {"db", "service"} <= marks

"""The first publication of a file of rows, beside a plain COPY and INSERT of the same rows.

Both sides write into the same table with its checks, areas and indexes; the publication also
resolves, judges and audits every row. Each has a fresh database of one server.
"""

import asyncio
import json
import resource
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import asyncpg
from pydantic import SecretStr

from benchmarks.formats import LIMIT_MB, ROWS, blocks
from shanhai.db.collections.regions import REGIONS
from shanhai.db.engine import create_engine, create_sessions
from shanhai.db.features.bulk_write import write_many
from shanhai.db.identity import Identity
from shanhai.db.migrate import upgrade
from shanhai.db.queries.audit import Act
from shanhai.local.places import Home
from shanhai.local.servers import PrivatePostgres, Surroundings
from shanhai.settings import DatabaseSettings
from shanhai.vocabulary import Scope, Visibility
from tests.support.run_directory import run_directory

STATEMENT_S = 300
"""What a statement of the worker has; the floor's single one may take longer."""
FLOOR_S = 3_600
PLAIN_TABLE = """
    CREATE TEMPORARY TABLE plain
    (wkb bytea, code text, name_zh text, name_en text, level text) ON COMMIT DROP
"""
PLAIN_INSERT = """
    INSERT INTO region (code, name_zh, name_en, level, geom)
    SELECT code, name_zh, name_en, level, ST_GeomFromWKB(wkb, 4490) FROM plain
"""


async def plain(url: str, rows: int) -> float:
    """Seconds of a COPY and one INSERT."""
    connection = await asyncpg.connect(url)
    started = time.perf_counter()
    try:
        async with connection.transaction():
            await connection.execute(PLAIN_TABLE)
            for block in blocks(rows):
                await connection.copy_records_to_table("plain", records=map(tuple, block))
            await connection.execute(PLAIN_INSERT, timeout=FLOOR_S)
    finally:
        await connection.close()
    return time.perf_counter() - started


async def publish(url: str, rows: int) -> float:
    """Seconds of the publication, as the worker does it."""
    settings = DatabaseSettings(url=SecretStr(url), statement_timeout_s=STATEMENT_S)
    engine = create_engine(settings, application="benchmark")
    given = [item for item in REGIONS.receivables if item.name in {"name_zh", "name_en", "level"}]
    who = Identity("benchmark", frozenset({Scope.WRITE}))
    started = time.perf_counter()
    try:
        async with create_sessions(engine).begin() as session:
            tally = await write_many(
                session, REGIONS, who, Act("benchmark"), given, _staged(rows),
                shaped=True, partly=False, visibility=Visibility.PUBLIC,
            )  # fmt: skip
    finally:
        await engine.dispose()
    if tally.created != rows:
        raise RuntimeError(f"only {tally.created} of {rows} rows were created")
    return time.perf_counter() - started


async def _staged(rows: int) -> AsyncIterator[Sequence[Any]]:
    for block in _numbered(rows):
        yield block


def _numbered(rows: int) -> Iterator[Sequence[Any]]:
    number = 0
    for block in blocks(rows):
        yield [
            (number + place, code, wkb, None, None, *map(json.dumps, values))
            for place, (wkb, code, *values) in enumerate(block, start=1)
        ]
        number += len(block)


def main() -> None:
    """Compare, and fail when this process needed more memory than a worker has."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    with run_directory() as folder:
        server = PrivatePostgres(Surroundings.of_home(Home(folder), bound=True))
        server.start()
        try:
            taken = {}
            for name, side in (("plain", plain), ("publish", publish)):
                server.execute(f"CREATE DATABASE {name}")
                upgrade(server.url(name))
                taken[name] = asyncio.run(side(server.url(name), rows))
                print(f"{name:8} {taken[name]:7.1f} s {rows / taken[name]:8.0f} rows/s", flush=True)
        finally:
            server.stop()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"ratio {taken['plain'] / taken['publish']:.2f}, peak {peak} MB of {LIMIT_MB} MB allowed")
    sys.exit(peak > LIMIT_MB)


if __name__ == "__main__":
    main()

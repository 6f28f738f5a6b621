"""Pages of features over HTTP, beside the bare SQL for the same rows."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from asyncpg import Pool, create_pool

from benchmarks.http_load import Load
from benchmarks.patchwork import SIDE, SOUTH, STEP_DEGREES, WEST, lay_patchwork
from benchmarks.report import Row, Setup, Table
from benchmarks.shaping import wait_for_shapes
from benchmarks.timing import Waits, alternate, facts_of
from benchmarks.workbench import Workbench

LIMIT = 100
BOX_DEGREES = 0.15
REQUESTS = 100
ROUNDS = 15
TARGET = 0.6

BARE_SQL = {
    "regions": """
      SELECT r.id, r.code, ST_AsGeoJSON(r.geom, 7), r.name_zh, r.name_en, r.level, parent.code,
             r.attrs->>'adcode', r.metric_srid, r.area_m2, r.attrs->>'source',
             r.attrs->>'licence', r.valid_from, r.valid_to
        FROM region r LEFT JOIN region parent ON parent.id = r.parent_id
       WHERE r.deleted_at IS NULL AND r.geom && ST_MakeEnvelope($1, $2, $3, $4, 4490)
         AND ST_Intersects(r.geom, ST_MakeEnvelope($1, $2, $3, $4, 4490))
       ORDER BY r.id LIMIT $5""",
    "zones": """
      SELECT z.id, z.code, ST_AsGeoJSON(z.geom, 7), s.code, s.version, s.status, r.code, s.kind,
             c.class_code, c.order_no, c.name_zh, c.name_en, c.group_code, c.color,
             c.requirement_zh, c.requirement_en,
             z.name_zh, z.name_en, z.area_m2, z.attrs::text, s.job_id, s.valid_from, s.valid_to
        FROM zone z JOIN zone_scheme s ON s.id = z.scheme_id JOIN zone_class c ON c.id = z.class_id
        JOIN region r ON r.id = s.region_id
       WHERE s.deleted_at IS NULL AND s.status = 'published'
         AND z.geom && ST_MakeEnvelope($1, $2, $3, $4, 4490)
         AND ST_Intersects(z.geom, ST_MakeEnvelope($1, $2, $3, $4, 4490))
       ORDER BY z.id LIMIT $5""",
}

Boxes = Sequence[tuple[float, float, float, float]]
SETUP = Setup(
    settings="pages of 100 features in boxes of 0.15 degrees",
    warm="plans of statements, connections; each box is asked for once",
    connections=(1, 1),
    processes=(1, 0),
)


def run(bench: Workbench) -> Table:
    """Both collections, one connection and sixteen."""
    table = Table(
        "items", f"{LIMIT} features in a box, of {SIDE * SIDE} polygons", "bare SQL", setup=SETUP
    )
    with asyncio.Runner() as loop:
        loop.run(lay_patchwork(bench.stack.database_url))
        loop.run(wait_for_shapes(bench.stack.database_url))
        for collection in BARE_SQL:
            for connections in (1, 16):
                table.rows.append(_compare(loop, bench, collection, connections))
    return table


def _compare(loop: asyncio.Runner, bench: Workbench, collection: str, connections: int) -> Row:
    url = bench.stack.database_url
    pool = loop.run(open_pool(url, connections))

    served, queried = Waits(), Waits()

    def ours(number: int) -> float:
        boxes = _boxes(number)
        paths = [
            f"/collections/{collection}/items?limit={LIMIT}&bbox={','.join(map(str, box))}"
            for box in boxes
        ]
        load = Load(bench.stack.api_url, paths, connections)
        return served.note(number, loop.run(load.run()), load.taken)

    def floor(number: int) -> float:
        given = [(*box, LIMIT) for box in _boxes(number)]
        return queried.note(number, *loop.run(query_all(pool, BARE_SQL[collection], given)))

    samples = alternate(ours, floor, rounds=ROUNDS)
    loop.run(pool.close())
    return Row(
        f"{collection}, {connections} connection{'s' if connections > 1 else ''}",
        *samples,
        target=TARGET,
        facts={"requests/s": 1 / samples[0].median, **facts_of(served, queried)},
        setup=replace(SETUP, connections=(connections, connections)),
    )


async def open_pool(url: str, connections: int) -> Pool:
    """A pool of so many connections, all of them open."""
    return await create_pool(url, min_size=connections, max_size=connections)


def _boxes(number: int) -> Boxes:
    """The boxes of one round, the same for both sides."""
    rng = np.random.default_rng(number)
    room = SIDE * STEP_DEGREES - BOX_DEGREES
    corners = np.round(np.array([WEST, SOUTH]) + rng.uniform(0, room, (REQUESTS, 2)), 4)
    return [
        (float(x), float(y), round(x + BOX_DEGREES, 4), round(y + BOX_DEGREES, 4))
        for x, y in corners
    ]


async def query_all(
    pool: Pool, sql: str, given: Sequence[Sequence[object]]
) -> tuple[float, list[float]]:
    """Seconds per query, with as many at a time as the pool has connections; those of each."""
    waiting, taken = iter(given), list[float]()

    async def drain() -> None:
        async with pool.acquire() as connection:
            for values in waiting:
                began = time.perf_counter()
                await connection.fetch(sql, *values)
                taken.append(time.perf_counter() - began)

    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(pool.get_size()):
            group.create_task(drain())
    return (time.perf_counter() - started) / len(given), taken

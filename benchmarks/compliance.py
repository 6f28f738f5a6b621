"""Checks of places against fifty thousand control areas, beside the bare intersection."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import orjson
import shapely
from asyncpg import Pool, connect, create_pool

from benchmarks.observations import Client
from benchmarks.report import Row, Setup, Table
from benchmarks.timing import Sample
from benchmarks.workbench import Workbench
from shanhai.db.queries.keys import OPERATOR
from shanhai.db.seeds.load import put_default_rules
from shanhai.errors import Unavailable
from tests.support.job_rows import add_region, open_sessions
from tests.support.known_lines import register_lines

AREAS = 50_000
COLUMNS = 250
WEST, SOUTH, STEP = 117.0, 24.0, 0.01
REQUESTS = 60
ROUNDS = 5
LIMIT_S = 0.05
"""What a check may take at the 95th percentile."""

# Neighbours overlap, so that areas covered twice are met; of each kind twenty are far larger.
_LAY = """
  INSERT INTO control_area (visibility, code,
         name_zh, name_en, kind, level, region_id, status, geom)
  SELECT 'public',
         'area-' || n, '管控区 ' || n, 'Area ' || n, kinds[1 + n % 6], 'city', $1, 'published',
         ST_Buffer(ST_SetSRID(ST_MakePoint($2 + $4::float * (n % 250), $3 + $4::float * (n / 250)),
                              4490),
                   CASE WHEN n % 417 = 0 THEN 0.15 ELSE 0.004 + 0.003 * (n % 7) / 7 END,
                   CASE WHEN n % 417 = 0 THEN 1000 ELSE 16 END)
    FROM generate_series(0, $5::integer - 1) n,
         (SELECT ARRAY['red_line', 'permanent_basic_farmland', 'urban_boundary', 'protected_area',
                       'island', 'wetland'] AS kinds) list
"""
_BARE = """
  SELECT kind, sum(ST_Area(ST_Intersection(geom, given)::geography)) AS area
    FROM control_area, ST_GeomFromWKB($1, 4490) AS given
   WHERE status = 'published' AND geom && given AND ST_Intersects(geom, given)
   GROUP BY kind
"""


@dataclass(frozen=True, slots=True)
class Shapes:
    """What is checked: round shapes of some size and number of vertices."""

    what: str
    radius: float
    vertices: int

    def draw(self, number: int) -> Sequence[shapely.Polygon]:
        """The shapes of a round."""
        rng = np.random.default_rng((number, self.vertices))
        x = WEST + rng.uniform(0.1, 2.3, REQUESTS)
        y = SOUTH + rng.uniform(0.1, 1.8, REQUESTS)
        angle = np.linspace(0, 2 * np.pi, self.vertices - 1, endpoint=False)
        wave = self.radius * (1 + 0.2 * np.sin(9 * angle))
        ring = np.stack([wave * np.cos(angle), wave * np.sin(angle)], axis=-1)
        return [shapely.Polygon(np.round(ring + place, 7)) for place in zip(x, y, strict=True)]


SHAPES = (
    Shapes("a site, 65 vertices", 0.004, 65),
    Shapes("a project, 1 000 vertices", 0.02, 1_000),
    Shapes("the largest at once, 10 000 vertices", 0.03, 10_000),
)
SETUP = Setup(
    settings="answers over HTTP with two activities, the rules delivered",
    warm="plans of statements, the connection; no shape is asked about twice",
    connections=(1, 1),
    processes=(1, 0),
)


def run(bench: Workbench) -> Table:
    """Each kind of shape, over one connection and sixteen; whole answers against the bare SQL."""
    title = f"check-compliance on {AREAS} control areas; p95 of at most {LIMIT_S * 1e3:g} ms"
    table = Table("compliance", title, "bare intersection", setup=SETUP)
    key = bench.key
    with asyncio.Runner() as loop:
        loop.run(_lay(bench.stack.database_url))
        for shapes in SHAPES:
            for connections in (1, 16):
                table.rows += loop.run(_compare(bench, key, shapes, connections))
    return table


async def _lay(database_url: str) -> None:
    async with open_sessions(database_url) as sessions, sessions.begin() as session:
        region = await add_region(session, "checked", box=(WEST - 1, SOUTH - 1, 120.5, 27.0))
        await put_default_rules(session, OPERATOR)
        await register_lines(session, region)
    connection = await connect(database_url)
    try:
        await connection.execute(_LAY, region.id, WEST, SOUTH, STEP, AREAS, timeout=300)
        await connection.execute("VACUUM ANALYZE control_area", timeout=300)
    finally:
        await connection.close()


async def _compare(bench: Workbench, key: str, shapes: Shapes, connections: int) -> list[Row]:
    """The mean beside that of the bare statement; over one connection also what is asked of p95."""
    ours: list[list[float]] = []
    bare: list[list[float]] = []
    client, url = Client(bench.stack.api_url, key), bench.stack.database_url
    async with create_pool(url, min_size=connections, max_size=connections) as pool:
        opened = [await client.open() for _ in range(connections)]
        for number in range(ROUNDS + 1):
            drawn = shapes.draw(number)
            asking = [partial(_check, client, *connection) for connection in opened]
            ours.append(await _ask_all(asking, drawn))
            bare.append(await _ask_all([partial(_intersect, pool)] * connections, drawn))
        for _, writer in opened:
            writer.close()
    times = "connection" if connections == 1 else "connections"
    what = f"{shapes.what}, {connections} {times}"
    percentiles = zip((50, 95, 99), np.percentile(ours[1:], (50, 95, 99)), strict=True)
    facts = {f"p{percent} ms": float(seconds) * 1e3 for percent, seconds in percentiles}
    setup = replace(SETUP, connections=(connections, connections))
    compared = Row(what, _rounds(ours, np.mean), _rounds(bare, np.mean), facts=facts, setup=setup)
    if connections > 1:
        return [compared]
    p95 = _rounds(ours, partial(np.percentile, q=95))
    asked = f"p95 of {shapes.what}, beside {LIMIT_S * 1e3:g} ms"
    return [compared, Row(asked, p95, Sample((LIMIT_S,)), target=1.0)]


async def _ask_all(
    asking: Sequence[Callable[[shapely.Polygon], Awaitable[float]]],
    drawn: Sequence[shapely.Polygon],
) -> list[float]:
    """Seconds of each question, one at a time for each who asks."""
    waiting, taken = iter(drawn), list[float]()

    async def drain(ask: Callable[[shapely.Polygon], Awaitable[float]]) -> None:
        for shape in waiting:
            taken.append(await ask(shape))

    async with asyncio.TaskGroup() as group:
        for one in asking:
            group.create_task(drain(one))
    return taken


def _rounds(times: list[list[float]], figure: Callable[[list[float]], Any]) -> Sample:
    """A figure of each round; the first one filled caches."""
    return Sample(tuple(float(figure(one)) for one in times[1:]))


async def _check(
    client: Client,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    shape: shapely.Polygon,
) -> float:
    inputs: dict[str, Any] = {
        "geometry": shapely.geometry.mapping(shape),
        "activities": ["mining", "wetland_restoration"],
    }
    # Written before: the client's own work is none of an answer's time.
    body = orjson.dumps({"inputs": inputs})
    started = time.perf_counter()
    head, answer = await client.post(
        "/processes/check-compliance/execution", "application/json", body, reader, writer
    )
    seconds = time.perf_counter() - started
    if int(head[9:12]) != 200:
        raise Unavailable(f"{answer[:300]!r}, not 200")
    return seconds


async def _intersect(pool: Pool, shape: shapely.Polygon) -> float:
    started = time.perf_counter()
    await pool.fetch(_BARE, shape.wkb)
    return time.perf_counter() - started

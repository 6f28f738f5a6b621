"""The kinds of work whose growth is looked at: sizes, and what one of a size costs."""

import asyncio
import math
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import numpy as np
import orjson
from asyncpg import Connection, connect

from benchmarks import network_costs, site_selection, zoning
from benchmarks.cost import Cost, CostMeter
from benchmarks.http_load import Load
from benchmarks.observations import Client, prepare
from benchmarks.tile_addresses import tiles_within
from benchmarks.workbench import Workbench
from shanhai.client import ApiClient
from shanhai.data.synthetic_watershed import build_watershed
from shanhai.db.alerts.rules import create_rule
from shanhai.db.identity import Identity
from shanhai.db.queries.audit import Act
from shanhai.raster.environment import restrict_gdal
from shanhai.science.corridors.links import link_sources
from shanhai.science.selection.problem import MinimumSet
from shanhai.science.selection.solver import SolveOptions, select_sites
from shanhai.vocabulary import Scope
from shanhai_tiles.grids import WEB_MERCATOR
from tests.support.job_rows import open_sessions

Measure = Callable[[int], Cost]
"""The cost of one work of a size."""

LEAST_S = 0.5
"""Shorter works are repeated until they take so long: processor time is counted in ticks."""
PATIENCE_S = 900.0
LOOK_S = 0.05


Opener = Callable[[Workbench], AbstractContextManager[Measure]]


def _repeated(work: Callable[[], object]) -> Cost:
    """The cost of one work in this process, of several where one is short."""
    meter, started = CostMeter(os.getpid()), time.process_time()
    with meter.measure() as once:
        work()
    taken = time.process_time() - started
    if taken >= LEAST_S:
        return once[0]
    times = math.ceil(LEAST_S / max(taken, 1e-4))
    with meter.measure() as found:
        for _ in range(times):
            work()
    return Cost(found[0].processor_s / times, found[0].peak_mib)


def delineated(side: int) -> Cost:
    """A main job of side² cells, after a small one."""
    with tempfile.TemporaryDirectory() as name:
        places = (Path(name) / str(number) for number in count())

        def work(cells: int) -> Callable[[], object]:
            watershed = build_watershed(next(places), cells=cells)
            return lambda: zoning.delineate(watershed, next(places))

        work(64)()
        return _repeated(work(side))


def linked(side: int) -> Cost:
    """A network of twenty sources on side² cells, after a small one."""
    link_sources(*network_costs.twenty_patches(200), network_costs.CELLS)
    given = network_costs.twenty_patches(side)
    return _repeated(lambda: link_sources(*given, network_costs.CELLS))


def selected(sites: int) -> Cost:
    """A least-cost set of so many sites, after a small one."""

    def work(number: int) -> Callable[[], object]:
        rows = round((number / 2) ** 0.5)
        problem, targets = site_selection.landscape(rows, number // rows)
        return lambda: select_sites(problem, MinimumSet(targets), SolveOptions(site_selection.GAP))

    work(50)()
    return _repeated(work(sites))


def computing(work: Callable[[int], Cost], of: Callable[[int], int]) -> Opener:
    """In one process of its own, which begins with the smallest."""

    @contextmanager
    def opened(bench: Workbench) -> Iterator[Measure]:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, mp_context=context, initializer=restrict_gdal) as pool:
            yield lambda size: pool.submit(work, of(size)).result()

    return opened


@dataclass(frozen=True, slots=True)
class _Served:
    """What a kind of work that services do needs."""

    loop: asyncio.Runner
    bench: Workbench
    connection: Connection
    meter: CostMeter


@contextmanager
def _serving(bench: Workbench) -> Iterator[_Served]:
    with asyncio.Runner() as loop:
        connection = loop.run(connect(bench.stack.database_url))
        meter = CostMeter(os.getpid())
        meter.learn_idle()
        yield _Served(loop, bench, connection, meter)
        loop.run(connection.close())


async def _until(connection: Connection, query: str, *values: object) -> None:
    """Wait until a query is true: another process does the work."""
    async with asyncio.timeout(PATIENCE_S):
        while not await connection.fetchval(query, *values):  # noqa: ASYNC110
            await asyncio.sleep(LOOK_S)


STEP_DEGREES = 0.01
WEST, SOUTH = 100.0, 10.0
ALWAYS = 10
"""Polygons along a side of the square that is full at the smallest size."""
PAGES, TILE_PASSES, TILE_ZOOM = 200, 10, 13
# Shell by shell around a corner, so that any number of polygons fills a square.
_LAY = f"""
  INSERT INTO region (code, name_zh, name_en, level, metric_srid, geom, attrs)
  SELECT 'grown.' || k, '格 ' || k, 'Cell ' || k, 'town', 4548,
         ST_Multi(ST_Buffer(ST_SetSRID(ST_MakePoint(
           {WEST} + {STEP_DEGREES} * (0.5 + CASE WHEN along <= s THEN s ELSE along - s - 1 END),
           {SOUTH} + {STEP_DEGREES} * (0.5 + CASE WHEN along <= s THEN along ELSE s END)),
           4490), 0.4 * {STEP_DEGREES}, 4)), '{{"source": "made in code"}}'
    FROM (SELECT k, s, k - s * s AS along
            FROM generate_series($1::int, $2::int - 1) k,
                 LATERAL (SELECT floor(sqrt(k))::int) AS shell (s)) AS spiral
"""  # noqa: S608 - constants of this file
_LAID = "SELECT count(*) FROM region WHERE code LIKE 'grown.%'"
_SHAPED = "SELECT NOT EXISTS (SELECT FROM tile_pending)"
_TOUCH = "UPDATE region SET row_version = row_version + 1 WHERE code = 'grown.0'"


async def _lay(connection: Connection, size: int) -> None:
    """So many polygons, with their simpler shapes made."""
    laid = await connection.fetchval(_LAID)
    if laid < size:
        await connection.execute(_LAY, laid, size, timeout=PATIENCE_S)
        await _until(connection, _SHAPED)
        await connection.execute("VACUUM ANALYZE region, region_shape, tile_pending", timeout=300)


@contextmanager
def paging(bench: Workbench) -> Iterator[Measure]:
    """Pages of a box that holds the same thirty features whatever else the table holds."""
    with _serving(bench) as served:

        def measure(size: int) -> Cost:
            served.loop.run(_lay(served.connection, size))
            corners = np.random.default_rng(size).uniform(0, 0.04, (PAGES, 2))
            paths = [
                f"/collections/regions/items?limit=100&bbox={WEST + x:.4f},{SOUTH + y:.4f},"
                f"{WEST + x + 0.05:.4f},{SOUTH + y + 0.05:.4f}"
                for x, y in corners
            ]
            load = Load(bench.stack.api_url, paths)
            served.loop.run(load.run())
            with served.meter.measure() as found:
                served.loop.run(load.run())
            return Cost(found[0].processor_s / PAGES, found[0].peak_mib)

        yield measure


@contextmanager
def tiling(bench: Workbench) -> Iterator[Measure]:
    """Vector tiles of the place that is full at every size, drawn anew each time."""
    with _serving(bench) as served:
        bounds = (WEST, SOUTH, WEST + ALWAYS * STEP_DEGREES, SOUTH + ALWAYS * STEP_DEGREES)
        tiles = tiles_within(WEB_MERCATOR, bounds, (TILE_ZOOM,), 9)
        paths = [f"/layers/regions/tiles/{WEB_MERCATOR.id}/{z}/{x}/{y}.mvt" for z, x, y in tiles]

        async def draw(times: int) -> None:
            for _ in range(times):
                await served.connection.execute(_TOUCH)
                await asyncio.sleep(LOOK_S)
                await Load(bench.stack.tiles_url, paths, expected=(200, 204)).run()

        def measure(size: int) -> Cost:
            served.loop.run(_lay(served.connection, size))
            served.loop.run(draw(1))
            with served.meter.measure() as found:
                served.loop.run(draw(TILE_PASSES))
            return Cost(found[0].processor_s / TILE_PASSES / len(paths), found[0].peak_mib)

        yield measure


STATIONS = 100
BODY_ROWS = 50_000
INGEST_START = datetime(2018, 1, 1, tzinfo=UTC)
_SUMMED_UP = (
    "SELECT NOT EXISTS (SELECT FROM rollup_due) AND NOT EXISTS (SELECT FROM observation_change)"
)


def _rows(first: int, size: int) -> Iterator[bytes]:
    for number in range(first, first + size):
        step, station = divmod(number, STATIONS)
        at = (INGEST_START + step * timedelta(minutes=5)).isoformat()
        yield (
            f'{{"station":"bench{station}","property":"pm25","time":"{at}","value":{number % 300}}}'
        ).encode()


async def _send(client: Client, lines: list[bytes]) -> None:
    for start in range(0, len(lines), BODY_ROWS):
        part = lines[start : start + BODY_ROWS]
        await client.drain(iter([b"\n".join(part)]), len(part))


@contextmanager
def ingesting(bench: Workbench) -> Iterator[Measure]:
    """Rows by NDJSON until they are stored and their days summed up."""
    with _serving(bench) as served:
        served.loop.run(prepare(bench.stack.database_url))
        client = Client(bench.stack.api_url, bench.key)
        used = 0

        def measure(size: int) -> Cost:
            nonlocal used
            times = max(1, 3_000 // size)
            lines = [list(_rows(used + n * size, size)) for n in range(times)]
            used += -(-times * size // STATIONS) * STATIONS
            with served.meter.measure() as found:
                for one in lines:
                    served.loop.run(_send(client, one))
                served.loop.run(_until(served.connection, _SUMMED_UP))
            return Cost(found[0].processor_s / times, found[0].peak_mib)

        measure(STATIONS)
        yield measure


RULE = {
    "code": "grown",
    "name_zh": "超标",
    "name_en": "High",
    "kind": "above",
    "property": "pm25",
    "limits": {"red": 75.0},
    "reset": 75.0,
    "min_duration_s": 0,
    "max_age_s": 86_400,
    "any_quality": False,
    "enabled": True,
    **dict.fromkeys(
        (
            *("stations", "region", "plan", "indicator", "control_kind", "balance_kind"),
            *("settlement_state", "quiet", "valid_from", "valid_to"),
        )
    ),
}
HIGH, LOW = 80, 10
WATCHED = 5_000
"""Stations, at the most."""
_ADD_STATIONS = """
  INSERT INTO station (visibility, code, name_zh, name_en, kind, valid_from, geom)
  SELECT 'public', 'watched' || n, '站 ' || n, 'Station ' || n, 'land', NULL,
         ST_SetSRID(ST_MakePoint(118, 24.5), 4490)
    FROM generate_series(0, $1 - 1) n
"""
_OPEN = "SELECT count(*) = $1 FROM alert WHERE status <> 'closed'"


async def _add_rule(url: str) -> None:
    async with open_sessions(url) as sessions, sessions.begin() as session:
        planner = Identity("key:bench", frozenset({Scope.WRITE}))
        await create_rule(session, RULE, identity=planner, act=Act("key:bench"))


@contextmanager
def warning(bench: Workbench) -> Iterator[Measure]:
    """A value above a limit of each station, then one below: alerts that open, and end."""
    with _serving(bench) as served:
        served.loop.run(served.connection.execute(_ADD_STATIONS, WATCHED))
        served.loop.run(_add_rule(bench.stack.database_url))
        client = Client(bench.stack.api_url, bench.key)

        async def turn(size: int, value: int, still_open: int) -> None:
            at = datetime.now(UTC).isoformat()
            lines = [
                orjson.dumps(
                    {"station": f"watched{n}", "property": "pm25", "time": at, "value": value}
                )
                for n in range(size)
            ]
            await _send(client, lines)
            await _until(served.connection, _OPEN, still_open)

        def measure(size: int) -> Cost:
            times = max(1, 100 // size)
            with served.meter.measure() as found:
                for _ in range(times):
                    served.loop.run(turn(size, HIGH, size))
                    served.loop.run(turn(size, LOW, 0))
            return Cost(found[0].processor_s / times, found[0].peak_mib)

        measure(10)
        yield measure


AT_ONCE = 500
"""Below what one caller may have waiting."""
_FINISHED = """SELECT NOT EXISTS (SELECT FROM job WHERE status NOT IN
                                    ('successful', 'failed', 'dismissed'))"""


@contextmanager
def queueing(bench: Workbench) -> Iterator[Measure]:
    """Trivial jobs, until the last is done."""
    with _serving(bench) as served, ApiClient(bench.stack.api_url, bench.key) as api:

        def work(size: int) -> None:
            for first in range(0, size, AT_ONCE):
                for number in range(first, min(first + AT_ONCE, size)):
                    api.submit("echo", {"message": f"{size}.{number}"})
                served.loop.run(_until(served.connection, _FINISHED))

        def measure(size: int) -> Cost:
            times = max(1, 30 // size)
            with served.meter.measure() as found:
                for _ in range(times):
                    work(size)
            return Cost(found[0].processor_s / times, found[0].peak_mib)

        work(10)
        yield measure

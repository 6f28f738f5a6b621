"""The figures that matter most, at small sizes: within five minutes when idle."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import numpy as np
import orjson
import rasterio
from asyncpg import Connection, connect
from numpy.typing import NDArray
from rasterio.io import MemoryFile
from rasterio.windows import Window

from benchmarks import features, items, observations, vector_tiles, zoning
from benchmarks.fresh import run_fresh
from benchmarks.http_load import Load
from benchmarks.insert_peer import serving_inserts
from benchmarks.patchwork import SIDE, SOUTH, STEP_DEGREES, WEST, lay_patchwork
from benchmarks.raster_rows import add_rasters, code_of
from benchmarks.rasters import ALIGNED, CORNER, LEVEL, write_rasters
from benchmarks.report import Row, Setup, Table
from benchmarks.shaping import wait_for_shapes
from benchmarks.tile_addresses import tiles_within
from benchmarks.timing import Side, alternate, seconds_of
from benchmarks.workbench import Workbench
from shanhai.client import ApiClient
from shanhai.data.synthetic_watershed import build_watershed
from shanhai_tiles.grids import WEB_MERCATOR

ROUNDS = 3
CELLS = 400
"""Along each side of the watershed: as many as Xiamen has at 100 m."""
REQUESTS, SINGLE, BATCH_TIMES, JOBS, TILES = 40, 100, 50, 10, 16
BOX_DEGREES = 0.15
TILE_CELLS = 256
RECENT = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=20)
"""Since when stations tell one by one; what is months late is checked against closed months."""
SETUP = Setup(
    settings="small sizes; an answer is whole, a write durable",
    warm="a round that is not counted: code, connections, plans, files",
    connections=(1, 1),
    processes=(1, 0),
)
ALONE = replace(SETUP, connections=None, processes=(1, 1))


def run(bench: Workbench) -> Table:
    """Main job, start, pages and items, tiles, observations and jobs."""
    table = Table("quick", "one figure of each kind, at small sizes", "the least it can take")
    table.setup = SETUP
    table.rows = [_main_job(bench), _help()]
    with asyncio.Runner() as loop:
        served = _Served(loop, bench)
        loop.run(lay_patchwork(bench.stack.database_url))
        loop.run(wait_for_shapes(bench.stack.database_url))
        table.rows += [served.page(), served.item(), served.vector_tile(), served.raster_tile()]
        loop.run(observations.prepare(bench.stack.database_url))
        table.rows += [served.single_observation(), served.batches(), served.job()]
        served.close()
    return table


def _main_job(bench: Workbench) -> Row:
    watershed = run_fresh(build_watershed, bench.made("watershed"), cells=CELLS)
    place, numbers = bench.made("runs"), count()
    samples = alternate(
        lambda _: run_fresh(zoning.delineate, watershed, place / str(next(numbers))).whole.seconds,
        lambda _: run_fresh(zoning.read_inputs, watershed),
        rounds=ROUNDS,
    )
    return Row(f"main job, {CELLS**2:,} cells; reading its inputs", *samples, setup=ALONE)


def _help() -> Row:
    def ran(*command: str) -> Side:
        return lambda _: seconds_of(
            lambda: subprocess.run(command, check=True, capture_output=True)
        )

    program = str(Path(sys.executable).with_name("shanhai"))
    samples = alternate(ran(program, "--help"), ran(sys.executable, "-c", "pass"), rounds=ROUNDS)
    return Row("`shanhai --help`; Python that does nothing", *samples, setup=ALONE)


class _Served:
    """What the services of a stack answer."""

    def __init__(self, loop: asyncio.Runner, bench: Workbench) -> None:
        self.loop = loop
        self.bench = bench
        self.connection: Connection = loop.run(connect(bench.stack.database_url))

    def close(self) -> None:
        self.loop.run(self.connection.close())

    def page(self) -> Row:
        """Pages of a hundred in a box."""
        sql, limit = items.BARE_SQL["regions"], items.LIMIT

        def paths(number: int) -> list[str]:
            base = f"/collections/regions/items?limit={limit}&bbox="
            return [base + ",".join(map(str, box)) for box in _boxes(number)]

        samples = alternate(
            self._asked(self.bench.stack.api_url, paths),
            self._queried(sql, lambda number: [(*box, limit) for box in _boxes(number)]),
            rounds=ROUNDS,
        )
        return Row(f"a page of {limit} items; bare SQL", *samples)

    def item(self) -> Row:
        """Single features by their code."""

        def codes(number: int) -> list[str]:
            found = np.random.default_rng(number).integers(0, SIDE * SIDE, 5 * REQUESTS)
            return [f"patch.{one}" for one in found]

        samples = alternate(
            self._asked(
                self.bench.stack.api_url,
                lambda number: [f"/collections/regions/items/{code}" for code in codes(number)],
            ),
            self._queried(
                features.BARE_SQL["item"], lambda number: [(code,) for code in codes(number)]
            ),
            rounds=ROUNDS,
        )
        return Row("one item; bare SQL", *samples)

    def vector_tile(self) -> Row:
        """Tiles of zones of another state in each round."""
        bounds = (WEST, SOUTH, WEST + SIDE * STEP_DEGREES, SOUTH + SIDE * STEP_DEGREES)
        tiles = tiles_within(WEB_MERCATOR, bounds, (11,), TILES)
        paths = [f"/layers/zones/tiles/{WEB_MERCATOR.id}/{z}/{x}/{y}.mvt" for z, x, y in tiles]
        asked = self._asked(self.bench.stack.tiles_url, lambda number: paths)

        def ours(number: int) -> float:
            self.loop.run(vector_tiles.touch(self.connection))
            return asked(number)

        floor = self._queried(vector_tiles.BARE_SQL, lambda number: tiles)
        return Row("a vector tile of zoom 11; `ST_AsMVT`", *alternate(ours, floor, rounds=ROUNDS))

    def raster_tile(self) -> Row:
        """Tiles with another ramp in each round."""
        folder = self.bench.made("rasters")
        self.loop.run(add_rasters(self.bench.stack, folder, write_rasters(folder), range(1)))
        column, row = CORNER
        tiles = [(LEVEL, column + n % 4, row + n // 4) for n in range(TILES)]
        base = f"/layers/dataset.{code_of(ALIGNED, 0)}/tiles/{WEB_MERCATOR.id}"

        def paths(number: int) -> list[str]:
            ramp = f"rescale=-1,{1 + number * 1e-6:.6f}&colormap=viridis"
            return [f"{base}/{z}/{x}/{y}.png?{ramp}" for z, x, y in tiles]

        with rasterio.open(folder / f"{ALIGNED}.tif") as source:
            samples = alternate(
                self._asked(self.bench.stack.tiles_url, paths),
                lambda _: seconds_of(lambda: [_png(source, *at) for at in tiles], operations=TILES),
                rounds=ROUNDS,
            )
        return Row("a raster tile; rasterio's cells as a grey PNG", *samples)

    def single_observation(self) -> Row:
        """One by one by SensorThings, each durable."""
        stack, numbers = self.bench.stack, count()
        with serving_inserts(stack.database_url, self.bench.made("insert_peer")) as base_url:

            def sent(client: observations.Client, path: str) -> Side:
                return lambda _: self.loop.run(_create(client, path, next(numbers)))

            samples = alternate(
                sent(observations.Client(stack.api_url, self.bench.key), "/sta/v1.1/Observations"),
                sent(observations.Client(base_url, self.bench.key), "/Observations"),
                rounds=ROUNDS,
            )
        setup = replace(SETUP, processes=(1, 1))
        return Row("a single observation; Starlette and `INSERT`", *samples, setup=setup)

    def batches(self) -> Row:
        """Rows by NDJSON over as many connections as the copy has."""
        stack, client = (
            self.bench.stack,
            observations.Client(self.bench.stack.api_url, self.bench.key),
        )
        samples = alternate(
            lambda n: self.loop.run(observations.send_batches(client, n, BATCH_TIMES)),
            lambda n: self.loop.run(observations.copy_rows(stack.database_url, n, BATCH_TIMES)),
            rounds=ROUNDS,
        )
        connections = (observations.CONNECTIONS, observations.CONNECTIONS)
        return Row(
            "a row by NDJSON; `COPY`", *samples, setup=replace(SETUP, connections=connections)
        )

    def job(self) -> Row:
        """One `echo` after the other, from the request to the result."""
        with ApiClient(self.bench.stack.api_url, self.bench.key) as api:

            def ours(number: int) -> float:
                started = time.perf_counter()
                for one in range(JOBS):
                    job = api.submit("echo", {"message": f"{number}.{one}"}).id
                    self.loop.run(_until_done(self.connection, job))
                return (time.perf_counter() - started) / JOBS

            self.loop.run(self.connection.execute(_TABLE))
            floor = self._queried(_TWO_COMMITS[0], lambda _: [()] * JOBS, _TWO_COMMITS[1])
            samples = alternate(ours, floor, rounds=ROUNDS)
        return Row("a small job, request to result; `INSERT` and `UPDATE`", *samples)

    def _asked(self, base_url: str, paths: Callable[[int], list[str]]) -> Side:
        return lambda number: self.loop.run(Load(base_url, paths(number)).run())

    def _queried(
        self, sql: str, values: Callable[[int], Sequence[Sequence[object]]], *then: str
    ) -> Side:
        """Seconds of a statement, with those that follow it, for each of some values."""

        async def query(given: Sequence[Sequence[object]]) -> float:
            started = time.perf_counter()
            for one in given:
                await self.connection.fetch(sql, *one)
                for statement in then:
                    await self.connection.fetch(statement)
            return (time.perf_counter() - started) / len(given)

        return lambda number: self.loop.run(query(values(number)))


_TABLE = "CREATE TABLE bare_quick_job (id bigserial PRIMARY KEY, done boolean, result jsonb)"
_TWO_COMMITS = (
    "INSERT INTO bare_quick_job (done) VALUES (false)",
    """UPDATE bare_quick_job SET done = true, result = '{"message": "done"}'
        WHERE id = (SELECT max(id) FROM bare_quick_job)""",
)
_DONE = """SELECT status = 'successful' FROM job WHERE id = $1
              AND status IN ('successful', 'failed', 'dismissed')"""


async def _until_done(connection: Connection, job: str) -> None:
    while (done := await connection.fetchval(_DONE, job)) is None:  # noqa: ASYNC110
        await asyncio.sleep(0.002)
    if not done:
        raise RuntimeError(f"job {job} failed")


def _boxes(number: int) -> list[tuple[float, float, float, float]]:
    room = SIDE * STEP_DEGREES - BOX_DEGREES
    corners = np.random.default_rng(number).uniform(0, room, (REQUESTS, 2))
    return [
        (round(WEST + x, 4), round(SOUTH + y, 4), round(WEST + x + BOX_DEGREES, 4),
         round(SOUTH + y + BOX_DEGREES, 4))
        for x, y in corners
    ]  # fmt: skip


async def _create(client: observations.Client, path: str, number: int) -> float:
    reader, writer = await client.open()
    started = time.perf_counter()
    for step in range(number * SINGLE, (number + 1) * SINGLE):
        body = {
            "phenomenonTime": RECENT + timedelta(seconds=step),
            "result": step % 300,
            "Datastream": {"@iot.id": f"bench0:{observations.PROPERTY}"},
        }
        sent = orjson.dumps(body)
        head, answer = await client.post(path, "application/json", sent, reader, writer)
        if int(head[9:12]) != 201:
            raise RuntimeError(f"{answer[:300]!r}, not created")
    seconds = time.perf_counter() - started
    writer.close()
    return seconds / SINGLE


def _png(source: rasterio.DatasetReader, zoom: int, column: int, row: int) -> bytes:
    """The cells of a tile that lies on the raster's own, as one grey band."""
    left, top = (column - CORNER[0]) * TILE_CELLS, (row - CORNER[1]) * TILE_CELLS
    cells: NDArray[np.float32] = source.read(1, window=Window(left, top, TILE_CELLS, TILE_CELLS))
    grey = np.nan_to_num((cells + 1) * 127.5).astype(np.uint8)
    with MemoryFile() as file:
        with file.open(
            driver="PNG", width=TILE_CELLS, height=TILE_CELLS, count=1, dtype="uint8", ZLEVEL=1
        ) as target:
            target.write(grey, 1)
        return bytes(file.read())

"""A hundred connections for a minute: no error, and memory that stays, of tiles and of the API.

`BENCH_SECONDS` in the environment makes it shorter than 60 s.
"""

import asyncio
import time
from collections.abc import Iterator
from itertools import cycle
from os import environ
from pathlib import Path

import numpy as np

from benchmarks.http_load import Load
from benchmarks.patchwork import SIDE, SOUTH, STEP_DEGREES, WEST, lay_patchwork
from benchmarks.raster_rows import add_rasters, code_of
from benchmarks.rasters import frames, write_rasters
from benchmarks.report import Row, Setup, Table
from benchmarks.shaping import wait_for_shapes
from benchmarks.tile_addresses import tiles_within
from benchmarks.timing import Sample
from benchmarks.workbench import Workbench
from shanhai.errors import Unavailable
from shanhai.local.stack import Stack
from shanhai_tiles.grids import GRIDS, Bounds
from shanhai_tiles.raster.resampling import RasterFrame

SECONDS = float(environ.get("BENCH_SECONDS", "60"))
WARM_SHARE = 0.4
"""Part of the time after which caches are full and memory should stay."""
CONNECTIONS = 100
LAYERS = 20
ZOOMS = (8, 9, 10, 11, 12, 13, 14)
AT_MOST = 40
SETS = ("WebMercatorQuad", "CGCS2000Quad", "CGCS2000GK117")
ENDINGS = (".png", "@2x.png", ".webp", ".npy", ".tif", ".png?colormap=magma")
ALLOWED = 1.1
"""How much more than after the warm-up the process may hold at the end."""
SETUP = Setup(warm="what the first part of the minute filled", connections=(100, 100))


def run(bench: Workbench) -> Table:
    """One process each of tiles and of the API, asked for whatever they have."""
    folder, stack = bench.made("endurance"), bench.stack
    statistics = write_rasters(folder)
    title = f"{CONNECTIONS} connections for {SECONDS:g} s each, one process"
    table = Table("endurance", title, "allowed", setup=SETUP)
    with asyncio.Runner() as loop:
        loop.run(lay_patchwork(stack.database_url))
        loop.run(wait_for_shapes(stack.database_url))
        loop.run(add_rasters(stack, folder, statistics, range(LAYERS)))
        table.rows.append(_endure(loop, stack, "tiles", stack.tiles_url, _mixed()))
        table.rows.append(_endure(loop, stack, "api", stack.api_url, _documents()))
    return table


def _endure(loop: asyncio.Runner, stack: Stack, service: str, url: str, paths: list[str]) -> Row:
    process = stack.services[service].process()
    if process is None:
        raise Unavailable(f"the service {service} does not run")
    load = Trial(url, paths, process.pid)
    loop.run(load.run())
    row = Row(
        f"resident memory of {service} at the end",
        Sample((load.resident[-1],)),
        Sample((ALLOWED * load.warm,)),
        target=1.0,
        unit="MiB",
    )
    row.facts.update(
        {
            "after warm-up": load.warm,
            "requests/s": load.answered / SECONDS,
            "p95 ms": float(np.percentile(load.waits, 95)) * 1e3,
            "errors": float(load.errors),
        }
    )
    return row


class Trial:
    """A load for a given time, with the process's memory every second."""

    def __init__(self, base_url: str, paths: list[str], pid: int) -> None:
        self.load = Load(base_url, paths, CONNECTIONS)
        self.pid = pid
        self.paths = cycle(paths)
        self.answered = self.errors = 0
        self.waits: list[float] = []
        self.resident: list[float] = []

    @property
    def warm(self) -> float:
        """What the process held once its caches were full, MiB."""
        return self.resident[int(len(self.resident) * WARM_SHARE)]

    async def run(self) -> None:
        """Ask until the time is over."""
        ends = time.perf_counter() + SECONDS
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch(ends))
            for _ in range(CONNECTIONS):
                group.create_task(self._drain(ends))

    async def _watch(self, ends: float) -> None:
        while time.perf_counter() < ends:
            self.resident.append(_resident_mib(self.pid))
            await asyncio.sleep(min(1.0, SECONDS / 20))
        self.resident.append(_resident_mib(self.pid))

    async def _drain(self, ends: float) -> None:
        reader, writer = await self.load.open()
        while time.perf_counter() < ends:
            started = time.perf_counter()
            try:
                await self.load.ask(next(self.paths), reader, writer)
                self.answered += 1
            except Unavailable as error:
                self.errors += 1
                print(error)
            self.waits.append(time.perf_counter() - started)
        writer.close()


def _mixed() -> list[str]:
    """Tiles of all layers, grids and formats in one fixed disorder."""
    paths = [*_raster_paths(), *_vector_paths()]
    order = np.random.default_rng(11).permutation(len(paths))
    return [paths[number] for number in order]


def _documents() -> list[str]:
    """Features by page, by place and by filter, and what else is read without an identity."""
    items = "/collections/zones/items"
    pages = [f"{items}?limit={limit}&lang={lang}" for limit in (10, 50) for lang in ("zh", "en")]
    places = [
        f"{items}?limit=20&bbox={WEST + step},{SOUTH},{WEST + step + 1},{SOUTH + 1}"
        for step in (0.0, 0.25, 0.5)
    ]
    others = [f"{items}?limit=20&filter=code%20LIKE%20'%25{end}'" for end in range(5)]
    return [*pages, *places, *others, "/", "/api", "/collections", "/health/ready", "/processes"]


def _raster_paths() -> Iterator[str]:
    for name, frame in frames().items():
        bounds = RasterFrame(frame.crs, frame.transform, frame.width, frame.height).lonlat_bounds
        for number in range(LAYERS):
            tms = SETS[number % len(SETS)]
            ending = ENDINGS[number % len(ENDINGS)]
            for z, x, y in tiles_within(GRIDS[tms], bounds, ZOOMS, AT_MOST):
                yield f"/layers/dataset.{code_of(name, number)}/tiles/{tms}/{z}/{x}/{y}{ending}"


def _vector_paths() -> Iterator[str]:
    # Within the patches, so that no tile is empty: those are answered with another status.
    side, edge = SIDE * STEP_DEGREES, 3 * STEP_DEGREES
    inside: Bounds = (WEST + edge, SOUTH + edge, WEST + side - edge, SOUTH + side - edge)
    for tms in SETS[:2]:
        for z, x, y in tiles_within(GRIDS[tms], inside, ZOOMS, AT_MOST):
            yield f"/layers/zones/tiles/{tms}/{z}/{x}/{y}.mvt"


def _resident_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    fields = dict(line.split(":", 1) for line in status.splitlines())
    return int(fields["VmRSS"].split()[0]) / 1024

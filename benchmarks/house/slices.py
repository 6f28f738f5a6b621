"""How many files a request runs through, on the services themselves, each figure with its bar.

Files that the services also run through while nobody asks for anything are left out, unless the
request enters other functions of them.
"""

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

import httpx
from asyncpg import connect
from shapely.geometry import shape

from benchmarks.house.bars import Bar
from benchmarks.house.entered import Function, Notebook
from benchmarks.jobs import finished
from benchmarks.workbench import open_workbench
from shanhai.data.synthetic_watershed import CODE
from shanhai.local.demo.results import tile_at
from tests.support.watershed_platform import Platform, watershed_platform

ZOOM = 14
IDLE_S = 20.0
"""Longer than any of the services' own rounds that have to do with jobs."""

NETWORK = {"sources": {"candidates": "natural_cover", "dpc_min_percent": 0.1}}
SITES = {
    "candidates": ["barriers", "pinch_points", "priority_units"],
    "cost_per_ha": {"barrier": 300_000, "pinch_point": 100_000, "priority_unit": 20_000},
    "goal": {"weights": {"priority": 1}},
    "phases": [{"start_year": 2026, "end_year": 2030}],
    "budget": 100_000_000,
}


def slices() -> list[Bar]:
    """Trace every slice; takes some minutes."""
    traced = {name: files(functions) for name, functions in trace().items()}
    return [
        Bar("files behind a page of zones", traced["items"], 22, 25),
        Bar("files behind a raster tile", traced["tile"], 24, 26),
        Bar("files from delineate-zones to tiles", traced["delineate-zones"], 130, 178),
        Bar("files from select-sites to tiles", traced["select-sites"], 120, 124),
    ]


def files(functions: set[Function]) -> int:
    """How many files of Python some functions lie in."""
    return len({file for file, _ in functions if file.endswith(".py")})


def trace() -> dict[str, set[Function]]:
    """The functions entered in each slice, without those of services nobody asks."""
    with _traced_platform() as (platform, notebook):
        requests = _Requests(platform)
        main = requests.job_to_tiles("delineate-zones", "zones", seed=7)
        network = requests.job("build-network", parameters=NETWORK)
        sites = requests.job_to_tiles("select-sites", "priority", **SITES)
        found: dict[str, set[Function]] = {}
        for name, request in {
            "idle": lambda: time.sleep(IDLE_S),
            "delineate-zones": main,
            "network": network,
            "select-sites": sites,
            "tile": requests.tile("zones", 1),
            "items": requests.items,
        }.items():
            if name == "items":
                requests.items()
            with notebook.slice() as found[name]:
                request()
    idle = found.pop("idle")
    return {name: functions - idle for name, functions in found.items()}


@contextmanager
def _traced_platform() -> Iterator[tuple[Platform, Notebook]]:
    with open_workbench() as bench:
        notebook = Notebook(bench.folder / "notebook")
        # The services are started with the environment of this process.
        os.environ.update(notebook.settings)
        with watershed_platform(bench.stack, bench.made("watershed")) as platform:
            yield platform, notebook


class _Requests:
    """What is asked of the platform."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._layers: dict[str, str] = {}

    def items(self) -> None:
        """A page of zones."""
        self._platform.api.get("/collections/zones/items", region=CODE, limit=10)

    def tile(self, layer: str, east: int = 0) -> Callable[[], None]:
        """A tile of a layer's raster so far east of the middle of the watershed."""
        return lambda: self._get_tile(layer, east)

    def job(self, process: str, **inputs: object) -> Callable[[], None]:
        """A job, from the request to its results."""
        return lambda: self._run(process, inputs)

    def job_to_tiles(self, process: str, layer: str, **inputs: object) -> Callable[[], None]:
        """A job, from the request to a tile of what it published."""

        def request() -> None:
            self._run(process, inputs)
            self._get_tile(layer, 0)

        return request

    def _run(self, process: str, inputs: dict[str, object]) -> None:
        address = self._platform.ask(process, **inputs)
        asyncio.run(_finish(self._platform.stack.database_url, address))
        self._layers |= self._platform.api.get(f"{address}/results")["layers"]

    def _get_tile(self, layer: str, east: int) -> None:
        middle = shape(self._platform.watershed.region.geometry).representative_point()
        column, row = tile_at(middle.x, middle.y, ZOOM)
        path = f"/layers/{self._layers[layer]}/tiles/WebMercatorQuad/{ZOOM}"
        address = f"{self._platform.tiles}{path}/{column + east}/{row}.png"
        httpx.get(address, timeout=60).raise_for_status()


async def _finish(url: str, address: str) -> None:
    connection = await connect(url)
    try:
        await finished(connection, [UUID(address.rpartition("/")[2])])
    finally:
        await connection.close()

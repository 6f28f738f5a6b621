"""Datasets of the benchmarks' rasters: the same file under as many names as are wanted."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from benchmarks.rasters import frames
from shanhai.local.stack import Stack
from shanhai.raster.cog import BandStatistics
from shanhai.storage.artifacts import LocalArtifacts
from tests.support.job_rows import add_dataset, add_region, open_sessions


async def add_rasters(
    stack: Stack, folder: Path, statistics: dict[str, BandStatistics], numbers: Iterable[int]
) -> None:
    """Register every raster under each number."""
    store = LocalArtifacts(stack.home.artifacts)
    wanted = list(numbers)
    async with open_sessions(stack.database_url) as sessions, sessions.begin() as session:
        region = await add_region(session, "tiles")
        for name, one in statistics.items():
            uri = store.put(folder / f"{name}.tif", suffix=".tif").uri
            for number in wanted:
                code = code_of(name, number)
                checksum = hashlib.sha256(code.encode()).hexdigest()
                grid = _grid(name, one)
                await add_dataset(
                    session, region, "npp", code, uri=uri, checksum=checksum, grid=grid
                )


def code_of(name: str, number: int) -> str:
    """The code of a raster's dataset; its layer is `dataset.` and this."""
    return f"{name}-{number}"


def _grid(name: str, statistics: BandStatistics) -> dict[str, object]:
    frame = frames()[name]
    return {
        "epsg": int(frame.crs.removeprefix("EPSG:")),
        "transform": list(frame.transform),
        "width": frame.width,
        "height": frame.height,
        "bands": 1,
        "statistics": [statistics.document()],
    }

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


async def add_copies(
    stack: Stack, folder: Path, name: str, statistics: BandStatistics, count: int
) -> list[Path]:
    """Register copies of a raster, each a file of its own, under the numbers from 1 on.

    Returns:
        Where each lies; the folder has links to them by the names of their codes.
    """
    store, found = LocalArtifacts(stack.home.artifacts), []
    async with open_sessions(stack.database_url) as sessions, sessions.begin() as session:
        region = await add_region(session, "copies")
        for number in range(1, count + 1):
            code = code_of(name, number)
            made = folder / f"{code}.tif"
            # A TIFF is read by its directories: what follows makes it another file.
            made.write_bytes((folder / f"{name}.tif").read_bytes() + bytes(number))
            uri = store.put(made, suffix=".tif").uri
            made.unlink()
            made.symlink_to(store.local_path(uri))
            found.append(store.local_path(uri))
            checksum = hashlib.sha256(code.encode()).hexdigest()
            grid = _grid(name, statistics)
            await add_dataset(session, region, "npp", code, uri=uri, checksum=checksum, grid=grid)
    return found


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

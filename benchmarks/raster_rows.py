"""Datasets of the benchmarks' rasters: the same file under as many names as are wanted."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from benchmarks.rasters import frames
from shanhai.db.tables.dataset import Dataset
from shanhai.db.tables.zone import Region
from shanhai.local.stack import Stack
from shanhai.raster.cog import BandStatistics
from shanhai.storage.artifacts import LocalArtifacts
from tests.support.job_rows import add_dataset, add_region, open_sessions

FIRST_COPY = 1001
"""Beyond the numbers of those that are the same file."""


async def add_rasters(
    stack: Stack, folder: Path, statistics: dict[str, BandStatistics], numbers: Iterable[int]
) -> None:
    """Register every raster under each number, unless it was done before."""
    store = LocalArtifacts(stack.home.artifacts)
    wanted = list(numbers)
    async with open_sessions(stack.database_url) as sessions, sessions.begin() as session:
        region = await _region(session)
        known = set(await session.scalars(select(Dataset.code)))
        for name, one in statistics.items():
            uri = store.put(folder / f"{name}.tif", suffix=".tif").uri
            for number in wanted:
                if code_of(name, number) not in known:
                    await _add(session, region, name, number, uri, one)


async def add_copies(
    stack: Stack, folder: Path, name: str, statistics: BandStatistics, count: int
) -> list[Path]:
    """Register copies of a raster, each a file of its own, under the numbers from `FIRST_COPY` on.

    Returns:
        Where each lies; the folder has links to them by the names of their codes.
    """
    store, found = LocalArtifacts(stack.home.artifacts), []
    async with open_sessions(stack.database_url) as sessions, sessions.begin() as session:
        region = await _region(session)
        for number in range(FIRST_COPY, FIRST_COPY + count):
            made = folder / f"{code_of(name, number)}.tif"
            # A TIFF is read by its directories: what follows makes it another file.
            made.write_bytes((folder / f"{name}.tif").read_bytes() + bytes(number))
            uri = store.put(made, suffix=".tif").uri
            made.unlink()
            made.symlink_to(store.local_path(uri))
            found.append(store.local_path(uri))
            await _add(session, region, name, number, uri, statistics)
    return found


async def _region(session: AsyncSession) -> Region:
    found = await session.scalar(select(Region).where(Region.code == "tiles"))
    return found or await add_region(session, "tiles")


async def _add(
    session: AsyncSession,
    region: Region,
    name: str,
    number: int,
    uri: str,
    statistics: BandStatistics,
) -> None:
    code = code_of(name, number)
    checksum = hashlib.sha256(code.encode()).hexdigest()
    grid = _grid(name, statistics)
    await add_dataset(
        session, region, "npp", code, uri=uri, checksum=checksum, grid=grid, licence="CC0-1.0"
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

"""Tiles of a raster in an object store beside the same file in a folder; sending files there.

The store is a server on this machine. Each round of tiles begins without unpacked blocks in memory;
`warm` finds on the disk what was fetched before, `cold` nothing.
"""

import os
import shutil
from collections.abc import Callable
from itertools import count
from pathlib import Path
from shutil import which

import obstore

from benchmarks.rasters import ALIGNED, frames, write_rasters
from benchmarks.report import Row, Setup, Table
from benchmarks.tile_addresses import tiles_within
from benchmarks.timing import alternate, seconds_of
from benchmarks.workbench import Workbench
from shanhai.settings import ArtifactSettings
from shanhai.storage.object_store import PART_BYTES, PARTS_AT_ONCE, ObjectArtifacts
from shanhai_tiles.grids import WEB_MERCATOR
from shanhai_tiles.raster.dataset_pool import DatasetPool, Source, StoredRaster
from shanhai_tiles.raster.reader import RasterTile, read_tile
from shanhai_tiles.raster.resampling import RasterFrame
from tests.support.object_stores import Bucket, serving_bucket

ROUNDS = 5
ZOOMS = (9, 10, 11, 12, 13, 14)
AT_MOST = 16
SENT_BYTES = 128 * 1024**2
TARGETS = {"warm": 0.95, "cold": 0.5, "send": 0.7}
SETUP = Setup(
    settings=f"the store on this machine ({'versitygw' if which('versitygw') else 'nanio'})",
    warm="the first row what was fetched, the second nothing",
    connections=(1, 1),
)


def run(bench: Workbench) -> Table:
    """Tiles with what was fetched and without, then a large file."""
    folder = bench.made("rasters")
    write_rasters(folder)
    table = Table(
        "object-store", "tiles drawn, and a file sent", "folder, or obstore alone", setup=SETUP
    )
    place = bench.made("bucket")
    with serving_bucket(place / "server") as bucket:
        table.rows = [*_tiles(bucket, place, folder / f"{ALIGNED}.tif"), _send(bucket, place)]
    return table


def _store(bucket: Bucket, cache: Path) -> ObjectArtifacts:
    told = bucket.settings(cache, prefix="bench")
    begin = len("SHANHAI_ARTIFACTS_")
    given = {name[begin:].lower(): value for name, value in told.items()}
    return ObjectArtifacts.named_in(ArtifactSettings.model_validate(given))


def _tiles(bucket: Bucket, place: Path, path: Path) -> list[Row]:
    store = _store(bucket, place / "fetched")
    uri = store.put(path, suffix=".tif").uri
    frame = frames()[ALIGNED]
    lies = RasterFrame(frame.crs, frame.transform, frame.width, frame.height)
    addresses = tiles_within(WEB_MERCATOR, lies.lonlat_bounds, ZOOMS, AT_MOST)
    tiles = [RasterTile(WEB_MERCATOR, WEB_MERCATOR.bounds(*one), 256) for one in addresses]

    def drawing(source: Callable[[], Source]) -> Callable[[int], float]:
        def side(_: int) -> float:
            rasters, found = DatasetPool(), source()
            try:
                work = lambda: [read_tile(rasters, found, tile) for tile in tiles]  # noqa: E731
                return seconds_of(work, operations=len(tiles))
            finally:
                rasters.close()

        return side

    def cold() -> Source:
        shutil.rmtree(place / "cold", ignore_errors=True)
        return StoredRaster(_store(bucket, place / "cold"), uri)

    sources = {"warm": lambda: StoredRaster(store, uri), "cold": cold}
    return [
        Row(
            f"tiles, {name}",
            *alternate(drawing(one), drawing(lambda: path), rounds=ROUNDS),
            TARGETS[name],
        )
        for name, one in sources.items()
    ]


def _send(bucket: Bucket, place: Path) -> Row:
    store, numbers, file = _store(bucket, place / "sent"), count(), place / "sent.bin"

    def fresh() -> Path:
        file.write_bytes(os.urandom(SENT_BYTES))
        return file

    def ours(_: int) -> float:
        path = fresh()
        return seconds_of(lambda: store.put(path, suffix=".bin"))

    def raw(_: int) -> float:
        path, name = fresh(), f"raw/{next(numbers)}"
        return seconds_of(
            lambda: obstore.put(
                store.store, name, path, chunk_size=PART_BYTES, max_concurrency=PARTS_AT_ONCE
            )
        )

    return Row("a file of 128 MiB sent", *alternate(ours, raw, rounds=ROUNDS), TARGETS["send"])

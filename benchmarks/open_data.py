"""A window of a remote raster through parts that are kept, beside GDAL's own client.

The host is a server of files on this machine. `first` reads what nobody has read; `again` reads the
same in another run, from the parts on the disk, beside the file itself.
"""

import shutil
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import numpy as np
import rasterio
from rasterio.windows import Window as RasterWindow

from benchmarks.peer_process import serving_process
from benchmarks.report import Row, Setup, Table
from benchmarks.timing import alternate, seconds_of
from benchmarks.workbench import Workbench
from shanhai.data.upstream import RemoteFile, Upstream
from shanhai.raster.cog import BLOCK, Block, CogFrame, write_cog
from shanhai.raster.remote import Decoding, RemoteRaster, RemoteScene, Tally, frame_of, read_blocks
from shanhai.science.grid import Window
from tests.support.workers import free_port

SIDE, READ = 8_192, 4_096
STEP = 1 / 3_600
WEST, NORTH = 118.0, 26.0
ROUNDS = 5
TARGETS = {"first": 0.5, "again": 0.5}
SERVER = """
import sys
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
files = Starlette(routes=[Mount("/", StaticFiles(directory=sys.argv[1]))])
uvicorn.run(files, port=int(sys.argv[2]), log_level="error")
"""
SETUP = Setup(
    settings="a host on this machine; GDAL keeps nothing",
    warm="the first row nothing, the second what was read",
    connections=(1, 1),
)


def run(bench: Workbench) -> Table:
    """Both, of a quarter of an elevation model of 8192 cells a side."""
    folder, port = bench.made("remote"), free_port()
    path = folder / "dem.tif"
    _write(path)
    table = Table(
        "open-data",
        "a window of a remote raster",
        "GDAL over HTTP, or the file itself",
        setup=SETUP,
    )
    command = [sys.executable, "-c", SERVER, str(folder), str(port)]
    with serving_process(command, {}, folder / "server.log", port):
        table.rows = _rows(f"http://127.0.0.1:{port}/dem.tif", path, folder / "cache")
    return table


def _write(path: Path) -> None:
    if path.exists():
        return
    frame = CogFrame(
        crs="EPSG:4326",
        transform=(STEP, 0.0, WEST, 0.0, -STEP, NORTH),
        width=SIDE,
        height=SIDE,
    )
    write_cog(path, frame, _hills())


def _hills() -> Iterator[Block]:
    """Metres, with the noise that keeps a file from shrinking to nothing."""
    noise, columns = np.random.default_rng(1), np.arange(SIDE, dtype=np.float32)
    for row in range(0, SIDE, BLOCK):
        rows = np.arange(row, row + BLOCK, dtype=np.float32)[:, np.newaxis]
        height = 400 + 300 * np.sin(columns / 200) * np.cos(rows / 300)
        noisy = height + noise.random((BLOCK, SIDE), dtype=np.float32)
        yield Window(row, 0, BLOCK, SIDE), noisy[np.newaxis]


def _rows(url: str, path: Path, cache: Path) -> list[Row]:
    box = (WEST, NORTH - READ * STEP, WEST + READ * STEP, NORTH)
    numbers = count()

    def read(address: str) -> None:
        with Upstream(("127.0.0.1",), cache) as upstream:
            file = RemoteFile(address)
            scene = RemoteScene(
                "a", "", {"v": RemoteRaster(file.label, lambda: upstream.open(file))}
            )
            decoding = Decoding(bands=("v",))
            for _ in read_blocks(frame_of([scene], box, decoding), decoding, Tally()):
                pass

    def gdal(name: str) -> None:
        with rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR"), rasterio.open(name) as file:
            for row in range(0, READ, BLOCK):
                file.read(1, window=RasterWindow(0, row, READ, BLOCK)).astype(np.float32)

    def first(_: int) -> float:
        shutil.rmtree(cache, ignore_errors=True)
        return seconds_of(lambda: read(url))

    def peer(_: int) -> float:
        # Another address each time: GDAL remembers parts within a process.
        return seconds_of(lambda: gdal(f"/vsicurl/{url}?n={next(numbers)}"))

    def again(_: int) -> float:
        return seconds_of(lambda: read(url))

    return [
        Row("read for the first time", *alternate(first, peer, rounds=ROUNDS), TARGETS["first"]),
        Row(
            "read again",
            *alternate(again, lambda _: seconds_of(lambda: gdal(str(path))), rounds=ROUNDS),
            TARGETS["again"],
        ),
    ]

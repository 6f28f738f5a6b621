"""Rasters kept open: opening one costs milliseconds, reading from one that is open microseconds.

A handle is used by one thread at a time. Those that wait are dropped, the longest unused first,
when there are too many of them; one whose file was replaced is dropped when it is next asked for.
"""

import math
import os
import struct
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.errors import RasterioError
from rasterio.windows import Window as RasterWindow

from shanhai.errors import InvalidInput, NotFound
from shanhai.science.grid import Window
from shanhai.storage.artifacts import ArtifactStore, RangedFile
from shanhai_tiles.errors import LayerUnreadable
from shanhai_tiles.raster.block_cache import Block, BlockCache
from shanhai_tiles.raster.resampling import RasterFrame

MOST_WAITING = 48
"""Handles kept open while nobody uses them; each holds a file for every overview that was read."""

MOST_BLOCK_CELLS = 2048**2
"""Of a block that is unpacked as a whole for a tile; the platform's own files have 512²."""

ALMOST = 1 - 1e-3
"""A pixel that is as wide as an overview's cell must not miss it by rounding."""

Stamp = tuple[int, int, int, int]


SMALL_BYTES = 1024 * 1024
"""A file that is fetched as a whole when anything of it is asked for."""
GAP_BYTES = 256 * 1024
"""Parts of a file so near each other are fetched as one."""


@dataclass(frozen=True, slots=True)
class StoredRaster:
    """A file in the artifact store."""

    artifacts: ArtifactStore
    uri: str

    def find(self) -> Path | RangedFile:
        """The file, or what fetches parts of it.

        Raises:
            LayerUnreadable: it is not there.
            Unavailable: the store does not answer.
        """
        try:
            return self.artifacts.ranged(self.uri)
        except (NotFound, InvalidInput) as error:
            raise LayerUnreadable from error


Source = Path | StoredRaster


@dataclass(slots=True)
class OpenRaster:
    """A raster that is open, with its overviews; level 0 is the raster itself.

    Attributes:
        path: Its file.
        stamp: What told the file from another of its name when it was opened.
        file: The raster.
        frame: How it lies on the ground.
        factors: Cells of the raster, about, along a side of a cell of each level, rising from 1.
        blocks: What is kept of it and of others.
        ranged: What fetches parts of it; None where all of it is here.
    """

    path: Path
    stamp: Stamp
    file: Any
    frame: RasterFrame
    factors: tuple[float, ...]
    blocks: BlockCache
    ranged: RangedFile | None = None
    _overviews: dict[int, Any] = field(default_factory=dict)

    @property
    def bands(self) -> int:
        """How many there are."""
        return int(self.file.count)

    def dtype(self, band: int) -> str:
        """The type of a band's values."""
        return str(self.file.dtypes[band - 1])

    def nodata(self, band: int) -> float | None:
        """The value that stands for nodata in a band, if any does that its cells can have."""
        value: float | None = self.file.nodatavals[band - 1]
        return value

    def level_for(self, cells: float) -> int:
        """The coarsest level whose cells are no wider than so many of the raster's."""
        fitting = (n for n, factor in enumerate(self.factors) if factor * ALMOST <= cells)
        return max(fitting, default=0)

    def shape(self, level: int) -> tuple[int, int]:
        """Rows and columns of a level."""
        file = self._at(level)
        return (file.height, file.width)

    def read(self, band: int, level: int, window: Window) -> NDArray[Any]:
        """The stored cells of a window of a level.

        Raises:
            LayerUnreadable: the file is damaged there.
        """
        cut = RasterWindow(window.col, window.row, window.width, window.height)
        self._ensure(band, level, window)
        return _read(self._at(level), band, window=cut)

    def read_kept(self, band: int, level: int, window: Window) -> NDArray[Any]:
        """The same of blocks that are kept; nobody may change what is returned.

        Raises:
            LayerUnreadable: the file is damaged there.
        """
        file = self._at(level)
        high, wide = file.block_shapes[band - 1]
        if high * wide > MOST_BLOCK_CELLS:
            return self.read(band, level, window)
        first_row, first_col = window.row // high, window.col // wide
        last_row = (window.row + window.height - 1) // high
        last_col = (window.col + window.width - 1) // wide
        if (first_row, first_col) == (last_row, last_col):
            held = self._block(band, level, first_row, first_col)
            return held[
                Window(
                    window.row - first_row * high,
                    window.col - first_col * wide,
                    window.height,
                    window.width,
                ).slices
            ]
        cells = np.empty((window.height, window.width), file.dtypes[band - 1])
        for row in range(first_row, last_row + 1):
            for col in range(first_col, last_col + 1):
                held = self._block(band, level, row, col)
                place = Window(row * high, col * wide, *held.shape)
                _copy(held, place, cells, window)
        return cells

    def _block(self, band: int, level: int, row: int, col: int) -> NDArray[Any]:
        def unpack() -> Block:
            file = self._at(level)
            high, wide = file.block_shapes[band - 1]
            top, left = row * high, col * wide
            height, width = min(high, file.height - top), min(wide, file.width - left)
            return self.read(band, level, Window(top, left, height, width))

        return self.blocks.get((self.path, self.stamp, band, level, row, col), unpack)

    def read_whole(self, band: int, shape: tuple[int, int]) -> NDArray[Any]:
        """A band as so many rows and columns, of the cells nearest to them in an overview.

        Raises:
            LayerUnreadable: the file is damaged there.
        """
        least = self.level_for(min(self.frame.height / shape[0], self.frame.width / shape[1]))
        for level in range(least, len(self.factors)) if self.ranged is not None else ():
            self._ensure(band, level, Window(0, 0, *self.shape(level)))
        return _read(self.file, band, out_shape=shape)

    def _ensure(self, band: int, level: int, window: Window) -> None:
        """Have the blocks that hold a window of a level on this machine."""
        if self.ranged is None:
            return
        high, wide = self._at(level).block_shapes[band - 1]
        rows = range(window.row // high, -(-(window.row + window.height) // high))
        columns = range(window.col // wide, -(-(window.col + window.width) // wide))
        overview = None if level == 0 else level - 1
        found = []
        for row, column in product(rows, columns):
            start, size = (
                self.file.get_tag_item(f"BLOCK_{what}_{column}_{row}", "TIFF", band, overview)
                for what in ("OFFSET", "SIZE")
            )
            if start is not None:  # a block without any value is not in the file
                found.append((int(start) - BESIDE, int(start) + int(size) + BESIDE))
        for start, end in _joined(sorted(found)):
            self.ranged.ensure(max(start, 0), end)

    def close(self) -> None:
        """Close its files."""
        for file in (self.file, *self._overviews.values()):
            file.close()

    def _at(self, level: int) -> Any:
        if level == 0:
            return self.file
        file = self._overviews.get(level)
        if file is None:
            file = _opened(self.path, OVERVIEW_LEVEL=level - 1)
            self._overviews[level] = file
        return file


BESIDE = 8
"""Bytes before and after a block in which GDAL repeats how long it is."""


def _joined(parts: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Sorted parts, those near each other as one."""
    joined: list[tuple[int, int]] = []
    for start, end in parts:
        if joined and start - joined[-1][1] < GAP_BYTES:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _copy(held: NDArray[Any], place: Window, cells: NDArray[Any], window: Window) -> None:
    """Copy what a block has of a window."""
    top, left = max(place.row, window.row), max(place.col, window.col)
    bottom = min(place.row + place.height, window.row + window.height)
    right = min(place.col + place.width, window.col + window.width)
    part = Window(top, left, bottom - top, right - left)
    cells[part.slices_within(window)] = held[part.slices_within(place)]


class DatasetPool:
    """Open rasters for a few threads, which share the blocks they have unpacked."""

    def __init__(self, most_waiting: int = MOST_WAITING, blocks: BlockCache | None = None) -> None:
        self.most_waiting = most_waiting
        self.blocks = blocks or BlockCache()
        self._waiting: OrderedDict[Path, list[OpenRaster]] = OrderedDict()
        self._count = 0
        self._lock = Lock()

    @contextmanager
    def open(self, source: Source) -> Iterator[OpenRaster]:
        """The raster of a file, for this thread alone.

        Raises:
            LayerUnreadable: the file is missing or damaged, or reading it fails inside the context.
            Unavailable: the store it is in does not give it.
        """
        found = source if isinstance(source, Path) else source.find()
        path, ranged = (found, None) if isinstance(found, Path) else (found.path, found)
        raster = self._take(path, _stamp(path, ranged), ranged)
        try:
            yield raster
        except LayerUnreadable:
            raster.close()
            raise
        except BaseException:
            self._give_back(raster)
            raise
        self._give_back(raster)

    def close(self) -> None:
        """Close all that wait."""
        with self._lock:
            waiting = [one for stack in self._waiting.values() for one in stack]
            self._waiting.clear()
            self._count = 0
        for raster in waiting:
            raster.close()
        self.blocks.close()

    def __len__(self) -> int:
        """How many wait."""
        return self._count

    def _take(self, path: Path, stamp: Stamp, ranged: RangedFile | None) -> OpenRaster:
        outdated: list[OpenRaster] = []
        found = None
        with self._lock:
            stack = self._waiting.get(path, [])
            while stack and found is None:
                # The last that was used has the warmest blocks.
                raster = stack.pop()
                self._count -= 1
                found = raster if raster.stamp == stamp else None
                outdated += [] if found else [raster]
            if not stack:
                self._waiting.pop(path, None)
        for raster in outdated:
            raster.close()
        return found or _open(path, stamp, self.blocks, ranged)

    def _give_back(self, raster: OpenRaster) -> None:
        dropped = []
        with self._lock:
            self._waiting.setdefault(raster.path, []).append(raster)
            self._waiting.move_to_end(raster.path)
            self._count += 1
            while self._count > self.most_waiting:
                path, stack = next(iter(self._waiting.items()))
                dropped.append(stack.pop(0))
                self._count -= 1
                if not stack:
                    del self._waiting[path]
        for one in dropped:
            one.close()


def require_band(band: int, count: int) -> None:
    """Refuse a band the raster does not have."""
    if not 1 <= band <= count:
        raise InvalidInput(
            f"band is {band}; this layer has bands 1 to {count}",
            message_zh=f"band 为 {band}；该图层的波段为 1 至 {count}",
            pointer="band",
        )


def _stamp(path: Path, ranged: RangedFile | None) -> Stamp:
    try:
        found = os.stat(path)
    except OSError as error:
        raise LayerUnreadable from error
    changed = found.st_mtime_ns if ranged is None else 0  # parts come, and change nothing
    return (found.st_dev, found.st_ino, found.st_size, changed)


def _open(path: Path, stamp: Stamp, blocks: BlockCache, ranged: RangedFile | None) -> OpenRaster:
    if ranged is not None and ranged.size > SMALL_BYTES:
        ensure_directories(ranged)
    elif ranged is not None:
        ranged.ensure(0, ranged.size)
    file = _opened(path)
    try:
        frame = _frame_of(file)
    except LayerUnreadable:
        file.close()
        raise
    factors = (1.0, *_overview_factors(file))
    return OpenRaster(path, stamp, file, frame, factors, blocks, ranged)


def _opened(path: Path, **options: Any) -> Any:
    try:
        return rasterio.open(path, driver="GTiff", **options)
    except RasterioError as error:
        raise LayerUnreadable from error


def _read(file: Any, band: int, **options: Any) -> NDArray[Any]:
    try:
        cells: NDArray[Any] = file.read(band, **options)
    except RasterioError as error:
        raise LayerUnreadable from error
    return cells


def _overview_factors(file: Any) -> list[float]:
    """Factors that rise, as far as they do: those of a strange file's later overviews are left."""
    factors = [float(factor) for factor in file.overviews(1)]
    rising = [one for one, last in zip(factors, (1.0, *factors), strict=False) if one > last]
    return rising if len(rising) == len(factors) else []


def _frame_of(file: Any) -> RasterFrame:
    if file.crs is None:
        raise LayerUnreadable
    epsg = file.crs.to_epsg()
    a, b, c, d, e, f = tuple(file.transform)[:6]
    if not all(map(math.isfinite, (a, b, c, d, e, f))) or a * e - b * d == 0:
        raise LayerUnreadable
    crs = file.crs.to_wkt() if epsg is None else f"EPSG:{epsg}"
    return RasterFrame(crs, (a, b, c, d, e, f), file.width, file.height)


HEAD_BYTES = 16 * 1024
MOST_DIRECTORIES = 1000
BYTES_OF_TYPE = {**dict.fromkeys((1, 2, 6, 7), 1), **dict.fromkeys((3, 8), 2)}
BYTES_OF_TYPE |= {**dict.fromkeys((4, 9, 11, 13), 4), **dict.fromkeys((5, 10, 12, 16, 17, 18), 8)}


def ensure_directories(file: RangedFile) -> None:
    """Fetch every directory of a TIFF with the values its entries point to, wherever they lie.

    GDAL then opens the file on this machine as any other: it is given no driver for the network.

    Raises:
        LayerUnreadable: it is none.
    """
    try:
        _walk(file)
    except (struct.error, KeyError) as error:
        raise LayerUnreadable from error


def _walk(file: RangedFile) -> None:
    head = file.read(0, min(HEAD_BYTES, file.size))
    order = {b"II": "<", b"MM": ">"}[head[:2]]
    # Of a classic file and of a BigTIFF: where the first directory's address is, and how an
    # address, a count of entries and an entry are written.
    at, address, count, entry = {42: (4, "I", "H", "HHI4s"), 43: (8, "Q", "Q", "HHQ8s")}[
        struct.unpack_from(f"{order}H", head, 2)[0]
    ]
    width, counted, row = (struct.calcsize(f"{order}{one}") for one in (address, count, entry))
    (place,) = struct.unpack_from(order + address, head, at)
    for _ in range(MOST_DIRECTORIES):
        if not place:
            return
        (entries,) = struct.unpack(order + count, file.read(place, place + counted))
        body = file.read(place + counted, place + counted + entries * row + width)
        for _, kind, number, value in struct.iter_unpack(order + entry, body[:-width]):
            size = BYTES_OF_TYPE.get(kind, 0) * number
            if size > width:
                (start,) = struct.unpack(order + address, value)
                file.ensure(start, start + size)
        (place,) = struct.unpack(order + address, body[-width:])

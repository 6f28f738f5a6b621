"""GeoTIFF files of any size that are never written: blocks are painted when they are read.

The header is what GDAL would write, with offsets of only those blocks that touch the data; the
others are absent, which GDAL reads as nodata or zero. Every block has a slot of one length, for its
length is in the header before it is painted; what its compression saves is padded.
"""

import struct
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

import numpy as np
from affine import Affine
from pyproj import CRS, Transformer
from rasterio.io import MemoryFile

from tests.support.upstream.landscape import Array, Box, Field

_GEO_TAGS = {33550, 33922, 34264, 34735, 34736, 34737, 42112}
_WIDTH, _HEIGHT, _SUBFILE = 256, 257, 254
_LONG, _LONG8 = 4, 16
_LENGTHS = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 16: 8, 17: 8}
_BLOCKS_KEPT = 4
_KNOTS = 16
"""Pixels between the places that are projected; between them the error is below 2 m at 500 m."""


@dataclass(frozen=True, slots=True)
class Layout:
    """A raster file as it looks from outside."""

    crs: str
    origin: tuple[float, float]
    pixel: tuple[float, float]
    width: int
    height: int
    dtype: str
    block: int
    nodata: float | None = None
    overviews: tuple[int, ...] = ()
    compress: str = "deflate"
    predictor: int = 1
    scale: float = 1.0
    offset: float = 0.0
    unit: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    strips: bool = False
    squeeze: int = 1
    """How often at least a block shrinks by compression."""

    @property
    def block_shape(self) -> tuple[int, int]:
        """Rows and columns of a block; a strip is as wide as the file."""
        return self.block, self.width if self.strips else self.block

    @property
    def transform(self) -> Affine:
        """From pixels to the coordinates of the CRS."""
        (west, north), (step_x, step_y) = self.origin, self.pixel
        return Affine(step_x, 0.0, west, 0.0, -step_y, north)


@dataclass(frozen=True, slots=True)
class _Level:
    """The file itself or one of its overviews."""

    width: int
    height: int
    columns: int
    rows: int
    present: Array
    transform: Affine


class PaintedTiff:
    """A file whose blocks within `data` hold what `paint` gives for their places."""

    def __init__(self, layout: Layout, paint: Field, data: Sequence[Box]) -> None:
        self.layout = layout
        self._paint = paint
        self._data = data
        self._cache: OrderedDict[int, bytes] = OrderedDict()
        self._lock = threading.Lock()

    @cached_property
    def size(self) -> int:
        """Bytes of the whole file."""
        return len(self._header) + len(self._slots) * self._slot_bytes

    def read(self, start: int, stop: int) -> bytes:
        """The bytes from `start` up to `stop`."""
        return b"".join(self.pieces(start, stop))

    def pieces(self, start: int, stop: int) -> Iterator[bytes]:
        """The same, block by block, so that nobody holds the file."""
        stop, head = min(stop, self.size), len(self._header)
        if start < head:
            yield self._header[start : min(stop, head)]
        first = max(start - head, 0) // self._slot_bytes
        for slot in range(first, -(-max(stop - head, 0) // self._slot_bytes)):
            begin = head + slot * self._slot_bytes
            yield self._block(slot)[max(start - begin, 0) : stop - begin]

    @cached_property
    def _levels(self) -> list[_Level]:
        return [self._level(factor) for factor in (1, *self.layout.overviews)]

    def _level(self, factor: int) -> _Level:
        layout = self.layout
        width, height = -(-layout.width // factor), -(-layout.height // factor)
        block_rows, block_columns = layout.block_shape
        columns, rows = -(-width // block_columns), -(-height // block_rows)
        transform = layout.transform @ Affine.scale(layout.width / width, layout.height / height)
        present = np.zeros((rows, columns), bool)
        for box in self._data:
            bounds = from_degrees(layout.crs).transform_bounds(*box, densify_pts=31)
            left, top = ~transform @ (bounds[0], bounds[3])
            right, bottom = ~transform @ (bounds[2], bounds[1])
            present[
                max(int(top // block_rows), 0) : max(int(bottom // block_rows) + 1, 0),
                max(int(left // block_columns), 0) : max(int(right // block_columns) + 1, 0),
            ] = True
        return _Level(width, height, columns, rows, np.flatnonzero(present), transform)

    @cached_property
    def _slots(self) -> list[tuple[_Level, int]]:
        return [(level, int(number)) for level in self._levels for number in level.present]

    @cached_property
    def _slot_bytes(self) -> int:
        raw = int(np.prod(self.layout.block_shape)) * np.dtype(self.layout.dtype).itemsize
        return raw // self.layout.squeeze + raw // 50 + 1024

    @cached_property
    def _header(self) -> bytes:
        """All directories, with the arrays of offsets behind each."""
        directories = _directories(self._encode(np.zeros(self.layout.block_shape)))
        lengths = [self._directory(directories, level, 0, 0, last=True) for level in self._levels]
        head = 16 + sum(len(directory) for directory in lengths)
        parts = [struct.pack("<2sHHHQ", b"II", 43, 8, 0, 16)]
        at, slot = 16, 0
        for level, length in zip(self._levels, lengths, strict=True):
            offset = head + slot * self._slot_bytes
            last = level is self._levels[-1]
            parts.append(self._directory(directories, level, at, offset, last=last))
            at, slot = at + len(length), slot + len(level.present)
        return b"".join(parts)

    def _directory(
        self,
        entries: dict[int, tuple[int, bytes]],
        level: _Level,
        at: int,
        offset: int,
        *,
        last: bool,
    ) -> bytes:
        total = level.rows * level.columns
        offsets, lengths = np.zeros(total, "<u8"), np.zeros(total, "<u4")
        offsets[level.present] = offset + np.arange(len(level.present)) * self._slot_bytes
        lengths[level.present] = self._slot_bytes
        whole = level is self._levels[0]
        kept = {tag: entry for tag, entry in entries.items() if whole or tag not in _GEO_TAGS}
        kept[_WIDTH] = (_LONG, struct.pack("<I", level.width))
        kept[_HEIGHT] = (_LONG, struct.pack("<I", level.height))
        kept[_SUBFILE] = (_LONG, struct.pack("<I", 0 if whole else 1))
        where, how_long = (273, 279) if self.layout.strips else (324, 325)
        kept[where], kept[how_long] = (_LONG8, offsets.tobytes()), (_LONG, lengths.tobytes())
        head, tail = [struct.pack("<Q", len(kept))], b""
        behind = at + 8 + 20 * len(kept) + 8
        for tag, (kind, content) in sorted(kept.items()):
            value = content.ljust(8, b"\0")
            if len(content) > 8:
                value = struct.pack("<Q", behind + len(tail))
                tail += content + b"\0" * (-len(content) % 8)
            head.append(struct.pack("<HHQ", tag, kind, len(content) // _LENGTHS[kind]) + value)
        head.append(struct.pack("<Q", 0 if last else behind + len(tail)))
        return b"".join(head) + tail

    def _block(self, slot: int) -> bytes:
        with self._lock:
            if slot in self._cache:
                self._cache.move_to_end(slot)
                return self._cache[slot]
        level, number = self._slots[slot]
        rows, columns = self.layout.block_shape
        top, left = number // level.columns * rows, number % level.columns * columns
        lon, lat = _places(
            self.layout.crs, level.transform @ Affine.translation(left, top), rows, columns
        )
        values = np.broadcast_to(self._paint(lon, lat), (rows, columns))
        encoded = self._encode(values)
        where, how_long = (273, 279) if self.layout.strips else (324, 325)
        entries = _directories(encoded)
        begin, length = (int.from_bytes(entries[tag][1], "little") for tag in (where, how_long))
        if length > self._slot_bytes:
            raise ValueError(f"a block of {length} bytes is longer than its slot; lower squeeze")
        block = encoded[begin : begin + length].ljust(self._slot_bytes, b"\0")
        with self._lock:
            self._cache[slot] = block
            while len(self._cache) > _BLOCKS_KEPT:
                self._cache.popitem(last=False)
        return block

    def _encode(self, values: Array) -> bytes:
        """A file of one block, written by GDAL: its header is the pattern of the whole one."""
        layout = self.layout
        rows, columns = layout.block_shape
        options: dict[str, Any] = {"compress": layout.compress, "predictor": layout.predictor}
        if layout.compress == "deflate":
            options["zlevel"] = 1
        shape = (
            {"blockysize": rows} if layout.strips else {"blockxsize": columns, "blockysize": rows}
        )
        with MemoryFile() as memory:
            with memory.open(
                driver="GTiff",
                width=columns,
                height=rows,
                count=1,
                dtype=layout.dtype,
                crs=_wkt(layout.crs),
                transform=layout.transform,
                nodata=layout.nodata,
                tiled=not layout.strips,
                BIGTIFF="YES",
                **shape,
                **options,
            ) as file:
                file.update_tags(**layout.tags)
                if (layout.scale, layout.offset) != (1.0, 0.0):
                    file.scales, file.offsets = (layout.scale,), (layout.offset,)
                if layout.unit is not None:
                    file.units = (layout.unit,)
                file.write(values.astype(layout.dtype), 1)
            return bytes(memory.read())


def _directories(content: bytes) -> dict[int, tuple[int, bytes]]:
    """Type and bytes of each tag in the first directory of a BigTIFF."""
    (at,) = struct.unpack_from("<Q", content, 8)
    (total,) = struct.unpack_from("<Q", content, at)
    entries = {}
    for position in range(at + 8, at + 8 + 20 * total, 20):
        tag, kind, number = struct.unpack_from("<HHQ", content, position)
        length = _LENGTHS[kind] * number
        begin = position + 12
        if length > 8:
            (begin,) = struct.unpack_from("<Q", content, begin)
        entries[tag] = (kind, content[begin : begin + length])
    return entries


@cache
def _wkt(crs: str) -> str:
    return CRS.from_user_input(crs).to_wkt()


@cache
def from_degrees(crs: str) -> Transformer:
    """From longitude and latitude, and by `direction="INVERSE"` back."""
    return Transformer.from_crs("EPSG:4326", crs, always_xy=True)


def _places(crs: str, transform: Affine, rows: int, columns: int) -> tuple[Array, Array]:
    """Longitude and latitude of the middle of each pixel."""
    if crs == "EPSG:4326":
        lon = transform.c + transform.a * (np.arange(columns) + 0.5)
        lat = transform.f + transform.e * (np.arange(rows) + 0.5)
        return lon[None, :], lat[:, None]
    across, right = _weights(columns)
    down, below = _weights(rows)
    x = transform.c + transform.a * right
    y = transform.f + transform.e * below
    knots = from_degrees(crs).transform(*np.meshgrid(x, y), direction="INVERSE")
    lon, lat = (down @ np.asarray(degrees) @ across.T for degrees in knots)
    return lon, lat


def _weights(pixels: int) -> tuple[Array, Array]:
    """Linear weights of knots for the middle of each pixel, and where the knots are."""
    total = -(-pixels // _KNOTS) + 1
    position = (np.arange(pixels) + 0.5) / _KNOTS
    left = np.floor(position).astype(int)
    weights = np.zeros((pixels, total))
    rows = np.arange(pixels)
    weights[rows, left] = 1 - (position - left)
    weights[rows, left + 1] = position - left
    return weights, np.arange(total) * _KNOTS

"""Areas that callers draw: read from GeoJSON or a box, laid over the cells of a raster.

A cell belongs to an area when its centre lies in it.
"""

import asyncio
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import shapely
from shapely.geometry.base import BaseGeometry
from starlette.requests import Request

from shanhai.db.features.geometry import invalidity, read_geometry
from shanhai.errors import InvalidInput, LimitExceeded
from shanhai.raster.cells import cells_of_frame
from shanhai.science.grid import BoolArray, FloatArray, Window
from shanhai_tiles.grids import Bounds, projection
from shanhai_tiles.raster.resampling import RasterFrame

MOST_BYTES = 4 * 1024 * 1024
MOST_VERTICES = 50_000
MOST_CELLS = 100_000_000
PATIENCE_S = 30.0
MARGIN = 0.01
"""Part of a raster's extent beyond which an area is cut off, since nothing is there."""
STEP_DEGREES = 0.05
MOST_STEPS = 200_000
"""Positions are put into long edges, since straight in degrees is not straight in a projection."""
STRIP_ROWS, STRIP_COLUMNS = 512, 4096


async def read_area(request: Request) -> BaseGeometry:
    """The polygon or multipolygon of a request's body, in degrees.

    Raises:
        LimitExceeded: it has too many bytes or vertices.
        InvalidInput: it is no GeoJSON polygon, or not a valid one.
    """
    body = await _read_body(request)
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(
            f"the body is not valid JSON: {error.msg} at character {error.pos}",
            message_zh="请求体不是有效的 JSON",
            pointer="",
        ) from error
    return await asyncio.to_thread(polygons_of, value)


async def _read_body(request: Request) -> bytes:
    blocks: list[bytes] = []
    try:
        async with asyncio.timeout(PATIENCE_S):
            async for block in request.stream():
                blocks.append(block)
                if sum(map(len, blocks)) > MOST_BYTES:
                    raise LimitExceeded(
                        f"the body is larger than {MOST_BYTES} bytes",
                        message_zh=f"请求体超过 {MOST_BYTES} 字节",
                        pointer="",
                    )
    except TimeoutError as error:
        raise InvalidInput(
            f"the body did not arrive within {PATIENCE_S:g} s",
            message_zh=f"请求体未在 {PATIENCE_S:g} 秒内到达",
        ) from error
    return b"".join(blocks)


def polygons_of(value: Any) -> BaseGeometry:
    """The area of a GeoJSON geometry or feature.

    Raises:
        LimitExceeded: it has too many vertices.
        InvalidInput: it is no polygon, or not a valid one.
    """
    pointer = ""
    if isinstance(value, dict) and value.get("type") == "Feature":
        value, pointer = value.get("geometry"), "/geometry"
    area = read_geometry(value, kind="geometry-multipolygon", pointer=pointer)
    vertices = int(shapely.get_num_coordinates(area))
    if vertices > MOST_VERTICES:
        raise LimitExceeded(
            f"the area has {vertices} vertices; at most {MOST_VERTICES} are taken",
            message_zh=f"区域有 {vertices} 个顶点，上限为 {MOST_VERTICES}",
            pointer=f"{pointer}/coordinates",
        )
    fault = invalidity(area, pointer)
    if fault is not None:
        raise InvalidInput(fault.detail, message_zh=fault.detail_zh, faults=[fault])
    return area


def box_of(text: str) -> BaseGeometry:
    """The area of `west,south,east,north` in degrees.

    Raises:
        InvalidInput: it is no such box.
    """
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        west = south = east = north = np.nan
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
        raise InvalidInput(
            f"bbox is {text[:80]!r}; it must be west,south,east,north in degrees, west < east,"
            " south < north",
            message_zh=f"bbox 为 {text[:80]!r}；应为“西，南，东，北”四个经纬度，"
            "且西小于东、南小于北",
            pointer="bbox",
        )
    return shapely.box(west, south, east, north)


@dataclass(frozen=True, slots=True)
class Cover:
    """An area as it lies over a raster; without a geometry it is the whole raster.

    Attributes:
        frame: How the raster lies.
        geometry: The area in the raster's own system; None for everything.
        window: The cells it can have.
    """

    frame: RasterFrame
    geometry: BaseGeometry | None
    window: Window

    @property
    def transform(self) -> tuple[float, float, float, float, float, float]:
        """Coefficients of a raster of the window's cells alone."""
        return _transform_at(self.frame, self.window)

    def windows(self) -> Iterator[tuple[Window, BoolArray]]:
        """Its cells strip by strip, on the raster's blocks; strips without any are left out."""
        for window in _strips(self.window):
            inside = self._inside(window)
            if inside.any():
                yield window, inside

    def _inside(self, window: Window) -> BoolArray:
        shape = (window.height, window.width)
        if self.geometry is None:
            return np.ones(shape, bool)
        transform = _transform_at(self.frame, window)
        corners = RasterFrame(self.frame.crs, transform, window.width, window.height)
        box = shapely.box(*_bounds_of(corners))
        if not self.geometry.intersects(box):
            return np.zeros(shape, bool)
        return cells_of_frame(self.geometry, shape, transform)


def cover(frame: RasterFrame, area: BaseGeometry | None) -> Cover:
    """What an area in degrees covers of a raster.

    Raises:
        LimitExceeded: its box has too many cells.
    """
    whole = Window(0, 0, frame.height, frame.width)
    if area is None:
        found = Cover(frame, None, whole)
    else:
        placed = _placed(area, frame)
        found = Cover(frame, placed, _window_around(placed, frame))
    cells = found.window.height * found.window.width
    if cells > MOST_CELLS:
        raise LimitExceeded(
            f"the box of the area has {cells} cells; at most {MOST_CELLS} are read at once:"
            " ask for a smaller area",
            message_zh=f"区域外包框含 {cells} 个像元，一次最多读取 {MOST_CELLS} 个；请缩小区域",
        )
    return found


def _placed(area: BaseGeometry, frame: RasterFrame) -> BaseGeometry:
    """The part of an area that can lie on a raster, in the raster's system."""
    near = area.intersection(shapely.box(*_widened(frame.lonlat_bounds)))
    near = shapely.MultiPolygon([one for one in shapely.get_parts(near) if one.area > 0])
    fine = shapely.segmentize(near, max(STEP_DEGREES, near.length / MOST_STEPS))
    change = projection(frame.crs).transform

    def place(points: FloatArray) -> FloatArray:
        return np.column_stack(change(points[:, 0], points[:, 1]))

    placed: BaseGeometry = shapely.transform(fine, place)
    shapely.prepare(placed)
    return placed


def _widened(bounds: Bounds) -> Bounds:
    west, south, east, north = bounds
    wider, higher = MARGIN * (east - west), MARGIN * (north - south)
    return (west - wider, south - higher, east + wider, north + higher)


def _window_around(placed: BaseGeometry, frame: RasterFrame) -> Window:
    """The cells of a north-up raster that a geometry can have; none of them where it has none."""
    if placed.is_empty:
        return Window(0, 0, 0, 0)
    west, south, east, north = placed.bounds
    columns, rows = frame.index(np.array([west, east]), np.array([north, south]))
    left, right = _centres_between(columns, frame.width)
    top, bottom = _centres_between(rows, frame.height)
    if bottom <= top or right <= left:
        return Window(0, 0, 0, 0)
    return Window(top, left, bottom - top, right - left)


def _centres_between(ends: FloatArray, count: int) -> tuple[int, int]:
    """The first cell whose centre lies between two places, and the one after the last."""
    first, last = ends - 0.5
    return max(0, math.ceil(first)), min(count, math.floor(last) + 1)


def _strips(window: Window) -> Iterator[Window]:
    """The parts of a window in the raster's own rows of blocks."""
    bottom, right = window.row + window.height, window.col + window.width
    for row in range(window.row // STRIP_ROWS * STRIP_ROWS, bottom, STRIP_ROWS):
        first, last = max(row, window.row), min(row + STRIP_ROWS, bottom)
        for col in range(window.col // STRIP_COLUMNS * STRIP_COLUMNS, right, STRIP_COLUMNS):
            left, end = max(col, window.col), min(col + STRIP_COLUMNS, right)
            yield Window(first, left, last - first, end - left)


def _transform_at(
    frame: RasterFrame, window: Window
) -> tuple[float, float, float, float, float, float]:
    a, b, _, d, e, _ = frame.transform
    x, y = frame.points(np.array([float(window.col)]), np.array([float(window.row)]))
    return (a, b, float(x[0]), d, e, float(y[0]))


def _bounds_of(frame: RasterFrame) -> Bounds:
    x, y = frame.points(np.array([0.0, frame.width]), np.array([0.0, frame.height]))
    return (float(x.min()), float(y.min()), float(x.max()), float(y.max()))

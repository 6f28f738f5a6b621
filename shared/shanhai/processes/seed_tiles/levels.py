"""Which tiles of a grid touch a box, from the grid's own document (OGC 17-083r4)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from pyproj import CRS, Transformer

from shanhai.processes.seed_tiles.task import Box

BLOCK = 16
"""Rows and columns of the blocks in which tiles are made; what is lost when a worker ends."""
EDGE_POINTS = 21


@dataclass(frozen=True, slots=True)
class Block:
    """Tiles of a level, columns and rows from the first to below the last."""

    zoom: int
    columns: tuple[int, int]
    rows: tuple[int, int]

    @property
    def count(self) -> int:
        """How many tiles it has."""
        return (self.columns[1] - self.columns[0]) * (self.rows[1] - self.rows[0])

    def tiles(self) -> Iterator[tuple[int, int]]:
        """Column and row of each, row by row."""
        return ((x, y) for y in range(*self.rows) for x in range(*self.columns))

    def blocks(self) -> Iterator["Block"]:
        """The parts of it in a net of `BLOCK` by `BLOCK` tiles, row by row.

        The net begins at tile 0, so that a square of it holds consecutive tiles of a Hilbert curve.
        """
        for rows in _cut(self.rows):
            for columns in _cut(self.columns):
                yield Block(self.zoom, columns, rows)


def _cut(span: tuple[int, int]) -> Iterator[tuple[int, int]]:
    first, end = span
    for start in range(first - first % BLOCK, end, BLOCK):
        yield max(start, first), min(start + BLOCK, end)


@dataclass(frozen=True, slots=True)
class Level:
    """One tile matrix: corner and side of its tiles in the grid's unit, columns and rows."""

    west: float
    north: float
    side: float
    size: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Levels:
    """The levels of a grid, from the document of its tile matrix set."""

    id: str
    crs: CRS
    levels: tuple[Level, ...]

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Levels":
        """Read the document of a tile matrix set whose levels are named 0, 1, 2 …"""
        crs = CRS.from_user_input(document["crs"])
        y_first = crs.axis_info[0].direction == "north"
        matrices = sorted(document["tileMatrices"], key=lambda one: int(one["id"]))
        return cls(document["id"], crs, tuple(_level(one, y_first) for one in matrices))

    @property
    def deepest(self) -> int:
        """The last level."""
        return len(self.levels) - 1

    def touching(self, zoom: int, box: Box) -> Block | None:
        """The tiles of a level that touch a box in degrees; None where there is none."""
        # From degrees of the grid's own datum: WGS 84 and CGCS2000 count as the same.
        transformer = Transformer.from_crs(self.crs.geodetic_crs, self.crs, always_xy=True)
        west, south, east, north = transformer.transform_bounds(*box, densify_pts=EDGE_POINTS)
        level = self.levels[zoom]
        columns = _range((west - level.west) / level.side, (east - level.west) / level.side)
        rows = _range((level.north - north) / level.side, (level.north - south) / level.side)
        inside = _within(columns, level.size[0]), _within(rows, level.size[1])
        if any(first >= end for first, end in inside):
            return None
        return Block(zoom, *inside)


def common(one: Box, other: Box) -> Box | None:
    """What two boxes have in common, if anything."""
    west, south = max(one[0], other[0]), max(one[1], other[1])
    east, north = min(one[2], other[2]), min(one[3], other[3])
    return (west, south, east, north) if west <= east and south <= north else None


def around(boxes: list[Box]) -> Box:
    """The box around boxes, of which there is at least one."""
    west, south, east, north = zip(*boxes, strict=True)
    return (min(west), min(south), max(east), max(north))


def _level(matrix: Mapping[str, Any], y_first: bool) -> Level:
    first, second = matrix["pointOfOrigin"]
    west, north = (second, first) if y_first else (first, second)
    side = matrix["cellSize"] * matrix["tileWidth"]
    return Level(west, north, side, (matrix["matrixWidth"], matrix["matrixHeight"]))


def _range(first: float, last: float) -> tuple[float, float]:
    return float(np.floor(first)), float(np.floor(last)) + 1


def _within(span: tuple[float, float], count: int) -> tuple[int, int]:
    """Whole tiles of a span that may reach to infinity, as web mercator does at the poles."""
    first, end = np.clip(span, 0, count)
    return int(first), int(end)

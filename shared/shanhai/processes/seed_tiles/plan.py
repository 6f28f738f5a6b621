"""Which tiles a job means: those that touch a box, sheets of layers, blocks of each level."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
from pyproj import CRS, Transformer

from shanhai.errors import Fault, LimitExceeded
from shanhai.processes.seed_tiles.contract import MOST_TILES, Box, SeedTilesInputs
from shanhai.processes.seed_tiles.service import SeenLayer, refuse_all, suffix_of
from shanhai.vocabulary import Label

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


@dataclass(frozen=True, slots=True)
class Sheet:
    """Layers that share a tile: a raster alone, or features of one layer or several.

    Attributes:
        box: What is meant, in degrees.
        zooms: First and last level.
        levels: The tiles of each level.
    """

    layers: tuple[SeenLayer, ...]
    format: str
    box: Box
    zooms: tuple[int, int]
    levels: tuple[Block, ...]

    @property
    def count(self) -> int:
        """Tiles to be asked for, one of each layer."""
        return sum(level.count for level in self.levels) * len(self.layers)

    @property
    def title(self) -> Label:
        """The titles of its layers."""
        return Label(
            "、".join(layer.title.zh for layer in self.layers),
            ", ".join(layer.title.en for layer in self.layers),
        )

    def blocks(self) -> Iterator[Block]:
        """All tiles, level by level."""
        return (block for level in self.levels for block in level.blocks())


@dataclass(frozen=True, slots=True)
class SeedingPlan:
    """All that a job asks for, of layers at one version each."""

    grid: Levels
    sheets: tuple[Sheet, ...]

    @property
    def count(self) -> int:
        """Tiles to be asked for."""
        return sum(sheet.count for sheet in self.sheets)

    @property
    def versions(self) -> dict[str, str]:
        """The version of each layer."""
        return {layer.name: layer.version for sheet in self.sheets for layer in sheet.layers}

    @property
    def digest(self) -> str:
        """Changes with whatever would change a tile or which tiles are meant."""
        meant = [
            (sheet.format, sheet.levels, [(one.name, one.version, one.own) for one in sheet.layers])
            for sheet in self.sheets
        ]
        return sha256(repr(meant).encode()).hexdigest()[:32]

    def by_zoom(self) -> dict[int, int]:
        """Tiles to be asked for, by level."""
        counts: Counter[int] = Counter()
        for sheet in self.sheets:
            for level in sheet.levels:
                counts[level.zoom] += level.count * len(sheet.layers)
        return dict(sorted(counts.items()))


def make_plan(
    grid: Levels, layers: Sequence[SeenLayer], inputs: SeedTilesInputs, area: Box | None
) -> SeedingPlan:
    """The tiles that are meant.

    Raises:
        InvalidInput: levels, area or layers do not go together.
        LimitExceeded: there are too many tiles.
    """
    refuse_all(_deep_faults(grid, inputs))
    if inputs.pack != "none":
        refuse_all(_mixed_faults(layers, inputs))
    together = [layers] if inputs.pack != "none" else [[layer] for layer in layers]
    plan = SeedingPlan(grid, tuple(_sheet(grid, one, inputs, area) for one in together))
    if plan.count > MOST_TILES:
        raise _too_many(plan)
    return plan


def _sheet(
    grid: Levels, layers: Sequence[SeenLayer], inputs: SeedTilesInputs, area: Box | None
) -> Sheet:
    extent = around([layer.bounds for layer in layers])
    box = extent if area is None else common(extent, area)
    deepest = max(layer.maxzoom for layer in layers) if inputs.max_zoom is None else inputs.max_zoom
    faults = []
    if box is None:
        pointer = "/inputs/region" if inputs.region is not None else "/inputs/bbox"
        names = ", ".join(layer.name for layer in layers)
        words = ", ".join(f"{side:.6g}" for side in extent)
        faults.append(
            Fault(
                pointer,
                f"the area does not touch {names}, which lies in {words}",
                f"所给范围与 {names} 不相交，该图层范围为 {words}",
            )
        )
    if deepest < inputs.min_zoom:
        faults.append(
            Fault(
                "/inputs/min_zoom",
                f"min_zoom is {inputs.min_zoom}; {layers[0].name} shows no more below {deepest}",
                f"min_zoom 为 {inputs.min_zoom}；图层 {layers[0].name} 最深为 {deepest} 级",
            )
        )
    refuse_all(faults)
    meant = box or extent
    spans = (grid.touching(zoom, meant) for zoom in range(inputs.min_zoom, deepest + 1))
    levels = tuple(span for span in spans if span is not None)
    return Sheet(
        tuple(layers), suffix_of(layers[0], inputs), meant, (inputs.min_zoom, deepest), levels
    )


def _deep_faults(grid: Levels, inputs: SeedTilesInputs) -> list[Fault]:
    given = {"min_zoom": inputs.min_zoom, "max_zoom": inputs.max_zoom}
    return [
        Fault(
            f"/inputs/{name}",
            f"{name} is {zoom}; {grid.id} ends with level {grid.deepest}",
            f"{name} 为 {zoom}；{grid.id} 最深为 {grid.deepest} 级",
        )
        for name, zoom in given.items()
        if zoom is not None and zoom > grid.deepest
    ]


def _mixed_faults(layers: Sequence[SeenLayer], inputs: SeedTilesInputs) -> list[Fault]:
    if len(layers) == 1 or all(layer.kind == "vector" for layer in layers):
        return []
    raster = next(layer.name for layer in layers if layer.kind != "vector")
    return [
        Fault(
            "/inputs/layers",
            f"a pack holds one raster, or layers of features; {raster} is a raster beside others",
            f"一个瓦片包只能含一个栅格图层或若干矢量图层；{raster} 是栅格",
        )
    ]


def _too_many(plan: SeedingPlan) -> LimitExceeded:
    counts = plan.by_zoom()
    told = ", ".join(f"{zoom}: {count:,}" for zoom, count in counts.items() if count > 1)
    fits = _fitting(counts)
    advice = "" if fits is None else f"; down to level {fits} they are few enough"
    advice_zh = "" if fits is None else f"；到第 {fits} 级为止则不超限"
    return LimitExceeded(
        f"{plan.count:,} tiles are meant (by level {told}); at most {MOST_TILES:,} are allowed"
        f" in one job: choose a smaller area or fewer levels{advice}",
        message_zh=f"共需 {plan.count:,} 个瓦片（各级 {told}），每个作业上限为 {MOST_TILES:,}；"
        f"请缩小范围或减少级别{advice_zh}",
        pointer="/inputs/max_zoom",
    )


def _fitting(counts: dict[int, int]) -> int | None:
    """The last level down to which the tiles are few enough, if any."""
    total, fits = 0, None
    for zoom, count in counts.items():
        total += count
        if total > MOST_TILES:
            break
        fits = zoom
    return fits

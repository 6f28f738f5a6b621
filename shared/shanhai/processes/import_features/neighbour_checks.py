"""Rows beside each other: overlaps, and gaps in a region; strip by strip, in bounded memory."""

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from shanhai.processes.import_features.findings import CODE, ROW, Finding
from shanhai.vector.geoparquet import read_blocks
from shanhai.vector.tables import FeatureColumn
from shanhai.vocabulary import Label

STRIP_ROWS = 50_000
METRES_PER_DEGREE = 111_320.0
LEAST_OVERLAP_M2 = 1.0
LEAST_GAP_M2 = 100.0
MOST_GAPS = 1_000
PAIRS_AT_ONCE = 20_000
COLUMNS = (FeatureColumn(ROW, "integer"), FeatureColumn(CODE, "text"))
AREAL = 2


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """The accepted rows with their boxes.

    Attributes:
        path: Where they are kept.
        rows: Their numbers, ascending.
        boxes: West, south, east, north of each; NaN without geometry.
    """

    path: Path
    rows: NDArray[np.int64]
    boxes: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Strip:
    """A strip from north to south, and the areas that reach into it."""

    west: float
    east: float
    rows: NDArray[np.int64]
    codes: list[str]
    shapes: NDArray[np.object_]
    starts: NDArray[np.float64]


def find_overlaps(around: Neighbourhood, rejected: Collection[int]) -> Iterator[Finding]:
    """Areas that share more than a sliver with an earlier row."""
    for strip in _strips(around, rejected):
        tree = shapely.STRtree(strip.shapes)
        first, second = tree.query(strip.shapes, predicate="intersects")
        later = first > second
        # A pair lies in several strips; it is told in the one where it begins.
        begins = np.maximum(strip.starts[first], strip.starts[second])
        chosen = later & (begins >= strip.west) & (begins < strip.east)
        pairs = np.column_stack([first[chosen], second[chosen]])
        for start in range(0, len(pairs), PAIRS_AT_ONCE):
            yield from _overlaps(strip, pairs[start : start + PAIRS_AT_ONCE])


def _overlaps(strip: Strip, pairs: NDArray[np.int64]) -> Iterator[Finding]:
    shared = shapely.intersection(strip.shapes[pairs[:, 0]], strip.shapes[pairs[:, 1]])
    for number in np.flatnonzero(shapely.area(shared) > 0):
        size = _square_metres(shared[number])
        if size < LEAST_OVERLAP_M2:
            continue
        later, earlier = int(pairs[number, 0]), int(pairs[number, 1])
        row, code = int(strip.rows[earlier]), strip.codes[earlier]
        detail = Label(
            f"与第 {row} 行（{code}）重叠 {size:.1f} m²",
            f"overlaps row {row} ({code}) by {size:.1f} m²",
        )
        place = _place(shared[number])
        yield Finding(
            int(strip.rows[later]), strip.codes[later], "overlap", detail, "geometry", place
        )


def find_gaps(
    around: Neighbourhood, rejected: Collection[int], region: BaseGeometry
) -> Iterator[Finding]:
    """Parts of the region that no row covers."""
    west, _, east, _ = region.bounds
    told = 0
    for strip in _strips(around, rejected):
        left, right = max(west, strip.west), min(east, strip.east)
        if left >= right:
            continue
        own = shapely.clip_by_rect(region, left, -90, right, 90)
        bare = shapely.difference(own, shapely.union_all(strip.shapes))
        for part in shapely.get_parts(bare):
            size = _square_metres(part) if shapely.get_dimensions(part) == AREAL else 0.0
            if size < LEAST_GAP_M2:
                continue
            told += 1
            if told > MOST_GAPS:
                return
            detail = Label(
                f"区域内有 {size:.0f} m² 未被覆盖", f"{size:.0f} m² of the region are not covered"
            )
            yield Finding(0, None, "gap", detail, "geometry", _place(part))


def _strips(around: Neighbourhood, rejected: Collection[int]) -> Iterator[Strip]:
    starts, ends = around.boxes[:, 0], around.boxes[:, 2]
    present = np.isfinite(starts) & ~np.isin(around.rows, sorted(rejected))
    ordered = np.sort(starts[present])
    cuts = [-math.inf, *dict.fromkeys(map(float, ordered[STRIP_ROWS::STRIP_ROWS])), math.inf]
    for west, east in pairwise(cuts):
        members = present & (starts < east) & (ends >= west)
        yield _load(around, west, east, members)


def _load(around: Neighbourhood, west: float, east: float, members: NDArray[np.bool_]) -> Strip:
    wanted = around.rows[members]
    begins = dict(zip(wanted.tolist(), around.boxes[members, 0].tolist(), strict=True))
    rows: list[int] = []
    codes: list[str] = []
    wkb: list[bytes] = []
    for block in read_blocks(around.path, COLUMNS):
        for value, row, code in block:
            if row in begins and value is not None:
                rows.append(row)
                codes.append(code)
                wkb.append(value)
    shapes: Any = shapely.from_wkb(np.array(wkb, dtype=object))
    areal = shapely.get_dimensions(shapes) == AREAL if len(wkb) else np.zeros(0, bool)
    kept = np.flatnonzero(areal)
    numbers = np.array(rows, dtype=np.int64)[kept]
    return Strip(
        west,
        east,
        numbers,
        [codes[index] for index in kept],
        np.asarray(shapes, dtype=object)[kept],
        np.array([begins[row] for row in numbers.tolist()], dtype=np.float64),
    )


def _square_metres(shape: Any) -> float:
    """About how large a small area in degrees is."""
    _, south, _, north = shapely.bounds(shape)
    narrowing = math.cos(math.radians((south + north) / 2))
    return float(shapely.area(shape)) * METRES_PER_DEGREE**2 * narrowing


def _place(shape: Any) -> tuple[float, float]:
    point = shapely.point_on_surface(shape)
    return round(point.x, 7), round(point.y, 7)

"""What lies along a corridor's path and beside it, how wide it may be, and the name it has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType

import numpy as np
import shapely
from scipy import ndimage
from shapely.geometry.base import BaseGeometry

from shanhai.errors import InvalidInput
from shanhai.science import grid
from shanhai.science.corridors.cost_kernels import Labels
from shanhai.science.corridors.paths import crossed_cells
from shanhai.science.corridors.spacing import Spacing
from shanhai.science.landcover import NODATA, LandCover, is_built_up

LONGEST_BUILT_UP_M = 100.0
"""Length of a built-up stretch from which it breaks a corridor."""


@dataclass(frozen=True, slots=True)
class PathCourse:
    """The cells a path goes through, in order.

    Attributes:
        cells: Rows and columns, shape (n, 2), with those that knight's moves cross.
        lengths_m: Length of the path in each, m.
    """

    cells: grid.IntArray
    lengths_m: grid.FloatArray

    def share_in(self, mask: grid.BoolArray) -> float:
        """Share of the length in the cells of a mask, 0–1; 0 for a path without length."""
        whole = self.lengths_m.sum()
        inside = mask[self.cells[:, 0], self.cells[:, 1]]
        return float(self.lengths_m[inside].sum() / whole) if whole else 0.0


@dataclass(frozen=True, slots=True)
class PathStretch:
    """A part of a path.

    Attributes:
        cells: Rows and columns, shape (n, 2).
        length_m: Of the path in them, m.
    """

    cells: grid.IntArray
    length_m: float


def course_of(cells: grid.IntArray, spacing: Spacing) -> PathCourse:
    """The cells of a path with the length of the path in each.

    A step lies in equal parts in the cells it goes through, a diagonal in its two ends.

    Args:
        cells: Rows and columns of the path, shape (n, 2).
        spacing: Size of the cells.
    """
    through: list[grid.IntArray] = [cells[0]]
    lengths = [0.0]
    for start, end in pairwise(cells):
        down, across = (end - start).tolist()
        whole = spacing.lengths_m(start[:1], down, across)[0]
        entered = [*crossed_cells(start, end), end]
        part = whole / (len(entered) + 1)
        lengths[-1] += part
        through += entered
        lengths += [part] * len(entered)
    return PathCourse(np.array(through), np.array(lengths))


def built_up_stretches(
    course: PathCourse, land_cover: grid.ClassArray, longest_m: float = LONGEST_BUILT_UP_M
) -> tuple[PathStretch, ...]:
    """Runs of built-up cells in which a path is longer than `longest_m`, in its order.

    Args:
        course: Of the path.
        land_cover: Internal codes of the raster.
        longest_m: Metres.
    """
    built_up = is_built_up(land_cover[course.cells[:, 0], course.cells[:, 1]])
    edges = np.flatnonzero(np.diff(np.concatenate([[False], built_up, [False]])))
    runs = [slice(first, last) for first, last in edges.reshape(-1, 2).tolist()]
    found = (PathStretch(course.cells[run], float(course.lengths_m[run].sum())) for run in runs)
    return tuple(stretch for stretch in found if stretch.length_m > longest_m)


def saddles(cells: grid.IntArray, zones: Labels, cost: grid.FloatArray) -> grid.IntArray:
    """Cells where a path goes from one zone of least cost to another, shape (n, 2).

    The path is there farthest by cost from both sources: of the two cells at the border the one of
    higher cost is given, of equal ones the first.

    Args:
        cells: Rows and columns of the path.
        zones: Number of the source each cell is nearest to.
        cost: From that source.
    """
    row, col = cells.T
    border = np.flatnonzero(np.diff(zones[row, col]))
    later = cost[row[border + 1], col[border + 1]] > cost[row[border], col[border]]
    higher: grid.IntArray = cells[border + later]
    return higher


SEVERITY: Mapping[str, int] = MappingProxyType(
    {"motorway": 3, "rail": 3, "trunk": 3, "primary": 2, "secondary": 1}
)
"""How much a line of each class hinders animals, 1–3; lines of other classes break nothing."""

_POINT, _LINE = 0, 1
"""Kinds of geometry as Shapely numbers them."""

MERGE_M = 60.0
"""Metres along the path within which crossings are one break point, as of two carriageways."""


@dataclass(frozen=True, slots=True)
class Road:
    """A road or railway.

    Attributes:
        line: LineString or MultiLineString, m.
        road_class: As `SEVERITY` names it, or any other.
        on_structure: Whether it runs on a viaduct or in a tunnel there, so that it can be passed.
    """

    line: BaseGeometry
    road_class: str
    on_structure: bool = False


@dataclass(frozen=True, slots=True)
class BreakPoint:
    """A place where a path crosses roads.

    Attributes:
        x: Easting, m.
        y: Northing, m.
        along_m: From the start of the path, m.
        road_class: The most severe of the crossed lines.
        severity: 1–3.
        crossings: How many crossings were merged.
    """

    x: float
    y: float
    along_m: float
    road_class: str
    severity: int
    crossings: int


def break_points(
    line: grid.FloatArray, roads: Sequence[Road], merge_m: float = MERGE_M
) -> tuple[BreakPoint, ...]:
    """Where a path crosses roads and railways of at least secondary class, in its order.

    Crossings that follow one another within `merge_m` are one, midway between first and last.
    Where path and road run together, the middle of the stretch is the crossing.

    Args:
        line: Eastings and northings of the path, m, shape (n, 2).
        roads: All that may cross it.
        merge_m: Metres, at least 0.

    Raises:
        InvalidInput: `merge_m` is negative.
    """
    if not merge_m >= 0:
        raise InvalidInput(
            f"merge_m is {merge_m}; it must be at least 0",
            message_zh=f"merge_m 为 {merge_m}，不得为负",
            pointer="/merge_m",
        )
    path = shapely.LineString(line)
    found = _crossings(
        path, [road for road in roads if road.road_class in SEVERITY and not road.on_structure]
    )
    if not found:
        return ()
    along = np.array([at for at, _ in found])
    groups = np.split(np.arange(len(found)), np.flatnonzero(np.diff(along) > merge_m) + 1)
    return tuple(_merged(path, [found[i] for i in group]) for group in groups)


def _crossings(path: shapely.LineString, roads: Sequence[Road]) -> list[tuple[float, str]]:
    """Distance along the path and class of every crossing, ascending."""
    near: grid.IntArray = shapely.STRtree([road.line for road in roads]).query(path, "intersects")
    found: list[tuple[float, str]] = []
    for number in near.tolist():
        for point in _middles(shapely.intersection(path, roads[number].line)):
            at = shapely.line_locate_point(path, point)
            found.append((float(at), roads[number].road_class))
    return sorted(found)


def _middles(met: BaseGeometry) -> list[shapely.Point]:
    """Each point of an intersection, and the middle of each stretch."""
    parts = shapely.get_parts(met)
    kinds = shapely.get_type_id(parts)
    stretches = shapely.line_merge(shapely.multilinestrings(parts[kinds == _LINE]))
    middles = shapely.line_interpolate_point(shapely.get_parts(stretches), 0.5, normalized=True)
    return [*parts[kinds == _POINT], *middles]


def _merged(path: shapely.LineString, group: list[tuple[float, str]]) -> BreakPoint:
    along_m = (group[0][0] + group[-1][0]) / 2
    point = shapely.line_interpolate_point(path, along_m)
    # Of equally severe classes the first by name.
    worst = min({road_class for _, road_class in group}, key=lambda one: (-SEVERITY[one], one))
    return BreakPoint(point.x, point.y, along_m, worst, SEVERITY[worst], len(group))


BANDS_M = (30.0, 60.0, 100.0, 200.0, 400.0, 800.0)
"""Metres on either side of a path; common practice."""

MOST_BUILT_UP = 0.10
LEAST_NATURAL = 0.60
"""Shares of a band that a recommended width keeps to; common practice."""

NATURAL = frozenset(LandCover) - {LandCover.CROPLAND, LandCover.BUILT_UP, LandCover.BARE}


@dataclass(frozen=True, slots=True)
class CorridorBand:
    """The land within a distance of a path.

    Attributes:
        reach_m: Metres on either side.
        area_ha: Of known land cover, ha.
        shares: By class, 0–1, of the known area; classes that occur.
    """

    reach_m: float
    area_ha: float
    shares: Mapping[LandCover, float]

    @property
    def built_up(self) -> float:
        """Share that is built-up, 0–1."""
        return self.shares.get(LandCover.BUILT_UP, 0.0)

    @property
    def natural(self) -> float:
        """Share that is neither cropland, built-up nor bare, 0–1."""
        return sum(share for cover, share in self.shares.items() if cover in NATURAL)


@dataclass(frozen=True, slots=True)
class Recommendation:
    """How wide a corridor the land allows.

    Attributes:
        reach_m: Metres on either side of the path.
        is_met: Whether that band keeps to the shares; else it is the narrowest, for want of one.
    """

    reach_m: float
    is_met: bool


def land_along(
    cells: grid.IntArray,
    land_cover: grid.ClassArray,
    cell: grid.FloatArray,
    bands_m: Sequence[float] = BANDS_M,
) -> tuple[CorridorBand, ...]:
    """Land cover within distances of a path, each band from the path outwards.

    A cell belongs to a band when its centre lies within the distance of the centre of a cell of the
    path. Sea and nodata (0) are left out.

    Args:
        cells: Rows and columns of the path, shape (n, 2).
        land_cover: Internal codes of the raster.
        cell: Height and width of a cell, m.
        bands_m: Metres on either side, above 0.

    Raises:
        InvalidInput: a band is not above 0, or there is none.
    """
    if not bands_m or not min(bands_m) > 0:
        raise InvalidInput(
            f"bands_m is {list(bands_m)}; at least one band is needed, all above 0",
            message_zh=f"bands_m 为 {list(bands_m)}，至少需一个，且均须大于 0",
            pointer="/bands_m",
        )
    window, distance = _distance_from(cells, land_cover.shape, cell, max(bands_m))
    codes = land_cover[window]
    area_ha = float(cell[0] * cell[1]) / grid.SQUARE_METRES_PER_HECTARE
    return tuple(_band(codes[distance <= reach_m], reach_m, area_ha) for reach_m in sorted(bands_m))


def recommended_width(bands: Sequence[CorridorBand]) -> Recommendation:
    """The widest band with at most 10 % built-up and at least 60 % natural land.

    Where none is, the narrowest one, not met. A band without known land does not keep to them.
    """
    for band in sorted(bands, key=lambda band: -band.reach_m):
        if band.area_ha and band.built_up <= MOST_BUILT_UP and band.natural >= LEAST_NATURAL:
            return Recommendation(band.reach_m, is_met=True)
    return Recommendation(min(band.reach_m for band in bands), is_met=False)


def covered_share(inside: grid.BoolArray, mask: grid.BoolArray) -> float:
    """Share of the cells of a swath that lie in a mask, such as a control line; 0 of no cell."""
    cells = np.count_nonzero(inside)
    return np.count_nonzero(inside & mask) / cells if cells else 0.0


def _band(codes: grid.ClassArray, reach_m: float, cell_ha: float) -> CorridorBand:
    counts = np.bincount(codes, minlength=len(LandCover) + 1)
    counts[NODATA] = 0
    known = int(counts.sum())
    shares = {cover: int(counts[cover]) / known for cover in LandCover if counts[cover]}
    return CorridorBand(reach_m, known * cell_ha, shares)


def _distance_from(
    cells: grid.IntArray, shape: tuple[int, ...], cell: grid.FloatArray, reach_m: float
) -> tuple[tuple[slice, slice], grid.FloatArray]:
    """The window within reach of a path, and the distance of its cells to the path, m."""
    margin = np.ceil(reach_m / cell).astype(np.int64)
    low = np.maximum(cells.min(axis=0) - margin, 0)
    high = np.minimum(cells.max(axis=0) + margin + 1, shape)
    off = np.ones(high - low, dtype=bool)
    off[tuple((cells - low).T)] = False
    distance: grid.FloatArray = ndimage.distance_transform_edt(off, sampling=cell)
    return (slice(low[0], high[0]), slice(low[1], high[1])), distance


LEAST_OVERLAP = 0.5
"""Share of the smaller of two swaths that both must cover to be one corridor."""


def match_names(
    swaths: Mapping[tuple[int, int], BaseGeometry],
    named: Mapping[str, BaseGeometry],
    least_overlap: float = LEAST_OVERLAP,
) -> dict[tuple[int, int], str]:
    """Official names of computed corridors, by link.

    Pairs of largest overlap are matched first, each corridor and each name at most once; of equal
    overlaps the lower link, then the name first in order.

    Args:
        swaths: Footprint of each link, m.
        named: Footprint of each named corridor, m.
        least_overlap: Common area over that of the smaller footprint, 0–1.
    """
    candidates = sorted(
        (-share, link, name)
        for link, swath in swaths.items()
        for name, footprint in named.items()
        if (share := _overlap(swath, footprint)) >= least_overlap
    )
    found: dict[tuple[int, int], str] = {}
    for _, link, name in candidates:
        if link not in found and name not in found.values():
            found[link] = name
    return dict(sorted(found.items()))


def _overlap(one: BaseGeometry, other: BaseGeometry) -> float:
    smaller = min(shapely.area(one), shapely.area(other))
    return float(shapely.area(shapely.intersection(one, other)) / smaller) if smaller else 0.0

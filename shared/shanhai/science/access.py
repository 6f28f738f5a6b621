"""Green space within reach of people, in both directions, and minutes by road or on foot."""

from dataclasses import dataclass
from functools import partial
from heapq import heappop, heappush

import numpy as np

from shanhai.science.focal import gaussian_sum
from shanhai.science.grid import (
    SQUARE_METRES_PER_HECTARE,
    BoolArray,
    ClassArray,
    FloatArray,
    Window,
)
from shanhai.science.hydrology.tiles import (
    TILE_CELLS,
    Found,
    LayerStore,
    Run,
    TileLayout,
    lines_of,
    set_ring,
    settle,
)
from shanhai.science.kernels import compiled
from shanhai.science.landcover import NODATA, is_built_up, is_water
from shanhai.science.terrain import slope_degrees


def people_within_reach(*, population: FloatArray, reach_m: float, cell_m: float) -> FloatArray:
    """People who can reach a cell, the nearer the more of them, `Σ_k P_k·f(d_jk)`.

    Args:
        population: Persons/cell; NaN are none.
        reach_m: Distance d0 at which f falls to 0, m.
        cell_m: Side of a cell, m.

    Returns:
        Persons, ≥ 0, known everywhere. Sums are not corrected at the edge of the raster.

    Source: InVEST urban nature access.
    """
    return gaussian_sum(population, reach_m, cell_m)


def nature_per_person(*, nature_m2: FloatArray, people_within_reach: FloatArray) -> FloatArray:
    """Green space of a cell for each of the people who can reach it.

    Args:
        nature_m2: Green space of the cell, m².
        people_within_reach: Persons; fewer than one count as one.

    Returns:
        m²/person; NaN where green space is.

    Source: InVEST urban nature access.
    """
    return nature_m2 / np.maximum(people_within_reach, 1.0)


def nature_within_reach(
    *, nature_per_person: FloatArray, reach_m: float, cell_m: float
) -> FloatArray:
    """Green space a person of a cell has within reach, `A_i = Σ_j R_j·f(d_ij)`.

    Args:
        nature_per_person: R_j, m²/person; NaN adds nothing.
        reach_m: Distance d0 at which f falls to 0, m.
        cell_m: Side of a cell, m.

    Returns:
        m²/person, ≥ 0; NaN where R is. Sums are not corrected at the edge of the raster.

    Source: InVEST urban nature access.
    """
    near = gaussian_sum(nature_per_person, reach_m, cell_m)
    return np.where(np.isnan(nature_per_person), np.nan, near)


def nature_supplied(
    *, nature_within_reach: FloatArray, population: FloatArray, cell_m: float
) -> FloatArray:
    """Green space the people of a cell have, `A_i·P_i/A_ha`.

    Args:
        nature_within_reach: m²/person.
        population: Persons/cell.
        cell_m: Side of a cell, m.

    Returns:
        m²/ha, ≥ 0; NaN where an input is.
    """
    return nature_within_reach * population / (cell_m**2 / SQUARE_METRES_PER_HECTARE)


def nature_demanded(*, population: FloatArray, nature_standard: float, cell_m: float) -> FloatArray:
    """Green space the people of a cell are to have, `g_cap·P_i/A_ha`.

    Args:
        population: Persons/cell.
        nature_standard: g_cap, m²/person.
        cell_m: Side of a cell, m.

    Returns:
        m²/ha, ≥ 0; NaN stays NaN.
    """
    return nature_standard * population / (cell_m**2 / SQUARE_METRES_PER_HECTARE)


_DIAGONAL = np.sqrt(2.0)


@compiled
def spread_minutes(minutes: FloatArray, pace: FloatArray, cell_m: float) -> None:
    """Lower every cell to the quickest way from the cells that have a time already, in place.

    A step costs the mean pace of its two cells over the distance of their centres (Dijkstra 1959,
    eight neighbours). Sums run along the way, so the result is the one state in which no step
    helps, whatever was searched before and in whichever part of a raster.

    Args:
        minutes: Time so far, min; infinite where none is known.
        pace: min/m; infinite where there is no way.
        cell_m: Side of a cell, m.
    """
    height, width = minutes.shape
    waiting = [(0.0, 0)]
    waiting.pop()
    for row in range(height):
        for col in range(width):
            if np.isfinite(minutes[row, col]) and _leads_on(minutes, row, col):
                heappush(waiting, (minutes[row, col], row * width + col))
    while waiting:
        time, at = heappop(waiting)
        row, col = at // width, at % width
        if time > minutes[row, col]:
            continue
        for down in range(max(row - 1, 0), min(row + 2, height)):
            for across in range(max(col - 1, 0), min(col + 2, width)):
                if down == row and across == col:
                    continue
                step = cell_m if down == row or across == col else cell_m * _DIAGONAL
                later = time + step * (0.5 * (pace[row, col] + pace[down, across]))
                if later < minutes[down, across]:
                    minutes[down, across] = later
                    heappush(waiting, (later, down * width + across))


@compiled
def _leads_on(minutes: FloatArray, row: int, col: int) -> bool:
    """Whether a neighbour is later: the inside of a town need not be searched."""
    height, width = minutes.shape
    for down in range(max(row - 1, 0), min(row + 2, height)):
        for across in range(max(col - 1, 0), min(col + 2, width)):
            if minutes[down, across] > minutes[row, col]:
                return True
    return False


MINUTES = "travel_minutes"
LAND_COVER, DEM, ROADS, MAIN_ROADS = "land_cover", "dem", "roads", "main_roads"

_STEEPNESS = 3.5
_SLOPE_HALO = 1
_RING = 1


@dataclass(frozen=True, slots=True)
class Speeds:
    """How fast one gets on, km/h.

    Attributes:
        main_road: On a main road.
        minor_road: On another road.
        walking: Off the roads on level ground.
    """

    main_road: float
    minor_road: float
    walking: float


def pace(
    land_cover: ClassArray,
    slope: FloatArray,
    roads: FloatArray,
    main_roads: FloatArray | None,
    speeds: Speeds,
) -> FloatArray:
    """Minutes a metre takes.

    On foot the speed falls with the slope, by `exp(−3.5·tan θ)` (Tobler 1993, both directions
    alike); water and sea can only be crossed on a road.

    Args:
        land_cover: Internal codes; 0 is sea or nodata.
        slope: Degrees; NaN counts as level.
        roads: Above 0 on a road.
        main_roads: Above 0 on a main road; none when not given.
        speeds: km/h.

    Returns:
        min/m, > 0; infinite where there is no way.
    """
    gradient = np.tan(np.radians(np.nan_to_num(slope, nan=0.0)))
    on_foot = _minutes_per_metre(speeds.walking) * np.exp(_STEEPNESS * gradient)
    closed: BoolArray = (land_cover == NODATA) | is_water(land_cover)
    way = np.where(closed, np.inf, on_foot)
    way = np.where(roads > 0, _minutes_per_metre(speeds.minor_road), way)
    if main_roads is None:
        return way
    return np.where(main_roads > 0, _minutes_per_metre(speeds.main_road), way)


def travel_minutes(
    *,
    land_cover: ClassArray,
    dem: FloatArray,
    roads: FloatArray,
    main_road_kmh: float,
    minor_road_kmh: float,
    walking_kmh: float,
    cell_m: float,
    main_roads: FloatArray | None = None,
) -> FloatArray:
    """Minutes from the nearest built-up cell by the quickest way.

    Args:
        land_cover: Internal codes; 0 is sea or nodata.
        dem: Elevation, m; NaN counts as level.
        roads: Above 0 on a road.
        main_road_kmh: Speed on main roads, km/h.
        minor_road_kmh: Speed on other roads, km/h.
        walking_kmh: Speed off the roads on level ground, km/h.
        cell_m: Side of a cell, m.
        main_roads: Above 0 on a main road.

    Returns:
        Minutes, 0 in built-up cells; infinite where no way leads to one.

    Source: cost distance (Dijkstra 1959), speeds status E.
    """
    speeds = Speeds(main_road_kmh, minor_road_kmh, walking_kmh)
    slope = slope_degrees(dem, cell_m)
    minutes = np.where(is_built_up(land_cover), 0.0, np.inf)
    spread_minutes(minutes, pace(land_cover, slope, roads, main_roads, speeds), cell_m)
    return minutes


def write_travel_minutes(
    layers: LayerStore,
    shape: tuple[int, int],
    *,
    main_road_kmh: float,
    minor_road_kmh: float,
    walking_kmh: float,
    cell_m: float,
    with_main_roads: bool = False,
    tile: int = TILE_CELLS,
    run: Run = map,
) -> None:
    """Write `travel_minutes` tile by tile, the same values whatever the side of a tile.

    Tiles tell one another the times on their edges until none gets any shorter.

    Args:
        layers: Reads `land_cover`, `dem` and `roads`, and `main_roads` if there are any.
        shape: Rows and columns of the raster.
        main_road_kmh: As in `travel_minutes`.
        minor_road_kmh: As in `travel_minutes`.
        walking_kmh: As in `travel_minutes`.
        cell_m: Side of a cell, m.
        with_main_roads: Whether there is a layer `main_roads`.
        tile: Side of a tile, cells.
        run: Maps a picklable function over a sequence, results in order.
    """
    speeds = Speeds(main_road_kmh, minor_road_kmh, walking_kmh)
    search = _Search(layers, TileLayout(*shape, tile), speeds, cell_m, with_main_roads)
    settle(search.tiles, search.write, np.inf, run)


@dataclass(frozen=True, slots=True)
class _Search:
    """The search in one tile, given the times just outside it."""

    layers: LayerStore
    tiles: TileLayout
    speeds: Speeds
    cell_m: float
    with_main_roads: bool

    def write(self, item: tuple[Window, FloatArray]) -> Found:
        """Store the times of a tile and tell those along its edges.

        They may rest on every cell around the tile, and what was stored last rests on the end.
        """
        window, ring = item
        minutes = self._minutes(window, ring)
        self.layers.write(MINUTES, window, minutes)
        return lines_of(minutes), np.ones(ring.shape, dtype=bool)

    def _minutes(self, window: Window, ring: FloatArray) -> FloatArray:
        cover = self._codes(window)
        minutes = np.where(is_built_up(cover), 0.0, np.inf)
        set_ring(minutes, ring)
        spread_minutes(minutes, self._pace(window, cover), self.cell_m)
        return np.ascontiguousarray(minutes[_RING:-_RING, _RING:-_RING])

    def _codes(self, window: Window) -> ClassArray:
        return np.nan_to_num(self._read(LAND_COVER, window, _RING), nan=NODATA).astype(np.uint8)

    def _pace(self, window: Window, cover: ClassArray) -> FloatArray:
        dem = self._read(DEM, window, _RING + _SLOPE_HALO)
        slope = slope_degrees(dem, self.cell_m)[_SLOPE_HALO:-_SLOPE_HALO, _SLOPE_HALO:-_SLOPE_HALO]
        main_roads = self._read(MAIN_ROADS, window, _RING) if self.with_main_roads else None
        return pace(cover, slope, self._read(ROADS, window, _RING), main_roads, self.speeds)

    def _read(self, name: str, window: Window, halo: int) -> FloatArray:
        return self.tiles.read(self.layers, name, window, halo)


def _minutes_per_metre(kmh: float) -> float:
    return 60.0 / (1000.0 * kmh)


write_with_main_roads = partial(write_travel_minutes, with_main_roads=True)
"""`write_travel_minutes` for an area whose main roads are known."""

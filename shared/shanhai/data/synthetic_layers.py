"""The cells of a demonstration region, their land cover, and layers nobody measured."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from scipy import ndimage
from shapely import MultiPolygon

from shanhai.data.regions import CELL_M, MARGIN_M, DemoRegion
from shanhai.data.themes import COAST_SPACING_M
from shanhai.data.vector_layers import PopulatedPlace
from shanhai.errors import InvalidInput
from shanhai.science.climate import annual_mean, annual_total, miami_npp
from shanhai.science.grid import BoolArray, ClassArray, FloatArray, Grid, analysis_grid
from shanhai.science.landcover import NODATA, LandCover

_GEOGRAPHIC = "EPSG:4326"


@dataclass(frozen=True, slots=True)
class RegionCells:
    """A grid, the position of its cell centres, and masks of one value per cell.

    `land` includes `water`, the fresh water; what is not land is sea. `unit` is 0 outside the
    region, else one more than the unit's place in the region's list.
    """

    grid: Grid
    longitude: FloatArray
    latitude: FloatArray
    land: BoolArray
    water: BoolArray
    unit: NDArray[np.uint8]

    @property
    def dry_land(self) -> BoolArray:
        """Land that is not fresh water."""
        return self.land & ~self.water


def demo_grid(region: DemoRegion, outlines: Sequence[MultiPolygon]) -> Grid:
    """The grid of 100 m cells over the region's units and 2 km around them."""
    to_metric = pyproj.Transformer.from_crs(_GEOGRAPHIC, region.grid_crs, always_xy=True)
    coordinates = np.concatenate([shapely.get_coordinates(outline) for outline in outlines])
    easting, northing = to_metric.transform(coordinates[:, 0], coordinates[:, 1])
    bounds = (
        float(easting.min()) - MARGIN_M,
        float(northing.min()) - MARGIN_M,
        float(easting.max()) + MARGIN_M,
        float(northing.max()) + MARGIN_M,
    )
    return analysis_grid(bounds, region.metric_epsg, CELL_M)


def survey_ground(
    grid: Grid, outlines: Sequence[MultiPolygon], dry: MultiPolygon, fresh: MultiPolygon
) -> RegionCells:
    """Find the unit, land and fresh water under every cell centre of `grid`.

    Args:
        grid: The analysis grid.
        outlines: The units, WGS 84; where two overlap the first one counts.
        dry: Dry land, WGS 84.
        fresh: Inland water, WGS 84; what is neither is sea.
    """
    longitude, latitude = cell_centres(grid)
    unit = np.zeros(grid.shape, dtype=np.uint8)
    for number, outline in enumerate(outlines, start=1):
        unit[(unit == 0) & _inside(outline, longitude, latitude)] = number
    water = _inside(fresh, longitude, latitude)
    land = water | _inside(dry, longitude, latitude)
    return RegionCells(grid, longitude, latitude, land, water, unit)


def cell_centres(grid: Grid) -> tuple[FloatArray, FloatArray]:
    """Longitude and latitude of every cell centre, WGS 84 degrees."""
    west, _, _, north = grid.bounds
    easting = west + (np.arange(grid.width) + 0.5) * grid.cell_m
    northing = north - (np.arange(grid.height) + 0.5) * grid.cell_m
    to_degrees = pyproj.Transformer.from_crs(f"EPSG:{grid.epsg}", _GEOGRAPHIC, always_xy=True)
    longitude, latitude = to_degrees.transform(*np.meshgrid(easting, northing))
    return np.asarray(longitude), np.asarray(latitude)


def _inside(shape: MultiPolygon, longitude: FloatArray, latitude: FloatArray) -> BoolArray:
    shapely.prepare(shape)
    return np.asarray(shapely.contains_xy(shape, longitude, latitude))


KERNELS_M = (1_800.0, 4_500.0)
SMALLEST_PLACE = 1_000
HEIGHT_SCALE_M = 200.0
BUILT_UP_M2_PER_RESIDENT = 100.0
"""Urban construction land a resident takes; GB 50137-2011 plans 65 to 115 m²."""


def spread_population(
    ground: RegionCells,
    places: Sequence[PopulatedPlace],
    totals: Sequence[int],
    *,
    light: FloatArray,
    elevation_m: FloatArray,
    settled: BoolArray,
) -> FloatArray:
    """Persons per cell: the units' totals spread over their settled dry land.

    A cell's weight is the square root of the population of the places around it (kernels of 1.8
    and 4.5 km), times one plus the night light (0–1), damped by height above the lowest cell.

    Args:
        ground: The grid and its units.
        places: Populated places; those without a figure count as 1 000 persons.
        totals: Residents of each unit.
        light: Luminance per cell, any scale.
        elevation_m: Height per cell, m.
        settled: Cells people may live on; a unit without any is settled on all its dry land.

    Returns:
        NaN outside the units and on the sea; 0 where nobody lives. Sums equal the totals.

    Raises:
        InvalidInput: a unit has no dry land to live on.
    """
    weight = _settlement(ground, places) * (1 + _unit_range(light))
    weight *= np.exp(-(elevation_m - elevation_m[ground.dry_land].min()) / HEIGHT_SCALE_M)
    persons = np.where((ground.unit > 0) & ground.land, 0.0, np.nan)
    for number, total in enumerate(totals, start=1):
        cells = (ground.unit == number) & ground.dry_land
        if not cells.any():
            raise InvalidInput(f"unit {number} has no dry land to spread {total} residents over")
        if (cells & settled).any():
            cells &= settled
        persons[cells] = weight[cells] * (total / weight[cells].sum())
    return persons


def inferred_land_cover(
    ground: RegionCells, persons: FloatArray, *, green: FloatArray, elevation_m: FloatArray
) -> ClassArray:
    """Land cover as it is guessed where no map is at hand, in five classes of the internal legend.

    0 sea, 7 fresh water, 8 built-up on the most crowded cells until every resident has 100 m². Of
    the rest, what is higher and greener than the median of the region is 2 forest, else 1 cropland.

    Args:
        ground: The grid, land and water.
        persons: Persons per cell, NaN outside the region.
        green: Excess green per cell.
        elevation_m: Height per cell, m.
    """
    cover = np.full(ground.grid.shape, NODATA, dtype=np.uint8)
    score = _rank(green) + _rank(elevation_m)
    crowded = _most_crowded(persons, ground.grid.cell_area_m2)
    vegetated = ground.dry_land & ~crowded
    own = vegetated & (ground.unit > 0)
    middle = np.median(score[own]) if own.any() else 0.0
    cover[vegetated] = np.where(score[vegetated] > middle, LandCover.FOREST, LandCover.CROPLAND)
    cover[ground.dry_land & crowded] = LandCover.BUILT_UP
    cover[ground.water] = LandCover.WATER
    return cover


def mapped_land_cover(
    ground: RegionCells, mapped: ClassArray, inferred: ClassArray, step_m: float
) -> ClassArray:
    """A coarse map's land cover with the polygons' coast and waters, internal legend.

    The polygons decide what is sea (0) and fresh water (7). Their dry land has the map's class;
    where the map has its water within the coast's error of the sea, or nothing, it is a shore the
    map's cell was too large for: it takes the inferred class where the map has that class within a
    cell of its own, else the map's nearest class of land.

    Args:
        ground: The grid, land and water.
        mapped: The map's class of each cell; its water has one code, sea or not.
        inferred: The class guessed for each cell.
        step_m: Side of the map's cells, m.

    Raises:
        InvalidInput: the map has no class of land here.
    """
    known = ground.dry_land & (mapped != NODATA) & (mapped != LandCover.WATER)
    if not known.any():
        raise InvalidInput("the map of land cover has no class of land in the region")
    shore = ground.dry_land & (mapped == NODATA)
    if not ground.land.all():
        to_sea_m = ndimage.distance_transform_edt(ground.land) * ground.grid.cell_m
        shore |= ground.dry_land & (mapped == LandCover.WATER) & (to_sea_m <= COAST_SPACING_M)
    cover = np.where(ground.dry_land, mapped, NODATA).astype(np.uint8)
    nearest = ndimage.distance_transform_edt(~known, return_distances=False, return_indices=True)
    cover[shore] = mapped[tuple(nearest)][shore]
    reach = 2 * round(step_m / ground.grid.cell_m) + 1
    for code in np.unique(inferred[shore]).tolist():
        near = ndimage.maximum_filter(known & (mapped == code), size=reach)
        cover[shore & (inferred == code) & near] = code
    cover[ground.water] = LandCover.WATER
    return cover


def potential_npp(
    ground: RegionCells, temperature_c: FloatArray, rainfall_mm: FloatArray
) -> FloatArray:
    """Net primary productivity the climate allows (Miami model), gC/m²/yr; NaN on the sea.

    Args:
        ground: The grid and its land.
        temperature_c: Monthly means per cell, °C.
        rainfall_mm: Monthly totals per cell, mm.
    """
    npp = miami_npp(annual_mean(temperature_c), annual_total(rainfall_mm))
    return np.where(ground.land, npp, np.nan)


def _settlement(ground: RegionCells, places: Sequence[PopulatedPlace]) -> FloatArray:
    west, _, _, north = ground.grid.bounds
    cell = ground.grid.cell_m
    easting = west + (np.arange(ground.grid.width) + 0.5) * cell
    northing = north - (np.arange(ground.grid.height) + 0.5) * cell
    to_metric = pyproj.Transformer.from_crs("EPSG:4326", f"EPSG:{ground.grid.epsg}", always_xy=True)
    weight = np.zeros(ground.grid.shape)
    for place in places:
        x, y = to_metric.transform(place.longitude, place.latitude)
        size = np.sqrt(max(place.population, SMALLEST_PLACE))
        for reach in KERNELS_M:
            # A Gaussian of two coordinates is the product of one in each.
            column = np.exp(-0.5 * ((northing - y) / reach) ** 2)
            row = np.exp(-0.5 * ((easting - x) / reach) ** 2)
            weight += size * np.outer(column, row)
    return weight


def _most_crowded(persons: FloatArray, cell_area_m2: float) -> BoolArray:
    inhabited = np.nan_to_num(persons)
    count = round(inhabited.sum() * BUILT_UP_M2_PER_RESIDENT / cell_area_m2)
    chosen = np.argsort(-inhabited, axis=None, kind="stable")[:count]
    crowded = np.zeros(persons.size, dtype=np.bool_)
    crowded[chosen] = True
    return crowded.reshape(persons.shape) & (inhabited > 0)


def _unit_range(values: FloatArray) -> FloatArray:
    low, high = float(values.min()), float(values.max())
    return (values - low) / (high - low) if high > low else np.zeros_like(values)


def _rank(values: FloatArray) -> FloatArray:
    order = np.argsort(values, axis=None, kind="stable")
    ranks = np.empty(values.size)
    ranks[order] = np.linspace(0.0, 1.0, values.size)
    return ranks.reshape(values.shape)

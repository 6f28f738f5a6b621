"""The whole chain of indices up to the ratios, written once more from the specification in NumPy.

Nothing of the science package is used: windows, scratch files, limits and formulas of the pipeline
are compared with whole arrays in float64.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import shapely
from pyproj import Transformer
from scipy import ndimage
from shapely.geometry import shape

from shanhai.data.synthetic_watershed import Watershed
from shanhai.raster.geotiff import read_geotiff
from tests.support.process_runs import Run, compute

Array = Any
TOLERANCE = 1e-6
# Where many values lie close together a rank rises steeply with them.
OF_RANKS = 5e-6
RANKS = np.array([0.005, *np.arange(1, 20) / 20, 0.995])

KC = {1: 0.85, 2: 1.0, 3: 0.85, 4: 0.8, 5: 1.1, 6: 1.05, 7: 1.0, 8: 0.25, 9: 0.5}
NATURALNESS = {1: 0.3, 2: 1.0, 3: 0.8, 4: 0.7, 5: 0.9, 6: 1.0, 7: 0.8, 8: 0.05, 9: 0.2}
WATER, BUILT_UP = 7, 8
DAYS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31.0])
MIDDLES = [15, 46, 74, 105, 135, 166, 196, 227, 258, 288, 319, 349]


def centres(grid: Any) -> tuple[Array, Array]:
    columns = grid.west + (np.arange(grid.width) + 0.5) * grid.cell_m
    rows = grid.north - (np.arange(grid.height) + 0.5) * grid.cell_m
    return np.meshgrid(columns, rows)


def table(cover: Array, values: Mapping[int, float]) -> Array:
    return np.select([cover == code for code in values], list(values.values()), np.nan)


def horn_slope(z: Array, cell: float) -> Array:
    slope = np.full(z.shape, np.nan)
    for r in range(1, z.shape[0] - 1):
        for c in range(1, z.shape[1] - 1):
            (a, b, cc), (d, _, f), (g, h, i) = z[r - 1 : r + 2, c - 1 : c + 2]
            p = ((cc + 2 * f + i) - (a + 2 * d + g)) / (8 * cell)
            q = ((g + 2 * h + i) - (a + 2 * b + cc)) / (8 * cell)
            slope[r, c] = np.degrees(np.arctan(np.sqrt(p * p + q * q)))
    return slope


def relief_of(z: Array, radius: int) -> Array:
    relief = np.empty_like(z)
    for r in range(z.shape[0]):
        for c in range(z.shape[1]):
            near = z[max(0, r - radius) : r + radius + 1, max(0, c - radius) : c + radius + 1]
            relief[r, c] = near.max() - near.min()
    return relief


def erodibility(sand: Array, silt: Array, clay: Array, carbon: Array) -> Array:
    sn = 1 - sand / 100
    epic = (
        (0.2 + 0.3 * np.exp(-0.0256 * sand * (1 - silt / 100)))
        * (silt / (clay + silt)) ** 0.3
        * (1 - 0.25 * carbon / (carbon + np.exp(3.72 - 2.95 * carbon)))
        * (1 - 0.7 * sn / (sn + np.exp(-5.51 + 22.9 * sn)))
    )
    return np.maximum(0, 0.1317 * (-0.01383 + 0.51575 * epic))


def infiltration(sand: Array, silt: Array, clay: Array) -> Array:
    """Rank over 13 of the textures this watershed has, boundaries of the USDA triangle."""
    rank = np.full(sand.shape, 11)
    rank[(clay >= 7) & (clay < 27) & (silt >= 28) & (silt < 50) & (sand <= 52)] = 9
    rank[(clay >= 20) & (clay < 35) & (silt < 28) & (sand > 45)] = 10
    rank[(clay >= 27) & (clay < 40) & (sand > 20) & (sand <= 45)] = 5
    return rank / 13


def thornthwaite(months: Array, latitude: Array) -> Array:
    heat = sum((np.maximum(t, 0) / 5) ** 1.514 for t in months)
    power = 6.75e-7 * heat**3 - 7.71e-5 * heat**2 + 0.01792 * heat + 0.49239
    total = 0.0
    for t, days, middle in zip(months, DAYS, MIDDLES, strict=True):
        declination = 0.409 * np.sin(2 * np.pi / 365 * middle - 1.39)
        hours = 24 / np.pi * np.arccos(-np.tan(np.radians(latitude)) * np.tan(declination))
        warm = 16 * (10 * np.maximum(t, 0) / heat) ** power
        month = np.where(t >= 26.5, -415.85 + 32.24 * t - 0.43 * t * t, warm)
        total = total + month * hours / 12 * days / 30
    return total


def distance(mask: Array, cell: float, cutoff: float) -> Array:
    metres = ndimage.distance_transform_edt(~mask) * cell
    return np.where(metres <= cutoff, metres, np.inf)


class Reference:
    """Supply, demand and ratio of the seven services on the grid of the watershed's rasters."""

    def __init__(self, watershed: Watershed) -> None:
        self.grid = watershed.grid
        bands = {theme: read_geotiff(path).values for theme, path in watershed.rasters.items()}
        x, y = centres(self.grid)
        change = Transformer.from_crs(4548, 4490, always_xy=True)
        longitude, self.latitude = change.transform(x, y)
        cover = np.nan_to_num(bands["land_cover"][0]).astype(int)
        inside = shapely.contains_xy(shape(watershed.region.geometry), longitude, self.latitude)
        slope = horn_slope(bands["dem"][0], self.grid.cell_m)
        self.valid = inside & (cover > 0) & np.isfinite(slope)
        self.supply, self.demand = self._services(bands, cover, slope)
        self.ratio = {
            name: self._ratio(self.supply[name], self.demand[name]) for name in self.supply
        }

    def n(self, values: Array) -> Array:
        # The specification keeps layers on disk as float32, and the pipeline works from disk.
        values = values.astype(np.float32).astype(np.float64)
        low, high = np.percentile(values[self.valid], [0.5, 99.5])
        return np.clip((values - low) / (high - low), 0, 1) if high > low else values * 0

    def cover_fraction(self, ndvi: Array, cover: Array) -> Array:
        soil, full = np.percentile(ndvi[self.valid & (cover != WATER)], [5, 95])
        return np.clip((ndvi - soil) / (full - soil), 0, 1)

    def _services(
        self, bands: Mapping[str, Array], cover: Array, slope: Array
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        n, cell, area_ha = self.n, self.grid.cell_m, self.grid.cell_m**2 / 10_000
        rain, heat = bands["rainfall"], bands["temperature"]
        annual, mean_t = rain.sum(axis=0), (heat * DAYS[:, None, None]).sum(axis=0) / 365
        npp, p, t = n(bands["npp"][0]), n(annual), n(mean_t)
        z, steep = n(bands["dem"][0]), n(slope)
        r = n(0.3589 * ((rain**2).sum(axis=0) / annual) ** 1.9462)
        k, sic = n(erodibility(*bands["soil"])), infiltration(*bands["soil"][:3])
        lit = n(np.log(1 + np.maximum(bands["night_lights"][0], 0)))
        e = n(np.log(1 + bands["population"][0] / area_ha))
        fvc = self.cover_fraction(bands["ndvi"][0], cover)
        et = n(table(cover, KC) * thornthwaite(heat, self.latitude))
        hard = (cover == WATER) | (cover == BUILT_UP)
        to_water = distance((cover == 0) | (cover == WATER), cell, 5_000)
        to_people = distance(cover == BUILT_UP, cell, 10_000)
        relief = n(relief_of(bands["dem"][0], round(500 / cell)))
        rp = 0.5 * table(cover, NATURALNESS) + 0.2 * np.exp(-to_water / 500) + 0.15 * relief
        supply = {
            "water_conservation": npp * sic * p * (1 - steep),
            "soil_retention": np.where(hard, 0, npp * (1 - k) * (1 - steep)),
            "cooling": n(0.5 * fvc + 0.5 * et),
            "carbon_sink": npp,
            "stormwater_regulation": fvc * sic * (1 - steep),
            "biodiversity": n(npp * p * t * (1 - z)),
            "recreation": rp * np.exp(-to_people / 2000),
        }
        demand = {
            "water_conservation": lit,
            "soil_retention": np.where(hard, 0, r * steep * (1 - fvc)),
            "cooling": t * lit,
            "carbon_sink": 0.6 * lit + 0.4 * e,
            "stormwater_regulation": p * lit,
            "biodiversity": (lit + e + (cover == BUILT_UP)) / 3,
            "recreation": 0.5 * e + 0.5 * lit,
        }
        return supply, demand

    def _ratio(self, supply: Array, demand: Array) -> Array:
        return self._rank(supply) - self._rank(demand)

    def _rank(self, values: Array) -> Array:
        single = values.astype(np.float32).astype(np.float64)
        knots = np.quantile(single[self.valid], RANKS)
        # Of equal knots one takes the first and the other the last: theirs is the middle.
        up = np.interp(single, knots, RANKS, 0, 1)
        return (up + np.interp(-single, -knots[::-1], RANKS[::-1], 1, 0)) / 2


@pytest.fixture(scope="module")
def indexed(
    unpictured: None, watershed: Watershed, tmp_path_factory: pytest.TempPathFactory
) -> Run:
    return compute(watershed.task({"profile": "index"}), tmp_path_factory.mktemp("index") / "work")


@pytest.fixture(scope="module")
def reference(watershed: Watershed) -> Reference:
    return Reference(watershed)


def cut(values: Array, run: Any, reference: Reference) -> Array:
    """The part of a whole array that the run's analysis grid covers."""
    aoi, grid = run.outcome.manifest["aoi"], reference.grid
    col = round((aoi["transform"][2] - grid.west) / grid.cell_m)
    row = round((grid.north - aoi["transform"][5]) / grid.cell_m)
    return values[row : row + aoi["height"], col : col + aoi["width"]]


def test_the_same_cells_are_valid(indexed: Any, reference: Reference) -> None:
    found = np.isfinite(read_geotiff(indexed.workspace / "ratio.tif").values[0])
    np.testing.assert_array_equal(found, cut(reference.valid, indexed, reference))
    assert found.sum() == reference.valid.sum()


@pytest.mark.parametrize("kind", ["supply", "demand", "ratio"])
@pytest.mark.parametrize(
    "service",
    [
        "water_conservation",
        "soil_retention",
        "cooling",
        "carbon_sink",
        "stormwater_regulation",
        "biodiversity",
        "recreation",
    ],
)
def test_a_service_agrees(indexed: Any, reference: Reference, service: str, kind: str) -> None:
    found = read_geotiff(indexed.workspace / f"{kind}.{service}.tif").values[0]
    expected = cut(getattr(reference, kind)[service], indexed, reference)
    known = np.isfinite(found)
    assert np.ptp(expected[known]) > 0.2
    assert np.abs(found - expected)[known].max() < (OF_RANKS if kind == "ratio" else TOLERANCE)


def test_the_comprehensive_ratio_is_the_mean_of_the_seven(
    indexed: Any, reference: Reference
) -> None:
    found = read_geotiff(indexed.workspace / "ratio.tif").values[0]
    mean = sum(reference.ratio.values()) / len(reference.ratio)
    difference = np.abs(found - cut(mean, indexed, reference))
    assert np.nanmax(difference) < OF_RANKS

"""Everything the demonstration takes from its packages, read once for all regions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyproj
from shapely import MultiPolygon

from shanhai.data import climate, imagery
from shanhai.data.bounding_boxes import Box
from shanhai.data.coast import Clip, clip_polygons
from shanhai.data.fields import GeographicField
from shanhai.data.packages import (
    BOUNDARIES,
    CLIMATE,
    LANDS,
    NIGHT_IMAGE,
    PLACES,
    TRUE_COLOUR,
    WATERBODIES,
    Package,
)
from shanhai.data.progress import Reporter
from shanhai.data.regions import DemoRegion
from shanhai.data.synthetic_layers import demo_grid
from shanhai.data.vector_layers import PopulatedPlace, read_districts, read_places
from shanhai.science.grid import Grid

_CLIP_MARGIN_DEG = 0.02
_BOX_DECIMALS = 4


@dataclass(frozen=True, slots=True)
class World:
    """Outlines by district number, polygons by region code, and fields of the whole Earth."""

    outlines: Mapping[int, MultiPolygon]
    grids: Mapping[str, Grid]
    lands: Mapping[str, Clip]
    waters: Mapping[str, Clip]
    elevation: GeographicField
    rainfall: GeographicField
    temperature: GeographicField
    rain_intensity: GeographicField
    true_colour: GeographicField
    night: GeographicField
    places: Sequence[PopulatedPlace]

    def unit_outlines(self, region: DemoRegion) -> list[MultiPolygon]:
        """The outlines of the region's units, in its order."""
        return [self.outlines[unit.adcode] for unit in region.units]


def read_world(
    archives: Mapping[Package, Path],
    regions: Sequence[DemoRegion],
    cache: Path,
    reporter: Reporter,
) -> World:
    """Read what the regions need from the packages' archives."""
    with reporter.step("district outlines"):
        adcodes = [unit.adcode for region in regions for unit in region.units]
        outlines = read_districts(archives[BOUNDARIES], adcodes)
    grids = {
        region.code: demo_grid(region, [outlines[unit.adcode] for unit in region.units])
        for region in regions
    }
    boxes = {code: clip_box(grid) for code, grid in grids.items()}
    with reporter.step("land polygons"):
        lands = clip_polygons(LANDS, archives[LANDS], boxes, cache)
    with reporter.step("water polygons"):
        waters = clip_polygons(WATERBODIES, archives[WATERBODIES], boxes, cache)
    with reporter.step("climate and relief"):
        elevation = climate.read_elevation(archives[CLIMATE])
        rainfall = climate.read_monthly_rain(archives[CLIMATE])
        temperature = climate.read_monthly_temperature(archives[CLIMATE])
        intensity = climate.read_rain_intensity(archives[CLIMATE])
    with reporter.step("images"):
        true_colour = imagery.read_true_colour(archives[TRUE_COLOUR])
        night = imagery.read_night_image(archives[NIGHT_IMAGE])
    with reporter.step("places"):
        places = read_places(archives[PLACES])
    return World(
        outlines=outlines,
        grids=grids,
        lands=lands,
        waters=waters,
        elevation=elevation,
        rainfall=rainfall,
        temperature=temperature,
        rain_intensity=intensity,
        true_colour=true_colour,
        night=night,
        places=places,
    )


def clip_box(grid: Grid) -> Box:
    """Longitudes and latitudes around a grid, with a margin, rounded so that the cache can key."""
    to_degrees = pyproj.Transformer.from_crs(f"EPSG:{grid.epsg}", "EPSG:4326", always_xy=True)
    west, south, east, north = to_degrees.transform_bounds(*grid.bounds)
    edges = np.array([west, south, east, north]) + _CLIP_MARGIN_DEG * np.array([-1, -1, 1, 1])
    left, bottom, right, top = edges.round(_BOX_DECIMALS).tolist()
    return (left, bottom, right, top)

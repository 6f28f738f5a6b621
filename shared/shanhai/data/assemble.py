"""The files of one demonstration region, made from the world's layers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from shapely import union_all

from shanhai.data import land_cover_change, synthetic_layers, themes, vector_layers
from shanhai.data.regions import REGIONS, Box, DemoRegion
from shanhai.data.themes import DemoTheme
from shanhai.data.vector_layers import Feature, PopulatedPlace, places_within, write_features
from shanhai.data.world import (
    GeographicField,
    World,
    clip_box,
    excess_green,
    luminance,
    refine_temperature,
)
from shanhai.processes.kit.dataset_description import DatasetDescription, write_description
from shanhai.raster.geotiff import CLASS_NODATA, FLOAT_NODATA, Transform, write_geotiff
from shanhai.science.grid import BoolArray, FloatArray
from shanhai.science.landcover import LandCover, harmonise
from shanhai.storage.artifacts import sha256_of

CLAY_LOAM = (35.0, 35.0, 30.0, 1.2)
"""Sand, silt, clay and organic carbon, % of mass: a plain clay loam, not a sample of the place."""

_LAND_COVER_YEARS = (date(2020, 1, 1), date(2021, 12, 31))
_RESIDENTS_YEAR = (date(2018, 1, 1), date(2018, 12, 31))
_MARGIN_CELLS = 3
_WIDE_MARGIN_CELLS = 12
_SOIL_STEP_DEG = 0.05


@dataclass(frozen=True, slots=True)
class RegionLayers:
    """The fields of the world around one region."""

    elevation: GeographicField
    rainfall: GeographicField
    temperature: GeographicField
    rain_intensity: GeographicField
    green: GeographicField
    light: GeographicField


def assemble_region(region: DemoRegion, world: World, folder: Path) -> list[Path]:
    """Write the boundaries and all themes of a region into `folder`.

    Returns:
        The files made, descriptions included.
    """
    folder.mkdir(parents=True, exist_ok=True)
    outlines = world.unit_outlines(region)
    grid = world.grids[region.code]
    box = clip_box(grid)
    dry, fresh = world.lands[region.code].everything, world.waters[region.code].other
    ground = synthetic_layers.survey_ground(grid, outlines, dry, fresh)
    places = places_within(list(world.places), union_all(outlines))
    layers = cut_layers(world, box)
    boundaries = folder / REGIONS
    write_features(boundaries, vector_layers.region_features(region, outlines))
    files = _Files(region, folder, [boundaries])
    _add_fields(files, layers, box)
    _add_surfaces(files, ground, layers, places, world.land_covers[region.code])
    _add_vectors(files, world, places)
    return files.made


def cut_layers(world: World, box: Box) -> RegionLayers:
    """Cut the world's fields to a box with the margin that interpolation needs."""
    # The height above the surroundings needs a coarse temperature cell more on each side.
    wide = world.elevation.cut(box, _WIDE_MARGIN_CELLS)
    temperature = refine_temperature(world.temperature.cut(box, _MARGIN_CELLS), wide)
    return RegionLayers(
        elevation=world.elevation.cut(box, _MARGIN_CELLS),
        rainfall=world.rainfall.cut(box, _MARGIN_CELLS),
        temperature=temperature.cut(box, _MARGIN_CELLS),
        rain_intensity=world.rain_intensity.cut(box, _MARGIN_CELLS),
        green=excess_green(world.true_colour.cut(box, _MARGIN_CELLS)),
        light=luminance(world.night.cut(box, _MARGIN_CELLS)),
    )


def resident_totals(region: DemoRegion, places: Sequence[PopulatedPlace]) -> list[int]:
    """Residents of each unit; for a region of one unit without a figure, those of its places."""
    places_total = sum(place.population for place in places)
    return [places_total if unit.residents is None else unit.residents for unit in region.units]


def constant_soil(box: Box) -> GeographicField:
    """The constant soil over a box, four bands."""
    west, south, east, north = box
    rows = int(np.ceil((north - south) / _SOIL_STEP_DEG))
    columns = int(np.ceil((east - west) / _SOIL_STEP_DEG))
    bands = [np.full((rows, columns), share) for share in CLAY_LOAM]
    return GeographicField(np.stack(bands), west, north, _SOIL_STEP_DEG)


def _add_fields(files: "_Files", layers: RegionLayers, box: Box) -> None:
    files.add_field(themes.DEM, layers.elevation)
    files.add_field(themes.RAINFALL, layers.rainfall)
    files.add_field(themes.TEMPERATURE, layers.temperature)
    files.add_field(themes.RAIN_INTENSITY, layers.rain_intensity)
    files.add_field(themes.NIGHT_LIGHTS, layers.light)
    green = layers.green
    rank = GeographicField(
        np.clip(green.values, -1.0, 1.0), green.west, green.north, green.step_deg
    )
    files.add_field(themes.NDVI, rank)
    files.add_field(themes.SOIL, constant_soil(box))


def _add_surfaces(
    files: "_Files",
    ground: synthetic_layers.RegionCells,
    layers: RegionLayers,
    places: Sequence[PopulatedPlace],
    worldcover: GeographicField,
) -> None:
    def at_cells(field: GeographicField, order: Literal[0, 1, 3] = 1) -> NDArray[Any]:
        return field.sample(ground.longitude, ground.latitude, order)

    elevation = at_cells(layers.elevation, order=3)[0]
    light, green = at_cells(layers.light)[0], at_cells(layers.green)[0]
    totals = resident_totals(files.region, places)

    def residents_on(settled: BoolArray) -> FloatArray:
        return synthetic_layers.spread_population(
            ground, places, totals, light=light, elevation_m=elevation, settled=settled
        )

    inferred = synthetic_layers.inferred_land_cover(
        ground, residents_on(ground.dry_land), green=green, elevation_m=elevation
    )
    mapped = harmonise(at_cells(worldcover, order=0)[0], "worldcover")
    cover = synthetic_layers.mapped_land_cover(ground, mapped, inferred, themes.LAND_COVER_CELL_M)
    persons = residents_on(cover == LandCover.BUILT_UP)
    npp = synthetic_layers.potential_npp(
        ground, at_cells(layers.temperature), at_cells(layers.rainfall)
    )
    files.add_surface(themes.POPULATION, persons, ground, *_residents_period(files.region))
    files.add_surface(themes.LAND_COVER, cover, ground, *_LAND_COVER_YEARS)
    files.add_surface(themes.NPP, npp, ground)
    files.made += land_cover_change.write_change(
        files.folder, files.region, ground, before=inferred, after=cover
    )


def _add_vectors(files: "_Files", world: World, places: Sequence[PopulatedPlace]) -> None:
    code = files.region.code
    files.add_features(themes.PLACES, vector_layers.place_features(places))
    waters = world.waters[code]
    sea = vector_layers.polygon_features(waters.oceanic, kind="sea")
    fresh = vector_layers.polygon_features(waters.other, kind="fresh")
    land = vector_layers.polygon_features(world.lands[code].everything, kind="land")
    files.add_features(themes.LAND, land)
    files.add_features(themes.WATER, [*sea, *fresh])


def _residents_period(region: DemoRegion) -> tuple[date | None, date | None]:
    stated = all(unit.residents is not None for unit in region.units)
    return _RESIDENTS_YEAR if stated else (None, None)


@dataclass(slots=True)
class _Files:
    """Writes themes into a folder and keeps the list of files made."""

    region: DemoRegion
    folder: Path
    made: list[Path]

    def add_field(self, theme: DemoTheme, field: GeographicField) -> None:
        self._add_raster(theme, field.values, field.transform, "EPSG:4326", FLOAT_NODATA)

    def add_surface(
        self,
        theme: DemoTheme,
        values: NDArray[Any],
        ground: synthetic_layers.RegionCells,
        observed_from: date | None = None,
        observed_to: date | None = None,
    ) -> None:
        nodata = FLOAT_NODATA if values.dtype.kind == "f" else CLASS_NODATA
        crs = self.region.grid_crs
        self._add_raster(
            theme, values, ground.grid.transform, crs, nodata, observed_from, observed_to
        )

    def add_features(self, theme: DemoTheme, features: list[Feature]) -> None:
        path = self.folder / f"{theme.theme}.geojson"
        write_features(path, features)
        self._describe(theme, path, vector=True)

    def _add_raster(
        self,
        theme: DemoTheme,
        values: NDArray[Any],
        transform: Transform,
        crs: str,
        nodata: float,
        observed_from: date | None = None,
        observed_to: date | None = None,
    ) -> None:
        path = self.folder / f"{theme.theme}.tif"
        tags = {
            "source": theme.source,
            "licence": theme.licence,
            "native_resolution_m": str(theme.native_resolution_m or ""),
            "stand_in": str(theme.stand_in).lower(),
        }
        write_geotiff(
            path,
            values,
            transform=transform,
            crs=crs,
            nodata=nodata,
            tags=tags,
            descriptions=theme.bands,
        )
        self._describe(theme, path, observed_from=observed_from, observed_to=observed_to)

    def _describe(
        self,
        theme: DemoTheme,
        path: Path,
        *,
        vector: bool = False,
        observed_from: date | None = None,
        observed_to: date | None = None,
    ) -> None:
        description = DatasetDescription(
            theme=theme.theme,
            region=self.region.code,
            code=f"{self.region.code}.{theme.theme}.demo",
            name_zh=theme.name_zh,
            name_en=theme.name_en,
            kind="vector" if vector else "raster",
            file=path.name,
            unit=theme.unit,
            native_resolution_m=theme.native_resolution_m,
            stand_in=theme.stand_in,
            stand_in_note_zh=theme.stand_in_note_zh,
            stand_in_note_en=theme.stand_in_note_en,
            source=self._source(theme),
            licence=theme.licence,
            processing=theme.processing,
            class_scheme=theme.class_scheme,
            bands=theme.bands,
            observed_from=observed_from,
            observed_to=observed_to,
            sha256=sha256_of(path),
        )
        self.made += [path, write_description(description, self.folder)]

    def _source(self, theme: DemoTheme) -> str:
        if theme is themes.POPULATION:
            return f"{self.region.residents_source}; {theme.source}"
        return theme.source

"""Rasters and tables on which the services and InVEST's models are compared, from one seed."""

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from shanhai.raster.geotiff import CLASS_NODATA, FLOAT_NODATA, write_geotiff
from shanhai.science.ecoservices.biodiversity import THREATS
from shanhai.science.ecoservices.cooling import ALBEDO, GREEN, SHADE
from shanhai.science.ecoservices.stormwater_regulation import CURVE_NUMBER
from shanhai.science.ecoservices.water_conservation import CROP, ROOTS, VEGETATED
from shanhai.science.grid import ClassArray, FloatArray, Grid
from shanhai.science.landcover import LandCover, by_class
from shanhai.science.runoff import SEALED_CURVE_NUMBER

CELL_M = 30.0
CLASSES = tuple(LandCover)[: LandCover.BARE]
POOLS = {
    "c_above": by_class(4, 55, 18, 3, 6, 90, 0, 1, 0.5),
    "c_below": by_class(2, 14, 8, 6, 9, 40, 0, 0, 0.2),
    "c_soil": by_class(80, 110, 90, 95, 140, 200, 0, 30, 20),
    "c_dead": by_class(0, 6, 2, 1, 2, 5, 0, 0, 0),
}
"""Carbon of each pool by class, t/ha."""
COVER_FACTOR = by_class(0.25, 0.003, 0.02, 0.05, 0.01, 0.003, 0, 0, 0.9)
PRACTICE = by_class(0.35, 1, 1, 1, 1, 1, 1, 1, 1)
HABITAT = by_class(0.3, 1.0, 0.8, 0.6, 0.9, 1.0, 0.7, 0, 0.1)
THREATS_USED = tuple(threat for threat in THREATS if threat.of_class is not None)
"""Those whose sources are classes of land cover."""
SEALED_SHARE = 0.7


@dataclass(frozen=True, slots=True)
class Inputs:
    """Where the files lie."""

    grid: Grid
    folder: Path

    def raster(self, name: str) -> Path:
        """A GeoTIFF by its name."""
        return self.folder / f"{name}.tif"

    def table(self, name: str) -> Path:
        """A table of InVEST by its name."""
        return self.folder / f"{name}.csv"

    @property
    def area(self) -> Path:
        """One polygon around all cells."""
        return self.folder / "area.geojson"


def make_inputs(folder: Path, cells: int, seed: int = 11) -> Inputs:
    """Write what every model reads."""
    inputs = Inputs(Grid(4548, 480_000.0, 2_760_000.0, CELL_M, cells, cells), folder)
    rng = np.random.default_rng(seed)
    height = _field(rng, cells, 60) * 700 + _field(rng, cells, 8) * 40
    cover = _land_cover(rng, cells, height)
    quantities = {
        "dem": height,
        "rainfall": 1300 + 500 * _field(rng, cells, 90),
        "reference_et": 950 + 250 * _field(rng, cells, 90),
        "soil_depth": 400 + 1600 * _field(rng, cells, 25),
        "available_water": 0.08 + 0.14 * _field(rng, cells, 25),
        "rain_erosivity": 4500 + 3500 * _field(rng, cells, 90),
        "soil_erodibility": 0.010 + 0.02 * _field(rng, cells, 25),
        "population": np.where(cover == LandCover.BUILT_UP, 12 * rng.random((cells, cells)), 0.0),
    }
    for name, values in quantities.items():
        _write(inputs, name, values.astype(np.float32), FLOAT_NODATA)
    _write(inputs, "land_cover", cover, CLASS_NODATA)
    group = 1 + np.floor(3.999 * _field(rng, cells, 25))
    _write(inputs, "hydrologic_group", group.astype(np.uint8), CLASS_NODATA)
    for threat in THREATS_USED:
        # InVEST wants a raster for each; 255 stands for nodata, since 0 is where none is.
        _write(inputs, f"threat_{threat.id}", (cover == threat.of_class).astype(np.uint8), 255)
    _write_tables(inputs)
    _write_area(inputs)
    return inputs


def _field(rng: np.random.Generator, cells: int, scale: int) -> FloatArray:
    """Smooth noise of a scale in cells, 0–1."""
    coarse = rng.random((cells // scale + 4, cells // scale + 4))
    smooth = ndimage.zoom(coarse, scale, order=3)[:cells, :cells]
    low, high = smooth.min(), smooth.max()
    return np.asarray((smooth - low) / (high - low))


def _land_cover(rng: np.random.Generator, cells: int, height: FloatArray) -> ClassArray:
    """Forest on the hills, towns and fields between them, patches of everything else."""
    town, moist, patch = (_field(rng, cells, scale) for scale in (40, 30, 10))
    low = height < np.quantile(height, 0.55)
    cover = np.full((cells, cells), LandCover.FOREST, dtype=np.uint8)
    cover[low] = LandCover.CROPLAND
    cover[~low & (patch > 0.6)] = LandCover.SHRUBLAND
    cover[patch < 0.3] = LandCover.GRASSLAND
    cover[low & (town > 0.58)] = LandCover.BUILT_UP
    cover[low & (moist > 0.8)] = LandCover.WETLAND
    cover[low & (moist > 0.86)] = LandCover.WATER
    cover[(patch > 0.82) & (town < 0.4)] = LandCover.BARE
    return cover


def _write(inputs: Inputs, name: str, array: NDArray[Any], nodata: float) -> None:
    grid = inputs.grid
    crs = f"EPSG:{grid.epsg}"
    write_geotiff(inputs.raster(name), array, transform=grid.transform, crs=crs, nodata=nodata)


def _write_tables(inputs: Inputs) -> None:
    numbers = {f"cn_{group}": table for group, table in zip("abcd", _curve_numbers(), strict=True)}
    sensitivity = {one.id: by_class(*one.sensitivity) for one in THREATS_USED}
    columns: dict[str, Mapping[str, Mapping[LandCover, float]]] = {
        "carbon": POOLS,
        "water": {
            "lulc_veg": VEGETATED.values,
            "root_depth": ROOTS.values,
            "kc": CROP.values,
        },
        "erosion": {"usle_c": COVER_FACTOR, "usle_p": PRACTICE},
        "cooling": {
            "kc": CROP.values,
            "green_area": GREEN.values,
            "shade": SHADE.values,
            "albedo": ALBEDO.values,
        },
        "runoff": numbers,
        "nature": {"urban_nature": GREEN.values},
        "sensitivity": {"habitat": HABITAT, **sensitivity},
    }
    for name, table in columns.items():
        _write_rows(
            inputs.table(name),
            [
                {"lucode": int(code), "name": code.name.lower()}
                | {column: values[code] for column, values in table.items()}
                for code in CLASSES
            ],
        )
    _write_rows(
        inputs.table("threats"),
        [
            {
                "threat": one.id,
                "max_dist": one.reach_m,
                "weight": one.weight,
                "decay": one.decay,
                "cur_path": inputs.raster(f"threat_{one.id}"),
                "fut_path": "",
                "base_path": "",
            }
            for one in THREATS_USED
        ],
    )


def _curve_numbers() -> list[dict[LandCover, float]]:
    """Curve numbers of the four soil groups with the sealed share of built-up land worked in."""
    tables = []
    for table in CURVE_NUMBER.tables:
        open_ground = table.values[LandCover.BUILT_UP]
        sealed = open_ground + SEALED_SHARE * (SEALED_CURVE_NUMBER - open_ground)
        tables.append({**table.values, LandCover.BUILT_UP: sealed})
    return tables


def _write_rows(path: Path, rows: list[dict[str, object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _write_area(inputs: Inputs) -> None:
    west, south, east, north = inputs.grid.bounds
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    properties = {"ws_id": 1, "pop_all": 1.0}
    geometry = {"type": "Polygon", "coordinates": [ring]}
    feature = {"type": "Feature", "properties": properties, "geometry": geometry}
    crs = {"type": "name", "properties": {"name": f"urn:ogc:def:crs:EPSG::{inputs.grid.epsg}"}}
    collection = {"type": "FeatureCollection", "crs": crs, "features": [feature]}
    inputs.area.write_text(json.dumps(collection), encoding="utf-8")

"""The services' kernels from GeoTIFF to GeoTIFF, strip by strip, by the functions a job calls."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.ecoservice_inputs import (
    COVER_FACTOR,
    HABITAT,
    POOLS,
    PRACTICE,
    SEALED_SHARE,
    THREATS_USED,
    Inputs,
)
from shanhai.raster.cog import CogFrame as Sheet
from shanhai.raster.cog import write_cog
from shanhai.raster.store import ScratchStore
from shanhai.raster.warp import RasterQuantity, align, open_source
from shanhai.science.access import nature_per_person, nature_within_reach, people_within_reach
from shanhai.science.carbon import carbon_stock
from shanhai.science.ecoservices.cooling import ALBEDO, GREEN, SHADE, green_cover
from shanhai.science.ecoservices.soil_retention import (
    actual_erosion,
    l_factor,
    potential_erosion,
    s_factor,
)
from shanhai.science.ecoservices.stormwater_regulation import CURVE_NUMBER
from shanhai.science.ecoservices.water_conservation import (
    CROP,
    ROOTS,
    VEGETATED,
    fu_evapotranspiration,
    potential_et,
    water_yield,
)
from shanhai.science.focal import BLOCK, WindowFrame
from shanhai.science.grid import FloatArray, Window
from shanhai.science.habitat import Impact, degradation, habitat_quality, threat_intensity
from shanhai.science.heat import (
    KERNEL_REACH,
    cooling_capacity,
    green_area_ha,
    heat_mitigation,
    park_cooling,
)
from shanhai.science.hydrology.routing import SCRATCH, write_contributing_area
from shanhai.science.landcover import LandCover, class_values
from shanhai.science.runoff import curve_number, storm_runoff
from shanhai.science.terrain import aspect_length, slope_degrees

Given = Mapping[str, Any]
Compute = Callable[[Given, WindowFrame], FloatArray]

QUANTITIES = {"land_cover": RasterQuantity.CATEGORICAL}
SEASONALITY = 12.0
COOLING_DISTANCE_M = 450.0
PARK_AREA_HA = 2.0
WEIGHTS: Given = {"shade_weight": 0.6, "albedo_weight": 0.2, "evaporation_weight": 0.2}
HALF_SATURATION = 0.2
STORM_MM = 100.0
REACH_M = 1000.0
SLOPE_CAP_DEG, LENGTH_CAP_M = 45.0, 122.0


class Sources:
    """The inputs of one model, by window."""

    def __init__(self, inputs: Inputs, names: tuple[str, ...]) -> None:
        self.inputs = inputs
        self.sources = {
            name: open_source(inputs.raster(name), QUANTITIES.get(name, RasterQuantity.INTENSIVE))
            for name in names
        }

    def read(self, window: Window) -> dict[str, Any]:
        """Every input in a window; land cover as codes."""
        found: dict[str, Any] = {}
        for name, source in self.sources.items():
            values = align(source, self.inputs.grid, window)[0]
            found[name] = values.astype(np.uint8) if name == "land_cover" else values
        return found

    def strips(self, reach_m: float) -> Iterator[tuple[Window, WindowFrame]]:
        """Windows of whole blocks across the raster, with what lies within reach of them."""
        grid = self.inputs.grid
        halo = -(-int(reach_m) // int(grid.cell_m))
        for row in range(0, grid.height, BLOCK):
            inner = Window(row, 0, min(BLOCK, grid.height - row), grid.width)
            yield inner, WindowFrame(inner.expanded(halo, grid), inner)


def write(sources: Sources, out: Path, compute: Compute, reach_m: float = 0.0) -> None:
    """Compute one layer strip by strip into a COG."""
    strips = (
        (inner, compute(sources.read(frame.outer), frame)[frame.slices][np.newaxis])
        for inner, frame in sources.strips(reach_m)
    )
    write_cog(out, Sheet.of_grid(sources.inputs.grid), strips)


def carbon(inputs: Inputs, out: Path) -> Path:
    """Carbon in four pools, t/ha."""

    def compute(given: Given, _: WindowFrame) -> FloatArray:
        return carbon_stock(given["land_cover"], list(POOLS.values()))

    write(Sources(inputs, ("land_cover",)), out / "carbon.tif", compute)
    return out / "carbon.tif"


def annual_water_yield(inputs: Inputs, out: Path) -> Path:
    """Rain that does not evaporate, mm."""

    def compute(given: Given, _: WindowFrame) -> FloatArray:
        potential = potential_et(
            annual_et0=given["reference_et"],
            land_cover=given["land_cover"],
            crop_coefficient=CROP.values,
        )
        actual = fu_evapotranspiration(
            rainfall=given["rainfall"],
            potential_et=potential,
            soil_depth=given["soil_depth"],
            available_water=given["available_water"],
            land_cover=given["land_cover"],
            rooting_depth=ROOTS.values,
            vegetated=VEGETATED.values,
            seasonality=SEASONALITY,
        )
        return water_yield(rainfall=given["rainfall"], actual_et=actual)

    names = ("land_cover", "rainfall", "reference_et", "soil_depth", "available_water")
    write(Sources(inputs, names), out / "yield.tif", compute)
    return out / "yield.tif"


def soil_loss(inputs: Inputs, out: Path) -> Path:
    """Potential and actual soil loss, t/ha/yr: from elevation, with flow routing."""
    grid, store = inputs.grid, ScratchStore(out / "scratch", inputs.grid)
    for layer in ("dem", *SCRATCH, "contributing_area", "rkls", "usle"):
        store.create(layer)
    elevation = Sources(inputs, ("dem",))
    for inner, _ in elevation.strips(0):
        store.write("dem", inner, elevation.read(inner)["dem"])
    write_contributing_area(store, grid.shape, cell_m=grid.cell_m, tile=BLOCK)
    names = ("land_cover", "rain_erosivity", "soil_erodibility")
    sources = Sources(inputs, names)
    for inner, frame in sources.strips(grid.cell_m):
        given = sources.read(frame.outer) | {"dem": store.read("dem", frame.outer)}
        losses = _losses(given, store.read("contributing_area", frame.outer))
        for layer, values in zip(("rkls", "usle"), losses, strict=True):
            store.write(layer, inner, values[frame.slices])
    for layer in ("rkls", "usle"):
        strips = (
            (inner, store.read_stored(layer, inner)[np.newaxis]) for inner, _ in sources.strips(0)
        )
        write_cog(out / f"{layer}.tif", Sheet.of_grid(grid), strips)
    return out / "usle.tif"


def _losses(given: Given, area: FloatArray) -> tuple[FloatArray, FloatArray]:
    slope = slope_degrees(given["dem"], 30.0)
    aspect = aspect_length(given["dem"], 30.0)
    length = l_factor(
        slope=slope,
        aspect_length=aspect,
        contributing_area=area,
        slope_length_cap=LENGTH_CAP_M,
        cell_m=30.0,
    )
    potential = potential_erosion(
        r_factor=given["rain_erosivity"],
        k_factor=given["soil_erodibility"],
        l_factor=length,
        s_factor=s_factor(slope=slope, theta_cap=SLOPE_CAP_DEG),
        land_cover=given["land_cover"],
    )
    actual = actual_erosion(
        potential_erosion=potential,
        c_factor=class_values(given["land_cover"], COVER_FACTOR),
        land_cover=given["land_cover"],
        support_practice=PRACTICE,
    )
    return potential, actual


def urban_cooling(inputs: Inputs, out: Path) -> Path:
    """Heat mitigation, 0–1."""
    sources = Sources(inputs, ("land_cover", "reference_et"))
    evaporation = Sources(inputs, ("reference_et",))
    most = max(
        float(np.nanmax(evaporation.read(inner)["reference_et"]))
        for inner, _ in evaporation.strips(0)
    )

    def compute(given: Given, frame: WindowFrame) -> FloatArray:
        cover = given["land_cover"]
        capacity = cooling_capacity(
            land_cover=cover,
            potential_et=potential_et(
                annual_et0=given["reference_et"], land_cover=cover, crop_coefficient=CROP.values
            ),
            reference_et_max=most,
            shade=SHADE.values,
            albedo=ALBEDO.values,
            **WEIGHTS,
        )
        green = green_cover(land_cover=cover, green=GREEN.values)
        spread = {"cooling_distance_m": COOLING_DISTANCE_M, "cell_m": 30.0}
        return heat_mitigation(
            cooling_capacity=capacity,
            park_cooling=park_cooling(
                cooling_capacity=capacity, green_cover=green, frame=frame, **spread
            ),
            green_area_ha=green_area_ha(green_cover=green, **spread),
            park_area_ha=PARK_AREA_HA,
        )

    write(sources, out / "hm.tif", compute, KERNEL_REACH * COOLING_DISTANCE_M)
    return out / "hm.tif"


def quality_of_habitats(inputs: Inputs, out: Path) -> Path:
    """Habitat quality, 0–1, under threats from three classes."""

    def compute(given: Given, _: WindowFrame) -> FloatArray:
        cover = given["land_cover"]
        impacts = {
            one.id: Impact(
                threat_intensity(cover == one.of_class, one.reach_m, one.decay, 30.0),
                one.weight,
                dict(zip(LandCover, one.sensitivity, strict=False)),
            )
            for one in THREATS_USED
        }
        return habitat_quality(
            land_cover=cover,
            habitat_degradation=degradation(cover, impacts),
            habitat=HABITAT,
            degradation_max=1.0,
            half_saturation=HALF_SATURATION,
        )

    reach_m = max(one.reach_m for one in THREATS_USED)
    write(Sources(inputs, ("land_cover",)), out / "quality.tif", compute, reach_m)
    return out / "quality.tif"


def urban_flood_risk(inputs: Inputs, out: Path) -> Path:
    """Runoff of a storm, mm."""
    tables: Given = {table.name: table.values for table in CURVE_NUMBER.tables}

    def compute(given: Given, _: WindowFrame) -> FloatArray:
        number = curve_number(
            land_cover=given["land_cover"],
            hydrologic_group=given["hydrologic_group"],
            sealed_share=SEALED_SHARE,
            **tables,
        )
        return storm_runoff(curve_number=number, land_cover=given["land_cover"], storm_mm=STORM_MM)

    write(Sources(inputs, ("land_cover", "hydrologic_group")), out / "runoff.tif", compute)
    return out / "runoff.tif"


def urban_nature_access(inputs: Inputs, out: Path) -> Path:
    """Green space within reach of a person, m²."""

    def compute(given: Given, _: WindowFrame) -> FloatArray:
        cell_area = inputs.grid.cell_area_m2
        nature = cell_area * green_cover(land_cover=given["land_cover"], green=GREEN.values)
        spread = {"reach_m": REACH_M, "cell_m": inputs.grid.cell_m}
        people = people_within_reach(population=given["population"], **spread)
        shares = nature_per_person(nature_m2=nature, people_within_reach=people)
        return nature_within_reach(nature_per_person=shares, **spread)

    sources = Sources(inputs, ("land_cover", "population"))
    write(sources, out / "access.tif", compute, 2 * REACH_M)
    return out / "access.tif"

"""Supply of the services an evaluation ranks or values, in physical units.

A supply given by an assessment is taken as it is; otherwise it is computed here by the default
method of the service. Either way it ends as the layer `supply.<service>`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from shanhai.processes.kit.layers import make_layers
from shanhai.processes.kit.region import Place
from shanhai.raster.store import ScratchStore
from shanhai.science.arrays import BoolArray, FloatArray
from shanhai.science.ecoservices.biodiversity import index_supply
from shanhai.science.ecoservices.soil_retention import (
    PRACTICE,
    actual_erosion,
    avoided_erosion,
    potential_erosion,
)
from shanhai.science.ecoservices.water_conservation import RUNOFF, balance_supply
from shanhai.science.grid import Window
from shanhai.science.hydrology.accumulation import CELLS
from shanhai.science.hydrology.routing import SCRATCH, write_contributing_area
from shanhai.science.landcover import is_water
from shanhai.science.normalisation import LIMIT_PROBABILITIES, NormalisationLimits, normalise
from shanhai.science.quantiles import exact_layer_quantiles, exact_quantiles
from shanhai.science.rusle import cover_cai, slope_length, slope_steepness
from shanhai.science.vegetation import (
    SOIL_PROBABILITY,
    VEGETATION_PROBABILITY,
    vegetation_cover,
)

_WATER_NEEDS = ("rainfall", "evapotranspiration", "land_cover")
_SOIL_NEEDS = ("dem", "erosivity", "erodibility", "slope", "aspect_length", "ndvi", "land_cover")
_BIODIVERSITY_NEEDS = ("npp", "rainfall", "temperature", "elevation")

SUPPLY_UNITS: Mapping[str, str] = {
    "water_conservation": "m3/ha/yr",
    "soil_retention": "t/ha/yr",
    "biodiversity": "1",
}


@dataclass(frozen=True, slots=True)
class VegetationScale:
    """NDVI of bare soil and of full cover."""

    soil: float
    vegetation: float

    def cover(self, ndvi: FloatArray) -> FloatArray:
        """Vegetation cover, 0–1."""
        return vegetation_cover(ndvi, self.soil, self.vegetation)


def vegetation_scale(place: Place, soil: float | None, vegetation: float | None) -> VegetationScale:
    """The scale as given, or from the 5th and 95th percentile of land without water."""
    make_layers(place, ["ndvi", *_cover_of(place)])
    if soil is not None and vegetation is not None:
        return VegetationScale(soil, vegetation)
    found = exact_quantiles(
        lambda: (block["ndvi"] for block in place.masked(["ndvi"], partial(_dry, place))),
        (SOIL_PROBABILITY, VEGETATION_PROBABILITY),
    )
    return VegetationScale(
        found[0] if soil is None else soil, found[1] if vegetation is None else vegetation
    )


def _cover_of(place: Place) -> list[str]:
    return ["land_cover"] if "land_cover" in place.sources else []


def _dry(place: Place, window: Window) -> BoolArray:
    known = place.known(["ndvi"], window)
    if place.store.has("land_cover"):
        known &= ~is_water(place.store.read_classes("land_cover", window))
    return known


def layer_limits(
    place: Place, layers: Sequence[str], known: Sequence[str]
) -> dict[str, NormalisationLimits]:
    """Limits of normalisation of layers, over the cells in which all of `known` have a value."""
    found = exact_layer_quantiles(
        lambda: place.masked(layers, partial(place.known, known)), LIMIT_PROBABILITIES
    )
    return {name: NormalisationLimits(*found[name]) for name in layers}


def write_supplies(
    place: Place, services: Sequence[str], scale: VegetationScale | None
) -> dict[str, str]:
    """Write `supply.<service>` of each; returns where each came from.

    Args:
        place: The region.
        services: Of `SUPPLY_UNITS`.
        scale: Needed where soil retention is computed.
    """
    given = [one for one in services if f"supply.{one}" in place.sources]
    make_layers(place, [f"supply.{one}" for one in given])
    origins = dict.fromkeys(given, "given")
    for service in services:
        if service in given or place.store.has(f"supply.{service}"):
            continue
        place.store.create(f"supply.{service}")
        origins[service] = _WRITERS[service](place, scale)
    return origins


def _write_water(place: Place, scale: VegetationScale | None) -> str:
    make_layers(place, _WATER_NEEDS)
    place.each(partial(_water, place.store))
    return "balance"


def _water(store: ScratchStore, window: Window) -> None:
    supply = balance_supply(
        rainfall=store.read("rainfall", window),
        evapotranspiration=store.read("evapotranspiration", window),
        land_cover=store.read_classes("land_cover", window),
        runoff_coefficient=RUNOFF.values,
    )
    store.write("supply.water_conservation", window, supply)


def _write_soil(place: Place, scale: VegetationScale | None) -> str:
    if scale is None:
        raise ValueError("soil retention is computed with a vegetation scale")
    make_layers(place, _SOIL_NEEDS)
    _write_contributing_area(place)
    place.each(partial(_soil, place.store, scale))
    return "rusle"


def _write_contributing_area(place: Place) -> None:
    """The land above each cell, all of the grid taking part: water crosses a region's border."""
    for layer in (*SCRATCH, CELLS):
        place.store.create(layer)
    write_contributing_area(
        place.store, place.grid.shape, cell_m=place.grid.cell_m, run=place.runner.run
    )
    place.store.drop(*SCRATCH)


def _soil(store: ScratchStore, scale: VegetationScale, window: Window) -> None:
    cover, slope = store.read_classes("land_cover", window), store.read("slope", window)
    length = slope_length(
        slope,
        store.read("aspect_length", window),
        store.read(CELLS, window),
        store.grid.cell_m,
    )
    potential = potential_erosion(
        r_factor=store.read("erosivity", window),
        k_factor=store.read("erodibility", window),
        l_factor=length,
        s_factor=slope_steepness(slope),
        land_cover=cover,
    )
    actual = actual_erosion(
        potential_erosion=potential,
        c_factor=cover_cai(scale.cover(store.read("ndvi", window))),
        land_cover=cover,
        support_practice=PRACTICE.values,
    )
    kept = avoided_erosion(potential_erosion=potential, actual_erosion=actual)
    store.write("supply.soil_retention", window, kept)


def _write_biodiversity(place: Place, scale: VegetationScale | None) -> str:
    make_layers(place, _BIODIVERSITY_NEEDS)
    limits = layer_limits(place, _BIODIVERSITY_NEEDS, _BIODIVERSITY_NEEDS)
    place.each(partial(_biodiversity, place.store, limits))
    return "npp_index"


def _biodiversity(
    store: ScratchStore, limits: Mapping[str, NormalisationLimits], window: Window
) -> None:
    scaled = {
        f"{name}_n": normalise(store.read(name, window), limits[name])
        for name in _BIODIVERSITY_NEEDS
    }
    store.write("supply.biodiversity", window, index_supply(**scaled))


_WRITERS = {
    "water_conservation": _write_water,
    "soil_retention": _write_soil,
    "biodiversity": _write_biodiversity,
}

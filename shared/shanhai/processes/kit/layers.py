"""Layers made of the inputs, and supplies of services, window by window; none is held whole.

A layer names the themes it is made of and the function of a `Sight`, what one window sees of the
inputs. Steps later on ask for layers by name; each is made once and stored.

A supply given by an assessment is taken as it is; otherwise it is computed here by the default
method of the service. Either way it ends as the layer `supply.<service>`.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.processes.kit.region import LAND, Place, class_codes, possible
from shanhai.raster.store import ScratchStore
from shanhai.raster.themes import MONTHS, THEME_RULES
from shanhai.raster.warp import RasterSource, align
from shanhai.science import landcover, rusle
from shanhai.science.carbon import heterotrophic_respiration, net_ecosystem_production
from shanhai.science.climate import erosivity_annual, erosivity_monthly
from shanhai.science.ecoservices.biodiversity import index_supply
from shanhai.science.ecoservices.inputs import LEAVES
from shanhai.science.ecoservices.soil_retention import (
    PRACTICE,
    actual_erosion,
    avoided_erosion,
    potential_erosion,
)
from shanhai.science.ecoservices.water_conservation import RUNOFF, balance_supply
from shanhai.science.flags import ResultFlag
from shanhai.science.grid import BoolArray, FloatArray, Grid, Window
from shanhai.science.hydrology.routing import CELLS, SCRATCH, write_contributing_area
from shanhai.science.normalisation import LIMIT_PROBABILITIES, NormalisationLimits, normalise
from shanhai.science.quantiles import exact_layer_quantiles, exact_quantiles
from shanhai.science.terrain import aspect_length, relief, slope_degrees
from shanhai.vocabulary import Label

CLASS_LAYERS = frozenset(
    {"land_cover", "eco_region", "erosion_intensity", "rocky_desertification", "texture"}
    | {"hydrologic_group"}
)
"""Layers of codes; the others are quantities."""

BOUNDLESS = frozenset({"dem"})
"""Layers that are wanted beyond the land of the region as well."""


@dataclass(slots=True)
class Sight:
    """What one window sees of the inputs; every raster is read once."""

    sources: Mapping[str, RasterSource]
    grid: Grid
    window: Window
    relief_radius_m: float
    _bands: dict[str, FloatArray] = field(default_factory=dict)

    def has(self, theme: str) -> bool:
        """Whether there is a raster of the theme."""
        return theme in self.sources

    def bands(self, theme: str) -> FloatArray:
        """The bands of a theme on the window; impossible values are NaN."""
        if theme not in self._bands:
            found = align(self.sources[theme], self.grid, self.window)
            known = theme in THEME_RULES
            self._bands[theme] = possible(theme, found)[0] if known else found
        return self._bands[theme]

    def leaf(self, name: str) -> FloatArray:
        """A layer that follows from the bands of one theme."""
        leaf = LEAVES[name]
        return np.asarray(leaf.take(self.bands(leaf.theme or name)))

    def around(self, theme: str, halo: int) -> FloatArray:
        """The first band of a theme on the window grown on every side."""
        row, col = self.window.row - halo, self.window.col - halo
        height, width = self.window.height + 2 * halo, self.window.width + 2 * halo
        found = align(self.sources[theme], self.grid, Window(row, col, height, width))
        return np.asarray(possible(theme, found)[0][0])


def _first(theme: str, sight: Sight) -> FloatArray:
    return np.asarray(sight.bands(theme)[0])


def _leaf(name: str, sight: Sight) -> FloatArray:
    return sight.leaf(name)


def _erosivity(sight: Sight) -> FloatArray:
    if sight.has("rain_erosivity"):
        return sight.leaf("rain_erosivity")
    rain = sight.bands("rainfall")
    return erosivity_monthly(rain) if len(rain) == MONTHS else erosivity_annual(rain[0])


def _erodibility(sight: Sight) -> FloatArray:
    if sight.has("soil_erodibility"):
        return sight.leaf("soil_erodibility")
    sand, silt, clay, carbon = sight.bands("soil")
    return rusle.erodibility(sand, silt, clay, carbon)


def _texture(sight: Sight) -> FloatArray:
    sand, silt, clay, _ = sight.bands("soil")
    return rusle.texture_class(sand, silt, clay).astype(np.float64)


def _evapotranspiration(sight: Sight) -> FloatArray:
    if sight.has("evapotranspiration"):
        return sight.leaf("evapotranspiration")
    kc = landcover.class_values(class_codes(sight.leaf("land_cover")), landcover.CROP_COEFFICIENT)
    return kc * sight.leaf("reference_et")


def stand_ins(place: Place) -> list[ResultFlag]:
    """What a reader must know of layers that were made of something else than they are called."""
    if "evapotranspiration" in place.sources or not place.store.has("evapotranspiration"):
        return []
    text = Label(
        "没有蒸散发数据，以参考蒸散发乘以地类作物系数代替，水量平衡随之不确定",
        "no evapotranspiration was given: reference evapotranspiration times the crop coefficient"
        " of the land cover stands in for it, and the water balance is as uncertain",
    )
    return [ResultFlag("evapotranspiration_stand_in", text)]


def _inner(values: FloatArray, halo: int) -> FloatArray:
    return values[halo:-halo, halo:-halo]


def _slope(sight: Sight) -> FloatArray:
    return _inner(slope_degrees(sight.around("dem", 1), sight.grid.cell_m), 1)


def _aspect_length(sight: Sight) -> FloatArray:
    return _inner(aspect_length(sight.around("dem", 1), sight.grid.cell_m), 1)


def _relief(sight: Sight) -> FloatArray:
    radius = max(1, math.floor(sight.relief_radius_m / sight.grid.cell_m))
    return _inner(relief(sight.around("dem", radius), radius), radius)


def _months(sight: Sight, theme: str) -> FloatArray:
    """Twelve months of a theme that may also come as one year."""
    bands = sight.bands(theme)
    if len(bands) != MONTHS:
        raise InvalidInput(
            f"{theme} has {len(bands)} band; carbon needs its twelve months",
            message_zh=f"{theme} 只有 {len(bands)} 个波段，核算碳汇需要逐月数据",
            pointer=f"/datasets/{theme}",
        )
    return bands


def _net_production(sight: Sight) -> FloatArray:
    breathed = heterotrophic_respiration(
        temperature_monthly=_months(sight, "temperature"),
        rainfall_monthly=_months(sight, "rainfall"),
    )
    return net_ecosystem_production(npp=sight.leaf("npp"), heterotrophic_respiration=breathed)


MAKERS: Mapping[str, Callable[[Sight], FloatArray]] = {
    **{
        name: partial(_leaf, name)
        for name in ("rainfall", "temperature", "npp", "ndvi", "population", "impervious")
    },
    **{name: partial(_leaf, name) for name in ("land_cover", "hydrologic_group")},
    **{theme: partial(_first, theme) for theme in ("lai", "gpp", "carbonate", "eco_region")},
    **{theme: partial(_first, theme) for theme in ("erosion_intensity", "rocky_desertification")},
    "dem": partial(_first, "dem"),
    "elevation": partial(_first, "dem"),
    "slope": _slope,
    "aspect_length": _aspect_length,
    "relief": _relief,
    "erosivity": _erosivity,
    "erodibility": _erodibility,
    "texture": _texture,
    "evapotranspiration": _evapotranspiration,
    "carbon": _net_production,
}
"""How each layer is made of what a window sees. A supply of an assessment is a layer as well."""


def make_layers(place: Place, names: Sequence[str], *, relief_radius_m: float = 500.0) -> None:
    """Write the layers that are not there yet, all in one pass over the windows."""
    missing = tuple(sorted({name for name in names if not place.store.has(name)}))
    if not missing:
        return
    for name in missing:
        if name in CLASS_LAYERS:
            place.store.create_classes(name)
        else:
            place.store.create(name)
    place.each(partial(_make, place.store, place.sources, missing, relief_radius_m))


def _make(
    store: ScratchStore,
    sources: Mapping[str, RasterSource],
    names: Sequence[str],
    relief_radius_m: float,
    window: Window,
) -> None:
    sight = Sight(sources, store.grid, window, relief_radius_m)
    land = store.read_classes(LAND, window) == 1
    for name in names:
        values = MAKERS.get(name, partial(_first, name))(sight)
        if name not in BOUNDLESS:
            values = np.where(land, values, np.nan)
        if name in CLASS_LAYERS:
            store.write_classes(name, window, class_codes(values))
        else:
            store.write(name, window, values)


_WATER_NEEDS = ("rainfall", "evapotranspiration", "land_cover")
_SOIL_NEEDS = ("dem", "erosivity", "erodibility", "slope", "aspect_length", "ndvi", "land_cover")
_BIODIVERSITY_NEEDS = ("npp", "rainfall", "temperature", "elevation")


@dataclass(frozen=True, slots=True)
class VegetationScale:
    """NDVI of bare soil and of full cover."""

    soil: float
    vegetation: float

    def cover(self, ndvi: FloatArray) -> FloatArray:
        """Vegetation cover, 0–1."""
        return landcover.vegetation_cover(ndvi, self.soil, self.vegetation)


def vegetation_scale(place: Place, soil: float | None, vegetation: float | None) -> VegetationScale:
    """The scale as given, or from the 5th and 95th percentile of land without water."""
    make_layers(place, ["ndvi", *(["land_cover"] if "land_cover" in place.sources else [])])
    if soil is not None and vegetation is not None:
        return VegetationScale(soil, vegetation)
    found = exact_quantiles(
        lambda: (block["ndvi"] for block in place.masked(["ndvi"], partial(_dry, place))),
        (landcover.SOIL_PROBABILITY, landcover.VEGETATION_PROBABILITY),
    )
    return VegetationScale(
        found[0] if soil is None else soil, found[1] if vegetation is None else vegetation
    )


def _dry(place: Place, window: Window) -> BoolArray:
    known = place.known(["ndvi"], window)
    if place.store.has("land_cover"):
        known &= ~landcover.is_water(place.store.read_classes("land_cover", window))
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
        services: Water conservation, soil retention or biodiversity, by their codes.
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
    length = rusle.slope_length(
        slope, store.read("aspect_length", window), store.read(CELLS, window), store.grid.cell_m
    )
    potential = potential_erosion(
        r_factor=store.read("erosivity", window),
        k_factor=store.read("erodibility", window),
        l_factor=length,
        s_factor=rusle.slope_steepness(slope),
        land_cover=cover,
    )
    actual = actual_erosion(
        potential_erosion=potential,
        c_factor=rusle.cover_cai(scale.cover(store.read("ndvi", window))),
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

"""Layers made of the inputs, window by window; nothing is held for the whole region.

A layer names the themes it is made of and the function of a `Sight`, what one window sees of the
inputs. Steps later on ask for layers by name; each is made once and stored.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.processes.kit.input_summary import possible
from shanhai.processes.kit.region import LAND, Place, class_codes
from shanhai.raster.store import ScratchStore
from shanhai.raster.themes import MONTHS, THEME_RULES
from shanhai.raster.warp import RasterSource, align
from shanhai.science.arrays import FloatArray
from shanhai.science.carbon import heterotrophic_respiration, net_ecosystem_production
from shanhai.science.climate import erosivity_annual, erosivity_monthly
from shanhai.science.ecoservices.inputs import LEAVES
from shanhai.science.grid import Grid, Window
from shanhai.science.landcover import CROP_COEFFICIENT, class_values
from shanhai.science.soil import erodibility, texture_class
from shanhai.science.terrain import aspect_length, relief, slope_degrees

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
    return erodibility(sand, silt, clay, carbon)


def _texture(sight: Sight) -> FloatArray:
    sand, silt, clay, _ = sight.bands("soil")
    return texture_class(sand, silt, clay).astype(np.float64)


def _evapotranspiration(sight: Sight) -> FloatArray:
    if sight.has("evapotranspiration"):
        return sight.leaf("evapotranspiration")
    kc = class_values(class_codes(sight.leaf("land_cover")), CROP_COEFFICIENT)
    return kc * sight.leaf("reference_et")


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

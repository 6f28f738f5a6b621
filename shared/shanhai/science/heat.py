"""Heat of a city: what green land takes off it, and what people are exposed to."""

import math
from collections.abc import Mapping

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.science.focal import WindowFrame, disk_sum, exponential_kernel, weighted_mean
from shanhai.science.grid import SQUARE_METRES_PER_HECTARE, BoolArray, ClassArray, FloatArray
from shanhai.science.landcover import LandCover, class_values

Table = Mapping[LandCover, float]

KERNEL_REACH = 5.0
"""Decay lengths beyond which parks cool no more; the kernel has fallen to e⁻⁵ there."""


def shade_by_cover(
    *, land_cover: ClassArray, vegetation_cover: FloatArray, shade: Table, **mean_cover: float
) -> FloatArray:
    """Shade of the class, more where its vegetation is denser than the class's mean.

    `clip(shade·FVC/mean(FVC in class), 0, 1)`.

    Args:
        land_cover: Internal codes; 0 is nodata.
        vegetation_cover: Fractional vegetation cover FVC, 0–1.
        shade: Share of the cell under trees of 2 m and more by class, 0–1.
        mean_cover: Mean FVC of class `n` over the area as `mean_cover_n`; NaN or 0 leaves the
            table's value.

    Returns:
        0–1; NaN where land cover or vegetation cover is nodata.
    """
    means = {cover: mean_cover.get(f"mean_cover_{int(cover)}", math.nan) for cover in shade}
    factors = {cover: 1 / mean if mean > 0 else math.nan for cover, mean in means.items()}
    per_cover = class_values(land_cover, factors)
    relative = np.where(np.isnan(per_cover), 1.0, vegetation_cover * per_cover)
    refined = np.clip(class_values(land_cover, shade) * relative, 0.0, 1.0)
    return np.where(np.isnan(vegetation_cover), np.nan, refined)


def cooling_capacity(
    *,
    land_cover: ClassArray,
    potential_et: FloatArray,
    reference_et_max: float,
    shade: Table,
    albedo: Table,
    shade_weight: float,
    albedo_weight: float,
    evaporation_weight: float,
    shade_source: str = "table",
    shade_by_cover: FloatArray | None = None,
) -> FloatArray:
    """Cooling capacity of the cell itself, `CC = w_s·shade + w_a·albedo + w_e·Kc·ET0/ETmax`.

    Args:
        land_cover: Internal codes; 0 is nodata.
        potential_et: Kc·ET0, mm/yr.
        reference_et_max: Largest reference evapotranspiration ETmax of the area, mm/yr.
        shade: Share of the cell under trees of 2 m and more by class, 0–1.
        albedo: Reflected share of sunlight by class, 0–1.
        shade_weight: w_s; the three weights are rescaled to the sum 1.
        albedo_weight: w_a.
        evaporation_weight: w_e.
        shade_source: `table`, or `vegetation_cover` for `shade_by_cover`.
        shade_by_cover: Shade refined by vegetation cover, 0–1.

    Returns:
        0–1 (a Kc above 1 cannot lift it further); NaN where an input is nodata.

    Raises:
        InvalidInput: all weights are 0.

    Source: InVEST urban cooling, after Zardo et al. 2017 and Phelan et al. 2015.
    """
    weight = _require_weight(shade_weight + albedo_weight + evaporation_weight)
    shaded = class_values(land_cover, shade) if shade_by_cover is None else shade_by_cover
    capacity = albedo_weight * class_values(land_cover, albedo) + shade_weight * shaded
    most = reference_et_max if reference_et_max > 0 else math.inf
    capacity += potential_et * (evaporation_weight / most)
    return np.minimum(capacity / weight, 1.0)


def park_cooling(
    *,
    cooling_capacity: FloatArray,
    green_cover: FloatArray,
    cooling_distance_m: float,
    cell_m: float,
    frame: WindowFrame | None = None,
) -> FloatArray:
    """Cooling that green areas around a cell lend it.

    Mean of `green·CC` with weights `exp(−d/d_cool)` up to 5·d_cool, over the known cells.

    Args:
        cooling_capacity: CC, 0–1.
        green_cover: Green share of the cell, 0–1.
        cooling_distance_m: d_cool, m.
        cell_m: Side of a cell, m.
        frame: Where the arrays lie; the whole grid when not given.

    Returns:
        0–1; NaN where CC is, and outside the blocks asked for.

    Source: InVEST urban cooling, whose code divides by the sum of the weights.
    """
    kernel = exponential_kernel(cooling_distance_m, KERNEL_REACH * cooling_distance_m, cell_m)
    known = ~np.isnan(cooling_capacity)
    return weighted_mean(green_cover * cooling_capacity, known, kernel, frame)


def green_area_ha(
    *, green_cover: FloatArray, cooling_distance_m: float, cell_m: float
) -> FloatArray:
    """Green area within d_cool of a cell, ha; NaN where the cell's land cover is nodata."""
    cells = disk_sum(green_cover, cooling_distance_m, cell_m)
    return np.where(np.isnan(green_cover), np.nan, cells * (cell_m**2 / SQUARE_METRES_PER_HECTARE))


def heat_mitigation(
    *,
    cooling_capacity: FloatArray,
    park_cooling: FloatArray,
    green_area_ha: FloatArray,
    park_area_ha: float,
) -> FloatArray:
    """Heat mitigation HM: the cell's own cooling, or the park's where one is near and cools more.

    Args:
        cooling_capacity: CC, 0–1.
        park_cooling: CC_park, 0–1.
        green_area_ha: Green area within d_cool, ha.
        park_area_ha: Green area from which it cools its surroundings, ha.

    Returns:
        0–1; NaN where an input is.

    Source: InVEST urban cooling.
    """
    own: BoolArray = (cooling_capacity >= park_cooling) | (green_area_ha < park_area_ha)
    return np.where(own, cooling_capacity, park_cooling)


def mitigated_heat(*, heat_mitigation: FloatArray, uhi_max: float) -> FloatArray:
    """Cooling `HM·UHI_max`, °C; NaN stays NaN."""
    return heat_mitigation * uhi_max


def surface_cooling(*, lst: FloatArray, built_up_lst: float) -> FloatArray:
    """Cooling against built-up land, `max(0, LST_b − LST)`.

    Args:
        lst: Land surface temperature of summer days, °C.
        built_up_lst: Its mean over built-up cells, LST_b, °C.

    Returns:
        °C, ≥ 0; NaN stays NaN.

    Raises:
        InvalidInput: no built-up cell has a temperature.
    """
    _require_reference(built_up_lst, "built-up", "建设用地")
    return np.maximum(built_up_lst - lst, 0.0)


def air_heat(
    *, summer_temperature: FloatArray, exposure: FloatArray, comfort_temperature: float
) -> FloatArray:
    """Heat people are exposed to, `max(0, T − T_ref)·E`.

    Args:
        summer_temperature: Mean of the daily maxima from June to September, °C.
        exposure: Exposure of people, 0–1.
        comfort_temperature: T_ref, °C.

    Returns:
        °C, ≥ 0; NaN where an input is.
    """
    return np.maximum(summer_temperature - comfort_temperature, 0.0) * exposure


def surface_heat(*, lst: FloatArray, exposure: FloatArray, forest_lst: float) -> FloatArray:
    """Heat people are exposed to, `max(0, LST − LST_forest)·E`.

    Args:
        lst: Land surface temperature of summer days, °C.
        exposure: Exposure of people, 0–1.
        forest_lst: Median LST of forest cells, °C.

    Returns:
        °C, ≥ 0; NaN where an input is.

    Raises:
        InvalidInput: no forest cell has a temperature.
    """
    _require_reference(forest_lst, "forest", "森林")
    return np.maximum(lst - forest_lst, 0.0) * exposure


def _require_weight(weight: float) -> float:
    if weight > 0:
        return weight
    raise InvalidInput(
        "shade_weight, albedo_weight and evaporation_weight are all 0; one must be above 0",
        message_zh="shade_weight、albedo_weight、evaporation_weight 均为 0，至少一个须大于 0",
        pointer="/ecoservices/cooling/parameters/shade_weight",
    )


def _require_reference(temperature: float, cover: str, cover_zh: str) -> None:
    if math.isfinite(temperature):
        return
    raise InvalidInput(
        f"lst has no value in any {cover} cell of the area; "
        "the method lst of cooling compares with them",
        message_zh=f"区域内没有{cover_zh}像元的 lst 值，降温效益 lst 方法须以其为参照",
        pointer="/ecoservices/cooling/method",
    )

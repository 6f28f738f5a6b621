"""Carbon that the land takes up or loses, and emissions shared out over the land."""

from collections.abc import Mapping, Sequence

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.science.climate import MONTHS
from shanhai.science.grid import SQUARE_METRES_PER_HECTARE, ClassArray, FloatArray
from shanhai.science.landcover import LandCover, class_values

TONNES_PER_HECTARE = 0.01
"""Tonnes on a hectare that one gram on a square metre is."""

_RESPIRATION = 0.22 * 30 * 0.465


def heterotrophic_respiration(
    *, temperature_monthly: FloatArray, rainfall_monthly: FloatArray
) -> FloatArray:
    """Carbon that the soil breathes out in a year.

    `Rh = Σ_m 0.22·(exp(0.0912·T_m) + ln(0.3145·P_m + 1))·30·0.465`.

    Args:
        temperature_monthly: Mean temperature of twelve months T_m along the first axis, °C.
        rainfall_monthly: Rain of twelve months P_m along the first axis, mm.

    Returns:
        gC/m²/yr; NaN where any month is.

    Raises:
        InvalidInput: there are not twelve months of each.

    Source: Pei et al. 2009, status L.
    """
    _require_months(temperature_monthly, "temperature_monthly")
    _require_months(rainfall_monthly, "rainfall_monthly")
    warmth = np.zeros(temperature_monthly.shape[1:])
    moisture = np.ones(rainfall_monthly.shape[1:])
    for temperature, rain in zip(temperature_monthly, rainfall_monthly, strict=True):
        warmth += np.exp(0.0912 * temperature)
        # The logarithm of a product: one logarithm for the year instead of twelve.
        moisture *= 0.3145 * rain + 1.0
    return np.asarray(_RESPIRATION * (warmth + np.log(moisture)))


def net_ecosystem_production(
    *, npp: FloatArray, heterotrophic_respiration: FloatArray
) -> FloatArray:
    """Carbon taken up less carbon breathed out, `NEP = NPP − Rh`.

    Args:
        npp: Net primary productivity, gC/m²/yr.
        heterotrophic_respiration: Rh, gC/m²/yr.

    Returns:
        tC/ha/yr, negative where the land is a source; NaN where an input is.
    """
    return np.asarray(TONNES_PER_HECTARE * (npp - heterotrophic_respiration))


def carbon_stock(land_cover: ClassArray, pools: Sequence[Mapping[LandCover, float]]) -> FloatArray:
    """Carbon held by the pools of the class, as biomass above and below ground, litter and soil.

    Args:
        land_cover: Internal codes; 0 is nodata.
        pools: Density of each pool by class, tC/ha.

    Returns:
        tC/ha; NaN for nodata.

    Raises:
        InvalidInput: a class that occurs has no row in one of the pools.

    Source: InVEST carbon.
    """
    classes = [cover for cover in LandCover if all(cover in pool for pool in pools)]
    return class_values(
        land_cover, {cover: sum(pool[cover] for pool in pools) for cover in classes}
    )


def stock_change(
    *, carbon_density_start: FloatArray, carbon_density_end: FloatArray, years: float
) -> FloatArray:
    """Mean yearly change of the carbon held.

    Args:
        carbon_density_start: Density over all pools at the start, tC/ha.
        carbon_density_end: The same at the end, tC/ha.
        years: Years between the two, > 0.

    Returns:
        tC/ha/yr, negative where carbon was lost; NaN where an input is.

    Source: InVEST carbon.
    """
    return (carbon_density_end - carbon_density_start) / years


def emissions(
    *,
    night_lights: FloatArray,
    population: FloatArray,
    night_lights_total: float,
    population_total: float,
    emissions_total: float,
    light_share: float,
    cell_m: float,
) -> FloatArray:
    """Emissions of the area shared out by lights and people.

    `E_tot·[β·NTL/ΣNTL + (1 − β)·POP/ΣPOP]/A_ha`; a proxy that is 0 everywhere leaves all to the
    other, so that the sum over the cells is always E_tot.

    Args:
        night_lights: NTL, nW/cm²/sr, ≥ 0.
        population: POP, persons/cell, ≥ 0.
        night_lights_total: ΣNTL over the area.
        population_total: ΣPOP over the area.
        emissions_total: Emissions of the area E_tot, tC/yr.
        light_share: β, share that follows the lights, 0–1.
        cell_m: Side of a cell, m.

    Returns:
        tC/ha/yr, ≥ 0; NaN where an input is.

    Raises:
        InvalidInput: there are emissions, but neither lights nor people to share them out by.
    """
    by_light, by_person = _shares(
        emissions_total, light_share, night_lights_total, population_total
    )
    per_cell = by_light * night_lights + by_person * population
    return np.asarray(per_cell / (cell_m**2 / SQUARE_METRES_PER_HECTARE))


def _shares(total: float, light_share: float, lights: float, people: float) -> tuple[float, float]:
    """Emissions per unit of light and per person."""
    if total == 0:
        return 0.0, 0.0
    lit, peopled = lights > 0, people > 0
    if not (lit or peopled):
        raise InvalidInput(
            f"night_lights sum to {lights} and population to {people} over the area; "
            "one must be above 0 to share out emissions_total",
            message_zh=f"区域内夜间灯光总和为 {lights}、人口总和为 {people}，"
            "二者须有一个大于 0 才能分摊排放总量",
            pointer="/ecoservices/carbon_sink/parameters/emissions_total",
        )
    share = light_share if lit and peopled else float(lit)
    return (
        total * share / lights if lit else 0.0,
        total * (1 - share) / people if peopled else 0.0,
    )


def _require_months(values: FloatArray, name: str) -> None:
    if len(values) != MONTHS:
        raise InvalidInput(
            f"{name} has {len(values)} bands; twelve months are required",
            message_zh=f"{name} 有 {len(values)} 个波段，须为十二个月",
        )

"""Quantities derived from rain and air temperature."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from shanhai.errors import InvalidInput
from shanhai.science.grid import FloatArray

MONTHS = 12
CARBON_PER_DRY_MATTER = 0.45
"""Carbon content of plant dry matter, gC/g; 0.45–0.50 is the usual range, status E."""

_MID_MONTH_DAY = np.array([15, 46, 74, 105, 135, 166, 196, 227, 258, 288, 319, 349], dtype=float)
_MONTH_DAYS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], dtype=float)
_HOT_MONTH_C = 26.5

EROSIVE_DAY_MM = 10.0
"""Rain of a day below which no soil is moved, mm (Xie et al. 2016)."""

_WARM_SEASON = range(5, 10)
_WARM_COEFFICIENT, _COLD_COEFFICIENT = 0.3937, 0.3101

_MEGAJOULES_TO_MM = 0.408
"""Evaporation of one MJ/m²: the inverse of the latent heat of 2.45 MJ/kg (FAO-56)."""


def _require_months(values: FloatArray, name: str) -> None:
    if values.ndim == 0 or values.shape[0] != MONTHS:
        raise InvalidInput(
            f"{name} has {values.shape[0] if values.ndim else 1} months; it must have {MONTHS}",
            message_zh=f"{name} 的月份数不是 {MONTHS}",
        )


def erosivity_daily(rainfall_mm: FloatArray, dates: NDArray[np.datetime64]) -> FloatArray:
    """Rainfall erosivity R from daily totals, the preferred form.

    Sum of `a·P^1.7265` over days of `EROSIVE_DAY_MM` and more, `a` 0.3937 from May to September
    and 0.3101 else, divided by the number of years the dates span.

    Args:
        rainfall_mm: Daily rain, mm, 0–2000; first axis the days. Whole years, or seasons without
            rain count as if they had been left out.
        dates: Date of each day.

    Returns:
        MJ·mm/(ha·h·yr), ≥ 0; NaN where any day is NaN.

    Raises:
        InvalidInput: there is no day, or not one date for each.

    Source: Xie et al. 2016, Journal of Hydrology 535, 547.
    """
    days = np.asarray(dates, dtype="datetime64[D]")
    if days.size == 0 or days.shape != rainfall_mm.shape[:1]:
        raise InvalidInput(
            f"rainfall_mm holds {rainfall_mm.shape[0]} days and there are {days.size} dates; "
            "there must be one date for each day and at least one day",
            message_zh=f"日降雨量有 {rainfall_mm.shape[0]} 天而日期有 {days.size} 个，"
            "须一一对应且至少一天",
        )
    months = days.astype("datetime64[M]").astype(np.int64) % MONTHS + 1
    total = np.zeros(rainfall_mm.shape[1:])
    for rain, month in zip(rainfall_mm, months.tolist(), strict=True):
        coefficient = _WARM_COEFFICIENT if month in _WARM_SEASON else _COLD_COEFFICIENT
        # The comparison is written so that a missing day fails it and stays missing.
        total += np.where(rain < EROSIVE_DAY_MM, 0.0, coefficient * rain**1.7265)
    return np.asarray(total / np.unique(days.astype("datetime64[Y]")).size)


def erosivity_monthly(rainfall_mm: FloatArray) -> FloatArray:
    """Rainfall erosivity R from twelve monthly totals.

    `F = ΣP²/ΣP`, `R = 0.3589·F^1.9462`.

    Args:
        rainfall_mm: Monthly rain, mm, 0–4000; first axis the twelve months.

    Returns:
        MJ·mm/(ha·h·yr), ≥ 0; 0 where no rain falls, NaN where any month is NaN.

    Source: Zhang and Fu 2003, monthly fallback.
    """
    _require_months(rainfall_mm, "rainfall_mm")
    total, squares = np.zeros((2, *rainfall_mm.shape[1:]))
    # Month by month, because twelve squares at once would take as much memory as the rain.
    for month in rainfall_mm:
        total += month
        squares += month * month
    fournier = np.divide(squares, total, out=np.zeros_like(total), where=total != 0)
    return np.asarray(0.3589 * fournier**1.9462)


def erosivity_annual(rainfall_mm: FloatArray) -> FloatArray:
    """Rainfall erosivity R from the annual total, `0.0534·P^1.6548`.

    Args:
        rainfall_mm: Annual rain, mm, 0–12 000.

    Returns:
        MJ·mm/(ha·h·yr), ≥ 0; NaN stays NaN. Tens of percent from the monthly form.

    Source: Zhang and Fu 2003, annual fallback.
    """
    return np.asarray(0.0534 * np.maximum(rainfall_mm, 0.0) ** 1.6548)


def day_length_hours(latitude_deg: FloatArray | float, day_of_year: float) -> FloatArray:
    """Hours between sunrise and sunset.

    Args:
        latitude_deg: Degrees, north positive.
        day_of_year: 1–366.

    Returns:
        0–24 h; polar day and night are the limits, NaN stays NaN.

    Source: Allen et al. 1998 (FAO-56), equations 24, 25 and 34.
    """
    declination = 0.409 * np.sin(2 * np.pi * day_of_year / 365 - 1.39)
    cosine = -np.tan(np.radians(latitude_deg)) * np.tan(declination)
    return np.asarray(24 / np.pi * np.arccos(np.clip(cosine, -1.0, 1.0)))


def extraterrestrial_radiation(latitude_deg: FloatArray | float, day_of_year: float) -> FloatArray:
    """Radiation on a horizontal surface above the atmosphere.

    Args:
        latitude_deg: Degrees, north positive.
        day_of_year: 1–366.

    Returns:
        MJ/(m²·d), 0 in the polar night; NaN stays NaN.

    Source: Allen et al. 1998 (FAO-56), equations 21–25.
    """
    angle = 2 * np.pi * day_of_year / 365
    latitude = np.radians(latitude_deg)
    declination = 0.409 * np.sin(angle - 1.39)
    sunset = np.pi / 24 * day_length_hours(latitude_deg, day_of_year)
    height = sunset * np.sin(latitude) * np.sin(declination)
    height = height + np.cos(latitude) * np.cos(declination) * np.sin(sunset)
    constant = 24 * 60 / np.pi * 0.0820 * (1 + 0.033 * np.cos(angle))
    return np.asarray(np.maximum(0.0, constant * height))


def hargreaves_evapotranspiration(
    mean_c: FloatArray,
    highest_c: FloatArray,
    lowest_c: FloatArray,
    latitude_deg: FloatArray | float,
) -> FloatArray:
    """Annual reference evapotranspiration from monthly air temperature and its daily range.

    `ET0 = 0.0023·Ra·(T + 17.8)·√(Tmax − Tmin)` mm/d, `Ra` as the mm it would evaporate.

    Args:
        mean_c: Mean of the month, °C, −60–60; first axis the twelve months.
        highest_c: Mean daily maximum of the month, °C.
        lowest_c: Mean daily minimum of the month, °C.
        latitude_deg: Degrees, north positive; one value or one per cell.

    Returns:
        mm/yr, ≥ 0; NaN where any month is NaN.

    Source: Hargreaves and Samani 1985; FAO-56 equation 52.
    """
    for values, name in ((mean_c, "mean_c"), (highest_c, "highest_c"), (lowest_c, "lowest_c")):
        _require_months(values, name)
    total = np.zeros(np.broadcast_shapes(mean_c.shape[1:], np.shape(latitude_deg)))
    for month in range(MONTHS):
        radiation = extraterrestrial_radiation(latitude_deg, float(_MID_MONTH_DAY[month]))
        spread = np.sqrt(np.maximum(highest_c[month] - lowest_c[month], 0.0))
        daily = 0.0023 * _MEGAJOULES_TO_MM * radiation * (mean_c[month] + 17.8) * spread
        total += np.maximum(daily, 0.0) * _MONTH_DAYS[month]
    return np.asarray(total)


def _unadjusted_month(temperature_c: FloatArray, heat: FloatArray) -> FloatArray:
    """Millimetres of a month of thirty days of twelve hours."""
    exponent = 6.75e-7 * heat**3 - 7.71e-5 * heat**2 + 1.792e-2 * heat + 0.49239
    warm = np.clip(temperature_c, 0.0, _HOT_MONTH_C)
    ratio = np.divide(10 * warm, heat, out=np.zeros_like(warm), where=heat != 0)
    hot = -415.85 + 32.24 * temperature_c - 0.43 * temperature_c**2
    return np.asarray(np.where(temperature_c < _HOT_MONTH_C, 16 * ratio**exponent, hot))


def potential_evapotranspiration(
    temperature_c: FloatArray, latitude_deg: FloatArray | float
) -> FloatArray:
    """Annual potential evapotranspiration from monthly mean temperature.

    Used where no evapotranspiration product is given.

    Args:
        temperature_c: Monthly mean air temperature, °C, −60–60; first axis the twelve months.
        latitude_deg: Degrees, north positive; one value or one per cell.

    Returns:
        mm/yr, ≥ 0; NaN where any month is NaN.

    Source: Thornthwaite 1948; months of 26.5 °C and more after Willmott et al. 1985.
    """
    _require_months(temperature_c, "temperature_c")
    heat = ((np.maximum(temperature_c, 0.0) / 5) ** 1.514).sum(axis=0)
    total = np.zeros_like(heat)
    for month in range(MONTHS):
        daylight = day_length_hours(latitude_deg, float(_MID_MONTH_DAY[month])) / 12
        share = _MONTH_DAYS[month] / 30
        total += _unadjusted_month(temperature_c[month], heat) * daylight * share
    return np.asarray(total)


def miami_npp(temperature_c: FloatArray, rain_mm: FloatArray) -> FloatArray:
    """Potential net primary productivity from climate alone (Miami model).

    The smaller of `3000/(1+exp(1.315−0.119T))` and `3000(1−exp(−0.000664P))` g dry matter,
    times `CARBON_PER_DRY_MATTER`. A stand-in: it sees neither land use nor soil.

    Args:
        temperature_c: Annual mean air temperature, °C.
        rain_mm: Annual rain, mm.

    Returns:
        gC/m²/yr, 0–1350; NaN where either input is NaN.

    Source: Lieth 1975.
    """
    by_temperature = 3000 / (1 + np.exp(1.315 - 0.119 * temperature_c))
    by_rain = 3000 * -np.expm1(-0.000664 * np.maximum(rain_mm, 0.0))
    return np.asarray(CARBON_PER_DRY_MATTER * np.minimum(by_temperature, by_rain))


def annual_total(monthly: FloatArray | Sequence[FloatArray]) -> FloatArray:
    """Sum of the twelve months; NaN where any month is NaN."""
    months = np.asarray(monthly, dtype=np.float64)
    _require_months(months, "monthly")
    return np.asarray(months.sum(axis=0))


def annual_mean(monthly: FloatArray | Sequence[FloatArray]) -> FloatArray:
    """Mean of the twelve months, each counted with its days; NaN where any month is NaN."""
    months = np.asarray(monthly, dtype=np.float64)
    _require_months(months, "monthly")
    return np.asarray(np.tensordot(_MONTH_DAYS / _MONTH_DAYS.sum(), months, axes=1))

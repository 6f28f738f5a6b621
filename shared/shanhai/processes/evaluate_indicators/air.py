"""Share of days of good air."""

from datetime import date

import numpy as np

from shanhai.processes.evaluate_indicators.values import Asked, Figure, Found, Missing
from shanhai.science.air_quality import air_standard, count_good_days
from shanhai.vocabulary import Label

ENOUGH_DAYS = 324
"""Valid days of a year from which it can be judged, HJ 663-2013."""


def good_air_days(asked: Asked) -> Found:
    """Share of days of an index up to 100 among those whose index is known."""
    own = next(
        (
            one
            for one in asked.material.held.air
            if one.year == asked.year and one.indicator == asked.indicator.code
        ),
        None,
    )
    if own is None or not own.stations:
        return Missing(Label("区域内没有地面空气站点", "the region has no station on the ground"))
    standard = air_standard(date(asked.year, 12, 31))
    days = {
        code: np.array([np.nan if one is None else one for one in of_days], dtype=np.float64)
        for code, of_days in own.days.items()
    }
    counted = count_good_days(days, standard)
    if not counted.known:
        lacking = [code for code, of_days in days.items() if np.isnan(of_days).all()]
        return Missing(
            Label(
                f"{asked.year} 年没有有效的日 AQI；全年缺少：{'、'.join(lacking) or '–'}",
                f"{asked.year} has no day with a valid index; nothing all year of:"
                f" {', '.join(lacking) or '–'}",
            )
        )
    return Figure(
        counted.share_percent,
        Label(
            "区域日浓度为有效站点的平均（臭氧取日最大 8 小时平均）；六项齐全或已超标的日计为有效日",
            "concentrations of a day are means of the valid stations (of ozone the greatest 8-hour"
            " mean); a day counts where all six pollutants are known, or those known make it bad",
        ),
        {"stations": own.stations, "hourly_values": own.hours},
        standard.document(),
        {
            "good_days": counted.good,
            "valid_days": counted.known,
            "days": counted.days,
            "enough_days": counted.known >= ENOUGH_DAYS,
        },
    )

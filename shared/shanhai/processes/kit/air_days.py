"""Daily means of air pollutants, in the order of the days."""

from collections.abc import Mapping, Sequence
from datetime import date

from shanhai.db.observations.aggregation import DailyAir
from shanhai.science.air_quality import DAILY


def days_of(
    daily: Sequence[DailyAir], by_property: Mapping[str, str], first: date, last: date
) -> dict[str, list[float | None]]:
    """Concentrations of each day from one to another by pollutant, None where not valid."""
    length = (last - first).days + 1
    days: dict[str, list[float | None]] = {code: [None] * length for code in DAILY}
    for one in daily:
        days[by_property[one.property]][(one.day - first).days] = one.mean
    return days

"""Shares of sections of rivers and lakes by the class of their water."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from shanhai.processes.evaluate_indicators.task import StationTask
from shanhai.processes.evaluate_indicators.values import Asked, Figure, Found, Missing
from shanhai.science.arrays import FloatArray
from shanhai.science.water_quality import (
    Body,
    WaterStandard,
    classify,
    share_between,
    water_standard,
)
from shanhai.vocabulary import Label

GOOD = 3
"""Number of the last class that is good."""
MEANS = Label(
    "年均值为各月均值的平均；缺测项目不参评；pH 取算术平均",
    "annual means are means of the monthly means; items not observed are not assessed; pH is "
    "averaged as it is",
)


@dataclass(frozen=True, slots=True)
class Assessed:
    """A station with the class of its water.

    Attributes:
        number: The class by number; 0 without a value of any item.
        deciding: The items of that class.
        items: How many items it has values of.
    """

    station: StationTask
    body: Body
    number: int
    deciding: list[str]
    items: int


def good_sections(asked: Asked) -> Found:
    """Share of sections of class I–III."""
    return _sections(asked, lambda standard: (1, GOOD))


def inferior_sections(asked: Asked) -> Found:
    """Share of sections worse than class V."""
    return _sections(asked, lambda standard: (len(standard.classes) + 1, len(standard.classes) + 1))


def no_stations(zh: str, en: str) -> Missing:
    """What to say where there is nobody to observe."""
    return Missing(Label(f"区域内没有{zh}", f"the region has no {en}"))


def assess(
    asked: Asked,
    stations: Sequence[StationTask],
    standard: WaterStandard,
    body_of: Callable[[StationTask], Body],
) -> list[Assessed]:
    """The class of the water at each station, by its means of the year."""
    by_body: dict[Body, list[StationTask]] = {}
    for one in stations:
        by_body.setdefault(body_of(one), []).append(one)
    found: list[Assessed] = []
    for body, group in by_body.items():
        classes = classify(yearly_values(asked, group, standard), standard, body)
        found += [
            Assessed(
                one,
                body,
                int(classes.classes[place]),
                classes.deciding_items(place),
                int(classes.assessed[place]),
            )
            for place, one in enumerate(group)
        ]
    return found


def yearly_values(
    asked: Asked, stations: Sequence[StationTask], standard: WaterStandard
) -> dict[str, FloatArray]:
    """Means of the year by property the standard reads, NaN where a station has none."""
    return {
        code: np.array([_mean(one, code, asked.year) for one in stations], dtype=np.float64)
        for code in _properties(asked, standard)
    }


def figure_of(
    asked: Asked,
    standard: WaterStandard,
    assessed: Sequence[Assessed],
    wanted: tuple[int, int],
    method: Label,
) -> Found:
    """Share of stations whose class lies between two."""
    numbers = np.array([one.number for one in assessed], dtype=np.uint8)
    share = share_between(numbers, *wanted)
    if np.isnan(share):
        return Missing(
            Label(
                f"{asked.year} 年 {len(assessed)} 个站点均无参评项目的有效观测",
                f"none of the {len(assessed)} stations has a valid observation of an assessed item"
                f" in {asked.year}",
            )
        )
    return Figure(
        share,
        method,
        inputs_of(asked, [one.station for one in assessed], standard),
        standard.document(),
        {"sections": [_section(asked, standard, one) for one in assessed]},
    )


def inputs_of(
    asked: Asked, stations: Sequence[StationTask], standard: WaterStandard
) -> dict[str, Any]:
    """Stations and how many observations of the standard's items they made in the year."""
    read = _properties(asked, standard)
    counts = {
        one.code: sum(
            mean.observations
            for code in read
            for mean in one.means.get(code, ())
            if mean.year == asked.year
        )
        for one in stations
    }
    return {
        "stations": len(stations),
        "stations_observed": sum(count > 0 for count in counts.values()),
        "observations": sum(counts.values()),
        "left_out": list(asked.material.inputs.left_out),
    }


def _sections(asked: Asked, wanted: Callable[[WaterStandard], tuple[int, int]]) -> Found:
    if asked.indicator.stations is None and asked.indicator.indicator in asked.computation.named:
        return Missing(
            Label(
                "须在 stations 中指明该指标的断面",
                "the sections of this indicator have to be named under `stations`",
            )
        )
    standard = water_standard("surface_water", date(asked.year, 12, 31))
    stations = asked.stations("water_section")
    if not stations:
        return no_stations("水质断面", "water section")
    lakes = set(asked.material.inputs.lakes)
    assessed = assess(
        asked, stations, standard, lambda one: "lake" if one.code in lakes else "river"
    )
    return figure_of(asked, standard, assessed, wanted(standard), MEANS)


def _properties(asked: Asked, standard: WaterStandard) -> list[str]:
    """The properties the standard reads, without those the request leaves out."""
    read = {item.code for item in standard.items}
    read |= {item.instead[0] for item in standard.items if item.instead is not None}
    return sorted(read - set(asked.material.inputs.left_out))


def _mean(station: StationTask, code: str, year: int) -> float:
    return next((one.mean for one in station.means.get(code, ()) if one.year == year), np.nan)


def _section(asked: Asked, standard: WaterStandard, one: Assessed) -> dict[str, Any]:
    months = [
        mean.months
        for item in standard.items_for(one.body)
        for mean in one.station.means.get(item.code, ())
        if mean.year == asked.year
    ]
    return {
        "code": one.station.code,
        "name_zh": one.station.name_zh,
        "name_en": one.station.name_en,
        "body": one.body,
        "class": standard.name_of(one.number),
        "deciding": one.deciding,
        "items": one.items,
        "months": min(months, default=0),
    }

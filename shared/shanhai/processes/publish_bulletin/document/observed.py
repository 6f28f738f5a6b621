"""What stations observed in the period of a bulletin: completeness, and classes by standards."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np

from shanhai.processes.publish_bulletin.contract import (
    BulletinStation,
    BulletinTask,
    PublishBulletinInputs,
)
from shanhai.processes.publish_bulletin.document.language import named, percent
from shanhai.science import air_quality, water_quality
from shanhai.science.grid import FloatArray
from shanhai.vocabulary import STATION_KINDS, Label, Term

Document = dict[str, Any]
WATERS: tuple[tuple[str, str, water_quality.Medium, int], ...] = (
    ("water", "water_section", "surface_water", 3),
    ("sea", "sea", "sea_water", 2),
)
"""Member of the content, kind of its stations, medium of its standard, last class that is good."""
AIR_CLASSES = (
    Term("1", Label("优", "excellent")),
    Term("2", Label("良", "good")),
    Term("3", Label("轻度污染", "lightly polluted")),
    Term("4", Label("中度污染", "moderately polluted")),
    Term("5", Label("重度污染", "heavily polluted")),
    Term("6", Label("严重污染", "severely polluted")),
)


def completeness_percent(station: BulletinStation, days: int) -> float | None:
    """Valid values of those expected by the interval, of the properties that were observed.

    Returns:
        0–100, more than is expected counts as all of it; 0 where nothing was observed; None for a
        station that tells at no interval.
    """
    if station.interval_s is None:
        return None
    expected = max(1, days * 86_400 // station.interval_s)
    shares = [min(1.0, one.number / expected) for one in station.means]
    return 100.0 * sum(shares) / len(shares) if shares else 0.0


def observations_document(held: BulletinTask, inputs: PublishBulletinInputs) -> Document:
    """Stations, how many told anything, and how complete it was; the course of properties."""
    days = (inputs.last - inputs.first).days + 1
    rows = [_station(one, days) for one in held.stations]
    known = [row["completeness_percent"] for row in rows if row["completeness_percent"] is not None]
    told = sum(row["values"] > 0 for row in rows)
    kinds = {term.code: term.label for term in STATION_KINDS}
    return {
        "stations": len(rows),
        "told": told,
        "silent": len(rows) - told,
        "values": sum(row["values"] for row in rows),
        "completeness_percent": sum(known) / len(known) if known else None,
        "kinds": [_kind(code, label, rows) for code, label in kinds.items() if _of(rows, code)],
        "rows": rows,
        "series": [
            {
                **one.model_dump(mode="json", exclude={"points"}),
                "points": [[day.isoformat(), value] for day, value in one.points],
            }
            for one in held.series
        ],
    }


def waters_document(held: BulletinTask, inputs: PublishBulletinInputs) -> dict[str, Document]:
    """Classes of rivers and lakes, and of the sea, each station by its worst item."""
    found: dict[str, Document] = {}
    for member, kind, medium, good in WATERS:
        stations = [one for one in held.stations if one.kind == kind]
        standard = water_quality.water_standard(medium, inputs.last)
        rows = _classified(stations, standard, medium, inputs)
        numbers = np.array([row["number"] for row in rows], dtype=np.uint8)
        share = water_quality.share_between(numbers, 1, good)
        counts = Counter(row["class"] for row in rows if row["class"] is not None)
        assessed = sum(counts.values())
        found[member] = {
            "stations": len(stations),
            "assessed": assessed,
            "good": int(np.count_nonzero((numbers >= 1) & (numbers <= good))),
            "good_percent": None if np.isnan(share) else share,
            "worst": counts[standard.worse],
            "classes": [
                {
                    "code": code,
                    **named(water_quality.class_label(code)),
                    "count": counts[code],
                    "percent": percent(counts[code], assessed),
                }
                for code in (*standard.classes, standard.worse)
            ],
            "standard": standard.document(),
            "rows": rows,
        }
    return found


def air_document(held: BulletinTask, inputs: PublishBulletinInputs) -> Document:
    """Days of the period by class of the air quality index, over the stations of the region."""
    standard = air_quality.air_standard(inputs.last)
    length = (inputs.last - inputs.first).days + 1
    counts, primary, good, known = Counter[str](), Counter[str](), 0, 0
    daily: list[Document] = []
    if held.air is not None:
        days = {code: _filled(held.air.days[code]) for code in air_quality.DAILY}
        of_days = air_quality.count_good_days(days, standard)
        good, known = of_days.good, of_days.known
        daily, counts, primary = _days(days, standard, inputs.first)
    return {
        "stations": 0 if held.air is None else held.air.stations,
        "hours": 0 if held.air is None else held.air.hours,
        "days": length,
        "known": known,
        "good": good,
        "good_percent": percent(good, known),
        "classes": [
            {
                "code": term.code,
                **named(term.label),
                "count": counts[term.code],
                "percent": percent(counts[term.code], known),
            }
            for term in AIR_CLASSES
        ],
        "primary": [
            {"code": code, **named(standard.pollutants[code].label), "count": count}
            for code, count in sorted(primary.items(), key=lambda item: (-item[1], item[0]))
        ],
        "daily": daily,
        "standard": standard.document(),
    }


def _station(one: BulletinStation, days: int) -> Document:
    return {
        "code": one.code,
        "name_zh": one.name_zh,
        "name_en": one.name_en,
        "kind": one.kind,
        "values": sum(mean.number for mean in one.means),
        "properties": len(one.means),
        "completeness_percent": completeness_percent(one, days),
    }


def _of(rows: Sequence[Document], kind: str) -> list[Document]:
    return [row for row in rows if row["kind"] == kind]


def _kind(code: str, label: Label, rows: Sequence[Document]) -> Document:
    own = _of(rows, code)
    known = [row["completeness_percent"] for row in own if row["completeness_percent"] is not None]
    return {
        "code": code,
        **named(label),
        "stations": len(own),
        "told": sum(row["values"] > 0 for row in own),
        "values": sum(row["values"] for row in own),
        "completeness_percent": sum(known) / len(known) if known else None,
    }


def _classified(
    stations: Sequence[BulletinStation],
    standard: water_quality.WaterStandard,
    medium: water_quality.Medium,
    inputs: PublishBulletinInputs,
) -> list[Document]:
    """The class of each station, in their order; those of one kind of water together."""
    lakes, found = set(inputs.lakes), dict[str, Document]()
    groups: dict[water_quality.Body, list[BulletinStation]] = {}
    for one in stations:
        body: water_quality.Body = (
            "sea" if medium == "sea_water" else "lake" if one.code in lakes else "river"
        )
        groups.setdefault(body, []).append(one)
    for body, group in groups.items():
        classes = water_quality.classify(_values(group, standard, inputs.left_out), standard, body)
        for place, one in enumerate(group):
            found[one.code] = _row(one, classes, place, standard)
    return [found[one.code] for one in stations]


def _row(
    one: BulletinStation,
    classes: water_quality.WaterClasses,
    place: int,
    standard: water_quality.WaterStandard,
) -> Document:
    number = int(classes.classes[place])
    code = standard.name_of(number)
    labels = {item.code: item.label for item in standard.items}
    deciding = classes.deciding_items(place) if number > 1 else []
    label = Label("–", "–") if code is None else water_quality.class_label(code)
    return {
        "code": one.code,
        "name_zh": one.name_zh,
        "name_en": one.name_en,
        "class": code,
        **named(label, "class_name"),
        "number": number,
        "items": int(classes.assessed[place]),
        "deciding": deciding,
        "deciding_names_zh": "、".join(labels[item].zh for item in deciding),
        "deciding_names_en": ", ".join(labels[item].en for item in deciding),
    }


def _values(
    stations: Sequence[BulletinStation],
    standard: water_quality.WaterStandard,
    left_out: Sequence[str],
) -> dict[str, FloatArray]:
    """Means by property the standard reads, NaN where a station has none."""
    read = {item.code for item in standard.items}
    read |= {item.instead[0] for item in standard.items if item.instead is not None}
    of_stations = [{mean.property: mean.mean for mean in one.means} for one in stations]
    return {
        code: np.array([means.get(code, np.nan) for means in of_stations], dtype=np.float64)
        for code in sorted(read - set(left_out))
    }


def _days(
    days: Mapping[str, FloatArray], standard: air_quality.AirStandard, first: date
) -> tuple[list[Document], Counter[str], Counter[str]]:
    """The index of each valid day; how many days have each class, and each primary pollutant."""
    index = air_quality.air_quality_index(
        {code: days[code] for code in air_quality.DAILY}, standard
    )
    complete = ~np.isnan(index.of_pollutants).any(axis=0)
    valid = complete | (index.aqi > air_quality.GOOD)
    daily: list[Document] = []
    counts, primary = Counter[str](), Counter[str]()
    for place in np.flatnonzero(valid):
        number = int(index.classes[place])
        counts[str(number)] += 1
        primary.update(code for row, code in enumerate(index.codes) if index.primary[row, place])
        day = (first + timedelta(days=int(place))).isoformat()
        daily.append({"day": day, "aqi": int(index.aqi[place]), "class": number})
    return daily, counts, primary


def _filled(values: Sequence[float | None]) -> FloatArray:
    return np.array([np.nan if one is None else one for one in values], dtype=np.float64)

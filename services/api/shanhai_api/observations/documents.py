"""Observations and their statistics as they are shown; times are written with the document."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from shanhai.db.observations import queries
from shanhai.db.observations.rollups import Rollup
from shanhai.monitoring.checks import flag_codes
from shanhai.vocabulary import QUALITIES

Row = dict[str, Any]
STATISTICS = ("mean", "min", "max", "p50", "p98", "count")


def describe_value(
    series: queries.SeriesQuery,
    station: queries.SeenStation,
    value: queries.Value,
    formers: Mapping[queries.SeriesPosition, Sequence[queries.FormerObservation]] | None = None,
) -> Row:
    """An observation; with what it was before where that is asked for."""
    of = series.properties[value.property_id]
    row: Row = {
        "station": station.code,
        "property": of.code,
        "time": value.at,
        "value": value.value,
        "unit": of.unit,
        "quality": QUALITIES[value.quality].code,
        "flags": flag_codes(value.flags) if value.flags else [],
        "received": value.received_at,
    }
    if value.result_time is not None:
        row["result_time"] = value.result_time
    if formers is not None:
        row["revisions"] = [
            _former(one) for one in formers.get(queries.SeriesPosition(*value[:3]), ())
        ]
    return row


def _former(one: queries.FormerObservation) -> Row:
    row: Row = {
        "value": one.value,
        "quality": QUALITIES[one.quality].code,
        "flags": flag_codes(one.flags),
        "received": one.received_at,
        "replaced": one.replaced_at,
    }
    if one.result_time is not None:
        row["result_time"] = one.result_time
    return row


def describe_latest(
    series: queries.SeriesQuery,
    station: queries.SeenStation,
    value: queries.Value,
    now: datetime,
    formers: Mapping[queries.SeriesPosition, Sequence[queries.FormerObservation]] | None = None,
) -> Row:
    """A newest value; `gap` says that the station has been silent for longer than is usual."""
    return {
        **describe_value(series, station, value, formers),
        "gap": station.has_gap(value.at, now),
    }


def describe_bucket(
    series: queries.SeriesQuery, station: queries.SeenStation, bucket: Rollup
) -> Row:
    """Statistics of a stretch of time."""
    of = series.properties[bucket.property_id]
    return {
        "station": station.code,
        "property": of.code,
        "time": bucket.starts_at,
        "unit": of.unit,
        "mean": bucket.mean,
        "min": bucket.low,
        "max": bucket.high,
        "p50": bucket.p50,
        "p98": bucket.p98,
        "count": bucket.number,
    }


def feature(station: queries.SeenStation, row: Row) -> Row:
    """A row as a feature at the place of its station."""
    return {"type": "Feature", "geometry": point_of(station), "properties": row}


def point_of(station: queries.SeenStation) -> Row | None:
    """Where a station is, as GeoJSON."""
    if station.longitude is None or station.latitude is None:
        return None
    return {"type": "Point", "coordinates": [station.longitude, station.latitude]}

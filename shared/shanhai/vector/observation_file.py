"""Observations of a month as GeoParquet: written in the order of series, read by statistics.

Row groups are sorted by station, property and time, and Parquet keeps the least and the greatest of
each: who wants a station reads the groups that have it, and of those the columns it needs.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from shanhai.errors import Unavailable
from shanhai.monitoring.observation import NO_FEATURE, UNTOLD, VALID, ObservedRows, series_keys
from shanhai.vector.geoparquet import GEO, VERSION, GeometryMetadata
from shanhai.vector.sources import point_wkb
from shanhai.vector.tables import GEOMETRY
from shanhai.vocabulary import FLAGS, QUALITIES

GROUP_ROWS = 65_536
PAGE_BYTES = 64 * 1024
"""Small pages: of a group that was found, few have to be unpacked."""
_MOMENT = pa.timestamp("us", tz="UTC")
SCHEMA = pa.schema(
    [
        pa.field(GEOMETRY, pa.binary()),
        pa.field("station", pa.string(), nullable=False),
        pa.field("property", pa.string(), nullable=False),
        pa.field("unit", pa.string(), nullable=False),
        pa.field("time", _MOMENT, nullable=False),
        pa.field("value", pa.float64(), nullable=False),
        pa.field("quality", pa.int16(), nullable=False),
        pa.field("flags", pa.int16(), nullable=False),
        pa.field("received", _MOMENT, nullable=False),
        pa.field("station_id", pa.int32(), nullable=False),
        pa.field("property_id", pa.int16(), nullable=False),
        pa.field("source_id", pa.int32(), nullable=False),
        pa.field("result_time", _MOMENT),
        pa.field("feature_id", pa.int32()),
    ]
)
_FEW_VALUES = [GEOMETRY, "station", "property", "unit", "quality", "flags", "source_id"]
_KEYS = {"station": "station_id", "property": "property_id", "time": "time"}
_REST = {"value": "value", "received": "received", "source": "source_id"} | {
    name: name for name in ("quality", "flags")
}
_TOLD = {"result": ("result_time", UNTOLD), "feature": ("feature_id", NO_FEATURE)}
"""Columns that files written before them lack, and what stands for no value."""


class StationPlace(NamedTuple):
    """Where a station is and what it is called; longitude and latitude where it has a place."""

    code: str
    longitude: float | None
    latitude: float | None


@dataclass(frozen=True, slots=True)
class Names:
    """What the numbers in rows mean: stations, and properties with their units."""

    stations: Mapping[int, StationPlace]
    properties: Mapping[int, tuple[str, str]]


class ObservationWriter:
    """Writes rows that come in the order of station, property and time."""

    def __init__(self, path: Path, names: Names) -> None:
        self._names = names
        self._writer = pq.ParquetWriter(
            path,
            SCHEMA,
            compression="zstd",
            use_dictionary=_FEW_VALUES,
            column_encoding={"time": "DELTA_BINARY_PACKED", "received": "DELTA_BINARY_PACKED"},
            data_page_size=PAGE_BYTES,
            write_page_checksum=True,
        )
        self._waiting: list[ObservedRows] = []
        self._number = 0
        self._seen = GeometryMetadata()

    def write(self, rows: ObservedRows) -> None:
        """Add rows that come behind those before."""
        self._waiting.append(rows)
        self._number += len(rows)
        if self._number >= GROUP_ROWS:
            waiting = ObservedRows.joined(self._waiting)
            whole = len(waiting) - len(waiting) % GROUP_ROWS
            for start in range(0, whole, GROUP_ROWS):
                self._write_group(waiting.take(slice(start, start + GROUP_ROWS)))
            self._waiting, self._number = [waiting.take(slice(whole, None))], len(waiting) - whole

    def close(self) -> None:
        """Finish the file."""
        rest = ObservedRows.joined(self._waiting)
        if len(rest):
            self._write_group(rest)
        geo = {
            "version": VERSION,
            "primary_column": GEOMETRY,
            "columns": {GEOMETRY: self._seen.described(4326)},
        }
        notes = {
            GEO: json.dumps(geo),
            "shanhai:quality": json.dumps([item.code for item in QUALITIES]),
            "shanhai:flags": json.dumps([item.code for item in FLAGS]),
        }
        self._writer.add_key_value_metadata(notes)
        self._writer.close()

    def _write_group(self, rows: ObservedRows) -> None:
        stations, station_of = np.unique(rows.station, return_inverse=True)
        properties, property_of = np.unique(rows.property, return_inverse=True)
        places = [self._names.stations[number] for number in stations.tolist()]
        observed = [self._names.properties[number] for number in properties.tolist()]
        points = pa.array(
            [point_wkb(place.longitude, place.latitude) for place in places], pa.binary()
        )
        self._seen.add(pa.record_batch({GEOMETRY: points}))
        columns = {
            GEOMETRY: points.take(pa.array(station_of)),
            "station": pa.array([place.code for place in places]).take(pa.array(station_of)),
            "property": pa.array([code for code, _ in observed]).take(pa.array(property_of)),
            "unit": pa.array([unit for _, unit in observed]).take(pa.array(property_of)),
            "time": _moments(rows.time),
            "received": _moments(rows.received),
            **{name: getattr(rows, name) for name in ("value", "quality", "flags")},
            "station_id": rows.station,
            "property_id": rows.property,
            "source_id": rows.source,
            "result_time": _moments(rows.result),
            "feature_id": pa.array(rows.feature, mask=rows.feature == NO_FEATURE),
        }
        group = pa.table([columns[name] for name in SCHEMA.names], schema=SCHEMA)
        self._writer.write_table(group, row_group_size=GROUP_ROWS)


def _moments(times: NDArray[np.int64]) -> pa.Array:
    return pa.array(times.astype("datetime64[us]")).cast(_MOMENT)


@dataclass(frozen=True, slots=True)
class RowFilter:
    """Which rows of a file are meant.

    Attributes:
        keys: Their series, sorted; None for all.
        start, end: From when to before when, in microseconds since 1970.
        marked: Only those a check marked, or whose sender does not call them valid.
        feature: The number of their sampling feature; below nought for any; None for all rows.
    """

    keys: NDArray[np.int64] | None = None
    start: int = -(2**62)
    end: int = 2**62
    marked: bool = False
    feature: int | None = None

    def may_have(self, lowest: tuple[int, int, int], highest: tuple[int, int, int]) -> bool:
        """Whether a group with these least and greatest stations, properties and times may."""
        if highest[2] < self.start or lowest[2] >= self.end:
            return False
        if self.keys is None:
            return True
        first, last = (
            np.searchsorted(self.keys, np.int64(station) << 16)
            for station in (lowest[0], highest[0] + 1)
        )
        properties = self.keys[first:last] & 0xFFFF
        return bool(((properties >= lowest[1]) & (properties <= highest[1])).any())

    def mask(self, keys: NDArray[np.int64], time: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of these rows."""
        met: NDArray[np.bool_] = (time >= self.start) & (time < self.end)
        if self.keys is not None:
            if not len(self.keys):
                return np.zeros(len(keys), np.bool_)
            at = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
            met &= self.keys[at] == keys
        return met


def read_rows(path: Path, wanted: RowFilter) -> Iterator[ObservedRows]:
    """The rows that are meant, group by group, in the order of station, property and time.

    Raises:
        Unavailable: the file is damaged, or cannot be read.
    """
    with _opened(path) as file:
        for number in range(file.num_row_groups):
            if not wanted.may_have(*_edges(file.metadata.row_group(number))):
                continue
            told = file.read_row_group(number, columns=list(_KEYS.values()))
            keys = {name: _column(told, column) for name, column in _KEYS.items()}
            met = wanted.mask(series_keys(keys["station"], keys["property"]), keys["time"])
            if not met.any():
                continue
            told = file.read_row_group(number, columns=list(_REST.values()))
            rest = {name: _column(told, column) for name, column in _REST.items()}
            if wanted.marked:
                met &= (rest["flags"] != 0) | (rest["quality"] != VALID)
            rows = ObservedRows(**keys, **rest, **_told(file, number))
            if wanted.feature is not None:
                of_any = wanted.feature < 0
                met &= rows.feature != NO_FEATURE if of_any else rows.feature == wanted.feature
            if met.any():
                yield rows if met.all() else rows.take(met)


def _told(file: pq.ParquetFile, number: int) -> dict[str, NDArray[Any]]:
    """What few rows have, of a row group."""
    present = [column for column, _ in _TOLD.values() if column in file.schema_arrow.names]
    group = file.read_row_group(number, columns=present) if present else None
    size = file.metadata.row_group(number).num_rows
    return {
        name: np.full(size, missing, np.int32 if name == "feature" else np.int64)
        if group is None
        else _column(group, column, missing)
        for name, (column, missing) in _TOLD.items()
    }


def demand_sound(path: Path) -> None:
    """Read every page of every column.

    Raises:
        Unavailable: one of them is not what was written.
    """
    with _opened(path) as file:
        for number in range(file.num_row_groups):
            file.read_row_group(number)


@contextmanager
def _opened(path: Path) -> Iterator[pq.ParquetFile]:
    try:
        with pq.ParquetFile(
            path, metadata=_metadata(path), pre_buffer=False, page_checksum_verification=True
        ) as file:
            yield file
    except (OSError, pa.ArrowException) as error:
        raise Unavailable(
            f"the file {path.name} of archived observations is damaged",
            message_zh=f"观测归档文件 {path.name} 已损坏",
        ) from error


Position = tuple[int, int, int]
"""A time, station and property."""


def first_rows(
    path: Path, wanted: RowFilter, most: int, *, after: Position | None = None, last: bool = False
) -> ObservedRows:
    """The first of the rows that are meant, in the order of time, station and property.

    Takes the memory of some `most` rows and a row group.

    Args:
        after: Those behind this place only.
        last: The last rows instead; still in that order.
    """
    kept = ObservedRows.joined([])
    edge: int | None = None
    for rows in read_rows(path, wanted):
        near = rows
        if after is not None:
            near = near.take(_behind(near, after))
        if edge is not None:
            near = near.take(near.time >= edge if last else near.time <= edge)
        if len(near):
            kept = ObservedRows.joined([kept, near])
            kept = kept.take(np.lexsort((kept.property, kept.station, kept.time)))
        if len(kept) > most:
            kept = kept.take(slice(-most, None) if last else slice(most))
            edge = int(kept.time[0 if last else -1])
    return kept


def _behind(rows: ObservedRows, place: Position) -> NDArray[np.bool_]:
    at = series_keys(np.array(place[1]), np.array(place[2]))
    behind: NDArray[np.bool_] = (rows.time > place[0]) | (
        (rows.time == place[0]) & (rows.keys() > at)
    )
    return behind


@lru_cache(maxsize=16)
def _metadata(path: Path) -> pq.FileMetaData:
    """A file of this name never changes, and reading what it says of many groups takes a while."""
    return pq.read_metadata(path)


_PLACES = {name: number for number, name in enumerate(SCHEMA.names)}


def _edges(group: pq.RowGroupMetaData) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """The least and the greatest station, property and time of a group."""
    found = [
        group.column(_PLACES[column]).statistics for column in ("station_id", "property_id", "time")
    ]
    low, high = ([getattr(one, f"{end}_raw") for one in found] for end in ("min", "max"))
    return (low[0], low[1], low[2]), (high[0], high[1], high[2])


def _column(table: pa.Table, name: str, missing: int = 0) -> NDArray[Any]:
    column = table.column(name).combine_chunks()
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    if column.null_count:
        column = column.fill_null(missing)
    values: NDArray[Any] = column.to_numpy(zero_copy_only=False)
    return values

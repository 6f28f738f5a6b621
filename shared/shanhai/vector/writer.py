"""Write a table of features into a file of any format, in bounded memory."""

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from shanhai.file_limits import proving_room
from shanhai.vector.formats import FormatName, neutralised
from shanhai.vector.gdal import write_flatgeobuf, write_geopackage, write_kml
from shanhai.vector.geoparquet import write_parquet
from shanhai.vector.shapefile import write_shapefile
from shanhai.vector.tables import GEOMETRY, FeatureColumn, FeatureTable, Lost, Row, json_text

DEGREE_DIGITS = 7
METRE_DIGITS = 3
BYTE_ORDER_MARK = "\ufeff"
SEPARATOR = "\x1e"
"""What begins each text of a GeoJSON sequence (RFC 8142)."""


def write_csv(path: Path, table: FeatureTable) -> None:
    """CSV that spreadsheets read as UTF-8, WKT in the last column."""
    spatial = table.geometry_type is not None
    writers = [_cell_writer(column) for column in table.columns]
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(BYTE_ORDER_MARK)
        rows = csv.writer(file, lineterminator="\r\n")
        rows.writerow([*(column.name for column in table.columns), *([GEOMETRY] * spatial)])
        for block in table.blocks:
            texts = _wkt(block, _digits(table)) if spatial else [None] * len(block)
            for row, text in zip(block, texts, strict=True):
                cells = [write(value) for write, value in zip(writers, row[1:], strict=True)]
                rows.writerow([*cells, text] if spatial else cells)


def write_geojson_sequence(path: Path, table: FeatureTable) -> None:
    """One feature a line, each after a record separator."""
    names = [column.name for column in table.columns]
    nested = [column.kind == "json" for column in table.columns]
    with path.open("w", encoding="utf-8", newline="") as file:
        for block in table.blocks:
            geometries = _geojson(block, _digits(table))
            for row, geometry in zip(block, geometries, strict=True):
                members = {
                    name: _json_value(value, is_json)
                    for name, is_json, value in zip(names, nested, row[1:], strict=True)
                }
                code = members.pop("code") if table.hides_code else members.get("code")
                file.write(_feature_line(code, members, geometry))


def _digits(table: FeatureTable) -> int:
    return DEGREE_DIGITS if table.epsg in {4326, 4490} else METRE_DIGITS


def _shapes(block: Sequence[Row]) -> Any:
    return shapely.from_wkb(np.array([row[0] for row in block], dtype=object))


def _wkt(block: Sequence[Row], digits: int) -> list[str | None]:
    return list(shapely.to_wkt(_shapes(block), rounding_precision=digits))


def _geojson(block: Sequence[Row], digits: int) -> list[str | None]:
    rounded = shapely.transform(_shapes(block), lambda points: np.round(points, digits))
    return list(shapely.to_geojson(rounded))


def _feature_line(code: str | None, members: dict[str, Any], geometry: str | None) -> str:
    identity = json.dumps(code, ensure_ascii=False)
    properties = json.dumps(members, ensure_ascii=False, separators=(",", ":"))
    return (
        f'{SEPARATOR}{{"type":"Feature","id":{identity},"geometry":{geometry or "null"},'
        f'"properties":{properties}}}\n'
    )


def _json_value(value: Any, is_json: bool) -> Any:
    if is_json and isinstance(value, str):
        return json.loads(value)
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    return value.isoformat() if isinstance(value, date | datetime) else value


def _cell_writer(column: FeatureColumn) -> Callable[[Any], object]:
    match column.kind:
        case "text":
            return lambda value: None if value is None else neutralised(str(value))
        case "json":
            return json_text
        case "boolean":
            return lambda value: None if value is None else str(value).lower()
        case "date" | "moment":
            return lambda value: None if value is None else value.isoformat()
        case _:
            return lambda value: value


Writer = Callable[[Path, FeatureTable], None]
WRITERS: Mapping[FormatName, Writer] = {
    "csv": write_csv,
    "geojsonseq": write_geojson_sequence,
    "fgb": write_flatgeobuf,
    "gpkg": write_geopackage,
    "parquet": write_parquet,
    "kml": write_kml,
}


def write_table(
    path: Path, table: FeatureTable, format_name: FormatName, *, encoding: str | None = None
) -> Lost:
    """Write the table to a new file.

    Returns:
        How many values of each column the format could not hold whole.

    Args:
        path: The file to make; its folder is ours alone, helper files may appear in it.
        table: What to write; its blocks are consumed.
        format_name: Which format.
        encoding: `UTF-8` or `GBK`, of a shapefile's attributes.

    Raises:
        InvalidInput: The format cannot hold what the table has.
        OSError: There is no room for it.
    """
    with proving_room(path):
        if format_name == "shp":
            return write_shapefile(path, table, encoding=encoding or "UTF-8")
        WRITERS[format_name](path, table)
        return {}

"""Files GDAL writes from an Arrow stream: FlatGeobuf, GeoPackage, KML."""

import re
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from shanhai.vector.gdal import pyogrio
from shanhai.vector.tables import (
    GEOMETRY,
    FeatureTable,
    Row,
    arrow_schema,
    batch_reader,
    record_batches,
    without_decimals,
)

LONG_AGO = "1980-01-01T00:00:00.000Z"
CONTROL = re.compile("[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f]")


def write_flatgeobuf(path: Path, table: FeatureTable) -> None:
    """FlatGeobuf, with its spatial index where every row has a geometry: it knows no gaps.

    The notes are its description.

    Whether all have one is known at the end, so the rows wait in a file beside it.
    """
    table = without_decimals(table, "number")
    schema = arrow_schema(table.columns, geometry=True)
    waiting, missing = path.with_suffix(".waiting"), 0
    try:
        with pa.OSFile(str(waiting), "wb") as sink, pa.ipc.new_stream(sink, schema) as stream:
            for batch in record_batches(table, schema):
                missing += batch.column(GEOMETRY).null_count
                stream.write_batch(batch)
        with pa.OSFile(str(waiting)) as source, pa.ipc.open_stream(source) as rows:
            index = "NO" if missing else "YES"
            notes = "\n".join(f"{name}: {note}" for name, note in (table.notes or {}).items())
            options = {"SPATIAL_INDEX": index, **({"DESCRIPTION": notes} if notes else {})}
            _write_rows(path, table, rows, "FlatGeobuf", layer_options=options)
    finally:
        waiting.unlink(missing_ok=True)


def write_geopackage(path: Path, table: FeatureTable) -> None:
    """GeoPackage; the notes are its layer's metadata."""
    table = without_decimals(table, "number")
    notes = dict(table.notes or {}) or None
    # Version 1.4 is not fully known to GDAL before 3.7, which QGIS of many a bureau comes with.
    _write(path, table, "GPKG", layer_metadata=notes, dataset_options={"VERSION": "1.3"})


def write_layers(path: Path, tables: Iterable[FeatureTable]) -> None:
    """A GeoPackage of several layers whose bytes depend on nothing but what is in them."""
    for table in tables:
        _write(path, table, "GPKG")
    if path.exists():
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("UPDATE gpkg_contents SET last_change = ?", (LONG_AGO,))
            connection.execute("VACUUM")


def write_kml(path: Path, table: FeatureTable) -> None:
    """KML; every property is in the extended data, without signs XML cannot hold."""
    table = without_decimals(table, "text")
    _write(path, replace(table, blocks=map(_printable, table.blocks)), "KML")


def _printable(block: Sequence[Row]) -> list[list[Any]]:
    return [
        [CONTROL.sub("", value) if isinstance(value, str) else value for value in row]
        for row in block
    ]


def _write(path: Path, table: FeatureTable, driver: str, **options: Any) -> None:
    schema = arrow_schema(table.columns, geometry=True)
    _write_rows(path, table, batch_reader(table, schema), driver, **options)


def _write_rows(
    path: Path, table: FeatureTable, rows: pa.RecordBatchReader, driver: str, **options: Any
) -> None:
    pyogrio.write_arrow(
        rows,
        path,
        layer=table.name,
        driver=driver,
        geometry_name=GEOMETRY,
        geometry_type=table.geometry_type or "Unknown",
        crs=f"EPSG:{table.epsg}",
        **options,
    )

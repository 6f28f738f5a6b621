"""pyogrio, loaded with the few drivers that are needed here, and the files it writes from Arrow.

What people send is opened by GDAL; a driver that is not registered cannot be led astray, and none
of those registered follows addresses. FlatGeobuf, GeoPackage and KML are written.
"""

import os
import re
import sqlite3
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow as pa

from shanhai.errors import UnsupportedFile
from shanhai.vector.tables import (
    GEOMETRY,
    FeatureTable,
    Row,
    arrow_schema,
    batch_reader,
    record_batches,
    without_decimals,
)

KEPT = frozenset({"ESRI Shapefile", "GPKG", "FlatGeobuf", "KML", "MEM", "Memory"})
SKIPPED = (
    *("ADBC", "AIVector", "AVCBin", "AVCE00", "AmigoCloud", "CSV", "CSW", "Carto", "DGN", "DXF"),
    *("EDIGEO", "EEDA", "ESRIJSON", "Elasticsearch", "GDALG", "GML", "GPSBabel", "GPX", "GTFS"),
    *(
        "GTI",
        "GeoJSON",
        "GeoJSONSeq",
        "GeoRSS",
        "HTTP",
        "Idrisi",
        "JML",
        "JSONFG",
        "LIBKML",
        "LVBAG",
        "MBTiles",
        "MVT",
    ),
    *("MapML", "MiraMonVector", "NGW", "OAPIF", "ODS", "OGCAPI", "OGR_GMT", "OGR_PDS", "OGR_VRT"),
    *("OSM", "OpenFileGDB", "PCIDSK", "PDF", "PDS4", "PGDUMP", "PLSCENES", "PMTiles", "S57"),
    *("SQLite", "STACIT", "STACTA", "SXF", "Selafin", "TopoJSON", "VDV", "VFK", "VICAR"),
    *("VRT", "WAsP", "WCS", "WFS", "WMS", "WMTS", "XLSX", "MapInfo File"),
)
"""The other drivers of the wheel's GDAL."""
OPTIONS = {
    "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".none",
    "GDAL_NUM_THREADS": "1",
    # GDAL's fast path gives negative lengths for rows without geometry.
    "OGR_FLATGEOBUF_STREAM_BASE_IMPL": "YES",
}


def _load() -> ModuleType:
    """Import pyogrio under an environment that holds for its registration of drivers only.

    Whoever imported it before keeps its drivers, and has these options from now on. What it brings
    for GeoPandas stays off unless GeoPandas is loaded already: that would be an eighth of a start.
    """
    before = os.environ.get("GDAL_SKIP")
    os.environ["GDAL_SKIP"] = ",".join(SKIPPED)
    try:
        with _hidden("geopandas", "pandas"):
            import pyogrio
    finally:
        if before is None:
            del os.environ["GDAL_SKIP"]
        else:
            os.environ["GDAL_SKIP"] = before
    pyogrio.set_gdal_config_options(OPTIONS)
    module: ModuleType = pyogrio
    return module


@contextmanager
def _hidden(*names: str) -> Iterator[None]:
    """Modules that are not loaded cannot be."""
    absent = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]  # None forbids the import
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]


pyogrio = _load()


def check_driver(found: str, expected: str) -> None:
    """Refuse a file that another driver than the one named has opened.

    Raises:
        UnsupportedFile: the content is not what its first bytes promised.
    """
    if found != expected:
        raise UnsupportedFile(
            f"the file looks like {expected} but is {found}",
            message_zh=f"文件看似 {expected}，实为 {found}",
            pointer="/inputs/upload",
        )


LONG_AGO = "1980-01-01T00:00:00.000Z"
CONTROL = re.compile("[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\ufffe\\uffff]")


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

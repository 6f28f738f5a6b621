"""Find out what an upload is by its first bytes, never by its name, and open it as just that."""

import json
import zipfile
from pathlib import Path

from shanhai.vector.csv_source import CsvSource
from shanhai.vector.gdal_source import open_layer, open_shapefile
from shanhai.vector.geojson_source import GeoJsonSource
from shanhai.vector.geoparquet import ParquetSource
from shanhai.vector.kml_source import KmlSource
from shanhai.vector.sources import FeatureSource, Wishes, named_copy, refuse

HEAD_BYTES = 65_536
SQLITE = b"SQLite format 3\x00"
FLATGEOBUF = b"fgb\x03fgb"
PARQUET = b"PAR1"
ZIP = b"PK\x03\x04"
RECORD_SEPARATOR = b"\x1e"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
OTHERS = (b"PK\x05\x06", b"II*\x00", b"MM\x00*", b"\x89PNG", b"%PDF", b"\x1f\x8b", b"\x7fELF")


def open_source(path: Path, folder: Path, wishes: Wishes) -> FeatureSource:
    """The upload as a source of rows.

    Args:
        path: The file.
        folder: An empty folder of our own, for names and for what is extracted.
        wishes: What the sender says of the file.

    Raises:
        InvalidInput: the file is of no known format, damaged, or does not say enough.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if head.startswith(SQLITE):
        return open_layer(named_copy(path, folder, ".gpkg"), "GPKG", wishes)
    if head.startswith(FLATGEOBUF):
        return open_layer(named_copy(path, folder, ".fgb"), "FlatGeobuf", wishes)
    if head.startswith(PARQUET):
        return ParquetSource(path, wishes)
    if head.startswith(ZIP) or zipfile.is_zipfile(path):
        return open_shapefile(path, folder, wishes)
    if not head or b"\x00" in head or head.startswith(OTHERS):
        raise _unknown()
    return _open_text(path, head.removeprefix(BYTE_ORDER_MARK).lstrip(), wishes)


def _open_text(path: Path, head: bytes, wishes: Wishes) -> FeatureSource:
    if head.startswith(b"<"):
        if b"<kml" in head or b":kml" in head:
            return KmlSource(path)
        raise _unknown()
    if head.startswith((RECORD_SEPARATOR, b"{")):
        return GeoJsonSource(path, sequence=_is_sequence(head))
    return CsvSource(path, wishes)


def _is_sequence(head: bytes) -> bool:
    """Whether each line is a feature by itself."""
    if head.startswith(RECORD_SEPARATOR):
        return True
    first, newline, rest = head.partition(b"\n")
    if not newline or not rest.lstrip().startswith(b"{"):
        return False
    try:
        return bool(json.loads(first)["type"] == "Feature")
    except (ValueError, KeyError, TypeError):
        return False


def _unknown() -> Exception:
    return refuse(
        "the file is none of GeoJSON, GeoPackage, FlatGeobuf, GeoParquet, zipped Shapefile, KML"
        " and CSV",
        "文件不是 GeoJSON、GeoPackage、FlatGeobuf、GeoParquet、Shapefile 压缩包、KML 或 CSV",
    )

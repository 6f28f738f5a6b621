"""Find out what an upload is by its first bytes, not its name, and open it; CSV is the rest."""

import codecs
import csv
import json
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from shapely.errors import ShapelyError

from shanhai.errors import UnsupportedFile
from shanhai.vector import sources
from shanhai.vector.darwin_core import DarwinCoreSource, is_archive
from shanhai.vector.formats import restored
from shanhai.vector.gdal_source import open_layer, open_shapefile
from shanhai.vector.geojson_kml import GeoJsonSource, KmlSource
from shanhai.vector.geoparquet import ParquetSource
from shanhai.vector.tables import BLOCK_ROWS
from shanhai.vocabulary import Label

WKT_NAMES = ("geometry", "wkt", "geom", "the_geom", "wkt_geom", "wkt_geometry")
EAST_NAMES = ("lon", "lng", "long", "longitude", "x", "easting", "经度", "东坐标", "横坐标")
NORTH_NAMES = ("lat", "latitude", "y", "northing", "纬度", "北坐标", "纵坐标")
DELIMITERS = ",;\t"
LONGEST_CELL = 64 * 1024**2
MOST_COLUMNS = 1_000
BLOCK_BYTES = 1024**2
SAMPLES = 3


class CsvSource:
    """The rows of a CSV file."""

    def __init__(self, path: Path, wishes: sources.Wishes) -> None:
        csv.field_size_limit(LONGEST_CELL)
        self._path = path
        codec, told_by = _encoding(path, wishes.encoding)
        self._codec = "utf-8-sig" if codec == "utf-8" else codec
        self._delimiter, header = self._header()
        self._wkt, self._east, self._north = _places(header)
        own = {self._wkt, self._east, self._north}
        self._kept = [number for number in range(len(header)) if number not in own]
        fields = tuple(header[number] for number in self._kept)
        self.info = sources.SourceInfo("CSV", fields, None, None, codec, told_by, self._samples())

    def blocks(self) -> Iterator[sources.SourceBlock]:
        """The rows of the file."""
        rows = self._rows()
        next(rows)
        waiting: list[list[str]] = []
        for row in rows:
            if row:
                waiting.append(row)
            if len(waiting) == BLOCK_ROWS:
                yield self._block(waiting)
                waiting = []
        if waiting:
            yield self._block(waiting)

    def _rows(self) -> Iterator[list[str]]:
        with self._path.open(encoding=self._codec, newline="") as file:
            try:
                yield from csv.reader(file, delimiter=self._delimiter, strict=True)
            except csv.Error as error:
                raise sources.refuse(f"the CSV is malformed: {error}", "CSV 格式有误") from error

    def _header(self) -> tuple[str, list[str]]:
        with self._path.open(encoding=self._codec, newline="") as file:
            first = file.readline(LONGEST_CELL)
        delimiter = max(DELIMITERS, key=first.count)
        try:
            header = [name.strip() for name in next(csv.reader([first], delimiter=delimiter))]
        except (csv.Error, StopIteration) as error:
            raise sources.refuse("the CSV has no header row", "CSV 没有表头") from error
        if len(header) > MOST_COLUMNS or len(set(header)) != len(header) or "" in header:
            raise sources.refuse(
                "the CSV's column names must be distinct", "CSV 列名须非空且互不相同"
            )
        return delimiter, header

    def _samples(self) -> tuple[str, ...]:
        found: list[str] = []
        for number, row in enumerate(self._rows()):
            found += [cell for cell in row if not cell.isascii()]
            if number >= 100 or len(found) >= SAMPLES:
                break
        return tuple(dict.fromkeys(cell[:80] for cell in found))[:SAMPLES]

    def _block(self, rows: Sequence[list[str]]) -> sources.SourceBlock:
        geometry: list[bytes | None] = []
        broken: dict[int, Label] = {}
        width = len(self._kept) + sum(
            place is not None for place in (self._wkt, self._east, self._north)
        )
        whole: list[list[str]] = []
        for number, row in enumerate(rows):
            if len(row) != width:
                broken[number] = Label(
                    f"有 {len(row)} 个单元格，表头有 {width} 个",
                    f"has {len(row)} cells where the header has {width}",
                )
                geometry.append(None)
                whole.append([""] * width)
                continue
            whole.append(row)
            try:
                geometry.append(self._geometry(row))
            except (ValueError, ShapelyError):
                broken[number] = Label("几何无法读取", "its geometry cannot be read")
                geometry.append(None)
        columns = {
            name: [_cell(row[place]) for row in whole]
            for name, place in zip(self.info.fields, self._kept, strict=True)
        }
        return sources.SourceBlock(geometry, columns, broken)

    def _geometry(self, row: Sequence[str]) -> bytes | None:
        if self._wkt is not None:
            text = row[self._wkt].strip()
            return _wkb(shapely.from_wkt(text)) if text else None
        if self._east is None or self._north is None:
            return None
        east, north = row[self._east].strip(), row[self._north].strip()
        if not east and not north:
            return None
        return _wkb(shapely.Point(float(east), float(north)))


def _wkb(shape: Any) -> bytes:
    """The geometry, whose positions are numbers: WKB has no other sign for an empty point."""
    if not np.isfinite(shapely.get_coordinates(shape)).all():
        raise ValueError("a position is not finite")
    return bytes(shapely.to_wkb(shape))


def _cell(text: str) -> Any:
    return restored(text) if text != "" else None


def _places(header: Sequence[str]) -> tuple[int | None, int | None, int | None]:
    """Which columns hold WKT, easting and northing."""
    lowered = [name.lower() for name in header]

    def find(names: Sequence[str]) -> int | None:
        return next((lowered.index(name) for name in names if name in lowered), None)

    wkt = find(WKT_NAMES)
    if wkt is not None:
        return wkt, None, None
    east, north = find(EAST_NAMES), find(NORTH_NAMES)
    return (None, east, north) if east is not None and north is not None else (None, None, None)


def _encoding(path: Path, wished: str | None) -> tuple[str, str]:
    """The codec of the text and what told it; decoding is strict, so a wrong one is noticed."""
    if wished is not None:
        codec = sources.python_codec(wished)
        if codec is None:
            raise sources.refuse(
                f"{wished!r} is no known encoding", f"未知编码 {wished!r}", "/inputs/encoding"
            )
        if not _reads(path, codec):
            raise _unreadable(codec)
        return codec, "parameter"
    for codec in ("utf-8", "gb18030"):
        if _reads(path, codec):
            return codec, "content"
    raise _unreadable("UTF-8 / GB18030")


def _reads(path: Path, codec: str) -> bool:
    decoder = codecs.getincrementaldecoder(codec)("strict")
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK_BYTES):
                decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _unreadable(codec: str) -> UnsupportedFile:
    return sources.refuse(
        f"the text is not valid {codec}", f"文本不是有效的 {codec}", "/inputs/encoding"
    )


HEAD_BYTES = 65_536
SQLITE = b"SQLite format 3\x00"
FLATGEOBUF = b"fgb\x03fgb"
PARQUET = b"PAR1"
ZIP = b"PK\x03\x04"
RECORD_SEPARATOR = b"\x1e"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
OTHERS = (b"PK\x05\x06", b"II*\x00", b"MM\x00*", b"\x89PNG", b"%PDF", b"\x1f\x8b", b"\x7fELF")


def open_source(path: Path, folder: Path, wishes: sources.Wishes) -> sources.FeatureSource:
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
        return open_layer(sources.named_copy(path, folder, ".gpkg"), "GPKG", wishes)
    if head.startswith(FLATGEOBUF):
        return open_layer(sources.named_copy(path, folder, ".fgb"), "FlatGeobuf", wishes)
    if head.startswith(PARQUET):
        return ParquetSource(path, wishes)
    if head.startswith(ZIP) or zipfile.is_zipfile(path):
        if is_archive(path):
            return DarwinCoreSource(path, folder)
        return open_shapefile(path, folder, wishes)
    if not head or b"\x00" in head or head.startswith(OTHERS):
        raise _unknown()
    return _open_text(path, head.removeprefix(BYTE_ORDER_MARK).lstrip(), wishes)


def _open_text(path: Path, head: bytes, wishes: sources.Wishes) -> sources.FeatureSource:
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
    return sources.refuse(
        "the file is none of GeoJSON, GeoPackage, FlatGeobuf, GeoParquet, zipped Shapefile, KML,"
        " CSV and Darwin Core Archive",
        "文件不是 GeoJSON、GeoPackage、FlatGeobuf、GeoParquet、Shapefile 压缩包、KML、CSV 或"
        " Darwin Core 档案",
    )

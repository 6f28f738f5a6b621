"""GeoParquet 1.1, written and read: columns with geometry as WKB and the CRS as PROJJSON."""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from pyproj import CRS

from shanhai.vector import tables
from shanhai.vector.sources import SourceBlock, SourceInfo, Wishes, refuse

VERSION = "1.1.0"
GEO = "geo"
DEGREES = 4326
ROW_GROUP = 65_536
GROUP_BYTES = 32 * 1024**2


class GeometryMetadata:
    """What the file's metadata tell of all geometries: their types and box."""

    def __init__(self) -> None:
        self._types: set[int] = set()
        self._boxes: list[Any] = []

    def add(self, batch: pa.RecordBatch) -> None:
        """Look at the geometries of a batch."""
        shapes = shapely.from_wkb(batch.column(tables.GEOMETRY).to_numpy(zero_copy_only=False))
        shapes = shapes[~shapely.is_missing(shapes)]
        if not len(shapes):
            return
        self._types |= {int(number) for number in np.unique(shapely.get_type_id(shapes))}
        self._boxes.append(shapely.total_bounds(shapes))

    def described(self, epsg: int) -> dict[str, Any]:
        """The metadata of the geometry column."""
        names = sorted(shapely.GeometryType(number).name for number in self._types)
        column: dict[str, Any] = {
            "encoding": "WKB",
            "geometry_types": [_TYPE_NAMES[name] for name in names],
        }
        if epsg != DEGREES:  # without one it is OGC:CRS84, which those coordinates are
            column["crs"] = CRS.from_epsg(epsg).to_json_dict()
        if self._boxes:
            boxes = np.array(self._boxes)
            low, high = np.nanmin(boxes[:, :2], axis=0), np.nanmax(boxes[:, 2:], axis=0)
            column["bbox"] = [*map(float, low), *map(float, high)]
        return column


_TYPE_NAMES = {
    "POINT": "Point",
    "LINESTRING": "LineString",
    "LINEARRING": "LineString",
    "POLYGON": "Polygon",
    "MULTIPOINT": "MultiPoint",
    "MULTILINESTRING": "MultiLineString",
    "MULTIPOLYGON": "MultiPolygon",
    "GEOMETRYCOLLECTION": "GeometryCollection",
}


def write_parquet(path: Path, table: tables.FeatureTable) -> None:
    """GeoParquet; without geometry it is plain Parquet."""
    spatial = table.geometry_type is not None
    schema = tables.arrow_schema(table.columns, geometry=spatial)
    seen = GeometryMetadata()
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for batch in _gathered(tables.record_batches(table, schema)):
            if spatial:
                seen.add(batch)
            writer.write_batch(batch)
        metadata = {f"shanhai:{name}": text for name, text in (table.notes or {}).items()}
        if spatial:
            columns = {tables.GEOMETRY: seen.described(table.epsg)}
            metadata[GEO] = json.dumps(
                {"version": VERSION, "primary_column": tables.GEOMETRY, "columns": columns}
            )
        writer.add_key_value_metadata(metadata)


def _gathered(batches: Iterable[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
    """Batches joined to row groups worth reading, bounded by rows and by bytes."""
    waiting: list[pa.RecordBatch] = []
    for batch in batches:
        waiting.append(batch)
        rows, size = sum(b.num_rows for b in waiting), sum(b.nbytes for b in waiting)
        if rows >= ROW_GROUP or size >= GROUP_BYTES:
            yield from _joined(waiting)
            waiting = []
    yield from _joined(waiting)


def _joined(batches: list[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
    if batches:
        yield from pa.Table.from_batches(batches).combine_chunks().to_batches()


class ParquetRows:
    """A Parquet file written block by block, for rows we will read again ourselves."""

    def __init__(self, path: Path, columns: Sequence[tables.FeatureColumn]) -> None:
        self._schema = tables.arrow_schema(columns, geometry=True)
        self._columns = tuple(columns)
        self._writer = pq.ParquetWriter(path, self._schema, compression="zstd")
        self._waiting: list[pa.RecordBatch] = []

    def write(self, block: Sequence[tables.Row]) -> None:
        """Add rows."""
        table = tables.FeatureTable("rows", self._columns, [block])
        self._waiting += tables.record_batches(table, self._schema)
        rows, size = sum(b.num_rows for b in self._waiting), sum(b.nbytes for b in self._waiting)
        if rows >= ROW_GROUP or size >= GROUP_BYTES:
            self._flush()

    def _flush(self) -> None:
        for batch in _joined(self._waiting):
            self._writer.write_batch(batch)
        self._waiting = []

    def close(self) -> None:
        """Finish the file."""
        self._flush()
        self._writer.close()


def read_blocks(path: Path, columns: Sequence[tables.FeatureColumn]) -> Iterator[list[tables.Row]]:
    """The rows of a file that `ParquetRows` wrote."""
    names = [tables.GEOMETRY, *(column.name for column in columns)]
    with pq.ParquetFile(path, pre_buffer=False) as file:
        for batch in file.iter_batches(batch_size=tables.BLOCK_ROWS):
            yield list(zip(*(batch.column(name).to_pylist() for name in names), strict=True))


CRS84 = "OGC:CRS84"
MOST_BYTES = 8 * 1024**3
RATIO = 200
DAMAGED = (pa.ArrowException, OSError, ValueError, TypeError, KeyError, AttributeError)


class ParquetSource:
    """The rows of a GeoParquet file."""

    def __init__(self, path: Path, wishes: Wishes) -> None:
        try:
            self._file = pq.ParquetFile(path, pre_buffer=False, memory_map=False)
            self._geometry, crs = _primary(self._file)
            names = tuple(name for name in self._file.schema_arrow.names if name != self._geometry)
            _check_size(self._file, path)
        except DAMAGED as error:
            raise _damaged(error) from error
        self.info = SourceInfo("GeoParquet", names, None, crs)

    def blocks(self) -> Iterator[SourceBlock]:
        """The rows of the file."""
        try:
            for batch in self._file.iter_batches(batch_size=tables.BLOCK_ROWS):
                batch.validate(full=True)
                columns = {name: _values(name, batch.column(name)) for name in self.info.fields}
                yield SourceBlock(batch.column(self._geometry).to_pylist(), columns)
        except DAMAGED as error:
            raise _damaged(error) from error


def _values(name: str, column: Any) -> list[Any]:
    try:
        values: list[Any] = column.to_pylist()
    except (OverflowError, ValueError) as error:
        raise refuse(
            f"field {name!r} has a {column.type} that is out of range: {error}"[:300],
            f"字段 {name!r} 含超出范围的值（{column.type}）",
        ) from error
    return values


def _primary(file: pq.ParquetFile) -> tuple[str, str | None]:
    """Name and CRS of the primary geometry; without a CRS it is longitude and latitude."""
    metadata = (file.metadata.metadata or {}).get(GEO.encode())
    if metadata is None:
        raise refuse(
            "the Parquet file has no GeoParquet metadata", "Parquet 文件没有 GeoParquet 元数据"
        )
    geo: dict[str, Any] = json.loads(metadata)
    name = str(geo["primary_column"])
    column = geo["columns"][name]
    if column.get("encoding") != "WKB":
        raise refuse(
            f"geometry encoded as {column.get('encoding')!r} is not read; write WKB",
            "只读取以 WKB 编码的几何",
        )
    if file.schema_arrow.field(name).type not in {pa.binary(), pa.large_binary()}:
        raise refuse("the geometry column is not binary", "几何列不是二进制类型")
    if "crs" not in column:
        return name, CRS84
    return name, None if column["crs"] is None else json.dumps(column["crs"])


def _check_size(file: pq.ParquetFile, path: Path) -> None:
    groups = range(file.metadata.num_row_groups)
    size = sum(file.metadata.row_group(number).total_byte_size for number in groups)
    if size > min(MOST_BYTES, max(RATIO * path.stat().st_size, 1024**2)):
        raise refuse("the file unpacks to more than is allowed", "文件解压后超出允许的大小")


def _damaged(error: Exception) -> Exception:
    return refuse(f"the file cannot be read: {type(error).__name__}", "文件无法读取")

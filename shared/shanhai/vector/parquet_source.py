"""GeoParquet, read by pyarrow."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from shanhai.vector.columnar import GEO
from shanhai.vector.sources import SourceBlock, SourceInfo, Wishes, refuse
from shanhai.vector.tables import BLOCK_ROWS

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
            for batch in self._file.iter_batches(batch_size=BLOCK_ROWS):
                batch.validate(full=True)
                columns = {name: batch.column(name).to_pylist() for name in self.info.fields}
                yield SourceBlock(batch.column(self._geometry).to_pylist(), columns)
        except DAMAGED as error:
            raise _damaged(error) from error


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

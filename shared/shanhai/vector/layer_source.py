"""Files GDAL reads, each by the one driver its first bytes name."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from shanhai.vector.archives import extract_shapefile
from shanhai.vector.dbase import Encoding, find_encoding
from shanhai.vector.gdal import check_driver, pyogrio
from shanhai.vector.shapefile import TEXT_BYTES
from shanhai.vector.sources import (
    Source,
    SourceBlock,
    SourceInfo,
    Wishes,
    chosen_layer,
    refuse,
)
from shanhai.vector.tables import BLOCK_ROWS
from shanhai.vocabulary import Label

BYTES_AS_TEXT = "ISO-8859-1"
"""Keeps every byte as one character, so that we decode, strictly, and not GDAL."""
SAFE_VIRTUAL_TABLES = ("rtree", "fts")
UNREADABLE = Label("其几何无法读取", "its geometry cannot be read")
Read = Callable[[Any], Any]


class LayerSource:
    """A layer of a file, read in Arrow batches."""

    def __init__(self, path: Path, info: SourceInfo, layer: str | None, codec: str | None) -> None:
        self.info = info
        self._path = path
        self._layer = layer
        self._codec = codec

    def blocks(self) -> Iterator[SourceBlock]:
        """The rows of the layer."""
        options: dict[str, Any] = {"encoding": BYTES_AS_TEXT} if self._codec else {}
        try:
            with pyogrio.open_arrow(
                self._path,
                layer=self._layer,
                batch_size=BLOCK_ROWS,
                use_pyarrow=True,
                **options,
            ) as (meta, reader):
                geometry = meta["geometry_name"] or "wkb_geometry"
                for batch in reader:
                    batch.validate(full=True)
                    yield self._block(batch, geometry)
        except (pyogrio.errors.DataSourceError, RuntimeError, OSError, ValueError) as error:
            raise _damaged(error) from error

    def _block(self, batch: Any, geometry: str) -> SourceBlock:
        names = batch.schema.names
        place = names.index(geometry)
        columns: dict[str, Sequence[Any]] = {}
        texts = [name for name in names if name != geometry]
        for name, own in zip(texts, self._own_names(texts), strict=True):
            values = batch.column(names.index(name)).to_pylist()
            columns[own] = self._decoded(values) if self._codec else values
        shapes = [value or None for value in batch.column(place).to_pylist()]
        broken = dict.fromkeys(self._lost(shapes), UNREADABLE)
        return SourceBlock(shapes, columns, broken)

    def _lost(self, shapes: Sequence[bytes | None]) -> Iterator[int]:
        """Points of a FlatGeobuf that GDAL calls empty because a number of theirs is none.

        A row without geometry has none at all there.
        """
        if self.info.format != "FlatGeobuf":
            return
        found = shapely.from_wkb(np.array(shapes, dtype=object), on_invalid="ignore")
        points: NDArray[np.bool_] = np.equal(shapely.get_type_id(found), 0)
        yield from map(int, np.flatnonzero(points & shapely.is_empty(found)))

    def _own_names(self, names: Sequence[str]) -> Sequence[str]:
        return self.info.fields if self._codec else names

    def _decoded(self, values: list[Any]) -> list[Any]:
        codec = self._codec or BYTES_AS_TEXT
        return [
            value.encode(BYTES_AS_TEXT).decode(codec) if isinstance(value, str) else value
            for value in values
        ]


def open_layer(path: Path, driver: str, wishes: Wishes) -> Source:
    """A layer of a GeoPackage or FlatGeobuf file.

    Raises:
        UnsupportedFile: the file is damaged or not what its first bytes promised.
    """
    layer = None
    if driver == "GPKG":
        _check_tables(path)
        layer = chosen_layer(_layers(path), wishes.layer)
    info = _info(path, driver, layer)
    if info["geometry_type"] is None:
        raise refuse("the layer has no geometry column", "图层没有几何字段")
    described = SourceInfo(
        driver, tuple(map(str, info["fields"])), layer or str(info["layer_name"]), info["crs"]
    )
    return LayerSource(path, described, layer, None)


def open_shapefile(path: Path, folder: Path, wishes: Wishes) -> Source:
    """The shapefile in a zip.

    Raises:
        UnsupportedFile: the zip or the shapefile breaks a rule, or its texts cannot be read.
    """
    name, shapefile = extract_shapefile(path, folder, layer=wishes.layer)
    encoding = find_encoding(shapefile.with_suffix(".dbf"), wished=wishes.encoding)
    info = _info(shapefile, "ESRI Shapefile", None, encoding=BYTES_AS_TEXT)
    described = SourceInfo(
        "ESRI Shapefile",
        _field_names(info["fields"], encoding),
        name,
        info["crs"],
        encoding.name,
        encoding.told_by,
        encoding.samples,
        TEXT_BYTES,
    )
    return LayerSource(shapefile, described, None, encoding.name)


def _field_names(raw: Sequence[str], encoding: Encoding) -> tuple[str, ...]:
    return tuple(name.encode(BYTES_AS_TEXT, "replace").decode(encoding.name) for name in raw)


def _info(path: Path, driver: str, layer: str | None, **options: Any) -> Mapping[str, Any]:
    try:
        info: Mapping[str, Any] = pyogrio.read_info(path, layer=layer, **options)
    except (pyogrio.errors.DataSourceError, RuntimeError, ValueError, LookupError) as error:
        raise _damaged(error) from error
    check_driver(str(info["driver"]), driver)
    return info


def _layers(path: Path) -> list[str]:
    try:
        return [str(name) for name, kind in pyogrio.list_layers(path) if kind is not None]
    except (pyogrio.errors.DataSourceError, RuntimeError) as error:
        raise _damaged(error) from error


def _check_tables(path: Path) -> None:
    """Refuse a GeoPackage whose schema computes: views, and virtual tables that are no index."""
    try:
        connection = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
        try:
            rows = connection.execute("SELECT type, name, sql FROM sqlite_master").fetchall()
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise _damaged(error) from error
    for kind, name, sql in rows:
        text = " ".join(str(sql or "").lower().split())
        virtual = text.startswith("create virtual table")
        safe = any(f" using {module}" in text for module in SAFE_VIRTUAL_TABLES)
        if kind == "view" or (virtual and not safe):
            raise refuse(
                f"the GeoPackage holds the {'view' if kind == 'view' else 'virtual table'}"
                f" {str(name)[:60]!r}; only plain tables are read",
                f"GeoPackage 含视图或虚拟表 {str(name)[:60]!r}，只读取普通表",
            )


def _damaged(error: Exception) -> Exception:
    detail = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
    # GDAL's message may hold our own path, which is nobody's business.
    told = " ".join(word for word in detail.split() if "/" not in word)
    return refuse(f"the file cannot be read: {told}", f"文件无法读取：{told}")

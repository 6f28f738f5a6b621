"""Zipped shapefiles: short names, one kind of geometry per file, UTF-8 or GBK."""

import struct
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import shapely

from shanhai.errors import InvalidInput
from shanhai.vector import tables
from shanhai.vector.gdal import pyogrio

NAME_BYTES = 10
TEXT_BYTES = 254
BOX_OFFSET = 36
MEMBERS = (".shp", ".shx", ".dbf", ".prj", ".cpg")
KINDS = {1: "Point", 2: "LineString", 3: "Polygon", 4: "MultiPoint", 5: "LineString", 6: "Polygon"}
"""The shapefile type of each WKB type; what has several parts goes with what has one."""


def write_shapefile(
    path: Path, table: tables.FeatureTable, *, encoding: str = "UTF-8"
) -> tables.Lost:
    """A zip of one shapefile per kind of geometry, and a text that maps the short field names.

    Returns:
        How many texts of each column were cut, which that text says too.

    Raises:
        InvalidInput: A text cannot be written in the encoding.
    """
    made = short_names([column.name for column in table.columns])
    names = {column.name: column.short or made[column.name] for column in table.columns}
    cut: Counter[str] = Counter()
    columns = tuple(
        tables.FeatureColumn(names[column.name], _storable(column), column.title)
        for column in table.columns
    )
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        short = tables.FeatureTable(
            table.name,
            columns,
            (_short_rows(block, columns, encoding, cut) for block in table.blocks),
            table.geometry_type,
            table.epsg,
        )
        _write_layers(Path(folder), short, encoding)
        _zip(path, Path(folder), _describe(table, names, encoding, cut))
    return {name: cut[short] for name, short in names.items() if cut[short]}


def short_names(names: Sequence[str]) -> dict[str, str]:
    """A name of at most ten bytes for each, distinct without regard to case."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        short, number = _cut(name, NAME_BYTES), 1
        while short.lower() in taken:
            ending = f"_{number}"
            short, number = _cut(name, NAME_BYTES - len(ending)) + ending, number + 1
        taken.add(short.lower())
        found[name] = short
    return found


def _cut(text: str, size: int, encoding: str = "utf-8") -> str:
    """As much of the text as fits, without half a character at the end."""
    return text.encode(encoding)[:size].decode(encoding, "ignore")


def _storable(column: tables.FeatureColumn) -> Any:
    """Times with a zone, booleans and nested values have no column type of their own."""
    if column.kind in tables.DECIMALS:
        return "number"
    return "text" if column.kind in {"moment", "boolean", "json"} else column.kind


def _short_rows(
    block: Sequence[Sequence[Any]],
    columns: Sequence[tables.FeatureColumn],
    encoding: str,
    cut: Counter[str],
) -> list[list[Any]]:
    rows = [[row[0]] for row in block]
    for place, column in enumerate(columns, start=1):
        for row, short in zip(block, rows, strict=True):
            value = row[place]
            if column.kind == "text" and value is not None:
                whole = _written(value)
                value = _text(whole, encoding)
                cut[column.name] += len(value) < len(whole)
            short.append(value)
    return rows


def _text(text: str, encoding: str) -> str:
    """As much of a text as a field holds."""
    if len(text) * 4 <= TEXT_BYTES and text.isascii():
        return text
    try:
        return _cut(text, TEXT_BYTES, encoding)
    except UnicodeEncodeError as error:
        raise InvalidInput(
            f"{text[error.start]!r} cannot be written in {encoding}; ask for UTF-8",
            message_zh=f"字符 {text[error.start]!r} 无法以 {encoding} 编码，请改用 UTF-8",
            pointer="encoding",
        ) from None


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value.isoformat() if hasattr(value, "isoformat") else tables.json_text(value))


def _write_layers(folder: Path, table: tables.FeatureTable, encoding: str) -> None:
    schema = tables.arrow_schema(table.columns, geometry=True)
    boxes: dict[str, Any] = {}
    for batch in tables.record_batches(table, schema):
        for kind, part in _by_kind(batch, table):
            _append(folder, table, kind, part, encoding, append=kind in boxes)
            boxes[kind] = _joined(boxes.get(kind), _bounds(part))
    for kind, box in boxes.items():
        _correct_box(folder / f"{_stem(table, kind)}.shp", box)
    if not boxes:
        kind = _only_kind(table) or "Polygon"
        empty = pa.RecordBatch.from_pylist([], schema=schema)
        _append(folder, table, kind, empty, encoding, append=False)


def _bounds(part: pa.RecordBatch) -> Any:
    return shapely.total_bounds(
        shapely.from_wkb(part.column(tables.GEOMETRY).to_numpy(zero_copy_only=False))
    )


def _joined(first: Any, second: Any) -> Any:
    if first is None:
        return second
    low, high = np.fmin(first[:2], second[:2]), np.fmax(first[2:], second[2:])
    return np.concatenate([low, high])


def _correct_box(path: Path, box: Any) -> None:
    """Write the true box into the headers: rows without geometry pull GDAL's to the origin."""
    if np.isnan(box).any():
        return
    for file in (path, path.with_suffix(".shx")):
        with file.open("r+b") as header:
            header.seek(BOX_OFFSET)
            header.write(struct.pack("<4d", *box))


def _append(
    folder: Path,
    table: tables.FeatureTable,
    kind: str,
    part: pa.RecordBatch,
    encoding: str,
    *,
    append: bool,
) -> None:
    pyogrio.write_arrow(
        pa.RecordBatchReader.from_batches(part.schema, [part]),
        folder / f"{_stem(table, kind)}.shp",
        driver="ESRI Shapefile",
        geometry_name=tables.GEOMETRY,
        geometry_type=kind,
        crs=f"EPSG:{table.epsg}",
        encoding=encoding,
        append=append,
    )


def _stem(table: tables.FeatureTable, kind: str) -> str:
    return table.name if _only_kind(table) is not None else f"{table.name}_{kind.lower()}"


def _only_kind(table: tables.FeatureTable) -> str | None:
    return {
        "Point": "Point",
        "MultiPoint": "MultiPoint",
        "LineString": "LineString",
        "MultiLineString": "LineString",
        "Polygon": "Polygon",
        "MultiPolygon": "Polygon",
    }.get(table.geometry_type or "Unknown")


def _by_kind(
    batch: pa.RecordBatch, table: tables.FeatureTable
) -> Iterator[tuple[str, pa.RecordBatch]]:
    """The batch in parts of one kind each; rows without geometry go with the first."""
    alone = _only_kind(table)
    if alone is not None:
        yield alone, batch
        return
    kinds = [_kind(value) for value in batch.column(tables.GEOMETRY).to_pylist()]
    present = [kind for kind in dict.fromkeys(kinds) if kind is not None] or ["Point"]
    for number, kind in enumerate(present):
        wanted = {kind, None} if number == 0 else {kind}
        yield kind, batch.filter(pa.array([one in wanted for one in kinds]))


def _kind(wkb: bytes | None) -> str | None:
    if wkb is None:
        return None
    number = int.from_bytes(wkb[1:5], "little" if wkb[0] == 1 else "big") & 0xFF
    if number not in KINDS:
        raise InvalidInput(
            "a shapefile cannot hold a collection of geometries; choose another format",
            message_zh="Shapefile 不能存放几何集合，请选择其他格式",
            pointer="f",
        )
    return KINDS[number]


def _describe(
    table: tables.FeatureTable, names: dict[str, str], encoding: str, cut: Counter[str]
) -> str:
    lines = [
        f"{short}\t{name}" + (f"\t{cut[short]} cut / 截断 {cut[short]} 条" if cut[short] else "")
        for name, short in names.items()
    ]
    notes = [f"{name}: {text}" for name, text in (table.notes or {}).items()]
    return "\n".join(
        [
            f"{table.name}: EPSG:{table.epsg}, {encoding}",
            f"texts are cut at {TEXT_BYTES} bytes / 文字截取至 {TEXT_BYTES} 字节",
            "lists, objects, true and false are text; numbers have 15 digits after the point"
            " / 数组、对象与布尔值以文字保存；数值保留 15 位小数",
            "sent back unchanged, nothing of this is taken for an edit"
            " / 原样导回时以上均不视为修改",
            *notes,
            "",
            "field\tproperty",
            *lines,
            "",
        ]
    )


def _zip(path: Path, folder: Path, description: str) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for member in sorted(folder.iterdir()):
            if member.suffix in MEMBERS:
                archive.write(member, member.name)
        archive.writestr("fields.txt", description)

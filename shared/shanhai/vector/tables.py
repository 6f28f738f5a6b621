"""Rows of features on their way into a file: typed columns beside geometry as WKB."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal

import pyarrow as pa

Kind = Literal[
    "text", "integer", "number", "decimal", "quantity", "boolean", "date", "moment", "json"
]
Row = Sequence[Any]
"""The geometry as WKB or None, then a value for each column."""

DECIMALS: frozenset[Kind] = frozenset({"decimal", "quantity"})
"""Exact kinds, with two and with four digits after the point."""
Lost = Mapping[str, int]
"""How many values of a column a format could not hold whole."""

GEOMETRY = "geometry"
BLOCK_ROWS = 4096

TYPES: Mapping[Kind, pa.DataType] = {
    "text": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "decimal": pa.decimal128(16, 2),
    "quantity": pa.decimal128(18, 4),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "moment": pa.timestamp("ms", tz="UTC"),
    "json": pa.string(),
}


@dataclass(frozen=True, slots=True)
class FeatureColumn:
    """A column of a table of features.

    Attributes:
        short: What it is called where ten bytes must do; by default made from the other names.
    """

    name: str
    kind: Kind
    title: str | None = None
    short: str | None = None


@dataclass(frozen=True, slots=True)
class FeatureTable:
    """What is to be written: its columns, and its rows in blocks that are read once.

    Attributes:
        name: Name of the layer.
        epsg: CRS of the geometry, easting or longitude first.
        geometry_type: OGC name of the only type there is, or `Unknown`; None without geometry.
        notes: What a reader should know, such as the licence; kept where the format has room.
        hides_code: The column `code` is the `id` of GeoJSON features, and none of their properties.
    """

    name: str
    columns: tuple[FeatureColumn, ...]
    blocks: Iterable[Sequence[Row]]
    geometry_type: str | None = "Unknown"
    epsg: int = 4326
    notes: Mapping[str, str] | None = None
    hides_code: bool = False


def kind_of(schema: Mapping[str, Any]) -> Kind:
    """The kind of column that holds what a JSON schema allows."""
    declared = schema.get("type", "string")
    name = declared if isinstance(declared, str) else next(n for n in declared if n != "null")
    if name == "string":
        exact: Kind = "quantity" if schema.get("x-digits") == 4 else "decimal"
        formats: dict[str, Kind] = {"date": "date", "date-time": "moment", "decimal": exact}
        return formats.get(schema.get("format", ""), "text")
    kinds: dict[str, Kind] = {"integer": "integer", "number": "number", "boolean": "boolean"}
    return kinds.get(name, "json")


def arrow_schema(columns: Sequence[FeatureColumn], *, geometry: bool) -> pa.Schema:
    """The Arrow schema of a table, geometry last."""
    fields = [pa.field(column.name, TYPES[column.kind]) for column in columns]
    if geometry:
        fields.append(pa.field(GEOMETRY, pa.binary()))
    return pa.schema(fields)


def record_batches(table: FeatureTable, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """The rows as Arrow batches of the schema."""
    readers = [_READERS.get(column.kind, _as_is) for column in table.columns]
    for block in table.blocks:
        columns = list(zip(*block, strict=True))
        if not columns:
            continue
        arrays = [
            pa.array([read(value) for value in values], TYPES[column.kind])
            for column, read, values in zip(table.columns, readers, columns[1:], strict=True)
        ]
        if table.geometry_type is not None:
            arrays.append(pa.array(columns[0], pa.binary()))
        yield pa.record_batch(arrays, schema=schema)


def batch_reader(table: FeatureTable, schema: pa.Schema) -> pa.RecordBatchReader:
    """The rows as an Arrow stream."""
    return pa.RecordBatchReader.from_batches(schema, record_batches(table, schema))


def json_text(value: object) -> str | None:
    """A nested value as JSON; text is JSON already."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _as_is(value: object) -> object:
    return value


def without_decimals(table: FeatureTable, kind: Kind) -> FeatureTable:
    """The table with its decimals as numbers or texts, for a format that has none."""
    columns = (replace(one, kind=kind) if one.kind in DECIMALS else one for one in table.columns)
    return replace(table, columns=tuple(columns))


def _text(value: object) -> object:
    return str(value) if isinstance(value, Decimal) else value


def _number(value: object) -> object:
    return float(value) if isinstance(value, Decimal) else value


_READERS: Mapping[Kind, Callable[[Any], Any]] = {
    "json": json_text,
    "text": _text,
    "number": _number,
}

"""The rows that passed, kept in a file between the computation and its publication."""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson

from shanhai.db.features.entity import Entity, Property
from shanhai.vector.geoparquet import ParquetRows, read_blocks
from shanhai.vector.tables import FeatureColumn

ACCEPTED = "accepted.parquet"
"""Name of the file."""

ROW, CODE, MENDED, CUT = "row", "code", "mended", "cut"


def written_properties(entity: Entity, names: Collection[str]) -> tuple[Property, ...]:
    """The properties a file writes, in the order of the declaration."""
    return tuple(item for item in entity.receivables if item.name in names)


class AcceptedRows:
    """Writes rows that passed: geometry, number, code; as JSON texts what befell it, each value."""

    def __init__(self, path: Path, properties: Sequence[Property]) -> None:
        self._file = ParquetRows(path, _columns(properties))

    def add(self, rows: Sequence[Sequence[Any]]) -> None:
        """Keep rows of geometry, number, code, what a repair did, what was cut, and values."""
        self._file.write([[*row[:3], *map(_text, row[3:])] for row in rows])

    def close(self) -> None:
        """No more rows come."""
        self._file.close()


def read_accepted(
    path: Path, properties: Sequence[Property], rejected: Collection[int]
) -> Iterator[list[tuple[Any, ...]]]:
    """Blocks of (row, code, geometry, mended, cut, *texts) without the rows rejected since."""
    for block in read_blocks(path, _columns(properties)):
        yield [(row[1], row[2], row[0], *row[3:]) for row in block if row[1] not in rejected]


def _columns(properties: Sequence[Property]) -> tuple[FeatureColumn, ...]:
    members = (FeatureColumn(f"p_{item.name}", "text") for item in properties)
    own = (FeatureColumn(name, "text") for name in (CODE, MENDED, CUT))
    return (FeatureColumn(ROW, "integer"), *own, *members)


def _text(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value).decode()

"""Read a file row by row: what passes is kept, what does not is told."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from shanhai.db.features.entity import Entity
from shanhai.processes.import_features.accepted_rows import AcceptedRows, written_properties
from shanhai.processes.import_features.findings import Finding, Findings
from shanhai.processes.import_features.geometry_checks import Judged, Remark, judge_shapes
from shanhai.processes.import_features.neighbour_checks import Neighbourhood
from shanhai.processes.import_features.rows import FieldPlan, RowReader
from shanhai.processes.kit.process import Progress
from shanhai.vector.source_crs import Numbers, System
from shanhai.vector.sources import FeatureSource, SourceBlock

HALFWAY_ROWS = 100_000
"""Rows after which half of the reading is told as done; how many there are is not known before."""


@dataclass(slots=True)
class RowsRead:
    """How many rows there were, and the boxes of those that passed."""

    total: int = 0
    rows: list[NDArray[np.int64]] = field(default_factory=list)
    boxes: list[NDArray[np.float64]] = field(default_factory=list)

    def around(self, path: Path) -> Neighbourhood:
        """The rows that passed, for checks between them."""
        rows = np.concatenate([*self.rows, np.zeros(0, np.int64)])
        return Neighbourhood(path, rows, np.concatenate([*self.boxes, np.zeros((0, 4))]))


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How a file is to be read."""

    entity: Entity
    plan: FieldPlan
    system: System | None
    repair: bool
    known: Mapping[str, frozenset[str]]


def first_bounds(source: FeatureSource) -> Numbers | None:
    """The box of the first rows that have geometry, as the file has it."""
    for block in source.blocks():
        shapes = shapely.from_wkb(np.array(block.geometry, dtype=object), on_invalid="ignore")
        box = shapely.total_bounds(shapes)
        if np.isfinite(box).all():
            bounds: Numbers = box
            return bounds
    return None


def has_geometry(source: FeatureSource) -> bool:
    """Whether any row has geometry, wherever it lies."""
    return any(value is not None for block in source.blocks() for value in block.geometry)


def read_rows(
    source: FeatureSource,
    reading: ReadOptions,
    findings: Findings,
    target: Path,
    progress: Progress,
) -> RowsRead:
    """Judge every row; those without errors are kept in `target`."""
    properties = written_properties(reading.entity, reading.plan.written)
    reader = RowReader(reading.entity, reading.plan, reading.known, source.info)
    accepted, done = AcceptedRows(target, properties), RowsRead()
    for block in source.blocks():
        first = done.total + 1
        judged = _shapes(block, reading)
        values = reader.read(block, first, findings.add)
        for finding in _remarks(block, judged.remarks, values.codes, first):
            findings.add(finding)
        kept = [n for n in range(len(block)) if first + n not in findings.rejected]
        wkb = shapely.to_wkb(judged.shapes)
        columns = [values.columns[item.name] for item in properties]
        accepted.add(
            [
                [
                    wkb[n],
                    first + n,
                    values.codes[n],
                    judged.mended.get(n),
                    values.cut.get(n),
                    *(item[n] for item in columns),
                ]
                for n in kept
            ]
        )
        done.rows.append(np.array([first + n for n in kept], dtype=np.int64))
        done.boxes.append(shapely.bounds(judged.shapes)[kept].reshape(-1, 4))
        done.total += len(block)
        progress(5 + 70 * done.total / (done.total + HALFWAY_ROWS), "rows")
    accepted.close()
    return done


def _shapes(block: SourceBlock, reading: ReadOptions) -> Judged:
    if reading.system is None:
        return Judged(np.full(len(block), None, dtype=object), (), {})
    kind = reading.entity.geometry_type or "geometry-any"
    return judge_shapes(block.geometry, system=reading.system, kind=kind, repair=reading.repair)


def _remarks(
    block: SourceBlock, remarks: tuple[Remark, ...], codes: Any, first: int
) -> Iterator[Finding]:
    for number, label in block.broken.items():
        yield Finding(first + number, codes[number], "unreadable", label)
    for item in remarks:
        yield Finding(
            first + item.index,
            codes[item.index],
            item.rule,
            item.detail,
            "geometry",
            item.place,
            item.severity,
        )

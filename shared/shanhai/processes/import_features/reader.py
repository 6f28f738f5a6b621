"""Read a file row by row, with its geometries: what passes is kept, what does not is told."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from shanhai.db.features.crs import CHINA, ON_EARTH, SWAPPED, crossing
from shanhai.db.features.entity import Entity
from shanhai.db.features.geometry import MOST_VERTICES, REASONS, account_of_repair
from shanhai.db.features.repair import mended
from shanhai.processes.import_features.findings import (
    AcceptedRows,
    Finding,
    Findings,
    Rule,
    Severity,
    written_properties,
)
from shanhai.processes.import_features.neighbour_checks import Neighbourhood
from shanhai.processes.import_features.rows import FieldPlan, RowReader
from shanhai.processes.kit.task import Progress
from shanhai.vector.source_crs import Numbers, System
from shanhai.vector.sources import CURVED_TYPES, FeatureSource, SourceBlock, shapes_of, type_number
from shanhai.vocabulary import Label

Shapes = NDArray[np.object_]
FLAT_TYPES = frozenset(range(1, 7))
MULTIPLE = {0: shapely.multipoints, 1: shapely.multilinestrings, 3: shapely.multipolygons}
TYPE_NAMES = {
    "point": 0,
    "linestring": 1,
    "polygon": 3,
    "multipoint": 4,
    "multilinestring": 5,
    "multipolygon": 6,
}
PARTS = {4: 0, 5: 1, 6: 3}
PLACE = re.compile(r"\[(\S+) (\S+)\]")
UNREADABLE = Label("几何无法读取", "the geometry cannot be read")


@dataclass(frozen=True, slots=True)
class Remark:
    """What there is to say of the geometry at an index."""

    index: int
    rule: Rule
    detail: Label
    place: tuple[float, float] | None = None
    severity: Severity = "error"


@dataclass(frozen=True, slots=True)
class Judged:
    """Geometries as they can be stored; None where there is none or it was refused.

    Attributes:
        mended: By index, what a repair did and what it did it to.
    """

    shapes: Shapes
    remarks: tuple[Remark, ...]
    mended: Mapping[int, Mapping[str, Any]]


@dataclass(slots=True)
class _Work:
    shapes: Shapes
    remarks: list[Remark]
    mended: dict[int, Mapping[str, Any]] = field(default_factory=dict)

    def refuse(
        self, index: int, rule: Rule, detail: Label, place: tuple[float, float] | None = None
    ) -> None:
        self.remarks.append(Remark(index, rule, detail, place))
        self.shapes[index] = None


def judge_shapes(wkb: Sequence[bytes | None], *, system: System, kind: str, repair: bool) -> Judged:
    """The geometries of some rows in storage coordinates.

    Args:
        wkb: The geometries as the file has them.
        system: What their positions are in.
        kind: The type demanded, as `geometry-multipolygon`; `geometry-any` for any.
        repair: Mend what is invalid, and drop heights, instead of refusing.
    """
    work = _Work(np.full(len(wkb), None, dtype=object), [])
    _read(work, wkb)
    _flatten(work, repair=repair)
    _check_amount(work)
    _place(work, system)
    _fit(work, kind)
    _validate(work, kind, repair=repair)
    return Judged(work.shapes, tuple(work.remarks), work.mended)


def _read(work: _Work, wkb: Sequence[bytes | None]) -> None:
    flat = np.full(len(wkb), None, dtype=object)
    for index, value in enumerate(wkb):
        if value is None:
            continue
        number = type_number(value)
        if number in CURVED_TYPES:
            detail = Label("含曲线；仅支持直线段", "has curves; only straight segments are kept")
            work.refuse(index, "dimension", detail)
        elif number not in FLAT_TYPES:
            detail = Label("几何集合或未知类型", "is a collection or of a type not known here")
            work.refuse(index, "geometry", detail)
        else:
            flat[index] = value
    work.shapes = shapely.from_wkb(flat, on_invalid="ignore")
    for index, value in enumerate(flat):
        if value is not None and work.shapes[index] is None:
            work.refuse(index, "unreadable", UNREADABLE)


def _flatten(work: _Work, *, repair: bool) -> None:
    """Drop heights that say nothing; others are dropped only when asked."""
    raised = shapely.has_z(work.shapes) | shapely.has_m(work.shapes)
    if not raised.any():
        return
    for index in np.flatnonzero(raised):
        extra = _extra(work.shapes[index])
        if not extra.any():
            continue
        if repair:
            detail = Label("已去除高程或量测值", "heights or measures were dropped")
            work.remarks.append(Remark(int(index), "repaired", detail, severity="note"))
        else:
            detail = Label(
                "含高程或量测值；仅支持二维（`repair` 可去除）",
                "has heights or measures; only two dimensions are kept (`repair` drops them)",
            )
            work.refuse(int(index), "dimension", detail)
    work.shapes = shapely.force_2d(work.shapes)


def _extra(shape: Any) -> NDArray[np.float64]:
    points = shapely.get_coordinates(shape, include_z=True, include_m=True)
    return np.nan_to_num(points[:, 2:])


def _check_amount(work: _Work) -> None:
    vertices = shapely.get_num_coordinates(work.shapes)
    for index in np.flatnonzero(vertices > MOST_VERTICES):
        detail = Label(
            f"顶点数 {vertices[index]}，上限为 {MOST_VERTICES}",
            f"has {vertices[index]} vertices; at most {MOST_VERTICES} are taken",
        )
        work.refuse(int(index), "vertices", detail)
    for index in np.flatnonzero(shapely.is_empty(work.shapes)):
        work.shapes[index] = None  # an empty geometry is how some formats write none


def _place(work: _Work, system: System) -> None:
    """Move all positions to degrees, and refuse what then lies nowhere sensible."""
    points, owners = shapely.get_coordinates(work.shapes, return_index=True)
    if not len(points):
        return
    degrees = system.degrees(points)
    finite: NDArray[np.bool_] = np.asarray(np.isfinite(points).all(axis=1))
    finite &= np.isfinite(degrees).all(axis=1)
    inside = finite & (np.abs(degrees[:, 0]) <= 180) & (np.abs(degrees[:, 1]) <= 90)
    swapped = _in_china(system.degrees(points[:, ::-1])) & ~_in_china(degrees)
    work.shapes = shapely.set_coordinates(work.shapes, np.where(finite[:, None], degrees, 0.0))
    wrong = ~inside | swapped
    places = np.flatnonzero(wrong)
    for index, place in zip(*np.unique(owners[wrong], return_index=True), strict=True):
        first = int(places[place])
        where = f"({points[first, 0]:.10g}, {points[first, 1]:.10g})"
        rule = SWAPPED if swapped[first] else ON_EARTH
        detail = Label(
            f"{where} 按 {system.name} 不是合理的位置；{rule.zh}",
            f"{where} is not a sensible place in {system.name}; {rule.en}",
        )
        work.refuse(int(index), "crs", detail)
    west, _, east, _ = shapely.bounds(work.shapes).T
    for index in np.flatnonzero(east - west > 180):
        crossed = crossing(work.shapes[index])
        if crossed is not None:
            work.refuse(int(index), "crs", crossed)


def _in_china(degrees: NDArray[np.float64]) -> NDArray[np.bool_]:
    west, south, east, north = CHINA
    lon, lat = degrees[:, 0], degrees[:, 1]
    found: NDArray[np.bool_] = (west <= lon) & (lon <= east) & (south <= lat) & (lat <= north)
    return found


def _fit(work: _Work, kind: str) -> None:
    """Make one part a collection of one where that is demanded; refuse other types."""
    demanded = TYPE_NAMES.get(kind.removeprefix("geometry-"))
    if demanded is None:
        return
    types = shapely.get_type_id(work.shapes)
    single = PARTS.get(demanded)
    if single is not None and single in types:
        collect: Any = MULTIPLE[single]
        chosen: NDArray[np.bool_] = np.equal(types, single)
        work.shapes[chosen] = collect(work.shapes[chosen][:, None])
    alone: NDArray[np.bool_] = np.equal(types, {0: 4, 1: 5, 3: 6}.get(demanded, -2)) & np.equal(
        shapely.get_num_geometries(work.shapes), 1
    )
    work.shapes[alone] = shapely.get_geometry(work.shapes[alone], 0)
    types = shapely.get_type_id(work.shapes)
    for index in np.flatnonzero((types != demanded) & (types != -1)):
        name = work.shapes[index].geom_type
        expected = kind.removeprefix("geometry-")
        detail = Label(
            f"类型为 {name}；该集合要求 {expected}",
            f"is a {name}; this collection takes {expected}",
        )
        work.refuse(int(index), "geometry", detail)


def _validate(work: _Work, kind: str, *, repair: bool) -> None:
    bad = ~shapely.is_valid(work.shapes) & ~shapely.is_missing(work.shapes)
    for index in map(int, np.flatnonzero(bad)):
        detail, place = _reason(work.shapes[index])
        valid = mended(work.shapes[index]) if repair else None
        if valid is None:
            work.refuse(index, "invalid", detail, place)
            continue
        work.mended[index] = account_of_repair(work.shapes[index], valid, detail)
        work.shapes[index] = valid
        after = Label(f"{detail.zh}，已修复", f"{detail.en}; repaired")
        work.remarks.append(Remark(index, "repaired", after, place, "note"))
    if repair and bad.any():
        _fit(work, kind)


def _reason(shape: Any) -> tuple[Label, tuple[float, float] | None]:
    told = str(shapely.is_valid_reason(shape))
    rule, found = told.partition("[")[0], PLACE.search(told)
    place = None if found is None else (float(found[1]), float(found[2]))
    where = "" if place is None else f" ({place[0]:.7f}, {place[1]:.7f})"
    return Label(f"{REASONS.get(rule, rule)}{where}", f"{rule}{where}"), place


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
        box = shapely.total_bounds(shapes_of(block.geometry))
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
        rows = block.numbers or range(done.total + 1, done.total + len(block) + 1)
        judged = _shapes(block, reading)
        values = reader.read(block, rows, findings.add)
        for finding in _remarks(block, judged.remarks, values.codes, rows):
            findings.add(finding)
        kept = [n for n in range(len(block)) if rows[n] not in findings.rejected]
        wkb = shapely.to_wkb(judged.shapes)
        columns = [values.columns[item.name] for item in properties]
        accepted.add(
            [
                [
                    wkb[n],
                    rows[n],
                    values.codes[n],
                    judged.mended.get(n),
                    values.cut.get(n),
                    *(item[n] for item in columns),
                ]
                for n in kept
            ]
        )
        done.rows.append(np.array([rows[n] for n in kept], dtype=np.int64))
        done.boxes.append(shapely.bounds(judged.shapes)[kept].reshape(-1, 4))
        done.total += len(block)
        progress(5 + 70 * done.total / (done.total + HALFWAY_ROWS), "rows")
    accepted.close()
    return done


def _shapes(block: SourceBlock, reading: ReadOptions) -> Judged:
    if reading.system is None:
        return Judged(np.full(len(block), None, dtype=object), (), {})
    kind = reading.entity.whole.geometry_type or "geometry-any"
    return judge_shapes(block.geometry, system=reading.system, kind=kind, repair=reading.repair)


def _remarks(
    block: SourceBlock, remarks: tuple[Remark, ...], codes: Any, rows: Sequence[int]
) -> Iterator[Finding]:
    for number, label in block.broken.items():
        yield Finding(rows[number], codes[number], "unreadable", label)
    for item in remarks:
        yield Finding(
            rows[item.index],
            codes[item.index],
            item.rule,
            item.detail,
            "geometry",
            item.place,
            item.severity,
        )

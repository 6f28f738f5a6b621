"""Relations in space, served by the spatial index, and in time, as comparisons of intervals."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, Literal

import numpy as np
import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry
from shapely.validation import explain_validity

from shanhai.db.base import STORAGE_SRID
from shanhai.db.features.cql2.operands import FilterContext, FilterOperand, read_as_time
from shanhai.db.features.cql2.parser import exceeded, no_measures, refused
from shanhai.db.features.crs import edges_of, to_storage
from shanhai.errors import InvalidInput
from shanhai.validation import in_both

MAX_VERTICES = 10_000

FUNCTIONS: Mapping[str, str] = {
    "s_intersects": "ST_Intersects",
    "s_disjoint": "ST_Intersects",
    "s_equals": "ST_Equals",
    "s_touches": "ST_Touches",
    "s_within": "ST_Within",
    "s_overlaps": "ST_Overlaps",
    "s_crosses": "ST_Crosses",
    "s_contains": "ST_Contains",
}


def spatial_relation(operator: str, left: FilterOperand, right: FilterOperand) -> str:
    """SQL of a relation between two geometries.

    `&&` is spelled out, so that the index is used whatever the planner knows of the function.
    """
    if (left.mixed or right.mixed) and FUNCTIONS[operator] != "ST_Intersects":
        raise refused(
            "a GEOMETRYCOLLECTION must hold points, lines or polygons, not a mixture",
            "GEOMETRYCOLLECTION 中只能是点、线、面之一，不能混合",
        )
    boxes = f"{left.sql} && {right.sql}"
    if left.near or right.near:
        boxes = f"{left.near or left.sql} && {right.near or right.sql} AND {boxes}"
    meet = f"({boxes} AND {FUNCTIONS[operator]}({left.sql}, {right.sql}))"
    return f"(NOT {meet})" if operator == "s_disjoint" else meet


def geometry_operand(context: FilterContext, node: Mapping[str, Any]) -> FilterOperand:
    """A geometry or box the filter gives, as it is stored."""
    context.count_operand()
    geometry = _box(context, node["bbox"]) if "bbox" in node else _shape(context, node)
    name = str(node.get("type", "BBOX"))
    data = context.bind(shapely.to_wkb(geometry), "bytea")
    mixed = geometry.geom_type == "GeometryCollection"
    return FilterOperand("geometry", name, f"ST_GeomFromWKB({data}, {STORAGE_SRID})", mixed=mixed)


def _shape(context: FilterContext, node: Mapping[str, Any]) -> BaseGeometry:
    _check_positions(context, node)
    try:
        written = shape(dict(node))
    except Exception as error:
        raise _invalid(str(error)) from None
    if written.is_empty:
        raise refused("geometries must not be empty", "几何不得为空")
    placed = shapely.transform(written, lambda found: _placed(context, found))
    if not placed.is_valid:
        raise _invalid(explain_validity(placed))
    return _simplest(placed)


def _invalid(reason: str) -> InvalidInput:
    return refused(f"a geometry is not valid: {reason}", f"几何无效：{reason}")


def _check_positions(context: FilterContext, node: Mapping[str, Any]) -> None:
    """Refuses measures, too many positions, and rings that are not closed."""
    if node.get("type") == "GeometryCollection":
        for member in node["geometries"]:
            _check_positions(context, member)
        return
    coordinates = node.get("coordinates")
    for ring in _rings(str(node.get("type")), coordinates):
        if len(ring) < 4 or ring[0] != ring[-1]:
            raise _invalid("a ring must have four positions or more and end where it begins")
    positions = list(_positions(coordinates))
    if any(len(position) not in {2, 3} for position in positions):
        raise no_measures()
    context.vertices += len(positions)
    if context.vertices > MAX_VERTICES:
        raise exceeded(
            f"geometries must not have more than {MAX_VERTICES} vertices",
            f"几何的顶点不得超过 {MAX_VERTICES} 个",
        )


def _rings(kind: str, coordinates: Any) -> Iterable[list[Any]]:
    if kind == "Polygon":
        return list(coordinates)
    return [ring for polygon in coordinates for ring in polygon] if kind == "MultiPolygon" else []


def _positions(coordinates: Any) -> Iterable[list[float]]:
    if isinstance(coordinates, list) and coordinates and isinstance(coordinates[0], list):
        for member in coordinates:
            yield from _positions(member)
    else:
        yield coordinates if isinstance(coordinates, list) else []


def _placed(context: FilterContext, coordinates: np.ndarray[Any, np.dtype[np.float64]]) -> Any:
    """Coordinates as clients write them, as longitude and latitude."""
    if not np.isfinite(coordinates).all():
        raise refused("coordinates must be finite", "坐标必须是有限的")
    try:
        placed = to_storage(context.crs, coordinates)
    except ValueError as error:
        raise refused(*in_both(str(error))) from None
    if (np.abs(placed) > (180.0, 90.0)).any():
        first = "latitude" if context.crs.flipped else "longitude"
        raise refused(
            f"coordinates lie outside the world; with {context.crs.uri} {first} comes first",
            f"坐标超出经纬度范围；{context.crs.uri} 的坐标顺序是"
            + ("先纬度后经度" if context.crs.flipped else "先经度后纬度"),
        )
    return placed


def _box(context: FilterContext, numbers: list[Any]) -> BaseGeometry:
    if len(numbers) not in {4, 6} or not {type(item) for item in numbers} <= {int, float}:
        raise refused("BBOX takes four or six numbers", "BBOX 需要四个或六个数")
    context.vertices += 4
    low, high = (
        (numbers[0], numbers[1]),
        (numbers[len(numbers) // 2], numbers[len(numbers) // 2 + 1]),
    )
    if not context.crs.geographic:
        return _projected_box(context, low, high)
    (west, south), (east, north) = _placed(context, np.array([low, high])).tolist()
    if south > north:
        raise _box_disorder()
    if west <= east:
        return _flat_box(west, south, east, north)
    parts = [_flat_box(west, south, 180.0, north), _flat_box(-180.0, south, east, north)]
    return shapely.union_all(parts)


def _projected_box(
    context: FilterContext, low: tuple[float, float], high: tuple[float, float]
) -> BaseGeometry:
    _placed(context, np.array([low, high]))
    if low[0] > high[0] or low[1] > high[1]:
        raise _box_disorder()
    if low[0] == high[0] or low[1] == high[1]:
        corners = _placed(context, np.array([low, high])).tolist()
        return shapely.Point(corners[0]) if low == high else shapely.LineString(corners)
    return shapely.Polygon(edges_of(context.crs, low, high))


def _box_disorder() -> InvalidInput:
    return refused(
        "BBOX takes the lower corner first, then the upper one", "BBOX 应先写小的角点，再写大的角点"
    )


def _flat_box(west: float, south: float, east: float, north: float) -> BaseGeometry:
    """A box; without width or height a line or a point."""
    if west == east and south == north:
        return shapely.Point(west, south)
    if west == east or south == north:
        return shapely.LineString([(west, south), (east, north)])
    return shapely.box(west, south, east, north)


def _simplest(geometry: BaseGeometry) -> BaseGeometry:
    """A collection as one geometry; one of mixed dimensions PostGIS can only intersect."""
    collected = geometry.geom_type == "GeometryCollection"
    return shapely.union_all(shapely.get_parts(geometry)) if collected else geometry


Side = Literal["start", "end"]
TemporalKind = Literal["date", "moment"]
FAR: Mapping[Side, str] = {"start": "-infinity", "end": "infinity"}
OPEN = ".."
LAST_OF_DAY = "interval '1 day' - interval '1 microsecond'"


@dataclass(frozen=True, slots=True)
class TemporalInterval:
    """A stretch of time; an end that is None is open."""

    start: FilterOperand | None
    end: FilterOperand | None
    instant: bool


RELATIONS: Mapping[str, str] = {
    "t_after": "{a} > {d}",
    "t_before": "{b} < {c}",
    "t_contains": "{a} < {c} AND {b} > {d}",
    "t_disjoint": "{b} < {c} OR {a} > {d}",
    "t_during": "{a} > {c} AND {b} < {d}",
    "t_equals": "{a} = {c} AND {b} = {d}",
    "t_finishedby": "{a} < {c} AND {b} = {d}",
    "t_finishes": "{a} > {c} AND {b} = {d}",
    "t_intersects": "{a} <= {d} AND {b} >= {c}",
    "t_meets": "{b} = {c}",
    "t_metby": "{a} = {d}",
    "t_overlappedby": "{a} > {c} AND {a} < {d} AND {b} > {d}",
    "t_overlaps": "{a} < {c} AND {b} > {c} AND {b} < {d}",
    "t_startedby": "{a} = {c} AND {b} > {d}",
    "t_starts": "{a} = {c} AND {b} < {d}",
}
"""The relations between an interval from `a` to `b` and one from `c` to `d`."""


def instant_span(operand: FilterOperand) -> TemporalInterval:
    """A date or moment as a stretch of time."""
    end = _temporal(operand)
    return TemporalInterval(end, end, instant=True)


def interval_span(start: FilterOperand | None, end: FilterOperand | None) -> TemporalInterval:
    """An interval between two ends, None being an open one."""
    first, last = (None if item is None else _temporal(item) for item in (start, end))
    _check_order(first, last)
    return TemporalInterval(first, last, instant=False)


def _temporal(operand: FilterOperand) -> FilterOperand:
    found = read_as_time(operand)
    if found.kind not in {"date", "moment"}:
        told = operand.described()
        raise refused(
            f"{told.en} stands where a date, timestamp or interval must",
            f"{told.zh} 处应是日期、时刻或区间",
        )
    return found


def _check_order(start: FilterOperand | None, end: FilterOperand | None) -> None:
    first, last = (item and item.constant for item in (start, end))
    if (
        isinstance(first, date)
        and isinstance(last, date)
        and _moment(first, "start") > _moment(last, "end")
    ):
        raise refused("an interval must not end before it begins", "区间的终点不得早于起点")


def temporal_relation(
    context: FilterContext, operator: str, left: TemporalInterval, right: TemporalInterval
) -> str:
    """SQL of a relation between two stretches of time."""
    kinds = [end.kind for span in (left, right) for end in (span.start, span.end) if end]
    kind: TemporalKind = "moment" if "moment" in kinds else "date"
    ends: Mapping[str, tuple[TemporalInterval, Side]] = {
        "a": (left, "start"),
        "b": (left, "end"),
        "c": (right, "start"),
        "d": (right, "end"),
    }
    wanted = RELATIONS[operator]
    # Only what the relation reads is written, so that no bind is left without use.
    written = {
        name: _end(context, span, side, kind)
        for name, (span, side) in ends.items()
        if f"{{{name}}}" in wanted
    }
    return f"({wanted.format(**written)})"


def _end(context: FilterContext, span: TemporalInterval, side: Side, kind: TemporalKind) -> str:
    operand = span.start if side == "start" else span.end
    typed = "date" if kind == "date" else "timestamptz"
    far = f"CAST('{FAR[side]}' AS {typed})"
    if operand is None:
        return far
    if isinstance(operand.constant, date):
        constant = operand.constant if kind == "date" else _moment(operand.constant, side)
        return context.bind(constant, typed)
    sql = operand.sql
    if operand.kind == "date" and kind == "moment":
        offset = f" + {LAST_OF_DAY}" if side == "end" else ""
        sql = f"((CAST({sql} AS timestamp){offset}) AT TIME ZONE 'UTC')"
    return sql if span.instant else f"coalesce({sql}, {far})"


def _moment(value: date, side: Side) -> datetime:
    """A moment as it is; of a day its first or last moment."""
    if isinstance(value, datetime):
        return value
    return datetime.combine(value, time.min if side == "start" else time.max, UTC)

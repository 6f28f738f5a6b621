"""Geometry that comes from outside: GeoJSON, checked and turned into what is stored."""

import asyncio
import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from shanhai.db.features.crs import CRS84, Crs, crossing, misplacement, positions_in_storage
from shanhai.db.features.repair import mend
from shanhai.errors import Fault, InvalidInput
from shanhai.vocabulary import Label

Positions = NDArray[np.float64] | list["Positions"]
MOST_VERTICES = 500_000
DEPTHS: Mapping[str, int] = {
    "Point": 0,
    "MultiPoint": 1,
    "LineString": 1,
    "MultiLineString": 2,
    "Polygon": 2,
    "MultiPolygon": 3,
}
"""How deeply the positions of each type are nested."""


@dataclass(frozen=True, slots=True)
class Line:
    """What the innermost lists of positions must be."""

    least: int
    closed: bool
    rule: Label


POINTS = Line(1, False, Label("至少有一个坐标", "must have at least one position"))
LINE = Line(2, False, Label("线至少有两个坐标", "a line must have at least two positions"))
RING = Line(
    4,
    True,
    Label(
        "环至少有四个坐标，且首尾相同",
        "a ring must have at least four positions and end where it begins",
    ),
)
LINES: Mapping[str, Line] = {
    "Point": POINTS,
    "MultiPoint": POINTS,
    "LineString": LINE,
    "MultiLineString": LINE,
    "Polygon": RING,
    "MultiPolygon": RING,
}
CURVES = frozenset(
    {"CircularString", "CompoundCurve", "CurvePolygon", "MultiCurve", "MultiSurface"}
)
NUMBERS = frozenset({int, float})
MOST_ORIGINAL = 65_536
"""Characters of a geometry that is kept as it was before a repair."""
IN_THREAD_FROM = 2_000
"""Positions from which checking would keep other requests waiting."""


@dataclass(frozen=True, slots=True)
class StoredGeometry:
    """A checked geometry as it is stored: longitude first, in CGCS2000.

    Attributes:
        wkb: The geometry.
        mended: What a repair did, with the reason; None when there was nothing to repair.
    """

    wkb: bytes
    mended: Mapping[str, Any] | None = None


class InvalidGeometry(InvalidInput):
    """A geometry is not what it should be."""

    title = Label("几何无效", "Invalid geometry")


def _refuse(en: str, zh: str, pointer: str) -> InvalidGeometry:
    return InvalidGeometry(f"{pointer}: {en}", message_zh=zh, faults=[Fault(pointer, en, zh)])


async def read_shape(
    value: object,
    *,
    kind: str,
    crs: Crs = CRS84,
    repair: bool | None = None,
    pointer: str = "/geometry",
) -> StoredGeometry:
    """A GeoJSON geometry as it will be stored.

    Args:
        kind: The type demanded, as `geometry-multipolygon`; `geometry-any` for any.
        repair: Mend what is invalid; False refuses it and offers that, None offers nothing.
        pointer: Where the value is in the body.

    Raises:
        InvalidGeometry: it breaks a rule; the fault says which, and where.
    """

    def read() -> tuple[BaseGeometry, Fault | None]:
        geometry = read_geometry(value, kind=kind, crs=crs, pointer=pointer)
        return geometry, invalidity(geometry, pointer)

    geometry, fault = await asyncio.to_thread(read) if _is_large(value) else read()
    if fault is None:
        return StoredGeometry(_wkb(geometry))
    if not repair:
        en, zh = ("", "") if repair is None else (", or ask to repair it", "，或选择修复无效图形")
        raise _refuse(f"{fault.detail}{en}", f"{fault.detail_zh}{zh}", pointer)
    mended = await mend(geometry)
    if mended is None:
        raise _refuse(
            f"{fault.detail}; the repair did not end well",
            f"{fault.detail_zh}；修复未成功",
            pointer,
        )
    result = _as_kind(mended, kind, pointer)
    reason = Label((fault.detail_zh or "").partition("；")[0], fault.detail.partition(";")[0])
    return StoredGeometry(_wkb(result), account_of_repair(geometry, result, reason))


def read_geometry(
    value: object,
    *,
    kind: str,
    crs: Crs = CRS84,
    pointer: str = "/geometry",
) -> BaseGeometry:
    """A GeoJSON geometry in stored coordinates, not yet known to be valid.

    Raises:
        InvalidGeometry: it is no geometry of the type demanded, or lies nowhere on Earth.
    """
    name, given = _type_of(value, pointer)
    where = f"{pointer}/coordinates"
    nested = _positions(given, DEPTHS[name], where)
    vertices = _count_positions(nested)
    if vertices > MOST_VERTICES:
        raise _refuse(
            f"has {vertices} vertices; at most {MOST_VERTICES} are taken",
            f"顶点数 {vertices}，上限为 {MOST_VERTICES}",
            where,
        )
    if vertices == 0:
        raise _refuse("must not be empty; null is no geometry", "不得为空；无几何请用 null", where)
    _check_structure(nested, LINES[name], where)
    geometry = _build(name, nested)
    return _as_kind(_placed(geometry, crs, where), kind, pointer)


def _placed(geometry: BaseGeometry, crs: Crs, pointer: str) -> BaseGeometry:
    """The geometry in stored coordinates."""
    given = shapely.get_coordinates(geometry)
    wrong = misplacement(given, crs)
    if wrong is not None:
        raise _refuse(wrong.en, wrong.zh, pointer)
    placed: BaseGeometry = shapely.set_coordinates(geometry, positions_in_storage(given, crs))
    wrong = crossing(placed)
    if wrong is not None:
        raise _refuse(wrong.en, wrong.zh, pointer)
    return placed


def _type_of(value: object, pointer: str) -> tuple[str, Any]:
    """The type and coordinates of a geometry of a type that can be kept."""
    if not isinstance(value, dict):
        raise _refuse("must be a GeoJSON geometry or null", "必须是 GeoJSON 几何或 null", pointer)
    name = value.get("type")
    if not isinstance(name, str):
        name = ""
    if name in CURVES:
        raise _refuse(
            f"{name} has curves; only straight segments are kept",
            f"{name} 含曲线；仅支持直线段",
            f"{pointer}/type",
        )
    if name == "GeometryCollection":
        raise _refuse(
            "GeometryCollection mixes dimensions; write one feature for each part",
            "GeometryCollection 混合了不同维度；请逐个要素写入",
            f"{pointer}/type",
        )
    if name not in DEPTHS:
        listed = ", ".join(DEPTHS)
        raise _refuse(f"must be one of {listed}", f"必须是以下之一：{listed}", f"{pointer}/type")
    return name, value.get("coordinates")


def _positions(nested: Any, depth: int, pointer: str) -> Positions:
    """The positions, each of two finite numbers, as arrays that are nested as the lists are."""
    if not isinstance(nested, list):
        raise _refuse("must be an array", "必须是数组", pointer)
    if depth > 1:
        return [_positions(part, depth - 1, f"{pointer}/{n}") for n, part in enumerate(nested)]
    positions = nested if depth else [nested] if nested else []
    # All at once; one by one only to say which is at fault.
    if set(map(type, positions)) <= {list} and set(map(len, positions)) <= {2}:
        numbers = list(chain.from_iterable(positions))
        if set(map(type, numbers)) <= NUMBERS:
            found = np.array(numbers, dtype=np.float64).reshape(-1, 2)
            if np.isfinite(found).all():
                return found
    number = next(n for n, position in enumerate(positions) if not _is_position(position))
    raise _strange_position(positions[number], f"{pointer}/{number}" if depth else pointer)


def _count_positions(nested: Positions) -> int:
    return sum(map(_count_positions, nested)) if isinstance(nested, list) else len(nested)


def _is_position(position: Any) -> bool:
    return (
        type(position) is list
        and len(position) == 2
        and {*map(type, position)} <= NUMBERS
        and all(map(math.isfinite, position))
    )


def _strange_position(position: Any, pointer: str) -> InvalidGeometry:
    if isinstance(position, list) and len(position) > 2:
        en = "has more than two coordinates; heights and measures are not kept"
        return _refuse(en, "坐标多于两个；不支持高程与量测值", pointer)
    return _refuse("must be two finite numbers", "必须是两个有限的数", pointer)


def _check_structure(nested: Positions, line: Line, pointer: str) -> None:
    """Every part has something in it, every line and ring enough positions."""
    if isinstance(nested, list):
        if not nested:
            raise _refuse("must not be empty", "不得为空", pointer)
        for number, part in enumerate(nested):
            _check_structure(part, line, f"{pointer}/{number}")
    elif len(nested) < line.least or (line.closed and (nested[0] != nested[-1]).any()):
        raise _refuse(line.rule.en, line.rule.zh, pointer)


def _build(name: str, nested: Any) -> BaseGeometry:
    """The geometry of checked positions."""
    match name:
        case "Point":
            return shapely.Point(nested[0])
        case "MultiPoint":
            return shapely.MultiPoint(nested)
        case "LineString":
            return shapely.LineString(nested)
        case "MultiLineString":
            return shapely.MultiLineString(nested)
        case "Polygon":
            return _polygon(nested)
        case _:
            return shapely.MultiPolygon([_polygon(one) for one in nested])


def _polygon(rings: Any) -> shapely.Polygon:
    shell, *holes = rings
    return shapely.Polygon(shell, holes)


def _as_kind(geometry: BaseGeometry, kind: str, pointer: str) -> BaseGeometry:
    """The geometry as the type demanded, a part as a collection of one and the reverse."""
    demanded = kind.removeprefix("geometry-")
    name = geometry.geom_type.lower()
    if demanded in {"any", name}:
        return geometry
    if demanded == f"multi{name}":
        return _multiple(geometry)
    parts = shapely.get_parts(geometry)
    if name == f"multi{demanded}" and len(parts) == 1:
        single: BaseGeometry = parts[0]
        return single
    taken = demanded.replace("multi", f"{demanded[5:]} / multi")
    raise _refuse(
        f"is a {geometry.geom_type}; the request takes {taken}",
        f"类型为 {geometry.geom_type}；请求要求 {taken}",
        f"{pointer}/type",
    )


def _multiple(geometry: BaseGeometry) -> BaseGeometry:
    kinds = (shapely.multipoints, shapely.multilinestrings, shapely.multipolygons)
    multiple: Any = kinds[int(shapely.get_dimensions(geometry))]([geometry])
    collected: BaseGeometry = multiple
    return collected


def invalidity(geometry: BaseGeometry, pointer: str = "/geometry") -> Fault | None:
    """Why a geometry is not valid, with the coordinate; None when it is."""
    if shapely.is_valid(geometry):
        return None
    rule, _, place = shapely.is_valid_reason(geometry).partition("[")
    where = place.rstrip("]").replace(" ", ", ")
    return Fault(
        pointer,
        f"{rule} at ({where}) longitude, latitude; redraw it there",
        f"{REASONS.get(rule, rule)}，位置为经度、纬度 {where}；请在该处改正",
    )


REASONS: Mapping[str, str] = {
    "Self-intersection": "自相交",
    "Ring Self-intersection": "环自相交",
    "Hole lies outside shell": "孔洞在外环之外",
    "Holes are nested": "孔洞嵌套",
    "Nested shells": "外环嵌套",
    "Interior is disconnected": "内部不连通",
    "Duplicate Rings": "环重复",
    "Too few points in geometry component": "点数过少",
    "Ring is not closed": "环未闭合",
}
"""GEOS's rules in Chinese."""


def account_of_repair(before: BaseGeometry, after: BaseGeometry, reason: Label) -> dict[str, Any]:
    """What a repair did, and what it did it to."""
    original = shapely.to_wkb(before, hex=True)
    kept = (
        {"original_wkb": original}
        if len(original) <= MOST_ORIGINAL
        else {"original_sha256": hashlib.sha256(bytes.fromhex(original)).hexdigest()}
    )
    return {
        **kept,
        "reason": reason.en,
        "reason_zh": reason.zh,
        "method": "structure",
        "vertices": [int(shapely.get_num_coordinates(item)) for item in (before, after)],
        "parts": [int(shapely.get_num_geometries(item)) for item in (before, after)],
    }


def _wkb(geometry: BaseGeometry) -> bytes:
    return bytes(shapely.to_wkb(geometry, byte_order=1, output_dimension=2))


def _is_large(value: object) -> bool:
    """Whether a geometry has many positions, without looking at all of them."""
    coordinates = value.get("coordinates") if isinstance(value, dict) else None
    return _many(coordinates, IN_THREAD_FROM) >= IN_THREAD_FROM


def _many(nested: Any, enough: int) -> int:
    if not isinstance(nested, list) or not nested or not isinstance(nested[0], list):
        return 1
    found = 0
    for part in nested:
        found += _many(part, enough - found)
        if found >= enough:
            break
    return found

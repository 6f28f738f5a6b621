"""Regions and polygons from files, as a run without a server is given them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from shapely import make_valid, transform, union_all
from shapely.geometry import mapping, shape
from shapely.geometry.base import BaseGeometry

from shanhai.db.features.crs import box_fault, crossing
from shanhai.db.features.geometry import invalidity
from shanhai.errors import InvalidInput
from shanhai.processes.kit.geometry import as_multipolygon
from shanhai.processes.kit.output_files import names_of, read_features
from shanhai.processes.kit.resolution import checksum_of
from shanhai.processes.kit.task import LINE_KINDS, RESERVE, AreaTask, DistrictTask, RegionTask
from shanhai.science.grid import FloatArray
from shanhai.vector.geojson_kml import open_ring
from shanhai.vocabulary import REGION_LEVELS, Label, codes, district_levels

POLYGONS = ("Polygon", "MultiPolygon")
_MOST_NAMED = 10
_NOT_IN_A_CODE = re.compile(r"[^A-Za-z0-9._-]+")
_FIRST_GAUSS_KRUEGER_EPSG = 4534
_FIRST_CENTRAL_MERIDIAN, _LAST_CENTRAL_MERIDIAN, _ZONE_DEGREES = 75, 135, 3
_UTM_NORTH, _UTM_SOUTH, _UTM_DEGREES = 32_600, 32_700, 6
_HALF_TURN = 180.0


@dataclass(frozen=True, slots=True)
class RegionChoice:
    """Which features of a file are the region, and what it is called.

    Attributes:
        feature: Code or name of the feature that is the region.
        dissolve: Whether the features without a parent are the region together, each a district.
        name: Name of the region instead of the feature's.
    """

    feature: str | None = None
    dissolve: bool = False
    name: str | None = None


def read_region(
    path: Path, choice: RegionChoice | None = None, crs: str | None = None
) -> RegionTask:
    """The region of a GeoJSON file: a geometry, a feature, or a collection with districts.

    In a collection the feature whose `parent`, if any, is not there is the region; those whose
    parent it is are its districts, of the level that `district_levels` names.

    Args:
        path: The file.
        choice: Which features are the region.
        crs: The system that is asked for; a region beyond the zones of CGCS2000 must have one.

    Raises:
        InvalidInput: it is no GeoJSON, has no polygon to be the region, or several that may be; or
            no system follows from where it lies.
    """
    choice = choice or RegionChoice()
    features = read_features(path, "/region")
    if not features:
        raise _refused(f"{path.name} has no features", f"{path.name} 不含任何要素")
    for number, one in enumerate(features):
        if _is_polygon(one):
            _demand_sound(path, number, one["geometry"])
    if choice.dissolve:
        whole, districts = _dissolved(path, features)
    else:
        whole = _whole(path, features, choice.feature)
        others = [one for one in features if one is not whole]
        below = [one for one in others if one["properties"].get("parent") in _called(whole)]
        known = [one["properties"].get("level") for one in below]
        levels = [one if one in codes(REGION_LEVELS) else "district" for one in known]
        found = zip(below, levels, strict=True)
        districts = [one for one, level in found if level in district_levels(levels)]
    names = names_of(whole, _NOT_IN_A_CODE.sub("-", path.stem).strip("._-")[:80] or "region")
    if choice.name is not None:
        names |= {"name_zh": choice.name, "name_en": choice.name}
    return RegionTask(
        **names,
        epsg=whole["properties"].get("metric_epsg") or _epsg_of(whole["geometry"], crs),
        geometry=whole["geometry"],
        districts=[
            DistrictTask(**names_of(one, f"{names['code']}.{number}"), geometry=one["geometry"])
            for number, one in enumerate(features)
            if any(one is district for district in districts)
        ],
    )


def _demand_sound(path: Path, number: int, geometry: dict[str, Any]) -> None:
    """Refuse a polygon that is not closed, lies nowhere, crosses itself or the antimeridian."""
    area = shape(geometry)
    fault = open_ring(geometry) or box_fault(*area.bounds) or crossing(area)
    if fault is None and (invalid := invalidity(area)):
        fault = Label(invalid.detail_zh or "", invalid.detail)
    if fault is not None:
        raise _refused(
            f"feature {number} of {path.name}: {fault.en}",
            f"{path.name} 第 {number} 个要素：{fault.zh}",
            f"/region/{number}",
        )


def _refused(en: str, zh: str, pointer: str = "/region") -> InvalidInput:
    return InvalidInput(en, message_zh=zh, pointer=pointer)


def _epsg_of(geometry: dict[str, Any], crs: str | None) -> int:
    """The system a geometry lies in: a zone of CGCS2000, or what is asked for elsewhere."""
    longitude, latitude = _middle(shape(geometry))
    half = _ZONE_DEGREES / 2
    if _FIRST_CENTRAL_MERIDIAN - half <= longitude < _LAST_CENTRAL_MERIDIAN + half:
        return gauss_krueger_epsg(geometry)
    zone = int((longitude + _HALF_TURN) // _UTM_DEGREES) + 1
    utm = (_UTM_SOUTH if latitude < 0 else _UTM_NORTH) + zone
    if crs is not None:
        return utm
    raise _refused(
        f"the region lies at {longitude:.1f}, {latitude:.1f} (longitude, latitude), outside the "
        f"zones of CGCS2000 from {_FIRST_CENTRAL_MERIDIAN} to {_LAST_CENTRAL_MERIDIAN}° E, so that "
        f"no crs follows: name one, for example the UTM zone there, EPSG:{utm}",
        f"区域位于 {longitude:.1f}、{latitude:.1f}（经度、纬度），不在 CGCS2000 三度带"
        f"（东经 {_FIRST_CENTRAL_MERIDIAN}–{_LAST_CENTRAL_MERIDIAN} 度）范围内，须给出 crs，"
        f"例如当地 UTM 带 EPSG:{utm}",
        "/inputs/crs",
    )


def _middle(geometry: BaseGeometry) -> tuple[float, float]:
    """Longitude of −180…180 and latitude; parts on both sides of the antimeridian are together."""
    west, _, east, _ = geometry.bounds
    if east - west > _HALF_TURN:
        geometry = transform(geometry, _eastward)
    centre = geometry.centroid
    return (centre.x + _HALF_TURN) % (2 * _HALF_TURN) - _HALF_TURN, centre.y


def _eastward(points: FloatArray) -> FloatArray:
    """Longitudes counted eastwards from Greenwich, 0–360."""
    return np.column_stack([points[:, 0] % (2 * _HALF_TURN), points[:, 1]])


def gauss_krueger_epsg(geometry: dict[str, Any]) -> int:
    """Code of the CGCS2000 3-degree zone (without zone prefix) a geometry lies in."""
    longitude = shape(geometry).centroid.x
    number = round((longitude - _FIRST_CENTRAL_MERIDIAN) / _ZONE_DEGREES)
    return _FIRST_GAUSS_KRUEGER_EPSG + number


def _whole(path: Path, features: Sequence[dict[str, Any]], named: str | None) -> dict[str, Any]:
    """The one feature that is the region.

    Raises:
        InvalidInput: there is none, or more than one.
    """
    candidates = _parentless(features)
    if named is not None:
        candidates = [one for one in features if named in _called(one)]
    if not candidates or (len(candidates) == 1 and not _is_polygon(candidates[0])):
        wanted, wanted_zh = (
            (f"called {named!r}", f"名为 {named!r}")
            if named is not None
            else ("without a parent", "无 parent ")
        )
        raise _refused(
            f"{path.name} has no polygon {wanted} to be the region",
            f"{path.name} 中没有{wanted_zh}的面要素可作为区域",
        )
    if len(candidates) > 1:
        raise _ambiguous(path, candidates, named)
    return candidates[0]


def _ambiguous(path: Path, candidates: Sequence[dict[str, Any]], named: str | None) -> InvalidInput:
    called = [_called(one)[0] for one in candidates if _called(one)]
    shown = ", ".join(called[:_MOST_NAMED]) + (", …" if len(called) > _MOST_NAMED else "")
    names, names_zh = (f" ({shown})", f"（{shown}）") if called else ("", "")
    kind, kind_zh = (
        (f"called {named!r}", f"名为 {named!r} ")
        if named is not None
        else ("without parent", "没有 parent ")
    )
    return _refused(
        f"{path.name} has {len(candidates)} features {kind}{names}; "
        "name one with --feature, or take them together with --dissolve",
        f"{path.name} 有 {len(candidates)} 个{kind_zh}的要素{names_zh}；"
        "请用 --feature 指定其一，或用 --dissolve 合并",
    )


def _dissolved(
    path: Path, features: Sequence[dict[str, Any]]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The region that the features without a parent make up, and these features.

    Raises:
        InvalidInput: one of them is no polygon, or there is none.
    """
    parts = _parentless(features)
    for number, one in enumerate(features):
        if not _is_polygon(one):
            raise _refused(
                f"feature {number} of {path.name} is no polygon; a region is made of polygons",
                f"{path.name} 第 {number} 个要素不是面，区域须由面组成",
                f"/region/{number}",
            )
    if not parts:
        raise _refused(
            f"{path.name} has no polygon without a parent to be the region",
            f"{path.name} 中没有无 parent 的面要素可作为区域",
        )
    together = union_all([make_valid(shape(one["geometry"])) for one in parts])
    region = {"geometry": mapping(as_multipolygon(together)), "properties": {}}
    return region, parts


def _parentless(features: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those whose parent is none of them: a region that the API tells of belongs to another."""
    known = [name for one in features for name in _called(one)]
    return [one for one in features if one["properties"].get("parent") not in known]


def _called(feature: dict[str, Any]) -> list[str]:
    """What a feature may be named by."""
    properties = feature["properties"]
    members = (properties.get(name) for name in ("code", "name_zh", "name", "name_en"))
    return [str(one) for one in members if one]


def _is_polygon(feature: dict[str, Any]) -> bool:
    return (feature.get("geometry") or {}).get("type") in POLYGONS


KINDS = (*LINE_KINDS, RESERVE)


def read_areas(path: Path) -> list[AreaTask]:
    """Control areas; every feature names its `kind`, and the core of a reserve its `class`.

    Raises:
        InvalidInput: it is no GeoJSON, holds what is no polygon, or a kind there is not.
    """
    return [
        AreaTask(
            **names_of(one, f"{path.stem}.{number}"),
            kind=_kind(one, path.name, number),
            class_code=one["properties"].get("class"),
            checksum=checksum_of(one["geometry"]),
            geometry=one["geometry"],
        )
        for number, one in enumerate(_polygons(path, "/areas"))
    ]


def read_units(path: Path) -> list[DistrictTask]:
    """Polygons that are zoning units, by code.

    Raises:
        InvalidInput: it is no GeoJSON, or holds what is no polygon.
    """
    units = [
        DistrictTask(**names_of(one, f"{path.stem}.{number:05}"), geometry=one["geometry"])
        for number, one in enumerate(_polygons(path, "/units"))
    ]
    return sorted(units, key=lambda unit: unit.code)


def _kind(feature: dict[str, Any], name: str, number: int) -> str:
    kind = feature["properties"].get("kind")
    if kind in KINDS:
        return str(kind)
    raise InvalidInput(
        f"feature {number} of {name} has the kind {kind!r}; it must be one of {', '.join(KINDS)}",
        message_zh=f"{name} 第 {number} 个要素的 kind 为 {kind!r}，可选：{'、'.join(KINDS)}",
        pointer=f"/areas/{number}/kind",
    )


def _polygons(path: Path, pointer: str) -> list[dict[str, Any]]:
    features = read_features(path, pointer)
    for number, one in enumerate(features):
        if not _is_polygon(one):
            found = (one.get("geometry") or {}).get("type")
            raise InvalidInput(
                f"feature {number} of {path.name} is a {found}; it must be a polygon",
                message_zh=f"{path.name} 第 {number} 个要素的几何为 {found}，须为面",
                pointer=f"{pointer}/{number}",
            )
    return features

"""Control areas and unit polygons in GeoJSON files, as a run without a server is given them."""

from pathlib import Path
from typing import Any

from shanhai.errors import InvalidInput
from shanhai.processes.kit.control_areas import checksum_of
from shanhai.processes.kit.feature_files import names_of, read_features
from shanhai.processes.kit.line_kinds import LINE_KINDS, RESERVE
from shanhai.processes.kit.task import AreaTask, DistrictTask

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
        found = (one.get("geometry") or {}).get("type")
        if found not in {"Polygon", "MultiPolygon"}:
            raise InvalidInput(
                f"feature {number} of {path.name} is a {found}; it must be a polygon",
                message_zh=f"{path.name} 第 {number} 个要素的几何为 {found}，须为面",
                pointer=f"{pointer}/{number}",
            )
    return features

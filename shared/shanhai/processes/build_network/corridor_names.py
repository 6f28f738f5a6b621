"""Which computed corridors are ones a plan has named."""

from collections.abc import Mapping
from dataclasses import dataclass

from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from shanhai.processes.build_network.context import Scene
from shanhai.processes.build_network.contract import NAMED
from shanhai.raster.crs import LON_LAT, reproject_geometry
from shanhai.science.corridors.named_corridors import match_names
from shanhai.science.corridors.pairs import Pair

_HALF_WIDTH_M = 100.0
"""Of the strip that stands for a corridor drawn as a line."""


@dataclass(frozen=True, slots=True)
class Title:
    """The official name of a corridor.

    Attributes:
        zh: In Chinese.
        en: In English.
        code: Of the object that bears it, if the platform holds it.
    """

    zh: str
    en: str
    code: str | None = None


def official_names(scene: Scene, swaths: Mapping[Pair, BaseGeometry]) -> dict[Pair, Title]:
    """Names by link: those of the inputs, and those of the region's patterns and corridors."""
    titles, footprints = dict[str, Title](), dict[str, BaseGeometry]()
    for number, one in enumerate(scene.inputs.names):
        key = f"0{number:03}"
        titles[key] = Title(one.name_zh, one.name_en or one.name_zh)
        footprints[key] = _footprint(scene, one.geometry)
    for area in scene.task.areas:
        if area.kind == NAMED:
            key = f"1{area.code}"
            titles[key] = Title(area.name_zh, area.name_en, area.code)
            footprints[key] = _footprint(scene, area.geometry)
    return {pair: titles[key] for pair, key in match_names(swaths, footprints).items()}


def _footprint(scene: Scene, geometry: Mapping[str, object]) -> BaseGeometry:
    found = reproject_geometry(shape(dict(geometry)), LON_LAT, f"EPSG:{scene.grid.epsg}")
    return found if found.area > 0 else found.buffer(_HALF_WIDTH_M)

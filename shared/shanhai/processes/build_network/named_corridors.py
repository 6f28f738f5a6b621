"""The corridors that have names, and the computed ones held against them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from shapely.geometry import mapping, shape
from shapely.geometry.base import BaseGeometry

from shanhai.processes.build_network.context import Scene
from shanhai.processes.build_network.contract import NAMED, NAMED_LINE
from shanhai.processes.kit.geometry import as_multi, path_line, to_lon_lat
from shanhai.raster.crs import LON_LAT, reproject_geometry
from shanhai.science.corridors.corridor_profile import match_names
from shanhai.science.corridors.links import Network
from shanhai.science.corridors.named_corridors import FollowedPart, NamedCourse, compare_with_named
from shanhai.science.corridors.pairs import Pair
from shanhai.science.corridors.sources import Sources
from shanhai.science.grid import Grid

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

    def document(self) -> dict[str, str | None]:
        """For documents."""
        return {"code": self.code, "name_zh": self.zh, "name_en": self.en}


@dataclass(frozen=True, slots=True)
class KnownCorridor:
    """A corridor that has a name, in the CRS of the grid.

    Attributes:
        title: Its name.
        footprint: Its area; of a line a strip. Empty where it is not drawn.
        course: Its line, or its area where no line is drawn.
    """

    title: Title
    footprint: BaseGeometry
    course: BaseGeometry


def known_corridors(scene: Scene) -> dict[str, KnownCorridor]:
    """Corridors with names: of the inputs, then of the region; those that are not drawn too."""
    crs = f"EPSG:{scene.grid.epsg}"
    found = dict[str, KnownCorridor]()
    for number, one in enumerate(scene.inputs.names):
        title = Title(one.name_zh, one.name_en or one.name_zh)
        found[f"0{number:03}"] = _known(title, one.geometry, crs)
    lines = {area.code: area.geometry for area in scene.task.areas if area.kind == NAMED_LINE}
    for area in scene.task.areas:
        if area.kind == NAMED:
            title = Title(area.name_zh, area.name_en, area.code)
            found[f"1{area.code}"] = _known(title, area.geometry, crs, lines.get(area.code))
    return found


def _known(
    title: Title, geometry: Mapping[str, Any], crs: str, line: Mapping[str, Any] | None = None
) -> KnownCorridor:
    drawn = reproject_geometry(shape(dict(geometry)), LON_LAT, crs)
    course = drawn if line is None else reproject_geometry(shape(dict(line)), LON_LAT, crs)
    footprint = drawn if drawn.area > 0 else drawn.buffer(_HALF_WIDTH_M)
    return KnownCorridor(title, footprint, course)


def official_names(scene: Scene, swaths: Mapping[Pair, BaseGeometry]) -> dict[Pair, Title]:
    """Names by link: those of the inputs, and those of the region's patterns and corridors."""
    known = known_corridors(scene)
    footprints = {key: one.footprint for key, one in known.items()}
    return {pair: known[key].title for pair, key in match_names(swaths, footprints).items()}


_DIGITS = 6


@dataclass(frozen=True, slots=True)
class AgainstPlan:
    """The network held against the corridors that have names.

    Attributes:
        scene: Where.
        lines: Of the computed corridors, in the CRS of the grid.
        known: Corridors with names, by key.
        courses: Those that are drawn, and what follows them.
    """

    scene: Scene
    lines: Mapping[Pair, BaseGeometry]
    known: Mapping[str, KnownCorridor]
    courses: Mapping[str, NamedCourse]

    @property
    def not_drawn(self) -> list[Title]:
        """Names of which there is no shape."""
        return [one.title for key, one in self.known.items() if key not in self.courses]

    def match(self, found: FollowedPart | None) -> dict[str, Any] | None:
        """The named corridor that a computed one follows most, as it is told; None for none."""
        if found is None:
            return None
        return {
            **self.known[found.name].title.document(),
            "share_of_corridor": _rounded(found.share_of_link),
            "share_of_named": _rounded(found.share_of_named),
            "mean_distance_m": _rounded(found.mean_distance_m),
        }

    def document(self, codes: Mapping[Pair, str]) -> dict[str, Any]:
        """For the statistics.

        Args:
            codes: Of the computed corridors.
        """
        return {
            "buffer_m": self.scene.parameters.links.named_buffer_m,
            "not_drawn": [one.document() for one in self.not_drawn],
            "corridors": [self._row(key, course, codes) for key, course in self.courses.items()],
        }

    def _row(self, key: str, course: NamedCourse, codes: Mapping[Pair, str]) -> dict[str, Any]:
        gaps_m = [_rounded(one.length) for one in course.gaps]
        return {
            **self.known[key].title.document(),
            "length_m": _rounded(course.length_m),
            "followed_share": _rounded(course.followed_share),
            "mean_distance_m": _rounded(course.mean_distance_m),
            "gap_m": _rounded(sum(one.length for one in course.gaps)),
            "gaps_m": gaps_m,
            "corridors": [
                {
                    "code": codes[part.link],
                    "share_of_corridor": _rounded(part.share_of_link),
                    "share_of_named": _rounded(part.share_of_named),
                    "mean_distance_m": _rounded(part.mean_distance_m),
                }
                for part in course.parts
            ],
        }

    def features(self, codes: Mapping[Pair, str]) -> Iterator[dict[str, Any]]:
        """Named corridors as lines, with their gaps as a member `gaps`, in longitude and latitude.

        Args:
            codes: Of the computed corridors.
        """
        grid = self.scene.grid
        for number, (key, course) in enumerate(self.courses.items(), start=1):
            row = self._row(key, course, codes)
            yield {
                "type": "Feature",
                "id": row["code"] or f"name{number:03}",
                "geometry": mapping(as_multi(to_lon_lat(course.line, grid))),
                "properties": {
                    **row,
                    "gaps": mapping(_lines(course, grid)) if course.gaps else None,
                },
            }


def _lines(course: NamedCourse, grid: Grid) -> BaseGeometry:
    """The gaps of a named corridor, in longitude and latitude."""
    return as_multi(to_lon_lat(shapely.union_all(list(course.gaps)), grid))


def hold_against_plan(scene: Scene, sources: Sources, network: Network) -> AgainstPlan:
    """Hold the corridors of a network against those that have names and are drawn."""
    labels = sources.patches.labels
    lines = {link.pair: path_line(link.path.cells, labels, scene.grid) for link in network.links}
    known = known_corridors(scene)
    drawn = {
        key: one.course
        for key, one in known.items()
        if not one.footprint.is_empty and one.course.length > 0
    }
    buffer_m = scene.parameters.links.named_buffer_m
    return AgainstPlan(scene, lines, known, compare_with_named(lines, drawn, buffer_m))


NAMED_HEAD = (
    *("code", "name_zh", "name_en", "length_m", "followed_share", "mean_distance_m", "gap_m"),
    *("corridor", "share_of_corridor", "share_of_named", "corridor_distance_m"),
)


def named_rows(document: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    """A row for each named corridor and computed one that follows it; one where none does."""
    for one in document["corridors"]:
        own = tuple(one[name] for name in NAMED_HEAD[:7])
        for part in one["corridors"] or [{}]:
            shares = ("code", "share_of_corridor", "share_of_named", "mean_distance_m")
            yield (*own, *(part.get(name) for name in shares))


def _rounded(value: float) -> float | None:
    """As it is told: what lies beyond is rounding; None for NaN."""
    return None if np.isnan(value) else round(float(value), _DIGITS)

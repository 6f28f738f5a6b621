"""Land and water polygons of OpenStreetMap from the `@geo-maps` packages, clipped and kept.

A package holds the whole world in one GeoJSON text of 135 MB. It is parsed in blocks of polygons,
so that memory stays near the size of the text, and the clip is cached: a second run reads it only.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely
from shapely import MultiPolygon

from shanhai.data.bounding_boxes import Box
from shanhai.data.download import default_cache, ensure_package
from shanhai.data.packages import WATERBODIES, Package, read_member
from shanhai.data.progress import Reporter
from shanhai.processes.kit.geometry import as_multipolygon

CLIP_VERSION = 2
OCEAN_AREA_DEG2 = 100.0
"""The ocean is one polygon of 43 000 square degrees, the largest lake has 40."""

_MEMBER = "package/map.geo.json"
_OPEN, _CLOSE, _BETWEEN = b'"coordinates":[[[[', b"]]]]", b"]]],[[["
_BLOCK_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class Clip:
    """The polygons inside a box, apart by the size of the polygon they were cut from.

    The packages carry no attributes: size alone tells the sea from a lake.
    """

    oceanic: MultiPolygon
    other: MultiPolygon

    @property
    def everything(self) -> MultiPolygon:
        """All polygons."""
        return MultiPolygon([*self.oceanic.geoms, *self.other.geoms])


def ocean_within(box: Box, reporter: Reporter) -> MultiPolygon:
    """The ocean inside a box, WGS 84, from the package of water polygons.

    Raises:
        Unavailable: the package cannot be fetched.
    """
    cache = default_cache()
    archive = ensure_package(WATERBODIES, cache, reporter)
    return clip_polygons(WATERBODIES, archive, {"box": box}, cache)["box"].oceanic


def clip_polygons(
    package: Package, archive: Path, boxes: dict[str, Box], cache: Path
) -> dict[str, Clip]:
    """The package's polygons inside each box, from the cache where they were clipped before.

    Args:
        package: The release, whose hash is part of the cache's key.
        archive: Its tarball.
        boxes: West, south, east and north in degrees, by name.
        cache: Root of the cache.
    """
    kept = _cache_path(package, boxes, cache)
    if not kept.exists():
        _keep(kept, clip_text(read_member(archive, _MEMBER), boxes))
    stored = json.loads(kept.read_bytes())
    return {name: Clip(*map(_from_hex, pair)) for name, pair in stored.items()}


def clip_text(text: bytes, boxes: dict[str, Box]) -> dict[str, Clip]:
    """The polygons of a compact GeoJSON collection of multipolygons, clipped to each box."""
    oceanic: dict[str, list[shapely.Geometry]] = {name: [] for name in boxes}
    other: dict[str, list[shapely.Geometry]] = {name: [] for name in boxes}
    for block in _blocks(text):
        polygons = shapely.get_parts(shapely.from_geojson(block))
        bounds = shapely.bounds(polygons)
        for name, box in boxes.items():
            near = polygons[_touches(bounds, box)]
            large = shapely.area(near) > OCEAN_AREA_DEG2
            oceanic[name].extend(shapely.clip_by_rect(near[large], *box))
            other[name].extend(shapely.clip_by_rect(near[~large], *box))
    return {name: Clip(_join(oceanic[name]), _join(other[name])) for name in boxes}


def _join(parts: Sequence[shapely.Geometry]) -> MultiPolygon:
    return as_multipolygon(shapely.union_all(list(parts)))


def _blocks(text: bytes) -> Iterator[bytes]:
    """Texts of one multipolygon each, cut between polygons every few megabytes."""
    start = text.find(_OPEN)
    while start >= 0:
        start += len(_OPEN)
        stop = text.index(_CLOSE, start)
        while start < stop:
            cut = text.find(_BETWEEN, start + _BLOCK_BYTES, stop)
            end = stop if cut < 0 else cut
            yield b'{"type":"MultiPolygon","coordinates":[[[[' + text[start:end] + b"]]]]}"
            start = end + len(_BETWEEN)
        start = text.find(_OPEN, stop)


def _touches(bounds: np.ndarray, box: Box) -> np.ndarray:
    west, south, east, north = box
    return np.asarray(
        (bounds[:, 0] <= east)
        & (bounds[:, 2] >= west)
        & (bounds[:, 1] <= north)
        & (bounds[:, 3] >= south)
    )


def _cache_path(package: Package, boxes: dict[str, Box], cache: Path) -> Path:
    key = json.dumps([package.sha256, CLIP_VERSION, sorted(boxes.items())])
    digest = hashlib.sha256(key.encode()).hexdigest()[:16]
    return cache / "clips" / f"{package.filename.removesuffix('.tgz')}-{digest}.json"


def _keep(path: Path, clips: dict[str, Clip]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    stored = {name: [_to_hex(clip.oceanic), _to_hex(clip.other)] for name, clip in clips.items()}
    draft = path.with_suffix(".part")
    draft.write_text(json.dumps(stored))
    draft.replace(path)


def _to_hex(shape: MultiPolygon) -> str:
    return str(shapely.to_wkb(shape, hex=True))


def _from_hex(text: str) -> MultiPolygon:
    return as_multipolygon(shapely.from_wkb(text))

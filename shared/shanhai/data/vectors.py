"""GeoJSON files of the demonstration: outlines, polygons and places."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import shapely
from shapely import MultiPolygon

from shanhai.data.places import Place
from shanhai.data.regions import DemoRegion
from shanhai.data.themes import BOUNDARY_LICENCE, BOUNDARY_SOURCE
from shanhai.processes.kit.geometry import as_multipolygon

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


def place_features(places: Iterable[Place]) -> list[Feature]:
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

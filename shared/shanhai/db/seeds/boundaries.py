"""Regions and their boundaries from a GeoJSON file."""

import json
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator
from shapely import from_geojson, set_srid, to_wkb
from shapely.errors import GEOSException
from shapely.geometry import MultiPolygon, Polygon
from shapely.validation import explain_validity

from shanhai.codes import Code
from shanhai.db.base import STORAGE_SRID
from shanhai.db.features.crs import NO_METRES, is_metric
from shanhai.db.seeds.rows import Row
from shanhai.errors import Fault, UnsupportedFile
from shanhai.vocabulary import REGION_LEVELS, codes


class RegionSeed(BaseModel):
    """The properties of a feature of the regions file; other members are kept as attributes."""

    model_config = ConfigDict(extra="allow")

    code: Code
    name_zh: str
    name_en: str
    level: str
    parent: Code | None = None
    metric_epsg: int | None = None
    valid_from: date = date(1900, 1, 1)

    @field_validator("metric_epsg")
    @classmethod
    def check_metric_epsg(cls, epsg: int | None) -> int | None:
        """A region is measured in metres."""
        if epsg is not None and not is_metric(epsg):
            raise ValueError(f"EPSG:{epsg} {NO_METRES.en} / {NO_METRES.zh}")
        return epsg


def read_regions(path: Path) -> list[tuple[RegionSeed, bytes]]:
    """The regions of a GeoJSON file in longitude and latitude, each with its geometry as WKB.

    Raises:
        UnsupportedFile: the file is not a FeatureCollection, or a feature breaks a rule.
    """
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise UnsupportedFile(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(document, dict) or document.get("type") != "FeatureCollection":
        raise UnsupportedFile(f"{path} is not a GeoJSON FeatureCollection")
    return [_read_region(number, item) for number, item in enumerate(document["features"])]


def region_row(region: RegionSeed, wkb: bytes) -> Row:
    """The row of a region with its boundary; without a parent, what is known of one stays."""
    return {
        "code": region.code,
        "name_zh": region.name_zh,
        "name_en": region.name_en,
        "level": region.level,
        "metric_srid": region.metric_epsg,
        "geom": wkb,
        "valid_from": region.valid_from,
        "attrs": region.model_extra or {},
        **({} if region.parent is None else {"parent": region.parent}),
    }


def _read_region(number: int, feature: dict[str, Any]) -> tuple[RegionSeed, bytes]:
    pointer = f"/features/{number}"
    try:
        seed = RegionSeed.model_validate(feature.get("properties"))
    except ValidationError as error:
        faults = [
            Fault("/".join([pointer, "properties", *map(str, item["loc"])]), item["msg"])
            for item in error.errors()
        ]
        raise UnsupportedFile("a region's properties are not valid", faults=faults) from error
    if seed.level not in codes(REGION_LEVELS):
        levels = ", ".join(codes(REGION_LEVELS))
        raise UnsupportedFile(
            f"level {seed.level!r} is not one of {levels}", pointer=f"{pointer}/properties/level"
        )
    return seed, _read_geometry(feature.get("geometry"), f"{pointer}/geometry")


def _read_geometry(geometry: object, pointer: str) -> bytes:
    try:
        shape = from_geojson(json.dumps(geometry))
    except GEOSException as error:
        raise UnsupportedFile(f"not a GeoJSON geometry: {error}", pointer=pointer) from error
    if isinstance(shape, Polygon):
        shape = MultiPolygon([shape])
    if not isinstance(shape, MultiPolygon) or shape.is_empty:
        raise UnsupportedFile("a region needs a Polygon or MultiPolygon", pointer=pointer)
    if not shape.is_valid:
        raise UnsupportedFile(f"invalid geometry: {explain_validity(shape)}", pointer=pointer)
    return to_wkb(set_srid(shape, STORAGE_SRID), include_srid=True)

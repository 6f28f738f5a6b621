"""How collections look on pages: the columns of their tables, and where each feature is mapped."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from shanhai.db.features.entity import Entity, Property
from shanhai.vocabulary import Lang
from shanhai_api.state import state_of
from shanhai_api.view import View

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "regions": ("level", "parent", "area_km2", "metric_epsg"),
    "plans": ("level", "region", "period_start", "period_end", "status"),
    "zone_schemes": ("region", "version", "status", "valid_from", "origin"),
    "zones": ("region", "area_km2", "share_percent", "version", "status"),
    "datasets": ("region", "theme", "native_resolution_m", "unit", "origin"),
}
"""What a reader compares; everything else is on the feature's own page."""


def columns_of(entity: Entity) -> list[Property]:
    """The columns of a collection's table, beside the name."""
    declared = (entity.declared(name) for name in COLUMNS[entity.name])
    return [item for item in declared if item is not None]


def mapper(entity: Entity, view: View) -> Callable[[Mapping[str, Any]], str | None]:
    """What finds the map of a feature of the entity."""
    tiles = state_of(view.request).configuration.public.tiles_url
    return lambda feature: map_address(entity, feature, tiles, view.lang)


def map_address(entity: Entity, feature: Mapping[str, Any], tiles: str, lang: Lang) -> str | None:
    """The page of the tile service that shows a feature; None for what no layer shows."""
    code, members = feature["id"], feature["properties"]
    query = {"lang": lang}
    match entity.name:
        case "datasets":
            layer = f"dataset.{code}"
        case "zones":
            layer, query["scheme"] = "zones", members["scheme"]
        case "zone_schemes":
            layer, query["scheme"] = "zones", code
        case "regions":
            layer = "regions"
        case _:
            return None
    return f"{tiles}/layers/{layer}/map?{urlencode(query)}"

"""What a layer holds at a point, as one document whichever interface asks."""

from typing import Any

from shanhai.cartography import ClassStyle
from shanhai_tiles.dependencies import Services
from shanhai_tiles.layers.catalogue import Layer, RasterLayer, VectorLayer
from shanhai_tiles.layers.sources import stand_in_notes
from shanhai_tiles.raster.reader import read_point
from shanhai_tiles.request import path_of
from shanhai_tiles.vector.tiles import features_at


async def identify(
    layer: Layer, services: Services, lon: float, lat: float, band: int = 1
) -> dict[str, Any]:
    """A value with its class, or the features, at a point in degrees."""
    document: dict[str, Any] = {
        "layer": layer.name,
        "version": layer.version,
        "lon": lon,
        "lat": lat,
        "stand_in": layer.stand_in,
        "stand_in_notes": stand_in_notes(layer.sources),
    }
    if isinstance(layer, RasterLayer):
        return document | await _value_at(layer, services, lon, lat, band)
    return document | await _features_at(layer, services, lon, lat)


async def _value_at(
    layer: RasterLayer, services: Services, lon: float, lat: float, band: int
) -> dict[str, Any]:
    path = path_of(layer, services.artifacts)
    value = await services.off_the_loop(read_point, services.rasters, path, band, lon, lat)
    return {
        "value": value,
        "unit": layer.unit,
        "class": _class_of(layer, value),
        "native_resolution_m": layer.native_resolution_m,
    }


async def _features_at(
    layer: VectorLayer, services: Services, lon: float, lat: float
) -> dict[str, Any]:
    found = await features_at(services.quick, layer.collection, layer.selection, lon, lat)
    return {"features": found}


def _class_of(layer: RasterLayer, value: float | None) -> dict[str, Any] | None:
    """The class a value stands for, in a layer of classes."""
    if not isinstance(layer.style, ClassStyle):
        return None
    for entry in layer.style.entries:
        if entry.value == value:
            return {
                "value": entry.value,
                "code": entry.code,
                "label_zh": entry.label.zh,
                "label_en": entry.label.en,
                "color": entry.color,
            }
    return None

"""What a layer holds at a point, as one document whichever interface asks."""

from typing import Any

from pydantic import Field

from shanhai.cartography import ClassStyle
from shanhai_tiles.answers import DocumentPart
from shanhai_tiles.dependencies import Services
from shanhai_tiles.layers.catalogue import Layer, RasterLayer
from shanhai_tiles.layers.sources import StandInNote, stand_in_notes
from shanhai_tiles.raster.reader import read_point
from shanhai_tiles.request import path_of
from shanhai_tiles.vector.tiles import features_at


class PointAnswer(DocumentPart):
    """What a layer holds at a point."""

    layer: str
    version: str
    lon: float
    lat: float
    stand_in: bool
    stand_in_notes: list[StandInNote]


class ValueClass(DocumentPart):
    """The class a value stands for."""

    value: int
    code: str
    label_zh: str
    label_en: str
    color: str


class PointValue(PointAnswer):
    """The value of a raster at a point."""

    value: float | None = Field(description="None where the layer holds nothing")
    unit: str
    class_: ValueClass | None = Field(alias="class", description="In a layer of classes")
    native_resolution_m: float | None


class PointFeatures(PointAnswer):
    """The features at a point."""

    features: list[dict[str, Any]] = Field(description="Their properties, the smallest first")


async def identify(
    layer: Layer, services: Services, lon: float, lat: float, band: int = 1
) -> PointValue | PointFeatures:
    """A value with its class, or the features, at a point in degrees."""
    common = {
        "layer": layer.name,
        "version": layer.version,
        "lon": lon,
        "lat": lat,
        "stand_in": layer.stand_in,
        "stand_in_notes": stand_in_notes(layer.sources),
    }
    if isinstance(layer, RasterLayer):
        path = path_of(layer, services.artifacts)
        value = await services.off_the_loop(read_point, services.rasters, path, band, lon, lat)
        return PointValue(
            **common,
            value=value,
            unit=layer.unit,
            class_=_class_of(layer, value),
            native_resolution_m=layer.native_resolution_m,
        )
    found = await features_at(services.quick, layer.collection, layer.selection, lon, lat)
    return PointFeatures(**common, features=found)


def _class_of(layer: RasterLayer, value: float | None) -> ValueClass | None:
    """The class a value stands for, in a layer of classes."""
    if not isinstance(layer.style, ClassStyle):
        return None
    for entry in layer.style.entries:
        if entry.value == value:
            return ValueClass(
                value=entry.value,
                code=entry.code,
                label_zh=entry.label.zh,
                label_en=entry.label.en,
                color=entry.color,
            )
    return None

"""What a layer holds at a point, as one document whichever interface asks."""

from typing import Any

from pydantic import Field
from sqlalchemy import text

from shanhai.cartography import ZONES, ClassStyle
from shanhai.vocabulary import SUPPLY_DEMAND
from shanhai_tiles.answers import DocumentPart
from shanhai_tiles.dependencies import Services
from shanhai_tiles.layers.catalogue import Layer, RasterLayer
from shanhai_tiles.layers.sources import StandInNote, stand_in_notes
from shanhai_tiles.raster.reader import read_point
from shanhai_tiles.request import source_of
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
    requirement_zh: str | None = Field(description="What is demanded in zones of the class")
    requirement_en: str | None


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
        source = source_of(layer, services.artifacts)
        value = await services.off_the_loop(read_point, services.rasters, source, band, lon, lat)
        return PointValue(
            **common,
            value=value,
            unit=layer.unit,
            class_=await _class_of(layer, value, services),
            native_resolution_m=layer.native_resolution_m,
        )
    found = await features_at(services.quick, layer.collection, layer.selection, lon, lat)
    return PointFeatures(**common, features=found)


async def _class_of(
    layer: RasterLayer, value: float | None, services: Services
) -> ValueClass | None:
    """The class a value stands for, in a layer of classes."""
    if not isinstance(layer.style, ClassStyle):
        return None
    for entry in layer.style.entries:
        if entry.value == value:
            demanded = await _demanded(services, entry.code) if layer.style is ZONES else ()
            zh, en = next(iter(demanded), (None, None))
            return ValueClass(
                value=entry.value,
                code=entry.code,
                label_zh=entry.label.zh,
                label_en=entry.label.en,
                color=entry.color,
                requirement_zh=zh,
                requirement_en=en,
            )
    return None


DEMANDED = text(
    "SELECT requirement_zh, requirement_en FROM zone_class"
    " WHERE code = :code AND deleted_at IS NULL"
)


async def _demanded(services: Services, code: str) -> list[tuple[str | None, str | None]]:
    found = await services.quick.execute(DEMANDED, {"code": f"{SUPPLY_DEMAND}.{code}"})
    return [(row.requirement_zh, row.requirement_en) for row in found.all()]

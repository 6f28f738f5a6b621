"""Figures of the areas of rasters, as they are answered."""

from typing import Literal

from pydantic import Field

from shanhai_tiles.answers import DocumentPart
from shanhai_tiles.layers.sources import StandInNote


class AreaFigures(DocumentPart):
    """How much of an area a raster knows; areas are on the ellipsoid."""

    cells: int
    area_m2: float
    area_ha: float
    nodata_area_m2: float


class ClassExtent(DocumentPart):
    """The area of a class; one the style does not name has no code and no label."""

    value: int
    code: str | None
    label_zh: str | None
    label_en: str | None
    color: str | None
    cells: int
    area_m2: float
    area_ha: float
    share: float | None = Field(description="Of the known area, 0 to 1")


class ClassFigures(AreaFigures):
    """The areas of classes."""

    classes: list[ClassExtent]


class QuantityFigures(AreaFigures):
    """Figures of a quantity, each cell counting for its area; None where nothing is known."""

    mean: float | None
    sd: float | None = Field(description="Standard deviation")
    min: float | None
    max: float | None
    quantiles: dict[str, float | None] = Field(
        description="By their share of the known area, such as 0.5"
    )


class LayerFigures(DocumentPart):
    """Which layer figures are of."""

    layer: str
    version: str
    band: int
    unit: str
    stand_in: bool
    stand_in_notes: list[StandInNote]


class ClassStatistics(LayerFigures, ClassFigures):
    """What a layer of classes holds."""

    kind: Literal["classes"] = "classes"


class QuantityStatistics(LayerFigures, QuantityFigures):
    """What a layer of a quantity holds."""

    kind: Literal["quantity"] = "quantity"

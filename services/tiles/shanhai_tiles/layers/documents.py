"""The descriptions of layers: summary and full document."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self
from urllib.parse import quote, urlencode

from pydantic import Field

from shanhai.cartography import ZONES, written_unit
from shanhai.db.features.entity import Property
from shanhai.vocabulary import SUPPLY_DEMAND, Lang
from shanhai_tiles.answers import Corners, DocumentLink, DocumentPart
from shanhai_tiles.grids import TileGrid, grids_over
from shanhai_tiles.layers import catalogue
from shanhai_tiles.layers.sources import (
    SourceDescription,
    StandInNote,
    attribution,
    stand_in_notes,
)
from shanhai_tiles.styles.legend import LegendDescription, LegendEntry, legend_of


@dataclass(frozen=True, slots=True)
class Links:
    """Absolute addresses, from the configured public URL.

    Attributes:
        base: That URL.
        token: The tile token of the caller, for whom alone what is written with it may be.
        api: The configured public URL of the API.
    """

    base: str
    token: str | None = None
    api: str = ""

    def page_of(self, layer: catalogue.Layer, lang: Lang) -> str | None:
        """The template of the addresses of pages about what a layer shows, by `{code}`."""
        tail = f"?f=html&lang={lang}"
        if isinstance(layer, catalogue.VectorLayer):
            return f"{self.api}/collections/{quote(layer.name)}/items/{{code}}{tail}"
        if layer.style is ZONES:
            return f"{self.api}/zone-classes/{SUPPLY_DEMAND}.{{code}}{tail}"
        return None

    def layer(self, layer: catalogue.Layer, path: str = "", **query: str | None) -> str:
        """The address of a layer or of something below it."""
        chosen = layer.selection.asked if isinstance(layer, catalogue.VectorLayer) else {}
        asked = {**query, "token": self.token}
        parameters = {**chosen, **{name: value for name, value in asked.items() if value}}
        tail = f"?{urlencode(parameters)}" if parameters else ""
        return f"{self.base}/layers/{quote(layer.name)}{path}{tail}"

    def with_token(self, address: str) -> str:
        """An address that is not of a layer, with the caller's token."""
        if self.token is None:
            return address
        return f"{address}{'&' if '?' in address else '?'}token={self.token}"

    def tiles(
        self, layer: catalogue.Layer, grid: TileGrid, format_: str, **query: str | None
    ) -> str:
        """The template of the addresses of a layer's tiles, naming the present version."""
        path = f"/tiles/{grid.id}/{{z}}/{{x}}/{{y}}.{format_}"
        return self.layer(layer, path, **query, v=layer.version)


class LayerSummary(DocumentPart):
    """What the list of layers says of each."""

    id: str
    title: str
    title_zh: str
    title_en: str
    kind: Literal["raster", "vector"]
    theme: str
    bounds: Corners
    minzoom: int = 0
    maxzoom: int
    version: str
    stand_in: bool = Field(description="Whether it rests on data in place of a measurement")
    links: list[DocumentLink]

    @classmethod
    def of(cls, layer: catalogue.Layer, links: Links, lang: Lang, **others: Any) -> Self:
        """A layer, with what more there is to say of it."""
        return cls(
            id=layer.name,
            title=layer.title.in_(lang),
            title_zh=layer.title.zh,
            title_en=layer.title.en,
            kind=layer.kind,
            theme=layer.theme if isinstance(layer, catalogue.RasterLayer) else layer.name,
            bounds=layer.bounds,
            maxzoom=layer.maxzoom,
            version=layer.version,
            stand_in=layer.stand_in,
            links=_links(layer, links),
            **others,
        )


class LayerList(DocumentPart):
    """The layers the caller may see."""

    layers: list[LayerSummary]


class LayerDescription(LayerSummary):
    """Everything there is to know of a layer."""

    job: str | None = Field(description="The job it was computed by")
    stand_in_notes: list[StandInNote]
    sources: list[SourceDescription]
    attribution: str
    page: str | None = Field(
        description="Template of the addresses of pages about what is shown, by its `{code}`"
    )
    legend: LegendDescription
    formats: dict[str, str] = Field(description="Suffixes and media types of its tiles")
    tile_matrix_sets: dict[str, str] = Field(description="Templates of addresses of its tiles")


class RasterDescription(LayerDescription):
    """A layer of cells."""

    kind: Literal["raster"]
    unit: str
    native_resolution_m: float | None
    cell_m: float
    crs: str
    bands: int
    statistics: list[dict[str, float | None]] = Field(description="Of each band")


class PropertyDescription(DocumentPart):
    """A property of features and, where it is a code, what the codes mean."""

    name: str
    title_zh: str
    title_en: str
    unit: str | None
    unit_zh: str
    unit_en: str
    words_zh: dict[str, str]
    words_en: dict[str, str]


class VectorDescription(LayerDescription):
    """A layer of features."""

    kind: Literal["vector"]
    properties: list[PropertyDescription]


def description(
    layer: catalogue.Layer, links: Links, lang: Lang, classes: Sequence[LegendEntry] | None = None
) -> RasterDescription | VectorDescription:
    """Everything there is to know of a layer; `classes` as `legend_of` wants them."""
    format_ = catalogue.SHOWN_BY_DEFAULT[layer.kind]
    common = {
        "job": layer.job,
        "stand_in_notes": stand_in_notes(layer.sources),
        "sources": [source.described for source in layer.sources],
        "attribution": attribution(layer.sources),
        "page": links.page_of(layer, lang),
        "legend": LegendDescription.of(legend_of(layer, classes=classes), lang),
        "formats": catalogue.formats_of(layer),
        "tile_matrix_sets": {
            grid.id: links.tiles(layer, grid, format_) for grid in grids_over(layer.bounds)
        },
    }
    if isinstance(layer, catalogue.RasterLayer):
        return RasterDescription.of(layer, links, lang, **common, **_raster_members(layer))
    properties = [_property(item) for item in layer.collection.columns]
    return VectorDescription.of(layer, links, lang, **common, properties=properties)


def _raster_members(layer: catalogue.RasterLayer) -> dict[str, Any]:
    return {
        "unit": layer.unit,
        "native_resolution_m": layer.native_resolution_m,
        "cell_m": round(layer.cell_m, 2),
        "crs": layer.crs,
        "bands": catalogue.band_count(layer),
        "statistics": layer.bands,
    }


def _property(item: Property) -> PropertyDescription:
    return PropertyDescription(
        name=item.name,
        title_zh=item.title.zh,
        title_en=item.title.en,
        unit=item.unit,
        unit_zh=written_unit(item.unit or "").zh,
        unit_en=written_unit(item.unit or "").en,
        words_zh=item.words("zh"),
        words_en=item.words("en"),
    )


def _links(layer: catalogue.Layer, links: Links) -> list[DocumentLink]:
    entries = (
        ("self", "application/json", ""),
        ("tilejson", "application/json", "/tilejson.json"),
        ("style", "application/json", "/style.json"),
        ("legend", "image/png", "/legend.png"),
        ("preview", "text/html", "/map"),
    )
    return [
        DocumentLink(rel=rel, type=type_, href=links.layer(layer, path))
        for rel, type_, path in entries
    ]

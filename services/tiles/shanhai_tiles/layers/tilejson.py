"""TileJSON 3.0 of layers."""

from typing import Literal

from pydantic import Field

from shanhai.vocabulary import Lang
from shanhai_tiles.answers import Box, DocumentPart, Maybe
from shanhai_tiles.grids import WEB_MERCATOR, TileGrid
from shanhai_tiles.layers.catalogue import Layer, VectorLayer
from shanhai_tiles.layers.documents import Links
from shanhai_tiles.layers.sources import attribution_html
from shanhai_tiles.vector.tiles import LABELS


class TileFields(DocumentPart):
    """A layer within vector tiles, and what its features carry."""

    id: str
    fields: dict[str, str] = Field(description="Names and titles of properties")
    minzoom: int
    maxzoom: int


class TileJson(DocumentPart):
    """TileJSON 3.0."""

    tilejson: Literal["3.0.0"] = "3.0.0"
    name: str
    description: str
    version: Literal["1.0.0"] = "1.0.0"
    attribution: str = Field(description="Short credits as HTML")
    scheme: Literal["xyz"] = "xyz"
    format: str
    tiles: list[str] = Field(description="Templates of addresses, naming the present version")
    minzoom: int
    maxzoom: int
    bounds: Box
    center: tuple[float, float, int] = Field(description="Longitude, latitude and zoom")
    legend: str = Field(description="Address of the legend")
    tile_matrix_set: Maybe[str] = Field(None, description="The grid, if not web mercator")
    vector_layers: Maybe[list[TileFields]] = None


def tilejson(
    layer: Layer, links: Links, grid: TileGrid, format_: str, lang: Lang, **query: str | None
) -> TileJson:
    """TileJSON 3.0; for a grid other than web mercator it says which."""
    west, south, east, north = layer.bounds
    maxzoom = grid.level_like(layer.maxzoom)
    looks = {name: query.get(name) for name in ("rescale", "colormap")}
    return TileJson(
        name=layer.title.in_(lang),
        description=_description_line(layer, lang),
        attribution=attribution_html(layer.sources, links.layer(layer, "/map", lang=lang), lang),
        format=format_,
        tiles=[links.tiles(layer, grid, format_, **query)],
        minzoom=0,
        maxzoom=maxzoom,
        bounds=layer.bounds,
        center=((west + east) / 2, (south + north) / 2, min(maxzoom, grid.level_like(9))),
        legend=links.layer(layer, "/legend.png", lang=lang, **looks),
        tile_matrix_set=None if grid is WEB_MERCATOR else grid.id,
        vector_layers=(
            _vector_layers(layer, maxzoom, lang) if isinstance(layer, VectorLayer) else None
        ),
    )


def _vector_layers(layer: VectorLayer, maxzoom: int, lang: Lang) -> list[TileFields]:
    wanted = layer.selection.properties or layer.collection.properties
    parts = {layer.name: [item for item in layer.collection.columns if item.name in wanted]}
    if layer.collection.labelled:
        parts[layer.name + LABELS] = list(layer.collection.label_columns)
    return [
        TileFields(
            id=name,
            fields={item.name: item.title.in_(lang) for item in columns},
            minzoom=0,
            maxzoom=maxzoom,
        )
        for name, columns in parts.items()
    ]


def _description_line(layer: Layer, lang: Lang) -> str:
    if not layer.stand_in:
        return layer.title.in_(lang)
    warning = "含替代数据，不得作为实测结果使用" if lang == "zh" else "rests on stand-in data"
    return f"{layer.title.in_(lang)} ({warning})"

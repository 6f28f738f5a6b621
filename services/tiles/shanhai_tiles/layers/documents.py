"""The descriptions of layers: summary, full document, TileJSON."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from shanhai.cartography import written_unit
from shanhai.vocabulary import Lang
from shanhai_tiles.grids import WEB_MERCATOR, TileGrid, grids_over
from shanhai_tiles.layers.catalogue import Layer, RasterLayer, VectorLayer
from shanhai_tiles.layers.sources import attribution, attribution_html, stand_in_notes
from shanhai_tiles.raster.images import MEDIA_TYPES
from shanhai_tiles.styles.legend import LegendEntry, legend_of
from shanhai_tiles.vector.tiles import LABELS

RASTER_FORMATS = {
    **MEDIA_TYPES,
    "npy": "application/x-npy",
    "tif": "image/tiff; application=geotiff",
}
MVT = "application/vnd.mapbox-vector-tile"
VECTOR_FORMATS = {"mvt": MVT, "pbf": MVT}
SHOWN_BY_DEFAULT = {"raster": "png", "vector": "mvt"}


@dataclass(frozen=True, slots=True)
class Links:
    """Absolute addresses, from the configured public URL.

    Attributes:
        base: That URL.
        token: The tile token of the caller, for whom alone what is written with it may be.
    """

    base: str
    token: str | None = None

    def layer(self, layer: Layer, path: str = "", **query: str | None) -> str:
        """The address of a layer or of something below it."""
        chosen = layer.selection.asked if isinstance(layer, VectorLayer) else {}
        asked = {**query, "token": self.token}
        parameters = {**chosen, **{name: value for name, value in asked.items() if value}}
        tail = f"?{urlencode(parameters)}" if parameters else ""
        return f"{self.base}/layers/{quote(layer.name)}{path}{tail}"

    def with_token(self, address: str) -> str:
        """An address that is not of a layer, with the caller's token."""
        if self.token is None:
            return address
        return f"{address}{'&' if '?' in address else '?'}token={self.token}"

    def tiles(self, layer: Layer, grid: TileGrid, format_: str, **query: str | None) -> str:
        """The template of the addresses of a layer's tiles, naming the present version."""
        path = f"/tiles/{grid.id}/{{z}}/{{x}}/{{y}}.{format_}"
        return self.layer(layer, path, **query, v=layer.version)


def formats_of(layer: Layer) -> dict[str, str]:
    """Suffixes and media types a layer's tiles come in."""
    return RASTER_FORMATS if isinstance(layer, RasterLayer) else VECTOR_FORMATS


def summary(layer: Layer, links: Links, lang: Lang) -> dict[str, Any]:
    """What the list of layers says of each."""
    return {
        "id": layer.name,
        "title": layer.title.in_(lang),
        "title_zh": layer.title.zh,
        "title_en": layer.title.en,
        "kind": layer.kind,
        "theme": layer.theme if isinstance(layer, RasterLayer) else layer.name,
        "bounds": list(layer.bounds),
        "minzoom": 0,
        "maxzoom": layer.maxzoom,
        "version": layer.version,
        "stand_in": layer.stand_in,
        "links": _links(layer, links),
    }


def description(
    layer: Layer, links: Links, lang: Lang, classes: Sequence[LegendEntry] | None = None
) -> dict[str, Any]:
    """Everything there is to know of a layer; `classes` as `legend_of` wants them."""
    format_ = SHOWN_BY_DEFAULT[layer.kind]
    own = _raster_members(layer) if isinstance(layer, RasterLayer) else _vector_members(layer)
    return {
        **summary(layer, links, lang),
        **own,
        "job": layer.job,
        "stand_in_notes": stand_in_notes(layer.sources),
        "sources": [source.document() for source in layer.sources],
        "attribution": attribution(layer.sources),
        "legend": legend_of(layer, classes=classes).document(lang),
        "formats": formats_of(layer),
        "tile_matrix_sets": {
            grid.id: links.tiles(layer, grid, format_) for grid in grids_over(layer.bounds)
        },
    }


def _raster_members(layer: RasterLayer) -> dict[str, Any]:
    return {
        "unit": layer.unit,
        "native_resolution_m": layer.native_resolution_m,
        "cell_m": round(layer.cell_m, 2),
        "crs": layer.frame.crs,
        "bands": max(len(layer.bands), 1),
        "statistics": list(layer.bands),
    }


def _vector_members(layer: VectorLayer) -> dict[str, Any]:
    """What each member of a feature is called and, where it is a code, what the codes mean."""
    return {
        "properties": [
            {
                "name": item.name,
                "title_zh": item.title.zh,
                "title_en": item.title.en,
                "unit": item.unit,
                "unit_zh": written_unit(item.unit or "").zh,
                "unit_en": written_unit(item.unit or "").en,
                "words_zh": item.words("zh"),
                "words_en": item.words("en"),
            }
            for item in layer.collection.columns
        ]
    }


def tilejson(
    layer: Layer, links: Links, grid: TileGrid, format_: str, lang: Lang, **query: str | None
) -> dict[str, Any]:
    """TileJSON 3.0; for a grid other than web mercator it says which."""
    west, south, east, north = layer.bounds
    maxzoom = grid.level_like(layer.maxzoom)
    looks = {name: query.get(name) for name in ("rescale", "colormap")}
    document: dict[str, Any] = {
        "tilejson": "3.0.0",
        "name": layer.title.in_(lang),
        "description": _description_line(layer, lang),
        "version": "1.0.0",
        "attribution": attribution_html(layer.sources, links.layer(layer, "/map", lang=lang), lang),
        "scheme": "xyz",
        "format": format_,
        "tiles": [links.tiles(layer, grid, format_, **query)],
        "minzoom": 0,
        "maxzoom": maxzoom,
        "bounds": [west, south, east, north],
        "center": [(west + east) / 2, (south + north) / 2, min(maxzoom, grid.level_like(9))],
        "legend": links.layer(layer, "/legend.png", lang=lang, **looks),
    }
    if grid is not WEB_MERCATOR:
        document["tile_matrix_set"] = grid.id
    if isinstance(layer, VectorLayer):
        document["vector_layers"] = _vector_layers(layer, maxzoom, lang)
    return document


def _vector_layers(layer: VectorLayer, maxzoom: int, lang: Lang) -> list[dict[str, Any]]:
    wanted = layer.selection.properties or layer.collection.properties
    parts = {layer.name: [item for item in layer.collection.columns if item.name in wanted]}
    if layer.collection.labelled:
        parts[layer.name + LABELS] = list(layer.collection.label_columns)
    return [
        {
            "id": name,
            "fields": {item.name: item.title.in_(lang) for item in columns},
            "minzoom": 0,
            "maxzoom": maxzoom,
        }
        for name, columns in parts.items()
    ]


def _description_line(layer: Layer, lang: Lang) -> str:
    if not layer.stand_in:
        return layer.title.in_(lang)
    warning = "含替代数据，不得作为实测结果使用" if lang == "zh" else "rests on stand-in data"
    return f"{layer.title.in_(lang)} ({warning})"


def _links(layer: Layer, links: Links) -> list[dict[str, str]]:
    entries = (
        ("self", "application/json", ""),
        ("tilejson", "application/json", "/tilejson.json"),
        ("style", "application/json", "/style.json"),
        ("legend", "image/png", "/legend.png"),
        ("preview", "text/html", "/map"),
    )
    return [
        {"rel": rel, "type": type_, "href": links.layer(layer, path)}
        for rel, type_, path in entries
    ]

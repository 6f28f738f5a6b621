"""MapLibre styles of layers, from the same declaration as their tiles and legends."""

from typing import Any

from shanhai.vocabulary import Lang
from shanhai_tiles.documents import SHOWN_BY_DEFAULT, Links
from shanhai_tiles.grids import WEB_MERCATOR
from shanhai_tiles.layers import Layer, RasterLayer, VectorLayer
from shanhai_tiles.legend import REGION_COLOR
from shanhai_tiles.sources import attribution_html
from shanhai_tiles.vector import LABELS


def style_document(layer: Layer, links: Links, lang: Lang) -> dict[str, Any]:
    """A complete style (version 8) that draws the layer and nothing else."""
    return {
        "version": 8,
        "name": layer.title.in_(lang),
        "metadata": {"shanhai:layer": layer.name, "shanhai:version": layer.version},
        "sources": {layer.name: _source(layer, links)},
        "layers": _drawn(layer, lang),
    }


def _source(layer: Layer, links: Links) -> dict[str, Any]:
    """The tiles written out, so that drawing waits for no second request."""
    tiles = links.tiles(layer, WEB_MERCATOR, SHOWN_BY_DEFAULT[layer.kind])
    source: dict[str, Any] = {
        "type": layer.kind,
        "tiles": [tiles],
        "minzoom": 0,
        "maxzoom": layer.maxzoom,
        "bounds": list(layer.bounds),
        "attribution": attribution_html(layer.sources),
    }
    if isinstance(layer, RasterLayer):
        source["tileSize"] = 256
    return source


def _drawn(layer: Layer, lang: Lang) -> list[dict[str, Any]]:
    if isinstance(layer, RasterLayer):
        return [_raster(layer)]
    return _zones(layer) if layer.name == "zones" else _outlines(layer, lang)


def _raster(layer: RasterLayer) -> dict[str, Any]:
    return {
        "id": layer.name,
        "type": "raster",
        "source": layer.name,
        # Cells are shown as they are: smoothing would invent values between them.
        "paint": {"raster-resampling": "nearest", "raster-fade-duration": 0},
    }


def _zones(layer: VectorLayer) -> list[dict[str, Any]]:
    of = {"source": layer.name, "source-layer": layer.name}
    color = ["coalesce", ["get", "color"], "#888888"]
    return [
        {
            "id": f"{layer.name}-fill",
            "type": "fill",
            **of,
            "paint": {"fill-color": color, "fill-antialias": False},
        },
        {
            "id": f"{layer.name}-line",
            "type": "line",
            **of,
            "minzoom": 12,
            "paint": {"line-color": "#ffffff", "line-width": 0.6, "line-opacity": 0.7},
        },
    ]


def _outlines(layer: VectorLayer, lang: Lang) -> list[dict[str, Any]]:
    return [
        {
            "id": f"{layer.name}-line",
            "type": "line",
            "source": layer.name,
            "source-layer": layer.name,
            "layout": {"line-join": "round"},
            "paint": {"line-color": REGION_COLOR, "line-width": 1.2},
        },
        {
            "id": f"{layer.name}-name",
            "type": "symbol",
            "source": layer.name,
            "source-layer": layer.name + LABELS,
            "layout": {
                "text-field": ["get", f"name_{lang}"],
                # No glyph server: a generic family is drawn by the client itself.
                "text-font": ["sans-serif"],
                "text-size": 13,
            },
            "paint": {
                "text-color": "#2b3940",
                "text-halo-color": "#ffffff",
                "text-halo-width": 1.6,
            },
        },
    ]

"""MapLibre styles of layers, from the same declaration as their tiles and legends."""

from typing import Any

from shanhai.vocabulary import Lang
from shanhai_tiles.documents import SHOWN_BY_DEFAULT, Links
from shanhai_tiles.feature_styles import FeatureStyle, feature_style
from shanhai_tiles.grids import WEB_MERCATOR
from shanhai_tiles.layers import Layer, RasterLayer, VectorLayer
from shanhai_tiles.sources import attribution_html
from shanhai_tiles.vector import LABELS

# Clients differ in whether a tile's feature of several parts is told as one or as many.
_AREAS = ["in", ["geometry-type"], ["literal", ["Polygon", "MultiPolygon"]]]
_LINES = ["in", ["geometry-type"], ["literal", ["LineString", "MultiLineString"]]]
_POINTS = ["in", ["geometry-type"], ["literal", ["Point", "MultiPoint"]]]
_SHAPES = {
    "geometry-multipolygon": frozenset({"area"}),
    "geometry-multilinestring": frozenset({"line"}),
    "geometry-point": frozenset({"point"}),
}
_ANY = frozenset({"area", "line", "point"})


def style_document(layer: Layer, links: Links, lang: Lang) -> dict[str, Any]:
    """A complete style (version 8) that draws the layer and nothing else."""
    return {
        "version": 8,
        "name": layer.title.in_(lang),
        "metadata": {"shanhai:layer": layer.name, "shanhai:version": layer.version},
        "sources": {layer.name: _source(layer, links)},
        "layers": [_raster(layer)] if isinstance(layer, RasterLayer) else _features(layer, lang),
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


def _raster(layer: RasterLayer) -> dict[str, Any]:
    return {
        "id": layer.name,
        "type": "raster",
        "source": layer.name,
        # Cells are shown as they are: smoothing would invent values between them.
        "paint": {"raster-resampling": "nearest", "raster-fade-duration": 0},
    }


def _features(layer: VectorLayer, lang: Lang) -> list[dict[str, Any]]:
    """Areas below lines below points below names; only of the shapes the collection has."""
    style = feature_style(layer.name)
    shapes = _SHAPES.get(layer.collection.entity.geometry_type or "", _ANY)
    color = _color(style)
    drawn = [
        *(_areas(style, color) if "area" in shapes else ()),
        *([_line(color)] if "line" in shapes else ()),
        *([_point(color)] if "point" in shapes else ()),
    ]
    if len(shapes) == 1:
        for one in drawn:
            del one["filter"]
    of = {"source": layer.name, "source-layer": layer.name}
    named = [{"id": f"{layer.name}-{one.pop('id')}", **of, **one} for one in drawn]
    return [*named, *_names(layer, shapes, lang)]


def _color(style: FeatureStyle) -> Any:
    """An expression over a feature's properties, or the one colour."""
    color: Any = style.color
    if style.by and style.classes:
        pairs = [part for one in style.classes for part in (list(one.values), one.color)]
        color = ["match", ["to-string", ["get", style.by]], *pairs, style.color]
    return ["coalesce", ["get", style.colored_by], color] if style.colored_by else color


def _areas(style: FeatureStyle, color: Any) -> list[dict[str, Any]]:
    edge = {
        "id": "line",
        "type": "line",
        "filter": _AREAS,
        "minzoom": style.edges_from,
        "layout": {"line-join": "round"},
        "paint": {"line-color": style.edge or color, "line-width": 1.2},
    }
    if not style.filled:
        return [edge]
    fill = {
        "id": "fill",
        "type": "fill",
        "filter": _AREAS,
        # Seams between opaque neighbours would show through smoothed edges.
        "paint": {
            "fill-color": color,
            "fill-opacity": style.filled,
            "fill-antialias": style.filled < 1,
        },
    }
    return [fill, edge]


def _line(color: Any) -> dict[str, Any]:
    width = ["interpolate", ["linear"], ["zoom"], 7, 1.5, 14, 4]
    return {
        "id": "way",
        "type": "line",
        "filter": _LINES,
        "layout": {"line-join": "round", "line-cap": "round"},
        "paint": {"line-color": color, "line-width": width},
    }


def _point(color: Any) -> dict[str, Any]:
    return {
        "id": "point",
        "type": "circle",
        "filter": _POINTS,
        "paint": {
            "circle-color": color,
            "circle-radius": ["interpolate", ["linear"], ["zoom"], 7, 4, 14, 7],
            "circle-stroke-color": "#ffffff",
            "circle-stroke-width": 1.5,
        },
    }


def _names(layer: VectorLayer, shapes: frozenset[str], lang: Lang) -> list[dict[str, Any]]:
    """Names at the points tiles have for them, else along lines and beside points."""
    if "name_zh" not in layer.collection.properties:
        return []
    if layer.collection.labelled:
        return [_name(layer, lang, "name", LABELS, {})]
    along = {"symbol-placement": "line"}
    beside = {"text-anchor": "top", "text-offset": [0, 0.7], "text-optional": True}
    lines = [_name(layer, lang, "way-name", "", along, _LINES)] if "line" in shapes else []
    points = [_name(layer, lang, "point-name", "", beside, _POINTS)] if "point" in shapes else []
    return [*lines, *points]


def _name(
    layer: VectorLayer,
    lang: Lang,
    id_: str,
    part: str,
    placement: dict[str, Any],
    only: list[Any] | None = None,
) -> dict[str, Any]:
    other = "en" if lang == "zh" else "zh"
    return {
        "id": f"{layer.name}-{id_}",
        "type": "symbol",
        "source": layer.name,
        "source-layer": layer.name + part,
        **({} if only is None else {"filter": only}),
        "layout": {
            "text-field": ["coalesce", ["get", f"name_{lang}"], ["get", f"name_{other}"], ""],
            # No glyph server: a generic family is drawn by the client itself.
            "text-font": ["sans-serif"],
            "text-size": 13,
            **placement,
        },
        "paint": {
            "text-color": "#2b3940",
            "text-halo-color": "#ffffff",
            "text-halo-width": 1.6,
        },
    }

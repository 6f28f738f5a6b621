"""MapLibre styles of layers, from the same declaration as their tiles and legends.

QGIS (3.22) reads them too, but few expressions: colours by `match` with the results written out,
texts by `get`, neither `case` nor `coalesce`; filters of the older form; and of circles only a
colour that is one for the whole layer. What it cannot choose within a layer is chosen by layers
with filters.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import ConfigDict, Field

from shanhai.feature_styles import FeatureStyle, feature_style
from shanhai.vocabulary import Lang
from shanhai_tiles.answers import Corners, DocumentPart, Maybe
from shanhai_tiles.grids import TILE_SIZE, WEB_MERCATOR
from shanhai_tiles.layers.catalogue import SHOWN_BY_DEFAULT, Layer, RasterLayer, VectorLayer
from shanhai_tiles.layers.documents import Links
from shanhai_tiles.layers.sources import attribution_html
from shanhai_tiles.styles.legend import LegendEntry
from shanhai_tiles.vector.tiles import LABELS

Filter = list[Any]
Part = tuple[str, tuple[Filter, ...], Any]
"""Some of the features: what ends the names of their layers, their conditions, their colour."""

_SHAPES = {
    "geometry-multipolygon": frozenset({"area"}),
    "geometry-multilinestring": frozenset({"line"}),
    "geometry-point": frozenset({"point"}),
}
_ANY = frozenset({"area", "line", "point"})
# A feature of several parts has the type of one, whatever the client.
_TYPES: dict[str, Filter] = {
    "area": ["==", "$type", "Polygon"],
    "line": ["==", "$type", "LineString"],
    "point": ["==", "$type", "Point"],
}


class StyleSource(DocumentPart):
    """The tiles a style draws."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["raster", "vector"]
    tiles: list[str]
    minzoom: int
    maxzoom: int
    bounds: Corners
    attribution: str
    tile_size: Maybe[int] = Field(None, alias="tileSize")


class StyleLayer(DocumentPart):
    """Features or cells that are drawn alike."""

    model_config = ConfigDict(extra="forbid")

    id: str
    type: Literal["raster", "fill", "line", "circle", "symbol"]
    source: str
    source_layer: Maybe[str] = Field(None, alias="source-layer")
    filter: Maybe[list[Any]] = None
    minzoom: Maybe[int] = None
    layout: Maybe[dict[str, Any]] = None
    paint: dict[str, Any]


class MapStyle(DocumentPart):
    """A MapLibre style (version 8)."""

    version: Literal[8] = 8
    name: str
    metadata: dict[str, str]
    sources: dict[str, StyleSource]
    layers: list[StyleLayer]


def style_document(
    layer: Layer, links: Links, lang: Lang, classes: Sequence[LegendEntry] | None = None
) -> MapStyle:
    """A complete style (version 8) that draws the layer and nothing else.

    Args:
        classes: As `legend_of` wants them.
    """
    drawn = (
        [_raster(layer)]
        if isinstance(layer, RasterLayer)
        else _features(layer, lang, classes or ())
    )
    return MapStyle(
        name=layer.title.in_(lang),
        metadata={
            "shanhai:layer": layer.name,
            "shanhai:version": layer.version,
            "shanhai:legend": links.layer(layer, "/legend.png", lang=lang),
        },
        sources={layer.name: _source(layer, links, lang)},
        layers=[StyleLayer.model_validate(one) for one in drawn],
    )


def _source(layer: Layer, links: Links, lang: Lang) -> StyleSource:
    """The tiles written out, so that drawing waits for no second request."""
    return StyleSource(
        type=layer.kind,
        tiles=[links.tiles(layer, WEB_MERCATOR, SHOWN_BY_DEFAULT[layer.kind])],
        minzoom=0,
        maxzoom=layer.maxzoom,
        bounds=layer.bounds,
        attribution=attribution_html(layer.sources, links.layer(layer, "/map", lang=lang), lang),
        tile_size=TILE_SIZE if isinstance(layer, RasterLayer) else None,
    )


def _raster(layer: RasterLayer) -> dict[str, Any]:
    return {
        "id": layer.name,
        "type": "raster",
        "source": layer.name,
        # Cells are shown as they are: smoothing would invent values between them.
        "paint": {"raster-resampling": "nearest", "raster-fade-duration": 0},
    }


def _features(
    layer: VectorLayer, lang: Lang, classes: Sequence[LegendEntry]
) -> list[dict[str, Any]]:
    """Areas below lines below points below names; only of the shapes the collection has."""
    style = feature_style(layer.name)
    shapes = _SHAPES.get(layer.collection.entity.geometry_type or "", _ANY)
    only = {one: (_TYPES[one],) if len(shapes) > 1 else () for one in shapes}
    colors = _colors(style, [entry.color for entry in classes])
    drawn = [
        *(_areas(style, colors, only["area"]) if "area" in shapes else ()),
        *(_lines(colors, only["line"]) if "line" in shapes else ()),
        *(_points(style, only["point"]) if "point" in shapes else ()),
    ]
    of = {"source": layer.name, "source-layer": layer.name}
    named = [{"id": f"{layer.name}-{one.pop('id')}", **of, **one} for one in drawn]
    return [*named, *_names(layer, only, lang)]


def _filtered(*conditions: Filter) -> dict[str, Any]:
    if len(conditions) > 1:
        return {"filter": ["all", *conditions]}
    return {"filter": conditions[0]} if conditions else {}


def _colors(style: FeatureStyle, known: Sequence[str]) -> list[Part]:
    """The colours of areas and lines.

    Features with a colour of their own are told apart by whether it is among those `known`: QGIS
    fills nothing with a colour it must `get`.
    """
    color: Any = style.color
    if style.by and style.classes:
        pairs = [part for one in style.classes for part in (list(one.values), one.color)]
        color = ["match", ["to-string", ["get", style.by]], *pairs, style.color]
    if not style.colored_by:
        return [("", (), color)]
    own = ["get", style.colored_by]
    colors = list(dict.fromkeys(known or [one.color for one in style.classes]))
    written = ["match", own, *(part for one in colors for part in ([one], one)), style.color]
    return [
        ("", (["in", style.colored_by, *colors],), written),
        ("-other", (["has", style.colored_by], ["!in", style.colored_by, *colors]), own),
        ("-plain", (["!has", style.colored_by],), color),
    ]


def _areas(
    style: FeatureStyle, colors: Sequence[Part], only: tuple[Filter, ...]
) -> list[dict[str, Any]]:
    edges: Sequence[Part] = [("", (), style.edge)] if style.edge else colors
    lines = [
        {
            "id": f"line{suffix}",
            "type": "line",
            **_filtered(*only, *conditions),
            "minzoom": style.edges_from,
            "layout": {"line-join": "round"},
            "paint": {"line-color": color, "line-width": 1.2},
        }
        for suffix, conditions, color in edges
    ]
    if not style.filled:
        return lines
    fills = [
        {
            "id": f"fill{suffix}",
            "type": "fill",
            **_filtered(*only, *conditions),
            # Seams between opaque neighbours would show through smoothed edges.
            "paint": {
                "fill-color": color,
                "fill-opacity": style.filled,
                "fill-antialias": style.filled < 1,
            },
        }
        for suffix, conditions, color in colors
    ]
    return [*fills, *lines]


def _lines(colors: Sequence[Part], only: tuple[Filter, ...]) -> list[dict[str, Any]]:
    width = ["interpolate", ["linear"], ["zoom"], 7, 1.5, 14, 4]
    return [
        {
            "id": f"way{suffix}",
            "type": "line",
            **_filtered(*only, *conditions),
            "layout": {"line-join": "round", "line-cap": "round"},
            "paint": {"line-color": color, "line-width": width},
        }
        for suffix, conditions, color in colors
    ]


def _points(style: FeatureStyle, only: tuple[Filter, ...]) -> list[dict[str, Any]]:
    """A layer for each class, and one for features of none."""
    classes = style.classes if style.by else ()
    known = [value for one in classes for value in one.values]
    parts: list[Part] = [
        (f"-{one.code}", (["in", style.by, *one.values],), one.color) for one in classes
    ]
    parts.append(("", (["!in", style.by, *known],) if known else (), style.color))
    return [
        {
            "id": f"point{suffix}",
            "type": "circle",
            **_filtered(*only, *conditions),
            "paint": {
                "circle-color": color,
                "circle-radius": ["interpolate", ["linear"], ["zoom"], 7, 4, 14, 7],
                "circle-stroke-color": "#ffffff",
                "circle-stroke-width": 1.5,
            },
        }
        for suffix, conditions, color in parts
    ]


def _names(
    layer: VectorLayer, only: Mapping[str, tuple[Filter, ...]], lang: Lang
) -> list[dict[str, Any]]:
    """Names at the points tiles have for them, else along lines and beside points."""
    if "name_zh" not in layer.collection.properties:
        return []
    if layer.collection.labelled:
        return _name(layer, lang, "name", LABELS, {})
    along = {"symbol-placement": "line"}
    beside = {"text-anchor": "top", "text-offset": [0, 0.7], "text-optional": True}
    lines = _name(layer, lang, "way-name", "", along, *only["line"]) if "line" in only else []
    points = _name(layer, lang, "point-name", "", beside, *only["point"]) if "point" in only else []
    return [*lines, *points]


def _name(
    layer: VectorLayer,
    lang: Lang,
    id_: str,
    part: str,
    placement: dict[str, Any],
    *only: Filter,
) -> list[dict[str, Any]]:
    """Names in the caller's language, and the others of features that have none in it."""
    own, other = ("name_zh", "name_en") if lang == "zh" else ("name_en", "name_zh")
    return [
        {
            "id": f"{layer.name}-{id_}{suffix}",
            "type": "symbol",
            "source": layer.name,
            "source-layer": layer.name + part,
            **_filtered(*only, condition),
            "layout": {
                "text-field": ["get", name],
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
        for suffix, name, condition in (
            ("", own, ["has", own]),
            ("-other", other, ["!has", own]),
        )
    ]

"""Collections and tilesets as OGC API - Tiles describes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote, urlencode

from shanhai.errors import NotFound
from shanhai.vocabulary import Label, Lang
from shanhai_tiles.grids import Bounds, TileGrid, grids_over
from shanhai_tiles.layers.catalogue import Layer, RasterLayer, VectorLayer
from shanhai_tiles.layers.documents import MVT, Links
from shanhai_tiles.layers.sources import attribution, short_attribution, stand_in_notes
from shanhai_tiles.raster.images import MEDIA_TYPES

JSON = "application/json"
REL = "http://www.opengis.net/def/rel/ogc/1.0"
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
DATASET = Label("全部矢量图层", "All vector layers")
Kind = Literal["vector", "map", "coverage"]
Document = dict[str, Any]

FORMATS: dict[Kind, dict[str, str]] = {
    "vector": {"mvt": MVT},
    "map": MEDIA_TYPES,
    "coverage": {"npy": "application/x-npy", "tif": "image/tiff; application=geotiff"},
}
"""Values of `f` and media types, the default first."""


@dataclass(frozen=True, slots=True)
class Tilesets:
    """The tilesets of one resource: the same content in each grid.

    Attributes:
        path: Where their list lies.
        kind: What a tile holds: features, a picture, or values.
        title: Of the resource.
        layers: What is in a tile.
        query: The parameters that chose a part of a layer.
    """

    path: str
    kind: Kind
    title: Label
    layers: tuple[Layer, ...]
    query: tuple[tuple[str, str], ...] = ()

    @property
    def formats(self) -> dict[str, str]:
        """Values of `f` and media types, the default first."""
        return FORMATS[self.kind]

    @property
    def bounds(self) -> Bounds:
        """The box in degrees around all layers."""
        boxes = [layer.bounds for layer in self.layers]
        return (
            min(box[0] for box in boxes),
            min(box[1] for box in boxes),
            max(box[2] for box in boxes),
            max(box[3] for box in boxes),
        )

    def deepest(self, grid: TileGrid) -> int:
        """The last level of a grid that shows more than the one above."""
        return max(grid.level_like(layer.maxzoom) for layer in self.layers)

    def address(self, links: Links, tail: str = "", **query: str) -> str:
        """The address of the list or of something below it."""
        parameters = urlencode({**dict(self.query), **query})
        return f"{links.base}{self.path}{tail}" + (f"?{parameters}" if parameters else "")


def tilesets_of(layer: Layer, kind: Kind) -> Tilesets:
    """The tilesets of a layer.

    Raises:
        NotFound: features are not drawn as pictures here.
    """
    if isinstance(layer, VectorLayer) != (kind == "vector"):
        raise NotFound(
            f"layer {layer.name} has no {kind} tilesets",
            message_zh=f"图层 {layer.name} 没有 {kind} 类型的瓦片集",
        )
    chosen = tuple(layer.selection.asked.items()) if isinstance(layer, VectorLayer) else ()
    root = "/map/tiles" if kind == "map" else "/tiles"
    path = f"/collections/{quote(layer.name)}{root}"
    return Tilesets(path, kind, layer.title, (layer,), chosen)


def dataset_tilesets(layers: Sequence[Layer], chosen: str | None) -> Tilesets:
    """The tilesets that hold several vector layers; `chosen` is what `collections` said."""
    query = () if chosen is None else (("collections", chosen),)
    return Tilesets("/tiles", "vector", DATASET, tuple(layers), query)


def list_tilesets(of: Tilesets, links: Links, lang: Lang) -> Document:
    """A tileset for each grid, each with the template of its tiles."""
    return {
        "tilesets": [_item(of, grid, links, lang) for grid in grids_over(of.bounds)],
        "links": [_link("self", JSON, of.address(links, f="json"), of.title, lang)],
    }


def describe_tileset(of: Tilesets, grid: TileGrid, links: Links, lang: Lang) -> Document:
    """One tileset: where it has tiles, and what is in them."""
    west, south, east, north = of.bounds
    deepest = of.deepest(grid)
    return {
        **_item(of, grid, links, lang),
        "boundingBox": _box(of.bounds),
        "centerPoint": {
            "coordinates": [(west + east) / 2, (south + north) / 2],
            "crs": CRS84,
            "tileMatrix": str(min(deepest, grid.level_like(9))),
        },
        "layers": [_layer(layer, grid, of.kind, lang) for layer in of.layers],
        "attribution": short_attribution(
            [one for layer in of.layers for one in layer.sources], lang
        ),
    }


def _item(of: Tilesets, grid: TileGrid, links: Links, lang: Lang) -> Document:
    scheme = f"{links.base}/tileMatrixSets/{grid.id}"
    tile = f"/{grid.id}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}"
    tiles = (
        _link("item", media_type, of.address(links, tile, f=name), of.title, lang)
        | {"templated": True}
        for name, media_type in of.formats.items()
    )
    return {
        "title": f"{of.title.in_(lang)} ({grid.title.in_(lang)})",
        "dataType": of.kind,
        "crs": grid.crs,
        "tileMatrixSetId": grid.id,
        "tileMatrixSetURI": grid.uri or scheme,
        "tileMatrixSetLimits": _limits(of, grid),
        "links": [
            _link("self", JSON, of.address(links, f"/{grid.id}", f="json"), of.title, lang),
            _link(f"{REL}/tiling-scheme", JSON, scheme, grid.title, lang),
            *tiles,
        ],
    }


def _limits(of: Tilesets, grid: TileGrid) -> list[Document]:
    """Also in lists, whose readers then need not ask for every tileset to know where tiles are."""
    spans = ((zoom, grid.span(zoom, of.bounds)) for zoom in range(of.deepest(grid) + 1))
    return [
        {
            "tileMatrix": str(zoom),
            "minTileRow": span.rows[0],
            "maxTileRow": span.rows[1],
            "minTileCol": span.columns[0],
            "maxTileCol": span.columns[1],
        }
        for zoom, span in spans
        if span is not None
    ]


def _layer(layer: Layer, grid: TileGrid, kind: Kind, lang: Lang) -> Document:
    document: Document = {
        "id": layer.name,
        "title": layer.title.in_(lang),
        "dataType": kind,
        "minTileMatrix": "0",
        "maxTileMatrix": str(grid.level_like(layer.maxzoom)),
        "boundingBox": _box(layer.bounds),
        "stand_in": layer.stand_in,
        "stand_in_notes": stand_in_notes(layer.sources),
    }
    if isinstance(layer, VectorLayer):
        document["propertiesSchema"] = {
            "type": "object",
            "properties": {
                item.name: {**item.schema, "title": item.title.in_(lang)}
                for item in layer.collection.columns
            },
        }
    return document


def _box(bounds: Bounds) -> Document:
    west, south, east, north = bounds
    return {"lowerLeft": [west, south], "upperRight": [east, north], "crs": CRS84}


def describe_collection(layer: Layer, links: Links, lang: Lang) -> Document:
    """A layer as a collection: its extent, and where its tilesets are."""
    kinds: tuple[Kind, ...] = ("map", "coverage") if isinstance(layer, RasterLayer) else ("vector",)
    families = [tilesets_of(layer, kind) for kind in kinds]
    itself = f"{links.base}/collections/{quote(layer.name)}"
    return {
        "id": layer.name,
        "title": layer.title.in_(lang),
        "title_zh": layer.title.zh,
        "title_en": layer.title.en,
        "attribution": attribution(layer.sources),
        "stand_in": layer.stand_in,
        "extent": {"spatial": {"bbox": [list(layer.bounds)], "crs": CRS84}},
        "links": [
            _link("self", JSON, itself, layer.title, lang),
            _link("describedby", JSON, links.layer(layer), layer.title, lang),
            *(
                _link(
                    f"{REL}/tilesets-{one.kind}",
                    JSON,
                    one.address(links, f="json"),
                    one.title,
                    lang,
                )
                for one in families
            ),
        ],
    }


def _link(rel: str, type_: str, href: str, title: Label, lang: Lang) -> Document:
    return {"rel": rel, "type": type_, "href": href, "title": title.in_(lang)}

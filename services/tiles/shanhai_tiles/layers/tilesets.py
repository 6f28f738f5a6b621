"""Layers as collections of OGC API, and their tilesets as OGC API - Tiles describes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote, urlencode

from pydantic import Field

from shanhai.errors import NotFound
from shanhai.vocabulary import Label, Lang
from shanhai_tiles.answers import Corners, DocumentLink, DocumentPart, Maybe, OgcDocumentPart
from shanhai_tiles.grids import Bounds, TileGrid, grids_over
from shanhai_tiles.layers.catalogue import MVT, Layer, RasterLayer, VectorLayer
from shanhai_tiles.layers.documents import Links
from shanhai_tiles.layers.sources import StandInNote, attribution, short_attribution, stand_in_notes
from shanhai_tiles.raster.images import MEDIA_TYPES

JSON = "application/json"
REL = "http://www.opengis.net/def/rel/ogc/1.0"
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
DATASET = Label("全部矢量图层", "All vector layers")
Kind = Literal["vector", "map", "coverage"]

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
        marked = f"?{parameters}" if parameters else ""
        return links.with_token(f"{links.base}{self.path}{tail}{marked}")


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


class TileMatrixLimits(OgcDocumentPart):
    """Which tiles of a level there are."""

    tile_matrix: str
    min_tile_row: int
    max_tile_row: int
    min_tile_col: int
    max_tile_col: int


class BoundingBox(OgcDocumentPart):
    """A box in degrees."""

    lower_left: tuple[float, float]
    upper_right: tuple[float, float]
    crs: str = CRS84


class CenterPoint(OgcDocumentPart):
    """Where a map may begin."""

    coordinates: tuple[float, float]
    crs: str = CRS84
    tile_matrix: str


class PropertiesSchema(DocumentPart):
    """The JSON schema of the properties of features."""

    type: Literal["object"] = "object"
    properties: dict[str, dict[str, Any]]


class TilesetLayer(OgcDocumentPart):
    """A layer within the tiles of a tileset."""

    id: str
    title: str
    data_type: Kind
    min_tile_matrix: str
    max_tile_matrix: str
    bounding_box: BoundingBox
    stand_in: bool = Field(alias="stand_in")
    stand_in_notes: list[StandInNote] = Field(alias="stand_in_notes")
    properties_schema: Maybe[PropertiesSchema] = None


class TilesetItem(OgcDocumentPart):
    """A tileset in a list."""

    title: str
    data_type: Kind
    crs: str
    tile_matrix_set_id: str
    tile_matrix_set_uri: str = Field(alias="tileMatrixSetURI")
    tile_matrix_set_limits: list[TileMatrixLimits]
    links: list[DocumentLink]


class TilesetList(OgcDocumentPart):
    """A tileset for each grid."""

    tilesets: list[TilesetItem]
    links: list[DocumentLink]


class TilesetDescription(TilesetItem):
    """A tileset: its grid, where it has tiles, and what is in them."""

    bounding_box: BoundingBox
    center_point: CenterPoint
    layers: list[TilesetLayer]
    attribution: str


def list_tilesets(of: Tilesets, links: Links, lang: Lang) -> TilesetList:
    """A tileset for each grid, each with the template of its tiles."""
    return TilesetList(
        tilesets=[TilesetItem(**_item(of, grid, links, lang)) for grid in grids_over(of.bounds)],
        links=[link_to("self", of.address(links, f="json"), of.title, lang)],
    )


def describe_tileset(of: Tilesets, grid: TileGrid, links: Links, lang: Lang) -> TilesetDescription:
    """One tileset: where it has tiles, and what is in them."""
    west, south, east, north = of.bounds
    deepest = of.deepest(grid)
    return TilesetDescription(
        **_item(of, grid, links, lang),
        bounding_box=_box(of.bounds),
        center_point=CenterPoint(
            coordinates=((west + east) / 2, (south + north) / 2),
            tile_matrix=str(min(deepest, grid.level_like(9))),
        ),
        layers=[_layer(layer, grid, of.kind, lang) for layer in of.layers],
        attribution=short_attribution([one for layer in of.layers for one in layer.sources], lang),
    )


def _item(of: Tilesets, grid: TileGrid, links: Links, lang: Lang) -> dict[str, Any]:
    scheme = f"{links.base}/tileMatrixSets/{grid.id}"
    return {
        "title": f"{of.title.in_(lang)} ({grid.title.in_(lang)})",
        "data_type": of.kind,
        "crs": grid.crs,
        "tile_matrix_set_id": grid.id,
        "tile_matrix_set_uri": grid.uri or scheme,
        "tile_matrix_set_limits": _limits(of, grid),
        "links": [
            link_to("self", of.address(links, f"/{grid.id}", f="json"), of.title, lang),
            link_to(f"{REL}/tiling-scheme", scheme, grid.title, lang),
            *_tile_links(of, grid, links, lang),
        ],
    }


def _tile_links(of: Tilesets, grid: TileGrid, links: Links, lang: Lang) -> list[DocumentLink]:
    tile = f"/{grid.id}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}"
    return [
        DocumentLink(
            rel="item",
            type=media_type,
            href=of.address(links, tile, f=name),
            title=of.title.in_(lang),
            templated=True,
        )
        for name, media_type in of.formats.items()
    ]


def _limits(of: Tilesets, grid: TileGrid) -> list[TileMatrixLimits]:
    """Also in lists, whose readers then need not ask for every tileset to know where tiles are."""
    spans = ((zoom, grid.span(zoom, of.bounds)) for zoom in range(of.deepest(grid) + 1))
    return [
        TileMatrixLimits(
            tile_matrix=str(zoom),
            min_tile_row=span.rows[0],
            max_tile_row=span.rows[1],
            min_tile_col=span.columns[0],
            max_tile_col=span.columns[1],
        )
        for zoom, span in spans
        if span is not None
    ]


def _layer(layer: Layer, grid: TileGrid, kind: Kind, lang: Lang) -> TilesetLayer:
    return TilesetLayer(
        id=layer.name,
        title=layer.title.in_(lang),
        data_type=kind,
        min_tile_matrix="0",
        max_tile_matrix=str(grid.level_like(layer.maxzoom)),
        bounding_box=_box(layer.bounds),
        stand_in=layer.stand_in,
        stand_in_notes=stand_in_notes(layer.sources),
        properties_schema=_schema(layer, lang) if isinstance(layer, VectorLayer) else None,
    )


def _schema(layer: VectorLayer, lang: Lang) -> PropertiesSchema:
    columns = layer.collection.chosen_columns(layer.selection.properties)
    return PropertiesSchema(
        properties={item.name: {**item.schema, "title": item.title.in_(lang)} for item in columns}
    )


def _box(bounds: Bounds) -> BoundingBox:
    west, south, east, north = bounds
    return BoundingBox(lower_left=(west, south), upper_right=(east, north))


def link_to(rel: str, href: str, title: Label, lang: Lang) -> DocumentLink:
    """A link to another JSON document."""
    return DocumentLink(rel=rel, type=JSON, href=href, title=title.in_(lang))


class SpatialExtent(DocumentPart):
    """Where a collection lies."""

    bbox: list[Corners]
    crs: str = CRS84


class Extent(DocumentPart):
    """The extent of a collection."""

    spatial: SpatialExtent


class LayerCollection(DocumentPart):
    """A layer as a collection with tilesets."""

    id: str
    title: str
    title_zh: str
    title_en: str
    attribution: str
    stand_in: bool
    extent: Extent
    links: list[DocumentLink]


class LayerCollections(DocumentPart):
    """The layers the caller may see, as collections."""

    collections: list[LayerCollection]
    links: list[DocumentLink]


def describe_collection(layer: Layer, links: Links, lang: Lang) -> LayerCollection:
    """A layer as a collection: its extent, and where its tilesets are."""
    kinds: tuple[Kind, ...] = ("map", "coverage") if isinstance(layer, RasterLayer) else ("vector",)
    families = [tilesets_of(layer, kind) for kind in kinds]
    itself = links.with_token(f"{links.base}/collections/{quote(layer.name)}")
    return LayerCollection(
        id=layer.name,
        title=layer.title.in_(lang),
        title_zh=layer.title.zh,
        title_en=layer.title.en,
        attribution=attribution(layer.sources),
        stand_in=layer.stand_in,
        extent=Extent(spatial=SpatialExtent(bbox=[layer.bounds])),
        links=[
            link_to("self", itself, layer.title, lang),
            link_to("describedby", links.layer(layer), layer.title, lang),
            *(
                link_to(f"{REL}/tilesets-{one.kind}", one.address(links, f="json"), one.title, lang)
                for one in families
            ),
        ],
    )

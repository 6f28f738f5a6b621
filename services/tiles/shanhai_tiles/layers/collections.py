"""Layers as collections of OGC API."""

from urllib.parse import quote

from shanhai.vocabulary import Lang
from shanhai_tiles.answers import Box, DocumentLink, DocumentPart
from shanhai_tiles.layers.catalogue import Layer, RasterLayer
from shanhai_tiles.layers.documents import Links
from shanhai_tiles.layers.sources import attribution
from shanhai_tiles.layers.tilesets import CRS84, REL, Kind, link_to, tilesets_of


class SpatialExtent(DocumentPart):
    """Where a collection lies."""

    bbox: list[Box]
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
    itself = f"{links.base}/collections/{quote(layer.name)}"
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

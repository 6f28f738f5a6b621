"""Tile matrix sets in the JSON of the Two Dimensional Tile Matrix Set standard (OGC 17-083r4)."""

from typing import Literal

from pydantic import Field

from shanhai_tiles.answers import DocumentLink, Maybe, OgcDocumentPart


class TileMatrixDescription(OgcDocumentPart):
    """One level of a tile matrix set."""

    id: str
    scale_denominator: float = Field(description="For pixels of 0.28 mm")
    cell_size: float = Field(description="Side of a pixel in the unit of the reference system")
    corner_of_origin: Literal["topLeft"] = "topLeft"
    point_of_origin: tuple[float, float] = Field(
        description="That corner, in the axis order of the reference system"
    )
    tile_width: int
    tile_height: int
    matrix_width: int
    matrix_height: int


class TileMatrixSetDescription(OgcDocumentPart):
    """A tile matrix set, level by level."""

    id: str
    title: str
    uri: Maybe[str] = Field(None, description="Identifier in the register of OGC")
    crs: str
    ordered_axes: list[str]
    well_known_scale_set: Maybe[str] = None
    tile_matrices: list[TileMatrixDescription]


class TileMatrixSetItem(OgcDocumentPart):
    """A tile matrix set in a list."""

    id: str
    title: str
    crs: str
    uri: Maybe[str] = Field(None, description="Identifier in the register of OGC")
    links: list[DocumentLink]


class TileMatrixSetList(OgcDocumentPart):
    """The tile matrix sets tiles are served in."""

    tile_matrix_sets: list[TileMatrixSetItem]

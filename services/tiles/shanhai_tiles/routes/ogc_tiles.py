"""OGC API - Tiles: collections, their tilesets, and tiles addressed by row, then column."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.responses import Response

from shanhai.errors import Forbidden, InvalidInput, NotFound
from shanhai.negotiation import wished_most
from shanhai_tiles import answers
from shanhai_tiles.access import TileReader
from shanhai_tiles.dependencies import (
    DrawnDep,
    LangDep,
    LinksDep,
    ReaderDep,
    SeenDep,
    Services,
    ServicesDep,
    VisibleLayer,
    accepts,
    look_at,
)
from shanhai_tiles.grids import TileGrid, grid_named
from shanhai_tiles.layers import tilesets
from shanhai_tiles.request import parse_rescale
from shanhai_tiles.tile_responses import EMPTY, TileRequest, answer_layered, answer_tile
from shanhai_tiles.vector.collections import CHOOSING, VECTORS

router = APIRouter(tags=["tiles"], route_class=answers.DocumentRoute)

Identifier = Annotated[str, Path(alias="tileMatrixSetId")]
Matrix = Annotated[str, Path(alias="tileMatrix")]
Row = Annotated[int, Path(alias="tileRow", ge=0)]
Column = Annotated[int, Path(alias="tileCol", ge=0)]
Rescale = Annotated[str | None, Query()]
Band = Annotated[int, Query(ge=1, le=10_000)]
Version = Annotated[str | None, Query(max_length=64)]
Chosen = Annotated[
    str | None,
    Query(
        max_length=2000,
        description="Names of vector layers, separated by commas",
        json_schema_extra={"pattern": f"^({'|'.join(VECTORS)})(,({'|'.join(VECTORS)}))*$"},
    ),
]
ALSO = {"jpeg": "jpg", "pbf": "mvt"}
"""Other names of formats, as `f` may say them."""


def _one_of(*kinds: tilesets.Kind) -> Any:
    """The parameter `f` of tiles of these kinds."""
    known = [name for kind in kinds for name in tilesets.FORMATS[kind]]
    others = [name for name, meant in ALSO.items() if meant in known]
    return Query(alias="f", json_schema_extra={"enum": [*known, *others]})


FeatureFormat = Annotated[str | None, _one_of("vector")]
OwnFormat = Annotated[str | None, _one_of("vector", "coverage")]
PictureFormat = Annotated[str | None, _one_of("map")]
TILE = "{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}"


def tiles_of(*kinds: tilesets.Kind) -> answers.Responses:
    """What a route of tiles declares."""
    found = answers.sends(
        *dict.fromkeys(type_ for kind in kinds for type_ in tilesets.FORMATS[kind].values())
    )
    return found | EMPTY if "vector" in kinds else found


choosing = Depends(accepts(*CHOOSING))
picture = Depends(accepts("v", "band", "rescale", "colormap", formats=None))
features = Depends(accepts("v", "band", *CHOOSING, formats=None))
together = Depends(accepts("collections"))


@router.get("/collections", dependencies=[Depends(accepts())], operation_id="getCollectionsList")
async def list_collections(
    request: Request, services: ServicesDep, reader: ReaderDep, links: LinksDep, lang: LangDep
) -> answers.JsonAnswer[tilesets.LayerCollections]:
    """Every layer the caller may see, as a collection with tilesets."""
    layers = await services.directory.all(reader.viewer)
    itself = links.with_token(f"{links.base}/collections")
    document = tilesets.LayerCollections(
        collections=[
            tilesets.describe_collection(one, links, lang) for one in layers if reader.may_see(one)
        ],
        links=[answers.DocumentLink(rel="self", type=tilesets.JSON, href=itself)],
    )
    private = reader.known or not reader.public_read
    return answers.answer_json(request, document, lang=lang, private=private)


@router.get("/collections/{layer}", dependencies=[choosing], operation_id="getCollection")
async def read_collection(
    request: Request, seen: SeenDep, links: LinksDep, lang: LangDep
) -> answers.JsonAnswer[tilesets.LayerCollection]:
    """One layer as a collection."""
    document = tilesets.describe_collection(seen.layer, links, lang)
    return answers.answer_json(request, document, lang=lang, private=seen.private)


@router.get(
    "/collections/{layer}/tiles",
    dependencies=[choosing],
    operation_id=".collection.vector.getTileSetsList",
)
async def list_collection_tilesets(
    request: Request, seen: SeenDep, links: LinksDep, lang: LangDep
) -> answers.JsonAnswer[tilesets.TilesetList]:
    """The tilesets of features, or of a raster's values."""
    document = tilesets.list_tilesets(_own(seen), links, lang)
    return answers.answer_json(request, document, lang=lang, private=seen.private)


@router.get(
    "/collections/{layer}/tiles/{tileMatrixSetId}",
    dependencies=[choosing],
    operation_id=".collection.vector.getTileSet",
)
async def read_collection_tileset(
    request: Request, seen: SeenDep, links: LinksDep, lang: LangDep, tms: Identifier
) -> answers.JsonAnswer[tilesets.TilesetDescription]:
    """One tileset: its grid, where it has tiles, what is in them."""
    document = tilesets.describe_tileset(_own(seen), grid_named(tms), links, lang)
    return answers.answer_json(request, document, lang=lang, private=seen.private)


@router.get(
    f"/collections/{{layer}}/tiles/{TILE}",
    dependencies=[features],
    operation_id=".collection.vector.getTile",
    responses=tiles_of("vector", "coverage"),
)
async def read_collection_tile(
    request: Request,
    seen: DrawnDep,
    services: ServicesDep,
    tms: Identifier,
    matrix: Matrix,
    row: Row,
    column: Column,
    f: OwnFormat = None,
    v: Version = None,
    band: Band = 1,
) -> Response:
    """A tile of features, or of a raster's values."""
    format_ = negotiate(request, _own(seen), f)
    grid = grid_named(tms)
    asked = TileRequest(grid, _level(grid, matrix), column, row, format_, band=band)
    return _negotiated(await answer_tile(request, seen, services, asked, v), f)


@router.get(
    "/collections/{layer}/map/tiles",
    dependencies=[Depends(accepts())],
    operation_id=".collection.map.getTileSetsList",
)
async def list_map_tilesets(
    request: Request, seen: SeenDep, links: LinksDep, lang: LangDep
) -> answers.JsonAnswer[tilesets.TilesetList]:
    """The tilesets of pictures of a raster."""
    document = tilesets.list_tilesets(tilesets.tilesets_of(seen.layer, "map"), links, lang)
    return answers.answer_json(request, document, lang=lang, private=seen.private)


@router.get(
    "/collections/{layer}/map/tiles/{tileMatrixSetId}",
    dependencies=[Depends(accepts())],
    operation_id=".collection.map.getTileSet",
)
async def read_map_tileset(
    request: Request, seen: SeenDep, links: LinksDep, lang: LangDep, tms: Identifier
) -> answers.JsonAnswer[tilesets.TilesetDescription]:
    """One tileset of pictures."""
    document = tilesets.describe_tileset(
        tilesets.tilesets_of(seen.layer, "map"), grid_named(tms), links, lang
    )
    return answers.answer_json(request, document, lang=lang, private=seen.private)


@router.get(
    f"/collections/{{layer}}/map/tiles/{TILE}",
    dependencies=[picture],
    operation_id=".collection.map.getTile",
    responses=tiles_of("map"),
)
async def read_map_tile(
    request: Request,
    seen: DrawnDep,
    services: ServicesDep,
    tms: Identifier,
    matrix: Matrix,
    row: Row,
    column: Column,
    f: PictureFormat = None,
    v: Version = None,
    band: Band = 1,
    rescale: Rescale = None,
) -> Response:
    """A picture of a raster, transparent where it holds nothing."""
    format_ = negotiate(request, tilesets.tilesets_of(seen.layer, "map"), f)
    grid = grid_named(tms)
    drawn = parse_rescale(seen.layer, rescale)
    asked = TileRequest(grid, _level(grid, matrix), column, row, format_, band=band, rescale=drawn)
    return _negotiated(await answer_tile(request, seen, services, asked, v), f)


@router.get("/tiles", dependencies=[together], operation_id=".dataset.vector.getTileSetsList")
async def list_dataset_tilesets(
    request: Request,
    services: ServicesDep,
    reader: ReaderDep,
    links: LinksDep,
    lang: LangDep,
    collections: Chosen = None,
) -> answers.JsonAnswer[tilesets.TilesetList]:
    """The tilesets that hold several vector layers in one tile."""
    seen = await _together(services, reader, collections)
    document = tilesets.list_tilesets(_dataset(seen, collections), links, lang)
    return answers.answer_json(request, document, lang=lang, private=_private(seen))


@router.get(
    "/tiles/{tileMatrixSetId}",
    dependencies=[together],
    operation_id=".dataset.vector.getTileSet",
)
async def read_dataset_tileset(
    request: Request,
    services: ServicesDep,
    reader: ReaderDep,
    links: LinksDep,
    lang: LangDep,
    tms: Identifier,
    collections: Chosen = None,
) -> answers.JsonAnswer[tilesets.TilesetDescription]:
    """One tileset of several vector layers."""
    grid = grid_named(tms)
    seen = await _together(services, reader, collections)
    document = tilesets.describe_tileset(_dataset(seen, collections), grid, links, lang)
    return answers.answer_json(request, document, lang=lang, private=_private(seen))


@router.get(
    f"/tiles/{TILE}",
    dependencies=[Depends(accepts("collections", formats=None))],
    operation_id=".dataset.vector.getTile",
    responses=tiles_of("vector"),
)
async def read_dataset_tile(
    request: Request,
    services: ServicesDep,
    reader: ReaderDep,
    tms: Identifier,
    matrix: Matrix,
    row: Row,
    column: Column,
    f: FeatureFormat = None,
    collections: Chosen = None,
) -> Response:
    """One tile with several vector layers, `collections` or all."""
    seen = await _together(services, reader, collections, to_draw=True)
    format_ = negotiate(request, _dataset(seen, collections), f)
    grid = grid_named(tms)
    asked = TileRequest(grid, _level(grid, matrix), column, row, format_)
    return _negotiated(await answer_layered(request, seen, services, asked), f)


def negotiate(request: Request, of: tilesets.Tilesets, f: str | None) -> str:
    """The format a caller wants: `f`, else what `Accept` wishes for most, else the usual one.

    Raises:
        InvalidInput: `f` names none of the tileset's.
    """
    known = of.formats
    if f is None:
        names, types = tuple(known), tuple(known.values())
        accepted = wished_most(request.headers.get("accept", ""), types)
        return names[0 if accepted is None else types.index(accepted)]
    name = ALSO.get(f, f)
    if name not in known:
        raise InvalidInput(
            f"f is {f[:40]!r}; these tiles come as {', '.join(known)}",
            message_zh=f"f 为 {f[:40]!r}；这些瓦片可用：{', '.join(known)}",
            pointer="f",
        )
    return name


def _negotiated(answer: Response, f: str | None) -> Response:
    """Tell caches when the answer was chosen by what the caller accepts."""
    if f is None:
        answer.headers["Vary"] = "Accept, Authorization, Cookie"
    return answer


def _own(seen: VisibleLayer) -> tilesets.Tilesets:
    kind: tilesets.Kind = "vector" if seen.layer.kind == "vector" else "coverage"
    return tilesets.tilesets_of(seen.layer, kind)


def _level(grid: TileGrid, matrix: str) -> int:
    plain = matrix.isascii() and matrix.isdigit() and len(matrix) <= len("99")
    if not plain or int(matrix) > grid.deepest:
        raise NotFound(
            f"tile matrix {matrix[:40]!r} is not in {grid.id}; it has 0 to {grid.deepest}",
            message_zh=f"{grid.id} 没有级别 {matrix[:40]!r}；级别为 0 至 {grid.deepest}",
        )
    return int(matrix)


async def _together(
    services: Services, reader: TileReader, chosen: str | None, *, to_draw: bool = False
) -> list[VisibleLayer]:
    """The vector layers of `collections`, each once, or all that the caller's token opens."""
    names = list(dict.fromkeys(VECTORS if chosen is None else chosen.split(",")))
    for name in names:
        if name not in VECTORS:
            known = ", ".join(VECTORS)
            raise InvalidInput(
                f"collections names {name[:80]!r}; tiles of several layers hold {known}",
                message_zh=f"collections 含 {name[:80]!r}；可合并的矢量图层：{known}",
                pointer="collections",
            )
    opened = names if chosen is not None else [name for name in names if reader.opens(name)]
    if not opened:
        raise Forbidden("the tile token opens no vector layer", message_zh="该瓦片令牌不含矢量图层")
    return [await look_at(reader, services, name, {}, to_draw=to_draw) for name in opened]


def _dataset(seen: list[VisibleLayer], chosen: str | None) -> tilesets.Tilesets:
    return tilesets.dataset_tilesets([one.layer for one in seen], chosen)


def _private(seen: list[VisibleLayer]) -> bool:
    return any(one.private for one in seen)

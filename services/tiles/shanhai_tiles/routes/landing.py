"""Landing page, conformance, tile matrix sets, and the viewer page of a layer."""

from typing import Any

from fastapi import APIRouter, Depends, Request
from pydantic import ConfigDict
from starlette.responses import JSONResponse, Response

from shanhai.vocabulary import Label
from shanhai_tiles import answers
from shanhai_tiles.dependencies import LangDep, LinksDep, SeenDep, accepts
from shanhai_tiles.grids import GRIDS, grid_named
from shanhai_tiles.layers.tilesets import REL
from shanhai_tiles.openapi import describe_30, describe_31
from shanhai_tiles.pages import DRAWABLE, HTML, PAGES
from shanhai_tiles.tile_matrix_sets import (
    TileMatrixSetDescription,
    TileMatrixSetItem,
    TileMatrixSetList,
)
from shanhai_tiles.vector.collections import CHOOSING
from shanhai_tiles.wmts.capabilities import PATH

router = APIRouter(
    tags=["landing"], dependencies=[Depends(accepts())], route_class=answers.DocumentRoute
)

_COMMON = "http://www.opengis.net/spec/ogcapi-common"
_TILES = "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf"
_SETS = "http://www.opengis.net/spec/tms/2.0/conf"
CONFORMANCE = (
    *(f"{_COMMON}-1/1.0/conf/{name}" for name in ("core", "landing-page", "json", "oas30")),
    f"{_COMMON}-2/1.0/conf/collections",
    *(
        f"{_TILES}/{name}"
        for name in (
            *("core", "tileset", "tilesets-list", "dataset-tilesets", "geodata-tilesets"),
            *("collections-selection", "mvt", "png", "jpeg", "oas30"),
        )
    ),
    *(f"{_SETS}/{name}" for name in ("tilematrixset", "json-tilematrixset")),
)
"""What tests of ours prove."""

OPENAPI_30 = "application/vnd.oai.openapi+json;version=3.0"
OPENAPI_31 = "application/vnd.oai.openapi+json;version=3.1"

TITLE = Label("山海瓦片服务", "Shanhai tiles")
ABSTRACT = Label(
    "生态保护修复规划成果的栅格与矢量瓦片",
    "Raster and vector tiles of ecological restoration planning",
)
_LINKS = (
    ("self", answers.JSON, "/", "本页", "This document"),
    ("service-desc", OPENAPI_30, "/api", "接口定义", "API definition"),
    ("service-desc", OPENAPI_31, "/openapi.json", "接口定义", "API definition"),
    ("conformance", answers.JSON, "/conformance", "符合性", "Conformance"),
    ("data", answers.JSON, "/collections", "图层集合", "Collections"),
    (f"{REL}/tilesets-vector", answers.JSON, "/tiles?f=json", "矢量瓦片集", "Vector tilesets"),
    (f"{REL}/tiling-schemes", answers.JSON, "/tileMatrixSets", "瓦片矩阵集", "Tile matrix sets"),
    ("related", answers.JSON, "/layers", "图层", "Layers"),
    ("related", "application/xml", f"{PATH}/WMTSCapabilities.xml", "WMTS", "WMTS"),
)


class ServiceDescription(answers.DocumentPart):
    """What the service is and where to go from here."""

    title: str
    description: str
    links: list[answers.DocumentLink]


class ConformanceClasses(answers.OgcDocumentPart):
    """The conformance classes that hold."""

    conforms_to: list[str]


class OpenApiDefinition(answers.DocumentPart):
    """A definition in OpenAPI."""

    model_config = ConfigDict(extra="allow")

    openapi: str
    info: dict[str, Any]
    paths: dict[str, dict[str, Any]]


class OpenApi30(JSONResponse):
    """A definition as OpenAPI 3.0."""

    media_type = OPENAPI_30


class OpenApi31(JSONResponse):
    """A definition as OpenAPI 3.1."""

    media_type = OPENAPI_31


@router.get("/", operation_id="getLandingPage")
async def read_landing_page(
    request: Request, links: LinksDep, lang: LangDep
) -> answers.JsonAnswer[ServiceDescription]:
    """What the service is and where to go from here."""
    entries = [
        answers.DocumentLink(
            rel=rel, type=type_, href=links.base + path, title=zh if lang == "zh" else en
        )
        for rel, type_, path, zh, en in _LINKS
    ]
    page = ServiceDescription(title=TITLE.in_(lang), description=ABSTRACT.in_(lang), links=entries)
    return answers.answer_json(request, page, lang=lang)


@router.get("/api", operation_id="getApi", response_class=OpenApi30)
async def read_definition(request: Request) -> answers.JsonAnswer[OpenApiDefinition]:
    """The interface as OpenAPI 3.0."""
    definition = OpenApiDefinition(**describe_30(request.app))
    return answers.answer_json(request, definition, media_type=OPENAPI_30)


@router.get("/openapi.json", response_class=OpenApi31)
async def read_definition_31(request: Request) -> answers.JsonAnswer[OpenApiDefinition]:
    """The interface as OpenAPI 3.1."""
    definition = OpenApiDefinition(**describe_31(request.app))
    return answers.answer_json(request, definition, media_type=OPENAPI_31)


@router.get("/conformance", operation_id="getConformanceDeclaration")
async def read_conformance(request: Request) -> answers.JsonAnswer[ConformanceClasses]:
    """The conformance classes that hold."""
    return answers.answer_json(request, ConformanceClasses(conforms_to=CONFORMANCE))


@router.get("/tileMatrixSets", operation_id="getTileMatrixSetsList")
async def list_grids(
    request: Request, links: LinksDep, lang: LangDep
) -> answers.JsonAnswer[TileMatrixSetList]:
    """The grids tiles are served in."""
    sets = [
        TileMatrixSetItem(
            id=identifier,
            title=grid.title.in_(lang),
            crs=grid.crs,
            uri=grid.uri,
            links=[_grid_link(links.base, identifier)],
        )
        for identifier, grid in GRIDS.items()
    ]
    return answers.answer_json(request, TileMatrixSetList(tile_matrix_sets=sets), lang=lang)


@router.get("/tileMatrixSets/{tms}", operation_id="getTileMatrixSet")
async def read_grid(request: Request, tms: str) -> answers.JsonAnswer[TileMatrixSetDescription]:
    """One grid, level by level."""
    return answers.answer_json(request, grid_named(tms).document())


def _grid_link(base: str, identifier: str) -> answers.DocumentLink:
    return answers.DocumentLink(
        rel=f"{REL}/tiling-scheme", type=answers.JSON, href=f"{base}/tileMatrixSets/{identifier}"
    )


viewer = APIRouter(tags=["layers"], route_class=answers.DocumentRoute)

COMPARED = "with"


@viewer.get(
    "/layers/{layer}/map",
    dependencies=[Depends(accepts(COMPARED, *CHOOSING, formats="html"))],
    responses=answers.sends("text/html"),
)
async def read_viewer(request: Request, seen: SeenDep, lang: LangDep) -> Response:
    """A page that shows the layer on a map, with its legend, and what lies under a click.

    The page itself reads `with`: another layer to look at beside this one, such as
    `ratio.xiamen` or, with what is chosen of it, `zones?scheme=…`.
    """
    page = PAGES.get_template("map.html").render(
        title=seen.layer.title.in_(lang),
        lang=lang,
        drawable=DRAWABLE,
    )
    headers = {"Content-Language": lang}
    return answers.answer(request, page.encode(), HTML, private=seen.private, headers=headers)

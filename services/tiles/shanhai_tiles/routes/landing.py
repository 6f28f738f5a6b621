"""Landing page, conformance, tile matrix sets."""

from typing import Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from shanhai_tiles.dependencies import LangDep, LinksDep, accepts
from shanhai_tiles.grids import GRIDS, grid_named
from shanhai_tiles.http_cache import JSON, answer_json
from shanhai_tiles.layers.tilesets import REL
from shanhai_tiles.openapi import describe_30, describe_31
from shanhai_tiles.wmts.capabilities import PATH

router = APIRouter(dependencies=[Depends(accepts())], default_response_class=Response)

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

_LINKS = (
    ("self", JSON, "/", "本页", "This document"),
    ("service-desc", OPENAPI_30, "/api", "接口定义", "API definition"),
    ("service-desc", OPENAPI_31, "/openapi.json", "接口定义", "API definition"),
    ("conformance", JSON, "/conformance", "符合性", "Conformance"),
    ("data", JSON, "/collections", "图层集合", "Collections"),
    (f"{REL}/tilesets-vector", JSON, "/tiles?f=json", "矢量瓦片集", "Vector tilesets"),
    (f"{REL}/tiling-schemes", JSON, "/tileMatrixSets", "瓦片矩阵集", "Tile matrix sets"),
    ("related", JSON, "/layers", "图层", "Layers"),
    ("related", "application/xml", f"{PATH}/WMTSCapabilities.xml", "WMTS", "WMTS"),
)


@router.get("/", operation_id="getLandingPage")
async def read_landing_page(request: Request, links: LinksDep, lang: LangDep) -> Response:
    """What the service is and where to go from here."""
    entries = [
        {"rel": rel, "type": type_, "href": links.base + path, "title": zh if lang == "zh" else en}
        for rel, type_, path, zh, en in _LINKS
    ]
    title = "山海瓦片服务" if lang == "zh" else "Shanhai tiles"
    text = (
        "生态保护修复规划成果的栅格与矢量瓦片"
        if lang == "zh"
        else "Raster and vector tiles of ecological restoration planning"
    )
    return answer_json(request, {"title": title, "description": text, "links": entries}, lang=lang)


@router.get("/api", operation_id="getApi")
async def read_definition(request: Request) -> Response:
    """The interface as OpenAPI 3.0."""
    return answer_json(request, describe_30(request.app), media_type=OPENAPI_30)


@router.get("/openapi.json")
async def read_definition_31(request: Request) -> Response:
    """The interface as OpenAPI 3.1."""
    return answer_json(request, describe_31(request.app), media_type=OPENAPI_31)


@router.get("/conformance", operation_id="getConformanceDeclaration")
async def read_conformance(request: Request) -> Response:
    """The conformance classes that hold."""
    return answer_json(request, {"conformsTo": CONFORMANCE})


@router.get("/tileMatrixSets", operation_id="getTileMatrixSetsList")
async def list_grids(request: Request, links: LinksDep, lang: LangDep) -> Response:
    """The grids tiles are served in."""
    sets = [
        {
            "id": identifier,
            "title": grid.title.in_(lang),
            "crs": grid.crs,
            **({"uri": grid.uri} if grid.uri else {}),
            "links": [_grid_link(links.base, identifier)],
        }
        for identifier, grid in GRIDS.items()
    ]
    return answer_json(request, {"tileMatrixSets": sets}, lang=lang)


@router.get("/tileMatrixSets/{tms}", operation_id="getTileMatrixSet")
async def read_grid(request: Request, tms: str) -> Response:
    """One grid, level by level."""
    return answer_json(request, grid_named(tms).document())


def _grid_link(base: str, identifier: str) -> dict[str, Any]:
    return {
        "rel": f"{REL}/tiling-scheme",
        "type": JSON,
        "href": f"{base}/tileMatrixSets/{identifier}",
    }

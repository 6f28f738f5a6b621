"""Landing page, conformance, tile matrix sets."""

from typing import Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from shanhai_tiles.answers import JSON, answer_json
from shanhai_tiles.dependencies import LangDep, LinksDep, accepts
from shanhai_tiles.grids import GRIDS, grid_named

router = APIRouter(dependencies=[Depends(accepts())], default_response_class=Response)

CONFORMANCE = (
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/landing-page",
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/json",
    "http://www.opengis.net/spec/tms/2.0/conf/tilematrixset",
    "http://www.opengis.net/spec/tms/2.0/conf/json-tilematrixset",
)
"""What tests of ours prove."""

_LINKS = (
    ("self", JSON, "/", "本页", "This document"),
    ("service-desc", "application/vnd.oai.openapi+json;version=3.1", "/api", "接口定义", "API"),
    ("conformance", JSON, "/conformance", "符合性", "Conformance"),
    (
        "http://www.opengis.net/def/rel/ogc/1.0/tiling-schemes",
        JSON,
        "/tileMatrixSets",
        "瓦片矩阵集",
        "Tile matrix sets",
    ),
    ("data", JSON, "/layers", "图层", "Layers"),
)


@router.get("/")
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


@router.get("/conformance")
async def read_conformance(request: Request) -> Response:
    """The conformance classes that hold."""
    return answer_json(request, {"conformsTo": CONFORMANCE})


@router.get("/tileMatrixSets")
async def list_grids(request: Request, links: LinksDep, lang: LangDep) -> Response:
    """The grids tiles are served in."""
    sets = [
        {
            "id": identifier,
            "title": grid.title.in_(lang),
            "crs": grid.document()["crs"],
            "links": [_grid_link(links.base, identifier)],
        }
        for identifier, grid in GRIDS.items()
    ]
    return answer_json(request, {"tileMatrixSets": sets}, lang=lang)


@router.get("/tileMatrixSets/{tms}")
async def read_grid(request: Request, tms: str) -> Response:
    """One grid, level by level."""
    return answer_json(request, grid_named(tms).document())


def _grid_link(base: str, identifier: str) -> dict[str, Any]:
    return {
        "rel": "http://www.opengis.net/def/rel/ogc/1.0/tiling-scheme",
        "type": JSON,
        "href": f"{base}/tileMatrixSets/{identifier}",
    }

"""Tiles of rasters, of vectors and of background maps."""

import re
from collections.abc import Callable, Coroutine, Mapping
from types import MappingProxyType
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from fastapi.routing import APIRoute
from starlette.responses import Response
from starlette.routing import compile_path
from starlette.types import ASGIApp, Receive, Scope, Send

from shanhai.errors import Forbidden, InvalidInput
from shanhai_tiles import dependencies
from shanhai_tiles.answers import Freshness, sends
from shanhai_tiles.basemaps import IMAGES, LAYERS
from shanhai_tiles.errors import tell
from shanhai_tiles.grids import grid_named
from shanhai_tiles.layers.catalogue import RASTER_FORMATS, VECTOR_FORMATS
from shanhai_tiles.request import parse_format, parse_rescale, parse_row
from shanhai_tiles.tile_responses import (
    EMPTY,
    TileRequest,
    answer_kept,
    answer_layered,
    answer_tile,
)
from shanhai_tiles.vector.collections import CHOOSING


class RequestRoute(APIRoute):
    """A route whose function is given the request and nothing else.

    Finding dependencies costs several times what answering a cached tile does. What the function
    takes is told by hand in the route's `openapi_extra`.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The function itself."""
        handler: Callable[[Request], Coroutine[Any, Any, Response]] = self.endpoint
        return handler


def parameter(name: str, place: str, kind: str = "string", **more: Any) -> dict[str, Any]:
    """A parameter as OpenAPI describes it; those in the path are always needed."""
    schema = {"type": kind, **more}
    return {"name": name, "in": place, "required": place == "path", "schema": schema}


router = APIRouter(tags=["tiles"], default_response_class=Response, route_class=RequestRoute)

PATH = "/layers/{layer}/tiles/{tms}/{z}/{x}/{y}.{fmt}"
MOST_TOGETHER = 10
MOST_BANDS = 10_000
NOTHING: Mapping[str, str] = MappingProxyType({})
_NUMBER = re.compile(r"^-?[0-9]{1,9}$")
_refuse_unknown = dependencies.accepts("v", "band", "rescale", "colormap", *CHOOSING)
DESCRIBED = {
    "parameters": [
        *(parameter(name, "path") for name in ("layer", "tms")),
        *(parameter(name, "path", "integer") for name in ("z", "x")),
        parameter("y", "path", description="Row, of rasters with @2x for double size"),
        parameter("fmt", "path", enum=[*RASTER_FORMATS, *VECTOR_FORMATS]),
        *(parameter(name, "query") for name in ("v", "rescale", "colormap", "token")),
        *(parameter(name, "query") for name in sorted(CHOOSING)),
        parameter("lang", "query", enum=["zh", "en"]),
        parameter("band", "query", "integer", minimum=1, maximum=MOST_BANDS, default=1),
    ]
}


ANSWERS = sends(*dict.fromkeys((*RASTER_FORMATS.values(), *VECTOR_FORMATS.values()))) | EMPTY


@router.get(PATH, openapi_extra=DESCRIBED, responses=ANSWERS)
async def read_layer_tile(request: Request) -> Response:
    """A tile: transparent, or 204 for vectors, where the layer holds nothing.

    Several vector layers, with commas between their names, come in one tile.
    """
    services = dependencies.services_of(request)
    query: Mapping[str, str] = NOTHING
    if request.scope["query_string"]:
        _refuse_unknown(request)
        query = request.query_params
    seen = await _see_all(request, services, query)
    asked = _read(request.path_params, query, seen[0])
    if len(seen) == 1:
        return await answer_tile(request, seen[0], services, asked, query.get("v"))
    return await answer_layered(request, seen, services, asked)


async def _see_all(
    request: Request, services: dependencies.Services, query: Mapping[str, str]
) -> list[dependencies.VisibleLayer]:
    names = request.path_params["layer"].split(",")
    if len(names) > MOST_TOGETHER:
        raise InvalidInput(
            f"layer names {len(names)} layers; one tile holds {MOST_TOGETHER} at most",
            message_zh=f"layer 含 {len(names)} 个图层；一个瓦片最多含 {MOST_TOGETHER} 个",
            pointer="layer",
        )
    reader = await dependencies.reader_of(request, services)
    # A tile must not hold two layers of one name.
    once = dict.fromkeys(names)
    seen = [
        await dependencies.look_at(reader, services, name, query, to_draw=True) for name in once
    ]
    rasters = [one.layer.name for one in seen if one.layer.kind == "raster"]
    if rasters and len(seen) > 1:
        raise InvalidInput(
            f"layer {rasters[0][:80]!r} is a raster; only vector layers come several in a tile",
            message_zh=f"图层 {rasters[0][:80]!r} 是栅格；只有矢量图层可合并在一个瓦片中",
            pointer="layer",
        )
    return seen


def _read(
    path: Mapping[str, str], query: Mapping[str, str], seen: dependencies.VisibleLayer
) -> TileRequest:
    row = parse_row(path["y"], seen.layer)
    return TileRequest(
        grid_named(path["tms"]),
        _number("z", path["z"]),
        _number("x", path["x"]),
        row.number,
        parse_format(seen.layer, path["fmt"]),
        row.size,
        _band(query.get("band")),
        parse_rescale(seen.layer, query.get("rescale")),
    )


def _number(name: str, text: str) -> int:
    if _NUMBER.match(text) is None:
        raise InvalidInput(
            f"{name}: is {text[:40]!r}; it must be a whole number",
            message_zh=f"{name}：{text[:40]!r} 无效；应为整数",
            pointer=name,
        )
    return int(text)


def _band(text: str | None) -> int:
    band = 1 if text is None else _number("band", text)
    if 1 <= band <= MOST_BANDS:
        return band
    raise InvalidInput(
        f"band: is {band}; it must be 1 to {MOST_BANDS}",
        message_zh=f"band：{band} 无效；应为 1 至 {MOST_BANDS}",
        pointer="band",
    )


backgrounds = APIRouter(tags=["tiles"], default_response_class=Response)


@backgrounds.get(
    "/basemaps/{layer}/{z}/{x}/{y}",
    dependencies=[Depends(dependencies.accepts())],
    responses=sends(*IMAGES.values()),
)
async def read_basemap_tile(
    request: Request,
    services: dependencies.ServicesDep,
    reader: dependencies.ReaderDep,
    layer: Annotated[str, Path(max_length=40, description=f"One of {', '.join(LAYERS)}")],
    z: int,
    x: int,
    y: int,
) -> Response:
    """A tile of a background map that the operator has named, in web mercator."""
    if reader.layers is not None:
        raise Forbidden(
            "the tile token opens layers, and no background maps",
            message_zh="该瓦片令牌只能打开图层，不能打开底图",
        )
    tile = await services.basemaps.tile(layer, z, x, y)
    lasts_s = services.basemaps.lasts_s(tile)
    freshness = Freshness(tile.etag, not reader.public_read, lasts_s=lasts_s)
    return answer_kept(None if freshness.holds_for(request) else tile, freshness)


_TILE = compile_path(PATH)[0]


class FastPath:
    """ASGI middleware that hands requests for tiles to the function of their route.

    The layers around a router, and its look at each route, take longer than a tile that is kept.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        (self.route,) = router.routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer for a tile, and pass on everything else."""
        plain = scope["type"] == "http" and scope["method"] == "GET" and not scope.get("root_path")
        found = _TILE.match(scope["path"]) if plain else None
        if found is None:
            await self.app(scope, receive, send)
            return
        scope["path_params"], scope["route"] = found.groupdict(), self.route
        request = Request(scope, receive)
        try:
            answer = await read_layer_tile(request)
        except Exception as error:
            answer = await tell(request, error)
        await answer(scope, receive, send)

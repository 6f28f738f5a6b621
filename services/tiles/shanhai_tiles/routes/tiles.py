"""Tiles of rasters and of vectors."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from shanhai_tiles.dependencies import SeenDep, ServicesDep, accepts
from shanhai_tiles.grids import grid_named
from shanhai_tiles.request import parse_format, parse_rescale, parse_row
from shanhai_tiles.serving import Asked, answer_tile
from shanhai_tiles.vector_layers import CHOOSING

router = APIRouter(default_response_class=Response)


@router.get(
    "/layers/{layer}/tiles/{tms}/{z}/{x}/{y}.{fmt}",
    dependencies=[Depends(accepts("v", "band", "rescale", *CHOOSING))],
)
async def read_layer_tile(
    request: Request,
    seen: SeenDep,
    services: ServicesDep,
    tms: str,
    z: int,
    x: int,
    y: str,
    fmt: str,
    v: Annotated[str | None, Query(max_length=64)] = None,
    band: Annotated[int, Query(ge=1, le=10_000)] = 1,
    rescale: str | None = None,
) -> Response:
    """A tile: transparent, or 204 for vectors, where the layer holds nothing."""
    row = parse_row(y, seen.layer)
    asked = Asked(
        grid_named(tms),
        z,
        x,
        row.number,
        parse_format(seen.layer, fmt),
        row.size,
        band,
        parse_rescale(seen.layer, rescale),
    )
    return await answer_tile(request, seen, services, asked, v)

"""`/tile-tokens`."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from shanhai.errors import Unauthenticated
from shanhai_api.body_schema import body_of
from shanhai_api.dependencies import PageQuery, Reader, TheState, TheUnit
from shanhai_api.kit.body import parse, read_json
from shanhai_api.once import once
from shanhai_api.tile_tokens.operations import make_token
from shanhai_api.tile_tokens.schemas import NewTileToken

router = APIRouter(tags=["access"])
Parameters = Annotated[PageQuery, Query()]
NO_STORE = {"Cache-Control": "no-store"}


@router.post(
    "/tile-tokens",
    summary="Make a token that opens tile layers for a while",
    status_code=201,
    openapi_extra=body_of(NewTileToken),
)
async def create_tile_token(
    request: Request, caller: Reader, query: Parameters, state: TheState, unit: TheUnit
) -> Response:
    """Make a token for map clients that can send no headers: `token=` on the tile service.

    It opens the layers named, shows what its owner may see at that moment, and ends with the
    owner's key or account, or earlier.
    """
    if caller.anonymous:
        raise Unauthenticated(
            "a tile token is made for an identity; what is public needs none",
            message_zh="瓦片令牌须由有身份者申请；公开图层不需要令牌",
        )
    body = await read_json(request)
    new = parse(NewTileToken, body.value)
    made = await once(
        request,
        unit,
        caller,
        body_sha256=body.sha256,
        effect=lambda: make_token(
            new,
            caller,
            request.headers["authorization"],
            state.configuration.tile_tokens,
            state.authenticator,
        ),
    )
    return made.response(NO_STORE)

"""`/tile-tokens`."""

from fastapi import APIRouter

from shanhai_api.dependencies import KnownReader
from shanhai_api.kit.body import JsonBody
from shanhai_api.kit.routing import Route
from shanhai_api.kit.writing import Write
from shanhai_api.tile_tokens.models import NewTileToken, OpenedLayers
from shanhai_api.tile_tokens.service import make_token

router = APIRouter(tags=["access"], route_class=Route)


@router.post(
    "/tile-tokens", summary="Make a token that opens tile layers for a while", status_code=201
)
async def create_tile_token(write: Write[KnownReader], new: JsonBody[NewTileToken]) -> OpenedLayers:
    """Make a token for map clients that can send no headers: `token=` on the tile service.

    It opens the layers named, shows what its owner may see at that moment, and ends with the
    owner's key or account, or earlier.
    """
    return await make_token(write, new)

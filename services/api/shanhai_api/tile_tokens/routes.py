"""`/tile-tokens`."""

import time
from datetime import UTC, datetime

from fastapi import APIRouter

from shanhai.db.tile_tokens import TileToken, seal
from shanhai.errors import InvalidInput, NotFound
from shanhai_api.dependencies import KnownReader
from shanhai_api.kit.body import JsonBody
from shanhai_api.kit.routing import Route
from shanhai_api.kit.writing import Write, WriteContext
from shanhai_api.tile_tokens.models import NewTileToken, OpenedLayers


async def make_token(write: WriteContext, new: NewTileToken) -> OpenedLayers:
    """Sign a token for the caller; its text is in this answer only, never in a replay.

    Raises:
        NotFound: no secret to sign with was set.
        InvalidInput: it would be valid for longer than tokens may be.
    """
    settings = write.state.configuration.tile_tokens
    secret = settings.secret.get_secret_value()
    if not secret:
        raise NotFound(
            "tile tokens are not offered here: the operator has set no secret to sign them with",
            message_zh="本服务未提供瓦片令牌：运维人员没有设置签名密钥",
        )
    if new.seconds > settings.longest_s:
        raise InvalidInput(
            f"seconds is {new.seconds}; a token may be valid for {settings.longest_s} s at most",
            message_zh=f"seconds 为 {new.seconds}；令牌最长有效 {settings.longest_s} 秒",
            pointer="/seconds",
        )
    groups, proofs = await write.state.authenticator.shown(write.request.headers["authorization"])
    end, layers = int(time.time()) + new.seconds, frozenset(new.layers)
    token = TileToken(write.caller.owner, layers, end, groups, proofs)
    expires = datetime.fromtimestamp(end, UTC)
    return OpenedLayers(token=seal(token, secret), layers=sorted(layers), expires=expires)


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

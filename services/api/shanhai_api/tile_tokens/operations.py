"""What can be done with tile tokens."""

import time

from shanhai.db.authentication import Authenticator
from shanhai.db.tile_tokens import TileToken, seal
from shanhai.errors import InvalidInput, NotFound
from shanhai.settings import TileTokenSettings
from shanhai_api.identity import Caller
from shanhai_api.once import Made
from shanhai_api.tile_tokens.schemas import NewTileToken, describe_token

SECRETS = frozenset({"token"})


async def make_token(
    new: NewTileToken,
    caller: Caller,
    authorization: str,
    settings: TileTokenSettings,
    authenticator: Authenticator,
) -> Made:
    """Sign a token for the caller; its text is in this answer only, never in a replay.

    Raises:
        NotFound: no secret to sign with was set.
        InvalidInput: it would be valid for longer than tokens may be.
    """
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
    groups, proofs = await authenticator.shown(authorization)
    token = TileToken(
        caller.owner, frozenset(new.layers), int(time.time()) + new.seconds, groups, proofs
    )
    return Made(describe_token(token, seal(token, secret)), secrets=SECRETS)

"""Who asks, and what they may see."""

from dataclasses import dataclass
from ipaddress import ip_address

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request

from shanhai.db.queries import keys
from shanhai.errors import Forbidden, Unauthenticated
from shanhai.vocabulary import Scope
from shanhai_tiles.layers import Layer


@dataclass(frozen=True, slots=True)
class Reader:
    """A caller who may read; `known` when they showed a key."""

    known: bool
    public_read: bool

    def may_see(self, layer: Layer) -> bool:
        """Whether the layer exists for this caller."""
        return self.known or layer.public

    def privately(self, layer: Layer) -> bool:
        """Whether what is answered must not be kept by shared caches."""
        return not (self.public_read and layer.public)


async def identify(session: AsyncSession, request: Request, *, public_read: bool) -> Reader:
    """The caller; a key that is shown must be valid even where none is needed.

    Raises:
        Unauthenticated: no valid key, and anonymous reading is off or the key shown is wrong.
        Forbidden: the key lacks the scope `read`.
    """
    header = request.headers.get("authorization")
    if header is None and public_read:
        return Reader(known=False, public_read=True)
    identity = await keys.verify_key(session, _bearer(header), address=_address(request))
    await session.commit()
    if identity is None:
        raise Unauthenticated(
            "the API key is wrong, expired or revoked", message_zh="API 密钥错误、过期或已吊销"
        )
    if not identity.may(Scope.READ):
        raise Forbidden("the key lacks the scope read", message_zh="该密钥没有 read 权限")
    return Reader(known=True, public_read=public_read)


def _bearer(header: str | None) -> str:
    scheme, _, token = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated(
            "an API key is needed: Authorization: Bearer <key>",
            message_zh="需要 API 密钥：Authorization: Bearer <key>",
        )
    return token.strip()


def _address(request: Request) -> keys.Address | None:
    if request.client is None:
        return None
    try:
        return ip_address(request.client.host)
    except ValueError:
        return None

"""Who asks, and what they may see."""

from dataclasses import dataclass
from ipaddress import ip_address

from starlette.requests import Request

from shanhai.db.authentication import Authenticator
from shanhai.db.identity import ANONYMOUS, Identity, Viewer
from shanhai.db.queries.keys import Address
from shanhai.errors import Forbidden, Unauthenticated
from shanhai.limits import RateLimiter, address_bucket
from shanhai.vocabulary import Scope
from shanhai_tiles.layers import Layer

TILE = 1
FAILED_SIGN_IN = 20
NOBODY = Identity(ANONYMOUS, frozenset({Scope.READ}))


@dataclass(frozen=True, slots=True)
class Reader:
    """A caller who may read."""

    identity: Identity
    public_read: bool

    @property
    def known(self) -> bool:
        """Whether an identity was shown."""
        return not self.identity.anonymous

    @property
    def viewer(self) -> Viewer:
        """Which rows the caller may see."""
        return self.identity.viewer

    def may_see(self, layer: Layer) -> bool:
        """Whether the layer exists for this caller."""
        return self.known or layer.public

    def privately(self, layer: Layer) -> bool:
        """Whether what is answered must not be kept by shared caches."""
        # Collections and jobs show drafts to some callers under the same address.
        drafts = self.known and (layer.kind == "vector" or layer.draft_of is not None)
        return drafts or not (self.public_read and layer.public)


async def identify(
    request: Request, authenticator: Authenticator, limiter: RateLimiter, *, public_read: bool
) -> Reader:
    """The caller; a credential that is shown must be valid even where none is needed.

    Raises:
        Unauthenticated: no valid credential, and anonymous reading is off or the one shown wrong.
        Forbidden: the identity lacks the scope `read`.
        RateLimited: the caller asked for too much in a while.
    """
    header = request.headers.get("authorization")
    address = _address(request)
    bucket = address_bucket(address)
    if header is None and public_read:
        request.state.allowance = limiter.spend(bucket, TILE, anonymous=True)
        return Reader(NOBODY, public_read)
    limiter.check(bucket)
    try:
        if header is None:
            raise Unauthenticated(
                "an identity is needed: Authorization: Bearer <key or token>",
                message_zh="需要身份：Authorization: Bearer <密钥或令牌>",
            )
        identity = await authenticator.identify(header, address)
    except Unauthenticated:
        limiter.spend(bucket, FAILED_SIGN_IN, anonymous=True)
        raise
    request.state.allowance = limiter.spend(identity.owner, TILE)
    if not identity.may(Scope.READ):
        raise Forbidden("the identity lacks the scope read", message_zh="该身份没有 read 权限")
    return Reader(identity, public_read)


def _address(request: Request) -> Address | None:
    if request.client is None:
        return None
    try:
        return ip_address(request.client.host)
    except ValueError:
        return None

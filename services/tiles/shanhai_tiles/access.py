"""Who asks, and what they may see."""

from dataclasses import dataclass
from functools import lru_cache

import structlog
from pydantic import SecretStr
from starlette.requests import Request

from shanhai.db.authentication import Authenticator, unseal
from shanhai.db.fence import BOUND
from shanhai.db.identity import NOBODY, Identity, Viewer
from shanhai.db.queries.keys import Address
from shanhai.errors import Forbidden, Unauthenticated
from shanhai.overload import RateLimiter, address_bucket, parse_address
from shanhai.vocabulary import Scope
from shanhai_tiles.layers.catalogue import Layer

TILE = 1
FAILED_SIGN_IN = 20
TOKEN = "token"  # noqa: S105 - the name of the parameter
NO_SECRET = SecretStr("")
_TOKEN_GIVEN = f"{TOKEN}=".encode()


@dataclass(frozen=True, slots=True)
class TileReader:
    """A caller who may read.

    Attributes:
        layers: The layers a token opens; None where no token was shown.
    """

    identity: Identity
    public_read: bool
    layers: frozenset[str] | None = None

    @property
    def known(self) -> bool:
        """Whether an identity was shown."""
        return not self.identity.anonymous

    @property
    def viewer(self) -> Viewer:
        """Which rows the caller may see."""
        return self.identity.viewer

    def opens(self, name: str) -> bool:
        """Whether what was shown is good for the layer of this name."""
        return self.layers is None or name in self.layers

    def may_see(self, layer: Layer) -> bool:
        """Whether the layer exists for this caller."""
        return layer.seen_by(self.viewer) and self.opens(layer.name)

    def privately(self, layer: Layer) -> bool:
        """Whether what is answered must not be kept by shared caches."""
        if self.layers is not None:
            return True
        # Collections and jobs show drafts to some callers under the same address.
        drafts = self.known and (layer.kind == "vector" or layer.draft_of is not None)
        return drafts or not (self.public_read and layer.public)


NOBODY_IN_PUBLIC = TileReader(NOBODY, public_read=True)


@dataclass(frozen=True, slots=True)
class Gate:
    """What tells who a caller is.

    Attributes:
        secret: What tile tokens are signed with; empty where there are none.
    """

    authenticator: Authenticator
    limiter: RateLimiter
    public_read: bool
    secret: SecretStr = NO_SECRET

    async def identify(self, request: Request) -> TileReader:
        """The caller; a credential that is shown must be valid even where none is needed.

        Raises:
            Unauthenticated: no valid credential, and anonymous reading is off or the one shown
                wrong.
            Forbidden: the identity lacks the scope `read`.
            RateLimited: the caller asked for too much in a while.
        """
        header, token = request.headers.get("authorization"), token_of(request)
        session = self._session_of(request) if header is None and token is None else None
        address, bucket = _origin(None if request.client is None else request.client.host)
        if header is None and token is None and session is None and self.public_read:
            request.state.allowance = self.limiter.spend(bucket, TILE, anonymous=True)
            BOUND.set(NOBODY.row_scope)
            return NOBODY_IN_PUBLIC
        self.limiter.check(bucket)
        try:
            reader = (
                await self._known(header, token, address)
                if session is None
                else await self._signed_in(session, address)
            )
        except Unauthenticated as error:
            if header is not None or token is not None:
                self.authenticator.note_refusal(error, bucket)
            self.limiter.spend(bucket, FAILED_SIGN_IN, anonymous=True)
            raise
        structlog.contextvars.bind_contextvars(identity=reader.identity.owner)
        BOUND.set(reader.identity.row_scope)
        request.state.allowance = self.limiter.spend(reader.identity.owner, TILE)
        if not reader.identity.may(Scope.READ):
            raise Forbidden("the identity lacks the scope read", message_zh="该身份没有 read 权限")
        return reader

    def _session_of(self, request: Request) -> str | None:
        """The token of the session that a browser shows; it only reads here."""
        if "cookie" not in request.headers:
            return None
        return request.cookies.get(self.authenticator.sign_in.cookie)

    async def _signed_in(self, session: str, address: Address | None) -> TileReader:
        identity = (await self.authenticator.identify_session(session, address)).identity
        if identity is None:
            raise Unauthenticated("the sign-in is not finished", message_zh="登录尚未完成")
        return TileReader(identity, self.public_read)

    async def _known(
        self, header: str | None, token: str | None, address: Address | None
    ) -> TileReader:
        if header is not None:
            identity = await self.authenticator.identify(header, address)
            return TileReader(identity, self.public_read)
        if token is None:
            raise Unauthenticated(
                "an identity is needed: Authorization: Bearer <key or token>, or token=",
                message_zh="需要身份：Authorization: Bearer <密钥或令牌>，或 token=",
            )
        shown = unseal(token, self.secret.get_secret_value())
        identity = await self.authenticator.recall(
            shown.owner, address, groups=shown.groups, proofs=shown.proofs
        )
        return TileReader(identity, self.public_read, shown.layers)


def token_of(request: Request) -> str | None:
    """The tile token a request came with."""
    if _TOKEN_GIVEN not in request.scope["query_string"]:
        return None
    return request.query_params.get(TOKEN)


@lru_cache(maxsize=4096)
def _origin(host: str | None) -> tuple[Address | None, str]:
    """The address of a caller, and the bucket it spends from while it has no other name."""
    address = parse_address(host)
    return address, address_bucket(address)

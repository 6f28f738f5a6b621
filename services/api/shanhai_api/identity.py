"""Who is calling, and what they may do."""

from dataclasses import dataclass

from fastapi import Request

from shanhai.db.queries.keys import verify_key
from shanhai.errors import Forbidden, Unauthenticated
from shanhai.vocabulary import Scope
from shanhai_api.address import client_address
from shanhai_api.state import State, state_of

ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True)
class Caller:
    """A caller; without identity only what is published is shown."""

    owner: str
    scopes: frozenset[Scope]

    @property
    def anonymous(self) -> bool:
        """Whether no identity was given."""
        return self.owner == ANONYMOUS

    def may(self, scope: Scope) -> bool:
        """Whether the scope was granted; `admin` includes every other."""
        return scope in self.scopes or Scope.ADMIN in self.scopes


async def caller_of(request: Request) -> Caller:
    """The caller by API key, or the anonymous one where the public may read.

    Raises:
        Unauthenticated: the key is not valid.
    """
    state = state_of(request)
    header = request.headers.get("authorization")
    if header is None:
        public = state.configuration.public.public_read
        return Caller(ANONYMOUS, frozenset({Scope.READ}) if public else frozenset())
    scheme, _, key = header.partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated(
            "Authorization must read `Bearer <API key>`",
            message_zh="Authorization 须为 `Bearer <API 密钥>`",
        )
    return await _caller_by_key(state, request, key.strip())


async def _caller_by_key(state: State, request: Request, key: str) -> Caller:
    async with state.sessions.begin() as session:
        identity = await verify_key(session, key, address=client_address(request))
    if identity is None:
        raise Unauthenticated(
            "the API key is unknown, expired, revoked or not valid from this address",
            message_zh="API 密钥不存在、已过期、已撤销，或不能从该地址使用",
        )
    return Caller(identity.owner, identity.scopes)


def demand(caller: Caller, scope: Scope) -> Caller:
    """The caller, who must have the scope.

    Raises:
        Unauthenticated: no identity was given, and one is needed.
        Forbidden: the identity lacks the scope.
    """
    if caller.may(scope):
        return caller
    if caller.anonymous:
        raise Unauthenticated(
            f"an API key with scope {scope.value!r} is needed",
            message_zh=f"需要具有 {scope.value!r} 权限的 API 密钥",
        )
    raise Forbidden(
        f"this API key lacks the scope {scope.value!r}",
        message_zh=f"该 API 密钥没有 {scope.value!r} 权限",
    )

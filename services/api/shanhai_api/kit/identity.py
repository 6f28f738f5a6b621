"""Who is calling, what they may do, and what a request costs their allowance."""

from fastapi import Request

from shanhai.db.identity import ANONYMOUS, Identity
from shanhai.errors import Forbidden, Unauthenticated
from shanhai.overload import address_bucket
from shanhai.vocabulary import Role, Scope
from shanhai_api.kit.requests import client_address
from shanhai_api.kit.state import ServiceState, state_of

FAILED_SIGN_IN = 20
WRITE = 5
COMPUTATION = 20
FILE = 50
ROWS_A_POINT = 100
FILE_FORMATS = frozenset({"csv", "fgb", "geojsonseq", "gpkg", "kml", "parquet", "shp"})


def cost_of(request: Request) -> int:
    """The cost, from the address alone: it is taken before anything is read."""
    if request.method not in {"GET", "HEAD", "OPTIONS"}:
        return COMPUTATION if request.url.path.endswith("/execution") else WRITE
    query = request.scope["query_string"]
    if b"limit=" not in query and b"f=" not in query and b"top=" not in query:
        return 1
    if request.query_params.get("f") in FILE_FORMATS:
        return FILE
    # SensorThings calls it otherwise.
    limit = request.query_params.get("limit") or request.query_params.get("$top", "")
    rows = int(limit) if limit.isdecimal() and len(limit) <= 5 else 0
    return 1 + rows // ROWS_A_POINT


Caller = Identity
"""Identities are called so where requests are answered."""


async def caller_of(request: Request) -> Identity:
    """Whom the request speaks for, or the anonymous caller where the public may read.

    Raises:
        Unauthenticated: the credential is not valid.
        RateLimited: the caller asked for too much in a while.
    """
    state = state_of(request)
    header = request.headers.get("authorization")
    caller = await _identify(state, request, header) if header else _anybody(state)
    spender = address_bucket(client_address(request)) if caller.anonymous else caller.owner
    request.state.allowance = state.limiter.spend(
        spender, cost_of(request), anonymous=caller.anonymous
    )
    return caller


def _anybody(state: ServiceState) -> Identity:
    public = state.configuration.public.public_read
    return Identity(ANONYMOUS, frozenset({Scope.READ}) if public else frozenset())


async def _identify(state: ServiceState, request: Request, header: str) -> Identity:
    address = client_address(request)
    bucket = address_bucket(address)
    state.limiter.check(bucket)
    try:
        return await state.authenticator.identify(header, address)
    except Unauthenticated:
        # Guessing costs the address it comes from; the key that is guessed at keeps its allowance.
        state.limiter.spend(bucket, FAILED_SIGN_IN, anonymous=True)
        raise


def demand(caller: Identity, scope: Scope) -> Identity:
    """The caller, who must have the scope.

    Raises:
        Unauthenticated: no identity was given, and one is needed.
        Forbidden: the identity lacks the scope.
    """
    if caller.may(scope):
        return caller
    if caller.anonymous:
        raise Unauthenticated(
            f"an identity with scope {scope.value!r} is needed",
            message_zh=f"需要具有 {scope.value!r} 权限的身份",
        )
    raise Forbidden(
        f"this identity lacks the scope {scope.value!r}",
        message_zh=f"该身份没有 {scope.value!r} 权限",
    )


def may_audit(caller: Identity) -> bool:
    """Whether the caller may read the whole audit log, which has no regions."""
    if caller.may(Scope.ADMIN):
        return True
    grants = caller.grants or ()
    return any(grant.role is Role.AUDITOR and grant.regions is None for grant in grants)

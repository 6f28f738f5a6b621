"""What a request tells of itself, who is calling, what they may do, and what it costs them."""

import hashlib
import hmac
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address
from typing import Any
from urllib.parse import urlsplit

import structlog
from fastapi import Request

from shanhai.db.authentication import KeySignedIn, SignedIn
from shanhai.db.fence import BOUND
from shanhai.db.identity import ANONYMOUS, Identity
from shanhai.errors import Conflict, Forbidden, ShanhaiError, Unauthenticated
from shanhai.overload import address_bucket, parse_address
from shanhai.passwords import csrf_of
from shanhai.settings import PublicSettings
from shanhai.vector.formats import FILE_FORMATS
from shanhai.vocabulary import Role, Scope
from shanhai_api.kit.state import ServiceState, state_of


def request_id_of(request: Request) -> str:
    """The id the middleware gave the request."""
    return str(request.state.request_id)


Address = IPv4Address | IPv6Address


def base_url(request: Request) -> str:
    """The public base URL: configured, or as a trusted proxy says."""
    public = state_of(request).configuration.public
    host = request.headers.get("x-forwarded-host")
    if host is None or not is_trusted(peer(request), public):
        return public.api_url
    scheme = request.headers.get("x-forwarded-proto", "https")
    prefix = request.headers.get("x-forwarded-prefix", "").rstrip("/")
    return f"{scheme}://{host}{prefix}"


def client_address(request: Request) -> Address | None:
    """The caller's address: the nearest one that is not a trusted proxy's."""
    found: dict[str, Any] = request.scope.setdefault("state", {})
    if "address" not in found:
        found["address"] = _client_address(request)
    address: Address | None = found["address"]
    return address


def _client_address(request: Request) -> Address | None:
    public = state_of(request).configuration.public
    address = peer(request)
    # A proxy may add a header of its own below the one a caller made up.
    hops = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
    for hop in reversed([hop.strip() for hop in hops if hop.strip()]):
        if not is_trusted(address, public):
            break
        address = parse_address(hop)
    return address


def callers_of(request: Request) -> tuple[str, ...]:
    """What a request comes from, before anything of it is verified: an address, a credential.

    A made-up credential is none that others have; its address is counted all the same.
    """
    address = address_bucket(client_address(request))
    shown = request.headers.get("authorization") or session_token(request)
    if shown is None:
        return (address,)
    return address, hashlib.sha256(shown.encode()).hexdigest()


def session_token(request: Request) -> str | None:
    """The token of a browser's session; whoever sends a key or token acts by that alone."""
    if "cookie" not in request.headers or "authorization" in request.headers:
        return None
    return request.cookies.get(state_of(request).configuration.sign_in.cookie) or None


def is_form(request: Request) -> bool:
    """Whether a page's form is sent, and not JSON."""
    return request.headers.get("content-type", "").lower().startswith(FORM)


FORM = "application/x-www-form-urlencoded"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def demand_own_page(request: Request) -> None:
    """Refuse what another site's page makes a browser send.

    A page that tells nobody where one comes from (`Referrer-Policy: no-referrer`) has the origin
    `null`, also when it is our own: then the browser's word `Sec-Fetch-Site` is needed.

    Raises:
        Forbidden: it comes from there.
    """
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    own = urlsplit(base_url(request))
    is_own = origin in {None, f"{own.scheme}://{own.netloc}"}
    if site not in {None, "same-origin", "none"} or not (
        is_own or (origin == "null" and site == "same-origin")
    ):
        raise Forbidden(
            "the request comes from a page of another site", message_zh="该请求来自其他网站的页面"
        )


def demand_csrf(token: str, given: str | None) -> None:
    """Refuse a request of a session that does not bring the session's own text along.

    Raises:
        Forbidden: there is none, or it is another session's.
    """
    if not hmac.compare_digest(csrf_of(token).encode(), (given or "").encode()):
        raise Forbidden(
            "X-CSRF-Token of this session is needed, or the field csrf of a form: see /session",
            message_zh="须给出本会话的 X-CSRF-Token，或表单字段 csrf，见 /session",
        )


def peer(request: Request) -> Address | None:
    """The address of the other end of the connection."""
    return parse_address(request.client.host) if request.client is not None else None


def is_trusted(address: Address | None, public: PublicSettings) -> bool:
    """Whether the address belongs to a proxy whose headers are believed."""
    return address is not None and any(address in network for network in public.trusted_proxies)


FAILED_SIGN_IN = 20
WRITE = 5
COMPUTATION = 20
FILE = 50
ROWS_A_POINT, MOST_ROWS = 100, 99_999
FILE_TYPES = frozenset(item.accepted for item in FILE_FORMATS.values()) - {None}
DARWIN_CORE = "/collections/occurrences/darwin-core"


def preferred_type(request: Request) -> str:
    """The first media type that is accepted; empty where none is named."""
    return request.headers.get("accept", "").partition(",")[0].partition(";")[0].strip()


def cost_of(request: Request) -> int:
    """The cost, from the head alone: it is taken before anything is read."""
    if request.method not in {"GET", "HEAD", "OPTIONS"}:
        return COMPUTATION if request.scope["path"].endswith("/execution") else WRITE
    asked = request.query_params if request.scope["query_string"] else {}
    is_file = asked["f"] in FILE_FORMATS if "f" in asked else preferred_type(request) in FILE_TYPES
    if is_file or request.scope["path"] == DARWIN_CORE:
        return FILE
    # SensorThings calls it otherwise.
    rows = max(_rows(asked.get("limit")), _rows(asked.get("$top")))
    return 1 + rows // ROWS_A_POINT


def _rows(limit: str | None) -> int:
    """How many are asked for, however it is written; what no route takes counts nothing."""
    try:
        rows = int(float(limit or 0))
    except (OverflowError, ValueError):
        return 0
    return rows if 0 < rows <= MOST_ROWS else 0


ANEW_S = 5.0
"""Seconds for which a stream goes on as whoever opened it."""
Caller = Identity
"""Identities are called so where requests are answered."""


async def caller_of(request: Request) -> Identity:
    """Whom the request speaks for, or the anonymous caller where the public may read.

    Raises:
        Unauthenticated: the credential is not valid.
        RateLimited: the caller asked for too much in a while.
    """
    return spend_of(request, await _identity_of(request))


MOST_PRESUMED_BYTES = 64 * 1024
"""More is not taken in of somebody who was not looked at."""


async def presumed_of(request: Request) -> Identity:
    """Whom a small request speaks for; a key may be taken to be as it was last looked at.

    That saves senders of single values one of two questions they wait for. It is for what is stored
    if the identity's `stamp` holds; before anything else is done or told, `confirm` it.

    Raises:
        Unauthenticated, RateLimited: as `caller_of`.
    """
    state, header = state_of(request), request.headers.get("authorization", "")
    length, address = request.headers.get("content-length", ""), client_address(request)
    state.limiter.check(address_bucket(address))
    known = None
    if length.isdecimal() and int(length) <= MOST_PRESUMED_BYTES:
        known = await state.authenticator.presume(header, address)
    if known is None:
        return spend_of(request, await _identity_of(request))
    async with confirmed_first(request, known):
        return spend_of(request, known)


async def confirm(request: Request, caller: Identity) -> Identity:
    """The caller, looked at now if it was presumed.

    Raises:
        Unauthenticated: its key is not valid any more.
    """
    if caller.stamp is None:
        return caller
    request.state.looked = True
    return await _identity_of(request)


@asynccontextmanager
async def confirmed_first(request: Request, caller: Identity) -> AsyncIterator[None]:
    """Tell a caller who was presumed what went wrong only once it was confirmed."""
    try:
        try:
            yield
        except Exception:
            if not getattr(request.state, "looked", False):
                await confirm(request, caller)
            raise
    except Unauthenticated:
        # What was noted of the caller is for nobody to be told.
        request.state.allowance = None
        structlog.contextvars.bind_contextvars(identity=None)
        raise


async def _identity_of(request: Request) -> Identity:
    state = state_of(request)
    header, token = request.headers.get("authorization"), session_token(request)
    if header:
        return await _identify(state, request, header)
    return _anybody(state) if token is None else await _in_session(state, request, token)


@dataclass
class StreamReader:
    """Who reads a stream of events, asked anew from time to time: keys and sessions end."""

    request: Request
    caller: Identity
    asked_at: float = field(default_factory=time.monotonic)

    async def now(self) -> Identity | None:
        """The caller as they are; None where they may no longer read."""
        if not self.caller.anonymous and time.monotonic() - self.asked_at >= ANEW_S:
            self.asked_at = time.monotonic()
            try:
                self.caller = demand(await _identity_of(self.request), Scope.READ)
            except ShanhaiError:
                return None
            BOUND.set(self.caller.row_scope)
        return self.caller


async def visitor_of(request: Request) -> Identity:
    """The caller, for whom a session counts for nothing: what is done is allowed by other means."""
    state = state_of(request)
    header = request.headers.get("authorization")
    caller = await _identify(state, request, header) if header else _anybody(state)
    return spend_of(request, caller)


async def signed_in_of(request: Request) -> SignedIn | KeySignedIn:
    """The session a browser shows, finished or not; unsafe requests come from our own pages.

    Raises:
        Unauthenticated: it has ended, or there is none.
        Forbidden: it comes from elsewhere.
        RateLimited: its account asked for too much in a while.
    """
    token = session_token(request)
    if token is None:
        raise Unauthenticated("nobody is signed in", message_zh="尚未登录")
    signed_in = await _session(state_of(request), request, token)
    if request.method not in SAFE:
        demand_own_page(request)
    spend_of(request, Identity(_owner_of(signed_in), frozenset()))
    return signed_in


async def person_of(request: Request) -> SignedIn:
    """The session of an account that a browser shows.

    Raises:
        Conflict: the session is of an API key.
        ShanhaiError: as `signed_in_of`.
    """
    signed_in = await signed_in_of(request)
    if isinstance(signed_in, KeySignedIn):
        raise Conflict(
            "the session is of an API key, which has no password and no second factor",
            message_zh="该会话由 API 密钥登录，没有口令和第二重验证",
        )
    return signed_in


def _owner_of(signed_in: SignedIn | KeySignedIn) -> str:
    if isinstance(signed_in, KeySignedIn):
        return signed_in.identity.owner
    return signed_in.holder.owner


class EndedSession(Unauthenticated):
    """The session a browser shows has ended."""

    def __init__(self, message: str, *, message_zh: str, cookie: str) -> None:
        super().__init__(message, message_zh=message_zh)
        self.headers = {"WWW-Authenticate": 'Bearer realm="shanhai"', "Set-Cookie": cookie}


def cookie_name(request: Request, suffix: str = "") -> str:
    """The name of the cookie of sessions, or of one that goes with it."""
    return f"{state_of(request).configuration.sign_in.cookie}{suffix}"


def kept(request: Request, token: str, suffix: str = "") -> str:
    """The header that makes a browser keep a session's token, until it is closed."""
    safe = "" if state_of(request).configuration.sign_in.plain_cookie else " Secure;"
    return f"{cookie_name(request, suffix)}={token}; Path=/;{safe} HttpOnly; SameSite=Lax"


def forgotten(request: Request, suffix: str = "") -> str:
    """The header that makes a browser forget it."""
    return f"{kept(request, '', suffix)}; Max-Age=0"


async def _session(state: ServiceState, request: Request, token: str) -> SignedIn | KeySignedIn:
    address = client_address(request)
    bucket = address_bucket(address)
    state.limiter.check(bucket)
    try:
        signed_in = await state.authenticator.identify_session(token, address)
    except Unauthenticated as error:
        state.limiter.spend(bucket, FAILED_SIGN_IN, anonymous=True)
        # The browser forgets it: the next page is read by whoever is not signed in.
        cookie = forgotten(request)
        raise EndedSession(error.message, message_zh=error.message_zh, cookie=cookie) from error
    if isinstance(signed_in, KeySignedIn):
        request.state.person = signed_in.session.name
    else:
        request.state.person = signed_in.holder.account.name
    return signed_in


async def _in_session(state: ServiceState, request: Request, token: str) -> Identity:
    signed_in = await _session(state, request, token)
    if signed_in.identity is None:
        raise Unauthenticated(
            "the sign-in is not finished: see /session", message_zh="登录尚未完成，请见 /session"
        )
    if request.method not in SAFE:
        demand_own_page(request)
        demand_csrf(token, request.headers.get("x-csrf-token"))
    return signed_in.identity


def spend_of(request: Request, caller: Identity) -> Identity:
    """The caller, who pays for the request, and whose rows it may reach.

    Raises:
        RateLimited: the caller asked for too much in a while.
    """
    state = state_of(request)
    structlog.contextvars.bind_contextvars(identity=caller.owner)
    BOUND.set(caller.row_scope)
    spender = address_bucket(client_address(request)) if caller.anonymous else caller.owner
    request.state.allowance = state.limiter.spend(
        spender, cost_of(request), anonymous=caller.anonymous
    )
    return caller


def _anybody(state: ServiceState) -> Identity:
    public = state.configuration.public.public_read
    return Identity(ANONYMOUS, frozenset({Scope.READ}) if public else frozenset())


async def _identify(state: ServiceState, request: Request, header: str) -> Identity:
    with counting_refusals(request) as address:
        return await state.authenticator.identify(header, address)


async def identify_key(request: Request, key: str) -> Identity:
    """Whom an API key speaks for that comes by a form.

    Raises:
        Unauthenticated: it is not valid.
        RateLimited: too many that were not valid came from there.
    """
    with counting_refusals(request) as address:
        return await state_of(request).authenticator.identify_key(key, address)


@contextmanager
def counting_refusals(request: Request) -> Iterator[Address | None]:
    """Note whom the block refuses, for the audit log and against guessing; gives the address.

    Raises:
        RateLimited: too many were refused from there.
    """
    state, address = state_of(request), client_address(request)
    bucket = address_bucket(address)
    state.limiter.check(bucket)
    try:
        yield address
    except Unauthenticated as error:
        state.authenticator.note_refusal(error, bucket)
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

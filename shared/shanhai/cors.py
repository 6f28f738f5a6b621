"""Whose pages may read answers in a browser: the one rule of API and tile service (CORS).

Any page may read what is answered to whoever shows no identity. What is answered to an identity is
for the pages of the services' own two origins, and of those the operator has named. Credentials
that a browser adds by itself (cookies) are allowed to the console's pages alone, and only where
nothing is written: any other page shows what it was given itself.
"""

from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shanhai.settings import PublicSettings

Pair = tuple[bytes, bytes]
MAX_AGE_S = 86_400
VARYING: Pair = (b"vary", b"Origin")
COOKIES: Pair = (b"access-control-allow-credentials", b"true")


class CrossOriginAccess:
    """ASGI middleware: answers preflights, and says of each answer whose pages may read it.

    A preflight is answered without looking at any identity; browsers send none with it.

    Args:
        app: What answers the rest.
        public: Which origins are named.
        methods: What pages of any origin may do.
        named_methods: What pages of named origins may do.
        headers: What pages of any origin may send, beside what they always may.
        named_headers: What pages of named origins may send besides.
        exposed: Headers of answers that pages may read, beside those they always may.
        trusted: Origin whose pages may send cookies along, of a service that only reads.
    """

    def __init__(
        self,
        app: ASGIApp,
        public: PublicSettings,
        *,
        methods: Iterable[str],
        named_methods: Iterable[str],
        headers: Iterable[str],
        named_headers: Iterable[str],
        exposed: Iterable[str],
        trusted: str | None = None,
    ) -> None:
        self.app = app
        own = (origin_of(public.api_url), origin_of(public.tiles_url))
        self.origins = frozenset(origin.encode() for origin in (*own, *public.cors_origins))
        everybody = tuple(headers)
        self.allowed = {
            False: (tuple(methods), _list(everybody)),
            True: (tuple(named_methods), _list((*everybody, *named_headers))),
        }
        self.trusted = None if trusted is None else trusted.encode()
        self.exposed: Pair = (b"access-control-expose-headers", _list(exposed))
        self.open: list[Pair] = [(b"access-control-allow-origin", b"*"), self.exposed]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a preflight, or let the request through."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = dict(scope["headers"])
        if scope["method"] == "OPTIONS" and b"access-control-request-method" in given:
            await self._answer_preflight(given, send)
            return
        readers = self._readers(given, scope["query_string"])

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *readers]
            await send(message)

        await self.app(scope, receive, told)

    def _readers(self, given: dict[bytes, bytes], query: bytes) -> list[Pair]:
        if b"authorization" not in given and b"cookie" not in given and b"token=" not in query:
            return self.open
        origin = given.get(b"origin", b"")
        if origin not in self.origins:
            return [VARYING]
        cookies = [COOKIES] if origin == self.trusted else []
        return [(b"access-control-allow-origin", origin), *cookies, self.exposed, VARYING]

    async def _answer_preflight(self, given: dict[bytes, bytes], send: Send) -> None:
        origin = given.get(b"origin", b"")
        named = origin in self.origins
        methods, headers = self.allowed[named]
        wanted = given[b"access-control-request-method"].decode("latin-1")
        answer = [
            (b"access-control-allow-origin", origin if named else b"*"),
            (b"access-control-allow-methods", _list(methods)),
            (b"access-control-allow-headers", headers),
            (b"access-control-max-age", b"%d" % MAX_AGE_S),
            *([COOKIES] if origin == self.trusted else []),
            VARYING,
        ]
        status = 204 if wanted in methods else 400
        await send({"type": "http.response.start", "status": status, "headers": answer})
        await send({"type": "http.response.body", "body": b""})


def origin_of(url: str) -> str:
    """The origin of an address, as browsers write it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _list(names: Iterable[str]) -> bytes:
    return ", ".join(names).encode()

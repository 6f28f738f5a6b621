"""HTTP caching: entity tags, freshness and conditional answers."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import Response

from shanhai import __version__
from shanhai.vocabulary import Lang
from shanhai_tiles.answers import JsonAnswer, Model

Kind = TypeVar("Kind", bound=Response)

RENDERER = "2"
"""Raised whenever one release would draw or encode the same cells in another way."""

A_YEAR = 365 * 24 * 3600
PROXY_KEEPS_S = 1
"""Seconds for which our own proxy may answer without asking: what is withdrawn is gone by then."""


def etag_of(*parts: object) -> str:
    """A strong entity tag of everything a representation depends on."""
    return f'"{digest_of(*parts)}"'


def digest_of(*parts: object) -> str:
    """The name of everything that was drawn from the same."""
    digest = hashlib.sha256("\x1f".join(map(str, (__version__, RENDERER, *parts))).encode())
    return digest.hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Freshness:
    """How long, and where, an answer may be kept.

    Attributes:
        etag: Its strong entity tag.
        private: Whether an identity was needed to see it.
        versioned: Whether the address names the very version that is answered.
    """

    etag: str
    private: bool = False
    versioned: bool = False

    @property
    def headers(self) -> dict[str, str]:
        """`ETag` and `Cache-Control`."""
        who = "private" if self.private else "public"
        how_long = f"max-age={A_YEAR}, immutable" if self.versioned else "no-cache"
        return {"ETag": self.etag, "Cache-Control": f"{who}, {how_long}"}

    @property
    def proxied(self) -> dict[str, str]:
        """What our own proxy is told: to keep nothing, unless it is told that it may.

        What must be asked for each time is kept as something that ended long ago: the proxy then
        asks whether its copy still holds.
        """
        if self.private:
            return {}
        return {"X-Accel-Expires": str(PROXY_KEEPS_S) if self.versioned else "@1"}

    def holds_for(self, request: Request) -> bool:
        """Whether the caller already has this representation."""
        known = request.headers.get("if-none-match")
        if known is None:
            return False
        tags = {tag.strip().removeprefix("W/") for tag in known.split(",")}
        return self.etag in tags or "*" in tags

    def not_modified(self, request: Request) -> Response | None:
        """304 when the caller already has this representation."""
        if self.holds_for(request):
            return Response(status_code=304, headers=self.headers)
        return None


JSON = "application/json"


def answer(
    request: Request,
    body: bytes,
    media_type: str,
    *,
    private: bool,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The body with an entity tag of its content; 304 when the caller has it."""
    return _conditional(Response, request, body, media_type, private, headers or {})


def answer_json(
    request: Request,
    document: Model,
    *,
    lang: Lang | None = None,
    private: bool = False,
    media_type: str = JSON,
) -> JsonAnswer[Model]:
    """A JSON document."""
    headers = {} if lang is None else {"Content-Language": lang}
    body = document.model_dump_json(by_alias=True).encode()
    return _conditional(JsonAnswer[Model], request, body, media_type, private, headers)


def _conditional(
    kind: Callable[..., Kind],
    request: Request,
    body: bytes,
    media_type: str,
    private: bool,
    headers: Mapping[str, str],
) -> Kind:
    freshness = Freshness(etag_of(media_type, body), private=private)
    if freshness.holds_for(request):
        return kind(status_code=304, headers=freshness.headers)
    vary = {"Vary": "Accept-Language, Authorization"}
    return kind(body, headers={**freshness.headers, **vary, **headers}, media_type=media_type)

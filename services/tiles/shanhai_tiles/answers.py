"""Documents as conditional HTTP answers."""

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from shanhai.vocabulary import Lang
from shanhai_tiles.cache import Freshness, etag_of

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
    freshness = Freshness(etag_of(media_type, body), private=private)
    vary = {"Vary": "Accept-Language, Authorization"}
    return freshness.not_modified(request) or Response(
        body, headers={**freshness.headers, **vary, **(headers or {})}, media_type=media_type
    )


def answer_json(
    request: Request,
    document: Any,
    *,
    lang: Lang | None = None,
    private: bool = False,
    media_type: str = JSON,
) -> Response:
    """A JSON document."""
    headers = {} if lang is None else {"Content-Language": lang}
    body = orjson.dumps(document)
    return answer(request, body, media_type, private=private, headers=headers)

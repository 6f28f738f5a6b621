"""What is answered: models in JSON, other media types by name; caching and conditional answers."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from inspect import signature
from typing import Annotated, Any, Generic, TypeVar, get_args, get_origin

from fastapi.datastructures import DefaultPlaceholder
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from pydantic.json_schema import SkipJsonSchema
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from shanhai import __version__
from shanhai.vocabulary import Lang

T = TypeVar("T")
Model = TypeVar("Model", bound=BaseModel)
Maybe = Annotated[T | SkipJsonSchema[None], Field(exclude_if=lambda value: value is None)]
"""A member that is left out when there is nothing to say; its default is None."""
Responses = dict[int | str, dict[str, Any]]
Corners = tuple[float, float, float, float]
"""West, south, east, north in degrees."""


class DocumentPart(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(validate_by_name=True)

    def as_json(self) -> dict[str, Any]:
        """Its members as they are sent."""
        return self.model_dump(mode="json", by_alias=True)


class OgcDocumentPart(DocumentPart):
    """A part of an answer whose members are called as OGC's standards call them."""

    model_config = ConfigDict(alias_generator=to_camel)


class DocumentLink(DocumentPart):
    """A link to another resource."""

    rel: str
    type: str
    href: str
    title: Maybe[str] = None
    templated: Maybe[bool] = None


class JsonAnswer(Response, Generic[Model]):
    """A document of a model, which its route declares; without it where the caller has it."""


class DocumentRoute(APIRoute):
    """A route that declares the model of which its function says it answers a `JsonAnswer`."""

    def __init__(
        self, path: str, endpoint: Callable[..., Awaitable[Response]], **options: Any
    ) -> None:
        told = signature(endpoint).return_annotation
        if isinstance(options["response_model"], DefaultPlaceholder):
            answers_json = get_origin(told) is JsonAnswer
            options["response_model"] = get_args(told)[0] if answers_json else None
        if isinstance(options["response_class"], DefaultPlaceholder):
            options["response_class"] = JSONResponse if options["response_model"] else Response
        super().__init__(path, endpoint, **options)


def sends(*media_types: str, description: str = "Successful Response") -> Responses:
    """What a route declares that answers no JSON."""
    content = {name: {"schema": {"type": "string", "format": "binary"}} for name in media_types}
    return {200: {"description": description, "content": content}}


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
        lasts_s: Seconds for which it may be kept unasked, where nothing can withdraw it.
    """

    etag: str
    private: bool = False
    versioned: bool = False
    lasts_s: int = 0

    @property
    def headers(self) -> dict[str, str]:
        """`ETag` and `Cache-Control`."""
        who = "private" if self.private else "public"
        how_long = f"max-age={self.lasts_s}" if self.lasts_s else "no-cache"
        if self.versioned:
            how_long = f"max-age={A_YEAR}, immutable"
        return {"ETag": self.etag, "Cache-Control": f"{who}, {how_long}"}

    @property
    def proxied(self) -> dict[str, str]:
        """What our own proxy is told: to keep nothing, unless it is told that it may.

        What must be asked for each time is kept as something that ended long ago: the proxy then
        asks whether its copy still holds.
        """
        if self.private:
            return {}
        if self.lasts_s:
            return {"X-Accel-Expires": str(self.lasts_s)}
        return {"X-Accel-Expires": str(PROXY_KEEPS_S) if self.versioned else "@1"}

    def holds_for(self, request: Request) -> bool:
        """Whether the caller already has this representation."""
        known = request.headers.get("if-none-match")
        if known is None:
            return False
        tags = {tag.strip().removeprefix("W/") for tag in known.split(",")}
        return self.etag in tags or "*" in tags


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
    kept = {**freshness.headers, "Vary": "Accept-Language, Authorization, Cookie"}
    if freshness.holds_for(request):
        return kind(status_code=304, headers=kept)
    return kind(body, headers={**kept, **headers}, media_type=media_type)

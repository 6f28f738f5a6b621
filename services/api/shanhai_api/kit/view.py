"""How one request is answered: addresses, language, format (`f=`, then `Accept`), caching."""

import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self, TypeVar
from urllib.parse import unquote, urlencode
from zoneinfo import ZoneInfo

import orjson
from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from xxhash import xxh3_128_hexdigest

from shanhai.errors import InvalidInput
from shanhai.negotiation import chosen_language, preferred, wished_most
from shanhai.passwords import csrf_of
from shanhai.settings import SignInSettings
from shanhai.vector.formats import FileFormat
from shanhai.vocabulary import Lang
from shanhai_api.kit.errors import NotAcceptable
from shanhai_api.kit.pages import render
from shanhai_api.kit.requests import base_url, request_id_of, session_token
from shanhai_api.kit.state import state_of


@dataclass(frozen=True, slots=True)
class Format:
    """A format by its short name and media type."""

    name: str
    media_type: str


Offered = TypeVar("Offered", bound=Format | FileFormat)
JSON = Format("json", "application/json")
GEOJSON = Format("geojson", "application/geo+json")
FEATURES = re.compile(r"/collections/[^/]+/items(/[^/]+)?")
SCHEMA = Format("json", "application/schema+json")
HTML = Format("html", "text/html")
TEXT = Format("text", "text/plain")
CSV = Format("csv", "text/csv")
PDF = Format("pdf", "application/pdf")
DOCX = Format("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document")
EVENTS = Format("events", "text/event-stream")
OPENAPI = Format("json", "application/vnd.oai.openapi+json;version=3.0")


def choose_format(request: Request, offered: tuple[Format, ...]) -> Format:
    """The format asked for; the first one offered when nothing is asked.

    Raises:
        InvalidInput: `f` names a format that is not offered.
        NotAcceptable: `Accept` allows none of them.
    """
    wanted = request.query_params.get("f")
    if wanted is not None:
        return format_named(wanted, offered)
    # An empty header wishes for nothing, as does none.
    accept = request.headers.get("accept", "").strip() or "*/*"
    types = tuple(item.media_type for item in offered)
    accepted = wished_most(accept, types)
    if accepted is not None:
        return offered[types.index(accepted)]
    names = ", ".join(types)
    raise NotAcceptable(
        f"none of the formats in Accept is offered here; offered: {names}",
        message_zh=f"Accept 中的格式均不可用；可用：{names}",
    )


def format_named(wanted: str, offered: Sequence[Offered]) -> Offered:
    """The format that `f` names; GeoJSON is JSON where no other is.

    Raises:
        InvalidInput: none of those offered has the name.
    """
    known = {item.name: item for item in offered}
    found = known.get(wanted) or (known.get(GEOJSON.name) if wanted == JSON.name else None)
    if found is not None:
        return found
    names = ", ".join(known)
    raise InvalidInput(
        f"f is {wanted[:40]!r}; it must be one of {names}",
        message_zh=f"f 为 {wanted[:40]!r}；须为 {names}",
        pointer="f",
    )


LONGEST_PLACE = 1000
Document = Mapping[str, Any]
Link = dict[str, str]
SHOWN_RELS = frozenset({"self", "alternate", "next", "prev"})


@dataclass(frozen=True, slots=True)
class View:
    """The request's view of the service."""

    request: Request
    base: str
    lang: Lang
    chosen_lang: Lang | None
    request_id: str

    @classmethod
    def of(cls, request: Request, **more: Any) -> Self:
        """The view of a request, with what a kind of view has more."""
        chosen = chosen_language(request)
        lang = chosen or preferred(request.headers.get("accept-language", ""))
        return cls(request, base_url(request), lang, chosen, request_id_of(request), **more)

    @property
    def known(self) -> bool:
        """Whether the request comes with an identity."""
        return "authorization" in self.request.headers or session_token(self.request) is not None

    @property
    def person(self) -> str | None:
        """The name of whoever is signed in with a browser."""
        return getattr(self.request.state, "person", None)

    @property
    def csrf(self) -> str | None:
        """What forms of the page send along; None without a session."""
        token = session_token(self.request)
        return None if token is None else csrf_of(token)

    @property
    def offers_sign_in(self) -> bool:
        """Whether people can sign in here with a browser."""
        return bool(state_of(self.request).configuration.sign_in.secret.get_secret_value())

    @property
    def password_rules(self) -> SignInSettings:
        """What passwords must be like."""
        return state_of(self.request).configuration.sign_in

    @property
    def place(self) -> str | None:
        """The path of this page, to come back to; None where forms lead to it."""
        request = self.request
        if request.method not in {"GET", "HEAD"} or request.url.path.startswith("/session"):
            return None
        return f"{request.url.path}?{request.url.query}".rstrip("?")[:LONGEST_PLACE]

    def url(self, path: str, /, **parameters: str | int | None) -> str:
        """An absolute address that keeps the language chosen by `lang=`."""
        known = {**parameters, "lang": self.chosen_lang}
        given = known.items()
        query = "&".join(_encoded(name, str(value)) for name, value in given if value is not None)
        return f"{self.base}{path}" + (f"?{query}" if query else "")

    @property
    def day(self) -> str | None:
        """The day whose state was asked for."""
        return self.request.query_params.get("as_of") or None

    def here(self, **changed: str) -> str:
        """The address of this very request with some parameters changed."""
        # A form also sends what was left empty.
        given = {name: value for name, value in self.request.query_params.items() if value}
        return f"{self.base}{self.request.url.path}?{urlencode({**given, **changed})}"

    def link(
        self,
        path: str,
        rel: str,
        media_type: str | None = None,
        title: str | None = None,
        /,
        **parameters: str | int | None,
    ) -> Link:
        """A link to another resource of the API; a query may name its parameters as it likes.

        Its type is JSON unless told, and GeoJSON of features.
        """
        usual = GEOJSON if FEATURES.fullmatch(path) else JSON
        kind = media_type or usual.media_type
        link = {"href": self.url(path, **parameters), "rel": rel, "type": kind}
        return link if title is None else {**link, "title": title}

    def self_links(self, path: str, /, *formats: Format, **parameters: str | None) -> list[Link]:
        """`self` in the format chosen, `alternate` in the others.

        Of the resource that was asked for they keep the parameters it was asked with: without them
        they would lead to another answer.
        """
        offered = formats or (JSON, HTML)
        chosen = choose_format(self.request, offered)
        stated = {**self._asked(path), **parameters}
        return [
            self.link(
                path,
                "self" if item == chosen else "alternate",
                item.media_type,
                **{**stated, "f": item.name},
            )
            for item in offered
        ]

    def _asked(self, path: str) -> dict[str, str]:
        """The parameters of the request where it asked for this path; a form sends empty ones."""
        request = self.request
        if request.method not in {"GET", "HEAD"} or request.url.path != unquote(path):
            return {}
        return {name: value for name, value in request.query_params.items() if value}

    def respond(
        self,
        document: Document,
        *,
        template: str = "document.html",
        formats: tuple[Format, ...] = (JSON, HTML),
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
        state: str | None = None,
    ) -> Response:
        """The document in the format asked for.

        Args:
            extra: What only the page is given.
            state: What tells the object's state from others, whatever its representation.
        """
        chosen = choose_format(self.request, formats)
        body = (
            render(template, self.page_context(document, extra or {}))
            if chosen is HTML
            else orjson.dumps(document, option=orjson.OPT_UTC_Z)
        )
        return self.send(
            body,
            chosen.media_type,
            status=status,
            headers={**link_header(document.get("links", ())), **(headers or {})},
            version=None if state is None else entity_tag(state, body),
        )

    def wants_html(self, *formats: Format) -> bool:
        """Whether a page is asked for rather than data."""
        return choose_format(self.request, formats) is HTML

    def respond_features(
        self, document: dict[str, Any], *, headers: Mapping[str, str] | None = None
    ) -> Response:
        """A FeatureCollection, whose ETag leaves its time stamp out."""
        stable = orjson.dumps(
            {name: value for name, value in document.items() if name != "timeStamp"}
        )
        stamp = orjson.dumps({"timeStamp": document["timeStamp"]})
        return self.send(
            b"".join((stamp[:-1], b",", memoryview(stable)[1:])),
            GEOJSON.media_type,
            headers={**link_header(document["links"]), **(headers or {})},
            version=digest_of(stable),
        )

    def page_context(self, document: Document, extra: Document) -> dict[str, Any]:
        """What a template is given."""
        return {
            "document": document,
            "view": self,
            "lang": self.lang,
            "base": self.base,
            "path": self.request.url.path,
            "zone": ZoneInfo(state_of(self.request).configuration.database.timezone),
            "tiles": state_of(self.request).configuration.public.tiles_url,
            "people": {},
            **extra,
        }

    def send(
        self,
        body: bytes,
        media_type: str,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        version: str | None = None,
    ) -> Response:
        """A body with an ETag of its content (or of `version`), or 304 when the caller has it."""
        etag = f'"{version or digest_of(body)}"'
        common = {"ETag": etag, **self._common_headers(), **(headers or {})}
        if status == 200 and is_known(self.request, etag):
            return Response(status_code=304, headers=common)
        return Response(body, status, media_type=media_type, headers=common)

    def stream(
        self, body: AsyncIterator[bytes], media_type: str, *, headers: Mapping[str, str]
    ) -> Response:
        """A body that is made while it is sent, and so has no ETag."""
        common = {**self._common_headers(), **headers}
        return StreamingResponse(body, media_type=media_type, headers=common)

    def _common_headers(self) -> dict[str, str]:
        return {
            "Cache-Control": self.cache_control(),
            "Vary": "Accept, Accept-Language, Authorization, Cookie",
            "Content-Language": self.lang,
        }

    def cache_control(self) -> str:
        """Caches may keep the answer but must ask again; shared ones not what needed identity."""
        return "private, no-cache" if self.known else "public, no-cache"


@lru_cache(maxsize=256)
def _encoded(name: str, value: str) -> str:
    """A parameter of an address; the links of an answer have most of theirs in common."""
    return urlencode({name: value})


def entity_tag(state: str, body: bytes) -> str:
    """A tag of an object's state and of its representation; a write compares the state alone."""
    return f"{state}.{digest_of(body)}"


def digest_of(content: bytes) -> str:
    """What tells one content from another; no secret rests on it."""
    return xxh3_128_hexdigest(content)


def is_known(request: Request, etag: str) -> bool:
    """Whether `If-None-Match` names the tag, compared weakly."""
    header = request.headers.get("if-none-match", "")
    tags = {tag.strip().removeprefix("W/") for tag in header.split(",")}
    return "*" in tags or etag.removeprefix("W/") in tags


def link_header(links: Iterable[Link], rels: Set[str] = SHOWN_RELS) -> dict[str, str]:
    """The `Link` header of those links that say where one goes from here."""
    shown = [
        f'<{link["href"]}>; rel="{link["rel"]}"; type="{link["type"]}"'
        for link in links
        if link["rel"] in rels
    ]
    return {"Link": ", ".join(shown)} if shown else {}

"""The route of an endpoint: takes a model, answers a model, writes once (`Idempotency-Key`)."""

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import wraps
from inspect import Parameter, signature
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import orjson
from fastapi import Query, Request, Response
from fastapi.datastructures import DefaultPlaceholder
from fastapi.params import Body, Depends
from fastapi.params import Query as QueryInfo
from fastapi.responses import JSONResponse
from fastapi.utils import create_model_field
from pydantic import BaseModel

from shanhai.db.queries.audit import Fingerprint, StoredResponse, recall, remember
from shanhai.errors import InvalidInput
from shanhai_api.kit.answers import Answer, Document
from shanhai_api.kit.body import BodyReader, read_digest
from shanhai_api.kit.dependencies import Context, PageQuery, WriteContext, demand_once
from shanhai_api.kit.late_route import LateRoute
from shanhai_api.kit.people import people_on
from shanhai_api.kit.requests import Caller
from shanhai_api.kit.state import ServiceState, UnitOfWork
from shanhai_api.kit.view import HTML, JSON, Format, View, entity_tag

WISH = re.compile(r'\s*([!#$%&\'*+.^_`|~\w-]+)\s*(?:=\s*("(?:[^"\\]|\\.)*"|[^\s,;"]*))?')
"""A preference and its value, which may be quoted; what follows `;` is about it."""
BETWEEN = re.compile(r'(?:[^",]|"(?:[^"\\]|\\.)*"?)+')
"""What stands between two commas outside of quotes."""


def preferences(request: Request) -> Mapping[str, str]:
    """The preferences by their names in lower case, with their values, empty where there is none.

    A header that comes several times is one list; of a preference stated twice, the first counts.
    """
    found: dict[str, str] = {}
    for part in BETWEEN.findall(",".join(request.headers.getlist("prefer"))):
        wish = WISH.match(part)
        if wish is not None:
            found.setdefault(wish[1].lower(), (wish[2] or "").strip('"').lower())
    return found


HEADER = "idempotency-key"
REPLAYED = "Idempotency-Replayed"


@dataclass(frozen=True, slots=True)
class Made:
    """What a POST made: the answer, of which `secrets` are not kept for replays."""

    content: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 201
    secrets: frozenset[str] = frozenset()

    @classmethod
    def again(cls, before: StoredResponse) -> "Made":
        """The answer given before to the same request."""
        headers = {**before.headers, REPLAYED: "true"}
        return cls(orjson.loads(before.body), headers, before.status)

    def kept(self) -> StoredResponse:
        """The answer as it is kept for replays."""
        kept = {name: value for name, value in self.content.items() if name not in self.secrets}
        return StoredResponse(self.status, self.headers, orjson.dumps(kept).decode())

    def response(self, headers: Mapping[str, str] | None = None) -> Response:
        """The answer as it is sent, with more headers."""
        sent = {**self.headers, **(headers or {})}
        return Response(orjson.dumps(self.content), self.status, sent, JSON.media_type)


async def once(
    request: Request,
    unit: UnitOfWork,
    caller: Caller,
    *,
    body_sha256: str,
    effect: Callable[[], Awaitable[Made]],
) -> Made:
    """Make something once per key, in the unit's transaction.

    Raises:
        InvalidInput: the key is not 1 to 255 visible ASCII characters.
        InFlight: the first request with the key is still running.
        KeyReused: the key came with another body before.
    """
    fingerprint = fingerprint_of(request, caller, body_sha256)
    if fingerprint is None:
        return await effect()
    before = await recall(unit.session, fingerprint)
    if before is not None:
        return Made.again(before)
    made = await effect()
    await remember(unit.session, fingerprint, made.kept())
    return made


def fingerprint_of(request: Request, caller: Caller, body_sha256: str) -> Fingerprint | None:
    """What tells a request with a key from others.

    Raises:
        InvalidInput: the key is not 1 to 255 visible ASCII characters.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return None
    return Fingerprint(caller.owner, request.url.path, _checked(key), body_sha256)


async def recalled(
    request: Request, state: ServiceState, caller: Caller, body_sha256: str
) -> Made | None:
    """The answer given before with the same key, if any; raises as `once` does."""
    fingerprint = fingerprint_of(request, caller, body_sha256)
    if fingerprint is None or caller.anonymous:
        return None
    async with state.unit() as unit:
        before = await recall(unit.session, fingerprint)
    return None if before is None else Made.again(before)


async def replayed(
    request: Request, state: ServiceState, caller: Caller, *, body_sha256: str, answer: Response
) -> Response:
    """An answer that changed nothing, or the one given before with the same key.

    Callers without identity cannot be told apart, so nothing is kept for them.

    Raises:
        InvalidInput, InFlight, KeyReused: as with `once`.
    """
    kept = answer.media_type == JSON.media_type and not caller.anonymous
    if HEADER not in request.headers or not kept:
        return answer

    async def effect() -> Made:
        return Made(orjson.loads(bytes(answer.body)), status=answer.status_code)

    async with state.unit() as unit:
        made = await once(request, unit, caller, body_sha256=body_sha256, effect=effect)
    return made.response()


def demand_key(request: Request) -> None:
    """Refuse a key that is none, before anything is done.

    Raises:
        InvalidInput: it is not 1 to 255 visible ASCII characters.
    """
    if HEADER in request.headers:
        _checked(request.headers[HEADER])


def _checked(key: str) -> str:
    if 1 <= len(key) <= 255 and all("!" <= character <= "~" for character in key):
        return key
    raise InvalidInput(
        "Idempotency-Key must be 1 to 255 visible ASCII characters",
        message_zh="Idempotency-Key 须为 1 至 255 个可见 ASCII 字符",
        pointer="Idempotency-Key",
    )


Told = Document | Answer[Any] | Response | None
Endpoint = Callable[..., Awaitable[Told]]
NO_STORE = {"Cache-Control": "no-store"}
TEXT = {"type": "string"}
FILE = {"type": "string", "format": "binary"}
TEXTS = {HTML.media_type}
COMMON = Parameter("common", Parameter.KEYWORD_ONLY, annotation=Annotated[PageQuery, Query()])
"""The query of an endpoint without one of its own: `f`, `lang`, and nothing else."""


AnyQuery = Annotated[Request, "its query"]
"""A parameter of endpoints that read the query themselves: it depends on what is asked for."""


class Route(LateRoute):
    """A route whose endpoint takes and answers models.

    A GET is answered as JSON or as a page, with an ETag. What answers by a response of its own, for
    speed or as the bytes were kept, says its model by `response_model`. What is written is
    committed before it is answered, and a POST that answers a document has its effect once for
    each `Idempotency-Key`.
    """

    def build(self, options: dict[str, Any]) -> None:
        """Declare and take what the endpoint's annotations say."""
        endpoint = self.endpoint
        document = document_of(endpoint)
        if isinstance(options["response_model"], DefaultPlaceholder):
            options["response_model"] = document
        _declare(options["response_model"], options)
        self.endpoint = _answering(endpoint, document, options)
        super().build(options)
        # Only now that the handler is made: it does not read the body, a dependency does.
        for reader in _bodies(endpoint).values():
            self.body_field = create_model_field(
                "body", reader.model, field_info=Body(annotation=reader.model)
            )


def document_of(endpoint: Endpoint) -> type[Document] | None:
    """The model that an endpoint says it answers, though it may send something else as well."""
    told = signature(endpoint).return_annotation
    for part in get_args(told) if get_origin(told) in {Union, UnionType} else (told,):
        model = get_args(part)[0] if get_origin(part) is Answer else part
        if isinstance(model, type) and issubclass(model, Document):
            return model
    return None


def _declare(document: Any, options: dict[str, Any]) -> None:
    """Say in which formats a document is sent."""
    if not (isinstance(document, type) and issubclass(document, Document)):
        return
    if JSON not in document.formats:
        options["response_class"] = _responding(document.formats[0])
    if options["methods"] == ["GET"]:
        given = options["responses"] or {}
        options["responses"] = {**given, 200: {**_others_of(document), **given.get(200, {})}}


def _responding(own: Format) -> type[JSONResponse]:
    """A response of the media type that a document's JSON is sent as."""
    return type("DocumentResponse", (JSONResponse,), {"media_type": own.media_type})


def _others_of(document: type[Document]) -> dict[str, Any]:
    """What is said of the formats beside JSON."""
    others = [item.media_type for item in document.formats if not item.media_type.endswith("json")]
    return {"content": {name: {"schema": TEXT if name in TEXTS else FILE} for name in others}}


def _answering(
    endpoint: Endpoint, document: type[Document] | None, options: Mapping[str, Any]
) -> Callable[..., Awaitable[Response]]:
    """The endpoint with its answer made a response."""
    declared = signature(endpoint)
    parameters = [*declared.parameters.values()]
    told = [item.annotation for item in parameters]
    own_query = any(one is AnyQuery or _is_query(one) for one in told)
    several = frozenset(name for one in told if _is_query(one) for name in _lists_of(one))
    bodies, status = _bodies(endpoint), options["status_code"] or 200
    if document is not None and options["methods"][0] in {"PUT", "PATCH"}:
        bodies = {name: replace(reader, shown=document) for name, reader in bodies.items()}

    @wraps(endpoint)
    async def answer(**arguments: Any) -> Response:
        arguments.pop(COMMON.name, None)
        view = next(value for value in arguments.values() if isinstance(value, View))
        if AnyQuery not in told:
            demand_once(view.request.query_params, several)
        if view.request.method == "POST":
            demand_key(view.request)
        for name, reader in bodies.items():
            arguments[name] = reader.check(arguments[name])
        if document is None or view.request.method == "GET":
            return await respond(view, await endpoint(**arguments))
        return await write(view, document, status, lambda: endpoint(**arguments))

    if not own_query:
        parameters.append(COMMON)
    answer.__signature__ = declared.replace(parameters=parameters)  # type: ignore[attr-defined]
    return answer


def _is_query(annotation: Any) -> bool:
    kind, *told = get_args(annotation) or (annotation,)
    a_model = isinstance(kind, type) and issubclass(kind, BaseModel)
    return a_model and any(isinstance(item, QueryInfo) for item in told)


def _lists_of(annotation: Any) -> Iterator[str]:
    """The names of a query's parameters that may come several times."""
    for name, item in get_args(annotation)[0].model_fields.items():
        if list in {get_origin(part) for part in (item.annotation, *get_args(item.annotation))}:
            yield item.alias or name


def _bodies(endpoint: Endpoint) -> dict[str, BodyReader]:
    """The parameters that are bodies, and what reads them."""
    return {
        name: told.dependency
        for name, parameter in signature(endpoint).parameters.items()
        for told in get_args(parameter.annotation)[1:]
        if isinstance(told, Depends) and isinstance(told.dependency, BodyReader)
    }


async def respond(view: View, told: Told) -> Response:
    """What was read, as JSON or as a page, which names people."""
    if told is None or isinstance(told, Response):
        return told or Response(status_code=204)
    answer = told if isinstance(told, Answer) else Answer(told)
    document, content, page = answer.document, answer.document.as_json(), dict(answer.page)
    if (
        isinstance(view, Context)
        and HTML in document.formats
        and view.wants_html(*document.formats)
    ):
        page["people"] = await people_on(view.session, view.caller.viewer, content)
    return view.respond(
        content,
        template=document.template,
        formats=document.formats,
        headers={**answer.headers, **({} if document.stored else NO_STORE)},
        extra=page,
        state=answer.state,
    )


async def write(
    view: View,
    document: type[Document],
    status: int,
    effect: Callable[[], Awaitable[Any]],
) -> Response:
    """What was written, as JSON; a POST repeated with its key is given its first answer.

    What a PUT has made is told as such: it has a location.
    """

    async def make() -> Made:
        told = await effect()
        return _made(view, told if isinstance(told, Answer) else Answer(told), status)

    request = view.request
    if isinstance(view, WriteContext) and request.method == "POST":
        sha256 = getattr(request.state, "body_sha256", None) or await read_digest(request)
        made = await once(request, view.unit, view.caller, body_sha256=sha256, effect=make)
    else:
        made = await make()
    return made.response(NO_STORE)


def _made(view: View, answer: Answer[Document], status: int) -> Made:
    document, headers = answer.document, dict(answer.headers)
    content = document.as_json()
    if answer.location is not None:
        headers["Location"], status = view.base + answer.location, 201
    if answer.state is not None:
        shown = {name: value for name, value in content.items() if name not in document.secrets}
        headers["ETag"] = f'"{entity_tag(answer.state, orjson.dumps(shown))}"'
    return Made(content, headers, status, document.secrets)

"""The route of an endpoint: takes a model, answers a model, writes once."""

from collections.abc import Awaitable, Callable
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
from fastapi.routing import APIRoute
from fastapi.utils import create_model_field
from pydantic import BaseModel

from shanhai_api.dependencies import PageQuery
from shanhai_api.kit.answers import Answer, Document
from shanhai_api.kit.body import BodyReader, parse, read_digest
from shanhai_api.kit.writing import WriteContext
from shanhai_api.negotiation import HTML, JSON, Format
from shanhai_api.once import Made, once
from shanhai_api.view import View, entity_tag

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


class Route(APIRoute):
    """A route whose endpoint takes and answers models.

    A GET is answered as JSON or as a page, with an ETag. What answers by a response of its own, for
    speed or as the bytes were kept, says its model by `response_model`. What is written is
    committed before it is answered, and a POST that answers a document has its effect once for
    each `Idempotency-Key`.
    """

    def __init__(self, path: str, endpoint: Endpoint, **options: Any) -> None:
        document = document_of(endpoint)
        if isinstance(options["response_model"], DefaultPlaceholder):
            options["response_model"] = document
        _declare(options["response_model"], options)
        super().__init__(path, _answering(endpoint, document, options["status_code"]), **options)
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
    endpoint: Endpoint, document: type[Document] | None, status: int | None
) -> Callable[..., Awaitable[Response]]:
    """The endpoint with its answer made a response."""
    declared = signature(endpoint)
    parameters = [*declared.parameters.values()]
    own_query = any(
        item.annotation is AnyQuery or _is_query(item.annotation) for item in parameters
    )
    bodies = _bodies(endpoint)

    @wraps(endpoint)
    async def answer(**arguments: Any) -> Response:
        arguments.pop(COMMON.name, None)
        for name, reader in bodies.items():
            arguments[name] = parse(reader.model, arguments[name].value)
        view = next(value for value in arguments.values() if isinstance(value, View))
        if document is None or view.request.method == "GET":
            return respond(view, await endpoint(**arguments))
        return await write(view, document, status or 200, lambda: endpoint(**arguments))

    if not own_query:
        parameters.append(COMMON)
    answer.__signature__ = declared.replace(parameters=parameters)  # type: ignore[attr-defined]
    return answer


def _is_query(annotation: Any) -> bool:
    kind, *told = get_args(annotation) or (annotation,)
    a_model = isinstance(kind, type) and issubclass(kind, BaseModel)
    return a_model and any(isinstance(item, QueryInfo) for item in told)


def _bodies(endpoint: Endpoint) -> dict[str, BodyReader]:
    """The parameters that are bodies, and what reads them."""
    return {
        name: told.dependency
        for name, parameter in signature(endpoint).parameters.items()
        for told in get_args(parameter.annotation)[1:]
        if isinstance(told, Depends) and isinstance(told.dependency, BodyReader)
    }


def respond(view: View, told: Told) -> Response:
    """What was read, as JSON or as a page."""
    if told is None or isinstance(told, Response):
        return told or Response(status_code=204)
    answer = told if isinstance(told, Answer) else Answer(told)
    document = answer.document
    return view.respond(
        document.as_json(),
        template=document.template,
        formats=document.formats,
        headers={**answer.headers, **({} if document.stored else NO_STORE)},
        extra=answer.page,
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

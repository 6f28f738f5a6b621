"""What is answered: models in JSON, other media types by name, and routes that declare both."""

from collections.abc import Awaitable, Callable
from inspect import signature
from typing import Annotated, Any, Generic, TypeVar, get_args, get_origin

from fastapi.datastructures import DefaultPlaceholder
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from pydantic.json_schema import SkipJsonSchema
from starlette.responses import JSONResponse, Response

T = TypeVar("T")
Model = TypeVar("Model", bound=BaseModel)
Maybe = Annotated[T | SkipJsonSchema[None], Field(exclude_if=lambda value: value is None)]
"""A member that is left out when there is nothing to say; its default is None."""
Responses = dict[int | str, dict[str, Any]]
Box = tuple[float, float, float, float]
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

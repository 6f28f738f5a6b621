"""What endpoints answer: models, shown as JSON and as pages, and events that go on."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, ClassVar, Generic, Self, TypeVar

from fastapi.responses import StreamingResponse
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
    WrapValidator,
)
from pydantic.json_schema import SkipJsonSchema

from shanhai.validation import rfc3339
from shanhai.vocabulary import Term, codes
from shanhai_api.kit.dependencies import PageQuery, given
from shanhai_api.kit.view import EVENTS, HTML, JSON, Format, View
from shanhai_api.kit.view import Link as Target

T = TypeVar("T")
Row = TypeVar("Row")
Moment = Annotated[
    datetime,
    PlainSerializer(rfc3339, when_used="unless-none"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""A time, answered in UTC to the millisecond."""
MomentText = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
"""A time that is written already."""
Maybe = Annotated[T | SkipJsonSchema[None], Field(exclude_if=lambda value: value is None)]
"""A member that is left out when there is nothing to say; its default is None."""
Described = Annotated[
    T, WrapValidator(lambda value, _: value), PlainSerializer(lambda value: value)
]
"""JSON that is sent as it is, made or kept elsewhere; the definition says it is a `T`."""
JsonNumber = Annotated[int | float, WithJsonSchema({"type": "number"})]
"""A number that is sent without a point where it is whole."""


class Answered(BaseModel):
    """A part of an answer; a column of another name is the `validation_alias` of its member."""

    # Made ready when first used: an API has hundreds of which most processes use a few.
    model_config = ConfigDict(validate_by_name=True, defer_build=True)

    @classmethod
    def from_row(cls, row: object, **others: Any) -> Self:
        """The model of a row: its columns, and the other members as given."""
        columns = {
            str(told.validation_alias or name): name
            for name, told in cls.model_fields.items()
            if name not in others
        }
        known = {source: getattr(row, source) for source in columns if hasattr(row, source)}
        return cls(**known, **others)

    def as_json(self) -> dict[str, Any]:
        """Its members as they are sent, and as pages show them."""
        return self.model_dump(mode="json", by_alias=True)


class Link(Answered):
    """A link to another resource."""

    href: str
    rel: str
    type: Maybe[str] = None
    title: Maybe[str] = None


class CodeNamed(Answered):
    """What has a code, and its name in the language asked for and in both."""

    code: str
    name: str
    name_zh: str
    name_en: str


class Document(Answered):
    """A whole answer: its members, and how it is shown and kept."""

    template: ClassVar[str] = "document.html"
    formats: ClassVar[tuple[Format, ...]] = (JSON, HTML)
    stored: ClassVar[bool] = True
    """Whether caches may keep it."""
    secrets: ClassVar[frozenset[str]] = frozenset()
    """Members that are told once: not kept for replays of the request."""


D = TypeVar("D", bound=Document)


@dataclass(frozen=True, slots=True)
class Answer(Generic[D]):
    """A document with what is told of it beside its members."""

    document: D
    state: str | None = None
    """What tells the object's state from others: the first half of its ETag."""
    location: str | None = None
    """Path of what was made."""
    page: Mapping[str, Any] = field(default_factory=dict)
    """What only the page is given."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Further headers."""


def one_of(terms: tuple[Term, ...]) -> Any:
    """A field that holds a code of a closed list."""
    return Field(json_schema_extra={"enum": list(codes(terms))})


class LimitedQuery(PageQuery):
    """Parameters of a list that is answered a page at a time."""

    limit: int


def page_of(
    rows: Sequence[Row],
    query: LimitedQuery,
    view: View,
    path: str,
    place: Callable[[Row], Mapping[str, str | int]],
) -> tuple[Sequence[Row], list[Target]]:
    """The rows of a page, one more of which was looked for, and its links.

    Args:
        place: The parameters that say where the page after a row begins.
    """
    page, links = rows[: query.limit], view.self_links(path)
    if len(rows) > query.limit:
        stated = {**given(query), "limit": query.limit, **place(page[-1])}
        links.append(view.link(path, "next", JSON.media_type, **stated))
    return page, links


HEARTBEAT_S = 15.0
HEARTBEAT = b": waiting\n\n"
LONGEST_S = 900.0
"""Then clients connect again, from where they are: what they may do is looked up anew."""
STREAMED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Server-sent events",
        "content": {EVENTS.media_type: {"schema": {"type": "string"}}},
    }
}


def stream(events: AsyncIterator[bytes]) -> StreamingResponse:
    """The events one by one, passed on by proxies as they come."""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(events, media_type=EVENTS.media_type, headers=headers)

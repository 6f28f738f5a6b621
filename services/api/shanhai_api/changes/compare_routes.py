"""`/collections/{collection}/items/{code}/compare`."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field

from shanhai.db.changes.comparison import compare_days
from shanhai.db.collections.catalogue import collection_named
from shanhai.errors import InvalidInput, NotFound
from shanhai_api.changes.comparing import comparison_document
from shanhai_api.dependencies import PageQuery, Reader, ReadSession, TheView

router = APIRouter(tags=["features"])


class CompareQuery(PageQuery):
    """The two days."""

    former: date = Field(alias="from", description="The former day")
    later: date = Field(alias="to", description="The later day")


@router.get("/collections/{collection}/items/{code}/compare", summary="A feature on two days")
async def compare_item(
    view: TheView,
    caller: Reader,
    collection: str,
    code: str,
    query: Annotated[CompareQuery, Query()],
    session: ReadSession,
) -> Response:
    """Tell which members differ, and how much area or length came and went."""
    entity, days = collection_named(collection), (query.former, query.later)
    if query.former > query.later:
        raise InvalidInput(
            "the former day is after the later one",
            message_zh="起始日晚于截止日",
            pointer="from",
        )
    readable = "\x00" not in code
    found = await compare_days(session, entity, caller.viewer, code, days) if readable else None
    if found is None:
        raise NotFound(
            f"there was no {code!r} in {entity.name} on either day",
            message_zh=f"{entity.name} 在这两天均没有 {code!r}",
        )
    document = comparison_document(found, entity, code, days, view)
    return view.respond(document, template="compare.html", extra={"entity": entity})

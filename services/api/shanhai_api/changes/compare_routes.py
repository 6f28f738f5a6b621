"""`/collections/{collection}/items/{code}/compare`."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from shanhai.db.changes.comparison import compare_days
from shanhai.db.collections.catalogue import collection_named
from shanhai.errors import InvalidInput, NotFound
from shanhai.timestamps import Rfc3339Date
from shanhai_api.changes.comparing import DayComparison
from shanhai_api.dependencies import PageQuery, Reader
from shanhai_api.kit.answers import Answer
from shanhai_api.kit.routing import Route
from shanhai_api.kit.writing import Read

router = APIRouter(tags=["features"], route_class=Route)


class CompareQuery(PageQuery):
    """The two days."""

    former: Rfc3339Date = Field(alias="from", description="The former day")
    later: Rfc3339Date = Field(alias="to", description="The later day")


@router.get("/collections/{collection}/items/{code}/compare", summary="A feature on two days")
async def compare_item(
    read: Read[Reader], collection: str, code: str, query: Annotated[CompareQuery, Query()]
) -> Answer[DayComparison]:
    """Tell which members differ, and how much area or length came and went."""
    entity, days = collection_named(collection), (query.former, query.later)
    if query.former > query.later:
        raise InvalidInput(
            "the former day is after the later one",
            message_zh="起始日晚于截止日",
            pointer="from",
        )
    viewer, readable = read.caller.viewer, "\x00" not in code
    found = await compare_days(read.session, entity, viewer, code, days) if readable else None
    if found is None:
        raise NotFound(
            f"there was no {code!r} in {entity.name} on either day",
            message_zh=f"{entity.name} 在这两天均没有 {code!r}",
        )
    return Answer(DayComparison.of(found, entity, code, days, read), page={"entity": entity})

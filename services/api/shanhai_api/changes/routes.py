"""`/changes`."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query

from shanhai.db.changes.feed import FeedPage, read_changes, read_head
from shanhai.db.collections.catalogue import ENTITIES, entity_named
from shanhai.db.features.entity import Entity
from shanhai_api.changes.documents import Changes
from shanhai_api.changes.parameters import NOW, ChangesQuery, read_cursor
from shanhai_api.dependencies import Reader
from shanhai_api.kit.answers import Answer
from shanhai_api.kit.routing import Route
from shanhai_api.kit.writing import Read

router = APIRouter(tags=["features"], route_class=Route)


@router.get("/changes", summary="Every change of the plan's objects, in order")
async def list_changes(
    read: Read[Reader], query: Annotated[ChangesQuery, Query()]
) -> Answer[Changes]:
    """Tell each change once, in the order of commits, as far as the caller may know of the object.

    A removed object, and one that went out of the caller's sight, is told as `deleted`. Keep
    `cursor` and ask with `since` for what came after. A page may hold fewer changes than its limit,
    or none, and still have a `next`.
    """
    if query.since == NOW:
        stretch = FeedPage([], await read_head(read.session), more=False)
    else:
        after = 0 if query.since is None else read_cursor(query.since)
        entities = entities_named(query.collection)
        stretch = await read_changes(
            read.session, read.caller.viewer, entities, after=after, limit=query.limit
        )
    titles = {entity.name: entity.title.in_(read.lang) for entity in ENTITIES}
    return Answer(Changes.of(stretch, query, read), page={"titles": titles})


def entities_named(names: str | None) -> Sequence[Entity]:
    """The collections and records a list of names means; all when nothing is asked."""
    wanted = [name for name in (names or "").split(",") if name]
    return [entity_named(name) for name in wanted] if wanted else ENTITIES

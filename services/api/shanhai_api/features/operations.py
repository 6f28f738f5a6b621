"""What can be asked of collections of features."""

from collections.abc import Mapping
from datetime import date

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.features.catalogue import ENTITIES
from shanhai.db.features.entity import Entity
from shanhai.db.features.query import (
    Extent,
    FeatureRow,
    Page,
    read_extent,
    read_feature,
    read_page,
)
from shanhai.db.features.selection import Selection
from shanhai.errors import NotFound
from shanhai_api.features.parameters import ItemsQuery
from shanhai_api.identity import Caller


async def read_extents(session: AsyncSession, caller: Caller) -> Mapping[str, Extent]:
    """The extent of what the caller may see of each collection."""
    return {entity.name: await read_own_extent(session, entity, caller) for entity in ENTITIES}


async def read_own_extent(session: AsyncSession, entity: Entity, caller: Caller) -> Extent:
    """The extent of what the caller may see of one collection."""
    return await read_extent(session, entity, Selection(published_only=caller.anonymous))


async def read_items(
    session: AsyncSession, entity: Entity, caller: Caller, query: ItemsQuery
) -> Page:
    """A page of features."""
    selection = Selection(
        published_only=caller.anonymous,
        filters=query.filters,
        box=query.box,
        during=query.during,
        as_of=query.as_of,
    )
    return await read_page(session, entity, selection, limit=query.limit, position=query.position)


async def read_item(
    session: AsyncSession, entity: Entity, caller: Caller, code: str, as_of: date | None
) -> FeatureRow:
    """One feature by its code.

    Raises:
        NotFound: there is none, or none the caller may know of.
    """
    selection = Selection(published_only=caller.anonymous, code=code, as_of=as_of)
    row = await read_feature(session, entity, selection) if "\x00" not in code else None
    if row is None:
        raise NotFound(
            f"there is no {code!r} in {entity.name}", message_zh=f"{entity.name} 中没有 {code!r}"
        )
    return row

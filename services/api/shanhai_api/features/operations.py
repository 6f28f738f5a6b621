"""What can be asked of collections of features."""

from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.catalogue import COLLECTIONS, entity_named
from shanhai.db.fast_reads import Executor
from shanhai.db.features.entity import Entity
from shanhai.db.features.query import (
    CollectionExtent,
    FeaturePage,
    FeatureRow,
    LongPage,
    read_extent,
    read_feature,
    read_long_page,
    read_page,
)
from shanhai.db.features.selection import Selection
from shanhai.db.features.statements import PLAIN, OutputOptions
from shanhai.errors import NotFound
from shanhai_api.features.parameters import ItemsQuery
from shanhai_api.identity import Caller


async def read_extents(session: AsyncSession, caller: Caller) -> Mapping[str, CollectionExtent]:
    """The extent of what the caller may see of each collection."""
    return {entity.name: await read_own_extent(session, entity, caller) for entity in COLLECTIONS}


async def read_own_extent(
    session: AsyncSession, entity: Entity, caller: Caller
) -> CollectionExtent:
    """The extent of what the caller may see of one collection."""
    return await read_extent(session, entity, Selection(caller.viewer))


async def read_items(
    session: Executor, entity: Entity, caller: Caller, query: ItemsQuery
) -> FeaturePage:
    """A page of features."""
    return await read_page(
        session,
        entity,
        query.selection(caller.viewer),
        limit=query.limit,
        position=query.position,
        ask=query.ask,
    )


async def read_long_list(
    session: Executor, entity: Entity, caller: Caller, query: ItemsQuery
) -> LongPage:
    """The row numbers of a page too long to be held."""
    return await read_long_page(
        session,
        entity,
        query.selection(caller.viewer),
        limit=query.limit,
        position=query.position,
        ask=query.ask,
    )


async def read_item(
    session: Executor, entity: Entity, selection: Selection, form: OutputOptions = PLAIN
) -> FeatureRow:
    """The one feature a selection with a `code` means.

    Raises:
        NotFound: there is none, or none the caller may know of.
    """
    code = selection.code or ""
    row = await read_feature(session, entity, selection, form) if "\x00" not in code else None
    if row is None:
        raise NotFound(
            f"there is no {code!r} in {entity.name}", message_zh=f"{entity.title.zh}中没有 {code!r}"
        )
    return row


async def demand_owners(
    session: AsyncSession, entity: Entity, caller: Caller, bound: Mapping[str, str]
) -> None:
    """Make sure that what the path of a list names is there for the caller.

    Raises:
        NotFound: it is not.
    """
    for name, code in bound.items():
        declared = entity.declared(name)
        if declared is not None and declared.refers_to is not None:
            owner = entity_named(declared.refers_to)
            await read_item(session, owner, Selection(caller.viewer, code=code))

"""The components of a pattern, and whether as many are listed as its source states."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.features.corridors import CORRIDORS
from shanhai.db.features.history import source_of
from shanhai.db.features.patterns import PATTERN_COMPONENTS
from shanhai.db.features.query import count_features
from shanhai.db.features.selection import Selection, bound_values, conditions, reads_former

MEMBERS = (
    *("code", "name_zh", "name_en", "label_zh", "label_en", "type", "order", "certainty"),
    *("covers", "area_km2", "length_km"),
)


@dataclass(slots=True)
class Component:
    """A component and those below it.

    Attributes:
        geometry_known: Somebody has drawn it.
        stated: How many members the source says it has; None when it does not say.
        complete: False when the source itself says that it does not name them all.
        listed: How many there are; None for what has no members.
        listed_in: The collection its members are in, when they are no components.
    """

    row_id: int
    above: int | None
    members: Mapping[str, Any]
    geometry_known: bool
    stated: int | None
    complete: bool | None
    listed_in: str | None
    listed: int | None = None
    children: list["Component"] = field(default_factory=list)


async def read_components(
    session: AsyncSession, pattern: str, selection: Selection
) -> list[Component]:
    """The components of a pattern that a reader may see, those below no other at the top."""
    asked = Selection(selection.viewer, {"pattern": pattern}, as_of=selection.as_of)
    query = _query(asked)
    found = [Component(*tuple(row)) for row in await session.execute(query, bound_values(asked))]
    by_id = {component.row_id: component for component in found}
    top: list[Component] = []
    for component in found:
        parent = by_id.get(component.above or 0)
        (top if parent is None else parent.children).append(component)
    for component in found:
        if component.listed_in == CORRIDORS.name:
            component.listed = await count_features(session, CORRIDORS, asked)
        elif component.children or component.stated is not None:
            component.listed = len(component.children)
    return top


def _query(selection: Selection) -> TextClause:
    entity = PATTERN_COMPONENTS
    declared = [item for item in entity.properties if item.name in MEMBERS]
    members = ", ".join(f"'{item.name}', {item.sql}" for item in declared)
    source = source_of(entity, former=reads_former(entity, selection))
    # Constants of this code; callers' values are bound.
    return text(
        f"SELECT pc.id, pc.parent_id, json_build_object({members}), pc.geom IS NOT NULL,"  # noqa: S608
        " CASE jsonb_typeof(pc.attrs->'count_stated') WHEN 'number'"
        " THEN (pc.attrs->>'count_stated')::numeric::int END,"
        " CASE jsonb_typeof(pc.attrs->'complete') WHEN 'boolean'"
        " THEN (pc.attrs->>'complete')::boolean END,"
        " pc.attrs->>'members_of'"
        f" FROM {source} WHERE {' AND '.join(conditions(entity, selection))}"
        " ORDER BY pc.order_no, pc.code"
    )

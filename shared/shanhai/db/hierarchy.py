"""Objects below one another: regions, plans, the components of patterns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.data_sources import STATIONS
from shanhai.db.collections.patterns import CORRIDORS, PATTERN_COMPONENTS
from shanhai.db.collections.plans import PLANS
from shanhai.db.collections.regions import REGIONS
from shanhai.db.features.columns import source_of
from shanhai.db.features.entity import Entity
from shanhai.db.features.query import count_features
from shanhai.db.features.selection import (
    QueryShape,
    Selection,
    bound_values,
    conditions,
    reads_former,
    viewer_values,
    visibility,
)
from shanhai.db.identity import Viewer
from shanhai.errors import InvalidInput, NotFound
from shanhai.vocabulary import Label

MOST_DEPTH = 10
MOST_NODES = 5_000


@dataclass(frozen=True, slots=True)
class Branching:
    """How an entity's rows lie below one another.

    Attributes:
        above: SQL of the number of the row above.
        members: The properties a node tells.
        order: SQL by which the rows below one are ordered.
    """

    entity: Entity
    above: str
    members: tuple[str, ...]
    order: str


@dataclass(slots=True)
class HierarchyNode:
    """A row, and those below it; `beyond` counts those that were not asked for."""

    row_id: int
    above: int | None
    members: Mapping[str, Any]
    children: list["HierarchyNode"] = field(default_factory=list)
    beyond: int = 0


REGION_TREE = Branching(
    REGIONS,
    "r.parent_id",
    ("code", "name_zh", "name_en", "level", "area_km2"),
    "r.level, r.code",
)
PLAN_TREE = Branching(
    PLANS,
    "p.upper_plan_id",
    ("code", "name_zh", "name_en", "kind", "level", "status", "period_start", "period_end"),
    "p.first_year, p.code",
)


async def read_tree(
    session: AsyncSession, branching: Branching, selection: Selection, *, depth: int
) -> HierarchyNode | None:
    """The object the selection means by its code, with `depth` levels below it.

    Raises:
        InvalidInput: there are more nodes than are told at once.
    """
    root = await read_node(session, branching, selection)
    if root is None:
        return None
    below = _without_code(selection)
    level, total = [root], 1
    # One level more than is told, to say where there is more.
    for step in range(depth + 1):
        by_id = {node.row_id: node for node in level}
        found = await _read(session, branching, below, branching.above, sorted(by_id))
        total += len(found) if step < depth else 0
        if total > MOST_NODES:
            raise _too_many()
        for node in found:
            parent = by_id[node.above or 0]
            if step < depth:
                parent.children.append(node)
            else:
                parent.beyond += 1
        level = found
    return root


async def read_node(
    session: AsyncSession, branching: Branching, selection: Selection
) -> HierarchyNode | None:
    """The object a selection means by its code."""
    query = _nodes_query(branching, QueryShape.of(branching.entity, selection))
    found = await _nodes(session, query, bound_values(selection))
    return max(found, key=lambda node: node.row_id, default=None)


async def read_above(
    session: AsyncSession, branching: Branching, selection: Selection, node: HierarchyNode
) -> list[HierarchyNode]:
    """What the object lies below, the topmost first, up to what the reader may not know of."""
    found: list[HierarchyNode] = []
    below, seen = _without_code(selection), {node.row_id}
    while node.above is not None and node.above not in seen:
        seen.add(node.above)
        upper = await _read(session, branching, below, branching.entity.key, [node.above])
        if not upper:
            break
        node = upper[0]
        found.insert(0, node)
    return found


async def _read(
    session: AsyncSession,
    branching: Branching,
    selection: Selection,
    column: str,
    numbers: Sequence[int],
) -> list[HierarchyNode]:
    if not numbers:
        return []
    question = QueryShape.of(branching.entity, selection)
    query = _nodes_query(branching, question, f"{column} = ANY(CAST(:numbers AS bigint[]))")
    return await _nodes(session, query, {**bound_values(selection), "numbers": list(numbers)})


async def _nodes(
    session: AsyncSession, query: TextClause, values: Mapping[str, object]
) -> list[HierarchyNode]:
    values = {**values, "most": MOST_NODES + 1}
    return [HierarchyNode(*tuple(row)) for row in await session.execute(query, values)]


@lru_cache(maxsize=256)
def _nodes_query(branching: Branching, question: QueryShape, among: str = "true") -> TextClause:
    entity = branching.entity
    declared = [item for item in entity.properties if item.name in branching.members]
    members = ", ".join(f"'{item.name}', {item.sql}" for item in declared)
    # Constants of this code; callers' values are bound.
    return text(
        f"SELECT {entity.key}, {branching.above}, json_build_object({members})"  # noqa: S608
        f" FROM {source_of(entity, former=question.former)}"
        f" WHERE {' AND '.join((*question.conditions, among))}"
        f" ORDER BY {branching.order} LIMIT :most"
    )


def _without_code(selection: Selection) -> Selection:
    return Selection(selection.viewer, as_of=selection.as_of)


def _too_many() -> InvalidInput:
    return InvalidInput(
        f"there are more than {MOST_NODES} nodes; ask for less depth, or further below",
        message_zh=f"节点超过 {MOST_NODES} 个；请减小深度，或从更下级开始",
        pointer="depth",
    )


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


_REGION = text("""
WITH RECURSIVE below (id) AS (
  SELECT id FROM region WHERE code = :code AND deleted_at IS NULL
  UNION SELECT r.id FROM region r JOIN below ON r.parent_id = below.id WHERE r.deleted_at IS NULL
)
SELECT r.id, r.name_zh, r.name_en, r.level, ARRAY(SELECT id FROM below) AS below
  FROM region r WHERE r.code = :code AND r.deleted_at IS NULL
""")


@dataclass(frozen=True, slots=True)
class RegionWithin:
    """A region; `below` are the numbers of itself and all below it."""

    id: int
    name: Label
    level: str
    below: Sequence[int]


async def find_region(session: AsyncSession, code: str) -> RegionWithin:
    """A region by its code.

    Raises:
        NotFound: there is no such region.
    """
    row = None if "\x00" in code else (await session.execute(_REGION, {"code": code})).first()
    if row is None:
        raise NotFound(f"there is no region {code!r}", message_zh=f"没有区域 {code!r}")
    return RegionWithin(row.id, Label(row.name_zh, row.name_en), row.level, row.below)


_CHAIN = """
WITH RECURSIVE here AS (
  SELECT id FROM region_link WHERE code = :code AND deleted_at IS NULL
), above (id, depth) AS (
  SELECT id, 0 FROM here
  UNION ALL
  SELECT l.id, above.depth - 1 FROM region_link l JOIN above ON l.flows_to_id = above.id
   WHERE l.deleted_at IS NULL AND above.depth > -100
), below (id, depth) AS (
  SELECT id, 0 FROM here
  UNION ALL
  SELECT l.flows_to_id, below.depth + 1 FROM region_link l JOIN below ON l.id = below.id
   WHERE l.flows_to_id IS NOT NULL AND below.depth < 100
)
SELECT way.depth, l.code, l.name_zh, l.name_en, l.kind, r.code AS region, s.code AS station,
       r.name_zh AS region_zh, r.name_en AS region_en, s.name_zh AS station_zh,
       s.name_en AS station_en
  FROM (SELECT * FROM above UNION SELECT * FROM below) way
  JOIN region_link l ON l.id = way.id JOIN region r ON r.id = l.region_id
  LEFT JOIN ({seen}) s ON s.id = l.station_id
 WHERE l.deleted_at IS NULL
 ORDER BY way.depth, l.code
"""


@dataclass(frozen=True, slots=True)
class ChainPlace:
    """A place on the way of the water; `depth` is below zero upstream of the one asked for."""

    depth: int
    code: str
    name_zh: str
    name_en: str
    kind: str
    region: str
    station: str | None
    region_name: Label
    station_name: Label | None


async def read_chain(session: AsyncSession, viewer: Viewer, code: str) -> Sequence[ChainPlace]:
    """All that flows to a place and all it flows to, from the source on; stations the viewer sees.

    Raises:
        NotFound: there is no such place.
    """
    query, values = _chain_query(viewer), {"code": code, **viewer_values(viewer)}
    rows = [] if "\x00" in code else (await session.execute(query, values)).all()
    if not rows:
        raise NotFound(f"there is no place {code!r}", message_zh=f"没有 {code!r}")
    return [
        ChainPlace(
            depth=row.depth,
            code=row.code,
            name_zh=row.name_zh,
            name_en=row.name_en,
            kind=row.kind,
            region=row.region,
            station=row.station,
            region_name=Label(row.region_zh, row.region_en),
            station_name=Label(row.station_zh, row.station_en) if row.station else None,
        )
        for row in rows
    ]


def _chain_query(viewer: Viewer) -> TextClause:
    name, source = STATIONS.alias, source_of(STATIONS, former=False)
    conditions = " AND ".join([STATIONS.live, *visibility(STATIONS, viewer)])
    columns = f"{name}.id, {name}.code, {name}.name_zh, {name}.name_en"
    # Constants of this code; the viewer's regions are bound.
    return text(_CHAIN.format(seen=f"SELECT {columns} FROM {source} WHERE {conditions}"))  # noqa: S608

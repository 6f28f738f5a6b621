"""The collections there are, the records without geometry, and each as a reader sees it.

What names a row gives away that it is there: a public problem may belong to a plan that is a draft.
Columns of a statement have no binds, so the codes that may be told are read beside its rows, once.
"""

from dataclasses import replace
from functools import lru_cache

from shanhai.db.collections.balances import BALANCE_ENTRIES
from shanhai.db.collections.controls import CONTROL_AREAS, CONTROL_RULES, ZONE_CLASSES
from shanhai.db.collections.data_sources import DATASETS, STATIONS
from shanhai.db.collections.duties import DUTIES
from shanhai.db.collections.indicators import INDICATORS, PLAN_INDICATORS
from shanhai.db.collections.joint_plans import PLAN_PARTS
from shanhai.db.collections.mines import MINES, RECLAMATIONS
from shanhai.db.collections.notices import NOTICES
from shanhai.db.collections.patterns import CORRIDOR_NODES, CORRIDORS, PATTERN_COMPONENTS, PATTERNS
from shanhai.db.collections.plans import PLANS
from shanhai.db.collections.programmes import DOCUMENTS, FUND_SOURCES, PARTIES, PROGRAMMES
from shanhai.db.collections.projects import PROJECTS
from shanhai.db.collections.provisions import FIGURES, NAMED_FEATURES, PROBLEMS, PROVISIONS
from shanhai.db.collections.regions import REGIONS
from shanhai.db.collections.shores import FISHING_HARBOURS, ISLANDS, OUTFALLS, REGION_LINKS
from shanhai.db.collections.zones import ZONE_SCHEMES, ZONES
from shanhai.db.features.entity import Entity, Property
from shanhai.db.features.selection import VIEWER_REGIONS, visibility
from shanhai.db.identity import Viewer
from shanhai.errors import NotFound

COLLECTIONS: tuple[Entity, ...] = (
    REGIONS,
    PLANS,
    PATTERN_COMPONENTS,
    CORRIDORS,
    CORRIDOR_NODES,
    ZONE_SCHEMES,
    ZONES,
    CONTROL_AREAS,
    PROBLEMS,
    NAMED_FEATURES,
    PROJECTS,
    NOTICES,
    MINES,
    RECLAMATIONS,
    ISLANDS,
    OUTFALLS,
    FISHING_HARBOURS,
    STATIONS,
    DATASETS,
)
"""Features, served at `/collections/{name}`."""

RECORDS: tuple[Entity, ...] = (
    PATTERNS,
    ZONE_CLASSES,
    CONTROL_RULES,
    INDICATORS,
    PLAN_INDICATORS,
    PLAN_PARTS,
    PROVISIONS,
    FIGURES,
    DUTIES,
    PROGRAMMES,
    PARTIES,
    FUND_SOURCES,
    REGION_LINKS,
    DOCUMENTS,
    BALANCE_ENTRIES,
)
"""Entities without geometry, served at paths of their own."""

ENTITIES: tuple[Entity, ...] = (*COLLECTIONS, *RECORDS)


def entity_named(name: str) -> Entity:
    """The collection or the records called `name`.

    Raises:
        NotFound: there are none.
    """
    for entity in ENTITIES:
        if entity.name == name:
            return entity
    known = ", ".join(entity.name for entity in ENTITIES)
    raise NotFound(
        f"there is no collection {name!r}; collections: {known}",
        message_zh=f"没有名为 {name!r} 的数据集合；现有：{known}",
    )


def collection_named(name: str) -> Entity:
    """The collection of features called `name`.

    Raises:
        NotFound: there is none.
    """
    for entity in COLLECTIONS:
        if entity.name == name:
            return entity
    known = ", ".join(entity.name for entity in COLLECTIONS)
    raise NotFound(
        f"there is no collection {name!r}; collections: {known}",
        message_zh=f"没有名为 {name!r} 的数据集合；现有：{known}",
    )


HIDEABLE = ("plans", "programmes", "patterns", "zone_schemes", "parties")
"""Entities some of whose rows are hidden, and others name; few enough to be listed."""
COPIED_FROM = "copied_from"
"""The property that names a row of the same entity."""


def seen_by(entity: Entity, viewer: Viewer) -> Entity:
    """The entity as it is read for a viewer; asked with the binds of `viewer_values`."""
    if viewer.sees_all or entity.for_reader:
        return entity
    return _seen(entity, viewer.known, bool(viewer.regions))


@lru_cache(maxsize=256)
def _seen(entity: Entity, known: bool, regional: bool) -> Entity:
    # Which regions those are is bound; the text depends on whether there are any.
    viewer = Viewer(known, frozenset({0} if regional else ()))
    named = [_named(item) for item in entity.properties]
    wanted = sorted({target for target in named if target is not None})
    properties = tuple(
        _checked(entity, item, viewer) if target is None else _guarded(item, target)
        for item, target in zip(entity.properties, named, strict=True)
    )
    if properties == entity.properties:
        return entity
    lists = [*(_told(target, viewer) for target in wanted), f"{_regions(viewer)} AS regions"]
    joins = f"{entity.joins} CROSS JOIN (SELECT {', '.join(lists)}) reader"
    return replace(entity, properties=properties, joins=joins, for_reader=True)


def _regions(viewer: Viewer) -> str:
    return VIEWER_REGIONS if viewer.regions else "CAST(NULL AS bigint[])"


def _named(item: Property) -> str | None:
    """The entity whose rows a property names, if some of those are hidden."""
    if item.schema["type"] != "string" or item.role != "reference":
        return None
    target = "plans" if item.name == "plan" else item.refers_to
    return target if target in HIDEABLE else None


def _checked(entity: Entity, item: Property, viewer: Viewer) -> Property:
    """A property that names rows too many to be listed, without those that are hidden."""
    target = _entity_of(entity.name if item.name == COPIED_FROM else item.names)
    met = [] if target is None else visibility(target, viewer)
    if target is None or met in ([], ["(true)"]):
        return item
    where = " AND ".join(met).replace(VIEWER_REGIONS, "reader.regions")
    # Read once by a statement, if ever a row names one.
    seen = f"(SELECT {target.code} FROM {target.source} WHERE {where})"  # noqa: S608
    if item.schema["type"] == "array":
        sql = (
            f"ARRAY(SELECT told.code FROM unnest({item.sql}) WITH ORDINALITY AS told (code, place)"  # noqa: S608
            f" WHERE told.code IN {seen} ORDER BY told.place)"
        )
    else:
        sql = f"CASE WHEN ({item.sql}) IS NOT NULL AND {item.sql} IN {seen} THEN {item.sql} END"
    return replace(item, sql=sql)


def _entity_of(name: str | None) -> Entity | None:
    from shanhai.db.proposals.queries import PROPOSALS

    if name is None:
        return None
    return PROPOSALS if name == PROPOSALS.name else entity_named(name)


def _told(target: str, viewer: Viewer) -> str:
    entity = entity_named(target)
    met = " AND ".join(visibility(entity, viewer)) or "true"
    return f"ARRAY(SELECT {entity.code} FROM {entity.source} WHERE {met}) AS {target}"  # noqa: S608


def _guarded(item: Property, target: str) -> Property:
    listed = f"= ANY(reader.{target})"
    # An index finds the rows of a code, as it would without a reader.
    equal = f"({item.sql} = :is_{item.name} AND :is_{item.name} {listed})"
    return replace(
        item,
        sql=f"CASE WHEN {item.sql} {listed} THEN {item.sql} END",
        matches=item.matches or equal,
    )

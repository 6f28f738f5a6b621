"""The collections there are, the records without geometry, and each as a reader sees it.

What names a row gives away that it is there: a public problem may belong to a plan that is a draft.
Columns of a statement have no binds, so the codes that may be told are read beside its rows, once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from shanhai.db.collections.balances import BALANCE_ENTRIES
from shanhai.db.collections.compensation import COMPENSATION_AGREEMENTS
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
from shanhai.db.collections.species import OCCURRENCES, SPECIES
from shanhai.db.collections.titles import (
    DEMONSTRATION_CRITERIA,
    DEMONSTRATION_MEMBERS,
    DEMONSTRATION_SCORES,
    TITLES,
)
from shanhai.db.collections.zones import ZONE_SCHEMES, ZONES
from shanhai.db.features.entity import Entity, Property, masked
from shanhai.db.features.selection import (
    EXACT_REGIONS,
    MEMBER_REGIONS,
    VIEWER_REGIONS,
    visibility,
)
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
    OCCURRENCES,
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
    DEMONSTRATION_MEMBERS,
    DEMONSTRATION_CRITERIA,
    DEMONSTRATION_SCORES,
    TITLES,
    COMPENSATION_AGREEMENTS,
    DOCUMENTS,
    BALANCE_ENTRIES,
    SPECIES,
)
"""Entities without geometry, served at paths of their own."""

ENTITIES: tuple[Entity, ...] = (*COLLECTIONS, *RECORDS)


def entity_named(name: str, among: Sequence[Entity] = ENTITIES) -> Entity:
    """The collection or the records called `name`.

    Raises:
        NotFound: there are none.
    """
    for entity in among:
        if entity.name == name:
            return entity
    known = ", ".join(entity.name for entity in among)
    raise NotFound(
        f"there is no collection {name!r}; collections: {known}",
        message_zh=f"没有名为 {name!r} 的数据集合；现有：{known}",
    )


def collection_named(name: str) -> Entity:
    """The collection of features called `name`.

    Raises:
        NotFound: there is none.
    """
    return entity_named(name, COLLECTIONS)


MASKED: Mapping[str, frozenset[str]] = {
    entity.table: frozenset({"geometry", *entity.masking.instead, *entity.masking.personal})
    for entity in ENTITIES
    if entity.masking is not None
}
"""What the log keeps that only some may read, by table."""


def image_for(
    table: str | None, image: Mapping[str, Any] | None, viewer: Viewer
) -> Mapping[str, Any] | None:
    """What the log kept of a row, without what is masked unless the viewer may know it anywhere."""
    names = MASKED.get(table or "", frozenset())
    if image is None or viewer.exact is None or names.isdisjoint(image):
        return image
    return {name: None if name in names else value for name, value in image.items()}


HIDEABLE = ("plans", "programmes", "patterns", "zone_schemes", "parties")
"""Entities some of whose rows are hidden, and others name; few enough to be listed."""
COPIED_FROM = "copied_from"
"""The property that names a row of the same entity."""


def seen_by(entity: Entity, viewer: Viewer) -> Entity:
    """The entity as it is read for a viewer; asked with the binds of `viewer_values`."""
    if entity.for_reader:
        return entity
    if viewer.sees_all and (entity.masking is None or viewer.exact is None):
        return entity.whole
    # Which regions those are is bound; the text depends on whether there are any, or all.
    somewhere = viewer.exact and frozenset({0}) if entity.masking is not None else frozenset()
    regions, members = (found and frozenset({0}) for found in (viewer.regions, viewer.members))
    return _seen(entity, Viewer(viewer.known, regions, somewhere, members))


@lru_cache(maxsize=256)
def _seen(entity: Entity, viewer: Viewer) -> Entity:
    shown, knows = _unmasked(entity, viewer)
    named = [None if viewer.sees_all else _named(item) for item in shown.properties]
    wanted = sorted({target for target in named if target is not None})
    properties = tuple(
        _checked(entity, item, viewer) if target is None else _guarded(item, target)
        for item, target in zip(shown.properties, named, strict=True)
    )
    if not knows and properties == shown.properties:
        return shown
    told = [_told(target, viewer) for target in wanted]
    regions = f"{_bound(VIEWER_REGIONS, viewer.regions)} AS regions"
    lists = [*told, regions, f"{_bound(MEMBER_REGIONS, viewer.members)} AS members", *knows]
    joins = f"{entity.joins} CROSS JOIN (SELECT {', '.join(lists)}) reader"
    return replace(shown, properties=properties, joins=joins, for_reader=True)


def _unmasked(entity: Entity, viewer: Viewer) -> tuple[Entity, tuple[str, ...]]:
    """The entity with what the viewer may know of its rows, and what that takes of `reader`."""
    if entity.masking is None:
        return entity, ()
    if viewer.exact == frozenset():
        return (masked(entity, entity.masking) if entity.exact is None else entity), ()
    if viewer.exact is None:
        return entity.whole, ()
    knows = f"coalesce({entity.region} = ANY(reader.exact), false)"
    return masked(entity.whole, entity.masking, knows=knows), (f"{EXACT_REGIONS} AS exact",)


def _bound(regions: str, given: frozenset[int] | None) -> str:
    return regions if given else "CAST(NULL AS bigint[])"


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
    where = where.replace(MEMBER_REGIONS, "reader.members")
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

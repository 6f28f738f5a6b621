"""The collections there are, and the records without geometry."""

from shanhai.db.collections.control_areas import CONTROL_AREAS
from shanhai.db.collections.corridors import CORRIDOR_NODES, CORRIDORS
from shanhai.db.collections.datasets import DATASETS
from shanhai.db.collections.indicators import INDICATORS, PLAN_INDICATORS
from shanhai.db.collections.joint_plans import PLAN_PARTS
from shanhai.db.collections.patterns import PATTERN_COMPONENTS, PATTERNS
from shanhai.db.collections.plans import PLANS
from shanhai.db.collections.problems import PROBLEMS
from shanhai.db.collections.programmes import DOCUMENTS, FUND_SOURCES, PARTIES, PROGRAMMES
from shanhai.db.collections.projects import PROJECTS
from shanhai.db.collections.provisions import FIGURES, NAMED_FEATURES, PROVISIONS
from shanhai.db.collections.regions import REGIONS
from shanhai.db.collections.rules import CONTROL_RULES, ZONE_CLASSES
from shanhai.db.collections.stations import STATIONS
from shanhai.db.collections.zones import ZONE_SCHEMES, ZONES
from shanhai.db.features.entity import Entity
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
    PROGRAMMES,
    PARTIES,
    FUND_SOURCES,
    DOCUMENTS,
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

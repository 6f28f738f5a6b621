"""The collections there are."""

from shanhai.db.features.datasets import DATASETS
from shanhai.db.features.entity import Entity
from shanhai.db.features.plans import PLANS
from shanhai.db.features.regions import REGIONS
from shanhai.db.features.zones import ZONE_SCHEMES, ZONES
from shanhai.errors import NotFound

ENTITIES: tuple[Entity, ...] = (REGIONS, PLANS, ZONE_SCHEMES, ZONES, DATASETS)

COLLECTIONS: tuple[Entity, ...] = tuple(item for item in ENTITIES if item.path is None)
"""What is served as features at `/collections/{name}/items`."""
RECORDS: tuple[Entity, ...] = tuple(item for item in ENTITIES if item.path is not None)
"""What is served as records, each at its own path."""


def entity_named(name: str) -> Entity:
    """The collection called `name`.

    Raises:
        NotFound: there is none.
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
    entity = next((item for item in COLLECTIONS if item.name == name), None)
    if entity is None:
        known = ", ".join(item.name for item in COLLECTIONS)
        raise NotFound(
            f"there is no collection {name!r}; collections: {known}",
            message_zh=f"没有名为 {name!r} 的数据集合；现有：{known}",
        )
    return entity

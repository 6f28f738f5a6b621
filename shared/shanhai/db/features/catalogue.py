"""The collections there are."""

from shanhai.db.features.datasets import DATASETS
from shanhai.db.features.entity import Entity
from shanhai.db.features.plans import PLANS
from shanhai.db.features.regions import REGIONS
from shanhai.db.features.zones import ZONE_SCHEMES, ZONES
from shanhai.errors import NotFound

ENTITIES: tuple[Entity, ...] = (REGIONS, PLANS, ZONE_SCHEMES, ZONES, DATASETS)


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

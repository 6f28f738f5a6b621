"""Objects below one another as they are answered: nodes are sent as they are, there may be many."""

from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import ConfigDict, Field

from shanhai.db.collections.corridors import CORRIDORS
from shanhai.db.collections.patterns import PATTERN_COMPONENTS, PATTERNS
from shanhai.db.features.entity import Entity
from shanhai.db.hierarchy import Component, HierarchyNode
from shanhai.vocabulary import CERTAINTIES, REGION_LEVELS
from shanhai_api.features import documents
from shanhai_api.features.definition import schemas_of
from shanhai_api.kit.answers import (
    Answered,
    Described,
    Document,
    JsonNumber,
    Link,
    Maybe,
    one_of,
)
from shanhai_api.negotiation import GEOJSON
from shanhai_api.plan_answers import PlanStatus
from shanhai_api.view import Link as Target
from shanhai_api.view import View

More = Maybe[
    Annotated[int, Field(description="How many there are below it that were not asked for")]
]


class RegionInTree(Answered):
    """A region by its names."""

    code: str
    name_zh: str
    name_en: str
    level: Annotated[str, one_of(REGION_LEVELS)]
    area_km2: JsonNumber | None
    links: list[Link]


class RegionNode(RegionInTree):
    """A region with those below it."""

    more: More = None
    children: list["RegionNode"]


class PlanInTree(Answered):
    """A plan by its names, kind and period."""

    code: str
    name_zh: str
    name_en: str
    kind: str
    level: str
    period_start: int
    period_end: int | None
    status: PlanStatus
    links: list[Link]


class PlanNode(PlanInTree):
    """A plan with those below it."""

    more: More = None
    children: list["PlanNode"]


class ComponentNode(Answered):
    """A component of a pattern: how certain it is, and how many members it has."""

    code: str
    name_zh: str
    name_en: str
    type: str
    order: int
    certainty: Annotated[str, one_of(CERTAINTIES)] | None
    label_zh: str | None
    label_en: str | None
    covers: list[str] | None
    area_km2: JsonNumber | None
    length_km: JsonNumber | None
    geometry_known: bool = Field(description="Whether somebody has drawn it")
    count_stated: int | None = Field(description="Members its source says it has")
    count_listed: int | None = Field(description="Members there are")
    source_names_all: bool | None = Field(
        description="False when the source itself says that it does not name them all"
    )
    links: list[Link]
    children: list["ComponentNode"]


def _with_members(schema: dict[str, Any]) -> None:
    """Tell the members that patterns are declared to have."""
    declared = schemas_of(PATTERNS)[PATTERNS.name]["properties"]
    schema["properties"] = {**declared, **schema["properties"]}


class PatternNode(Answered):
    """A pattern with all that is said of it, and its components in their order."""

    model_config = ConfigDict(json_schema_extra=_with_members)

    children: list[ComponentNode]


class NestedList(Document):
    """An answer with objects below one another."""

    template = "tree.html"


class RegionTreeShown(NestedList):
    """What a region lies in, the topmost first, and the regions below it."""

    upper: Described[list[RegionInTree]]
    tree: Described[RegionNode]
    links: list[Link]


class PlanTreeShown(NestedList):
    """The plans a plan lies below, the topmost first, and those below it."""

    upper: Described[list[PlanInTree]]
    tree: Described[PlanNode]
    links: list[Link]


class PatternTreeShown(NestedList):
    """A pattern with its components; it lies below nothing."""

    upper: list[ComponentNode] = Field(max_length=0)
    tree: Described[PatternNode]
    links: list[Link]


def node_of(node: HierarchyNode, entity: Entity, view: View) -> dict[str, Any]:
    """A node with all below it."""
    return {
        **node.members,
        "links": [_item(entity, node.members["code"], view)],
        **({"more": node.beyond} if node.beyond else {}),
        "children": [node_of(child, entity, view) for child in node.children],
    }


def above_of(nodes: Sequence[HierarchyNode], entity: Entity, view: View) -> list[dict[str, Any]]:
    """What an object lies below, the topmost first."""
    return [
        {**node.members, "links": [_item(entity, node.members["code"], view)]} for node in nodes
    ]


def component_of(component: Component, pattern: str, view: View) -> dict[str, Any]:
    """A component with all below it, and how many it has by its source and by the list."""
    links = [_item(PATTERN_COMPONENTS, component.members["code"], view)]
    if component.listed_in == CORRIDORS.name:
        path, title = documents.list_path(CORRIDORS, {}), CORRIDORS.title.in_(view.lang)
        links.append(
            view.link(path, "related", GEOJSON.media_type, title, pattern=pattern, as_of=view.day)
        )
    return {
        **component.members,
        "geometry_known": component.geometry_known,
        "count_stated": component.stated,
        "count_listed": component.listed,
        "source_names_all": component.complete,
        "links": links,
        "children": [component_of(child, pattern, view) for child in component.children],
    }


def _item(entity: Entity, code: str, view: View) -> Target:
    path = f"{documents.list_path(entity, {})}/{quote(code, safe='')}"
    return view.link(path, "item", documents.data_format(entity).media_type, as_of=view.day)

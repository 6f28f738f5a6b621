"""`/regions/{code}/tree`, `/plans/{code}/tree`, `/patterns/{code}/tree`.

Nodes are sent as they are: there may be many.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Self
from urllib.parse import quote

from fastapi import APIRouter, Query
from pydantic import ConfigDict, Field

from shanhai.db import hierarchy
from shanhai.db.collections.patterns import CORRIDORS, PATTERN_COMPONENTS, PATTERNS
from shanhai.db.collections.plans import PLANS
from shanhai.db.collections.regions import REGIONS
from shanhai.db.collections.shores import REGION_LINKS
from shanhai.db.features.entity import Entity
from shanhai.db.features.selection import Selection
from shanhai.errors import NotFound
from shanhai.vocabulary import CERTAINTIES, REGION_LEVELS, REGION_LINK_KINDS, Label, Lang
from shanhai_api.features import documents
from shanhai_api.features.definition import schemas_of
from shanhai_api.features.operations import read_item
from shanhai_api.features.wording import WORDS
from shanhai_api.kit import answers
from shanhai_api.kit.dependencies import Context, DayQuery, Read, Reader
from shanhai_api.kit.routing import Route
from shanhai_api.kit.view import GEOJSON, View
from shanhai_api.kit.view import Link as Target
from shanhai_api.plans.answers import PlanStatus, Titled, here_links

More = answers.Maybe[
    Annotated[int, Field(description="How many there are below it that were not asked for")]
]


class RegionInTree(answers.Answered):
    """A region by its names."""

    code: str
    name_zh: str
    name_en: str
    level: Annotated[str, answers.one_of(REGION_LEVELS)]
    area_km2: answers.JsonNumber | None
    links: list[answers.Link]


class RegionNode(RegionInTree):
    """A region with those below it."""

    more: More = None
    children: list["RegionNode"]


class PlanInTree(answers.Answered):
    """A plan by its names, kind and period."""

    code: str
    name_zh: str
    name_en: str
    kind: str
    level: str
    period_start: int
    period_end: int | None
    status: PlanStatus
    links: list[answers.Link]


class PlanNode(PlanInTree):
    """A plan with those below it."""

    more: More = None
    children: list["PlanNode"]


class ComponentNode(answers.Answered):
    """A component of a pattern: how certain it is, and how many members it has."""

    code: str
    name_zh: str
    name_en: str
    type: str
    order: int
    certainty: Annotated[str, answers.one_of(CERTAINTIES)] | None
    label_zh: str | None
    label_en: str | None
    covers: list[str] | None
    area_km2: answers.JsonNumber | None
    length_km: answers.JsonNumber | None
    geometry_known: bool = Field(description="Whether somebody has drawn it")
    count_stated: int | None = Field(description="Members its source says it has")
    count_listed: int | None = Field(description="Members there are")
    source_names_all: bool | None = Field(
        description="False when the source itself says that it does not name them all"
    )
    links: list[answers.Link]
    children: list["ComponentNode"]


def _with_members(schema: dict[str, Any]) -> None:
    """Tell the members that patterns are declared to have."""
    declared = schemas_of(PATTERNS)[PATTERNS.name]["properties"]
    schema["properties"] = {**declared, **schema["properties"]}


class PatternNode(answers.Answered):
    """A pattern with all that is said of it, and its components in their order."""

    model_config = ConfigDict(json_schema_extra=_with_members)

    children: list[ComponentNode]


class NestedList(answers.Document):
    """An answer with objects below one another."""

    template = "tree.html"


class RegionTreeShown(NestedList):
    """What a region lies in, the topmost first, and the regions below it."""

    upper: answers.Described[list[RegionInTree]]
    tree: answers.Described[RegionNode]
    links: list[answers.Link]


class PlanTreeShown(NestedList):
    """The plans a plan lies below, the topmost first, and those below it."""

    upper: answers.Described[list[PlanInTree]]
    tree: answers.Described[PlanNode]
    links: list[answers.Link]


class PatternTreeShown(NestedList):
    """A pattern with its components; it lies below nothing."""

    upper: list[ComponentNode] = Field(max_length=0)
    tree: answers.Described[PatternNode]
    links: list[answers.Link]


def node_of(node: hierarchy.HierarchyNode, entity: Entity, view: View) -> dict[str, Any]:
    """A node with all below it."""
    return {
        **node.members,
        "links": [_item(entity, node.members["code"], view)],
        **({"more": node.beyond} if node.beyond else {}),
        "children": [node_of(child, entity, view) for child in node.children],
    }


def component_of(component: hierarchy.Component, pattern: str, view: View) -> dict[str, Any]:
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


router = APIRouter(tags=["features"], route_class=Route)


class TreeQuery(DayQuery):
    """Parameters of a tree of bounded depth."""

    depth: int = Field(3, ge=1, le=hierarchy.MOST_DEPTH, description="Levels below the root")


OfDepth = Annotated[TreeQuery, Query()]


@router.get("/regions/{code}/tree", summary="A region and the regions below it")
async def read_region_tree(
    read: Read[Reader], code: str, query: OfDepth
) -> answers.Answer[RegionTreeShown]:
    """Tell the regions below one: code, names, level, area."""
    tree = await whole_tree(read, hierarchy.REGION_TREE, code, query)
    return answers.Answer(RegionTreeShown(**tree), page=page_of_tree(read.lang, REGIONS))


@router.get("/plans/{code}/tree", summary="A plan, those above it and those below")
async def read_plan_tree(
    read: Read[Reader], code: str, query: OfDepth
) -> answers.Answer[PlanTreeShown]:
    """Tell the plans a plan lies below, the topmost first, and those that lie below it."""
    tree = await whole_tree(read, hierarchy.PLAN_TREE, code, query)
    return answers.Answer(PlanTreeShown(**tree), page=page_of_tree(read.lang, PLANS))


@router.get("/patterns/{code}/tree", summary="A pattern and its components")
async def read_pattern_tree(
    read: Read[Reader], code: str, query: Annotated[DayQuery, Query()]
) -> answers.Answer[PatternTreeShown]:
    """Tell the components of a pattern in their order.

    Each says how certain it is, whether it is drawn, and how many members its source states and
    the list holds.
    """
    selection = Selection(read.caller.viewer, code=code, as_of=query.as_of)
    pattern = (await read_item(read.session, PATTERNS, selection)).plain()
    top = await hierarchy.read_components(read.session, code, selection)
    children = [component_of(component, code, read) for component in top]
    whole = {**pattern, "children": children}
    tree = PatternTreeShown(upper=[], tree=whole, links=here_links(read))
    return answers.Answer(tree, page=page_of_tree(read.lang, PATTERNS, PATTERN_COMPONENTS))


async def whole_tree(
    read: Context, branching: hierarchy.Branching, code: str, query: TreeQuery
) -> dict[str, Any]:
    """What an object lies below, the topmost first, and the tree below it.

    Raises:
        NotFound: there is none, or none the caller may know of.
    """
    entity = branching.entity
    selection = Selection(read.caller.viewer, code=code, as_of=query.as_of)
    root = None
    if "\x00" not in code:
        root = await hierarchy.read_tree(read.session, branching, selection, depth=query.depth)
    if root is None:
        none_zh = f"{entity.name} 中没有 {code!r}"
        raise NotFound(f"there is no {code!r} in {entity.name}", message_zh=none_zh)
    above = await hierarchy.read_above(read.session, branching, selection, root)
    upper = [
        {**node.members, "links": [_item(entity, node.members["code"], read)]} for node in above
    ]
    return {"upper": upper, "tree": node_of(root, entity, read), "links": here_links(read)}


def page_of_tree(lang: Lang, entity: Entity, below: Entity | None = None) -> Mapping[str, Any]:
    """What only the page is given; `below` is what the nodes under the root are."""
    members = (*entity.properties, *(below.properties if below is not None else ()))
    return {
        "entity": entity,
        "declared": {item.name: item for item in members},
        "word_of": lambda name, code: word_of_node(entity, below, name, code, lang),
    }


def word_of_node(
    entity: Entity, below: Entity | None, name: str, code: str, lang: Lang
) -> str | None:
    """What a code of an open list is called in the root or in what is below it."""
    for kind in (entity, below):
        words = WORDS.get((kind.name, name), {}) if kind is not None else {}
        if code in words:
            return words[code].in_(lang)
    return None


class PlaceOnTheWay(answers.Answered):
    """A place on the way of the water."""

    depth: int = Field(description="Below zero upstream of the place asked for, above downstream")
    code: str
    name: str
    name_zh: str
    name_en: str
    kind: Annotated[str, answers.one_of(REGION_LINK_KINDS)]
    region: str
    region_name: str
    station: str | None
    station_name: str | None
    links: list[answers.Link]

    @classmethod
    def of(cls, place: hierarchy.ChainPlace, view: View) -> Self:
        """A place with its names."""
        name = Label(place.name_zh, place.name_en)
        return cls.from_row(
            place,
            name=name.in_(view.lang),
            region_name=place.region_name.in_(view.lang),
            station_name=None if place.station_name is None else place.station_name.in_(view.lang),
            links=[_item(REGION_LINKS, place.code, view)],
        )


class WaterChain(Titled):
    """The places on the way of the water, from the source on."""

    places: list[PlaceOnTheWay]
    links: list[answers.Link]


CHAIN = Label("上下游", "Upstream and downstream")


@router.get("/region-links/{code}/chain", summary="What lies upstream and downstream of a place")
async def read_region_chain(read: Read[Reader], code: str) -> WaterChain:
    """Tell all that flows to a place and all it flows to, in the order of the water."""
    places = await hierarchy.read_chain(read.session, read.caller.viewer, code)
    return WaterChain(
        title=CHAIN.in_(read.lang),
        places=[PlaceOnTheWay.of(place, read) for place in places],
        links=here_links(read),
    )

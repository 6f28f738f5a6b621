"""`/regions/{code}/tree`, `/plans/{code}/tree`, `/patterns/{code}/tree`."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from shanhai.db.collections.patterns import PATTERN_COMPONENTS, PATTERNS
from shanhai.db.collections.plans import PLANS
from shanhai.db.collections.regions import REGIONS
from shanhai.db.features.entity import Entity
from shanhai.db.features.selection import Selection
from shanhai.db.hierarchy import (
    MOST_DEPTH,
    PLAN_TREE,
    REGION_TREE,
    Branching,
    HierarchyNode,
    read_above,
    read_components,
    read_tree,
)
from shanhai.errors import NotFound
from shanhai.vocabulary import Lang
from shanhai_api.dependencies import DayQuery, Reader
from shanhai_api.features.operations import read_item
from shanhai_api.features.wording import WORDS
from shanhai_api.kit.answers import Answer
from shanhai_api.kit.routing import Route
from shanhai_api.kit.writing import Context, Read
from shanhai_api.projects.documents import here_links
from shanhai_api.trees.models import (
    PatternTreeShown,
    PlanTreeShown,
    RegionTreeShown,
    above_of,
    component_of,
    node_of,
)

router = APIRouter(tags=["features"], route_class=Route)


class TreeQuery(DayQuery):
    """Parameters of a tree of bounded depth."""

    depth: int = Field(3, ge=1, le=MOST_DEPTH, description="Levels below the root")


OfDepth = Annotated[TreeQuery, Query()]


@router.get("/regions/{code}/tree", summary="A region and the regions below it")
async def read_region_tree(
    read: Read[Reader], code: str, query: OfDepth
) -> Answer[RegionTreeShown]:
    """Tell the regions below one: code, names, level, area."""
    selection = Selection(read.caller.viewer, code=code, as_of=query.as_of)
    root = await demand_tree(read, REGION_TREE, selection, query.depth)
    upper = await read_above(read.session, REGION_TREE, selection, root)
    tree = RegionTreeShown(
        upper=above_of(upper, REGIONS, read),
        tree=node_of(root, REGIONS, read),
        links=here_links(read),
    )
    return Answer(tree, page=page_of_tree(read.lang, REGIONS))


@router.get("/plans/{code}/tree", summary="A plan, those above it and those below")
async def read_plan_tree(read: Read[Reader], code: str, query: OfDepth) -> Answer[PlanTreeShown]:
    """Tell the plans a plan lies below, the topmost first, and those that lie below it."""
    selection = Selection(read.caller.viewer, code=code, as_of=query.as_of)
    root = await demand_tree(read, PLAN_TREE, selection, query.depth)
    upper = await read_above(read.session, PLAN_TREE, selection, root)
    tree = PlanTreeShown(
        upper=above_of(upper, PLANS, read),
        tree=node_of(root, PLANS, read),
        links=here_links(read),
    )
    return Answer(tree, page=page_of_tree(read.lang, PLANS))


@router.get("/patterns/{code}/tree", summary="A pattern and its components")
async def read_pattern_tree(
    read: Read[Reader], code: str, query: Annotated[DayQuery, Query()]
) -> Answer[PatternTreeShown]:
    """Tell the components of a pattern in their order.

    Each says how certain it is, whether it is drawn, and how many members its source states and
    the list holds.
    """
    selection = Selection(read.caller.viewer, code=code, as_of=query.as_of)
    pattern = (await read_item(read.session, PATTERNS, selection)).plain()
    top = await read_components(read.session, code, selection)
    children = [component_of(component, code, read) for component in top]
    whole = {**pattern, "children": children}
    tree = PatternTreeShown(upper=[], tree=whole, links=here_links(read))
    return Answer(tree, page=page_of_tree(read.lang, PATTERNS, PATTERN_COMPONENTS))


async def demand_tree(
    read: Context, branching: Branching, selection: Selection, depth: int
) -> HierarchyNode:
    """The tree below the object a selection means by its code.

    Raises:
        NotFound: there is none, or none the caller may know of.
    """
    code, name = selection.code or "", branching.entity.name
    readable = "\x00" not in code
    root = await read_tree(read.session, branching, selection, depth=depth) if readable else None
    if root is None:
        raise NotFound(f"there is no {code!r} in {name}", message_zh=f"{name} 中没有 {code!r}")
    return root


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

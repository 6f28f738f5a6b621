"""`/regions/{code}/tree`, `/plans/{code}/tree`, `/patterns/{code}/tree`."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import Field

from shanhai.db.collections.patterns import PATTERN_COMPONENTS, PATTERNS
from shanhai.db.collections.plans import PLANS
from shanhai.db.collections.regions import REGIONS
from shanhai.db.features.entity import Entity
from shanhai.db.features.selection import Selection
from shanhai.db.hierarchy import MOST_DEPTH, PLAN_TREE, REGION_TREE, read_above, read_components
from shanhai.vocabulary import Lang
from shanhai_api.dependencies import DayQuery, Reader, ReadSession, TheView
from shanhai_api.features.operations import read_item
from shanhai_api.features.wording import WORDS
from shanhai_api.projects.documents import here_links
from shanhai_api.trees.documents import component_document, node_document, upper_document
from shanhai_api.trees.operations import demand_tree
from shanhai_api.view import View

router = APIRouter(tags=["features"])


class TreeQuery(DayQuery):
    """Parameters of a tree of bounded depth."""

    depth: int = Field(3, ge=1, le=MOST_DEPTH, description="Levels below the root")


@router.get("/regions/{code}/tree", summary="A region and the regions below it")
async def read_region_tree(
    view: TheView,
    caller: Reader,
    code: str,
    query: Annotated[TreeQuery, Query()],
    session: ReadSession,
) -> Response:
    """Tell the regions below one: code, names, level, area."""
    selection = Selection(caller.viewer, code=code, as_of=query.as_of)
    root = await demand_tree(session, REGION_TREE, selection, query.depth)
    upper = await read_above(session, REGION_TREE, selection, root)
    document = {
        "upper": upper_document(upper, REGIONS, view),
        "tree": node_document(root, REGIONS, view),
    }
    return respond(view, REGIONS, document)


@router.get("/plans/{code}/tree", summary="A plan, those above it and those below")
async def read_plan_tree(
    view: TheView,
    caller: Reader,
    code: str,
    query: Annotated[TreeQuery, Query()],
    session: ReadSession,
) -> Response:
    """Tell the plans a plan lies below, the topmost first, and those that lie below it."""
    selection = Selection(caller.viewer, code=code, as_of=query.as_of)
    root = await demand_tree(session, PLAN_TREE, selection, query.depth)
    upper = await read_above(session, PLAN_TREE, selection, root)
    document = {
        "upper": upper_document(upper, PLANS, view),
        "tree": node_document(root, PLANS, view),
    }
    return respond(view, PLANS, document)


@router.get("/patterns/{code}/tree", summary="A pattern and its components")
async def read_pattern_tree(
    view: TheView,
    caller: Reader,
    code: str,
    query: Annotated[DayQuery, Query()],
    session: ReadSession,
) -> Response:
    """Tell the components of a pattern in their order.

    Each says how certain it is, whether it is drawn, and how many members its source states and
    the list holds.
    """
    selection = Selection(caller.viewer, code=code, as_of=query.as_of)
    pattern = (await read_item(session, PATTERNS, selection)).plain()
    top = await read_components(session, code, selection)
    children = [component_document(component, code, view) for component in top]
    document = {"upper": [], "tree": {**pattern, "children": children}}
    return respond(view, PATTERNS, document, below=PATTERN_COMPONENTS)


def respond(
    view: View, entity: Entity, document: dict[str, Any], below: Entity | None = None
) -> Response:
    """A tree, as JSON or as a nested list; `below` is what the nodes under the root are."""
    members = (*entity.properties, *(below.properties if below is not None else ()))
    return view.respond(
        {**document, "links": here_links(view)},
        template="tree.html",
        extra={
            "entity": entity,
            "declared": {item.name: item for item in members},
            "word_of": lambda name, code: word_of_node(entity, below, name, code, view.lang),
        },
    )


def word_of_node(
    entity: Entity, below: Entity | None, name: str, code: str, lang: Lang
) -> str | None:
    """What a code of an open list is called in the root or in what is below it."""
    for kind in (entity, below):
        words = WORDS.get((kind.name, name), {}) if kind is not None else {}
        if code in words:
            return words[code].in_(lang)
    return None

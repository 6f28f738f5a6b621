"""The documents of trees."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from shanhai.db.collections.corridors import CORRIDORS
from shanhai.db.collections.patterns import PATTERN_COMPONENTS
from shanhai.db.features.entity import Entity
from shanhai.db.hierarchy import Component, HierarchyNode
from shanhai_api.features import documents
from shanhai_api.negotiation import GEOJSON
from shanhai_api.view import Link, View


def node_document(node: HierarchyNode, entity: Entity, view: View) -> dict[str, Any]:
    """A node with all below it; `more` counts those below that were not asked for."""
    return {
        **node.members,
        "links": [_item(entity, node.members["code"], view)],
        **({"more": node.beyond} if node.beyond else {}),
        "children": [node_document(child, entity, view) for child in node.children],
    }


def upper_document(
    nodes: Sequence[HierarchyNode], entity: Entity, view: View
) -> list[dict[str, Any]]:
    """What an object lies below, the topmost first."""
    return [
        {**node.members, "links": [_item(entity, node.members["code"], view)]} for node in nodes
    ]


def component_document(component: Component, pattern: str, view: View) -> dict[str, Any]:
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
        "children": [component_document(child, pattern, view) for child in component.children],
    }


def _item(entity: Entity, code: str, view: View) -> Link:
    path = f"{documents.list_path(entity, {})}/{quote(code, safe='')}"
    return view.link(path, "item", documents.data_format(entity).media_type, as_of=view.day)

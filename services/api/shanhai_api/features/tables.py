"""How collections and records look on pages: a form, a table, one row, its place on a map."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlencode

import orjson
from fastapi import Response

from shanhai.db.collections.catalogue import ENTITIES
from shanhai.db.fast_reads import Executor
from shanhai.db.features.entity import Entity, Property
from shanhai.db.features.query import FeatureRow
from shanhai.vector.formats import FILE_FORMATS, FileFormat
from shanhai.vocabulary import Lang
from shanhai_api.features import documents, operations
from shanhai_api.features.parameters import ItemsQuery, parameters_of
from shanhai_api.features.related import related_pages
from shanhai_api.features.streaming import HELD
from shanhai_api.features.wording import names_on_page
from shanhai_api.identity import Caller
from shanhai_api.negotiation import HTML, Format
from shanhai_api.state import state_of
from shanhai_api.view import View

Record = Mapping[str, Any]

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "regions": ("level", "parent", "area_km2", "metric_epsg"),
    "plans": ("level", "region", "period_start", "period_end", "status"),
    "corridors": ("type", "class", "region", "pattern", "length_km", "status"),
    "control_areas": ("kind", "level", "region", "area_km2", "approved_area_km2", "status"),
    "problems": ("type", "level", "region", "severity", "quantity", "unit", "status"),
    "projects": ("region", "programme", "owner", "start_year", "end_year", "cost", "state"),
    "provisions": ("kind", "order", "article", "start_year", "end_year", "places"),
    "figures": ("kind", "class_zh", "value", "unit", "start_year", "end_year"),
    "named_features": ("kind", "region", "article", "area_km2"),
    "zone_schemes": ("region", "version", "status", "valid_from", "origin"),
    "zones": ("region", "area_km2", "share_percent", "version", "status"),
    "datasets": ("region", "theme", "native_resolution_m", "unit", "origin"),
    "control_rules": ("scope", "subject", "activity", "decision", "region", "conditions"),
    "proposals": ("title", "kind", "object", "region", "state", "author"),
}
"""What a reader compares; everything else is on the feature's own page."""
TARGETS: Mapping[str, str] = {
    entity.name: documents.list_path(entity, {})
    for entity in ENTITIES
    if "{" not in (entity.path or "")
}
"""Where what a property refers to is found."""
USUAL_COLUMNS = 6
NAMES = frozenset({"code", "name_zh", "name_en", "valid_from", "valid_to"})
"""Properties that need no column of their own."""


async def items_page(
    session: Executor,
    entity: Entity,
    caller: Caller,
    query: ItemsQuery,
    view: View,
    bound: Mapping[str, str] | None = None,
) -> Response:
    """The page of a list; it holds no more rows than a person can look at."""
    shown = replace(query, limit=min(query.limit, HELD))
    page = await operations.read_items(session, entity, caller, shown)
    document = documents.list_document(entity, page, page.rows, shown, view, bound or {})
    rows = [shown_row(row) for row in page.rows]
    members = [row["properties"] for row in rows]
    named = await names_on_page(session, entity, members, caller.viewer, view.lang)
    return view.respond(
        orjson.loads(orjson.dumps(document)),
        template="items.html",
        formats=formats_of(entity),
        headers={} if entity.path else documents.content_crs(query.ask.form.crs),
        extra={
            **item_page(entity, view, bound),
            "named": named,
            "rows": rows,
            "columns": columns_of(entity, query, bound or {}),
            "fields": parameters_of(entity, bound or {}),
            "asked": query.kept,
            "files": [item.name for item in FILE_FORMATS.values() if fits(item, entity)],
            "selected": {k: v for k, v in query.kept.items() if k not in {"f", "limit"}},
            "orders": lambda entity: order_choices(entity, view.lang),
        },
    )


def item_page(entity: Entity, view: View, bound: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What the page of a feature or record needs beside its document."""
    return {
        "entity": entity,
        "list_path": documents.list_path(entity, bound or {}),
        "quoted": lambda code: quote(code, safe=""),
        "map_of": mapper(entity, view),
        "related": lambda code, members: related_pages(entity, code, members, view),
        "targets": TARGETS,
    }


def order_choices(entity: Entity, lang: Lang) -> list[tuple[str, str]]:
    """The orders a person can choose: each sortable property up and down."""
    return [
        (f"{sign}{item.name}", f"{item.title.in_(lang)} {arrow}")
        for item in entity.sortables
        for sign, arrow in (("+", "↑"), ("-", "↓"))
    ]


def fits(file: FileFormat, entity: Entity) -> bool:
    """Whether an entity's rows can be had as such a file."""
    return entity.geometry is not None or not file.spatial


def shown_row(row: FeatureRow) -> Record:
    """A row of a table: what a feature has, without its geometry."""
    return {"id": row.code, "properties": row.plain()}


def formats_of(entity: Entity) -> tuple[Format, Format]:
    """The formats of an entity's lists and items."""
    return (documents.data_format(entity), HTML)


def columns_of(entity: Entity, query: ItemsQuery, bound: Mapping[str, str]) -> Sequence[Property]:
    """The columns of a table, beside the name: those asked for, else the telling ones."""
    members = query.ask.form.members
    if members is not None:
        return [item for item in entity.properties if item.name in members - NAMES]
    if entity.name in COLUMNS:
        declared = (entity.declared(name) for name in COLUMNS[entity.name])
        return [item for item in declared if item is not None]
    passed_over = {*NAMES, *bound, "copied_from"}
    telling = [item for item in entity.queryables if item.name not in passed_over]
    return telling[:USUAL_COLUMNS]


def mapper(entity: Entity, view: View) -> Callable[[Record], str | None]:
    """What finds the map of a feature of the entity."""
    tiles = state_of(view.request).configuration.public.tiles_url
    return lambda feature: map_address(entity, feature, tiles, view.lang)


def map_address(entity: Entity, feature: Record, tiles: str, lang: Lang) -> str | None:
    """The page of the tile service that shows a feature; None for what no layer shows."""
    code, members = feature["id"], feature["properties"]
    query = {"lang": lang}
    match entity.name:
        case "datasets":
            layer = f"dataset.{code}"
        case "zones" if "scheme" in members:
            layer, query["scheme"] = "zones", members["scheme"]
        case "zone_schemes":
            layer, query["scheme"] = "zones", code
        case "regions":
            layer = "regions"
        case _:
            return None
    return f"{tiles}/layers/{layer}/map?{urlencode(query)}"

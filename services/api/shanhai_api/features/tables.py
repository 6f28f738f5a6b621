"""How collections and records look on pages: a form, a table, one row, its place on a map.

Of pages too long to be held the numbers of the rows are read first, so that links and counts are
known before the first byte. Each block is a statement of its own: a slow client keeps no
transaction and no connection, and a row that left the selection meanwhile is not sent.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from fastapi import Response

from shanhai.db.collections.catalogue import ENTITIES
from shanhai.db.engine import Executor
from shanhai.db.features.entity import Entity, Property
from shanhai.db.features.query import FeatureRow, LongPage, read_rows
from shanhai.db.features.selection import Selection
from shanhai.db.indicators.plan_indicators import find_plan
from shanhai.db.queries.jobs import find_job
from shanhai.vector.formats import FILE_FORMATS, FileFormat
from shanhai.vocabulary import Label, Lang
from shanhai_api.features import documents, operations
from shanhai_api.features.parameters import ItemsQuery, parameters_of
from shanhai_api.features.wording import names_on_page
from shanhai_api.kit.requests import Caller
from shanhai_api.kit.state import ServiceState, state_of
from shanhai_api.kit.view import GEOJSON, HTML, Format, View, link_header

RELATED: Mapping[str, Mapping[str, Label]] = {
    "plans": {
        "/plans/{code}/parts": Label("各区域分部", "Parts of the regions"),
        "/plans/{code}/approvals": Label("联合审批", "Approvals of the regions"),
        "/plans/{code}/indicators": Label("指标", "Indicators"),
        "/plans/{code}/progress": Label("指标进展", "Progress"),
        "/plans/{code}/evaluation?year": Label("年度评估", "Evaluation of the year"),
        "/plans/{code}/programmes": Label("重点工程", "Programmes"),
        "/plans/{code}/provisions": Label("条文与任务", "Provisions"),
        "/plans/{code}/duty-board": Label("职责看板", "Board of duties"),
        "/plans/{code}/duty-reviews": Label("年度职责考核", "Yearly reviews of duties"),
        "/plans/{code}/figures": Label("规划数据", "Figures"),
        "/plans/{code}/timetable": Label("实施时序", "Timetable"),
        "/plans/{code}/totals": Label("工程合计", "Totals"),
        "/plans/{code}/funds": Label("资金", "Funds"),
        "/plans/{code}/results": Label("规划数据与计算结果", "Printed and computed"),
        "/plans/{code}/coverage": Label("问题与项目对应", "Problems and projects"),
        "/plans/{code}/findings": Label("数据质量", "Findings"),
        "/plans/{code}/editions": Label("各版规划", "Editions"),
        "/plans/{code}/projects": Label("项目", "Projects"),
        "/plans/{code}/tree": Label("上下位规划", "Upper and lower plans"),
        "/plans/{code}/suggestions": Label("修订提示", "What is worth a proposal"),
        "/mines/stock?plan={code}": Label("矿山修复存量", "Stock of mines"),
        "/proposals?plan={code}": Label("修订建议", "Proposals"),
    },
    "control_areas": {"/regions/{region}/species?area={code}": Label("物种", "Species")},
    "mines": {
        "/mines/{code}/deposits": Label("矿山恢复基金", "Restoration fund"),
        "/mines/{code}/reports": Label("矿山年度报告", "Yearly reports"),
    },
    "projects": {
        "/projects/{code}": Label("项目进程", "Course of the project"),
        "/projects/{code}/balance": Label("占补平衡", "Balances"),
    },
    "regions": {
        "/regions/{code}/tree": Label("下级区域", "Regions below"),
        "/regions/{code}/dossier": Label("区域档案", "Dossier"),
        "/balances?region={code}": Label("占补平衡", "Balances"),
        "/regions/{code}/lines": Label("管控线台账", "Register of lines"),
        "/regions/{code}/species": Label("自然保护地物种", "Species of protected areas"),
        "/mines/stock?region={code}": Label("矿山修复存量", "Stock of mines"),
    },
    "stations": {"/stations/{code}/observations": Label("观测数据", "Observations")},
    "compensation_agreements": {
        "/compensation-agreements/{code}/settlements": Label("补偿结算", "Settlements"),
    },
    "region_links": {"/region-links/{code}/chain": Label("上下游", "Upstream and downstream")},
    "patterns": {"/patterns/{code}/tree": Label("格局构成", "Components")},
    "zone_schemes": {
        "/zone-schemes/{code}/topology": Label("空缺与重叠", "Gaps and overlaps"),
        "/zone-schemes/{code}/compare": Label("方案比较", "Comparison"),
        "/zone-schemes/{code}/adjustments": Label("人工调整", "Adjustments"),
    },
}
"""Addresses by entity, in the order a reader would want them."""
OF_PROTECTED_AREAS = frozenset({"/regions/{region}/species?area={code}"})
"""Pages that other control areas do not have."""
OF_TODAY = frozenset({"approvals", "suggestions", "results", "duty-reviews"})
"""What is told of plans of today only."""


THIS_YEAR = "year"
OF_A_REGION = frozenset({"/plans/{code}/progress", f"/plans/{{code}}/evaluation?{THIS_YEAR}"})
"""Pages that a plan without a region of its own does not have."""
FOR_PEOPLE_AT_WORK = frozenset(
    {
        *("/plans/{code}/funds", "/plans/{code}/suggestions", "/proposals?plan={code}"),
        *("/mines/{code}/deposits", "/mines/{code}/reports"),
    }
)
"""Pages that only people with an identity are shown."""


OF_MONEY = frozenset({"/plans/{code}/funds"})
"""Pages that only those with a role in one of the plan's regions are shown."""


async def ways_open(
    state: ServiceState, entity: Entity, code: str, members: Mapping[str, Any], caller: Caller
) -> dict[str, bool]:
    """Which pages about a feature its reader may open: that of its job, those of its money."""
    job, has_money = members.get("job"), entity.name == "plans" and not caller.anonymous
    if not job and not has_money:
        return {"job_seen": False, "money": False}
    async with state.reading() as session:
        seen = bool(job) and await find_job(session, UUID(str(job)), reader=caller) is not None
        plan = await find_plan(session, code, caller.viewer) if has_money else None
    money = plan is not None and caller.viewer.is_member(plan.region_ids)
    return {"job_seen": seen, "money": money}


def related_pages(
    entity: Entity, code: str, members: Mapping[str, Any], view: View, *, money: bool
) -> list[tuple[str, str]]:
    """The addresses and titles of what else there is about a feature with these members.

    Of a plan seen as of a day they are those of the same day; `money` is what `ways_open` says.
    """
    safe = quote(code, safe="")
    zone = ZoneInfo(state_of(view.request).configuration.database.timezone)
    found = []
    for address, title in RELATED.get(entity.name, {}).items():
        if address in FOR_PEOPLE_AT_WORK and not view.known:
            continue
        if address in OF_MONEY and not money:
            continue
        if address in OF_A_REGION and members.get("region") is None:
            continue
        if address in OF_PROTECTED_AREAS and members.get("kind") != "protected_area":
            continue
        region = quote(str(members.get("region")), safe="")
        path, _, query = address.format(code=safe, region=region).partition("?")
        if query == THIS_YEAR:
            query = f"year={view.day[:4] if view.day else datetime.now(zone).year}"
        day = {"as_of": view.day} if _has_days(path) else {}
        found.append(
            (view.url(path, **dict(parse_qsl(query)), **day, f="html"), title.in_(view.lang))
        )
    return found


def _has_days(path: str) -> bool:
    """Whether what is told there can be asked as of a day."""
    last = path.rpartition("/")[2]
    return last == "tree" or (path.startswith("/plans/") and last not in OF_TODAY)


HELD = 1_000
"""Features of the longest page that is built as a whole."""
BLOCK = 500


async def respond_long(
    view: View, entity: Entity, selection: Selection, page: LongPage, query: ItemsQuery
) -> Response:
    """A page as a whole when it turns out short, else as a stream without ETag."""
    state = state_of(view.request)
    headers = documents.content_crs(query.ask.form.crs)
    first = await _block(state, entity, selection, page.keys[:HELD], query)
    if len(page.keys) <= HELD:
        document = documents.feature_collection(entity, page, first, query, view)
        return view.respond_features(document, headers=headers)
    links = link_header(documents.about_page(entity, page, query, view, returned=0)["links"])
    body = _written(view, entity, selection, page, query, first)
    return view.stream(body, GEOJSON.media_type, headers={**links, **headers})


async def _written(
    view: View,
    entity: Entity,
    selection: Selection,
    page: LongPage,
    query: ItemsQuery,
    first: Sequence[FeatureRow],
) -> AsyncIterator[bytes]:
    """The collection in pieces; an error on the way ends it where it is, which is no JSON."""
    yield b'{"type":"FeatureCollection","features":['
    yield _listed(first)
    returned = len(first)
    for start in range(HELD, len(page.keys), BLOCK):
        keys = page.keys[start : start + BLOCK]
        rows = await _block(state_of(view.request), entity, selection, keys, query)
        if rows:
            yield (b"," if returned else b"") + _listed(rows)
        returned += len(rows)
    about = documents.about_page(entity, page, query, view, returned=returned)
    yield b"]," + orjson.dumps(about)[1:]


async def _block(
    state: ServiceState,
    entity: Entity,
    selection: Selection,
    keys: Sequence[int],
    query: ItemsQuery,
) -> list[FeatureRow]:
    return await read_rows(state.quick, entity, selection, keys, query.ask.form)


def _listed(rows: Sequence[FeatureRow]) -> bytes:
    return orjson.dumps([documents.feature(row) for row in rows])[1:-1]


Record = Mapping[str, Any]

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "regions": ("level", "parent", "area_km2", "metric_epsg"),
    "plans": ("level", "region", "period_start", "period_end", "status"),
    "corridors": ("type", "class", "region", "pattern", "length_km", "status"),
    "control_areas": ("kind", "level", "region", "area_km2", "approved_area_km2", "status"),
    "problems": ("type", "level", "region", "severity", "quantity", "unit", "status"),
    "projects": ("region", "programme", "owner", "start_year", "end_year", "cost", "state"),
    "provisions": ("kind", "order", "article", "start_year", "end_year", "places"),
    "duties": ("article", "name_zh", "due", "state", "lead", "named"),
    "figures": ("kind", "class_zh", "value", "unit", "start_year", "end_year"),
    "named_features": ("kind", "region", "article", "area_km2"),
    "islands": ("waters", "class", "region", "allowed_uses", "area_km2"),
    "outfalls": ("kind", "region", "discharger", "permit", "permit_until", "station"),
    "species": ("scientific_name", "name_zh", "protection", "red_list", "invasive", "sensitivity"),
    "occurrences": ("species", "name_zh", "observed_from", "individuals", "cell", "place", "state"),
    "region_links": ("kind", "region", "flows_to", "station"),
    "notices": ("subject_collection", "region", "period_from", "period_to", "state"),
    "demonstration_members": ("region", "order", "section", "member", "place", "state"),
    "demonstration_criteria": ("region", "order", "weight"),
    "demonstration_scores": ("region", "criterion", "year", "score"),
    "compensation_agreements": (
        *("region", "upstream", "downstream", "basis", "station", "service", "start_year"),
        *("end_year", "state"),
    ),
    "titles": ("series", "level", "region", "feature", "target_year", "state", "year"),
    "mines": ("kind", "region", "minerals", "area_ha", "state", "accepted_area_ha"),
    "reclamations": (
        *("region", "end_on", "land_class_before", "land_class_after", "deposit_required"),
        *("deposit_paid", "state"),
    ),
    "zone_schemes": ("region", "version", "status", "valid_from", "origin"),
    "zones": ("region", "area_km2", "share_percent", "version", "status"),
    "datasets": ("region", "theme", "native_resolution_m", "unit", "origin"),
    "control_rules": ("scope", "subject", "activity", "decision", "region", "conditions"),
    "balance_entries": (
        *("kind", "direction", "amount", "unit", "region", "project", "year", "state"),
    ),
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


def item_page(
    entity: Entity,
    view: View,
    bound: Mapping[str, str] | None = None,
    *,
    job_seen: bool = False,
    money: bool = False,
) -> dict[str, Any]:
    """What the page of a feature or record needs beside its document; the last two of one."""
    return {
        "job_seen": job_seen,
        "entity": entity,
        "list_path": documents.list_path(entity, bound or {}),
        "quoted": lambda code: quote(code, safe=""),
        "map_of": mapper(entity, view),
        "related": lambda code, members: related_pages(entity, code, members, view, money=money),
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

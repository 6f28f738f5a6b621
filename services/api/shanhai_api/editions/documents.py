"""Documents about editions of a plan."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from shanhai.db.editions.comparison import Altered, EditionDifference, EditionObject
from shanhai.db.editions.lineage import EditionProject, EditionRow
from shanhai.db.indicators.plan_indicators import PlanSeen
from shanhai.vocabulary import PLAN_STATUSES, Label
from shanhai_api.naming import project_state
from shanhai_api.negotiation import HTML, JSON
from shanhai_api.projects.plan_documents import about_day, plan_links
from shanhai_api.view import View

Document = dict[str, Any]
KM2 = 1e6
STATUSES = {term.code: term.label for term in PLAN_STATUSES}


def item_of(code: str) -> str:
    """The path of a plan."""
    return f"/collections/plans/items/{quote(code, safe='')}"


def _project(code: str) -> str:
    return f"/collections/projects/items/{quote(code, safe='')}"


def editions_document(view: View, plan: PlanSeen, rows: Sequence[EditionRow]) -> Document:
    """The editions of a plan, the first first."""
    return {
        "plan": plan.code,
        **about_day(plan),
        "lineage": rows[0].lineage if rows else plan.code,
        "editions": [
            {
                "code": row.code,
                "name": row.name_zh if view.lang == "zh" else row.name_en,
                "edition": row.edition,
                "version": row.version,
                "status": row.status,
                "status_name": STATUSES[row.status].in_(view.lang),
                "supersedes": row.supersedes,
                "begun_on": str(row.begun_on),
                "in_force_from": None if row.in_force_from is None else str(row.in_force_from),
                "in_force_to": None if row.in_force_to is None else str(row.in_force_to),
                "links": [view.link(item_of(row.code), "item", **plan.day)],
            }
            for row in rows
        ],
        "links": plan_links(view, plan, JSON, HTML),
    }


def members_document(view: View, plan: PlanSeen, members: Sequence[EditionProject]) -> Document:
    """The projects of an edition."""
    title = Label(f"{plan.name.zh}：项目", f"{plan.name.en}: projects")
    return {
        "title": title.in_(view.lang),
        "plan": plan.code,
        **about_day(plan),
        "projects": [
            {
                "code": member.code,
                "name": member.name_zh if view.lang == "zh" else member.name_en,
                "state": member.state,
                "state_name": project_state(member.state, view.lang),
                "programme": member.programme,
                "carried": member.carried,
                "links": [view.link(_project(member.code), "item", **plan.day)],
            }
            for member in members
        ],
        "links": plan_links(view, plan, JSON, HTML),
    }


def comparison_document(
    view: View,
    first: PlanSeen,
    second: PlanSeen,
    compared: Sequence[EditionDifference],
    *,
    with_money: bool,
) -> Document:
    """What differs between two editions, kind by kind."""
    zh = view.lang == "zh"
    return {
        **about_day(second),
        "from": _edition(first, view),
        "to": _edition(second, view),
        "area_method": "geodesic on the CGCS2000 ellipsoid",
        "same": not any(kind.added or kind.dropped or kind.changed for kind in compared),
        "parts": [
            {
                "collection": kind.kind,
                "title": kind.title.zh if zh else kind.title.en,
                "before": _sums(kind.before, with_money),
                "after": _sums(kind.after, with_money),
                "added": [_part(part, zh) for part in kind.added],
                "dropped": [_part(part, zh) for part in kind.dropped],
                "changed": [_altered(pair, zh) for pair in kind.changed],
                "unchanged": len(kind.after) - len(kind.added) - len(kind.changed),
            }
            for kind in compared
        ],
        "links": plan_links(view, second, JSON, HTML),
    }


def _edition(plan: PlanSeen, view: View) -> Document:
    return {
        "code": plan.code,
        "name": plan.name.in_(view.lang),
        "status": plan.status,
        "status_name": STATUSES[plan.status].in_(view.lang),
    }


def _sums(parts: Sequence[EditionObject], with_money: bool) -> Document:
    areas = [part.area_m2 for part in parts if part.area_m2 is not None]
    costs = [part.cost for part in parts if part.cost is not None]
    return {
        "count": len(parts),
        "drawn": len(areas),
        "area_km2": _km2(sum(areas)) if areas else None,
        **({"cost": str(sum(costs, Decimal(0)))} if with_money and costs else {}),
    }


def _part(part: EditionObject, zh: bool) -> Document:
    name = part.name.zh if zh else part.name.en
    return {"code": part.code, "name": name, "area_km2": _km2(part.area_m2)}


def _altered(pair: Altered, zh: bool) -> Document:
    members: Mapping[str, tuple[Any, Any]] = pair.members
    return {
        **_part(pair.after, zh),
        "former": pair.before.code,
        "former_area_km2": _km2(pair.before.area_m2),
        "redrawn": pair.redrawn,
        "members": {name: {"from": old, "to": new} for name, (old, new) in members.items()},
    }


def _km2(area_m2: float | None) -> float | None:
    return None if area_m2 is None else round(area_m2 / KM2, 6)

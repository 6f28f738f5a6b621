"""What else there is to read about a feature, beside its properties."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, quote
from zoneinfo import ZoneInfo

from shanhai.db.features.entity import Entity
from shanhai.vocabulary import Label
from shanhai_api.state import state_of
from shanhai_api.view import View

RELATED: Mapping[str, Mapping[str, Label]] = {
    "plans": {
        "/plans/{code}/parts": Label("各区域分部", "Parts of the regions"),
        "/plans/{code}/approvals": Label("联合审批", "Approvals of the regions"),
        "/plans/{code}/indicators": Label("指标", "Indicators"),
        "/plans/{code}/progress": Label("指标进展", "Progress"),
        "/plans/{code}/evaluation?year": Label("年度评估", "Evaluation of the year"),
        "/plans/{code}/programmes": Label("重点工程", "Programmes"),
        "/plans/{code}/provisions": Label("条文与任务", "Provisions"),
        "/plans/{code}/figures": Label("规划数据", "Figures"),
        "/plans/{code}/timetable": Label("实施时序", "Timetable"),
        "/plans/{code}/totals": Label("工程合计", "Totals"),
        "/plans/{code}/coverage": Label("问题与项目对应", "Problems and projects"),
        "/plans/{code}/findings": Label("数据质量", "Findings"),
        "/plans/{code}/editions": Label("各版规划", "Editions"),
        "/plans/{code}/projects": Label("项目", "Projects"),
        "/plans/{code}/tree": Label("上下位规划", "Upper and lower plans"),
        "/plans/{code}/suggestions": Label("修订提示", "What is worth a proposal"),
        "/proposals?plan={code}": Label("修订建议", "Proposals"),
    },
    "projects": {"/projects/{code}": Label("项目进程", "Course of the project")},
    "regions": {
        "/regions/{code}/tree": Label("下级区域", "Regions below"),
        "/regions/{code}/lines": Label("管控线台账", "Register of lines"),
    },
    "stations": {"/stations/{code}/observations": Label("观测数据", "Observations")},
    "patterns": {"/patterns/{code}/tree": Label("格局构成", "Components")},
    "zone_schemes": {
        "/zone-schemes/{code}/topology": Label("空缺与重叠", "Gaps and overlaps"),
        "/zone-schemes/{code}/compare": Label("方案比较", "Comparison"),
        "/zone-schemes/{code}/adjustments": Label("人工调整", "Adjustments"),
    },
}
"""Addresses by entity, in the order a reader would want them."""
OF_TODAY = frozenset({"approvals", "suggestions", "lines", "topology", "compare", "adjustments"})
"""What is told of today only."""


THIS_YEAR = "year"
OF_A_REGION = frozenset({"/plans/{code}/progress", f"/plans/{{code}}/evaluation?{THIS_YEAR}"})
"""Pages that a plan without a region of its own does not have."""
FOR_PEOPLE_AT_WORK = frozenset({"/plans/{code}/suggestions", "/proposals?plan={code}"})
"""Pages that only people with an identity are shown."""


def related_pages(
    entity: Entity, code: str, members: Mapping[str, Any], view: View
) -> list[tuple[str, str]]:
    """The addresses and titles of what else there is about a feature with these members.

    Of a plan seen as of a day they are those of the same day.
    """
    safe = quote(code, safe="")
    zone = ZoneInfo(state_of(view.request).configuration.database.timezone)
    found = []
    for address, title in RELATED.get(entity.name, {}).items():
        if address in FOR_PEOPLE_AT_WORK and not view.known:
            continue
        if address in OF_A_REGION and members.get("region") is None:
            continue
        path, _, query = address.format(code=safe).partition("?")
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

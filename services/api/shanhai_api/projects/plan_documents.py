"""What the projects of a plan come to, as documents and tables."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from shanhai.db.compliance.result import VERDICTS
from shanhai.db.compliance.serialization import in_both
from shanhai.db.indicators.plan_indicators import PlanSeen
from shanhai.db.projects.plan_totals import ProgrammeTotals, RegionTotals, Scheduled
from shanhai.db.projects.problem_coverage import Covered, ProblemCoverage
from shanhai.db.projects.reserve import Ranked, criteria, required_papers
from shanhai.vector.formats import neutralised
from shanhai.vocabulary import Label
from shanhai_api.negotiation import HTML, JSON, Format
from shanhai_api.projects.documents import amounts, here_links, item_path, money
from shanhai_api.view import View

CSV = Format("csv", "text/csv")
FORMATS = (JSON, HTML, CSV)
PHASES: Mapping[str, str] = {
    **dict.fromkeys(("draft", "proposed", "reserve", "approved", "design"), "before"),
    **dict.fromkeys(("implementation", "suspended", "acceptance"), "work"),
    **dict.fromkeys(("monitoring", "effect_evaluation", "after_care", "closed"), "after"),
    **dict.fromkeys(("rejected", "cancelled"), "off"),
}
"""What a timetable tells apart by colour."""
Document = dict[str, Any]


def as_csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> bytes:
    """A table in lines, after a mark by which spreadsheets know UTF-8."""
    made = io.StringIO()
    writer = csv.writer(made)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row[name]) for name in columns])
    return "\ufeff".encode() + made.getvalue().encode()


def _cell(value: Any) -> Any:
    if isinstance(value, list | tuple):
        value = "; ".join(str(item) for item in value)
    return neutralised(value) if isinstance(value, str) else value


def names(label: Label, view: View) -> Document:
    """A name in the language asked for, and in both."""
    return {"name": label.in_(view.lang), "name_zh": label.zh, "name_en": label.en}


def plan_links(view: View, plan: PlanSeen, *formats: Format) -> list[dict[str, str]]:
    """This document in its formats, and the plan."""
    place = f"/collections/plans/items/{quote(plan.code, safe='')}"
    return [*here_links(view, *formats), view.link(place, "up", **plan.day)]


def about_day(plan: PlanSeen) -> Document:
    """The day a document tells of, and the edition that was in force on it."""
    return {**plan.day, "in_force": plan.in_force} if plan.day else {}


def totals_document(
    view: View,
    plan: PlanSeen,
    found: Sequence[ProgrammeTotals],
    regions: Sequence[RegionTotals],
    *,
    with_money: bool,
) -> Document:
    """The programmes and the regions of a plan with the sums of their projects.

    The area of the regions is told when each of them is drawn.
    """
    listed = [item for item in regions if item.code is not None]
    areas = [item.region_area_m2 for item in listed if item.region_area_m2 is not None]
    complete = bool(listed) and len(areas) == len(listed)
    return {
        "plan": plan.code,
        **about_day(plan),
        **{f"plan_{name}": text for name, text in names(plan.name, view).items()},
        "projects": sum(item.projects for item in found),
        "programmes": [describe_totals(item, view, with_money=with_money) for item in found],
        "regions": [describe_region(item, view, with_money=with_money) for item in regions],
        "regions_area_km2": _km2(sum(areas)) if complete else None,
        "regions_not_drawn": [item.code for item in listed if item.region_area_m2 is None],
        "links": plan_links(view, plan, *FORMATS),
    }


def describe_region(item: RegionTotals, view: View, *, with_money: bool) -> Document:
    """A region of a plan with the sums of the projects that lie in it."""
    return {
        "region": item.code,
        **names(item.name, view),
        "region_area_km2": _km2(item.region_area_m2),
        "projects": item.projects,
        "costed": item.costed,
        "cost": None if item.cost is None else money(item.cost),
        **(amounts(item.allocated, item.paid) if with_money else {}),
        "drawn": item.drawn,
        "area_km2": _km2(item.area_m2),
        "first_year": item.first_year,
        "last_year": item.last_year,
    }


def _km2(square_metres: float | None) -> float | None:
    return None if square_metres is None else round(square_metres / 1e6, 4)


def describe_totals(item: ProgrammeTotals, view: View, *, with_money: bool) -> Document:
    """A programme with the sums of its projects; `costed` of them tell their cost."""
    spent = amounts(item.allocated, item.paid) if with_money else {}
    return {
        "programme": item.code,
        **names(item.name, view),
        "projects": item.projects,
        "costed": item.costed,
        "cost": None if item.cost is None else money(item.cost),
        **spent,
        "area_km2": _km2(item.area_m2),
        "first_year": item.first_year,
        "last_year": item.last_year,
        "states": item.states,
        "measures": [
            {
                "measure": each.measure,
                "unit": each.unit,
                "projects": each.projects,
                "planned": each.planned,
                "done": each.done,
            }
            for each in item.measures
        ],
    }


REGION_COLUMNS = (
    *("region", "name_zh", "name_en", "region_area_km2", "projects", "costed", "cost"),
    *("drawn", "area_km2", "first_year", "last_year"),
)
TOTAL_COLUMNS = (
    *("programme", "name_zh", "name_en", "projects", "costed", "cost"),
    *("area_km2", "first_year", "last_year"),
)


def coverage_document(view: View, plan: PlanSeen, found: ProblemCoverage) -> Document:
    """The problems of a plan with the projects that act on them."""
    missing = {place: item.code for item in found.problems for place in item.missing}
    return {
        "plan": plan.code,
        **about_day(plan),
        **{f"plan_{name}": text for name, text in names(plan.name, view).items()},
        "counts": {
            "problems": len(found.problems),
            "problems_without_project": len(found.open),
            "places_without_project": len(missing),
            "projects": found.projects,
            "projects_without_problem": len(found.idle),
        },
        "problems": [describe_covered(item, view) for item in found.problems],
        "problems_without_project": [item.code for item in found.open],
        "places_without_project": [
            {"place": place, "problem": problem} for place, problem in missing.items()
        ],
        "projects_without_problem": [
            {"project": code, **names(name, view)} for code, name in found.idle
        ],
        "links": plan_links(view, plan, *FORMATS),
    }


def describe_covered(item: Covered, view: View) -> Document:
    """A problem with who acts on it, and how that is known."""
    return {
        "problem": item.code,
        **names(item.name, view),
        "type": item.type,
        "severity": item.severity,
        "status": item.status,
        "covered": bool(item.answers),
        "projects": [
            {"project": each.project, **names(each.name, view), "by": list(each.ways)}
            for each in item.answers
        ],
        "places": [
            {"place": place, "projects": list(codes)} for place, codes in item.places.items()
        ],
        "places_without_project": item.missing,
    }


COVERAGE_COLUMNS = ("kind", "code", "name_zh", "name_en", "projects", "places_without_project")


def coverage_rows(document: Document) -> Iterable[Mapping[str, Any]]:
    """The report in lines: the problems, then the projects that act on none."""
    for item in document["problems"]:
        yield {
            **item,
            "kind": "problem",
            "code": item["problem"],
            "projects": [each["project"] for each in item["projects"]],
        }
    for item in document["projects_without_problem"]:
        yield {
            **item,
            "kind": "project",
            "code": item["project"],
            "projects": [],
            "places_without_project": [],
        }


def timetable_document(view: View, plan: PlanSeen, found: Sequence[Scheduled]) -> Document:
    """The projects of a plan with their years."""
    return {
        "plan": plan.code,
        **about_day(plan),
        **{f"plan_{name}": text for name, text in names(plan.name, view).items()},
        "first_year": min((item.start_year for item in found), default=None),
        "last_year": max((item.end_year for item in found), default=None),
        "projects": [describe_scheduled(item, view, plan.day) for item in found],
        "links": plan_links(view, plan, *FORMATS),
    }


def describe_scheduled(item: Scheduled, view: View, day: Mapping[str, str]) -> Document:
    """A project with its years."""
    programme = item.programme_name
    return {
        "project": item.code,
        **names(item.name, view),
        "programme": item.programme,
        "programme_name": None if programme is None else programme.in_(view.lang),
        "region": item.region,
        "state": item.state,
        "state_name": item.state_name.in_(view.lang),
        "start_year": item.start_year,
        "end_year": item.end_year,
        "href": view.url(item_path(item.code), **day),
    }


TIMETABLE_COLUMNS = (
    *("programme", "project", "name_zh", "name_en", "region", "state"),
    *("start_year", "end_year"),
)
MOST_TICKS = 10


def chart(document: Document) -> Document:
    """What the drawing of a timetable needs: places in percent of its width."""
    first, last = document["first_year"], document["last_year"]
    if first is None or last is None:
        return {"bars": [], "ticks": [], "today": None}
    years = last - first + 1
    step = -(-years // MOST_TICKS)
    now = datetime.now(UTC)
    today = 100 * (now.year + now.timetuple().tm_yday / 366 - first) / years
    return {
        "bars": [
            {
                **item,
                "x": round(100 * (item["start_year"] - first) / years, 3),
                "width": round(100 * (item["end_year"] - item["start_year"] + 1) / years, 3),
                "phase": PHASES[item["state"]],
            }
            for item in document["projects"]
        ],
        "ticks": [
            {"year": year, "x": round(100 * (year - first) / years, 3)}
            for year in range(first, last + 1, step)
        ],
        "today": round(today, 3) if 0 <= today <= 100 else None,
    }


def reserve_document(view: View, found: Sequence[Ranked], region: str | None) -> Document:
    """The projects in reserve in their order, and what the order is made of."""
    return {
        "region": region,
        "criteria": [
            {
                "criterion": item.code,
                "weight": item.weight,
                **names(item.name, view),
                "rule": item.rule.in_(view.lang),
            }
            for item in criteria()
        ],
        "required_documents": required_papers(),
        "projects": [describe_ranked(item, view) for item in found],
        "links": here_links(view, *FORMATS),
    }


def describe_ranked(item: Ranked, view: View) -> Document:
    """A project in reserve, why it stands where it does, and what it lacks."""
    application = f"/projects/{quote(item.code, safe='')}/application"
    return {
        "rank": item.rank,
        "project": item.code,
        **names(item.name, view),
        "region": item.region,
        "programme": item.programme,
        "start_year": item.start_year,
        "end_year": item.end_year,
        "cost": None if item.cost is None else money(item.cost),
        "score": float(item.score),
        "points": {part.code: float(part.points) for part in item.parts},
        "values": {part.code: float(part.value) for part in item.parts},
        "verdict": item.verdict,
        **in_both("verdict", None if item.verdict is None else VERDICTS[item.verdict]),
        "ready": item.ready,
        "readiness": dict(item.readiness),
        "lacking": [name for name, met in item.readiness.items() if not met],
        "links": [
            view.link(item_path(item.code), "item"),
            view.link(application, "enclosure", "application/zip"),
        ],
    }


RESERVE_COLUMNS = (
    *("rank", "project", "name_zh", "name_en", "region", "programme", "start_year", "end_year"),
    *("cost", "score", "verdict", "ready", "lacking"),
)

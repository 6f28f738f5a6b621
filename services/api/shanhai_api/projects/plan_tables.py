"""What the projects of a plan come to, as tables for other programs and as a drawing."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from shanhai.vector.formats import neutralised
from shanhai_api.projects.plan_models import PlanCoverage, PlanTimetable

PHASES: Mapping[str, str] = {
    **dict.fromkeys(("draft", "proposed", "reserve", "approved", "design"), "before"),
    **dict.fromkeys(("implementation", "suspended", "acceptance"), "work"),
    **dict.fromkeys(("monitoring", "effect_evaluation", "after_care", "closed"), "after"),
    **dict.fromkeys(("rejected", "cancelled"), "off"),
}
"""What a timetable tells apart by colour."""
REGION_COLUMNS = (
    *("region", "name_zh", "name_en", "region_area_km2", "projects", "costed", "cost"),
    *("drawn", "area_km2", "first_year", "last_year"),
)
TOTAL_COLUMNS = (
    *("programme", "name_zh", "name_en", "projects", "costed", "cost"),
    *("area_km2", "first_year", "last_year"),
)
COVERAGE_COLUMNS = ("kind", "code", "name_zh", "name_en", "projects", "places_without_project")
TIMETABLE_COLUMNS = (
    *("programme", "project", "name_zh", "name_en", "region", "state"),
    *("start_year", "end_year"),
)
RESERVE_COLUMNS = (
    *("rank", "project", "name_zh", "name_en", "region", "programme", "start_year", "end_year"),
    *("cost", "score", "verdict", "ready", "lacking"),
)
MOST_TICKS = 10
Row = Mapping[str, Any]


def as_csv(columns: Sequence[str], rows: Iterable[Row]) -> bytes:
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


def coverage_rows(coverage: PlanCoverage) -> Iterable[Row]:
    """The report in lines: the problems, then the projects that act on none."""
    for item in coverage.problems:
        codes = [each.project for each in item.projects]
        yield {**item.as_json(), "kind": "problem", "code": item.problem, "projects": codes}
    for idle in coverage.projects_without_problem:
        nothing: Row = {"projects": [], "places_without_project": []}
        yield {**idle.as_json(), "kind": "project", "code": idle.project, **nothing}


def chart(timetable: PlanTimetable) -> dict[str, Any]:
    """What the drawing of a timetable needs: places in percent of its width."""
    first, last = timetable.first_year, timetable.last_year
    if first is None or last is None:
        return {"bars": [], "ticks": [], "today": None}
    years = last - first + 1
    step = -(-years // MOST_TICKS)
    now = datetime.now(UTC)
    today = 100 * (now.year + now.timetuple().tm_yday / 366 - first) / years
    return {
        "bars": [
            {
                **item.as_json(),
                "x": round(100 * (item.start_year - first) / years, 3),
                "width": round(100 * (item.end_year - item.start_year + 1) / years, 3),
                "phase": PHASES[item.state],
            }
            for item in timetable.projects
        ],
        "ticks": [
            {"year": year, "x": round(100 * (year - first) / years, 3)}
            for year in range(first, last + 1, step)
        ],
        "today": round(today, 3) if 0 <= today <= 100 else None,
    }

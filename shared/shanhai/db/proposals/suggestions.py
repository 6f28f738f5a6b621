"""What rules say is worth a proposal: targets behind, projects late or at rest, serious alerts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.identity import Viewer
from shanhai.db.indicators.evaluation import judged_rows, list_places
from shanhai.db.indicators.plan_indicators import PlanSeen, list_indicators
from shanhai.db.projects.queries import projects_of_plan, seen_values
from shanhai.db.proposals.queries import (
    ProposalReference,
    about_project,
    about_target,
    founded_on,
)
from shanhai.science.indicators import IndicatorStatus
from shanhai.vocabulary import Label, Term

RULES: tuple[Term, ...] = (
    Term("target_behind", Label("指标落后于目标", "A target is behind")),
    Term("project_late", Label("项目超期未完成", "A project is worked on after its last year")),
    Term("project_suspended", Label("项目暂停", "A project is suspended")),
    Term("alert_serious", Label("橙色及以上预警未关闭", "An orange or red alert is not closed")),
)
"""The rules, in the order of the list."""
MOST_OF_A_RULE = 100
_ALERTS = text(
    """WITH RECURSIVE within (id) AS (
         SELECT CAST(:region AS bigint)
         UNION SELECT r.id FROM region r JOIN within ON r.parent_id = within.id)
       SELECT a.id, a.level, s.code, s.name_zh, s.name_en
         FROM alert a JOIN station s ON s.id = a.station_id
        WHERE a.status <> 'closed' AND a.level IN ('orange', 'red')
          AND (CAST(:region AS bigint) IS NULL OR s.region_id IN (SELECT id FROM within))
        ORDER BY a.id DESC LIMIT :most"""
)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Something a rule found.

    Attributes:
        about: What a proposal would revise or be founded on, as `/proposals/blank` is asked.
        proposals: Those there are already.
    """

    rule: str
    about: Mapping[str, str | int]
    found: Label
    proposals: Sequence[ProposalReference]


async def suggest(
    session: AsyncSession, viewer: Viewer, plan: PlanSeen, year: int
) -> list[Suggestion]:
    """What is worth a proposal in a plan, judged by the values of a year."""
    return [
        *await _behind(session, viewer, plan, year),
        *await _projects(session, viewer, plan, year),
        *await _alerts(session, viewer, plan),
    ]


async def _behind(
    session: AsyncSession, viewer: Viewer, plan: PlanSeen, year: int
) -> list[Suggestion]:
    indicators = await list_indicators(session, plan)
    rows = await judged_rows(session, plan, indicators, await list_places(session, plan), year)
    missed = [row for row in rows if row["status"] == IndicatorStatus.BEHIND][:MOST_OF_A_RULE]
    found = []
    for row in missed:
        region, target = row["region"], row["target"]
        indicator = row["indicator"]
        about = {"plan": plan.code, "indicator": indicator, "region": region["code"]}
        asked = f"{target['value']} {row['unit']} ({target['year']})"
        reached = f"{row['value']} {row['unit']} ({row['value_year']})"
        said = Label(
            f"{region['name_zh']}：{row['name_zh']} {reached}，目标 {asked}",
            f"{region['name_en']}: {row['name_en']} {reached}, target {asked}",
        )
        present = await about_target(session, viewer, plan.id, indicator, region["code"])
        found.append(Suggestion("target_behind", about, said, present))
    return found


async def _projects(
    session: AsyncSession, viewer: Viewer, plan: PlanSeen, year: int
) -> list[Suggestion]:
    late = "pj.state = 'suspended' OR pj.state = 'implementation' AND pj.end_year < :year"
    query = text(
        f"WITH {projects_of_plan(viewer, f'({late})')}"  # noqa: S608 - constants
        " SELECT id, code, name_zh, name_en, state, end_year FROM seen ORDER BY code LIMIT :most"
    )
    values = seen_values(viewer, plan=plan.id, year=year, most=MOST_OF_A_RULE)
    return [await _project(session, viewer, *row) for row in await session.execute(query, values)]


async def _project(
    session: AsyncSession,
    viewer: Viewer,
    row_id: int,
    code: str,
    zh: str,
    en: str,
    state: str,
    end: int,
) -> Suggestion:
    rule = "project_suspended" if state == "suspended" else "project_late"
    said = Label(f"{zh}：{state}，终止年 {end}", f"{en}: {state}, last year {end}")
    present = await about_project(session, viewer, row_id)
    return Suggestion(rule, {"project": code}, said, present)


async def _alerts(session: AsyncSession, viewer: Viewer, plan: PlanSeen) -> list[Suggestion]:
    region = None if plan.region is None else plan.region.id
    rows: Any = await session.execute(_ALERTS, {"region": region, "most": MOST_OF_A_RULE})
    return [
        Suggestion(
            "alert_serious",
            {"alert": number},
            Label(f"{zh}：{level}", f"{en}: {level}"),
            await founded_on(session, viewer, "alert", str(number)),
        )
        for number, level, _, zh, en in rows
    ]

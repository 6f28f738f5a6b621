"""The reserve of projects: how ready each is, its score by stated criteria, rules against it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from importlib.resources import files
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.notices import notice_rule
from shanhai.db.collections.projects import newest_of
from shanhai.db.compliance import check_project
from shanhai.db.compliance.result import Verdict
from shanhai.db.identity import EVERYTHING, Viewer
from shanhai.db.projects.queries import seen_projects, seen_values
from shanhai.errors import NotFound
from shanhai.vocabulary import Label

WEIGHTY = frozenset({"forbidden", "restricted"})
"""Decisions that an approved exception must lift."""


@dataclass(frozen=True, slots=True)
class RuleHit:
    """A rule that forbids or restricts an activity of the project where it lies.

    Attributes:
        excepted: An approved exception of the project from it is in force.
    """

    rule: str
    decision: str
    excepted: bool


@dataclass(frozen=True, slots=True)
class ProjectRuleCheck:
    """How a project stands to the rules of today.

    Attributes:
        unknown: What could bind where it lies, is not known and was not decided about.
    """

    verdict: Verdict
    hits: Sequence[RuleHit]
    unknown: Sequence[Label]


async def check_rules(session: AsyncSession, project: str) -> ProjectRuleCheck:
    """The rules of today against the measures of a project that has a geometry."""
    result = await check_project(session, EVERYTHING, project)
    found = {
        RuleHit(hit.rule.code, hit.rule.decision, hit.excepted)
        for hit in result.hits
        if hit.rule.decision in WEIGHTY
    }
    unknown = [
        Label(f"{gap.text.zh}（{gap.code}）", f"{gap.text.en} ({gap.code})")
        for gap in result.gaps
        if not gap.decided
    ]
    return ProjectRuleCheck(result.verdict, sorted(found, key=lambda hit: hit.rule), unknown)


IN_RESERVE = "pj.state = 'reserve'"
IN_REGION = """pj.region_id IN (
  WITH RECURSIVE below (id) AS (
    SELECT id FROM region WHERE code = :region AND deleted_at IS NULL
    UNION SELECT region.id FROM region JOIN below ON region.parent_id = below.id)
  SELECT id FROM below)"""
KNOWN_REGION = text("SELECT 1 FROM region WHERE code = :region AND deleted_at IS NULL")
WEIGHTS: Mapping[str | None, Decimal] = {
    "high": Decimal(1),
    "medium": Decimal("0.75"),
    "low": Decimal("0.5"),
    None: Decimal("0.5"),
    "info": Decimal("0.25"),
}
"""How much a problem counts by its severity."""
ROWS = f"""
SELECT s.id, s.code, s.name_zh, s.name_en, s.region, s.programme, s.start_year, s.end_year, s.cost,
       s.geom IS NOT NULL AS drawn,
       ARRAY(SELECT DISTINCT d.kind FROM document d
              WHERE d.owner_collection = 'projects' AND d.owner_code = s.code
                AND d.deleted_at IS NULL) AS papers,
       (SELECT coalesce(sum(CASE e.kind WHEN 'allocation' THEN e.amount
                                        WHEN 'return' THEN -e.amount ELSE 0 END), 0)
          FROM fund_entry e WHERE e.project_id = s.id) AS allocated,
       ARRAY(SELECT coalesce(b.severity, '') FROM project_problem l
               JOIN problem b ON b.id = l.problem_id
              WHERE l.project_id = s.id AND b.deleted_at IS NULL
                AND {newest_of("s")}) AS problems,
       (SELECT count(*) FROM project_measure m WHERE m.project_id = s.id) AS measures,
       (SELECT count(*) FROM project_measure m
         WHERE m.project_id = s.id AND m.planned IS NOT NULL) AS planned
  FROM seen s
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Criterion:
    """What adds to the score, by how much at most, and by which rule."""

    code: str
    weight: int
    name: Label
    rule: Label


@dataclass(frozen=True, slots=True)
class CriterionScore:
    """What a criterion gave: its value from 0 to 1, and the points that makes."""

    code: str
    value: Decimal
    points: Decimal


@dataclass(frozen=True, slots=True)
class Ranked:
    """A project in reserve with its place.

    Attributes:
        verdict: Of the check of lines, zones and rules; None while it has no geometry.
        readiness: What it must have, and whether it has.
    """

    rank: int
    code: str
    name: Label
    region: str
    programme: str | None
    start_year: int
    end_year: int
    cost: Decimal | None
    score: Decimal
    parts: Sequence[CriterionScore]
    verdict: Verdict | None
    readiness: Mapping[str, bool]

    @property
    def ready(self) -> bool:
        """Whether nothing is lacking."""
        return all(self.readiness.values())


@lru_cache(maxsize=1)
def criteria() -> tuple[Criterion, ...]:
    """What the score is made of, as the data file has it."""
    return tuple(
        Criterion(
            item["code"],
            item["weight"],
            Label(item["name_zh"], item["name_en"]),
            Label(item["rule_zh"], item["rule_en"]),
        )
        for item in _data()["criteria"]
    )


def required_papers() -> list[str]:
    """The kinds of documents an application needs."""
    return list(_data()["required_documents"])


def comment_days() -> int:
    """How many days a notice is open for comments at least, from the day it is public."""
    return notice_rule("projects").least_days


@lru_cache(maxsize=1)
def _data() -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(
        files("shanhai.db.projects").joinpath("criteria.json").read_text("utf-8")
    )
    return found


async def read_reserve(
    session: AsyncSession, viewer: Viewer, *, region: str | None, limit: int
) -> Sequence[Ranked]:
    """The projects in reserve, the best first; those alike by their code.

    Raises:
        NotFound: there is no such region.
    """
    conditions = [IN_RESERVE]
    if region is not None:
        if "\x00" in region or await session.scalar(KNOWN_REGION, {"region": region}) is None:
            raise NotFound(f"there is no region {region!r}", message_zh=f"没有区域 {region!r}")
        conditions.append(IN_REGION)
    query = text(f"WITH {seen_projects(viewer, *conditions)}{ROWS}")
    values = seen_values(viewer, **({} if region is None else {"region": region}))
    scored = [(row, score_parts(row)) for row in await session.execute(query, values)]
    scored.sort(key=lambda item: (-sum(part.points for part in item[1]), item[0].code))
    return [
        await _ranked(session, rank, row, parts)
        for rank, (row, parts) in enumerate(scored[:limit], 1)
    ]


async def _ranked(
    session: AsyncSession, rank: int, row: Row[Any], parts: Sequence[CriterionScore]
) -> Ranked:
    checked = await check_rules(session, row.code) if row.drawn else None
    return Ranked(
        rank,
        row.code,
        Label(row.name_zh, row.name_en),
        row.region,
        row.programme,
        row.start_year,
        row.end_year,
        row.cost,
        sum((part.points for part in parts), Decimal(0)),
        parts,
        None if checked is None else checked.verdict,
        {
            "geometry": row.drawn,
            "cost": row.cost is not None,
            "overlap": checked is not None and checked.verdict not in {"refused", "undetermined"},
            "documents": set(required_papers()) <= set(row.papers),
        },
    )


def score_parts(row: Any) -> list[CriterionScore]:
    """What each criterion gives a project."""
    values = _values(row)
    return [
        CriterionScore(
            item.code, values[item.code], (item.weight * values[item.code]).quantize(CENT)
        )
        for item in criteria()
    ]


CENT = Decimal("0.01")
ONE, ZERO = Decimal(1), Decimal(0)


def _values(row: Any) -> dict[str, Decimal]:
    needed = required_papers()
    there = sum(kind in row.papers for kind in needed)
    problems = sum((WEIGHTS[severity or None] for severity in row.problems), ZERO)
    found = {
        "geometry": Decimal(bool(row.drawn)),
        "cost": Decimal(row.cost is not None),
        "documents": Decimal(there) / len(needed),
        "funding": min(ONE, row.allocated / row.cost) if row.cost else ZERO,
        "problems": min(ONE, problems),
        "measures": Decimal(row.planned) / row.measures if row.measures else ZERO,
    }
    return {code: value.quantize(Decimal("0.0001")) for code, value in found.items()}

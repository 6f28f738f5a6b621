"""What is known of a project when somebody wants to move it on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.projects.reading import ProjectSeen
from shanhai.db.projects.rules import RuleHit, check_rules
from shanhai.vocabulary import Label

# Papers of a state are those that came since the project entered it.
FACTS = text(
    """
WITH entered (at) AS (
  SELECT max(e.at) FROM project_event e JOIN project p ON p.id = e.project_id
   WHERE e.project_id = :project AND e.to_state = p.state
), paper (kind, measure, at) AS (
  SELECT d.kind, d.attrs->>'measure', d.created_at
    FROM document d JOIN project p ON d.owner_code = p.code
   WHERE d.owner_collection = 'projects' AND p.id = :project AND d.deleted_at IS NULL
)
SELECT btrim(pj.name_zh) <> '' AND btrim(pj.name_en) <> '' AS named,
       pj.type_code IS NOT NULL AS typed,
       pj.geom IS NOT NULL AND NOT ST_IsEmpty(pj.geom) AS drawn,
       coalesce(CAST(pj.attrs->>'geometry_final' AS boolean), false) AS settled_geometry,
       pj.cost,
       CAST(pj.attrs->>'fund_share_percent' AS numeric) AS fund_share_percent,
       CAST(pj.attrs->>'comment_until' AS date) AS comment_until,
       CAST(pj.attrs->>'after_care_until' AS date) AS after_care_until,
       current_date AS today,
       (SELECT count(*) FROM project_measure m WHERE m.project_id = pj.id) AS measures,
       ARRAY(SELECT m.measure FROM project_measure m
              WHERE m.project_id = pj.id AND m.done IS NULL ORDER BY m.order_no, m.measure)
         AS undone,
       ARRAY(SELECT m.measure FROM project_measure m
              WHERE m.project_id = pj.id AND NOT EXISTS (
                    SELECT FROM paper WHERE kind = 'completion'
                       AND (paper.measure IS NULL OR paper.measure = m.measure))
              ORDER BY m.order_no, m.measure) AS unproven,
       ARRAY(SELECT DISTINCT paper.kind FROM paper
              WHERE paper.at >= coalesce((SELECT at FROM entered), '-infinity')) AS papers,
       EXISTS (SELECT FROM fund_entry f WHERE f.project_id = pj.id AND f.kind = 'allocation')
         AS funded,
       coalesce((SELECT sum(CASE f.kind WHEN 'allocation' THEN f.amount ELSE -f.amount END)
                   FROM fund_entry f WHERE f.project_id = pj.id), 0) AS balance
  FROM project pj WHERE pj.id = :project
"""
)


@dataclass(frozen=True, slots=True)
class Facts:
    """A project as its guards see it.

    Attributes:
        undone: Measures without a done amount.
        unproven: Measures no paper tells the completion of.
        papers: Kinds of the papers that came since the project entered its state.
        balance: What was allocated and neither paid nor given back.
        hits: Rules that forbid or restrict what the project does where it lies.
        unknown: What could bind where it lies, is not known and was not decided about.
        note: The reason sent with the request; None while nothing was sent.
    """

    named: bool
    typed: bool
    drawn: bool
    settled_geometry: bool
    cost: Decimal | None
    fund_share_percent: Decimal | None
    comment_until: date | None
    after_care_until: date | None
    today: date
    measures: int
    undone: Sequence[str]
    unproven: Sequence[str]
    papers: Sequence[str]
    funded: bool
    balance: Decimal
    hits: Sequence[RuleHit]
    unknown: Sequence[Label]
    note: str | None = None

    def against(self, decision: str) -> list[str]:
        """The rules of that decision from which no exception was approved."""
        return [hit.rule for hit in self.hits if hit.decision == decision and not hit.excepted]


async def read_facts(session: AsyncSession, project: ProjectSeen, note: str | None) -> Facts:
    """All that the guards of a project ask about, as it is now."""
    row = (await session.execute(FACTS, {"project": project.id})).one()
    checked = await check_rules(session, project.code) if row.drawn else None
    hits, unknown = (checked.hits, checked.unknown) if checked is not None else ((), ())
    return Facts(**row._mapping, hits=hits, unknown=unknown, note=note)

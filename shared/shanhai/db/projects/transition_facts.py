"""What is known of a project when somebody wants to move it on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.projects.queries import ProjectSeen
from shanhai.db.projects.reserve import RuleHit, check_rules, comment_days, required_papers
from shanhai.vocabulary import Label

# Papers of a state are those that came since the project entered it.
FACTS = text(
    """
WITH entered (at) AS (
  SELECT max(e.at) FROM project_event e JOIN project p ON p.id = e.project_id
   WHERE e.project_id = :project AND e.to_state = p.state
), monitored (since) AS (
  SELECT coalesce(max(e.at)::date, '-infinity') FROM project_event e
   WHERE e.project_id = :project AND e.to_state = 'monitoring'
), paper (kind, measure, at, told_from, told_to, figured, public_on) AS (
  SELECT d.kind, d.attrs->>'measure', d.created_at,
         CAST(d.attrs->>'period_from' AS date), CAST(d.attrs->>'period_to' AS date),
         jsonb_exists_all(d.attrs, ARRAY['quantity', 'value', 'unit']),
         CASE WHEN d.is_public THEN coalesce(
           (SELECT max(was.recorded_to) FROM document_history was
             WHERE was.id = d.id AND NOT was.is_public), d.created_at)::date END
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
       ARRAY(SELECT DISTINCT paper.kind FROM paper) AS filed,
       (SELECT min(public_on) FROM paper WHERE kind = 'notice') AS notice_on,
       EXISTS (SELECT FROM paper, monitored
                WHERE kind = 'monitoring' AND figured
                  AND paper.at >= coalesce((SELECT at FROM entered), '-infinity')
                  AND told_from >= monitored.since
                  AND told_to BETWEEN told_from AND current_date) AS monitored,
       EXISTS (SELECT FROM paper, monitored
                WHERE kind = 'effect_evaluation' AND figured
                  AND paper.at >= coalesce((SELECT at FROM entered), '-infinity')
                  AND told_to >= monitored.since
                  AND told_to BETWEEN told_from AND current_date) AS evaluated,
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
        filed: Kinds of all its papers.
        notice_on: The day since which a notice of it is public; None where none is.
        monitored: A result of monitoring tells a figure of a period after acceptance.
        evaluated: An evaluation tells a figure of a period that reaches beyond acceptance.
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
    filed: Sequence[str]
    notice_on: date | None
    monitored: bool
    evaluated: bool
    funded: bool
    balance: Decimal
    hits: Sequence[RuleHit]
    unknown: Sequence[Label]
    note: str | None = None

    @property
    def comments_end(self) -> date | None:
        """The last day for comments: as stated, but not before a notice was public for long."""
        if self.notice_on is None or self.comment_until is None:
            return None
        return max(self.comment_until, self.notice_on + timedelta(days=comment_days()))

    @property
    def unfiled(self) -> list[str]:
        """The kinds of documents an approval needs and that are not there."""
        return [kind for kind in required_papers() if kind not in self.filed]

    def against(self, decision: str) -> list[str]:
        """The rules of that decision from which no exception was approved."""
        return [hit.rule for hit in self.hits if hit.decision == decision and not hit.excepted]


async def read_facts(session: AsyncSession, project: ProjectSeen, note: str | None) -> Facts:
    """All that the guards of a project ask about, as it is now."""
    row = (await session.execute(FACTS, {"project": project.id})).one()
    checked = await check_rules(session, project.code) if row.drawn else None
    hits, unknown = (checked.hits, checked.unknown) if checked is not None else ((), ())
    return Facts(**row._mapping, hits=hits, unknown=unknown, note=note)

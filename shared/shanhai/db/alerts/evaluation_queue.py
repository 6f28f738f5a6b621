"""What rules must look at again: plans whose figures changed, cases that took a step, lines.

Written in the transaction of the change, and taken by who evaluates; see `judging`. That lines were
changed a trigger notes, however they were written.
"""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

_LISTING = text("""
  INSERT INTO alert_due (plan_id)
  SELECT DISTINCT plan_id FROM plan_indicator
   WHERE indicator_id = :indicator AND deleted_at IS NULL
""")
_PLAN = text("INSERT INTO alert_due (plan_id) VALUES (:plan)")
_CASE = text("INSERT INTO alert_due (case_id) VALUES (:case)")
_ALL_PLANS = text("""
  INSERT INTO alert_due (plan_id)
  SELECT p.id FROM plan p
   WHERE EXISTS (SELECT FROM alert_rule r
                  WHERE r.kind = 'indicator_behind_target' AND r.enabled AND r.deleted_at IS NULL
                    AND (r.plan_id IS NULL OR r.plan_id = p.id))
     AND (p.status = 'approved'
          OR EXISTS (SELECT FROM alert a JOIN plan_indicator pi ON pi.id = a.plan_indicator_id
                      WHERE pi.plan_id = p.id AND a.status <> 'closed'))
     AND NOT EXISTS (SELECT FROM alert_due d WHERE d.plan_id = p.id)
""")
_OF_RULE = text("""
  INSERT INTO alert_due (plan_id, case_id, region_id)
  SELECT p.id, CAST(NULL AS bigint), CAST(NULL AS bigint)
    FROM alert_rule r JOIN plan p ON r.plan_id IS NULL OR r.plan_id = p.id
   WHERE r.id = :rule AND r.kind = 'indicator_behind_target' AND p.status = 'approved'
  UNION ALL
  SELECT NULL, c.id, NULL FROM alert_rule r CROSS JOIN lead_case c
   WHERE r.id = :rule AND r.kind = 'red_line_lead' AND c.state <> 'closed'
  UNION ALL
  SELECT DISTINCT CAST(NULL AS bigint), CAST(NULL AS bigint), ca.region_id
    FROM alert_rule r JOIN control_area ca ON ca.kind = r.control_kind
   WHERE r.id = :rule AND r.kind = 'line_decline'
""")


_ALL_LINES = text("""
  INSERT INTO alert_due (region_id)
  SELECT DISTINCT ca.region_id
    FROM alert_rule r JOIN control_area ca ON ca.kind = r.control_kind
   WHERE r.kind = 'line_decline' AND r.enabled AND r.deleted_at IS NULL
     AND NOT EXISTS (SELECT FROM alert_due d WHERE d.region_id = ca.region_id)
""")


async def note_value(session: AsyncSession, indicator_id: int) -> None:
    """A value of the indicator was recorded: plans that list it stand otherwise, maybe."""
    await session.execute(_LISTING, {"indicator": indicator_id})


async def note_targets(session: AsyncSession, plan_id: int) -> None:
    """A plan has stated figures anew."""
    await session.execute(_PLAN, {"plan": plan_id})


async def note_case(session: AsyncSession, case_id: int) -> None:
    """A case was opened, or took a step."""
    await session.execute(_CASE, {"case": case_id})


async def note_rule(session: AsyncSession, rule_id: int) -> None:
    """A rule is new or was changed: all it holds for is judged by it."""
    await session.execute(_OF_RULE, {"rule": rule_id})


async def note_all_plans(session: AsyncSession) -> None:
    """Days pass, projects are accepted and plans approved: look at all that rules watch."""
    await session.execute(_ALL_PLANS)


async def note_all_lines(session: AsyncSession) -> None:
    """Lines end and begin by themselves: look at all that rules watch."""
    await session.execute(_ALL_LINES)

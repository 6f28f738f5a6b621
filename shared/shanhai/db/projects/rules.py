"""What the rules of lines and zones say against a project, and which exceptions were approved."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

# Lines and zones that only touch the project's edge are not concerned.
HITS = text(
    """
WITH RECURSIVE pj AS (
  SELECT id, region_id, geom, type_code FROM project WHERE id = :project
), above (id) AS (
  SELECT region_id FROM pj
  UNION
  SELECT r.parent_id FROM region r JOIN above a ON r.id = a.id WHERE r.parent_id IS NOT NULL
), activity (code) AS (
  SELECT measure FROM project_measure WHERE project_id = :project
  UNION
  SELECT type_code FROM pj WHERE type_code IS NOT NULL
), touched (scope, subject) AS (
  SELECT DISTINCT 'control_area', a.kind
    FROM control_area a JOIN pj ON a.geom && pj.geom AND ST_Intersects(a.geom, pj.geom)
   WHERE a.status = 'published' AND a.deleted_at IS NULL AND NOT ST_Touches(a.geom, pj.geom)
     AND (a.valid_to IS NULL OR a.valid_to > current_date)
  UNION ALL
  SELECT DISTINCT 'zone_class', c.code
    FROM zone z JOIN pj ON z.geom && pj.geom AND ST_Intersects(z.geom, pj.geom)
    JOIN zone_scheme s ON s.id = z.scheme_id
    JOIN zone_class c ON c.id = z.class_id
   WHERE s.status = 'published' AND s.deleted_at IS NULL AND z.deleted_at IS NULL
     AND (s.valid_to IS NULL OR s.valid_to > current_date) AND NOT ST_Touches(z.geom, pj.geom)
)
SELECT k.code, k.activity, k.decision, k.scope, k.subject,
       EXISTS (SELECT FROM compliance_exception x
                WHERE x.project_id = :project AND x.deleted_at IS NULL
                  AND (x.rule_id = k.id OR x.rule = k.code)
                  AND daterange(x.valid_from, x.valid_to) @> current_date)
  FROM control_rule k
 WHERE k.deleted_at IS NULL AND k.decision IN ('forbidden', 'restricted')
   AND daterange(k.valid_from, k.valid_to) @> current_date
   AND k.activity IN (SELECT code FROM activity)
   AND (k.region_id IS NULL OR k.region_id IN (SELECT id FROM above))
   AND (k.scope = 'everywhere' OR EXISTS (
         SELECT FROM touched t
          WHERE t.scope = k.scope AND (k.subject IS NULL OR k.subject = t.subject)))
 ORDER BY k.code
"""
)


@dataclass(frozen=True, slots=True)
class RuleHit:
    """A rule that forbids or restricts an activity of the project where it lies.

    Attributes:
        excepted: An approved exception of the project from it is in force.
    """

    rule: str
    activity: str
    decision: str
    scope: str
    subject: str | None
    excepted: bool


async def rule_hits(session: AsyncSession, project_id: int) -> Sequence[RuleHit]:
    """The rules of today against the project as it is now."""
    found = await session.execute(HITS, {"project": project_id})
    return [RuleHit(*row) for row in found]

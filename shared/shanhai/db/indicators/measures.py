"""What projects did for indicators: the amounts of their measures, counted once accepted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.features.history import rows_of, stated_rows
from shanhai.db.features.projects import PROJECTS
from shanhai.db.projects.listing import MEMBERS_THEN
from shanhai.errors import InvalidInput
from shanhai.science.indicators import Observed
from shanhai.science.units import convert

# A project counts from the year it passed acceptance, in the calendar plans are written in, for as
# long as it is not sent back; one that never told when counts by the year it was to end.
_DONE = """
WITH RECURSIVE tree (root, id) AS (
  SELECT id, id FROM region WHERE id = ANY(:regions)
  UNION
  SELECT tree.root, region.id FROM region JOIN tree ON region.parent_id = tree.id
), counted AS (
  SELECT pj.id, pj.region_id,
         CASE WHEN pj.state IN ('monitoring', 'effect_evaluation', 'after_care', 'closed') THEN
           coalesce((SELECT extract(year FROM max(e.at))
                       FROM project_event e
                      WHERE e.project_id = pj.id AND e.to_state = 'monitoring'{by_then}),
                    pj.end_year)
         END AS year
    FROM {projects} pj
   WHERE pj.id IN (SELECT member.project_id FROM {members} member)
     AND {there}
     AND pj.state NOT IN ('rejected', 'cancelled')
)
SELECT m.indicator_id, tree.root, m.unit, CAST(c.year AS int), sum(m.planned), sum(m.done),
       array_agg(DISTINCT c.id)
  FROM {measures} m
  JOIN counted c ON c.id = m.project_id
  JOIN tree ON tree.id = c.region_id
 WHERE m.indicator_id = ANY(:indicators)
 GROUP BY m.indicator_id, tree.root, m.unit, c.year
"""
DONE = text(
    _DONE.format(
        by_then="",
        projects="project",
        members="(SELECT project_id FROM plan_membership WHERE plan_id = :plan)",
        there="pj.deleted_at IS NULL",
        measures="project_measure",
    )
)
DONE_BY_THEN = text(
    _DONE.format(
        by_then="\n                        AND e.at::date <= CAST(:as_of AS date)",
        projects=rows_of(PROJECTS, former=True),
        members=MEMBERS_THEN,
        there=PROJECTS.as_of,
        measures=stated_rows("project_measure", "CAST(:as_of AS date)"),
    )
)


@dataclass(slots=True)
class Contribution:
    """What projects plan and did for an indicator in a region, in the indicator's unit.

    Attributes:
        accepted: By year, what was done by projects that passed acceptance in it.
        foreign: Units that cannot be converted; what is in them is left out.
    """

    planned: Decimal
    done: Decimal
    accepted: dict[int, Decimal]
    projects: set[int]
    foreign: set[str]

    def beside(self, entered: Sequence[Observed], year: int) -> list[Observed]:
        """The values entered and, of years without one, what accepted projects did."""
        known = {item.year for item in entered}
        stated = max((item.year for item in entered if item.cumulative), default=0)
        return [
            *entered,
            *(
                Observed(each, amount)
                for each, amount in sorted(self.accepted.items())
                # A stated total holds what was done before it: nothing is counted twice.
                if each not in known and stated < each <= year
            ),
        ]


async def contributions(
    session: AsyncSession,
    plan_id: int,
    units: dict[int, str],
    regions: Sequence[int],
    as_of: date | None = None,
) -> dict[tuple[int, int], Contribution]:
    """What projects of the plan did, by indicator and region; `units` are the indicators'.

    With `as_of` it is what was told of them on that day.
    """
    values: dict[str, Any] = {"plan": plan_id, "indicators": [*units], "regions": [*regions]}
    query = DONE
    if as_of is not None:
        query, values = DONE_BY_THEN, {**values, "as_of": as_of}
    found: dict[tuple[int, int], Contribution] = {}
    for indicator, region, unit, year, planned, done, projects in await session.execute(
        query, values
    ):
        own = found.setdefault(
            (indicator, region), Contribution(Decimal(0), Decimal(0), {}, set(), set())
        )
        own.projects.update(projects)
        try:
            planned, done = (_amount(each, unit, units[indicator]) for each in (planned, done))
        except InvalidInput:
            own.foreign.add(unit)
            continue
        own.planned += planned
        own.done += done
        if year is not None and done:
            own.accepted[year] = own.accepted.get(year, Decimal(0)) + done
    return found


def _amount(measured: float | None, unit: str | None, wanted: str) -> Decimal:
    amount = Decimal(repr(measured or 0.0))
    return amount if unit is None else convert(amount, unit, wanted)

"""Judge plans, cases, lines and duties in which something has changed, by rules that watch them.

What has changed waits in `alert_due`, and is taken in the transaction that writes the alerts: each
change is looked at exactly once. One at a time evaluates, as in `evaluating`.
"""

from collections.abc import Mapping, Sequence, Set
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.alerts.observation_evaluation import HOLDS, WITHIN, limits_of, try_evaluation_lock
from shanhai.db.alerts.transitions import AlertSubject, Place, apply_turns, end, keep_watches
from shanhai.db.collections.duties import DUE
from shanhai.db.compliance.register import Decline, read_losses
from shanhai.db.engine import read_today
from shanhai.db.identity import EVERYTHING
from shanhai.db.indicators.evaluation import list_places
from shanhai.db.indicators.plan_indicators import find_plan, list_indicators, plain
from shanhai.db.indicators.progress import judge_target, read_cases
from shanhai.db.indicators.targets import as_target
from shanhai.db.tables.alert import Alert, AlertWatch
from shanhai.db.tables.indicator import IndicatorTarget, PlanIndicator
from shanhai.monitoring.thresholds import Sample, Watch, follow
from shanhai.science.indicators import IndicatorStanding, IndicatorStatus, shortfall_percent

MOST_PLANS = 1
"""A plan may have thousands of targets; people who answer alerts wait meanwhile."""
MOST_CASES = 500
_TAKE_PLANS = text("""
  WITH next AS (
    SELECT plan_id FROM alert_due WHERE plan_id IS NOT NULL
     GROUP BY plan_id ORDER BY min(id) LIMIT :most
  ), taken AS (
    DELETE FROM alert_due WHERE plan_id IN (SELECT plan_id FROM next) RETURNING plan_id
  )
  SELECT DISTINCT p.id, p.code,
         p.status = 'approved' AND p.deleted_at IS NULL
           AND (p.valid_to IS NULL OR p.valid_to > current_date) AS in_force
    FROM taken JOIN plan p ON p.id = taken.plan_id ORDER BY p.id
""")
_TAKE_CASES = text("""
  WITH taken AS (
    DELETE FROM alert_due WHERE id IN (
      SELECT id FROM alert_due WHERE case_id IS NOT NULL ORDER BY id LIMIT :most
    ) RETURNING case_id
  )
  SELECT DISTINCT case_id FROM taken
""")
_WATCHED_TARGETS = text(f"""
  SELECT r.id AS rule_id, r.kind, r.limits, r.reset, r.min_duration_s,
         NULL AS station_id, pi.id AS plan_indicator_id, t.region_id AS target_region_id,
         t.year AS target_year, NULL AS case_id, NULL AS duty_id, t.id AS target_id, w.level
    FROM alert_rule r
    JOIN plan_indicator pi ON pi.plan_id = :plan AND pi.deleted_at IS NULL
         AND (pi.valid_to IS NULL OR pi.valid_to > current_date)
         AND (r.indicator_id IS NULL OR r.indicator_id = pi.indicator_id)
    JOIN indicator_target t ON t.plan_id = pi.plan_id AND t.indicator_id = pi.indicator_id
         AND t.role = 'target'
    LEFT JOIN alert_watch w ON w.rule_id = r.id AND w.plan_indicator_id = pi.id
         AND w.target_region_id = t.region_id AND w.target_year IS NOT DISTINCT FROM t.year
   WHERE r.kind = 'indicator_behind_target' AND (r.plan_id IS NULL OR r.plan_id = :plan)
     AND {HOLDS} AND {WITHIN.format(region="t.region_id")}
   ORDER BY r.id, pi.id, t.id
""")  # noqa: S608 - constants
# What was raised of a case that has gone to another region since ends with the case all the same.
_WATCHED_CASES = text(f"""
  SELECT r.id AS rule_id, r.kind, r.limits, r.reset, r.min_duration_s,
         NULL AS station_id, NULL AS plan_indicator_id, NULL AS target_region_id,
         NULL AS target_year, c.id AS case_id, NULL AS duty_id,
         c.created_at, c.closed_at, line.area_m2, w.level
    FROM lead_case c
    CROSS JOIN LATERAL jsonb_to_recordset(c.lines) AS line (kind text, area_m2 float)
    JOIN alert_rule r ON r.kind = 'red_line_lead' AND r.control_kind = line.kind
    LEFT JOIN alert_watch w ON w.rule_id = r.id AND w.case_id = c.id
   WHERE c.id = ANY (CAST(:cases AS bigint[])) AND line.area_m2 IS NOT NULL
     AND {HOLDS} AND (w.level IS NOT NULL OR {WITHIN.format(region="c.region_id")})
   ORDER BY r.id, c.id
""")  # noqa: S608 - constants


MOST_REGIONS = 20
_TAKE_REGIONS = text("""
  WITH next AS (
    SELECT region_id FROM alert_due WHERE region_id IS NOT NULL
     GROUP BY region_id ORDER BY min(id) LIMIT :most
  ), taken AS (
    DELETE FROM alert_due WHERE region_id IN (SELECT region_id FROM next) RETURNING region_id
  )
  SELECT DISTINCT region_id FROM taken ORDER BY region_id
""")
_WATCHED_LINES = text(f"""
  SELECT r.id AS rule_id, r.kind, r.limits, r.reset, r.min_duration_s, r.control_kind,
         NULL AS station_id, NULL AS plan_indicator_id, g.id AS target_region_id,
         NULL AS target_year, NULL AS case_id, NULL AS duty_id, w.level
    FROM region g
    JOIN alert_rule r ON r.kind = 'line_decline' AND {HOLDS} AND {WITHIN.format(region="g.id")}
    LEFT JOIN alert_watch w ON w.rule_id = r.id AND w.target_region_id = g.id
         AND w.plan_indicator_id IS NULL
   WHERE g.id = ANY (CAST(:regions AS bigint[]))
   ORDER BY r.id, g.id
""")  # noqa: S608 - constants


MOST_DUTIES = 500
_TAKE_DUTIES = text("""
  WITH taken AS (
    DELETE FROM alert_due WHERE id IN (
      SELECT id FROM alert_due WHERE duty_id IS NOT NULL ORDER BY id LIMIT :most
    ) RETURNING duty_id
  )
  SELECT DISTINCT duty_id FROM taken
""")
_WATCHED_DUTIES = text(f"""
  SELECT r.id AS rule_id, r.kind, r.limits, r.reset, r.min_duration_s,
         NULL AS station_id, NULL AS plan_indicator_id, NULL AS target_region_id,
         NULL AS target_year, NULL AS case_id, du.id AS duty_id, du.state,
         {DUE} AS due, current_date - {DUE} AS days, w.level
    FROM duty du
    JOIN plan p ON p.id = du.plan_id AND p.status = 'approved' AND p.deleted_at IS NULL
    JOIN alert_rule r ON r.kind = 'duty_due' AND (r.plan_id IS NULL OR r.plan_id = p.id)
         AND {HOLDS} AND {WITHIN.format(region="p.region_id")}
    LEFT JOIN alert_watch w ON w.rule_id = r.id AND w.duty_id = du.id
   WHERE du.id = ANY (CAST(:duties AS bigint[])) AND du.deleted_at IS NULL
     AND (du.valid_to IS NULL OR du.valid_to > current_date)
     AND du.state IN ('open', 'on_track', 'late') AND {DUE} IS NOT NULL
   ORDER BY r.id, du.id
""")  # noqa: S608 - constants
_SETTLED = text("SELECT id FROM duty WHERE id = ANY (:duties) AND state = 'done'")


async def evaluate_duties(session: AsyncSession, *, now: datetime | None = None) -> int:
    """Judge how near a portion of the duties is to their last day; how many it were.

    The measure is the days since that day, below 0 while it is to come. The caller commits.
    """
    if not await try_evaluation_lock(session):
        return 0
    duties = (await session.scalars(_TAKE_DUTIES, {"most": MOST_DUTIES})).all()
    at = now or datetime.now(UTC)
    rows: Sequence[Any] = ()
    if duties:
        rows = (await session.execute(_WATCHED_DUTIES, {"duties": list(duties)})).all()
    watches: dict[Place, Watch] = {}
    for row in rows:
        watch, turns = follow(Watch(level=row.level), limits_of(row), [Sample(at, float(row.days))])
        place = (row.rule_id, AlertSubject.of(row))
        facts = {"state": row.state, "due": row.due.isoformat()}
        await apply_turns(session, place, turns, now=at, facts=facts)
        if turns:
            watches[place] = watch
    await keep_watches(session, watches)
    await _end_settled(session, duties, {(row.rule_id, AlertSubject.of(row)) for row in rows}, at)
    return len(duties)


async def _end_settled(
    session: AsyncSession, duties: Sequence[int], held: Set[Place], now: datetime
) -> None:
    """Close what was raised of duties that are done, or that no rule watches any more."""
    if not duties:
        return
    done = set(await session.scalars(_SETTLED, {"duties": list(duties)}))
    live = select(Alert).where(Alert.duty_id.in_(duties), Alert.status != "closed")
    for alert in (await session.scalars(live.order_by(Alert.id).with_for_update())).all():
        if (alert.rule_id, AlertSubject.of(alert)) not in held:
            outcome = "recovered" if alert.duty_id in done else "subject_gone"
            await end(session, alert, outcome, now=now)
    watches = select(AlertWatch).where(AlertWatch.duty_id.in_(duties))
    for watch in (await session.scalars(watches)).all():
        if (watch.rule_id, AlertSubject.of(watch)) not in held:
            await session.delete(watch)


async def evaluate_lines(session: AsyncSession, *, now: datetime | None = None) -> int:
    """Judge what the lines of a portion of the regions that are due have lost; how many it were.

    The caller commits.
    """
    if not await try_evaluation_lock(session):
        return 0
    regions = (await session.scalars(_TAKE_REGIONS, {"most": MOST_REGIONS})).all()
    rows = (await session.execute(_WATCHED_LINES, {"regions": list(regions)})).all()
    lost = await read_losses(session, regions, {row.control_kind for row in rows})
    watches: dict[Place, Watch] = {}
    for row in rows:
        loss = lost.get((row.target_region_id, row.control_kind))
        sample = Sample(now or datetime.now(UTC), 0.0 if loss is None else loss.lost_m2)
        watch, turns = follow(Watch(level=row.level), limits_of(row), [sample])
        place = (row.rule_id, AlertSubject.of(row))
        facts = None if loss is None else _facts_of_loss(loss)
        await apply_turns(session, place, turns, now=now or datetime.now(UTC), facts=facts)
        if turns:
            watches[place] = watch
    await keep_watches(session, watches)
    return len(regions)


def _facts_of_loss(loss: Decline) -> Mapping[str, Any]:
    return {
        "kind": loss.kind,
        "delimitation": loss.delimitation,
        "day": loss.day.isoformat(),
        "lost_m2": round(loss.lost_m2, 2),
        "codes": list(loss.codes),
    }


async def evaluate_plans(session: AsyncSession, *, now: datetime | None = None) -> int:
    """Judge the targets of a plan that is due; how many plans it were. The caller commits."""
    if not await try_evaluation_lock(session):
        return 0
    plans = (await session.execute(_TAKE_PLANS, {"most": MOST_PLANS})).all()
    for plan in plans:
        rows: Sequence[Any] = ()
        if plan.in_force:
            rows = (await session.execute(_WATCHED_TARGETS, {"plan": plan.id})).all()
        await _end_gone(session, plan.id, rows, now or datetime.now(UTC))
        await _judge_targets(session, plan.code, rows, now or datetime.now(UTC))
    return len(plans)


async def evaluate_cases(session: AsyncSession, *, now: datetime | None = None) -> int:
    """Judge a portion of the cases that are due; how many it were. The caller commits."""
    if not await try_evaluation_lock(session):
        return 0
    cases = (await session.scalars(_TAKE_CASES, {"most": MOST_CASES})).all()
    watches: dict[Place, Watch] = {}
    rows = (await session.execute(_WATCHED_CASES, {"cases": list(cases)})).all() if cases else []
    for row in rows:
        # One that was over before any rule saw it warns of nothing; its end is the recovery.
        over = row.closed_at is not None
        sample = Sample(row.closed_at or row.created_at, 0.0 if over else row.area_m2)
        watch, turns = follow(Watch(level=row.level), limits_of(row), [sample])
        place = (row.rule_id, AlertSubject.of(row))
        await apply_turns(session, place, turns, now=now or datetime.now(UTC))
        watches[place] = watch
    await keep_watches(session, watches)
    return len(cases)


async def _judge_targets(
    session: AsyncSession, code: str, rows: Sequence[Any], now: datetime
) -> None:
    if not rows:
        return
    judged = await _standings(session, code)
    watches: dict[Place, Watch] = {}
    for row in rows:
        found = judged.get(row.target_id)
        if found is None or found[1].status is IndicatorStatus.NO_DATA:
            # Nothing is known: what was raised stays, and nothing is raised.
            continue
        target, standing = found
        sample = Sample(now, float(shortfall_percent(as_target(target), standing)))
        watch, turns = follow(Watch(level=row.level), limits_of(row), [sample])
        place = (row.rule_id, AlertSubject.of(row))
        await apply_turns(session, place, turns, now=now, facts=_facts(target, standing))
        if turns:
            watches[place] = watch
    await keep_watches(session, watches)


async def _standings(
    session: AsyncSession, code: str
) -> dict[int, tuple[IndicatorTarget, IndicatorStanding]]:
    """How each target of a plan stands this year, by its id."""
    plan = await find_plan(session, code, EVERYTHING)
    year = (await read_today(session)).year
    indicators = await list_indicators(session, plan)
    places = await list_places(session, plan)
    cases = await read_cases(session, plan, indicators, places, year)
    return {
        target.id: (target, judge_target(case, place, year))
        for case in cases
        for place, target in enumerate(case.targets)
    }


def _facts(target: IndicatorTarget, standing: IndicatorStanding) -> Mapping[str, Any]:
    return {
        "value": plain(standing.value),
        "value_year": standing.value_year,
        "path_value": plain(standing.path),
        "target_value": plain(target.value),
        "target_year": target.year,
        "progress_percent": plain(standing.progress_percent),
    }


async def _end_gone(
    session: AsyncSession, plan_id: int, rows: Sequence[Any], now: datetime
) -> None:
    """Close what was raised of targets that the plan states no longer, or when it ended."""
    held = {(row.rule_id, AlertSubject.of(row)) for row in rows}
    query = (
        select(Alert)
        .join(PlanIndicator, PlanIndicator.id == Alert.plan_indicator_id)
        .where(PlanIndicator.plan_id == plan_id, Alert.status != "closed")
        .order_by(Alert.id)
        .with_for_update(of=Alert)
    )
    for alert in (await session.scalars(query)).all():
        if (alert.rule_id, AlertSubject.of(alert)) not in held:
            await end(session, alert, "subject_gone", now=now)
    watches = (
        select(AlertWatch)
        .join(PlanIndicator, PlanIndicator.id == AlertWatch.plan_indicator_id)
        .where(PlanIndicator.plan_id == plan_id)
    )
    for watch in (await session.scalars(watches)).all():
        if (watch.rule_id, AlertSubject.of(watch)) not in held:
            await session.delete(watch)

"""Judge plans, cases, lines and ledgers in which something has changed, by rules that watch them.

What has changed waits in `alert_due`, and is taken in the transaction that writes the alerts: each
change is looked at exactly once. One at a time evaluates, as in `evaluating`.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence, Set
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db import mines
from shanhai.db.alerts import observation_evaluation as noting
from shanhai.db.alerts.observation_evaluation import HOLDS, WITHIN, limits_of, try_evaluation_lock
from shanhai.db.alerts.transitions import (
    AlertSubject,
    Place,
    apply_turns,
    close,
    keep_watches,
    note,
)
from shanhai.db.balances import read_shortfalls
from shanhai.db.compliance.register import Decline, read_losses
from shanhai.db.duties import read_due_duties
from shanhai.db.engine import read_today
from shanhai.db.identity import EVERYTHING
from shanhai.db.indicators.evaluation import list_places
from shanhai.db.indicators.plan_indicators import find_plan, list_indicators
from shanhai.db.indicators.progress import judge_target, read_cases
from shanhai.db.indicators.targets import as_target
from shanhai.db.settlements import read_waiting
from shanhai.db.tables.alert import SUBJECT, Alert, AlertRule, AlertWatch
from shanhai.db.tables.indicator import IndicatorTarget, PlanIndicator
from shanhai.monitoring.thresholds import LedgerStanding, Sample, Watch, follow
from shanhai.science.indicators import IndicatorStanding, IndicatorStatus, shortfall_percent
from shanhai.science.units import plain

NO_ENTRY = ", ".join(
    f"NULL AS {name}" for name in ("duty_id", "agreement_id", "mine_id", "reclamation_id")
)
"""Columns of subjects that are entries of ledgers, for those that are none."""
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
         t.year AS target_year, NULL AS case_id, {NO_ENTRY}, t.id AS target_id, w.level
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
         NULL AS target_year, c.id AS case_id, {NO_ENTRY},
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
         NULL AS target_year, NULL AS case_id, {NO_ENTRY}, w.level
    FROM region g
    JOIN alert_rule r ON r.kind = 'line_decline' AND {HOLDS} AND {WITHIN.format(region="g.id")}
    LEFT JOIN alert_watch w ON w.rule_id = r.id AND w.target_region_id = g.id
         AND w.plan_indicator_id IS NULL
   WHERE g.id = ANY (CAST(:regions AS bigint[]))
   ORDER BY r.id, g.id
""")  # noqa: S608 - constants


MOST_ENTRIES = 500
"""Entries of one ledger that are judged in one transaction; the others follow with the next."""
_TAKE_ENTRIES = """
  WITH taken AS (
    DELETE FROM alert_due WHERE id IN (
      SELECT id FROM alert_due WHERE {column} IS NOT NULL ORDER BY id LIMIT :most
    ) RETURNING {column}
  )
  SELECT DISTINCT {column} FROM taken
"""
_WATCHED_ENTRIES = f"""
  SELECT r.id AS rule_id, r.kind, r.limits, r.reset, r.min_duration_s, {{subject}},
         e.measure, e.facts, w.level
    FROM jsonb_to_recordset(CAST(:standings AS jsonb)) AS e
           (kind text, entry bigint, region bigint, measure float, facts jsonb, year integer,
            plan bigint, sort text)
    JOIN alert_rule r ON r.kind = e.kind AND (r.plan_id IS NULL OR r.plan_id = e.plan)
         AND coalesce(r.balance_kind, r.settlement_state, e.sort) IS NOT DISTINCT FROM e.sort
         AND {HOLDS} AND {WITHIN.format(region="e.region")}
    LEFT JOIN alert_watch w ON w.rule_id = r.id AND w.{{column}} = e.entry
         AND w.target_year IS NOT DISTINCT FROM e.year
   ORDER BY r.id, e.entry, e.year
"""  # noqa: S608 - constants
Reader = Callable[[AsyncSession, Sequence[int]], Awaitable[Sequence[LedgerStanding]]]
LEDGERS: Sequence[tuple[noting.WatchedLedger, Reader]] = (
    (noting.DUTY_LEDGER, read_due_duties),
    (noting.BALANCE_LEDGER, read_shortfalls),
    (noting.SETTLEMENT_LEDGER, read_waiting),
    (noting.MINE_LEDGER, mines.read_overdue),
    (noting.RECLAMATION_LEDGER, mines.read_overdue_reclamations),
)


async def evaluate_ledgers(session: AsyncSession, *, now: datetime | None = None) -> int:
    """Judge a portion of the entries of ledgers that are due; how many it were.

    The caller commits.
    """
    if not await try_evaluation_lock(session):
        return 0
    number = 0
    for ledger, read in LEDGERS:
        take = text(_TAKE_ENTRIES.format(column=ledger.column))
        ids = (await session.scalars(take, {"most": MOST_ENTRIES})).all()
        if ids:
            await _judge_entries(session, ledger, ids, await read(session, ids), now)
        number += len(ids)
    return number


async def _judge_entries(
    session: AsyncSession,
    ledger: noting.WatchedLedger,
    ids: Sequence[int],
    standings: Sequence[LedgerStanding],
    now: datetime | None,
) -> None:
    """Judge how entries of a ledger stand, and end what is left of those that stand no more."""
    at = now or datetime.now(UTC)
    named = {ledger.subject: "e.entry", "target_year": "e.year"}
    columns = [f"{named.get(name, 'CAST(NULL AS bigint)')} AS {name}" for name in SUBJECT]
    query = text(_WATCHED_ENTRIES.format(subject=", ".join(columns), column=ledger.subject))
    given = {"standings": orjson.dumps([asdict(one) for one in standings]).decode()}
    rows = (await session.execute(query, given)).all()
    watches: dict[Place, Watch] = {}
    held: set[Place] = set()
    for row in rows:
        watch, turns = follow(Watch(level=row.level), limits_of(row), [Sample(at, row.measure)])
        place = (row.rule_id, AlertSubject.of(row))
        held.add(place)
        await apply_turns(session, place, turns, now=at, facts=row.facts)
        if turns:
            watches[place] = watch
    await keep_watches(session, watches)
    await _end_settled(session, ledger, ids, held, at)


async def _end_settled(
    session: AsyncSession,
    ledger: noting.WatchedLedger,
    ids: Sequence[int],
    held: Set[Place],
    now: datetime,
) -> None:
    """Close what was raised of entries that are settled, or that no rule watches any more."""
    there = set(await session.scalars(text(ledger.standing), {"ids": list(ids)}))
    ours = select(AlertRule.id).where(AlertRule.kind.in_(ledger.kinds))
    subject = getattr(Alert, ledger.subject)
    live = select(Alert).where(subject.in_(ids), Alert.rule_id.in_(ours), Alert.status != "closed")
    for alert in (await session.scalars(live.order_by(Alert.id).with_for_update())).all():
        if (alert.rule_id, AlertSubject.of(alert)) not in held:
            recovered = getattr(alert, ledger.subject) in there
            close(alert, now)
            await note(session, alert, "recovered" if recovered else "subject_gone", now=now)
    watched = getattr(AlertWatch, ledger.subject)
    watches = select(AlertWatch).where(watched.in_(ids), AlertWatch.rule_id.in_(ours))
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
            close(alert, now)
            await note(session, alert, "subject_gone", now=now)
    watches = (
        select(AlertWatch)
        .join(PlanIndicator, PlanIndicator.id == AlertWatch.plan_indicator_id)
        .where(PlanIndicator.plan_id == plan_id)
    )
    for watch in (await session.scalars(watches)).all():
        if (watch.rule_id, AlertSubject.of(watch)) not in held:
            await session.delete(watch)

"""What rules must look at again, and what follows of observations under them.

What must be looked at again is written in the transaction of the change, and taken by who
evaluates. That lines were changed a trigger notes, however they were written.

One at a time evaluates (an advisory lock), each portion in one transaction with the alerts it
makes: what was stored is looked at exactly once. Late values and revisions count as far as they
still matter: for how long a limit is exceeded already, and for the newest value. They never open an
alert in the past, and never end one.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from shanhai.db.alerts import transitions
from shanhai.db.features.columns import current
from shanhai.db.observations.rollups import COUNTED
from shanhai.db.tables.alert import Alert, AlertRule, AlertWatch
from shanhai.db.tables.station import Station
from shanhai.monitoring import thresholds

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
                    AND (CAST(:rule AS bigint) IS NULL OR r.id = :rule)
                    AND (r.plan_id IS NULL OR r.plan_id = p.id))
     AND (p.status = 'approved' AND p.deleted_at IS NULL
          OR EXISTS (SELECT FROM alert a JOIN plan_indicator pi ON pi.id = a.plan_indicator_id
                      WHERE pi.plan_id = p.id AND a.status <> 'closed'))
     AND NOT EXISTS (SELECT FROM alert_due d WHERE d.plan_id = p.id)
""")
_ALL_LINES = text("""
  INSERT INTO alert_due (region_id)
  SELECT DISTINCT ca.region_id
    FROM alert_rule r JOIN control_area ca ON ca.kind = r.control_kind
   WHERE r.kind = 'line_decline' AND r.enabled AND r.deleted_at IS NULL
     AND (CAST(:rule AS bigint) IS NULL OR r.id = :rule)
     AND NOT EXISTS (SELECT FROM alert_due d WHERE d.region_id = ca.region_id)
""")


@dataclass(frozen=True, slots=True)
class WatchedLedger:
    """A ledger whose entries rules watch, each by the days or amounts it is behind.

    Attributes:
        kinds: Of the rules.
        column: Column of `alert_due` in which its entries wait.
        subject: Column of alerts that names an entry.
        entries: SQL of the ids of the entries there is something to judge of.
        standing: SQL of which of the entries `:ids` are still there, however they stand: what was
            raised of them has recovered when no rule watches it any more.
    """

    kinds: tuple[str, ...]
    column: str
    subject: str
    entries: str
    standing: str


DUTY_LEDGER = WatchedLedger(
    ("duty_due",),
    "duty_id",
    "duty_id",
    "SELECT id FROM duty WHERE state IN ('open', 'on_track', 'late') AND deleted_at IS NULL",
    "SELECT id FROM duty WHERE id = ANY(:ids) AND state = 'done'",
)
BALANCE_LEDGER = WatchedLedger(
    ("balance_short",),
    "balance_region_id",
    "target_region_id",
    "SELECT DISTINCT region_id FROM balance_entry",
    "SELECT id FROM region WHERE id = ANY(:ids) AND deleted_at IS NULL",
)
SETTLEMENT_LEDGER = WatchedLedger(
    ("settlement_waiting",),
    "agreement_id",
    "agreement_id",
    "SELECT id FROM compensation_agreement WHERE state <> 'draft' AND deleted_at IS NULL",
    "SELECT id FROM compensation_agreement WHERE id = ANY(:ids) AND deleted_at IS NULL",
)
MINE_LEDGER = WatchedLedger(
    ("mine_report_due", "mine_fund_short"),
    "mine_id",
    "mine_id",
    "SELECT id FROM mine WHERE kind = 'producing' AND deleted_at IS NULL",
    "SELECT id FROM mine WHERE id = ANY(:ids) AND deleted_at IS NULL",
)
RECLAMATION_LEDGER = WatchedLedger(
    ("reclamation_due",),
    "reclamation_id",
    "reclamation_id",
    "SELECT id FROM reclamation WHERE state IN ('in_use', 'reclaimed') AND deleted_at IS NULL",
    "SELECT id FROM reclamation WHERE id = ANY(:ids) AND deleted_at IS NULL",
)
LEDGERS = (DUTY_LEDGER, BALANCE_LEDGER, SETTLEMENT_LEDGER, MINE_LEDGER, RECLAMATION_LEDGER)
_OF_LEDGER = """
  INSERT INTO alert_due ({column})
  SELECT e.id FROM ({entries}
     UNION SELECT a.{subject} FROM alert a JOIN alert_rule of_alert ON of_alert.id = a.rule_id
      WHERE of_alert.kind = ANY(:kinds) AND a.status <> 'closed' AND a.{subject} IS NOT NULL
   ) AS e (id)
   WHERE EXISTS (SELECT FROM alert_rule r
                  WHERE r.kind = ANY(:kinds) AND r.enabled AND r.deleted_at IS NULL
                    AND (CAST(:rule AS bigint) IS NULL OR r.id = :rule))
     AND NOT EXISTS (SELECT FROM alert_due d WHERE d.{column} = e.id)
"""


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
    await note_all_plans(session, rule_id)
    await note_all_lines(session, rule_id)
    await note_all_cases(session)
    await note_all_ledgers(session, rule_id)


async def note_all_plans(session: AsyncSession, rule_id: int | None = None) -> None:
    """Days pass, projects are accepted, plans approved: look at all rules watch, or one rule."""
    await session.execute(_ALL_PLANS, {"rule": rule_id})


async def note_all_lines(session: AsyncSession, rule_id: int | None = None) -> None:
    """Lines end and begin by themselves: look at all that rules watch, or that one rule does."""
    await session.execute(_ALL_LINES, {"rule": rule_id})


async def note_all_cases(session: AsyncSession) -> None:
    """Rules begin to hold, also after cases were opened: look at those they have not judged yet."""
    await session.execute(_ALL_CASES)


async def note_all_ledgers(session: AsyncSession, rule_id: int | None = None) -> None:
    """Days pass: look at all entries of ledgers that rules watch, or that one rule does."""
    for ledger in LEDGERS:
        query = text(
            _OF_LEDGER.format(column=ledger.column, subject=ledger.subject, entries=ledger.entries)
        )
        await session.execute(query, {"kinds": [*ledger.kinds], "rule": rule_id})


EVALUATION_LOCK = 0x5348_4145
"""Held by the one who evaluates, and by all who change rules or alerts."""
UNFOUNDED = "所依据的观测值不再有效 / the value it rested on is valid no longer"
MOST_CHANGES = 10_000
MOST_SILENT = 500
"""Alerts that one look at silent stations changes; the others follow with the next."""
MOST_ENDED = 500
"""Alerts of expired rules that are closed at once; the others follow."""
_TAKE = text("""
  WITH taken AS (
    DELETE FROM observation_change
     WHERE id = ANY (ARRAY(SELECT id FROM observation_change ORDER BY id LIMIT :most))
    RETURNING station_id, property_id, first_at, last_at
  )
  SELECT station_id, property_id, min(first_at) AS first_at, max(last_at) AS last_at,
         count(*) AS number
    FROM taken GROUP BY station_id, property_id
""")
HOLDS = """r.enabled AND r.deleted_at IS NULL
   AND (r.valid_from IS NULL OR r.valid_from <= current_date)
   AND (r.valid_to IS NULL OR r.valid_to > current_date)"""
"""Whether a rule `r` is evaluated at all, today."""
WITHIN = """(r.region_id IS NULL OR r.region_id IN (
     WITH RECURSIVE above (id) AS (
       SELECT {region} UNION
       SELECT g.parent_id FROM region g JOIN above ON g.id = above.id
     ) SELECT id FROM above WHERE id IS NOT NULL))"""
"""Whether what lies in `region` lies in the region of a rule `r`, or that has none."""
HOLDS_AT = f"""{HOLDS} AND s.deleted_at IS NULL AND {current("s")}
   AND (r.stations IS NULL OR s.id = ANY (r.stations))
   AND {WITHIN.format(region="s.region_id")}"""
"""Whether a rule `r` holds at a station `s`: not closed, named if any is, and in its region."""
UNOBSERVED = """r.kind = 'no_data' AND r.property_id IS NOT NULL AND NOT EXISTS (
     SELECT FROM observation_latest l WHERE l.station_id = alert.station_id
        AND l.property_id = r.property_id AND l.observed_at > '-infinity')"""
"""Whether the station of an `alert` has no value left of the property whose silence `r` watches."""
_ALL_CASES = text(f"""
  INSERT INTO alert_due (case_id)
  SELECT DISTINCT c.id
    FROM lead_case c
    CROSS JOIN LATERAL jsonb_to_recordset(c.lines) AS line (kind text, area_m2 float)
    JOIN alert_rule r ON r.kind = 'red_line_lead' AND r.control_kind = line.kind
   WHERE line.area_m2 IS NOT NULL AND c.state <> 'closed' AND {HOLDS}
     AND {WITHIN.format(region="c.region_id")}
     AND NOT EXISTS (SELECT FROM alert_watch w WHERE w.rule_id = r.id AND w.case_id = c.id)
     AND NOT EXISTS (SELECT FROM alert_due d WHERE d.case_id = c.id)
""")  # noqa: S608 - constants of this file
_WATCHES = text(f"""
  SELECT r.id AS rule_id, r.kind, r.limits, r.reset, r.min_duration_s, r.max_age_s, r.any_quality,
         c.station_id, c.property_id, c.first_at, w.seen_to, w.since, w.level,
         (SELECT a.began_at FROM alert a
           WHERE w.level IS NOT NULL AND a.rule_id = r.id AND a.station_id = c.station_id
           ORDER BY a.id DESC LIMIT 1) AS began_at
    FROM unnest(CAST(:stations AS int[]), CAST(:properties AS smallint[]),
                CAST(:firsts AS timestamptz[])) AS c (station_id, property_id, first_at)
    JOIN station s ON s.id = c.station_id
    JOIN alert_rule r ON r.property_id = c.property_id AND r.kind <> 'no_data'
    LEFT JOIN alert_watch w ON w.rule_id = r.id AND w.station_id = c.station_id
   WHERE {HOLDS_AT}
   ORDER BY r.id, c.station_id
""")  # noqa: S608 - constants of this file
_SAMPLES = text(f"""
  SELECT t.place, o.observed_at, o.value
    FROM unnest(CAST(:stations AS int[]), CAST(:properties AS smallint[]),
                CAST(:starts AS timestamptz[]), CAST(:any_quality AS boolean[]))
           WITH ORDINALITY AS t (station_id, property_id, start, any_quality, place)
    JOIN observation o ON o.station_id = t.station_id AND o.property_id = t.property_id
         AND o.observed_at >= t.start AND (t.any_quality OR ({COUNTED}))
   ORDER BY t.place, o.observed_at
""")  # noqa: S608 - constants of this file
_SILENT = text(f"""
  SELECT r.id AS rule_id, r.kind, r.limits, r.reset, r.min_duration_s, s.id AS station_id,
         n.newest, w.seen_to, w.since, w.level
    FROM alert_rule r
    JOIN station s ON {HOLDS_AT}
    CROSS JOIN LATERAL (
      SELECT coalesce(
               max(l.observed_at),
               CASE WHEN r.property_id IS NULL THEN greatest(s.created_at, s.valid_from) END
             ) AS newest
        FROM observation_latest l
       WHERE l.station_id = s.id AND (r.property_id IS NULL OR l.property_id = r.property_id)
         AND l.observed_at > '-infinity'
    ) n
    LEFT JOIN alert_watch w ON w.rule_id = r.id AND w.station_id = s.id
   WHERE r.kind = 'no_data' AND n.newest IS NOT NULL
     AND (w.level IS NOT NULL
          OR n.newest < CAST(:now AS timestamptz) - r.reset * interval '1 second')
   ORDER BY r.id, s.id
""")  # noqa: S608 - constants of this file


@dataclass(frozen=True, slots=True)
class _Followed:
    """A rule at a station, where it stands, and the series that changed there.

    Attributes:
        start: From when on values are followed.
        began: When what is raised began; None unless what was judged already has changed.
    """

    row: Any
    limits: thresholds.RuleLimits
    watch: thresholds.Watch
    start: datetime
    began: datetime | None = None

    @classmethod
    def of(cls, row: Any) -> "_Followed":
        limits = limits_of(row)
        back = 2 * limits.duration
        if row.seen_to is None:
            return cls(row, limits, thresholds.Watch(row.first_at), row.first_at - back)
        watch = _watch_of(row)
        if row.first_at > row.seen_to:
            return cls(row, limits, watch, row.first_at)
        if row.level is not None:
            return cls(row, limits, watch, row.seen_to, row.began_at)
        # What is late may have changed for how long a limit is exceeded: found out anew.
        return cls(row, limits, thresholds.Watch(row.seen_to), row.seen_to - back)

    @property
    def read_from(self) -> datetime:
        """The first time whose value is needed: a change needs the value before as well."""
        first = self.start if self.began is None else self.began - 2 * self.limits.duration
        return first - thresholds.RATE_WITHIN if self.limits.kind == "rate" else first

    def judge(
        self, values: Sequence[thresholds.Sample], not_before: datetime
    ) -> tuple[thresholds.Watch, list[thresholds.Turn], bool]:
        """Where the rule stands after the values, its turns, and whether it has no ground before.

        Where the value that was judged last counts no longer, those before it tell whether what is
        raised would stand without it.
        """
        samples = [*thresholds.rates(values)] if self.limits.kind == "rate" else values
        watch, seen_to = self.watch, self.watch.seen_to
        later = [sample for sample in samples if sample.time >= self.start]
        unfounded = False
        if self.began is not None and not (later and later[0].time == seen_to):
            before = [sample for sample in samples if sample.time < self.start]
            left, _ = thresholds.follow(thresholds.Watch(), self.limits, before)
            unfounded = left.level is None
            watch = thresholds.Watch(
                left.seen_to or seen_to, left.since, None if unfounded else watch.level
            )
        return *thresholds.follow(watch, self.limits, later, not_before=not_before), unfounded


async def evaluate_changes(
    session: AsyncSession, *, now: datetime | None = None, most: int = MOST_CHANGES
) -> int:
    """Evaluate a portion of what was stored since the last one; how many changes it was.

    None is done while somebody else is at it. The caller commits.
    """
    if not await try_evaluation_lock(session):
        return 0
    changes = (await session.execute(_TAKE, {"most": most})).all()
    if not changes:
        return 0
    series = {
        "stations": [row.station_id for row in changes],
        "properties": [row.property_id for row in changes],
        "firsts": [row.first_at for row in changes],
    }
    followed = [_Followed.of(row) for row in await session.execute(_WATCHES, series)]
    now = now or datetime.now(UTC)
    watches: dict[transitions.Place, thresholds.Watch] = {}
    async for one, samples in _read_samples(session, followed):
        not_before = now - timedelta(seconds=one.row.max_age_s)
        watch, turns, unfounded = one.judge(samples, not_before)
        place = (one.row.rule_id, transitions.AlertSubject(station_id=one.row.station_id))
        if unfounded and (alert := await transitions.live_alert(session, place)):
            transitions.close(alert, now)
            await transitions.note(session, alert, "recovered", now=now, text=UNFOUNDED)
        await transitions.apply_turns(session, place, turns, now=now)
        watches[place] = watch
    await transitions.keep_watches(session, watches)
    return sum(row.number for row in changes)


async def evaluate_silence(session: AsyncSession, *, now: datetime | None = None) -> None:
    """Open, raise and end the alerts of stations that send nothing. The caller commits.

    A rule for one property watches the stations that have ever observed it; one for all properties
    also those that never sent anything, since they were registered or, if later, began.
    """
    if not await try_evaluation_lock(session):
        return
    now = now or datetime.now(UTC)
    watches: dict[transitions.Place, thresholds.Watch] = {}
    for row in (await session.execute(_SILENT, {"now": now})).all():
        sample = thresholds.Sample(now, (now - row.newest).total_seconds())
        watch, turns = thresholds.follow(_watch_of(row), limits_of(row), [sample])
        place = (row.rule_id, transitions.AlertSubject(station_id=row.station_id))
        if turns:
            await transitions.apply_turns(session, place, turns, now=now, observed_at=row.newest)
            watches[place] = watch
        if len(watches) == MOST_SILENT:
            break
    await transitions.keep_watches(session, watches)


async def end_expired(session: AsyncSession, *, now: datetime | None = None) -> None:
    """Close alerts of expired rules, and of stations closed, gone, moved or without the series.

    The caller commits.
    """
    if not await try_evaluation_lock(session):
        return
    now = now or datetime.now(UTC)
    r = aliased(AlertRule, name="r")
    moved = text(f"station.id IS NOT NULL AND NOT {WITHIN.format(region='station.region_id')}")
    closed = Station.valid_to <= func.current_date()
    away = or_(Station.deleted_at.is_not(None), closed, moved, text(UNOBSERVED))
    query = (
        select(Alert, away)
        .join(r, r.id == Alert.rule_id)
        .outerjoin(Station, Station.id == Alert.station_id)
        .where(Alert.status != "closed", or_(r.valid_to <= func.current_date(), away))
        .order_by(Alert.id)
        .limit(MOST_ENDED)
        .with_for_update(of=Alert)
    )
    for alert, gone in (await session.execute(query)).all():
        transitions.close(alert, now)
        kind = "subject_gone" if gone else "rule_expired"
        await transitions.note(session, alert, kind, now=now)
        if gone:
            # Back in the region, it is judged as if it were new there.
            watch = AlertWatch.rule_id == alert.rule_id, AlertWatch.station_id == alert.station_id
            await session.execute(delete(AlertWatch).where(*watch))


async def try_evaluation_lock(session: AsyncSession) -> bool:
    """Let nobody else evaluate until the transaction ends; False: somebody does."""
    return bool(await session.scalar(select(func.pg_try_advisory_xact_lock(EVALUATION_LOCK))))


async def take_evaluation_lock(session: AsyncSession) -> None:
    """Wait until nobody evaluates, and let nobody until the transaction ends.

    All who write what happens to alerts hold it, so that their events commit in the order of their
    numbers: who follows them misses none.
    """
    await session.execute(select(func.pg_advisory_xact_lock(EVALUATION_LOCK)))


def limits_of(row: Any) -> thresholds.RuleLimits:
    """The limits of a row of `alert_rule`."""
    return thresholds.RuleLimits(
        row.kind, row.limits, row.reset, timedelta(seconds=row.min_duration_s)
    )


def _watch_of(row: Any) -> thresholds.Watch:
    since: Mapping[str, str] = row.since or {}
    begun = {level: datetime.fromisoformat(time) for level, time in since.items()}
    return thresholds.Watch(row.seen_to, begun, row.level)


async def _read_samples(
    session: AsyncSession, followed: Sequence[_Followed]
) -> AsyncIterator[tuple[_Followed, list[thresholds.Sample]]]:
    """The values of each, also of those that have none; not more than one series in memory."""
    if not followed:
        return
    asked = {
        "stations": [one.row.station_id for one in followed],
        "properties": [one.row.property_id for one in followed],
        "starts": [one.read_from for one in followed],
        "any_quality": [one.row.any_quality for one in followed],
    }
    place, samples = 0, list[thresholds.Sample]()
    async for number, observed_at, value in await session.stream(_SAMPLES, asked):
        while place < number - 1:
            yield followed[place], samples
            place, samples = place + 1, []
        samples.append(thresholds.Sample(observed_at, value))
    while place < len(followed):
        yield followed[place], samples
        place, samples = place + 1, []

"""What the evaluation does to alerts."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import orjson
from sqlalchemy import select
from sqlalchemy import text as sql
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.tables import Alert, AlertEvent
from shanhai.monitoring.alerting import Turn, Watch

Place = tuple[int, int]
"""A rule and a station, by their ids."""
_KEEP = sql("""
  INSERT INTO alert_watch (rule_id, station_id, seen_to, since, level)
  SELECT t.rule_id, t.station_id, t.seen_to, CAST(t.since AS jsonb), t.level
    FROM unnest(CAST(:rules AS bigint[]), CAST(:stations AS bigint[]),
                CAST(:seen AS timestamptz[]), CAST(:since AS text[]), CAST(:levels AS text[]))
           AS t (rule_id, station_id, seen_to, since, level)
  ON CONFLICT (rule_id, station_id) DO UPDATE
  SET seen_to = excluded.seen_to, since = excluded.since, level = excluded.level
""")


async def keep_watches(session: AsyncSession, watches: Mapping[Place, Watch]) -> None:
    """Note where rules stand at stations, all in one statement."""
    given = [
        (*place, watch.seen_to, orjson.dumps(dict(watch.since)).decode(), watch.level)
        for place, watch in watches.items()
    ]
    names = ("rules", "stations", "seen", "since", "levels")
    columns = [list(column) for column in zip(*given, strict=True)]
    if columns:
        await session.execute(_KEEP, dict(zip(names, columns, strict=True)))


async def apply_turns(
    session: AsyncSession,
    place: Place,
    turns: Sequence[Turn],
    *,
    now: datetime,
    observed_at: datetime | None = None,
) -> None:
    """Open, raise and close the alert of a rule at a station, as its level turned.

    Args:
        observed_at: Time of the value they rest on; that of the sample.
    """
    if not turns:
        return
    rule_id, station_id = place
    query = select(Alert).where(
        Alert.rule_id == rule_id, Alert.station_id == station_id, Alert.status != "closed"
    )
    alert = await session.scalar(query.with_for_update())
    for turn in turns:
        time = observed_at or turn.sample.time
        if turn.level is None:
            # Somebody may have closed it by hand before.
            if alert is not None:
                end(session, alert, "recovered", now=now, turn=turn, observed_at=time)
                alert = None
                # So that the next one of this rule and station may be written.
                await session.flush()
        elif alert is None:
            alert = Alert(
                rule_id=rule_id,
                station_id=station_id,
                status="open",
                level=turn.level,
                began_at=min(turn.since, time),
                raised_at=time,
                measure=turn.sample.measure,
                opened_at=now,
            )
            session.add(alert)
            await session.flush()
            note(session, alert, "opened", now=now, turn=turn, observed_at=time)
        else:
            alert.level, alert.raised_at, alert.measure = turn.level, time, turn.sample.measure
            # What was acknowledged was less serious.
            alert.status, alert.acknowledged_at, alert.acknowledged_by = "open", None, None
            alert.row_version += 1
            note(session, alert, "raised", now=now, turn=turn, observed_at=time)


def end(
    session: AsyncSession,
    alert: Alert,
    kind: str,
    *,
    now: datetime,
    actor: str | None = None,
    text: str | None = None,
    turn: Turn | None = None,
    observed_at: datetime | None = None,
) -> None:
    """Close an alert, and say why."""
    alert.status, alert.closed_at, alert.closed_by = "closed", now, actor
    alert.row_version += 1
    note(session, alert, kind, now=now, actor=actor, text=text, turn=turn, observed_at=observed_at)


def note(
    session: AsyncSession,
    alert: Alert,
    kind: str,
    *,
    now: datetime,
    actor: str | None = None,
    text: str | None = None,
    turn: Turn | None = None,
    observed_at: datetime | None = None,
) -> None:
    """Add what happened to what is told of an alert."""
    session.add(
        AlertEvent(
            alert_id=alert.id,
            at=now,
            kind=kind,
            level=alert.level,
            actor=actor,
            note=text,
            observed_at=observed_at,
            measure=None if turn is None else turn.sample.measure,
        )
    )

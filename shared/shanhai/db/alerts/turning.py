"""What the evaluation does to alerts."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy import text as sql
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.alerts.announcing import announce_alert
from shanhai.db.alerts.noticing import add_notices
from shanhai.db.alerts.subjects import Place
from shanhai.db.tables import Alert, AlertEvent
from shanhai.db.tables.alert import SUBJECT
from shanhai.monitoring.alerting import Turn, Watch

_COLUMNS = ", ".join(("rule_id", *SUBJECT))
_KEEP = sql(f"""
  INSERT INTO alert_watch ({_COLUMNS}, seen_to, since, level)
  SELECT {_COLUMNS}, t.seen_to, CAST(t.since AS jsonb), t.level
    FROM unnest(CAST(:rule_id AS bigint[]), CAST(:station_id AS bigint[]),
                CAST(:plan_indicator_id AS bigint[]), CAST(:target_region_id AS bigint[]),
                CAST(:target_year AS int[]), CAST(:case_id AS bigint[]),
                CAST(:seen AS timestamptz[]), CAST(:since AS text[]), CAST(:levels AS text[]))
           AS t ({_COLUMNS}, seen_to, since, level)
  ON CONFLICT ({_COLUMNS}) DO UPDATE
  SET seen_to = excluded.seen_to, since = excluded.since, level = excluded.level
""")  # noqa: S608 - names of columns


async def keep_watches(session: AsyncSession, watches: Mapping[Place, Watch]) -> None:
    """Note where rules stand with what they watch, all in one statement."""
    given = [
        (
            rule_id,
            *subject.columns.values(),
            watch.seen_to,
            orjson.dumps(dict(watch.since)).decode(),
            watch.level,
        )
        for (rule_id, subject), watch in watches.items()
    ]
    names = ("rule_id", *SUBJECT, "seen", "since", "levels")
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
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Open, raise and close the alert of a rule about a subject, as its level turned.

    Args:
        observed_at: Time of the value they rest on; that of the sample.
        facts: What is known of the subject, where its measure does not say it all.
    """
    if not turns:
        return
    rule_id, subject = place
    same = (
        getattr(Alert, name).is_not_distinct_from(value) for name, value in subject.columns.items()
    )
    query = select(Alert).where(Alert.rule_id == rule_id, *same, Alert.status != "closed")
    alert = await session.scalar(query.with_for_update())
    for turn in turns:
        time = observed_at or turn.sample.time
        if turn.level is None:
            # Somebody may have closed it by hand before.
            if alert is not None:
                await end(session, alert, "recovered", now=now, turn=turn, observed_at=time)
                alert = None
        elif alert is None:
            alert = Alert(
                rule_id=rule_id,
                **subject.columns,
                status="open",
                level=turn.level,
                began_at=min(turn.since, time),
                raised_at=time,
                measure=turn.sample.measure,
                facts=None if facts is None else dict(facts),
                opened_at=now,
            )
            session.add(alert)
            await session.flush()
            await note(session, alert, "opened", now=now, turn=turn, observed_at=time)
        else:
            alert.level, alert.raised_at, alert.measure = turn.level, time, turn.sample.measure
            alert.facts = None if facts is None else dict(facts)
            # What was acknowledged was less serious.
            alert.status, alert.acknowledged_at, alert.acknowledged_by = "open", None, None
            alert.row_version += 1
            await note(session, alert, "raised", now=now, turn=turn, observed_at=time)


async def end(
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
    await note(
        session, alert, kind, now=now, actor=actor, text=text, turn=turn, observed_at=observed_at
    )


async def note(
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
    """Add what happened to what is told of an alert, and to what people are to be told."""
    event = AlertEvent(
        alert_id=alert.id,
        at=now,
        kind=kind,
        level=alert.level,
        actor=actor,
        note=text,
        observed_at=observed_at,
        measure=None if turn is None else turn.sample.measure,
    )
    session.add(event)
    await session.flush()
    await add_notices(session, alert, event)
    await announce_alert(session, alert, event)

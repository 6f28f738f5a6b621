"""Alerts are opened, raised and ended by the evaluation; webhooks are sent their events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy import text as sql
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.alerts.notifications import ENDINGS, add_notices, held_until
from shanhai.db.alerts.queries import REGION_ID, list_events, read_alerts
from shanhai.db.alerts.serialization import describe_alert, describe_events
from shanhai.db.deliveries.events import HostlessLinks, announce, find_listening
from shanhai.db.tables.alert import SUBJECT, Alert, AlertEvent
from shanhai.db.tables.control import LeadCase
from shanhai.db.tables.station import Station
from shanhai.monitoring.thresholds import Turn, Watch
from shanhai.vocabulary import Lang


@dataclass(frozen=True, slots=True)
class AlertSubject:
    """A station, a case, the lines of a region, or a target.

    A target is an indicator of a plan in a region, by a year or always; a region alone, its lines.
    """

    station_id: int | None = None
    plan_indicator_id: int | None = None
    target_region_id: int | None = None
    target_year: int | None = None
    case_id: int | None = None

    @classmethod
    def of(cls, row: Any) -> "AlertSubject":
        """The subject of a row that has its columns."""
        return cls(*(getattr(row, name) for name in SUBJECT))

    @property
    def columns(self) -> dict[str, int | None]:
        """Its columns in the tables of alerts and watches."""
        return {name: getattr(self, name) for name in SUBJECT}


Place = tuple[int, AlertSubject]
"""A rule, by its id, and what it watches there."""


TYPES = {
    "opened": "alert.opened",
    "raised": "alert.escalated",
    "acknowledged": "alert.acknowledged",
    **dict.fromkeys(ENDINGS, "alert.closed"),
}
"""Types of the messages by what happened."""


async def announce_alert(session: AsyncSession, alert: Alert, event: AlertEvent) -> None:
    """Write what happened to an alert for the webhooks that want to know.

    In quiet hours of its rule it is held back until their end, as mails are.
    """
    place = (
        select(REGION_ID)
        .select_from(Alert)
        .outerjoin(Station, Station.id == Alert.station_id)
        .outerjoin(LeadCase, LeadCase.id == Alert.case_id)
        .where(Alert.id == alert.id)
    )
    event_type = TYPES[event.kind]
    listening = await find_listening(session, event_type, await session.scalar(place))
    if not listening:
        return
    row = (await read_alerts(session, {alert.id}))[alert.id]
    events = await list_events(session, alert.id)

    def tell(lang: Lang) -> dict[str, object]:
        told = describe_alert(row, HostlessLinks(lang))
        return {**told, "events": describe_events(events, lang)}

    due = await held_until(session, alert, event)
    await announce(session, listening, event_type, tell, at=event.at, due_at=due)


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

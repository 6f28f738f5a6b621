"""Alerts are opened, raised and ended by the evaluation; webhooks and people are told.

Notices are written in the transaction of the event. Those that are due are made into one mail for
each person, in one transaction with its delivery: each event is told a person once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import delete, select, text, update
from sqlalchemy import text as sql
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.alerts import queries
from shanhai.db.deliveries.outbox import enqueue
from shanhai.db.deliveries.webhooks import HostlessLinks, announce, find_listening
from shanhai.db.tables.alert import SUBJECT, Alert, AlertEvent, AlertNotice, AlertRule, Subscription
from shanhai.monitoring.thresholds import QuietHours, Turn, Watch, next_time
from shanhai.science.units import unit_name
from shanhai.vocabulary import ALERT_EVENTS, WARNING_LEVELS, Lang, label_in

BEGINNINGS = frozenset({"opened", "raised"})
ENDINGS = frozenset({"recovered", "closed", "rule_changed", "rule_expired", "subject_gone"})
MOST_MAILS = 50
"""People who are told in one transaction."""
MOST_TOLD = 200
"""Events a mail lists; of more it says the number."""
_TOLD = text("""
  WITH RECURSIVE above (id) AS (
    SELECT unnest(CAST(:regions AS bigint[])) UNION
    SELECT g.parent_id FROM region g JOIN above ON g.id = above.id WHERE g.parent_id IS NOT NULL
  )
  SELECT s.id, s.digest_at, s.time_zone
    FROM subscription s
   WHERE s.enabled AND s.deleted_at IS NULL AND s.unsubscribed_at IS NULL
     AND CAST(:level AS text) = ANY (s.levels) AND (s.endings OR :begins)
     AND (s.rules IS NULL OR :rule = ANY (s.rules))
     AND (s.region_id IS NULL OR s.region_id IN (SELECT id FROM above))
   ORDER BY s.id
""")
_FORMERLY = sql("SELECT region_id FROM station_history WHERE id = :id AND recorded_to > :since")


async def held_until(session: AsyncSession, alert: Alert, event: AlertEvent) -> datetime | None:
    """Until when the quiet hours of its rule hold back what happened to an alert; None: not."""
    quiet = await session.scalar(select(AlertRule.quiet).where(AlertRule.id == alert.rule_id))
    return None if quiet is None else QuietHours.of(quiet).held_until(event.at, event.level)


async def add_notices(
    session: AsyncSession, alert: Alert, event: AlertEvent, regions: Sequence[int | None]
) -> None:
    """Note who is to be told of what happened to an alert in regions, and from when on."""
    if event.kind not in BEGINNINGS | ENDINGS:
        return
    given = {"regions": regions, "rule": alert.rule_id, "level": event.level}
    given["begins"] = event.kind in BEGINNINGS
    told = (await session.execute(_TOLD, given)).all()
    if not told:
        return
    earliest = await held_until(session, alert, event) or event.at
    for row in told:
        due = earliest
        if row.digest_at is not None:
            due = next_time(earliest, row.digest_at, ZoneInfo(row.time_zone))
        session.add(AlertNotice(subscription_id=row.id, event_id=event.id, due_at=due))
    await session.flush()


async def send_notices(session: AsyncSession, now: datetime | None = None) -> int:
    """Make mails of the notices that are due; how many. The caller commits."""
    now = now or datetime.now(UTC)
    due = select(AlertNotice.subscription_id).where(AlertNotice.due_at <= now).distinct()
    sent = 0
    for number in (await session.scalars(due.order_by("subscription_id").limit(MOST_MAILS))).all():
        # Whoever else makes mails waits here, and finds no notices left.
        query = select(Subscription).where(Subscription.id == number).with_for_update()
        sent += await _send(session, (await session.scalars(query)).one(), now)
    return sent


async def _send(session: AsyncSession, one: Subscription, now: datetime) -> bool:
    waiting = AlertNotice.subscription_id == one.id, AlertNotice.due_at <= now
    query = (
        select(AlertEvent)
        .join(AlertNotice, AlertNotice.event_id == AlertEvent.id)
        .where(*waiting)
        .order_by(AlertEvent.id)
    )
    events = (await session.scalars(query)).all()
    wanted = one.enabled and one.deleted_at is None and one.unsubscribed_at is None
    if events and wanted and not await _enqueue(session, one, events, now):
        # Only digests are told once a day.
        later = next_time(now, one.digest_at or time(), ZoneInfo(one.time_zone))
        await session.execute(update(AlertNotice).where(*waiting).values(due_at=later))
        return False
    await session.execute(delete(AlertNotice).where(*waiting))
    return bool(events) and wanted


async def _enqueue(
    session: AsyncSession, one: Subscription, events: Sequence[AlertEvent], now: datetime
) -> bool:
    """Write the mail to be sent; not if the digest of the day was sent already."""
    key = None
    if one.digest_at is not None:
        key = f"digest:{one.id}:{now.astimezone(ZoneInfo(one.time_zone)).date()}"
    payload = {
        "subscription": one.id,
        "name": one.name,
        "lang": one.lang,
        "time_zone": one.time_zone,
        "daily": one.digest_at is not None,
        "number": len(events),
        "events": await _told(session, events[-MOST_TOLD:], "zh" if one.lang == "zh" else "en"),
    }
    kind = "alert.notice" if len(events) == 1 and key is None else "alert.digest"
    made = await enqueue(session, "email", one.address, kind, payload, once_key=key)
    return made is not None


async def _told(
    session: AsyncSession, events: Sequence[AlertEvent], lang: Lang
) -> list[dict[str, Any]]:
    """Events as mails tell them, in the order they happened."""
    alerts = await queries.read_alerts(session, {event.alert_id for event in events})
    return [_described(event, alerts[event.alert_id], lang) for event in events]


def _described(event: AlertEvent, row: Any, lang: Lang) -> dict[str, Any]:
    alert: Alert = row[0]
    names = (queries.subject_name(row, lang), getattr(row, f"property_{lang}"))
    return {
        "at": event.at.isoformat(),
        "event": event.kind,
        "event_name": label_in(ALERT_EVENTS, event.kind, lang),
        "level": event.level,
        "level_name": label_in(WARNING_LEVELS, event.level, lang),
        "color": next(term.color for term in WARNING_LEVELS if term.code == event.level),
        "alert": alert.id,
        "rule": row.rule_zh if lang == "zh" else row.rule_en,
        "subject": " · ".join(name for name in names if name),
        "measure": alert.measure if event.measure is None else event.measure,
        "unit": unit_name(queries.unit_of(row) or "", lang),
        "note": event.note,
        "href": f"/alerts/{alert.id}",
    }


@dataclass(frozen=True, slots=True)
class AlertSubject:
    """A station, a case, an entry of a ledger, a target, or the lines or a balance of a region.

    A target is an indicator of a plan in a region, by a year or always; a region alone, its lines
    or the balance its rule names; an agreement or a mine, with a year, that year of it.
    """

    station_id: int | None = None
    plan_indicator_id: int | None = None
    target_region_id: int | None = None
    target_year: int | None = None
    case_id: int | None = None
    duty_id: int | None = None
    agreement_id: int | None = None
    mine_id: int | None = None
    reclamation_id: int | None = None

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


TYPES: Mapping[str, str] = {
    "opened": "alert.opened",
    "raised": "alert.escalated",
    "acknowledged": "alert.acknowledged",
    **dict.fromkeys(ENDINGS, "alert.closed"),
}
"""Types of the messages by what happened; what is not among them is told to nobody."""


async def announce_alert(
    session: AsyncSession, alert: Alert, event: AlertEvent, regions: Sequence[int | None]
) -> None:
    """Write what happened to an alert in regions for the webhooks that want to know.

    In quiet hours of its rule it is held back until their end, as mails are.
    """
    event_type = TYPES.get(event.kind)
    if event_type is None:
        return
    listening = await find_listening(session, event_type, *regions)
    if not listening:
        return
    row = (await queries.read_alerts(session, {alert.id}))[alert.id]
    events = await queries.list_events(session, alert.id)

    def tell(lang: Lang) -> dict[str, object]:
        told = queries.describe_alert(row, HostlessLinks(lang))
        return {**told, "events": queries.describe_events(events, lang)}

    due = await held_until(session, alert, event)
    await announce(session, listening, event_type, tell, at=event.at, due_at=due)


_COLUMNS = ", ".join(("rule_id", *SUBJECT))
_NUMBERS = ", ".join(f"CAST(:{name} AS bigint[])" for name in ("rule_id", *SUBJECT))
_KEEP = sql(f"""
  INSERT INTO alert_watch ({_COLUMNS}, seen_to, since, level)
  SELECT {_COLUMNS}, t.seen_to, CAST(t.since AS jsonb), t.level
    FROM unnest({_NUMBERS},
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
    alert = await live_alert(session, place)
    for turn in turns:
        time = observed_at or turn.sample.time
        if turn.level is None:
            # Somebody may have closed it by hand before.
            if alert is not None:
                close(alert, now)
                await note(session, alert, "recovered", now=now, turn=turn, observed_at=time)
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


async def live_alert(session: AsyncSession, place: Place) -> Alert | None:
    """The alert of a rule about a subject that is not closed, locked."""
    rule_id, subject = place
    same = (
        getattr(Alert, name).is_not_distinct_from(value) for name, value in subject.columns.items()
    )
    query = select(Alert).where(Alert.rule_id == rule_id, *same, Alert.status != "closed")
    return await session.scalar(query.with_for_update())


def close(alert: Alert, now: datetime, actor: str | None = None) -> None:
    """Close an alert; what is told of it, `note` adds."""
    alert.status, alert.closed_at, alert.closed_by = "closed", now, actor
    alert.row_version += 1


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
    regions = [await session.scalar(queries.region_of(alert.id))]
    if kind in ENDINGS:
        # Who was told of it where its station was before hears of its end.
        given = {"id": alert.station_id, "since": alert.opened_at}
        regions += await session.scalars(_FORMERLY, given)
    await add_notices(session, alert, event, regions)
    await announce_alert(session, alert, event, regions)

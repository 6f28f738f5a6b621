"""Who is to be told of what happens to alerts, and when: notices, and the mails made of them.

Notices are written in the transaction of the event. Those that are due are made into one mail for
each person, in one transaction with its delivery: each event is told a person once.
"""

from collections.abc import Sequence
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import delete, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.alerts.queries import read_alerts, subject_name
from shanhai.db.deliveries.outbox import enqueue
from shanhai.db.tables.alert import Alert, AlertEvent, AlertNotice, AlertRule, Subscription
from shanhai.monitoring.quiet_hours import QuietHours, next_time
from shanhai.monitoring.thresholds import measure_unit
from shanhai.vocabulary import ALERT_EVENTS, WARNING_LEVELS, Lang, label_in

BEGINNINGS = frozenset({"opened", "raised"})
ENDINGS = frozenset({"recovered", "closed", "rule_changed", "rule_expired", "subject_gone"})
MOST_MAILS = 50
"""People who are told in one transaction."""
MOST_TOLD = 200
"""Events a mail lists; of more it says the number."""
_TOLD = text("""
  WITH RECURSIVE of_alert AS (
    SELECT a.rule_id, coalesce(t.region_id, a.target_region_id, c.region_id) AS region_id
      FROM alert a
      LEFT JOIN station t ON t.id = a.station_id
      LEFT JOIN lead_case c ON c.id = a.case_id
     WHERE a.id = :alert
  ), above (id) AS (
    SELECT region_id FROM of_alert WHERE region_id IS NOT NULL UNION
    SELECT g.parent_id FROM region g JOIN above ON g.id = above.id WHERE g.parent_id IS NOT NULL
  )
  SELECT s.id, s.digest_at, s.time_zone
    FROM subscription s CROSS JOIN of_alert a
   WHERE s.enabled AND s.deleted_at IS NULL AND s.unsubscribed_at IS NULL
     AND CAST(:level AS text) = ANY (s.levels) AND (s.endings OR :begins)
     AND (s.rules IS NULL OR a.rule_id = ANY (s.rules))
     AND (s.region_id IS NULL OR s.region_id IN (SELECT id FROM above))
   ORDER BY s.id
""")


async def held_until(session: AsyncSession, alert: Alert, event: AlertEvent) -> datetime | None:
    """Until when the quiet hours of its rule hold back what happened to an alert; None: not."""
    quiet = await session.scalar(select(AlertRule.quiet).where(AlertRule.id == alert.rule_id))
    return None if quiet is None else QuietHours.of(quiet).held_until(event.at, event.level)


async def add_notices(session: AsyncSession, alert: Alert, event: AlertEvent) -> None:
    """Note who is to be told of what happened to an alert, and from when on."""
    if event.kind not in BEGINNINGS | ENDINGS:
        return
    given = {"alert": alert.id, "level": event.level, "begins": event.kind in BEGINNINGS}
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


async def send_notices(session: AsyncSession, now: datetime) -> int:
    """Make mails of the notices that are due; how many. The caller commits."""
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
    alerts = await read_alerts(session, {event.alert_id for event in events})
    return [_described(event, alerts[event.alert_id], lang) for event in events]


def _described(event: AlertEvent, row: Any, lang: Lang) -> dict[str, Any]:
    alert: Alert = row[0]
    return {
        "at": event.at.isoformat(),
        "event": event.kind,
        "event_name": label_in(ALERT_EVENTS, event.kind, lang),
        "level": event.level,
        "level_name": label_in(WARNING_LEVELS, event.level, lang),
        "color": next(term.color for term in WARNING_LEVELS if term.code == event.level),
        "alert": alert.id,
        "rule": row.rule_zh if lang == "zh" else row.rule_en,
        "subject": subject_name(row, lang),
        "measure": alert.measure if event.measure is None else event.measure,
        "unit": measure_unit(row.kind, row.unit),
        "note": event.note,
        "href": f"/alerts/{alert.id}",
    }

"""What the evaluation does to alerts."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.tables import Alert, AlertEvent, AlertWatch
from shanhai.monitoring.alerting import Turn, Watch

Place = tuple[int, int]
"""A rule and a station, by their ids."""


async def keep_watch(session: AsyncSession, place: Place, watch: Watch) -> None:
    """Note where a rule stands at a station."""
    state = {
        "seen_to": watch.seen_to,
        "since": {level: begun.isoformat() for level, begun in watch.since.items()},
        "level": watch.level,
    }
    rule_id, station_id = place
    await session.execute(
        insert(AlertWatch)
        .values(rule_id=rule_id, station_id=station_id, **state)
        .on_conflict_do_update(index_elements=["rule_id", "station_id"], set_=state)
    )


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

"""Alerts as they are read, acknowledged and closed by people."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Row, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.alerts.evaluating import take_evaluation_lock
from shanhai.db.alerts.rules import SCOPES
from shanhai.db.alerts.turning import end, note
from shanhai.db.features.rights import demand_role, demand_scopes
from shanhai.db.identity import Identity
from shanhai.db.queries.audit import Act, record
from shanhai.db.tables import Alert, AlertEvent, AlertRule, ObservedProperty, Station
from shanhai.errors import Conflict, NotFound, Stale
from shanhai.vocabulary import Role

Answer = Literal["acknowledge", "close"]
ANSWERERS = frozenset({Role.PLANNER, Role.SUPERVISOR, Role.APPROVER})
_ALERTS: Any = (
    select(
        Alert,
        AlertRule.code.label("rule"),
        AlertRule.name_zh.label("rule_zh"),
        AlertRule.name_en.label("rule_en"),
        AlertRule.kind.label("kind"),
        Station.code.label("station"),
        Station.name_zh.label("station_zh"),
        Station.name_en.label("station_en"),
        ObservedProperty.code.label("property"),
        ObservedProperty.unit.label("unit"),
    )
    .join(AlertRule, AlertRule.id == Alert.rule_id)
    .join(Station, Station.id == Alert.station_id)
    .outerjoin(ObservedProperty, ObservedProperty.id == AlertRule.property_id)
    .order_by(Alert.id.desc())
)
_COLUMNS = {
    "status": Alert.status,
    "level": Alert.level,
    "rule": AlertRule.code,
    "station": Station.code,
}


async def list_alerts(
    session: AsyncSession, equal: Mapping[str, str], *, limit: int, before: int | None = None
) -> Sequence[Row[Any]]:
    """Alerts, the newest first, with the names of their rules, stations and properties.

    Args:
        equal: What they are, of `status`, `level`, `rule` and `station`.
        before: Only alerts older than the one of this id.
    """
    query = _ALERTS.limit(limit)
    for name, value in equal.items():
        query = query.where(_COLUMNS[name] == value)
    if before is not None:
        query = query.where(Alert.id < before)
    found: Sequence[Row[Any]] = (await session.execute(query)).all()
    return found


async def find_alert(session: AsyncSession, alert_id: int) -> Row[Any]:
    """An alert, as `list_alerts` tells it.

    Raises:
        NotFound: there is none.
    """
    query = _ALERTS.where(Alert.id == alert_id)
    found: Row[Any] | None = (await session.execute(query)).first()
    if found is None:
        raise _unknown(alert_id)
    return found


async def list_events(session: AsyncSession, alert_id: int) -> Sequence[AlertEvent]:
    """What happened to an alert, in order."""
    query = select(AlertEvent).where(AlertEvent.alert_id == alert_id).order_by(AlertEvent.id)
    return (await session.scalars(query)).all()


async def newest_event(session: AsyncSession) -> int:
    """The number of the newest event; 0 for none."""
    return await session.scalar(select(func.max(AlertEvent.id))) or 0


async def events_after(
    session: AsyncSession, number: int, *, limit: int
) -> list[tuple[AlertEvent, Row[Any]]]:
    """Events after one, in the order they happened, each with its alert as that is now."""
    query = select(AlertEvent).where(AlertEvent.id > number).order_by(AlertEvent.id).limit(limit)
    events = (await session.scalars(query)).all()
    if not events:
        return []
    rows = await session.execute(_ALERTS.where(Alert.id.in_({one.alert_id for one in events})))
    alerts = {row[0].id: row for row in rows}
    return [(event, alerts[event.alert_id]) for event in events]


async def answer_alert(
    session: AsyncSession,
    alert_id: int,
    answer: Answer,
    text: str,
    *,
    identity: Identity,
    act: Act,
    expected: frozenset[str] | None = None,
) -> None:
    """Acknowledge or close an alert, with a note.

    One closed by hand is not opened again before things have recovered, or got worse.

    Args:
        expected: The states, one of which it must be in; None for any.

    Raises:
        NotFound: there is none.
        Unauthenticated, Forbidden: the identity may not answer alerts of the station's region.
        Stale: it is in none of the states expected.
        Conflict: it is acknowledged or closed already.
    """
    demand_scopes(identity, SCOPES)
    await take_evaluation_lock(session)
    alert = await session.scalar(select(Alert).where(Alert.id == alert_id).with_for_update())
    if alert is None:
        raise _unknown(alert_id)
    region_id = await session.scalar(
        select(Station.region_id).where(Station.id == alert.station_id)
    )
    demand_role(identity, ANSWERERS, region_id)
    _demand_answerable(alert, answer, expected)
    now: datetime = (await session.execute(select(func.clock_timestamp()))).scalar_one()
    before = {"status": alert.status}
    if answer == "close":
        end(session, alert, "closed", now=now, actor=act.actor, text=text)
    else:
        alert.status, alert.acknowledged_at, alert.acknowledged_by = "acknowledged", now, act.actor
        alert.row_version += 1
        note(session, alert, "acknowledged", now=now, actor=act.actor, text=text)
    after = {"status": alert.status, "note": text}
    record(session, act, answer, table="alert", object_id=str(alert_id), before=before, after=after)
    await session.flush()


def _demand_answerable(alert: Alert, answer: Answer, expected: frozenset[str] | None) -> None:
    if expected is not None and str(alert.row_version) not in expected:
        raise Stale(
            f"alert {alert.id} has changed since it was read; read it again",
            message_zh=f"预警 {alert.id} 在读取之后已有变化，请重新读取",
        )
    if alert.status == "closed" or (answer == "acknowledge" and alert.status == "acknowledged"):
        raise Conflict(
            f"alert {alert.id} is {alert.status} already",
            message_zh=f"预警 {alert.id} 已处理：{alert.status}",
        )


def _unknown(alert_id: int) -> NotFound:
    return NotFound(f"there is no alert {alert_id}", message_zh=f"没有预警 {alert_id}")

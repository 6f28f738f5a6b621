"""What people do with alerts: they acknowledge and close them."""

from datetime import datetime
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.alerts.observation_evaluation import take_evaluation_lock
from shanhai.db.alerts.queries import REGION_ID, find_alert, unknown
from shanhai.db.alerts.rules import SCOPES
from shanhai.db.alerts.transitions import end, note
from shanhai.db.features.permissions import demand_role, demand_scopes
from shanhai.db.identity import Identity
from shanhai.db.queries.audit import Act, record
from shanhai.db.tables.alert import Alert
from shanhai.db.tables.control import LeadCase
from shanhai.db.tables.station import Station
from shanhai.errors import Conflict, Stale
from shanhai.vocabulary import Role

Answer = Literal["acknowledge", "close"]
ANSWERERS = frozenset({Role.PLANNER, Role.SUPERVISOR, Role.APPROVER})


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
        Unauthenticated, Forbidden: the identity may not answer alerts of its region.
        Stale: it is in none of the states expected.
        Conflict: it is acknowledged or closed already.
    """
    demand_scopes(identity, SCOPES)
    await take_evaluation_lock(session)
    await find_alert(session, identity.viewer, alert_id)
    alert = await session.scalar(select(Alert).where(Alert.id == alert_id).with_for_update())
    if alert is None:
        raise unknown(alert_id)
    region_id = await session.scalar(
        select(REGION_ID)
        .select_from(Alert)
        .outerjoin(Station, Station.id == Alert.station_id)
        .outerjoin(LeadCase, LeadCase.id == Alert.case_id)
        .where(Alert.id == alert_id)
    )
    demand_role(identity, ANSWERERS, region_id)
    _demand_answerable(alert, answer, expected)
    now: datetime = (await session.execute(select(func.clock_timestamp()))).scalar_one()
    before = {"status": alert.status}
    if answer == "close":
        await end(session, alert, "closed", now=now, actor=act.actor, text=text)
    else:
        alert.status, alert.acknowledged_at, alert.acknowledged_by = "acknowledged", now, act.actor
        alert.row_version += 1
        await note(session, alert, "acknowledged", now=now, actor=act.actor, text=text)
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

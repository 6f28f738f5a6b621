"""Webhooks that are told of what happens to alerts."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.alerts.noticing import ENDINGS, held_until
from shanhai.db.alerts.reading import REGION_ID, list_events, read_alerts
from shanhai.db.alerts.telling import describe_alert, describe_events
from shanhai.db.deliveries.events import announce, find_listening
from shanhai.db.deliveries.links import HostlessLinks
from shanhai.db.tables import Alert, AlertEvent, LeadCase, Station
from shanhai.vocabulary import Lang

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

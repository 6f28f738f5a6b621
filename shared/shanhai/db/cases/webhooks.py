"""Webhooks that are told of the steps of cases."""

from typing import Any
from urllib.parse import quote

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.deliveries.events import HostlessLinks, announce, find_listening
from shanhai.db.tables.control import CaseEvent, LeadCase
from shanhai.db.tables.zone import Region
from shanhai.timestamps import rfc3339
from shanhai.vocabulary import CASE_RESULTS, CASE_STATES, LEAD_KINDS, Lang, label_in

PLAIN = ("code", "state", "result", "kind", "source", "external_id", "confidence", "assignee")


async def announce_case(session: AsyncSession, event: CaseEvent) -> None:
    """Write a step of a case, its opening included, for the webhooks that want to know."""
    event_type = "case.opened" if event.to_state == "new" else f"case.{event.to_state}"
    place = select(LeadCase.region_id).where(LeadCase.id == event.case_id)
    listening = await find_listening(session, event_type, await session.scalar(place))
    if not listening:
        return
    query = (
        select(LeadCase, Region.code)
        .outerjoin(Region, Region.id == LeadCase.region_id)
        .where(LeadCase.id == event.case_id)
        # What was written beside the session counts, too.
        .execution_options(populate_existing=True)
    )
    row, region = (await session.execute(query)).one()
    await session.refresh(event)  # its time is the database's

    def tell(lang: Lang) -> dict[str, Any]:
        return describe_case(row, region, event, lang)

    await announce(session, listening, event_type, tell, at=event.at)


def describe_case(
    row: LeadCase, region: str | None, event: CaseEvent, lang: Lang
) -> dict[str, Any]:
    """A case and the step it has just taken; its geometry is read by its link."""
    path = f"/cases/{quote(row.code, safe='')}"
    return {
        **{name: getattr(row, name) for name in PLAIN},
        "state_name": label_in(CASE_STATES, row.state, lang),
        "kind_name": label_in(LEAD_KINDS, row.kind, lang),
        "result_name": None if row.result is None else label_in(CASE_RESULTS, row.result, lang),
        "region": region,
        "due": None if row.due_on is None else row.due_on.isoformat(),
        "sensed_before": row.sensed_before.isoformat(),
        "sensed_after": row.sensed_after.isoformat(),
        "area_ha": None if row.area_m2 is None else round(row.area_m2 / 1e4, 4),
        "inside_ha": round(row.inside_m2 / 1e4, 4),
        "step": {
            "seq": event.seq,
            "from": event.from_state,
            "to": event.to_state,
            "at": rfc3339(event.at),
            "actor": event.actor,
            "note": event.note,
            "documents": list(event.documents),
        },
        "links": [HostlessLinks(lang).link(path, "self")],
    }

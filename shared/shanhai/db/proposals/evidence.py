"""What a proposal is founded on: checked to be there for who proposes."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.alerts.reading import find_alert
from shanhai.db.bulletins.reading import find_bulletin
from shanhai.db.cases.reading import find_case
from shanhai.db.identity import Identity
from shanhai.db.queries.job_reading import JobFilter, conditions
from shanhai.db.tables import EvaluationSnapshot, IndicatorValue, Job
from shanhai.errors import Fault, InvalidInput, NotFound


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing: its kind, and its number or code."""

    kind: str
    object: str


async def demand_evidence(
    session: AsyncSession, identity: Identity, items: Sequence[Evidence]
) -> None:
    """Refuse evidence that is not there, or not to be known of.

    Raises:
        InvalidInput: with one fault for each.
    """
    faults = []
    for place, item in enumerate(items):
        if items.index(item) < place:
            faults.append(Fault(f"/evidence/{place}", "is named twice", "重复列出"))
        elif not await _is_there(session, identity, item):
            faults.append(
                Fault(
                    f"/evidence/{place}/{item.kind}",
                    f"there is no {item.kind} {item.object!r}",
                    f"没有 {item.kind} {item.object!r}",
                )
            )
    if faults:
        raise InvalidInput(
            "; ".join(f"{fault.pointer}: {fault.detail}" for fault in faults),
            message_zh="；".join(f"{fault.pointer}：{fault.detail_zh}" for fault in faults),
            faults=faults,
        )


async def _is_there(session: AsyncSession, identity: Identity, item: Evidence) -> bool:
    if "\x00" in item.object:
        return False
    try:
        match item.kind:
            case "alert":
                await find_alert(session, identity.viewer, int(item.object))
            case "case":
                await find_case(session, item.object, identity.viewer)
            case "bulletin":
                await find_bulletin(session, item.object, identity.viewer)
            case "job":
                met = [Job.id == UUID(item.object), *conditions(JobFilter(reader=identity))]
                return await session.scalar(select(1).where(*met)) is not None
            case "value":
                query = select(1).where(IndicatorValue.id == int(item.object))
                return await session.scalar(query) is not None
            case _:
                query = select(1).where(EvaluationSnapshot.code == item.object)
                return await session.scalar(query) is not None
    except NotFound:
        return False
    return True

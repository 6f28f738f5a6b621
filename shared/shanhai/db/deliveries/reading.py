"""What was and is to be delivered, as those see it who have to do with its target."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from shanhai.db.deliveries.outbox import DeliveryKind
from shanhai.db.tables import Delivery
from shanhai.errors import NotFound


async def list_deliveries(
    session: AsyncSession,
    kind: DeliveryKind,
    target: str,
    *,
    limit: int,
    status: str | None = None,
    before: UUID | None = None,
) -> Sequence[Delivery]:
    """Deliveries to a target, the newest first.

    Args:
        session: Where they are read.
        kind: How they are sent.
        target: Whom to.
        limit: At most so many.
        status: Only those in this state.
        before: Only those older than this one.
    """
    query = (
        select(Delivery)
        .where(Delivery.kind == kind, Delivery.target == target)
        .order_by(Delivery.created_at.desc(), Delivery.id.desc())
        .limit(limit)
    )
    if status is not None:
        query = query.where(Delivery.status == status)
    if before is not None:
        last = aliased(Delivery)
        place = select(last.created_at, last.id).where(last.id == before).subquery()
        query = query.where(
            tuple_(Delivery.created_at, Delivery.id) < tuple_(place.c.created_at, place.c.id)
        )
    return (await session.scalars(query)).all()


async def find_delivery(
    session: AsyncSession, kind: DeliveryKind, target: str, delivery_id: UUID, *, lock: bool = False
) -> Delivery:
    """A delivery to a target.

    Raises:
        NotFound: there is none of this id.
    """
    query = select(Delivery).where(
        Delivery.id == delivery_id, Delivery.kind == kind, Delivery.target == target
    )
    found = await session.scalar(query.with_for_update() if lock else query)
    if found is None:
        raise NotFound(
            f"there is no delivery {delivery_id}", message_zh=f"没有投递记录 {delivery_id}"
        )
    return found


async def send_again(
    session: AsyncSession, kind: DeliveryKind, target: str, delivery_id: UUID
) -> Delivery:
    """Have a delivery sent at once, under its own id: again where it has ended.

    Raises:
        NotFound: there is none of this id.
    """
    row = await find_delivery(session, kind, target, delivery_id, lock=True)
    row.due_at = (await session.execute(select(func.now()))).scalar_one()
    if row.status != "waiting":
        row.status, row.attempt, row.finished_at = "waiting", 0, None
    await session.flush()
    return row

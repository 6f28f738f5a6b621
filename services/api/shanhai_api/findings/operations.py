"""Run the checks of a plan on request."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.plans import PLANS
from shanhai.db.features.permissions import demand_role, editing_of
from shanhai.db.features.selection import Selection
from shanhai.db.quality.findings import check_and_keep
from shanhai.db.queries.audit import record
from shanhai.db.tables.plan import Plan
from shanhai_api.features.operations import read_item
from shanhai_api.findings.models import PlanChecked
from shanhai_api.kit.writing import WriteContext


async def check_again(write: WriteContext, plan: str) -> PlanChecked:
    """Check a plan, by someone who may write it.

    Raises:
        NotFound: there is no such plan, or none the caller may know of.
        Unauthenticated: no identity was given.
        Forbidden: the identity may not write plans, or not this one.
    """
    session, caller = write.session, write.caller
    editing = editing_of(PLANS, caller, "update")
    row = await read_item(session, PLANS, Selection(caller.viewer, code=plan))
    own, *others = await _regions(session, row.key)
    if not any(caller.acts_as(editing.roles, region) for region in others):
        demand_role(caller, editing.roles, own)
    checked = await check_and_keep(session, row.key)
    after = {"found": checked.found, "changed": checked.changed}
    record(session, write.act, "check", table="plan", object_id=plan, after=after)
    return PlanChecked(plan=plan, **after)


async def _regions(session: AsyncSession, plan_id: int) -> list[int | None]:
    """The region of a plan, and those that make it together."""
    query = select(Plan.region_id, Plan.region_ids).where(Plan.id == plan_id)
    row = (await session.execute(query)).one()
    return [row.region_id, *row.region_ids]

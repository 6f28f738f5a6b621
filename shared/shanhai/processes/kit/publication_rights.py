"""Jobs that show what they make to everybody: it takes the right of an approver, asked for twice.

Once when the job is asked for, and again when it publishes, as the rights are by then.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.features.rights import (
    PUBLISH_SCOPES,
    PUBLISHERS,
    demand_role,
    demand_scopes,
)
from shanhai.db.identity import Identity
from shanhai.db.queries.job_inputs import find_plan, find_region
from shanhai.db.tables import ZoneScheme
from shanhai.errors import Conflict, Fault, Forbidden
from shanhai.processes.assess_ecoservices.contract import ASSESS_ECOSERVICES
from shanhai.processes.build_network.contract import BUILD_NETWORK
from shanhai.processes.delineate_zones.contract import DELINEATE_ZONES
from shanhai.processes.evaluate_ecosystem.contract import EVALUATE_ECOSYSTEM
from shanhai.processes.import_dataset.contract import IMPORT_DATASET
from shanhai.processes.kit.task import Task
from shanhai.processes.run_scenario.contract import RUN_SCENARIO
from shanhai.processes.select_sites.contract import SELECT_SITES
from shanhai.vocabulary import SUPPLY_DEMAND, Label

WISHES: Mapping[str, str] = {
    IMPORT_DATASET.id: "public",
    ASSESS_ECOSERVICES.id: "public",
    EVALUATE_ECOSYSTEM.id: "publish",
    DELINEATE_ZONES.id: "publish",
    BUILD_NETWORK.id: "publish",
    RUN_SCENARIO.id: "publish",
    SELECT_SITES.id: "publish",
}
"""By process, the input that asks to show what is made to everybody."""


def wishes_to_publish(process: str, inputs: Mapping[str, Any]) -> bool:
    """Whether a job shall show what it makes to everybody."""
    wish = WISHES.get(process)
    return wish is not None and bool(inputs.get(wish))


def kept_back(task: Task) -> Task:
    """The task as if nothing had been asked to be shown: what it makes stays a draft."""
    return task.model_copy(update={"inputs": {**task.inputs, WISHES[task.process]: False}})


async def demand_right(
    session: AsyncSession, process: str, inputs: Mapping[str, Any], identity: Identity
) -> None:
    """Refuse the wish to publish of whoever is no approver of the region.

    Raises:
        Unauthenticated, Forbidden: So it is.
    """
    if not wishes_to_publish(process, inputs):
        return
    demand_scopes(identity, PUBLISH_SCOPES)
    region = await find_region(session, inputs["region"])
    pointer = f"/inputs/{WISHES[process]}"
    try:
        demand_role(identity, PUBLISHERS, None if region is None else region.id)
    except Forbidden as error:
        raise Forbidden(
            f"{pointer}: {error.message}; without it the result is a draft, which an approver"
            " may publish",
            message_zh=f"{pointer}：{error.message_zh}；不发布时结果为草案，可由审批者发布",
        ) from error


async def demand_publishable(session: AsyncSession, task: Task, identity: Identity) -> None:
    """Refuse a job that wishes to publish what may not be published.

    Raises:
        Unauthenticated, Forbidden: Who asks is no approver of the region.
        Conflict: A version of the zoning is approved and waits to be published, or its joint plan
            is still worked on.
    """
    await demand_right(session, task.process, task.inputs, identity)
    if task.process != DELINEATE_ZONES.id or not task.inputs["publish"]:
        return
    await _demand_no_joint_draft(session, task.plan)
    region = await find_region(session, task.inputs["region"])
    if region is not None:
        await _demand_no_waiting(session, region.id, "/inputs/publish")


async def _demand_no_joint_draft(session: AsyncSession, code: str | None) -> None:
    """Refuse to put in force what belongs to a joint plan its regions have not approved yet."""
    plan = None if code is None else await find_plan(session, code)
    if plan is None or not plan.region_ids or plan.status not in {"draft", "submitted"}:
        return
    told = Label(
        f"联合规划 {plan.code!r} 的状态为 {plan.status}，须先获批准",
        f"the joint plan {plan.code!r} is {plan.status}; it must be approved first",
    )
    pointer = "/inputs/publish"
    raise Conflict(told.en, message_zh=told.zh, faults=[Fault(pointer, told.en, told.zh)])


async def _demand_no_waiting(session: AsyncSession, region_id: int, pointer: str) -> None:
    """Refuse to overtake a version of the zoning that is approved and not published yet."""
    waiting = await session.scalar(
        select(ZoneScheme)
        .where(
            ZoneScheme.region_id == region_id,
            ZoneScheme.kind == SUPPLY_DEMAND,
            ZoneScheme.status == "approved",
            ZoneScheme.deleted_at.is_(None),
        )
        .order_by(ZoneScheme.version.desc())
        .limit(1)
    )
    if waiting is None:
        return
    told = Label(
        f"{waiting.code!r} 第 {waiting.version} 版已批准、待发布，请先发布或退回该版本",
        f"version {waiting.version} of {waiting.code!r} is approved and waits; publish it or send"
        " it back first",
    )
    raise Conflict(told.en, message_zh=told.zh, faults=[Fault(pointer, told.en, told.zh)])

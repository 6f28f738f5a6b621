"""The task of a zoning: datasets, units, and the control areas it is held to or compared with."""

from collections.abc import Sequence

from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.identity import Identity
from shanhai.db.queries.jobs import find_plan, find_region
from shanhai.db.tables.zone import ZoneScheme
from shanhai.errors import Conflict, InvalidInput
from shanhai.processes.assess_ecoservices.resolve import (
    assessment_needs,
    resolve_assessment,
    with_reference,
)
from shanhai.processes.delineate_zones.contract import DELINEATE_ZONES, DelineateZonesInputs
from shanhai.processes.kit.lookups import find_units
from shanhai.processes.kit.resolution import (
    MOST_VERTICES,
    ControlAreaQuery,
    Resolution,
    with_control_areas,
)
from shanhai.processes.kit.task import LINE_KINDS, OVERLAYS, RESERVE, Task
from shanhai.vocabulary import SUPPLY_DEMAND, Label


async def resolve(
    session: AsyncSession, inputs: DelineateZonesInputs, *, requested_by: str
) -> Task:
    """The region, the datasets, and the regions that are the units."""
    task = await resolve_assessment(DELINEATE_ZONES, session, inputs)
    units = await find_units(session, inputs.region, inputs.parameters.unit_regions)
    return task.model_copy(update={"seed": inputs.seed, "units": units})


async def complete(session: AsyncSession, task: Task, identity: Identity | None) -> Task:
    """The task with its control areas, and the run whose numbers it takes over.

    Raises:
        InvalidInput: The overlay that was asked for has no red line, or one too large; or there is
            no such run to compare with.
    """
    inputs = DelineateZonesInputs.model_validate(task.inputs)
    wanted = ControlAreaQuery((*LINE_KINDS, RESERVE), inputs.publish, whole_reserves=False)
    task = await with_control_areas(session, task, identity, wanted)
    kinds = {*(area.kind for area in task.areas), *task.areas_left_out}
    _judge_overlay(inputs, inputs.region, task.areas_left_out, found="red_line" in kinds)
    return await with_reference(session, task, inputs, identity)


async def demand_free(session: AsyncSession, task: Task, identity: Identity) -> None:
    """Refuse a zoning that would be put in force over what may not be overtaken.

    Raises:
        Conflict: A version of the zoning is approved and waits to be published, or its joint plan
            is still worked on.
    """
    await _demand_no_joint_draft(session, task.plan)
    region = await find_region(session, task.inputs["region"])
    if region is not None:
        await _demand_no_waiting(session, region.id, "/inputs/publish")


async def _demand_no_joint_draft(session: AsyncSession, code: str | None) -> None:
    """Refuse to put in force what belongs to a joint plan its regions have not approved yet."""
    plan = None if code is None else await find_plan(session, code)
    if plan is None or not plan.region_ids or plan.status not in {"draft", "submitted"}:
        return
    raise Conflict(
        f"the joint plan {plan.code!r} is {plan.status}; it must be approved first",
        message_zh=f"联合规划 {plan.code!r} 的状态为 {plan.status}，须先获批准",
        pointer="/inputs/publish",
    )


async def _demand_no_waiting(session: AsyncSession, region_id: int, pointer: str) -> None:
    """Refuse to overtake a version that is approved and not published yet, or not yet in force."""
    waiting = await session.scalar(
        select(ZoneScheme)
        .where(
            ZoneScheme.region_id == region_id,
            ZoneScheme.kind == SUPPLY_DEMAND,
            or_(
                ZoneScheme.status == "approved",
                and_(ZoneScheme.status == "published", ZoneScheme.valid_from > func.current_date()),
            ),
            ZoneScheme.deleted_at.is_(None),
        )
        .order_by(ZoneScheme.version.desc())
        .limit(1)
    )
    if waiting is None:
        return
    named = f"{waiting.code!r} 第 {waiting.version} 版"
    of = f"version {waiting.version} of {waiting.code!r}"
    if waiting.status == "approved":
        told = Label(
            f"{named}已批准、待发布，请先发布或退回该版本",
            f"{of} is approved and waits; publish it or send it back first",
        )
    else:
        told = Label(
            f"{named}自 {waiting.valid_from} 起生效；请先生成草案，再指定生效日期发布",
            f"{of} is published from {waiting.valid_from} on; make a draft, and publish that from a"
            " day of its own",
        )
    raise Conflict(told.en, message_zh=told.zh, pointer=pointer)


def _judge_overlay(
    inputs: DelineateZonesInputs, region: str, left_out: Sequence[str], *, found: bool
) -> None:
    """Refuse an overlay that would do nothing, or not all it should."""
    if inputs.parameters.overlays == "none":
        return
    large = sorted({"red_line", RESERVE} & set(left_out))
    if large:
        raise InvalidInput(
            f"{', '.join(large)} of region {region!r} have more than {MOST_VERTICES} vertices, too "
            "many for an overlay; simplify them",
            message_zh=f"区域 {region!r} 的 {'、'.join(large)} 顶点超过 {MOST_VERTICES} 个，"
            "无法叠加，请先化简",
            pointer=OVERLAYS,
        )
    if not found:
        whose = "that everyone may see" if inputs.publish else "that you may see"
        raise InvalidInput(
            f"overlays is red_line, but region {region!r} has no published red line in force "
            f"{whose}",
            message_zh=f"overlays 为 red_line，但区域 {region!r} 没有现行且可见的生态保护红线",
            pointer=OVERLAYS,
        )


RESOLUTION = Resolution(
    DELINEATE_ZONES, resolve, complete=complete, obstacles=demand_free, needs=assessment_needs
)

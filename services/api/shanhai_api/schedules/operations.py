"""What can be done with schedules."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.queries.audit import Act
from shanhai.db.tables import Schedule
from shanhai.errors import Conflict, InvalidInput, Unauthenticated
from shanhai.jobs import schedules
from shanhai.jobs.contracts import CONTRACTS
from shanhai.jobs.line import demand_priority
from shanhai_api.identity import Caller
from shanhai_api.kit.body import parse
from shanhai_api.once import Made
from shanhai_api.schedules.schemas import (
    NewSchedule,
    ScheduleContents,
    describe_run,
    describe_schedule,
)
from shanhai_api.state import State
from shanhai_api.view import View, entity_tag


async def make_schedule(
    session: AsyncSession,
    new: NewSchedule,
    *,
    state: State,
    authorization: str,
    caller: Caller,
    view: View,
    act: Act,
) -> Made:
    """Make a schedule."""
    row = await schedules.create_schedule(
        session,
        {**contents_of(new, caller), "code": new.code},
        identity=caller,
        groups=await recallable_groups(state, authorization, caller),
        act=act,
    )
    made = told_schedule(row, view, 201)
    location = f"{view.base}/schedules/{row.code}"
    return Made(made.content, {**made.headers, "Location": location}, 201)


def told_schedule(row: Schedule, view: View, status: int = 200) -> Made:
    """A schedule as a change has left it."""
    content = describe_schedule(row, view)
    tag = entity_tag(str(row.row_version), orjson.dumps(content))
    return Made(content, {"ETag": f'"{tag}"'}, status)


async def about(
    session: AsyncSession, found: Sequence[Schedule], view: View
) -> dict[str, dict[str, Any]]:
    """What pages show of schedules beside their documents, by code."""
    now, last = datetime.now(UTC), await schedules.list_last_runs(session, found)
    shown = {}
    for row in found:
        run, contract = last.get(row.id), CONTRACTS.get(row.process)
        shown[row.code] = {
            "state": schedules.attendance_of(row, now),
            "title": row.process if contract is None else contract.title.in_(view.lang),
            "last": None if run is None else describe_run(run, view, view.lang),
        }
    return shown


def contents_of(asked: ScheduleContents, caller: Caller) -> dict[str, Any]:
    """What is kept of a schedule.

    Raises:
        InvalidInput: there is no such process, or the inputs are not its.
        Forbidden: the caller may not pass before others.
    """
    contract = CONTRACTS.get(asked.process)
    if contract is None:
        raise InvalidInput(
            f"there is no process {asked.process!r}; processes: {', '.join(CONTRACTS)}",
            message_zh=f"没有处理流程 {asked.process!r}；现有：{', '.join(CONTRACTS)}",
            pointer="/process",
        )
    inputs = parse(contract.inputs, asked.inputs, under="/inputs")
    kept = asked.model_dump(exclude={"code"})
    return {
        **kept,
        "inputs": inputs.model_dump(mode="json", exclude_unset=True),
        "priority": demand_priority(caller, asked.priority),
    }


async def recallable_groups(state: State, authorization: str, caller: Caller) -> list[str]:
    """The groups the caller's issuer named, to be held against its roles when the time comes.

    Raises:
        Conflict: the caller cannot be recalled without a request, as a key bound to networks.
    """
    groups, _ = await state.authenticator.shown(authorization)
    try:
        await state.authenticator.recall(caller.owner, None, groups=groups)
    except Unauthenticated as error:
        raise Conflict(
            "jobs cannot be asked for in the name of this identity later; use an account, or a key"
            " that is not bound to networks",
            message_zh="无法在以后以该身份提交作业；请使用账户，或未限定网络的密钥",
        ) from error
    return sorted(groups)

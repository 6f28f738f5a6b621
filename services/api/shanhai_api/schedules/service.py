"""What can be done with schedules."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from shanhai.db.tables import job as tables
from shanhai.errors import Conflict, InvalidInput, Unauthenticated
from shanhai.jobs import schedules
from shanhai.jobs.fair_queue import demand_priority
from shanhai.processes.catalogue import CONTRACTS
from shanhai_api.identity import Caller
from shanhai_api.kit.answers import Answer
from shanhai_api.kit.body import parse
from shanhai_api.kit.writing import Context, WriteContext
from shanhai_api.schedules.models import NewSchedule, Schedule, ScheduleContents, ScheduleRun
from shanhai_api.view import View


def shown(row: tables.Schedule, view: View, location: str | None = None) -> Answer[Schedule]:
    """A schedule as a change has left it."""
    return Answer(Schedule.of(row, view), state=str(row.row_version), location=location)


async def create_schedule(write: WriteContext, new: NewSchedule) -> Answer[Schedule]:
    """Make a schedule."""
    row = await schedules.create_schedule(
        write.session,
        {**contents_of(new, write.caller), "code": new.code},
        identity=write.caller,
        groups=await recallable_groups(write),
        act=write.act,
    )
    return shown(row, write, location=f"/schedules/{row.code}")


async def replace_schedule(
    write: WriteContext, code: str, asked: ScheduleContents, expected: frozenset[str] | None
) -> Answer[Schedule]:
    """Replace a schedule."""
    row = await schedules.replace_schedule(
        write.session,
        code,
        contents_of(asked, write.caller),
        identity=write.caller,
        groups=await recallable_groups(write),
        act=write.act,
        expected=expected,
    )
    return shown(row, write)


async def about(read: Context, found: Sequence[tables.Schedule]) -> dict[str, dict[str, Any]]:
    """What pages show of schedules beside their documents, by code."""
    now, last = datetime.now(UTC), await schedules.list_last_runs(read.session, found)
    shown = {}
    for row in found:
        run, contract = last.get(row.id), CONTRACTS.get(row.process)
        shown[row.code] = {
            "state": schedules.attendance_of(row, now),
            "title": row.process if contract is None else contract.title.in_(read.lang),
            "last": None if run is None else ScheduleRun.of(run, read).as_json(),
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


async def recallable_groups(write: WriteContext) -> list[str]:
    """The groups the caller's issuer named, to be held against its roles when the time comes.

    Raises:
        Conflict: the caller cannot be recalled without a request, as a key bound to networks.
    """
    authenticator = write.state.authenticator
    groups, _ = await authenticator.shown(write.request.headers["authorization"])
    try:
        await authenticator.recall(write.caller.owner, None, groups=groups)
    except Unauthenticated as error:
        raise Conflict(
            "jobs cannot be asked for in the name of this identity later; use an account, or a key"
            " that is not bound to networks",
            message_zh="无法在以后以该身份提交作业；请使用账户，或未限定网络的密钥",
        ) from error
    return sorted(groups)

"""Rules of writes and publication states that several entities share."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.features.entity import Guard, Lifecycle, PendingWrite, Step
from shanhai.errors import Fault, InvalidInput
from shanhai.vocabulary import Label, Role

_APPROVER = frozenset({Role.APPROVER})
_EITHER = frozenset({Role.APPROVER, Role.PLANNER})

DRAWN = Lifecycle(
    property="status",
    initial="draft",
    steps=(
        Step("draft", "published", _APPROVER),
        Step("published", "draft", _APPROVER),
        Step("published", "superseded", _EITHER),
        Step("superseded", "published", _APPROVER),
    ),
    settled=frozenset({"superseded"}),
)


def in_order(first: str, last: str, rule: Label, *, under: str = "/properties") -> Guard:
    """A guard: the member `last` is not below the member `first`."""

    async def guard(session: AsyncSession, change: PendingWrite) -> Sequence[Fault]:
        after = change.after or {}
        start, end = after.get(first), after.get(last)
        if start is not None and end is not None and str(end) < str(start):
            raise refused(f"{under}/{last}", rule)
        return ()

    return guard


_PERIOD = Label("失效日期不得早于生效日期", "valid_to must not be before valid_from")
PERIOD = in_order("valid_from", "valid_to", _PERIOD)
RECORD_PERIOD = in_order("valid_from", "valid_to", _PERIOD, under="")


async def computed_by_jobs(session: AsyncSession, change: PendingWrite) -> Sequence[Fault]:
    """Only a job makes an object that counts as computed."""
    now, then = (change.after or {}).get("origin"), (change.before or {}).get("origin")
    if now == "computed" and then != "computed":
        raise refused(
            "/properties/origin",
            Label(
                "仅作业可生成 `computed` 对象；请填 `drawn` 或 `imported`",
                "only jobs make what is computed; say `drawn` or `imported`",
            ),
        )
    return ()


def no_circle(table: str, column: str, member: str, *, under: str = "/properties") -> Guard:
    """A guard: going up from row to row along `column` never comes back to the same row."""
    # Constants of the declarations; callers' values are bound.
    query = text(
        f"WITH RECURSIVE above AS (SELECT id, {column} FROM {table}"  # noqa: S608
        " WHERE code = :code AND deleted_at IS NULL"
        f" UNION SELECT t.id, t.{column} FROM {table} t JOIN above a ON t.id = a.{column})"
        " SELECT EXISTS (SELECT FROM above WHERE id = :row_id)"
    )

    async def guard(session: AsyncSession, change: PendingWrite) -> Sequence[Fault]:
        upper = (change.after or {}).get(member)
        if upper is None or change.row_id is None:
            return ()
        if not await session.scalar(query, {"code": upper, "row_id": change.row_id}):
            return ()
        return (
            Fault(
                f"{under}/{member}",
                f"{upper!r} lies below this one, or is the same",
                f"{upper!r} 位于其下，或为其自身",
            ),
        )

    return guard


def became(change: PendingWrite, member: str, value: str) -> bool:
    """Whether a change gives the member this value, which it had not."""
    return (change.after or {}).get(member) == value != (change.before or {}).get(member)


def refused(pointer: str, rule: Label) -> InvalidInput:
    """The refusal of a body for one member."""
    return InvalidInput(
        f"{pointer}: {rule.en}",
        message_zh=f"{pointer}：{rule.zh}",
        faults=[Fault(pointer, rule.en, rule.zh)],
    )

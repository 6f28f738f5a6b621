"""Rules of writes that several entities share, and objects in other editions of a plan."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.features.entity import TEXT, TEXTS, Guard, Lifecycle, PendingWrite, Property, Step
from shanhai.db.features.selection import viewer_values, visibility
from shanhai.db.identity import PUBLIC, Viewer
from shanhai.db.queries.audit import Act, record
from shanhai.errors import Fault, InvalidInput
from shanhai.vocabulary import Label, Role, broken_class_rule

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


def of_values(guard: Guard) -> Guard:
    """A guard of what is given, whatever the state of things: its faults are invalid input."""

    async def asked(session: AsyncSession, change: PendingWrite) -> Sequence[Fault]:
        if faults := await guard(session, change):
            raise InvalidInput.of(faults)
        return ()

    return asked


def in_order(first: str, last: str, zh: str, *, under: str = "/properties") -> Guard:
    """A guard: the member `last` is not below the member `first`; `zh` says so in Chinese."""
    rule = Label(zh, f"{last} must not be before {first}")

    async def guard(session: AsyncSession, change: PendingWrite) -> Sequence[Fault]:
        after = change.after or {}
        start, end = after.get(first), after.get(last)
        if start is not None and end is not None and str(end) < str(start):
            raise refused(f"{under}/{last}", rule)
        return ()

    return guard


def as_classified(*, under: str = "/properties") -> Guard:
    """A guard: nobody reads it whom its class of data shuts out; what has a grade is sensitive."""

    async def guard(session: AsyncSession, change: PendingWrite) -> Sequence[Fault]:
        after = change.after or {}
        broken = broken_class_rule(
            after.get("visibility"), after.get("data_class"), after.get("data_grade")
        )
        if broken is not None:
            member, rule = broken
            raise refused(f"{under}/{member}", rule)
        return ()

    return guard


AS_CLASSIFIED = as_classified()
RECORD_AS_CLASSIFIED = as_classified(under="")
_PERIOD = ("valid_from", "valid_to", "失效日期不得早于生效日期")
PERIOD, RECORD_PERIOD = in_order(*_PERIOD), in_order(*_PERIOD, under="")
_YEARS = ("start_year", "end_year", "终止年不得早于起始年")
YEARS, RECORD_YEARS = in_order(*_YEARS), in_order(*_YEARS, under="")


async def computed_by_jobs(session: AsyncSession, change: PendingWrite) -> Sequence[Fault]:
    """Only a job makes an object that counts as computed."""
    now, then = (change.after or {}).get("origin"), (change.before or {}).get("origin")
    if now == "computed" and then != "computed":
        rule = Label(
            "仅作业可生成 `computed` 对象；请填 `drawn` 或 `imported`",
            "only jobs make what is computed; say `drawn` or `imported`",
        )
        raise refused("/properties/origin", rule)
    return ()


async def unknown_documents(
    session: AsyncSession, codes: Sequence[str], viewer: Viewer
) -> Sequence[str]:
    """Which of some codes are those of no document the viewer may know of."""
    from shanhai.db.collections.programmes import DOCUMENTS

    if not codes:
        return ()
    met = " AND ".join((DOCUMENTS.live, *visibility(DOCUMENTS, viewer)))
    query = text(
        f"SELECT {DOCUMENTS.code} FROM {DOCUMENTS.source} WHERE {met}"  # noqa: S608 - constants
        f" AND {DOCUMENTS.code} = ANY(CAST(:codes AS text[]))"
    )
    found = await session.scalars(query, {"codes": [*codes], **viewer_values(viewer)})
    known = frozenset(found)
    return [code for code in codes if code not in known]


async def unknown_evidence(
    session: AsyncSession, change: PendingWrite, under: str = ""
) -> list[Fault]:
    """Documents that a write adds to `evidence` and its writer may not know of."""
    then, now = ((image or {}).get("evidence") or () for image in (change.before, change.after))
    added = [code for code in now if code not in then]
    return [
        Fault(f"{under}/evidence", f"there is no document {code!r}", f"没有文件 {code!r}")
        for code in await unknown_documents(session, added, change.viewer or PUBLIC)
    ]


async def documents_known(
    session: AsyncSession, change: PendingWrite, under: str = ""
) -> Sequence[Fault]:
    """What a write adds to a record's `evidence` is documents that its writer may know of."""
    if faults := await unknown_evidence(session, change, under):
        raise InvalidInput.of(faults)
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
    return InvalidInput.placed([Fault(pointer, rule.en, rule.zh)])


# Copies name what they were copied from: two of the same have that in common, or one is the other.
_COUNTERPART = text("""
SELECT own.plan_id = wanted.id AS stays, counterpart.code
  FROM plan wanted
  JOIN programme own ON own.code = :programme AND own.deleted_at IS NULL
  JOIN plan of ON of.id = own.plan_id
   AND coalesce(of.lineage_id, of.id) = coalesce(wanted.lineage_id, wanted.id)
  LEFT JOIN programme counterpart ON counterpart.plan_id = wanted.id
   AND counterpart.deleted_at IS NULL
   AND (counterpart.copied_from_id IN (own.id, own.copied_from_id)
        OR counterpart.id = own.copied_from_id)
 WHERE wanted.code = :plan AND wanted.deleted_at IS NULL
""")
_BRING = text("""
UPDATE project SET plan_id = (SELECT id FROM plan WHERE code = :plan AND deleted_at IS NULL),
       row_version = project.row_version + 1, updated_at = now(),
       valid_from = CASE WHEN coalesce(project.valid_from <= current_date, true)
                          AND coalesce(project.valid_to > current_date, true)
                         THEN current_date ELSE project.valid_from END
  FROM programme own
 WHERE own.id = :row_id AND project.programme_id = own.id AND project.plan_id = own.plan_id
   AND project.deleted_at IS NULL
RETURNING project.code
""")


async def projects_come_along(
    session: AsyncSession, act: Act, change: PendingWrite
) -> Mapping[str, Any]:
    """A programme that is moved to another plan takes the projects with it that stand there."""
    before, after = change.before or {}, change.after or {}
    if change.row_id is None or before.get("plan") in {None, after.get("plan")}:
        return {}
    asked = {"row_id": change.row_id, "plan": after["plan"]}
    for code in (await session.scalars(_BRING, asked)).all():
        record(
            session,
            act,
            "update",
            table="project",
            object_id=code,
            before={"plan": before["plan"]},
            after={"plan": after["plan"]},
        )
    return {}


async def programme_follows_plan(
    session: AsyncSession, act: Act, change: PendingWrite
) -> Mapping[str, Any]:
    """A project that is moved to another edition is in the same programme there, if there is one.

    A programme that is given besides is what was meant.
    """
    before, after = change.before or {}, change.after or {}
    moved = before.get("plan") not in {None, after.get("plan")} and after.get("plan") is not None
    programme = after.get("programme")
    if not moved or programme is None or programme != before.get("programme"):
        return {}
    asked = {"programme": programme, "plan": after["plan"]}
    found = (await session.execute(_COUNTERPART, asked)).first()
    return {} if found is None or found.stays else {"programme": found.code}


async def programme_of_its_plan(session: AsyncSession, change: PendingWrite) -> Sequence[Fault]:
    """A project is in a programme of the edition it stands in, not in that of another edition."""
    before, after = change.before or {}, change.after or {}
    plan, programme = after.get("plan"), after.get("programme")
    if plan is None or programme is None:
        return ()
    if (plan, programme) == (before.get("plan"), before.get("programme")):
        return ()
    asked = {"programme": programme, "plan": plan}
    found = (await session.execute(_COUNTERPART, asked)).first()
    if found is None or found.stays:
        return ()
    return (
        Fault(
            "/properties/programme",
            f"{programme!r} is a programme of another edition than {plan!r}",
            f"{programme!r} 属于另一版规划，而非 {plan!r}",
        ),
    )


PROPOSALS = "proposals"


def revised_by(alias: str, *kinds: str) -> Property:
    """The proposals of these kinds that were carried out on a row, or in a version after it."""
    return Property(
        "revised_by",
        f"ARRAY(SELECT pr.code FROM proposal pr WHERE {_of(kinds)} AND pr.base_id = {alias}.id"  # noqa: S608 - constants
        " AND pr.state = 'carried_out' ORDER BY pr.id)",
        TEXTS,
        Label("据以修订的建议", "Proposals it was revised by"),
        names=PROPOSALS,
    )


def made_by(alias: str, *kinds: str) -> Property:
    """The proposal of these kinds that a version was begun with."""
    return Property(
        "made_by",
        f"(SELECT min(pr.code) FROM proposal pr WHERE {_of(kinds)} AND pr.made_id = {alias}.id"  # noqa: S608 - constants
        " AND pr.base_id <> pr.made_id)",
        TEXT,
        Label("据以形成的建议", "Proposal it was begun with"),
        names=PROPOSALS,
    )


def _of(kinds: tuple[str, ...]) -> str:
    return f"pr.kind IN ({', '.join(repr(kind) for kind in kinds)})"

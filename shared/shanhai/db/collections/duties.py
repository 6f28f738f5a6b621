"""Records: what the articles of plans and documents make parties do, and by when."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections import guards
from shanhai.db.collections.joint_plans import PARTNERS, stays_once_decided
from shanhai.db.features import columns, entity
from shanhai.db.tables.duty import PARTS
from shanhai.errors import Fault
from shanhai.vocabulary import DUTY_PARTS, DUTY_STATES, Label, Role, Scope, Term

_OWN = columns.Columns("du")
_WRITERS = frozenset({Role.PLANNER, Role.SUPERVISOR})
DUE = "coalesce(du.due_on, make_date(du.last_year, 12, 31))"
"""SQL of the last day of a duty `du`: as stated, or the end of its period; null without both."""
_STEPS = {
    "open": ("on_track", "late", "done", "dropped"),
    "on_track": ("late", "done", "dropped"),
    "late": ("on_track", "done", "dropped"),
    "done": ("on_track",),
    "dropped": ("open",),
}
_HEADING = (
    "(SELECT said.{column} FROM plan_provision said WHERE said.plan_id = du.plan_id"
    " AND said.kind = 'article' AND said.article = du.article AND said.deleted_at IS NULL"
    " ORDER BY said.id DESC LIMIT 1)"
)
_ALL = " || ".join(f"du.{part}_ids" for part in PARTS)


async def dropped_with_a_reason(
    session: AsyncSession, change: entity.PendingWrite
) -> Sequence[Fault]:
    """A duty is given up for a reason that can be read."""
    after = change.after or {}
    if after.get("state") != "dropped" or (after.get("reason") or "").strip():
        return ()
    en, zh = "a duty is dropped with its reason", "终止职责须说明原因"
    return (Fault("/reason", en, zh),)


async def one_part_each(session: AsyncSession, change: entity.PendingWrite) -> Sequence[Fault]:
    """A party has one part in a duty."""
    after, seen = change.after or {}, set[str]()
    for part in PARTS:
        for place, code in enumerate(after.get(part) or ()):
            if code in seen:
                en, zh = f"{code!r} has a part in it already", f"{code!r} 已列入本职责"
                return (Fault(f"/{part}/{place}", en, zh),)
            seen.add(code)
    return ()


def _parties(part: Term) -> entity.Property:
    column = f"{part.code}_ids"
    named = _OWN.references(part.code, part.label, to="parties", table="party", column=column)
    return named.of_some


DUTIES = entity.Entity(
    name="duties",
    title=Label("职责", "Duties"),
    description=Label(
        "规划与文件各条款确定的职责：由谁承担、何时完成、以何为准；标题为条款的官方标题。",
        "What the articles of plans and documents make parties do: who, by when, and by what it is"
        " known to be done; headings are the official ones.",
    ),
    table="duty",
    alias="du",
    joins=" JOIN plan p ON p.id = du.plan_id",
    live="du.deleted_at IS NULL AND p.deleted_at IS NULL",
    published="p.status IN ('approved', 'superseded')",
    region="p.region_id",
    partners=PARTNERS,
    path="/plans/{plan}/duties",
    properties=(
        _OWN.code,
        *_OWN.names(),
        _OWN.reference("plan", "p.code", Label("规划", "Plan"), to="plans", required=True),
        _OWN.copied_from("duty"),
        _OWN.order,
        _OWN.queryable("article", entity.TEXT, Label("条款", "Article")),
        *(
            entity.Property(
                f"heading_{lang}",
                _HEADING.format(column=f"name_{lang}"),
                entity.TEXT,
                Label(zh, en),
            )
            for lang, zh, en in (
                ("zh", "条款标题", "Heading of the article, zh"),
                ("en", "条款英文标题", "Heading of the article, en"),
            )
        ),
        *_OWN.both("text", Label("内容", "Text")),
        *_OWN.both("success", Label("完成标准", "Measure of success")),
        *_OWN.years(),
        _OWN.queryable("due_on", entity.DATE, Label("规定期限", "Stated last day")),
        entity.Property("due", DUE, entity.DATE, Label("期限", "Due"), queryable=True),
        _OWN.choice("state", DUTY_STATES, Label("状态", "State")),
        _OWN.column("reason", entity.TEXT, Label("原因", "Reason")),
        *map(_parties, DUTY_PARTS),
        entity.Property(
            "parties",
            f"ARRAY(SELECT o.code FROM party o WHERE o.id = ANY({_ALL})"  # noqa: S608 - constants
            " AND o.deleted_at IS NULL ORDER BY o.code)",
            entity.TEXTS,
            Label("全部单位", "All parties"),
            queryable=True,
            names="parties",
        ),
        _OWN.source,
        *_OWN.period,
    ),
    editing=entity.Editing(
        roles=_WRITERS,
        scopes=frozenset({Scope.PROJECTS, Scope.WRITE}),
        lifecycle=entity.Lifecycle(
            property="state",
            initial="open",
            steps=tuple(
                entity.Step(source, target, _WRITERS)
                for source, targets in _STEPS.items()
                for target in targets
            ),
        ),
        guards=(
            guards.RECORD_PERIOD,
            guards.RECORD_YEARS,
            dropped_with_a_reason,
            one_part_each,
            stays_once_decided,
        ),
    ),
)

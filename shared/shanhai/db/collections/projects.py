"""Restoration projects; their state is changed by transitions, never by a write."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections import guards
from shanhai.db.collections.joint_plans import within_joint_plan
from shanhai.db.features import columns, entity
from shanhai.errors import Fault
from shanhai.vocabulary import Label, Role, Scope


def newest_of(project: str) -> str:
    """SQL that holds for a problem `b` of a project unless a copy of it is linked to that, too."""
    # The alias is a constant of the callers.
    return (
        "NOT EXISTS (SELECT FROM project_problem further JOIN problem later"
        f" ON later.id = further.problem_id WHERE further.project_id = {project}.id"
        " AND later.copied_from_id = b.id AND later.deleted_at IS NULL)"
    )


_OWN = columns.Columns("pj")
_STATE = text("SELECT state FROM project WHERE id = :row_id")
_KEPT = text(
    "SELECT p.state, (SELECT min(d.code) FROM document d WHERE d.owner_code = p.code"
    " AND d.owner_collection = 'projects' AND d.deleted_at IS NULL),"
    " EXISTS (SELECT FROM fund_entry e WHERE e.project_id = p.id) FROM project p"
    " WHERE p.id = :row_id"
)
# A project is of the plan it names, or of its programme's.
_PARTNERS = (
    "(SELECT array_agg(partner) FROM plan of, unnest(of.region_ids) partner"
    " WHERE of.id IN (pj.plan_id, pg.plan_id) AND of.deleted_at IS NULL)"
)
# What is worked on already would tell of the draft it was put into.
OUTSIDE_DRAFTS = (
    "NOT EXISTS (SELECT FROM plan of WHERE of.id IN (pj.plan_id,"
    " (SELECT own.plan_id FROM programme own WHERE own.id = pj.programme_id))"
    " AND of.region_ids <> '{}' AND of.status IN ('draft', 'submitted'))"
)
"""Holds for projects `pj` that are in no joint plan which is still worked on."""
DELETABLE = ("draft", "proposed", "rejected", "cancelled")
"""States of projects that were never accepted, or are no more."""
AT_WORK = (
    *("implementation", "suspended", "acceptance", "monitoring", "effect_evaluation"),
    *("after_care", "closed"),
)
"""States of projects that are built where they were approved to be."""
PERCENT = {**entity.NUMBER, "minimum": 0, "maximum": 100}


async def only_deleted_before_reserve(
    session: AsyncSession, change: entity.PendingWrite
) -> Sequence[Fault]:
    """A project of the reserve is cancelled; one with papers or entries of the ledger stays."""
    if change.verb != "delete":
        return ()
    state, paper, money = (await session.execute(_KEPT, {"row_id": change.row_id})).one()
    en, zh = f"document {paper!r} belongs to it", f"文件 {paper!r} 属于该项目"
    if money:
        en, zh = "the ledger has entries of it", "台账中已有其记录"
    if state not in DELETABLE:
        en = f"the project is in state {state!r}; cancel it instead"
        zh = f"项目状态为 {state!r}，不能删除，请改为取消"
    return () if state in DELETABLE and paper is None and not money else (Fault("", en, zh),)


async def only_moved_before_work(
    session: AsyncSession, change: entity.PendingWrite
) -> Sequence[Fault]:
    """The place that was checked is the one that is worked on."""
    if not change.geometry_changed or change.row_id is None:
        return ()
    state = await session.scalar(_STATE, {"row_id": change.row_id})
    if state not in AT_WORK:
        return ()
    return (
        Fault(
            "/geometry",
            f"cannot be changed any more: the project is in state {state!r}",
            f"项目状态为 {state!r}，范围不得再更改",
        ),
    )


_EDITIONS = (
    "SELECT edition.code FROM plan_membership member JOIN plan edition"
    " ON edition.id = member.plan_id AND edition.deleted_at IS NULL WHERE member.project_id = pj.id"
    " AND (edition.status IN ('approved', 'superseded') OR {drafts})"
)
"""The editions of plans that a project is in."""


PROJECTS = entity.Entity(
    name="projects",
    title=Label("修复项目", "Projects"),
    description=Label(
        "生态修复项目及其生命周期；设计前可无几何。",
        "Restoration projects with their lifecycle; without geometry until they are designed.",
    ),
    table="project",
    alias="pj",
    joins=(
        " LEFT JOIN region r ON r.id = pj.region_id LEFT JOIN plan p ON p.id = pj.plan_id"
        " LEFT JOIN programme pg ON pg.id = pj.programme_id"
        " LEFT JOIN party o ON o.id = pj.owner_id"
        " LEFT JOIN project_state st ON st.state = pj.state"
    ),
    geometry_type="geometry-any",
    geometry_column="geom",
    published="pj.state NOT IN ('draft', 'proposed', 'rejected', 'cancelled')"
    f" AND {OUTSIDE_DRAFTS}",
    public=_OWN.public,
    signed_in=_OWN.signed_in,
    partners=_PARTNERS,
    interval=("make_date(pj.start_year, 1, 1)", "make_date(pj.end_year, 12, 31)"),
    properties=(
        _OWN.code,
        *_OWN.names(),
        *_OWN.both("summary", Label("摘要", "Summary")),
        *_OWN.both("content", Label("主要建设内容", "Main works"), attribute=True),
        _OWN.attribute("order_no", columns.ORDER, Label("序号", "Order in the programme")),
        _OWN.attribute("places", entity.TEXTS, Label("地点", "Places")),
        _OWN.attribute("lakes", entity.TEXTS, Label("湖库", "Lakes and reservoirs")),
        _OWN.attribute(
            "towns_stated", columns.ORDER, Label("载明镇街数", "Stated number of towns")
        ),
        _OWN.attribute(
            "towns_complete", entity.BOOLEAN, Label("镇街已列全", "All towns are listed")
        ),
        *_OWN.both("towns_rule", Label("镇街范围", "Which towns"), attribute=True),
        _OWN.reference("region", "r.code", Label("区域", "Region"), to="regions", required=True),
        entity.Property(
            "regions",
            "ARRAY(SELECT t.code FROM project_region pr JOIN region t ON t.id = pr.region_id"
            " WHERE pr.project_id = pj.id ORDER BY t.code)",
            entity.TEXTS,
            Label("涉及镇街", "Towns"),
            queryable=True,
        ),
        replace(
            _OWN.reference("plan", "p.code", Label("规划", "Plan"), to="plans"),
            matches=f":is_plan IN ({_EDITIONS})",
            matches_former="pj.id IN (SELECT member.project_id FROM plan edition"
            " CROSS JOIN LATERAL plan_members_on(edition.id, {day}) member"
            " WHERE edition.code = :is_plan AND edition.deleted_at IS NULL"
            " AND (edition.status IN ('approved', 'superseded') OR {drafts}))",
        ),
        entity.Property(
            "editions",
            f"ARRAY({_EDITIONS.format(drafts='false')} ORDER BY edition.edition, edition.code)",
            entity.TEXTS,
            Label("所属规划各版", "Editions it is in"),
        ),
        _OWN.reference("programme", "pg.code", Label("重点工程", "Programme"), to="programmes"),
        _OWN.reference("owner", "o.code", Label("责任单位", "Owner"), to="parties"),
        _OWN.queryable("plan_group", entity.TEXT, Label("行动计划", "Action plan")),
        _OWN.queryable("type", entity.TEXT, Label("类型", "Type"), column="type_code"),
        _OWN.shown("state", entity.TEXT, Label("状态", "State"), queryable=True),
        entity.Property(
            "state_name_zh", "st.name_zh", entity.TEXT, Label("状态名称", "State name, zh")
        ),
        entity.Property(
            "state_name_en", "st.name_en", entity.TEXT, Label("状态英文名称", "State name, en")
        ),
        _OWN.queryable("start_year", columns.YEAR, Label("起始年", "First year"), required=True),
        _OWN.queryable("end_year", columns.YEAR, Label("终止年", "Last year"), required=True),
        _OWN.queryable("cost", entity.MONEY, Label("投资", "Cost")),
        _OWN.column(
            "currency", {**entity.TEXT, "pattern": "^[A-Z]{3}$"}, Label("币种", "Currency")
        ),
        _OWN.queryable("score", entity.NUMBER, Label("评分", "Score")),
        entity.Property(
            "measures",
            "ARRAY(SELECT m.measure FROM project_measure m WHERE m.project_id = pj.id"
            " ORDER BY m.order_no, m.measure)",
            entity.TEXTS,
            Label("措施", "Measures"),
            queryable=True,
        ),
        entity.Property(
            "problems",
            "ARRAY(SELECT b.code FROM project_problem pp JOIN problem b ON b.id = pp.problem_id"  # noqa: S608
            f" WHERE pp.project_id = pj.id AND b.deleted_at IS NULL AND {newest_of('pj')}"
            " ORDER BY b.code)",
            entity.TEXTS,
            Label("针对的问题", "Problems"),
            queryable=True,
            names="problems",
        ),
        _OWN.area,
        _OWN.length,
        _OWN.attribute("geometry_final", entity.BOOLEAN, Label("范围已定", "Geometry is final")),
        _OWN.attribute(
            "fund_share_percent", PERCENT, Label("财政资金占比", "Share of public funds"), unit="%"
        ),
        _OWN.attribute("comment_until", entity.DATE, Label("公示截止日", "Last day for comments")),
        _OWN.attribute("after_care_until", entity.DATE, Label("管护截止日", "End of after-care")),
        entity.Property(
            "job",
            "pj.attrs->>'job'",
            columns.UUID,
            Label("选址作业", "Job it was chosen by"),
            queryable=True,
        ),
        *_OWN.access,
        guards.revised_by("pj", "project"),
        _OWN.source,
        _OWN.details,
        _OWN.fields,
        *_OWN.period,
    ),
    editing=entity.Editing(
        roles=frozenset({Role.OWNER, Role.PLANNER}),
        scopes=frozenset({Scope.PROJECTS, Scope.WRITE}),
        effects=(guards.programme_follows_plan,),
        apart=frozenset({"plan"}),
        guards=(
            guards.PERIOD,
            guards.AS_CLASSIFIED,
            guards.YEARS,
            only_deleted_before_reserve,
            only_moved_before_work,
            within_joint_plan(),
            guards.programme_of_its_plan,
        ),
    ),
)

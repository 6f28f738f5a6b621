"""Diagnosed problems, and what plans say in words and figures beside their lists."""

from collections.abc import Sequence
from functools import partial

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.cartography import EVALUATIONS
from shanhai.db.collections.guards import AS_CLASSIFIED, PERIOD, RECORD_PERIOD, RECORD_YEARS
from shanhai.db.collections.joint_plans import PARTNERS, stays_once_decided, within_joint_plan
from shanhai.db.collections.projects import OUTSIDE_DRAFTS
from shanhai.db.features.columns import IN_FORCE, NAME, PUBLIC_EDITION, YEAR, Columns
from shanhai.db.features.entity import (
    NUMBER,
    OBJECT,
    TEXT,
    TEXTS,
    Editing,
    Entity,
    PendingWrite,
    Property,
)
from shanhai.errors import Fault
from shanhai.vocabulary import (
    BENEFIT_ASPECTS,
    CONTROL_KINDS,
    FIGURE_COMPARATORS,
    FIGURE_COMPUTATIONS,
    FIGURE_KINDS,
    NAMED_FEATURE_KINDS,
    OBJECTIVE_FORMS,
    PROBLEM_LEVELS,
    PROBLEM_STATUSES,
    PROVISION_KINDS,
    REGION_LEVELS,
    SEVERITIES,
    TRENDS,
    Label,
    Role,
    codes,
)

_PUBLIC_PROJECT = (
    "pj.deleted_at IS NULL AND pj.state NOT IN ('draft', 'proposed', 'rejected', 'cancelled')"
    f" AND pj.visibility = 'public' AND {OUTSIDE_DRAFTS}"
)
"""Holds for projects anybody may know of."""
_PROBLEM = Columns("pb")

_SHARES = {
    "type": "array",
    "items": {
        **OBJECT,
        "properties": {
            "name_zh": NAME,
            "name_en": NAME,
            "part": NUMBER,
            "whole_of": {**TEXT, "enum": ["region", "quantity"]},
            "printed_percent": NUMBER,
        },
        "required": ["name_zh", "part", "whole_of", "printed_percent"],
    },
}
"""Shares a text prints: of the area of the region, or of the quantity of the problem."""
PROBLEMS = Entity(
    name="problems",
    title=Label("生态问题", "Problems"),
    description=Label(
        "诊断出的生态问题与风险；未给出数量的为空。",
        "Diagnosed problems and risks; the quantity is null where no source tells it.",
    ),
    table="problem",
    alias="pb",
    joins=" LEFT JOIN region r ON r.id = pb.region_id LEFT JOIN plan p ON p.id = pb.plan_id",
    geometry_type="geometry-any",
    geometry_column="geom",
    published=PUBLIC_EDITION,
    public=_PROBLEM.public,
    signed_in=_PROBLEM.signed_in,
    in_force=IN_FORCE,
    partners=PARTNERS,
    properties=(
        _PROBLEM.code,
        *_PROBLEM.names(),
        _PROBLEM.queryable("type", TEXT, Label("类型", "Type"), required=True),
        _PROBLEM.queryable("element", TEXT, Label("要素", "Element")),
        _PROBLEM.choice("level", PROBLEM_LEVELS, Label("层级", "Level")),
        _PROBLEM.reference(
            "region", "r.code", Label("区域", "Region"), to="regions", required=True
        ),
        _PROBLEM.reference("plan", "p.code", Label("规划", "Plan"), to="plans"),
        _PROBLEM.copied_from("problem"),
        _PROBLEM.queryable("quantity", NUMBER, Label("数量", "Quantity")),
        _PROBLEM.queryable("unit", TEXT, Label("单位", "Unit")),
        _PROBLEM.choice("severity", SEVERITIES, Label("程度", "Severity")),
        _PROBLEM.choice("status", PROBLEM_STATUSES, Label("状态", "Status")),
        *_PROBLEM.access,
        _PROBLEM.column("cause", TEXT, Label("成因", "Cause")),
        _PROBLEM.column("places", TEXTS, Label("地点", "Places")),
        _PROBLEM.attribute("stated_year", YEAR, Label("数量所属年份", "Year of the quantity")),
        *_PROBLEM.both("effects", Label("影响", "Effects"), TEXTS, attribute=True),
        *_PROBLEM.both("minerals", Label("矿种", "Minerals"), TEXTS, attribute=True),
        _PROBLEM.attribute("shares", _SHARES, Label("载明占比", "Shares as printed")),
        Property(
            "projects",
            "ARRAY(SELECT pj.code FROM project_problem pp JOIN project pj ON pj.id = pp.project_id"  # noqa: S608
            f" WHERE pp.problem_id = pb.id AND {_PUBLIC_PROJECT} ORDER BY pj.code)",
            TEXTS,
            Label("相关项目", "Projects"),
        ),
        _PROBLEM.area,
        _PROBLEM.source,
        _PROBLEM.details,
        _PROBLEM.fields,
        *_PROBLEM.period,
    ),
    editing=Editing(
        shown_by="visibility",
        roles=frozenset({Role.PLANNER, Role.OWNER, Role.SUPERVISOR}),
        guards=(
            *(PERIOD, AS_CLASSIFIED, within_joint_plan()),
            partial(stays_once_decided, but=("status", "visibility")),
        ),
    ),
)


_SAID, _FIGURE = Columns("pv"), Columns("pf")
_PUBLISHED = "p.status IN ('approved', 'superseded')"
PROVISIONS = Entity(
    name="provisions",
    title=Label("条文与任务", "Provisions"),
    description=Label(
        "规划或政策的条文、任务、目标、挑战、机遇与保障措施；名称为官方标题。",
        "The articles, tasks, objectives, challenges, opportunities and safeguards of a plan or"
        " policy; names are the official headings.",
    ),
    table="plan_provision",
    alias="pv",
    joins=" JOIN plan p ON p.id = pv.plan_id",
    live="pv.deleted_at IS NULL AND p.deleted_at IS NULL",
    published=_PUBLISHED,
    region="p.region_id",
    partners=PARTNERS,
    path="/plans/{plan}/provisions",
    properties=(
        _SAID.code,
        *_SAID.names(),
        _SAID.reference("plan", "p.code", Label("规划", "Plan"), to="plans", required=True),
        _SAID.copied_from("plan_provision"),
        _SAID.choice("kind", PROVISION_KINDS, Label("类型", "Kind"), required=True),
        _SAID.order,
        _SAID.queryable("article", TEXT, Label("条款", "Article")),
        _SAID.choice("form", OBJECTIVE_FORMS, Label("形式", "Form")),
        _SAID.choice("level", REGION_LEVELS, Label("级别", "Level")),
        *_SAID.years(),
        _SAID.queryable("places", TEXTS, Label("地点", "Places")),
        _SAID.references(
            "regions",
            Label("涉及区域", "Regions"),
            to="regions",
            table="region",
            column="region_ids",
        ),
        Property(
            "departments",
            "ARRAY(SELECT o.code FROM party o WHERE pv.kind = 'article'"
            " AND o.attrs->>'plan' = p.code AND o.attrs->'articles' ? pv.article"
            " AND o.deleted_at IS NULL ORDER BY o.code)",
            TEXTS,
            Label("责任单位", "Departments"),
            queryable=True,
            names="parties",
        ),
        *_SAID.both("text", Label("要点", "Text")),
        _SAID.column("text_official", TEXT, Label("官方原文", "Official text")),
        _SAID.source,
        *_SAID.period,
    ),
    editing=Editing(
        roles=frozenset({Role.PLANNER}), guards=(RECORD_PERIOD, RECORD_YEARS, stays_once_decided)
    ),
)

COUNTED_ROWS = ("tasks", "programmes", "projects", "zones", "indicators")
"""What of a plan can be counted beside a number it states."""
_HIDDEN_PROJECTS = text(
    "SELECT named FROM unnest(CAST(:codes AS text[])) named"  # noqa: S608 - constants
    f" WHERE NOT EXISTS (SELECT FROM project pj WHERE pj.code = named AND {_PUBLIC_PROJECT})"
)


async def comparable(session: AsyncSession, change: PendingWrite) -> Sequence[Fault]:
    """What a figure is compared with is one of what can be computed; its projects are public."""
    after = change.after or {}
    of, by = list(after.get("computed_of") or ()), after.get("computed_by")
    faults = [] if (rule := _misfit(by, of)) is None else [Fault("/computed_of", rule.en, rule.zh)]
    named = list(after.get("projects") or ())
    hidden = (await session.scalars(_HIDDEN_PROJECTS, {"codes": named})).all() if named else ()
    return faults + [
        Fault(
            "/projects",
            f"{code!r} is no project the public may know of",
            f"{code!r} 不是公开的项目",
        )
        for code in hidden
    ]


def _misfit(by: str | None, of: list[str]) -> Label | None:
    """What is wrong with what is to be computed."""
    if by == "evaluation_area":
        style = EVALUATIONS.get(of[0]) if of else None
        known = [] if style is None else [entry.code for entry in style.entries]
        if style is None or len(of) < 2 or not set(of[1:]) <= {*known}:
            listed = ", ".join(known or EVALUATIONS)
            return Label(
                f"先填评价图层，再填一个或多个等级；可用：{listed}",
                f"the layer of an evaluation comes first, then one or more classes: {listed}",
            )
        return None
    allowed = {
        "evaluation_mean": ("carbon", "quality_index", "resilience_index"),
        "control_area": codes(CONTROL_KINDS),
        "row_count": COUNTED_ROWS,
    }.get(by or "")
    if allowed is not None and (len(of) != 1 or of[0] not in allowed):
        listed = ", ".join(allowed)
        return Label(f"须为其中之一：{listed}", f"one of these is needed: {listed}")
    if by in {None, "region_area", "corridor_length", "mine_restored"} and of:
        return Label("此处不需要填写", "nothing more is to be said of it")
    if by == "work_done" and len(of) != 1:
        return Label("须填写一项措施", "one measure is needed")
    return None


FIGURES = Entity(
    name="figures",
    title=Label("规划数据", "Figures"),
    description=Label(
        "规划在指标之外载明的数据：评价结果、效益、既往成效、基本情况。",
        "Figures a plan prints beside its indicators: results of evaluations, benefits,"
        " achievements, conditions.",
    ),
    table="plan_figure",
    alias="pf",
    joins=(
        " JOIN plan p ON p.id = pf.plan_id LEFT JOIN indicator i ON i.id = pf.indicator_id"
        " LEFT JOIN region r ON r.id = pf.region_id"
    ),
    live="pf.deleted_at IS NULL AND p.deleted_at IS NULL",
    published=_PUBLISHED,
    region="p.region_id",
    partners=PARTNERS,
    path="/plans/{plan}/figures",
    properties=(
        _FIGURE.code,
        *_FIGURE.names(),
        _FIGURE.reference("plan", "p.code", Label("规划", "Plan"), to="plans", required=True),
        _FIGURE.copied_from("plan_figure"),
        _FIGURE.choice("kind", FIGURE_KINDS, Label("类型", "Kind"), required=True),
        _FIGURE.choice("aspect", BENEFIT_ASPECTS, Label("方面", "Aspect")),
        _FIGURE.order,
        _FIGURE.queryable("class_zh", TEXT, Label("等级", "Class, zh")),
        _FIGURE.queryable("class_en", TEXT, Label("等级（英文）", "Class, en")),
        _FIGURE.choice("comparator", FIGURE_COMPARATORS, Label("比较符", "Comparator")),
        _FIGURE.queryable("value", NUMBER, Label("数值", "Value")),
        _FIGURE.queryable("unit", TEXT, Label("单位", "Unit")),
        _FIGURE.queryable(
            "share_percent", NUMBER, Label("占全区比例", "Share of the region"), unit="%"
        ),
        _FIGURE.choice("trend", TRENDS, Label("变化", "Trend")),
        *_FIGURE.years(),
        _FIGURE.reference("indicator", "i.code", Label("指标", "Indicator"), to="indicators"),
        _FIGURE.reference(
            "region",
            "r.code",
            Label("区域", "Region"),
            to="regions",
        ),
        _FIGURE.choice(
            "computed_by", FIGURE_COMPUTATIONS, Label("对照的计算结果", "Compared with")
        ),
        _FIGURE.column("computed_of", TEXTS, Label("其中的", "Of it")),
        Property(
            "projects",
            "ARRAY(SELECT pj.code FROM unnest(pf.project_ids) WITH ORDINALITY AS listed (id, place)"  # noqa: S608 - constants
            f" JOIN project pj ON pj.id = listed.id WHERE {_PUBLIC_PROJECT} ORDER BY listed.place)",
            TEXTS,
            Label("相关项目", "Projects"),
            queryable=True,
            role="reference",
            column="project_ids",
            refers_to="projects",
        ),
        _FIGURE.queryable("places", TEXTS, Label("地点", "Places")),
        _FIGURE.column("untold", TEXTS, Label("未载明", "What is not printed")),
        _FIGURE.queryable("article", TEXT, Label("条款", "Article")),
        *_FIGURE.both("note", Label("说明", "Note")),
        _FIGURE.source,
        *_FIGURE.period,
    ),
    editing=Editing(
        roles=frozenset({Role.PLANNER}),
        guards=(RECORD_PERIOD, RECORD_YEARS, comparable, stays_once_decided),
    ),
)


_OWN = Columns("nf")

NAMED_FEATURES = Entity(
    name="named_features",
    title=Label("命名地物", "Named features"),
    description=Label(
        "规划和政策点名的保护地、水体、岛屿、温泉与物种；尚未绘制的没有几何。",
        "Reserves, waters, islands, springs and species that plans and policies call by name;"
        " without geometry until somebody draws them.",
    ),
    table="named_feature",
    alias="nf",
    joins=" LEFT JOIN region r ON r.id = nf.region_id",
    geometry_type="geometry-any",
    geometry_column="geom",
    published="true",
    properties=(
        _OWN.code,
        *_OWN.names(),
        _OWN.choice("kind", NAMED_FEATURE_KINDS, Label("类型", "Kind"), required=True),
        _OWN.reference("region", "r.code", Label("区域", "Region"), to="regions", required=True),
        _OWN.queryable("article", TEXT, Label("条款", "Article")),
        *_OWN.both("note", Label("说明", "Note")),
        _OWN.area,
        _OWN.length,
        _OWN.source,
        *_OWN.period,
    ),
    editing=Editing(roles=frozenset({Role.PLANNER, Role.SUPERVISOR}), guards=(PERIOD,)),
)

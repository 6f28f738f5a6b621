"""Diagnosed problems and risks."""

from shanhai.db.collections.guards import PERIOD
from shanhai.db.collections.joint_plans import PARTNERS, within_joint_plan
from shanhai.db.collections.projects import OUTSIDE_DRAFTS
from shanhai.db.features.columns import (
    IN_FORCE,
    PUBLIC_EDITION,
    Columns,
    as_of,
    choice,
    current,
    square_kilometres,
)
from shanhai.db.features.entity import NUMBER, TEXT, TEXTS, Editing, Entity, Property
from shanhai.vocabulary import PROBLEM_LEVELS, PROBLEM_STATUSES, SEVERITIES, Label, Role

_OWN = Columns("pb")

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
    code="pb.code",
    geometry="pb.geom",
    geometry_type="geometry-any",
    geometry_column="geom",
    live="pb.deleted_at IS NULL",
    published=PUBLIC_EDITION,
    current=current("pb"),
    as_of=as_of("pb"),
    in_force=IN_FORCE,
    region="pb.region_id",
    partners=PARTNERS,
    interval=_OWN.interval,
    properties=(
        _OWN.code,
        *_OWN.names(),
        _OWN.column("type", TEXT, Label("类型", "Type"), queryable=True, required=True),
        _OWN.column("element", TEXT, Label("要素", "Element"), queryable=True),
        _OWN.column("level", choice(PROBLEM_LEVELS), Label("层级", "Level"), queryable=True),
        _OWN.reference("region", "r.code", Label("区域", "Region"), to="regions", required=True),
        _OWN.reference("plan", "p.code", Label("规划", "Plan"), to="plans"),
        _OWN.copied_from("problem"),
        _OWN.column("quantity", NUMBER, Label("数量", "Quantity"), queryable=True),
        _OWN.column("unit", TEXT, Label("单位", "Unit"), queryable=True),
        _OWN.column("severity", choice(SEVERITIES), Label("程度", "Severity"), queryable=True),
        _OWN.column("status", choice(PROBLEM_STATUSES), Label("状态", "Status"), queryable=True),
        _OWN.column("cause", TEXT, Label("成因", "Cause")),
        _OWN.column("places", TEXTS, Label("地点", "Places")),
        Property(
            "projects",
            "ARRAY(SELECT pj.code FROM project_problem pp JOIN project pj ON pj.id = pp.project_id"  # noqa: S608
            " WHERE pp.problem_id = pb.id AND pj.deleted_at IS NULL"
            " AND pj.state NOT IN ('draft', 'proposed', 'rejected', 'cancelled') AND pj.is_public"
            f" AND {OUTSIDE_DRAFTS} ORDER BY pj.code)",
            TEXTS,
            Label("相关项目", "Projects"),
        ),
        square_kilometres("area_km2", "pb.area_m2", Label("面积", "Area")),
        _OWN.source,
        _OWN.details,
        _OWN.fields,
        *_OWN.period,
    ),
    editing=Editing(
        roles=frozenset({Role.PLANNER, Role.OWNER, Role.SUPERVISOR}),
        guards=(PERIOD, within_joint_plan()),
    ),
)

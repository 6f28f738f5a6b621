"""Plans and policies; each lies where its region lies."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.guards import PERIOD, became, in_order, made_by, no_circle, revised_by
from shanhai.db.collections.joint_plans import (
    PARTNERS,
    approved_by_every_region,
    regions_plan_together,
)
from shanhai.db.collections.notices import heard_before
from shanhai.db.editions.content import take_over
from shanhai.db.features import entity
from shanhai.db.features.columns import YEAR, Columns
from shanhai.db.queries.audit import Act
from shanhai.errors import Conflict, Fault
from shanhai.vocabulary import PLAN_STATUSES, Label, Role

_OWN = Columns("p")
_UPPER_STATUS = text("SELECT status FROM plan WHERE code = :code AND deleted_at IS NULL")
_FORMER = text(
    "SELECT former.id, former.code, former.status, former.row_version, own.code AS later,"
    " former.status = 'withdrawn' AND NOT isempty(former.in_force) AS withdrawn FROM plan own"
    " JOIN plan former ON former.id = own.supersedes_id WHERE own.id = :row_id FOR UPDATE OF former"
)
# A joint plan lies where its regions lie, as far as they are drawn.
_PLACE = (
    "coalesce((SELECT ST_Multi(ST_Union(of.geom)) FROM region of"
    " WHERE of.id = ANY(p.region_ids)), r.geom)"
)
_PLANNER, _APPROVER = frozenset({Role.PLANNER}), frozenset({Role.APPROVER})

LIFECYCLE = entity.Lifecycle(
    property="status",
    initial="draft",
    steps=(
        entity.Step("draft", "submitted", _PLANNER),
        entity.Step("submitted", "approved", _APPROVER),
        entity.Step("submitted", "draft", _PLANNER | _APPROVER),
        entity.Step("approved", "superseded", _APPROVER),
        *(
            entity.Step(source, "withdrawn", _APPROVER)
            for source in ("draft", "submitted", "approved", "superseded")
        ),
    ),
    settled=frozenset({"approved", "superseded", "withdrawn"}),
)


async def upper_plan_is_approved(
    session: AsyncSession, change: entity.PendingWrite
) -> Sequence[Fault]:
    """A plan is not approved before the plan above it."""
    upper = (change.after or {}).get("upper_plan")
    if upper is None or not became(change, "status", "approved"):
        return ()
    status = await session.scalar(_UPPER_STATUS, {"code": upper})
    if status in {"approved", "superseded"}:
        return ()
    return (
        Fault(
            "/properties/status",
            f"the upper plan {upper!r} is {status}; it must be approved first",
            f"上位规划 {upper!r} 的状态为 {status}，须先获批准",
        ),
    )


async def close_former(
    session: AsyncSession, act: Act, change: entity.PendingWrite
) -> Mapping[str, Any]:
    """Approving an edition supersedes the plan whose place it takes; what it had comes over.

    One that was withdrawn while it was in force is followed, too.

    Raises:
        Conflict: that plan is not in force: another edition has taken its place already.
    """
    if not became(change, "status", "approved") or change.row_id is None:
        return {}
    former = (await session.execute(_FORMER, {"row_id": change.row_id})).first()
    if former is None:
        return {}
    if former.status != "approved" and not former.withdrawn:
        en = f"the plan {former.code!r}, whose place it takes, is {former.status}"
        zh = f"其所取代的规划 {former.code!r} 状态为 {former.status}"
        raise Conflict(en, message_zh=zh, faults=[Fault("/properties/status", en, zh)])
    await take_over(session, act, former, change.row_id)
    return {}


PLANS = entity.Entity(
    name="plans",
    title=Label("规划与政策", "Plans and policies"),
    description=Label(
        "规划与政策文件：级别、期限、上位规划与状态；联合规划由多个区域共同编制。",
        "Plans and policies: level, period, upper plan and status; several regions make a joint"
        " plan together.",
    ),
    table="plan",
    alias="p",
    joins=(
        " LEFT JOIN region r ON r.id = p.region_id"
        " LEFT JOIN plan upper_plan ON upper_plan.id = p.upper_plan_id"
    ),
    geometry=_PLACE,
    geometry_type="geometry-multipolygon",
    published="p.status IN ('approved', 'superseded')",
    # One that was only named by a package (`plan_packages.layout.NAMED_ONLY`) was never there.
    as_of=f"{entity.HELD_THEN} AND p.deleted_at IS DISTINCT FROM p.created_at",
    partners=PARTNERS,
    interval=("make_date(p.first_year, 1, 1)", "make_date(p.last_year, 12, 31)"),
    properties=(
        _OWN.code,
        *_OWN.names(),
        _OWN.queryable("kind", entity.TEXT, Label("类型", "Kind"), required=True),
        _OWN.queryable("level", entity.TEXT, Label("级别", "Level"), required=True),
        _OWN.reference("region", "r.code", Label("区域", "Region"), to="regions"),
        _OWN.references(
            "regions",
            Label("联合编制区域", "Regions that plan together"),
            to="regions",
            table="region",
            column="region_ids",
        ),
        entity.Property(
            "regions_not_drawn",
            "ARRAY(SELECT of.code FROM unnest(p.region_ids) WITH ORDINALITY AS listed (id, place)"
            " JOIN region of ON of.id = listed.id WHERE of.geom IS NULL ORDER BY listed.place)",
            entity.TEXTS,
            Label("未绘制的编制区域", "Regions of it nobody has drawn"),
        ),
        _OWN.reference(
            "upper_plan", "upper_plan.code", Label("上位规划", "Upper plan"), to="plans"
        ),
        _OWN.reference(
            "spatial_plan",
            "(SELECT sp.code FROM plan sp WHERE sp.id = p.spatial_plan_id)",
            Label("所属国土空间规划", "Spatial plan it belongs to"),
            to="plans",
        ),
        _OWN.queryable(
            "period_start", YEAR, Label("起始年", "First year"), column="first_year", required=True
        ),
        _OWN.queryable("period_end", YEAR, Label("终止年", "Last year"), column="last_year"),
        _OWN.column("base_year", YEAR, Label("基准年", "Base year")),
        _OWN.attribute("near_target_year", YEAR, Label("近期目标年", "Near target year")),
        _OWN.attribute("target_year", YEAR, Label("目标年", "Target year")),
        _OWN.attribute("document", entity.TEXT, Label("文号", "Document number")),
        _OWN.attribute("mandate", entity.TEXT, Label("编制依据", "Mandate")),
        _OWN.attribute("issuer", entity.TEXT, Label("发布机构", "Issuer")),
        _OWN.attribute("issued_on", entity.DATE, Label("发布日期", "Issued on")),
        _OWN.attribute(
            "external", entity.BOOLEAN, Label("仅供引用", "Only its figures are referred to")
        ),
        _OWN.attribute(
            "indicator_group", entity.TEXT, Label("指标表出处", "Table its indicators are from")
        ),
        _OWN.attribute("name_note", entity.TEXT, Label("名称说明", "Note on the name")),
        _OWN.attribute("period_note", entity.TEXT, Label("期限说明", "Note on the period")),
        _OWN.attribute("status_note", entity.TEXT, Label("状态说明", "Note on the state")),
        _OWN.choice("status", PLAN_STATUSES, Label("状态", "Status")),
        _OWN.queryable("version", {**entity.INTEGER, "minimum": 1}, Label("版本", "Version")),
        entity.Property(
            "lineage",
            "(SELECT first.code FROM plan first WHERE first.id = coalesce(p.lineage_id, p.id))",
            entity.TEXT,
            Label("首版规划", "First edition of its lineage"),
            queryable=True,
            role="reference",
        ),
        _OWN.shown("edition", entity.INTEGER, Label("版次", "Edition"), queryable=True),
        entity.Property(
            "in_force_from",
            "lower(p.in_force)",
            entity.DATE,
            Label("施行起始日", "In force from"),
        ),
        entity.Property(
            "in_force_to", "upper(p.in_force)", entity.DATE, Label("施行终止日", "In force until")
        ),
        entity.Property(
            "supersedes",
            "(SELECT former.code FROM plan former WHERE former.id = p.supersedes_id)",
            entity.TEXT,
            Label("所取代的规划", "Plan it takes the place of"),
            queryable=True,
            role="reference",
        ),
        entity.Property(
            "superseded_by",
            "ARRAY(SELECT later.code FROM plan later WHERE later.supersedes_id = p.id"
            " AND later.status IN ('approved', 'superseded') AND later.deleted_at IS NULL)",
            entity.TEXTS,
            Label("取代它的规划", "Plan that took its place"),
        ),
        made_by("p", "plan", "target"),
        revised_by("p", "plan", "target"),
        _OWN.source,
        _OWN.details,
        _OWN.fields,
        *_OWN.period,
    ),
    editing=entity.Editing(
        roles=_PLANNER,
        lifecycle=LIFECYCLE,
        effects=(close_former,),
        guards=(
            PERIOD,
            in_order("period_start", "period_end", "终止年不得早于起始年"),
            no_circle("plan", "upper_plan_id", "upper_plan"),
            regions_plan_together,
            no_circle("plan", "spatial_plan_id", "spatial_plan"),
            upper_plan_is_approved,
            approved_by_every_region,
            heard_before("plans", "status", "approved", kind="kind"),
        ),
    ),
)

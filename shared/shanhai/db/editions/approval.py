"""What follows when an edition of a plan is approved: projects, links, rules, zonings."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.scheme_states import published_without_gap, reviewed_without_overlap
from shanhai.db.features.entity import PendingWrite
from shanhai.db.queries.audit import Act, record
from shanhai.errors import Conflict, Fault

# The state begins today, as with a step somebody takes by hand.
_BEGINS = (
    " valid_from = CASE WHEN coalesce({t}.valid_from <= current_date, true)"
    " AND coalesce({t}.valid_to > current_date, true) THEN current_date ELSE {t}.valid_from END"
)
_TOUCHED = "row_version = {t}.row_version + 1, updated_at = now(),"
_CLOSE = text(
    "UPDATE plan SET in_force = daterange(lower(in_force), greatest(lower(in_force),"  # noqa: S608
    " current_date)), status = CASE status WHEN 'withdrawn' THEN status ELSE 'superseded' END,"
    f" {_TOUCHED.format(t='plan')}{_BEGINS.format(t='plan')} WHERE id = :former RETURNING status"
)
_MEMBERS = (
    "SELECT project_id, programme_id FROM plan_membership WHERE plan_id = :former"
    " AND project_id IN (SELECT id FROM project WHERE deleted_at IS NULL)"
)
_REMEMBER = text(
    "INSERT INTO plan_project (plan_id, project_id, programme_id)"  # noqa: S608
    f" SELECT :former, project_id, programme_id FROM ({_MEMBERS}) had"
    " ON CONFLICT (plan_id, project_id)"
    " DO UPDATE SET programme_id = excluded.programme_id, dropped = false"
)
_MOVE = text(
    "UPDATE project SET plan_id = :id, programme_id = member.programme_id,"  # noqa: S608
    f" {_TOUCHED.format(t='project')}{_BEGINS.format(t='project')}"
    " FROM plan_membership member WHERE member.plan_id = :id AND member.project_id = project.id"
    " AND project.deleted_at IS NULL AND project.plan_id IS DISTINCT FROM :id"
    " RETURNING project.code"
)
_FORGET = text("DELETE FROM plan_project WHERE plan_id = :id")
_LINK = text(
    "INSERT INTO project_problem (project_id, problem_id)"
    " SELECT link.project_id, own.id FROM project_problem link"
    " JOIN problem own ON own.copied_from_id = link.problem_id AND own.plan_id = :id"
    " JOIN project ON project.id = link.project_id AND project.plan_id = :id"
    " WHERE own.deleted_at IS NULL ON CONFLICT DO NOTHING"
)
# A rule that watches the plan's targets goes on with the edition's.
_WATCH = text("UPDATE alert_rule SET plan_id = :id WHERE plan_id = :former RETURNING code")
_JUDGE = text("INSERT INTO alert_due (plan_id) VALUES (:former), (:id)")
_SCHEMES = text(
    "SELECT s.id, s.code, s.version, s.gap_reason, was.id AS former_id, was.version AS former,"
    " was.status AS former_status,"
    " EXISTS (SELECT FROM zone z FULL JOIN (SELECT * FROM zone WHERE scheme_id = was.id"
    " AND deleted_at IS NULL) o ON o.id = z.copied_from_id"
    " WHERE (z.scheme_id = s.id AND z.deleted_at IS NULL OR z.id IS NULL)"
    " AND (z.id IS NULL OR o.id IS NULL OR z.row_version > 1)) AS changed"
    " FROM zone_scheme s JOIN zone_scheme was ON was.id = s.copied_from_id"
    " WHERE s.plan_id = :id AND s.deleted_at IS NULL"
    " AND s.status IN ('draft', 'review', 'approved') AND was.status = 'published'"
    " FOR UPDATE OF s, was"
)
_CLOSE_SCHEME = text(
    "UPDATE zone_scheme SET status = 'superseded', valid_to = current_date,"
    " row_version = row_version + 1, updated_at = now() WHERE id = :former_id"
)
_PUBLISH_SCHEME = text(
    "UPDATE zone_scheme SET status = 'published', valid_from = current_date,"
    " row_version = row_version + 1, updated_at = now() WHERE id = :id"
)


async def take_over(session: AsyncSession, act: Act, former: Any, new_id: int) -> None:
    """Put an edition in the place of the one in force, in the transaction that approves it.

    Projects come over with their history, but for those it dropped; what acts on a problem acts on
    its copy; rules go on with its targets; the zonings it copied are published.

    Args:
        former: The row of the plan whose place it takes.

    Raises:
        Conflict: a zoning that was changed is not ready to be published.
    """
    both = {"former": former.id, "id": new_id}
    await session.execute(_REMEMBER, both)
    moved = (await session.scalars(_MOVE, both)).all()
    for code in moved:
        before, after = {"plan": former.code}, {"plan": former.later}
        record(session, act, "update", table="project", object_id=code, before=before, after=after)
    await session.execute(_FORGET, both)
    await session.execute(_LINK, both)
    rules = (await session.scalars(_WATCH, both)).all()
    zonings = await _publish_zonings(session, act, new_id)
    status = await session.scalar(_CLOSE, both)
    await session.execute(_JUDGE, both)
    version = former.row_version
    record(
        session,
        act,
        "supersede",
        table="plan",
        object_id=former.code,
        before={"id": former.id, "row_version": version, "status": former.status},
        after={
            "id": former.id,
            "row_version": version + 1,
            "status": status,
            "superseded_by": former.later,
            "moved": {"projects": len(moved), "alert_rules": list(rules), "zonings": zonings},
        },
    )


async def _publish_zonings(session: AsyncSession, act: Act, plan_id: int) -> list[str]:
    """Publish the zonings that an edition has from the plan in force, each in the other's place."""
    published = []
    for scheme in (await session.execute(_SCHEMES, {"id": plan_id})).all():
        if scheme.changed:
            await _demand_ready(session, scheme)
        await session.execute(_CLOSE_SCHEME, {"former_id": scheme.former_id})
        await session.execute(_PUBLISH_SCHEME, {"id": scheme.id})
        for action, version, before, after in (
            ("supersede", scheme.former, "published", "superseded"),
            ("publish", scheme.version, "draft", "published"),
        ):
            record(
                session,
                act,
                action,
                table="zone_scheme",
                object_id=scheme.code,
                before={"version": version, "status": before},
                after={"version": version, "status": after},
            )
        published.append(f"{scheme.code} {scheme.version}")
    return published


async def _demand_ready(session: AsyncSession, scheme: Any) -> None:
    """Refuse a zoning with overlaps, or with gaps nobody explained.

    Raises:
        Conflict: it has some.
    """
    faults: list[Fault] = []
    for guard, status in (
        (reviewed_without_overlap, "review"),
        (published_without_gap, "published"),
    ):
        after = {"status": status, "gap_reason": scheme.gap_reason}
        change = PendingWrite(
            "update", scheme.id, {"status": "draft"}, after, geometry_changed=False
        )
        faults += await guard(session, change)
    if faults:
        raise _not_ready(scheme.code, scheme.version, faults)


def _not_ready(code: str, version: int, faults: Sequence[Fault]) -> Conflict:
    en, zh = (
        "; ".join(one.detail for one in faults),
        "；".join(one.told("zh")["detail"] for one in faults),
    )
    en = f"the zoning {code!r} version {version} of the edition cannot be published: {en}"
    zh = f"该版规划的分区方案 {code!r} 第 {version} 版不能发布：{zh}"
    return Conflict(en, message_zh=zh, faults=[Fault("/properties/status", en, zh)])

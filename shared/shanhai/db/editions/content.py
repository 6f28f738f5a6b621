"""What an edition of a plan holds, and what follows for that when it is approved.

A new edition gets a copy of each row, a plan's package holds each row, and a comparison reads each
row, in this order: what others refer to comes first. References from one of these tables to another
are found by their foreign keys. Projects are not among them: they live on from edition to edition
as they are (`shanhai.db.editions.lineage`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Table, text
from sqlalchemy.ext.asyncio import AsyncSession

import shanhai.db.tables  # noqa: F401 - fills the metadata
from shanhai.db.base import Base
from shanhai.db.collections.scheme_states import published_without_gap, reviewed_without_overlap
from shanhai.db.features.entity import PendingWrite
from shanhai.db.queries.audit import Act, record
from shanhai.errors import Conflict, Fault
from shanhai.vocabulary import Label

PLAN = "plan"
COPIED_FROM = "copied_from_id"


@dataclass(frozen=True, slots=True, eq=False)
class Content:
    """A table whose rows belong to an edition of a plan.

    Attributes:
        title: What its rows are called.
        of: The table of what a row belongs to: the plan, or another of these tables.
        by: The column with the number of what a row belongs to.
        taken: SQL of which of the rows `o` a new edition takes; all that hold today, otherwise.
        anew: Columns that a copy does not have from the row `o`, as SQL.
        lists: Columns that hold numbers of rows of another of these tables, and that table.
        told: Properties of its rows that a comparison tells besides what can be written.
        compared: Whether a comparison of editions tells of its rows.
    """

    table: str
    title: Label
    of: str = PLAN
    by: str = "plan_id"
    taken: str = "true"
    anew: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, str] = field(default_factory=dict)
    told: tuple[str, ...] = ()
    compared: bool = True

    @property
    def columns(self) -> Table:
        """Its table as it is declared."""
        return Base.metadata.tables[self.table]


NOT_SUPERSEDED = "o.status <> 'superseded'"
# The version in force; of a zoning that was never published, the newest.
SCHEME_TAKEN = (
    "o.status = 'published' OR o.status <> 'superseded' AND NOT EXISTS ("
    "SELECT FROM zone_scheme other WHERE other.code = o.code AND other.deleted_at IS NULL"
    " AND (other.status = 'published'"
    " OR other.status <> 'superseded' AND other.version > o.version))"
)
# As with a version that somebody begins from a computed one.
SCHEME_ANEW = {
    "status": "'draft'",
    "origin": "CASE o.origin WHEN 'computed' THEN 'drawn' ELSE o.origin END",
    "job_id": "NULL",
    "version": "(SELECT max(v.version) + 1 FROM zone_scheme v WHERE v.code = o.code)",
    "supersedes_id": "o.id",
    "valid_from": "NULL",
    "attrs": (
        "o.attrs || jsonb_strip_nulls(jsonb_build_object('began_from', o.version, 'computed_by',"
        " coalesce(o.job_id::text, o.attrs->>'computed_by')))"
    ),
}
IN_LIST = (
    "EXISTS (SELECT FROM plan_indicator own WHERE own.plan_id = o.plan_id"
    " AND own.indicator_id = o.indicator_id AND own.deleted_at IS NULL"
    " AND (own.valid_to IS NULL OR own.valid_to > current_date))"
)

CONTENT: tuple[Content, ...] = (
    Content("pattern", Label("格局", "Patterns"), taken=NOT_SUPERSEDED),
    Content("pattern_component", Label("格局要素", "Pattern components"), "pattern", "pattern_id"),
    Content("corridor", Label("生态廊道", "Corridors"), taken=NOT_SUPERSEDED),
    Content(
        "corridor_node",
        Label("廊道节点", "Corridor nodes"),
        taken=NOT_SUPERSEDED,
        lists={"corridor_ids": "corridor"},
    ),
    Content("zone_scheme", Label("分区方案", "Zone schemes"), taken=SCHEME_TAKEN, anew=SCHEME_ANEW),
    Content("zone", Label("分区", "Zones"), "zone_scheme", "scheme_id"),
    Content("zone_town", Label("涉及镇街", "Towns of zones"), "zone", "zone_id", compared=False),
    Content("control_area", Label("管控线", "Control areas")),
    Content("control_rule", Label("管控规则", "Control rules")),
    Content("problem", Label("生态问题", "Problems")),
    Content("plan_part", Label("联合规划分部", "Parts of a joint plan")),
    Content("programme", Label("重点工程", "Programmes")),
    Content("plan_provision", Label("条文与任务", "Provisions")),
    Content("duty", Label("职责", "Duties")),
    Content("plan_figure", Label("规划数据", "Figures")),
    Content("plan_indicator", Label("规划指标", "Indicators of the plan"), told=("targets",)),
    Content(
        "indicator_target",
        Label("基期与目标", "Base and targets"),
        taken=IN_LIST,
        # What was revised stays told where it was revised.
        anew={"attrs": "o.attrs - CAST('{revisions,reason,proposal}' AS text[])"},
        compared=False,
    ),
)
CONTENT_BY_TABLE: Mapping[str, Content] = {content.table: content for content in CONTENT}


def held(content: Content, alias: str, plan: str) -> str:
    """SQL that holds for the rows `alias` of a table that belong to a plan.

    Args:
        plan: SQL of the plan's number.
    """
    column = f"{alias}.{content.by}"
    if content.of == PLAN:
        return f"{column} = {plan}"
    upper = f"{alias}_up"
    inside = held(CONTENT_BY_TABLE[content.of], upper, plan)
    return f"{column} IN (SELECT {upper}.id FROM {content.of} {upper} WHERE {inside})"  # noqa: S608


def live(content: Content, alias: str) -> str:
    """SQL that holds for the rows `alias` of a table that were not deleted, and hold today."""
    columns = content.columns.columns
    met = [
        *([f"{alias}.deleted_at IS NULL"] if "deleted_at" in columns else []),
        *(
            [f"({alias}.valid_to IS NULL OR {alias}.valid_to > current_date)"]
            if "valid_to" in columns
            else []
        ),
    ]
    return " AND ".join(met) or "true"


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
    " row_version = row_version + 1, updated_at = now() WHERE id = :id RETURNING row_version"
)
_PUBLISH_SCHEME = text(
    "UPDATE zone_scheme SET status = 'published', valid_from = current_date,"
    " row_version = row_version + 1, updated_at = now() WHERE id = :id RETURNING row_version"
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
        for statement, action, row_id, version, before, after in (
            (
                _CLOSE_SCHEME,
                "supersede",
                scheme.former_id,
                scheme.former,
                "published",
                "superseded",
            ),
            (_PUBLISH_SCHEME, "publish", scheme.id, scheme.version, "draft", "published"),
        ):
            row_version = await session.scalar(statement, {"id": row_id})
            named = {"id": row_id, "version": version}
            record(
                session,
                act,
                action,
                table="zone_scheme",
                object_id=scheme.code,
                before={**named, "row_version": row_version - 1, "status": before},
                after={**named, "row_version": row_version, "status": after},
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

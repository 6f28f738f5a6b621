"""Joint plans: several regions make one plan together, and decide whether it holds."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.guards import RECORD_PERIOD, became, refused
from shanhai.db.editions.content import CONTENT, Content, held
from shanhai.db.features.columns import Columns
from shanhai.db.features.entity import Editing, Entity, Guard, PendingWrite
from shanhai.errors import Fault
from shanhai.vocabulary import Label, Role

PARTNERS = "CASE WHEN p.deleted_at IS NULL THEN p.region_ids || p.region_id END"
"""SQL of the regions that plan together, for rows joined to their plan as `p`.

What a plan says of places outside its regions is known to the people of its regions, too."""
_LED_BY = text(
    "SELECT lead.level = 'cooperation' AND lead.member_ids @> ARRAY(SELECT r.id FROM region r"
    " WHERE r.code = ANY(CAST(:codes AS text[])) AND r.deleted_at IS NULL)"
    " FROM region lead WHERE lead.code = :lead AND lead.deleted_at IS NULL"
)
_NOT_APART = text("""
WITH RECURSIVE listed AS (
  SELECT id, code, level, parent_id FROM region
   WHERE code = ANY(CAST(:codes AS text[])) AND deleted_at IS NULL
), above (code, id) AS (
  SELECT code, parent_id FROM listed WHERE parent_id IS NOT NULL
  UNION
  SELECT above.code, r.parent_id FROM above JOIN region r ON r.id = above.id
   WHERE r.parent_id IS NOT NULL
)
SELECT code FROM listed WHERE level = 'cooperation'
UNION SELECT above.code FROM above JOIN listed ON listed.id = above.id
ORDER BY 1
""")
_STILL_USED = text("""
SELECT DISTINCT r.code FROM region r JOIN (
  SELECT region_id FROM plan_part WHERE plan_id = :plan AND deleted_at IS NULL
  UNION ALL SELECT region_id FROM programme WHERE plan_id = :plan AND deleted_at IS NULL
  UNION ALL SELECT region_id FROM plan_indicator WHERE plan_id = :plan AND deleted_at IS NULL
) part ON part.region_id = r.id
 WHERE r.code = ANY(CAST(:codes AS text[])) ORDER BY r.code
""")
_PARTIES = text(
    "SELECT r.code FROM plan p JOIN region r ON r.id = ANY(p.region_ids || p.region_id)"
    " WHERE p.code = :plan AND p.deleted_at IS NULL ORDER BY r.code"
)
_OUTSIDE = text("""
WITH RECURSIVE within (id) AS (
  SELECT unnest(p.region_ids || p.region_id) FROM plan p WHERE p.deleted_at IS NULL
     AND cardinality(p.region_ids) > 0
     AND (p.code = CAST(:plan AS text) OR p.id IN (
       SELECT plan_id FROM programme WHERE code = CAST(:programme AS text)
          AND deleted_at IS NULL))
  UNION
  SELECT r.id FROM region r JOIN within ON r.parent_id = within.id
)
SELECT EXISTS (SELECT FROM within) AND NOT EXISTS (
  SELECT FROM within JOIN region r ON r.id = within.id WHERE r.code = :region)
""")
_WORKED_ON = text(
    "SELECT status FROM plan WHERE code = :plan AND deleted_at IS NULL"
    " AND cardinality(region_ids) > 0 AND status IN ('draft', 'submitted')"
)
# Whoever decides on the plan at the same time waits for the write, or the write for them.
_DECIDED = text(
    "SELECT code, status FROM plan WHERE (code = ANY(CAST(:plan AS text[])) OR id IN ("
    "SELECT plan_id FROM pattern WHERE code = ANY(CAST(:pattern AS text[])) AND deleted_at IS NULL"
    # Of the versions of a scheme a zone is in its own, and comes into the newest.
    " UNION SELECT s.plan_id FROM zone_scheme s WHERE s.code = ANY(CAST(:scheme AS text[]))"
    " AND s.id IN ((SELECT scheme_id FROM zone WHERE id = :row), (SELECT max(id) FROM zone_scheme"
    " WHERE code = s.code AND deleted_at IS NULL)))) AND deleted_at IS NULL"
    " AND cardinality(region_ids) > 0 ORDER BY id FOR SHARE"
)
_SEVERAL = Label("联合规划至少由两个不同区域组成", "a joint plan has two different regions or more")
_LEAD = Label(
    "须包含牵头区域 region；牵头者为协同发展区时，须均为其成员",
    "must hold the region that leads, or be members of the cooperation region that does",
)


async def regions_plan_together(session: AsyncSession, change: PendingWrite) -> Sequence[Fault]:
    """The regions of a joint plan are several, lie apart, and one of them leads.

    Raises:
        InvalidInput: they are not.
    """
    after, before = change.after or {}, change.before or {}
    listed, lead = after.get("regions") or [], after.get("region")
    if listed and (listed, lead) != (before.get("regions"), before.get("region")):
        await _demand_regions(session, listed, lead)
    gone = sorted(set(before.get("regions") or []) - {*listed, lead})
    if change.after is None or not gone:
        return ()
    used = await session.scalars(_STILL_USED, {"plan": change.row_id, "codes": gone})
    return [
        Fault(
            "/properties/regions",
            f"must keep {code!r}, whose part is in the plan",
            f"须保留 {code!r}：规划中仍有其部分",
        )
        for code in used
    ]


async def _demand_regions(session: AsyncSession, listed: list[str], lead: str | None) -> None:
    pointer = "/properties/regions"
    if len(listed) < 2 or len(set(listed)) < len(listed):
        raise refused(pointer, _SEVERAL)
    if lead not in listed:
        led = {"codes": listed, "lead": lead}
        if lead is None or not await session.scalar(_LED_BY, led):
            raise refused(pointer, _LEAD)
    nested = list(await session.scalars(_NOT_APART, {"codes": listed}))
    if nested:
        named = ", ".join(nested)
        rule = Label(
            f"不得为协同发展区或位于另一列出的区域之内：{named}",
            f"must be neither a cooperation region nor lie in another one listed: {named}",
        )
        raise refused(pointer, rule)


async def part_of_the_plan(session: AsyncSession, change: PendingWrite) -> Sequence[Fault]:
    """What is of a part names a region of its plan; a joint plan that was decided on stays."""
    after = change.after or {}
    region, plan = after.get("region"), after.get("plan")
    if region is not None and plan is not None and _differs(change, "region", "plan"):
        known = list(await session.scalars(_PARTIES, {"plan": plan}))
        if region not in known:
            named = ", ".join(known)
            en = f"is no region of the plan {plan!r}; those are: {named or 'none'}"
            zh = f"不是规划 {plan!r} 的区域；其区域为：{named or '无'}"
            return (Fault("/region", en, zh),)
    return await stays_once_decided(session, change)


async def stays_once_decided(
    session: AsyncSession, change: PendingWrite, but: Collection[str] = ()
) -> Sequence[Fault]:
    """What all regions of a joint plan approved is changed by an edition, not by one of them."""
    before, after = change.before or {}, change.after or {}
    # How a duty goes on, the publication of a draft, and `but` until then, change nothing approved.
    published = (before.get("status"), after.get("status")) == ("draft", "published")
    goes_on = ("status",) if published else () if before.get("status") == "published" else but
    said = {*before, *after} - {"state", "reason", *goes_on}
    if not change.geometry_changed and not _differs(change, *said):
        return ()
    codes = {name: [before.get(name), after.get(name)] for name in ("plan", "pattern", "scheme")}
    decided = await session.execute(_DECIDED, {**codes, "row": change.row_id})
    return [
        Fault(
            "",
            f"the joint plan {code!r} is {status}; it is changed by an edition",
            f"联合规划 {code!r} 的状态为 {status}，须通过新版次修改",
        )
        for code, status in decided
        if status not in OPEN_STATUSES
    ]


def within_joint_plan(under: str = "/properties") -> Guard:
    """A guard: what belongs to a joint plan lies in one of its regions."""

    async def guard(session: AsyncSession, change: PendingWrite) -> Sequence[Fault]:
        after = change.after or {}
        asked = {name: after.get(name) for name in ("plan", "programme", "region")}
        if asked["plan"] is None and asked["programme"] is None:
            return ()
        if not _differs(change, *asked) or not await session.scalar(_OUTSIDE, asked):
            return ()
        return (
            Fault(
                f"{under}/region",
                f"{asked['region']!r} lies in no region of the joint plan",
                f"{asked['region']!r} 不在该联合规划的任何区域内",
            ),
        )

    return guard


async def published_after_the_plan(session: AsyncSession, change: PendingWrite) -> Sequence[Fault]:
    """What is put in force of a joint plan would tell of a draft that others may not know of."""
    plan = (change.after or {}).get("plan")
    if plan is None or not became(change, "status", "published"):
        return ()
    status = await session.scalar(_WORKED_ON, {"plan": plan})
    if status is None:
        return ()
    return (
        Fault(
            "/properties/status",
            f"the joint plan {plan!r} is {status}; it must be approved first",
            f"联合规划 {plan!r} 的状态为 {status}，须先获批准",
        ),
    )


def _differs(change: PendingWrite, *names: str) -> bool:
    after: Mapping[str, Any] = change.after or {}
    before: Mapping[str, Any] = change.before or {}
    return any(after.get(name) != before.get(name) for name in names)


_OWN = Columns("pp")

PLAN_PARTS = Entity(
    name="plan_parts",
    title=Label("联合规划分部", "Parts of a joint plan"),
    description=Label(
        "联合规划中各区域自行编写的部分；面积未绘制的为空，不计为零。",
        "What each region writes of a joint plan; the area of a region nobody has drawn is null,"
        " never zero.",
    ),
    table="plan_part",
    alias="pp",
    joins=(
        " JOIN plan p ON p.id = pp.plan_id JOIN region r ON r.id = pp.region_id"
        " LEFT JOIN party o ON o.id = pp.party_id"
    ),
    live="pp.deleted_at IS NULL AND p.deleted_at IS NULL",
    published="p.status IN ('approved', 'superseded')",
    partners=PARTNERS,
    path="/plans/{plan}/parts",
    properties=(
        _OWN.code,
        *_OWN.names(),
        _OWN.reference("plan", "p.code", Label("规划", "Plan"), to="plans", required=True),
        _OWN.copied_from("plan_part"),
        _OWN.reference("region", "r.code", Label("区域", "Region"), to="regions", required=True),
        _OWN.reference(
            "department",
            "o.code",
            Label("责任部门", "Department"),
            to="parties",
            column="party_id",
        ),
        *_OWN.both("text", Label("内容", "Text")),
        replace(Columns("r").area, title=Label("区域面积", "Area of the region")),
        _OWN.source,
        *_OWN.period,
    ),
    editing=Editing(roles=frozenset({Role.PLANNER}), guards=(RECORD_PERIOD, part_of_the_plan)),
)


# Columns by which a project or a zoning is planned; it is carried out, or published, besides.
_PROJECT = (
    *("id", "name_zh", "name_en", "summary_zh", "summary_en", "region_id", "plan_group"),
    *("type_code", "start_year", "end_year", "cost", "currency", "deleted_at"),
)
_SCHEME = ("id", "version", "name_zh", "name_en", "region_id", "kind")
_MEASURES = (
    "ARRAY(SELECT ROW(m.measure, m.planned, m.unit)::text FROM project_measure m"
    " WHERE m.project_id = o.id ORDER BY m.measure)"
)


def _told(content: Content) -> str:
    """SQL of lines that differ when what a plan holds of a table does.

    What is versioned is told by its version, and the rest by all it says.
    """
    columns, said = content.columns.columns, "o::text"
    if content.table == "zone_scheme":
        said = f"ROW({', '.join(f'o.{name}' for name in _SCHEME)})::text"
    elif "row_version" in columns:
        said = "concat_ws(' ', o.id, o.row_version)"
    kept = " AND o.deleted_at IS NULL" if "deleted_at" in columns else ""
    return (
        f"SELECT '{content.table} ' || {said} FROM {content.table} o"  # noqa: S608 - constants
        f" WHERE {held(content, 'o', ':plan')}{kept}"
    )


_PROJECTS = (
    f"SELECT 'project ' || ROW({', '.join(f'o.{name}' for name in _PROJECT)},"  # noqa: S608
    f" member.programme_id, md5(ST_AsBinary(o.geom)), {_MEASURES})::text"
    " FROM project o JOIN plan_membership member ON member.project_id = o.id"
    " AND member.plan_id = :plan"
)
_SAID = " UNION ALL ".join(
    (
        "SELECT concat_ws(' ', 'plan', id, row_version) FROM plan WHERE id = :plan",
        *map(_told, CONTENT),
        _PROJECTS,
    )
)
_CONTENT = text(
    "SELECT encode(sha256(convert_to(coalesce(string_agg(line, E'\\n' ORDER BY line), ''),"  # noqa: S608
    f" 'UTF8')), 'hex') FROM ({_SAID}) said (line)"
)
_LAST = text("""
SELECT r.id, r.code, r.name_zh, r.name_en, d.decision, d.content, d.reason, d.actor, d.at
  FROM plan p CROSS JOIN unnest(p.region_ids) WITH ORDINALITY AS listed (id, place)
  JOIN region r ON r.id = listed.id
  LEFT JOIN LATERAL (
    SELECT * FROM plan_decision WHERE plan_id = p.id AND region_id = r.id ORDER BY id DESC LIMIT 1
  ) d ON true
 WHERE p.id = :plan ORDER BY listed.place
""")
_LEFT_OUT = text("""
SELECT r.code FROM plan p JOIN plan former ON former.id = p.supersedes_id
  JOIN region r ON r.id = ANY(former.region_ids)
 WHERE p.id = :plan AND NOT r.id = ANY(p.region_ids) ORDER BY r.code
""")
_STATUS = text("SELECT status FROM plan WHERE id = :plan")
OPEN_STATUSES = frozenset({"draft", "submitted"})


@dataclass(frozen=True, slots=True)
class Approval:
    """Where a region stands to a joint plan.

    Attributes:
        state: `pending` before it decided, then its last decision: `approved`, `rejected` or
            `withdrawn`; `lapsed` when the plan was changed after it had approved.
        at: When it decided.
    """

    region_id: int
    region: str
    name: Label
    state: str
    reason: str | None = None
    actor: str | None = None
    at: datetime | None = None


async def read_content(session: AsyncSession, plan_id: int) -> str:
    """The digest of all that a plan says; two plans or states that differ have different ones."""
    return str(await session.scalar(_CONTENT, {"plan": plan_id}))


async def read_approvals(session: AsyncSession, plan_id: int) -> Sequence[Approval]:
    """Where each region of a joint plan stands to it, in the plan's order; none of another plan.

    What was approved and is in force, or was, stays approved: the plan itself cannot be changed.
    """
    rows = (await session.execute(_LAST, {"plan": plan_id})).all()
    if not rows:
        return []
    content: str | None = None
    if await session.scalar(_STATUS, {"plan": plan_id}) in OPEN_STATUSES:
        content = await read_content(session, plan_id)
    found = []
    for region_id, code, zh, en, decision, of, *told in rows:
        lapsed = decision == "approved" and content not in {None, of}
        state = "lapsed" if lapsed else decision or "pending"
        found.append(Approval(region_id, code, Label(zh, en), state, *told))
    return found


async def approved_by_every_region(session: AsyncSession, change: PendingWrite) -> Sequence[Fault]:
    """A joint plan comes into force when all its regions have approved what it says."""
    if change.row_id is None or not became(change, "status", "approved"):
        return ()
    faults = [
        Fault(
            "/properties/regions",
            f"must hold {code!r}, which made the plan whose place it takes",
            f"须包含 {code!r}：其参与编制了被取代的规划",
        )
        for code in await session.scalars(_LEFT_OUT, {"plan": change.row_id})
    ]
    approvals = await read_approvals(session, change.row_id)
    missing = [item for item in approvals if item.state != "approved"]
    if missing:
        listed = ", ".join(item.region for item in missing)
        states = ", ".join(f"{item.region}: {item.state}" for item in missing)
        faults.append(
            Fault(
                "/properties/status",
                f"needs the approval of {listed} ({states})",
                f"须经以下区域同意：{listed}（{states}）",
            )
        )
    return faults

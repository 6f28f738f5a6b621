"""What the regions of a joint plan decided of it, and whether that holds for what it says now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.guards import became
from shanhai.db.editions.content import CONTENT, Content, held
from shanhai.db.features.entity import PendingWrite
from shanhai.errors import Fault
from shanhai.vocabulary import Label

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

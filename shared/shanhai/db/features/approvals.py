"""What the regions of a joint plan decided of it, and whether that holds for what it says now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.features.entity import Change
from shanhai.db.features.guards import became
from shanhai.errors import Fault
from shanhai.vocabulary import Label

# What a plan says, row by row: what is versioned by its version, what has a life of its own (a
# project is carried out, a zoning published) by the columns that are planned. Rows that are added
# or taken away count like changed ones.
_COUNTED = (
    *("plan_part", "programme", "plan_indicator", "pattern"),
    *("problem", "corridor", "control_area"),
)
_SAID = " UNION ALL ".join(
    (
        "SELECT concat_ws(' ', 'plan', id, row_version) FROM plan WHERE id = :plan",
        *(
            f"SELECT concat_ws(' ', '{table}', id, row_version) FROM {table}"  # noqa: S608
            " WHERE plan_id = :plan AND deleted_at IS NULL"
            for table in _COUNTED
        ),
        "SELECT concat_ws(' ', 'pattern_component', pc.id, pc.row_version)"
        " FROM pattern_component pc JOIN pattern pt ON pt.id = pc.pattern_id"
        " WHERE pt.plan_id = :plan AND pt.deleted_at IS NULL AND pc.deleted_at IS NULL",
        "SELECT 'target ' || t::text FROM indicator_target t WHERE t.plan_id = :plan",
        "SELECT 'project ' || ROW(pj.id, pj.name_zh, pj.name_en, pj.summary_zh, pj.summary_en,"
        " pj.region_id, pj.plan_id, pj.programme_id, pj.plan_group, pj.type_code, pj.start_year,"
        " pj.end_year, pj.cost, pj.currency, md5(ST_AsBinary(pj.geom)), ARRAY(SELECT"
        " ROW(m.measure, m.planned, m.unit)::text FROM project_measure m"
        " WHERE m.project_id = pj.id ORDER BY m.measure))::text FROM project pj"
        " LEFT JOIN programme pg ON pg.id = pj.programme_id"
        " WHERE (pj.plan_id = :plan OR pg.plan_id = :plan) AND pj.deleted_at IS NULL",
        "SELECT 'scheme ' || ROW(s.id, s.version, s.name_zh, s.name_en, s.region_id, s.kind)::text"
        " FROM zone_scheme s WHERE s.plan_id = :plan AND s.deleted_at IS NULL",
        "SELECT concat_ws(' ', 'zone', z.id, z.row_version) FROM zone z"
        " JOIN zone_scheme s ON s.id = z.scheme_id"
        " WHERE s.plan_id = :plan AND s.deleted_at IS NULL AND z.deleted_at IS NULL",
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


async def approved_by_every_region(session: AsyncSession, change: Change) -> Sequence[Fault]:
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

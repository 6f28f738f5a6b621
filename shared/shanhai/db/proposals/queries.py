"""Read proposals: the list, one with its events, and what rules say is worth a proposal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.alerts.queries import serious_alerts
from shanhai.db.collections.joint_plans import PARTNERS
from shanhai.db.collections.plans import PLANS
from shanhai.db.collections.programmes import PROGRAMMES
from shanhai.db.collections.projects import PROJECTS
from shanhai.db.collections.zones import ZONE_SCHEMES
from shanhai.db.features.columns import NAME, Columns, choice
from shanhai.db.features.entity import MOMENT, OBJECT, OBJECTS, TEXT, TEXTS, Entity, Property
from shanhai.db.features.preconditions import state_tag
from shanhai.db.features.selection import viewer_values, visibility
from shanhai.db.identity import Viewer
from shanhai.db.indicators.evaluation import judged_rows, list_places
from shanhai.db.indicators.plan_indicators import PlanSeen, list_indicators
from shanhai.db.projects.queries import projects_of_plan, seen_values
from shanhai.db.tables.plan import Proposal, ProposalEvent, ProposalEvidence
from shanhai.errors import NotFound
from shanhai.science.indicators import IndicatorStatus
from shanhai.vocabulary import PROPOSAL_KINDS, PROPOSAL_STATES, Label, Term

Listed = TypeVar("Listed", ProposalEvent, ProposalEvidence)
_OWN = Columns("pr")
_SUBJECT = ("project", "programme", "plan", "indicator", "region", "scheme", "zone")
_MEMBERS = ", ".join(f"pr.subject->>'{name}'" for name in _SUBJECT)
_OBJECT = f"concat_ws('/', {_MEMBERS})"
_REVISED: Mapping[str, Entity] = {
    "project": PROJECTS,
    "programme": PROGRAMMES,
    "target": PLANS,
    "plan": PLANS,
    "zone": ZONE_SCHEMES,
}
"""Whose rows proposals of a kind revise and make."""
_BASE_IS_TOLD = " ".join(
    f"WHEN '{kind}' THEN EXISTS (SELECT FROM {of.source} WHERE {of.alias}.id = pr.base_id"
    f" AND {of.live} AND ({of.published}) AND ({of.signed_in}))"
    for kind, of in _REVISED.items()
)

PROPOSALS = Entity(
    name="proposals",
    title=Label("修订建议", "Proposals"),
    description=Label(
        "对项目、重点工程、指标目标、分区或规划文本的修订建议及其决定。",
        "Proposals to revise a project, programme, target, zone or plan, and what was decided.",
    ),
    table="proposal",
    alias="pr",
    joins=" LEFT JOIN region r ON r.id = pr.region_id LEFT JOIN plan p ON p.id = pr.plan_id",
    live="true",
    # What was carried out is told to whoever is known and may read what it revised.
    published="pr.state = 'carried_out'",
    public="false",
    signed_in=f"CASE pr.kind {_BASE_IS_TOLD} END",
    current="true",
    as_of="pr.created_at < CAST(:as_of AS date) + 1",
    interval=None,
    partners=PARTNERS,
    historic=False,
    path="/proposals",
    properties=(
        Property("code", "pr.code", TEXT, Label("代码", "Code"), queryable=True, role="id"),
        _OWN.shown("title", NAME, Label("标题", "Title"), queryable=True),
        _OWN.shown("kind", choice(PROPOSAL_KINDS), Label("修订类型", "Kind"), queryable=True),
        Property("object", _OBJECT, TEXT, Label("修订对象", "What is revised"), queryable=True),
        _OWN.shown("state", choice(PROPOSAL_STATES), Label("状态", "State"), queryable=True),
        Property("plan", "p.code", TEXT, Label("规划", "Plan"), queryable=True, role="reference"),
        _OWN.shown_region,
        _OWN.shown("author", TEXT, Label("提出人", "Author"), queryable=True),
        _OWN.shown("reason", TEXT, Label("理由", "Reason")),
        Property(
            "evidence",
            "ARRAY(SELECT e.kind || ':' || e.object FROM proposal_evidence e"
            " WHERE e.proposal_id = pr.id ORDER BY e.seq)",
            TEXTS,
            Label("依据", "Evidence"),
            queryable=True,
        ),
        _OWN.shown("revises", OBJECT, Label("修订对象", "What is revised"), column="subject"),
        _OWN.shown("change", OBJECT, Label("修订内容", "Change")),
        _OWN.shown("fields", OBJECTS, Label("修订前后", "Old and new values")),
        _OWN.shown("decided_by", TEXT, Label("决定人", "Decided by"), queryable=True),
        _OWN.shown("decided_at", MOMENT, Label("决定时间", "Decided at"), queryable=True),
        _OWN.shown("decision", TEXT, Label("决定理由", "Reason of the decision")),
        _OWN.shown(
            "proposed_at",
            MOMENT,
            Label("提出时间", "Proposed at"),
            column="created_at",
            queryable=True,
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class ProposalReference:
    """A proposal as others name it."""

    code: str
    title: str
    state: str


@dataclass(frozen=True, slots=True)
class ObjectVersion:
    """The row an object is in: its code, its version where it has one, and the plan it is of."""

    code: str
    version: int | None
    plan: str | None


async def find_proposal(
    session: AsyncSession, code: str, viewer: Viewer, *, lock: bool = False
) -> Proposal:
    """The proposal of a code, locked until the transaction ends where that is asked.

    Raises:
        NotFound: there is none the viewer may know of.
    """
    met = " AND ".join(("pr.code = :code", *visibility(PROPOSALS, viewer)))
    locking = " FOR NO KEY UPDATE OF pr" if lock else ""
    # Constants of the declaration; callers' values are bound.
    query = text(f"SELECT pr.id FROM {PROPOSALS.source} WHERE {met}{locking}")  # noqa: S608
    values = {"code": code, **viewer_values(viewer)}
    row_id = None if "\x00" in code else await session.scalar(query, values)
    if row_id is None:
        raise NotFound(f"there is no proposal {code!r}", message_zh=f"没有修订建议 {code!r}")
    return await session.get_one(Proposal, row_id, populate_existing=True)


def tag_of(proposal: Proposal) -> str:
    """What tells this state of the row from others."""
    return state_tag(proposal.id, proposal.row_version)


async def read_listed(
    session: AsyncSession, kind: type[Listed], proposal_id: int
) -> Sequence[Listed]:
    """All that happened to a proposal, or that it is founded on, in order."""
    query = select(kind).where(kind.proposal_id == proposal_id).order_by(kind.seq)
    return (await session.scalars(query)).all()


async def read_place(
    session: AsyncSession, viewer: Viewer, kind: str, row_id: int | None
) -> ObjectVersion | None:
    """Where what a proposal of a kind revises, or made, is; None if the viewer may not know."""
    of = _REVISED[kind]
    declared = (of.declared(name) for name in ("code", "version", "plan"))
    told = ", ".join("NULL" if one is None else one.sql for one in declared)
    met = " AND ".join((f"{of.alias}.id = :id", *visibility(of, viewer)))
    query = text(f"SELECT {told} FROM {of.source} WHERE {met}")  # noqa: S608 - constants
    row = (await session.execute(query, {"id": row_id, **viewer_values(viewer)})).one_or_none()
    return None if row is None else ObjectVersion(*row)


async def founded_on(
    session: AsyncSession, viewer: Viewer, kind: str, code: str
) -> Sequence[ProposalReference]:
    """The proposals that name something as evidence, of those the viewer may know of."""
    met = " AND ".join(("e.kind = :kind", "e.object = :code", *visibility(PROPOSALS, viewer)))
    query = text(
        f"SELECT pr.code, pr.title, pr.state FROM {PROPOSALS.source}"  # noqa: S608 - constants
        f" JOIN proposal_evidence e ON e.proposal_id = pr.id WHERE {met} ORDER BY pr.id"
    )
    values = {"kind": kind, "code": code, **viewer_values(viewer)}
    return [ProposalReference(*row) for row in await session.execute(query, values)]


async def about_target(
    session: AsyncSession, viewer: Viewer, plan_id: int, indicator: str, region: str
) -> Sequence[ProposalReference]:
    """The proposals to revise the figures of an indicator of a plan in a region."""
    named = {"indicator": indicator, "region": region}
    return await _about(session, viewer, "target", plan_id, named)


async def about_project(
    session: AsyncSession, viewer: Viewer, project_id: int
) -> Sequence[ProposalReference]:
    """The proposals to revise a project."""
    return await _about(session, viewer, "project", project_id, {})


async def _about(
    session: AsyncSession, viewer: Viewer, kind: str, base_id: int, named: Mapping[str, str]
) -> Sequence[ProposalReference]:
    members = (f"pr.subject->>'{name}' = :{name}" for name in named)
    about = ("pr.kind = :kind", "pr.base_id = :base", *members)
    met = " AND ".join((*about, *visibility(PROPOSALS, viewer)))
    query = text(
        "SELECT pr.code, pr.title, pr.state"  # noqa: S608 - constants
        f" FROM {PROPOSALS.source} WHERE {met} ORDER BY pr.id"
    )
    values = {"kind": kind, "base": base_id, **named, **viewer_values(viewer)}
    return [ProposalReference(*row) for row in await session.execute(query, values)]


RULES: tuple[Term, ...] = (
    Term("target_behind", Label("指标落后于目标", "A target is behind")),
    Term("project_late", Label("项目超期未完成", "A project is worked on after its last year")),
    Term("project_suspended", Label("项目暂停", "A project is suspended")),
    Term("alert_serious", Label("橙色及以上预警未关闭", "An orange or red alert is not closed")),
)
"""The rules, in the order of the list."""
MOST_OF_A_RULE = 100


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Something a rule found.

    Attributes:
        about: What a proposal would revise or be founded on, as `/proposals/blank` is asked.
        proposals: Those there are already.
    """

    rule: str
    about: Mapping[str, str | int]
    found: Label
    proposals: Sequence[ProposalReference]


async def suggest(
    session: AsyncSession, viewer: Viewer, plan: PlanSeen, year: int
) -> list[Suggestion]:
    """What is worth a proposal in a plan, judged by the values of a year."""
    return [
        *await _behind(session, viewer, plan, year),
        *await _projects(session, viewer, plan, year),
        *await _alerts(session, viewer, plan),
    ]


async def _behind(
    session: AsyncSession, viewer: Viewer, plan: PlanSeen, year: int
) -> list[Suggestion]:
    indicators = await list_indicators(session, plan)
    rows = await judged_rows(session, plan, indicators, await list_places(session, plan), year)
    missed = [row for row in rows if row["status"] == IndicatorStatus.BEHIND][:MOST_OF_A_RULE]
    found = []
    for row in missed:
        region, target = row["region"], row["target"]
        indicator = row["indicator"]
        about = {"plan": plan.code, "indicator": indicator, "region": region["code"]}
        asked = f"{target['value']} {row['unit']} ({target['year']})"
        reached = f"{row['value']} {row['unit']} ({row['value_year']})"
        said = Label(
            f"{region['name_zh']}：{row['name_zh']} {reached}，目标 {asked}",
            f"{region['name_en']}: {row['name_en']} {reached}, target {asked}",
        )
        present = await about_target(session, viewer, plan.id, indicator, region["code"])
        found.append(Suggestion("target_behind", about, said, present))
    return found


async def _projects(
    session: AsyncSession, viewer: Viewer, plan: PlanSeen, year: int
) -> list[Suggestion]:
    late = "pj.state = 'suspended' OR pj.state = 'implementation' AND pj.end_year < :year"
    query = text(
        f"WITH {projects_of_plan(viewer, f'({late})')}"  # noqa: S608 - constants
        " SELECT id, code, name_zh, name_en, state, end_year FROM seen ORDER BY code LIMIT :most"
    )
    values = seen_values(viewer, plan=plan.id, year=year, most=MOST_OF_A_RULE)
    return [await _project(session, viewer, *row) for row in await session.execute(query, values)]


async def _project(
    session: AsyncSession,
    viewer: Viewer,
    row_id: int,
    code: str,
    zh: str,
    en: str,
    state: str,
    end: int,
) -> Suggestion:
    rule = "project_suspended" if state == "suspended" else "project_late"
    said = Label(f"{zh}：{state}，终止年 {end}", f"{en}: {state}, last year {end}")
    present = await about_project(session, viewer, row_id)
    return Suggestion(rule, {"project": code}, said, present)


async def _alerts(session: AsyncSession, viewer: Viewer, plan: PlanSeen) -> list[Suggestion]:
    rows = await serious_alerts(session, viewer, plan.region_ids, limit=MOST_OF_A_RULE)
    return [
        Suggestion(
            "alert_serious",
            {"alert": row.Alert.id},
            Label(f"{row.station_zh}：{row.Alert.level}", f"{row.station_en}: {row.Alert.level}"),
            await founded_on(session, viewer, "alert", str(row.Alert.id)),
        )
        for row in rows
    ]

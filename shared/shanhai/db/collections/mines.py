"""Mines until they are restored and accepted, and land that is used for a time and given back."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections import guards
from shanhai.db.engine import read_today
from shanhai.db.features import columns, entity
from shanhai.db.identity import EVERYTHING
from shanhai.db.queries.audit import Act
from shanhai.errors import Fault
from shanhai.vocabulary import MINE_KINDS, MINE_STATES, RECLAMATION_STATES, Label, Role, Scope

_MINE, _LAND = columns.Columns("mi"), columns.Columns("rc")
_PLANNERS = frozenset({Role.PLANNER})
_WORKERS = frozenset({Role.OWNER, Role.PLANNER})
_JUDGES = frozenset({Role.APPROVER, Role.SUPERVISOR})
_APPROVER = frozenset({Role.APPROVER})
OVERLAP_TOLERATED_M2 = 100.0
"""A hundredth of a hectare, the last digit of areas: edges that were drawn twice overlap less."""
ENDED = frozenset({"accepted", "watched"})
"""States of mines whose area counts as restored."""


def hectares(name: str, sql: str, title: Label) -> entity.Property:
    """An area kept in square metres."""
    return entity.Property(
        name, f"round(({sql} / 1e4)::numeric, 4)", entity.NUMBER, title, unit="ha"
    )


def _told(pointer: str, zh: str, en: str) -> Fault:
    return Fault(f"/properties/{pointer}", en, zh)


async def _unproved(session: AsyncSession, change: entity.PendingWrite) -> Sequence[Fault]:
    """What an acceptance lacks besides its area: its day, and documents that are there."""
    after = change.after or {}
    day, evidence = after.get("accepted_on"), after.get("evidence") or []
    faults = []
    if day is None:
        faults.append(_told("accepted_on", "验收须填日期", "acceptance needs its day"))
    elif date.fromisoformat(str(day)) > await read_today(session):
        faults.append(_told("accepted_on", "不得晚于今天", "must not lie after today"))
    unknown = await guards.unknown_documents(session, evidence, EVERYTHING)
    hidden = await guards.unknown_evidence(session, change, "/properties")
    if not evidence:
        rule = ("验收须有依据文件的代码", "acceptance needs the codes of its documents")
        faults.append(_told("evidence", *rule))
    elif unknown and not hidden:
        rule = (f"没有文件 {unknown[0]!r}", f"there is no document {unknown[0]!r}")
        faults.append(_told("evidence", *rule))
    return [*faults, *hidden]


@guards.of_values
async def known_in_full(session: AsyncSession, change: entity.PendingWrite) -> Sequence[Fault]:
    """A mine that produces has an owner and a licence."""
    after = change.after or {}
    if after.get("kind") != "producing":
        return ()
    needed = {"owner": ("采矿权人", "owner"), "licence": ("采矿许可证", "licence")}
    return [
        _told(name, f"生产矿山须填{zh}", f"a producing mine needs its {en}")
        for name, (zh, en) in needed.items()
        if after.get(name) is None
    ]


_WHAT_BEGINS = {
    "planned": (
        ("plan", "project", "restoration_plan"),
        ("须有规划、项目或修复方案", "needs a plan, a project or a restoration plan"),
    ),
    "in_work": (("project", "owner"), ("须有项目或责任人", "needs a project or an owner")),
}
"""Of which members a mine needs one, from a state on."""


async def arranged(session: AsyncSession, change: entity.PendingWrite) -> Sequence[Fault]:
    """Work on a mine is planned by something, and done by somebody."""
    after = change.after or {}
    order = [term.code for term in MINE_STATES]
    here = order.index(after.get("state") or "open")
    return [
        _told(members[0], f"状态 {after['state']!r} {zh}", f"{after['state']!r} {en}")
        for state, (members, (zh, en)) in _WHAT_BEGINS.items()
        if here >= order.index(state) and all(after.get(name) is None for name in members)
    ]


_TAKE_TURNS = text("SELECT pg_advisory_xact_lock(hashtextextended('accepted mines', 0))")
_STANDING = text(
    "SELECT round((mi.area_m2 / 1e4)::numeric, 4) AS area_ha, (SELECT min(part.code) FROM mine part"
    " WHERE part.part_of_id = mi.id AND part.deleted_at IS NULL) AS part,"
    " (SELECT min(other.code) FROM mine other WHERE other.id <> mi.id AND other.deleted_at IS NULL"
    " AND other.state IN ('accepted', 'watched') AND other.geom && mi.geom"
    " AND ST_Relate(other.geom, mi.geom, '2********')"
    " AND ST_Area(ST_Intersection(other.geom, mi.geom)::geography) > :tolerated) AS other"
    " FROM mine mi WHERE mi.id = :row_id"
)


async def accepted_once(session: AsyncSession, change: entity.PendingWrite) -> Sequence[Fault]:
    """An accepted area is proved, no larger than the mine, and not accepted elsewhere already."""
    before, after = change.before or {}, change.after or {}
    if after.get("state") not in ENDED or before.get("state") in ENDED:
        return await guards.documents_known(session, change, "/properties")
    faults = [*await _unproved(session, change)]
    # Of two who accept at once the second waits, and finds what the first accepted.
    await session.execute(_TAKE_TURNS)
    asked = {"row_id": change.row_id, "tolerated": OVERLAP_TOLERATED_M2}
    standing = (await session.execute(_STANDING, asked)).one()
    area = after.get("accepted_area_ha")
    known = standing.area_ha if after.get("area_ha") is None else Decimal(str(after["area_ha"]))
    if area is None:
        faults.append(_told("accepted_area_ha", "验收须填面积", "acceptance needs its area"))
    elif known is not None and Decimal(str(area)) > known:
        told = f"{known.normalize():f} ha"
        rule = (f"不得大于矿山面积 {told}", f"must not exceed the mine's {told}")
        faults.append(_told("accepted_area_ha", *rule))
    if standing.part is not None:
        rule = (
            f"含有分项 {standing.part!r} 等，须逐项验收",
            f"it has parts, such as {standing.part!r}; they are accepted one by one",
        )
        faults.append(_told("state", *rule))
    if standing.other is not None:
        rule = (
            f"范围与已验收的 {standing.other!r} 重叠，不得重复计入",
            f"its shape overlaps {standing.other!r}, which is accepted: no ground counts twice",
        )
        faults.append(_told("state", *rule))
    return faults


_STATE = text("SELECT state FROM mine WHERE code = :code AND deleted_at IS NULL")


async def part_of_what_is_open(
    session: AsyncSession, change: entity.PendingWrite
) -> Sequence[Fault]:
    """Nothing becomes part of an entry whose area counts as restored already."""
    whole = (change.after or {}).get("part_of")
    if whole is None or whole == (change.before or {}).get("part_of"):
        return ()
    state = await session.scalar(_STATE, {"code": whole})
    if state not in ENDED:
        return ()
    return [_told("part_of", f"{whole!r} 已验收", f"{whole!r} is accepted already")]


_BOOKED = text(
    "SELECT EXISTS (SELECT FROM mine_deposit_entry e WHERE e.mine_id = :row_id)"
    " OR EXISTS (SELECT FROM mine_report r WHERE r.mine_id = :row_id)"
)


async def deleted_unbooked(session: AsyncSession, change: entity.PendingWrite) -> Sequence[Fault]:
    """A mine with money or reports stays."""
    if change.verb != "delete" or not await session.scalar(_BOOKED, {"row_id": change.row_id}):
        return ()
    rule = ("基金台账或年度报告中已有其记录", "its restoration fund or its reports have entries")
    return [Fault("", rule[1], rule[0])]


async def acceptance_taken_back(
    session: AsyncSession, act: Act, change: entity.PendingWrite
) -> Mapping[str, Any]:
    """A mine whose acceptance is withdrawn has neither its day nor its area any more."""
    withdrawn = (change.after or {}).get("state") == "restored"
    if not withdrawn or (change.before or {}).get("state") not in ENDED:
        return {}
    return {"accepted_on": None, "accepted_area_ha": None}


MINES = entity.Entity(
    name="mines",
    title=Label("矿山", "Mines"),
    description=Label(
        "历史遗留与生产矿山及其生态修复进展；未绘制的没有几何。",
        "Legacy and producing mines and how far their restoration is; without shape until drawn.",
    ),
    table="mine",
    alias="mi",
    joins=(
        " LEFT JOIN region r ON r.id = mi.region_id LEFT JOIN party o ON o.id = mi.owner_id"
        " LEFT JOIN plan p ON p.id = mi.plan_id LEFT JOIN problem b ON b.id = mi.problem_id"
        " LEFT JOIN project j ON j.id = mi.project_id LEFT JOIN mine whole"
        " ON whole.id = mi.part_of_id"
    ),
    geometry_type="geometry-multipolygon",
    geometry_column="geom",
    published="true",
    properties=(
        _MINE.code,
        *_MINE.names(),
        _MINE.choice("kind", MINE_KINDS, Label("类型", "Kind"), required=True),
        _MINE.reference("region", "r.code", Label("区域", "Region"), to="regions", required=True),
        _MINE.references(
            "towns", Label("所在镇街", "Towns"), to="regions", table="region", column="town_ids"
        ),
        _MINE.reference("part_of", "whole.code", Label("所属清单项", "Part of"), to="mines"),
        _MINE.queryable("minerals", entity.TEXTS, Label("矿种", "Minerals")),
        _MINE.queryable("hazards", entity.TEXTS, Label("地质环境隐患", "Hazards")),
        _MINE.attribute("minerals_en", entity.TEXTS, Label("矿种（英文）", "Minerals, en")),
        _MINE.attribute("hazards_en", entity.TEXTS, Label("地质环境隐患（英文）", "Hazards, en")),
        _MINE.reference("owner", "o.code", Label("采矿权人或责任人", "Owner"), to="parties"),
        _MINE.queryable("area_ha", columns.POSITIVE, Label("载明面积", "Stated area"), unit="ha"),
        hectares("measured_area_ha", "mi.area_m2", Label("图形面积", "Area of the shape")),
        _MINE.queryable("listed_year", columns.YEAR, Label("清查年份", "Year of the inventory")),
        _MINE.choice("state", MINE_STATES, Label("状态", "State")),
        _MINE.reference("plan", "p.code", Label("规划", "Plan"), to="plans"),
        _MINE.reference("problem", "b.code", Label("对应问题", "Problem"), to="problems").of_some,
        _MINE.reference("project", "j.code", Label("修复项目", "Project"), to="projects").of_some,
        _MINE.queryable("licence", entity.TEXT, Label("采矿许可证号", "Licence")),
        _MINE.queryable("licence_until", entity.DATE, Label("许可证有效期至", "Licence until")),
        _MINE.column("restoration_plan", entity.TEXT, Label("修复方案文号", "Restoration plan")),
        _MINE.queryable("closed_on", entity.DATE, Label("闭坑日期", "Closed on")),
        _MINE.queryable("accepted_on", entity.DATE, Label("验收日期", "Accepted on")),
        _MINE.queryable(
            "accepted_area_ha", columns.POSITIVE, Label("验收面积", "Accepted area"), unit="ha"
        ),
        _MINE.evidence,
        _MINE.source,
        _MINE.details,
        _MINE.fields,
        *_MINE.period,
    ),
    editing=entity.Editing(
        roles=frozenset({Role.PLANNER, Role.OWNER, Role.SUPERVISOR, Role.APPROVER}),
        scopes=frozenset({Scope.PROJECTS, Scope.WRITE}),
        lifecycle=entity.Lifecycle(
            property="state",
            initial="open",
            steps=(
                entity.Step("open", "planned", _PLANNERS),
                entity.Step("planned", "open", _PLANNERS),
                entity.Step("planned", "in_work", _WORKERS),
                entity.Step("in_work", "planned", _PLANNERS),
                entity.Step("in_work", "restored", _WORKERS),
                entity.Step("restored", "in_work", _JUDGES),
                entity.Step("restored", "accepted", _JUDGES),
                entity.Step("accepted", "watched", _JUDGES),
                entity.Step("accepted", "restored", _APPROVER),
                entity.Step("watched", "restored", _APPROVER),
            ),
            settled=ENDED,
        ),
        effects=(acceptance_taken_back,),
        guards=(
            guards.PERIOD,
            guards.no_circle("mine", "part_of_id", "part_of"),
            known_in_full,
            arranged,
            accepted_once,
            part_of_what_is_open,
            deleted_unbooked,
        ),
    ),
)


async def deposit_before_use(session: AsyncSession, change: entity.PendingWrite) -> Sequence[Fault]:
    """Land is used, and stays in use, with its deposit paid in full."""
    after = change.after or {}
    if after.get("state") not in {"deposit_paid", "in_use", "reclaimed"}:
        return ()
    needed = after.get("deposit_required")
    if needed is None:
        rule = ("须先核定应预存的复垦费用", "the deposit must be set before the land is used")
        return [_told("deposit_required", *rule)]
    paid = Decimal(str(after.get("deposit_paid") or 0))
    if paid >= Decimal(str(needed)):
        return ()
    rule = (
        f"已预存 {paid}，应预存 {needed}；足额预存后方可使用",
        f"{paid} is paid of {needed}; the land is used once the deposit is paid in full",
    )
    return [_told("deposit_paid", *rule)]


async def given_back(session: AsyncSession, change: entity.PendingWrite) -> Sequence[Fault]:
    """What is accepted has a land class and is proved; what is forfeited has a reason."""
    state, after = (change.after or {}).get("state"), change.after or {}
    if state == (change.before or {}).get("state") or state not in {"accepted", "forfeited"}:
        return await guards.documents_known(session, change, "/properties")
    if state == "forfeited":
        rule = ("没收复垦费用须说明原因", "a deposit is forfeited for a reason")
        faults = [] if after.get("forfeit_reason") else [_told("forfeit_reason", *rule)]
        return [*faults, *await guards.documents_known(session, change, "/properties")]
    faults = [*await _unproved(session, change)]
    if after.get("land_class_after") is None:
        rule = ("验收须填复垦后地类", "acceptance needs the land class after reclamation")
        faults.append(_told("land_class_after", *rule))
    return faults


async def reclamation_taken_back(
    session: AsyncSession, act: Act, change: entity.PendingWrite
) -> Mapping[str, Any]:
    """Land whose acceptance is withdrawn has no day of acceptance any more."""
    states = ((change.before or {}).get("state"), (change.after or {}).get("state"))
    return {"accepted_on": None} if states == ("accepted", "reclaimed") else {}


_CLASS_OF_LAND = {**entity.TEXT, "minLength": 1, "maxLength": 80}
RECLAMATIONS = entity.Entity(
    name="reclamations",
    title=Label("土地复垦", "Land reclamation"),
    description=Label(
        "临时用地及其复垦：复垦费用预存、使用、复垦、验收或没收。",
        "Land that is used for a time: its deposit, its use, how it is given back and accepted, or"
        " its deposit forfeited.",
    ),
    table="reclamation",
    alias="rc",
    joins=(
        " LEFT JOIN region r ON r.id = rc.region_id LEFT JOIN party o ON o.id = rc.owner_id"
        " LEFT JOIN project j ON j.id = rc.project_id"
    ),
    geometry_type="geometry-multipolygon",
    geometry_column="geom",
    published="true",
    public=_LAND.public,
    signed_in=_LAND.signed_in,
    interval=("rc.start_on", "rc.end_on"),
    properties=(
        _LAND.code,
        *_LAND.names(),
        _LAND.reference("region", "r.code", Label("区域", "Region"), to="regions", required=True),
        _LAND.reference("owner", "o.code", Label("复垦义务人", "Owner"), to="parties"),
        _LAND.reference("project", "j.code", Label("建设项目", "Project"), to="projects").of_some,
        _LAND.choice("state", RECLAMATION_STATES, Label("状态", "State")),
        _LAND.queryable("start_on", entity.DATE, Label("使用起始日", "Use from"), required=True),
        _LAND.queryable("end_on", entity.DATE, Label("使用终止日", "Use until"), required=True),
        _LAND.queryable("area_ha", columns.POSITIVE, Label("载明面积", "Stated area"), unit="ha"),
        hectares("measured_area_ha", "rc.area_m2", Label("图形面积", "Area of the shape")),
        _LAND.queryable(
            "land_class_before",
            _CLASS_OF_LAND,
            Label("使用前地类", "Land class before"),
            required=True,
        ),
        _LAND.queryable(
            "land_class_after", _CLASS_OF_LAND, Label("复垦后地类", "Land class after")
        ),
        _LAND.queryable(
            "deposit_required", entity.MONEY, Label("应预存复垦费用", "Deposit required")
        ),
        _LAND.queryable("deposit_paid", entity.MONEY, Label("已预存复垦费用", "Deposit paid")),
        _LAND.queryable("accepted_on", entity.DATE, Label("验收日期", "Accepted on")),
        _LAND.evidence,
        _LAND.column(
            "forfeit_reason", entity.TEXT, Label("没收原因", "Why the deposit is forfeited")
        ),
        *_LAND.access,
        _LAND.source,
        _LAND.fields,
        *_LAND.period,
    ),
    editing=entity.Editing(
        roles=frozenset({Role.PLANNER, Role.OWNER, Role.SUPERVISOR, Role.APPROVER}),
        scopes=frozenset({Scope.PROJECTS, Scope.WRITE}),
        lifecycle=entity.Lifecycle(
            property="state",
            initial="planned",
            steps=(
                entity.Step("planned", "deposit_paid", _JUDGES),
                entity.Step("deposit_paid", "planned", _JUDGES),
                entity.Step("deposit_paid", "in_use", _WORKERS),
                entity.Step("in_use", "reclaimed", _WORKERS),
                entity.Step("reclaimed", "in_use", _JUDGES),
                entity.Step("reclaimed", "accepted", _JUDGES),
                entity.Step("accepted", "reclaimed", _APPROVER),
                entity.Step("in_use", "forfeited", _APPROVER),
                entity.Step("reclaimed", "forfeited", _APPROVER),
            ),
            settled=frozenset({"accepted", "forfeited"}),
        ),
        effects=(reclamation_taken_back,),
        guards=(
            guards.PERIOD,
            guards.AS_CLASSIFIED,
            guards.in_order("start_on", "end_on", "终止日不得早于起始日"),
            deposit_before_use,
            given_back,
        ),
    ),
)

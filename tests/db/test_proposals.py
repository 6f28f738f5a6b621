"""Proposals below HTTP: carried out once, whole or not at all, about what was there."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from shanhai.db.engine import Sessions
from shanhai.db.identity import Grant, Identity
from shanhai.db.proposals.creation import Wording, create_proposal
from shanhai.db.proposals.subjects import ProposalSubject
from shanhai.db.proposals.transitions import ProposalTransitionRequest, take_step
from shanhai.db.queries.audit import Act
from shanhai.db.tables.access import AuditLog
from shanhai.db.tables.plan import Plan, Proposal, ProposalEvent
from shanhai.db.tables.project import Project
from shanhai.db.tables.zone import ZoneScheme
from shanhai.errors import Conflict, InvalidInput, ShanhaiError
from shanhai.vocabulary import Role, Scope
from tests.support.emptying import forget_rows
from tests.support.feature_rows import add_five_zones, add_scheme, forget_features
from tests.support.job_rows import add_region

SCOPES = frozenset({Scope.READ, Scope.WRITE, Scope.PROJECTS})
PLANNER = Identity("planner", SCOPES, (Grant(Role.PLANNER),))
APPROVER = Identity("approver", SCOPES, (Grant(Role.APPROVER),))
SCHEME = "city.supply_demand"
ZONE = ProposalSubject(scheme=SCHEME, zone=f"{SCHEME}.key_protection")


@pytest.fixture(autouse=True)
async def approved_plan(sessions: Sessions) -> AsyncIterator[None]:
    """Sessions on a database with an approved plan, a project at work and a published zoning."""
    async with sessions.begin() as session:
        await forget_features(session)
        city = await add_region(session, "city", box=(118.0, 24.4, 118.5, 24.5))
        plan = Plan(
            code="plan",
            name_zh="规划",
            name_en="Plan",
            kind="special_plan",
            level="city",
            region_id=city.id,
            first_year=2021,
            status="approved",
        )
        project = Project(
            visibility="public",
            code="quarry",
            name_zh="采石场",
            name_en="Quarry",
            region_id=city.id,
            start_year=2021,
            end_year=2025,
            state="implementation",
        )
        session.add_all([plan, project])
        await add_five_zones(session, await add_scheme(session, city, code=SCHEME))
    yield
    async with sessions.begin() as session:
        await forget_rows(session, ["region"])


async def go(sessions: Sessions, by: Identity, code: str, to: str) -> str:
    async with sessions.begin() as session:
        asked = ProposalTransitionRequest(to, "依据充分")
        row = await take_step(session, code, by, Act(by.owner), asked, expected=None)
        return row.state


async def accepted(sessions: Sessions, subject: ProposalSubject, change: Mapping[str, Any]) -> str:
    async with sessions.begin() as session:
        wording = Wording("修订", "监测未达标", subject, change, ())
        code = (await create_proposal(session, PLANNER, Act("planner"), wording)).code
    await go(sessions, PLANNER, code, "submitted")
    await go(sessions, APPROVER, code, "accepted")
    return code


async def test_of_several_who_carry_it_out_one_does(sessions: Sessions) -> None:
    code = await accepted(sessions, ProposalSubject(plan="plan"), {"name_zh": "新规划"})
    async with asyncio.timeout(20):
        ended = await asyncio.gather(
            *(go(sessions, PLANNER, code, "carried_out") for _ in range(4)), return_exceptions=True
        )
    assert sorted(type(item).__name__ for item in ended) == ["Conflict"] * 3 + ["str"]
    async with sessions() as session:
        plans = (await session.scalars(select(Plan).order_by(Plan.id))).all()
        assert [plan.code for plan in plans] == ["plan", "plan.v2"]
        assert plans[1].supersedes_id == plans[0].id
        row = (await session.scalars(select(Proposal))).one()
        assert (row.base_id, row.made_id) == (plans[0].id, plans[1].id)


async def test_of_two_about_one_object_the_later_is_stale(sessions: Sessions) -> None:
    subject = ProposalSubject(project="quarry")
    first = await accepted(sessions, subject, {"end_year": 2028})
    second = await accepted(sessions, subject, {"end_year": 2030})
    async with asyncio.timeout(20):
        ended = await asyncio.gather(
            *(go(sessions, PLANNER, code, "carried_out") for code in (first, second)),
            return_exceptions=True,
        )
    (refusal,) = [item for item in ended if isinstance(item, Conflict)]
    assert [fault.pointer for fault in refusal.faults] == ["/revises/end_year"]
    async with sessions() as session:
        counted = select(func.count()).where(
            AuditLog.object_table == "project", AuditLog.object_id == "quarry"
        )
        project = (await session.scalars(select(Project))).one()
        assert (project.end_year, project.row_version) in {(2028, 2), (2030, 2)}
        assert await session.scalar(counted.where(AuditLog.action == "update"))


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ("UPDATE zone SET functions = '{x}' WHERE code LIKE '%key_protection'", "functions"),
        (
            "UPDATE zone SET geom = ST_Multi(ST_MakeEnvelope(118, 24.4, 118.05, 24.5, 4490))"
            " WHERE code LIKE '%key_protection'",
            "geometry",
        ),
        ("UPDATE zone_scheme SET version = 2", "version"),
        ("UPDATE zone_scheme SET status = 'superseded', valid_to = current_date", ""),
        ("UPDATE zone SET deleted_at = now() WHERE code LIKE '%key_protection'", ""),
    ],
)
async def test_a_zone_that_changed_since_is_refused(
    sessions: Sessions, change: str, pointer: str
) -> None:
    code = await accepted(sessions, ZONE, {"name_zh": "重点区"})
    async with sessions.begin() as session:
        await session.execute(text(change))
    with pytest.raises(Conflict) as refused:
        await go(sessions, PLANNER, code, "carried_out")
    assert [fault.pointer for fault in refused.value.faults] == [f"/revises/{pointer}".rstrip("/")]
    async with sessions() as session:
        assert await session.scalar(select(func.count(ZoneScheme.id))) == 1


async def test_what_the_writer_refuses_leaves_nothing(sessions: Sessions) -> None:
    # The zone is written after the draft was begun, and its class is of another kind.
    code = await accepted(sessions, ZONE, {"name_zh": "重点区"})
    async with sessions.begin() as session:
        await session.execute(
            text("UPDATE proposal SET change = jsonb_build_object('zone_class', 'none')")
        )
    with pytest.raises(ShanhaiError):
        await go(sessions, PLANNER, code, "carried_out")
    async with sessions() as session:
        assert await session.scalar(select(func.count(ZoneScheme.id))) == 1
        row = (await session.scalars(select(Proposal))).one()
        assert (row.state, row.made_id) == ("accepted", None)


async def test_a_changed_shape_is_proposed_and_kept_apart(sessions: Sessions) -> None:
    ring = [[118.1, 24.4], [118.15, 24.4], [118.15, 24.5], [118.1, 24.5], [118.1, 24.4]]
    shape = {"type": "MultiPolygon", "coordinates": [[ring]]}
    code = await accepted(sessions, ZONE, {"geometry": shape})
    assert await go(sessions, PLANNER, code, "carried_out") == "carried_out"
    query = text(
        "SELECT round((ST_XMax(z.geom) - ST_XMin(z.geom))::numeric, 3) FROM zone z"
        " JOIN zone_scheme s ON s.id = z.scheme_id WHERE z.code LIKE '%key_protection'"
        " ORDER BY s.version"
    )
    async with sessions() as session:
        widths = [float(width) for width in await session.scalars(query)]
        fields = (await session.scalars(select(Proposal.fields))).one()
    assert widths == [0.1, 0.05]
    assert [field["field"] for field in fields] == ["geometry"]


async def test_the_shape_there_is_already_is_no_change(sessions: Sessions) -> None:
    point = {"type": "Point", "coordinates": [118.02, 24.42]}
    quarry = ProposalSubject(project="quarry")
    with pytest.raises(InvalidInput, match="changes nothing"):
        await accepted(sessions, quarry, {"geometry": None})
    async with sessions.begin() as session:
        await session.execute(
            text("UPDATE project SET geom = ST_SetSRID(ST_MakePoint(118.02, 24.42), 4490)")
        )
    with pytest.raises(InvalidInput, match="changes nothing"):
        await accepted(sessions, quarry, {"geometry": point})


@pytest.mark.parametrize(
    "change", ["UPDATE proposal_event SET reason = 'x'", "DELETE FROM proposal_event"]
)
async def test_what_happened_stays(sessions: Sessions, change: str) -> None:
    await accepted(sessions, ProposalSubject(project="quarry"), {"end_year": 2028})
    async with sessions() as session:
        steps = await session.scalars(select(ProposalEvent.to_state).order_by(ProposalEvent.seq))
        assert list(steps) == ["draft", "submitted", "accepted"]
        with pytest.raises(DBAPIError, match="append-only"):
            await session.execute(text(change))

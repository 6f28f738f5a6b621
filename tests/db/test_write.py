"""Writing by declaration on PostGIS: who may, from which state; and nothing is half-written."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.catalogue import entity_named
from shanhai.db.engine import Sessions
from shanhai.db.features import write
from shanhai.db.features.entity import Entity
from shanhai.db.features.input_validation import Draft, read_draft
from shanhai.db.features.write import ANY_TERMS, WriteResult, WriteTarget, WriteTerms, state_tag
from shanhai.db.identity import Grant, Identity
from shanhai.db.queries.audit import Act
from shanhai.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    ShanhaiError,
    Stale,
    Unauthenticated,
)
from shanhai.vocabulary import Role, Scope

REGIONS, PLANS, AREAS = map(entity_named, ("regions", "plans", "control_areas"))
ADMIN = Identity("admin", frozenset({Scope.ADMIN}))
WRITER = Identity("key:writer", frozenset({Scope.READ, Scope.WRITE}))
NOBODY = Identity("anonymous", frozenset({Scope.READ}))
ACT = Act("tester", "request-1")
REGION: dict[str, Any] = {"name_zh": "区", "name_en": "Region", "level": "district"}
PLAN: dict[str, Any] = {
    "name_zh": "规划",
    "name_en": "Plan",
    "kind": "plan",
    "level": "city",
    "period_start": 2021,
}
AREA: dict[str, Any] = {"name_zh": "线", "name_en": "Line", "kind": "red_line"}
SQUARE = [[118.0, 24.4], [118.1, 24.4], [118.1, 24.5], [118.0, 24.5], [118.0, 24.4]]

pytestmark = pytest.mark.usefixtures("without_features")


async def draft_of(entity: Entity, *, whole: bool = True, **properties: Any) -> Draft:
    body: dict[str, Any] = {"type": "Feature", "properties": properties}
    if whole:
        body["geometry"] = None
    return await read_draft(entity, body, whole=whole)


async def make(
    sessions: Sessions, entity: Entity, identity: Identity = ADMIN, **properties: Any
) -> WriteResult:
    async with sessions.begin() as session:
        draft = await draft_of(entity, **properties)
        return await write.create(session, entity, identity, ACT, draft)


async def change(
    sessions: Sessions,
    entity: Entity,
    code: str,
    identity: Identity = ADMIN,
    *,
    terms: WriteTerms = ANY_TERMS,
    **properties: Any,
) -> WriteResult:
    async with sessions.begin() as session:
        draft = await draft_of(entity, whole=False, **properties)
        return await write.update(
            session, entity, identity, ACT, WriteTarget(code), draft, terms=terms
        )


async def remove(sessions: Sessions, entity: Entity, code: str, identity: Identity = ADMIN) -> None:
    async with sessions.begin() as session:
        await write.remove(session, entity, identity, ACT, WriteTarget(code))


async def count(sessions: Sessions, table: str) -> int:
    async with sessions() as session:
        return int(await session.scalar(text(f"SELECT count(*) FROM {table}")) or 0)


def planner(*regions: int, roles: tuple[Role, ...] = (Role.PLANNER,)) -> Identity:
    grants = tuple(Grant(role, frozenset(regions)) for role in roles)
    return Identity("planner", frozenset({Scope.READ, Scope.WRITE}), grants)


class TestRights:
    async def test_scope_comes_before_everything(self, sessions: Sessions) -> None:
        with pytest.raises(Unauthenticated):
            await make(sessions, REGIONS, NOBODY, **REGION)
        reader = Identity("reader", frozenset({Scope.READ}))
        with pytest.raises(Forbidden):
            await make(sessions, REGIONS, reader, **REGION)
        assert await count(sessions, "region") == 0

    async def test_a_key_without_roles_acts_in_all_its_scopes_allow(
        self, sessions: Sessions
    ) -> None:
        assert (await make(sessions, REGIONS, WRITER, **REGION)).changed

    async def test_a_role_holds_for_its_region_before_and_after(self, sessions: Sessions) -> None:
        here = (await make(sessions, REGIONS, **REGION, code="here")).row_id
        await make(sessions, REGIONS, **REGION, code="there")
        local = planner(here)
        await make(sessions, PLANS, local, **PLAN, code="own", region="here")
        with pytest.raises(Forbidden):
            await make(sessions, PLANS, local, **PLAN, code="foreign", region="there")
        with pytest.raises(Forbidden):
            await change(sessions, PLANS, "own", local, region="there")
        await make(sessions, PLANS, **PLAN, code="foreign", region="there")
        with pytest.raises(NotFound):
            await change(sessions, PLANS, "foreign", local, name_en="Mine")

    async def test_a_new_region_is_judged_by_the_one_it_lies_in(self, sessions: Sessions) -> None:
        here = (await make(sessions, REGIONS, **REGION, code="here")).row_id
        await make(sessions, REGIONS, planner(here), **REGION, code="below", parent="here")
        with pytest.raises(Forbidden):
            await make(sessions, REGIONS, planner(here), **REGION, code="beside")
        assert await count(sessions, "region") == 2

    async def test_who_sees_but_may_not_write_is_told_so(self, sessions: Sessions) -> None:
        here = (await make(sessions, REGIONS, **REGION, code="here")).row_id
        await make(sessions, PLANS, **PLAN, code="own", region="here")
        auditor = planner(here, roles=(Role.AUDITOR,))
        with pytest.raises(Forbidden):
            await change(sessions, PLANS, "own", auditor, name_en="Mine")


class TestLifecycle:
    async def test_steps_have_their_roles_and_others_do_not_exist(self, sessions: Sessions) -> None:
        here = (await make(sessions, REGIONS, **REGION, code="here")).row_id
        await make(sessions, PLANS, **PLAN, code="own", region="here")
        with pytest.raises(Conflict, match="no step from 'draft' to 'approved'"):
            await change(sessions, PLANS, "own", status="approved")
        await change(sessions, PLANS, "own", planner(here), status="submitted")
        with pytest.raises(Forbidden):
            await change(sessions, PLANS, "own", planner(here), status="approved")
        approver = planner(here, roles=(Role.APPROVER,))
        with pytest.raises(Forbidden):
            await change(sessions, PLANS, "own", approver, name_en="Mine", status="approved")
        await change(sessions, PLANS, "own", approver, status="approved")
        with pytest.raises(Conflict, match="cannot be changed"):
            await change(sessions, PLANS, "own", name_en="Other")
        with pytest.raises(Conflict, match="cannot be changed"):
            await remove(sessions, PLANS, "own")

    async def test_a_new_one_begins_at_the_beginning(self, sessions: Sessions) -> None:
        with pytest.raises(InvalidInput, match="begins as 'draft'"):
            await make(sessions, PLANS, **PLAN, status="approved")
        async with sessions.begin() as session:
            draft = await draft_of(PLANS, **PLAN, code="given", status="approved")
            terms = WriteTerms(as_given=True)
            await write.create(session, PLANS, ADMIN, ACT, draft, terms=terms)
        with pytest.raises(Conflict):
            await change(sessions, PLANS, "given", name_en="Other")

    async def test_a_guard_refuses_with_its_rule(self, sessions: Sessions) -> None:
        await make(sessions, PLANS, **PLAN, code="upper")
        await make(sessions, PLANS, **PLAN, code="lower", upper_plan="upper")
        await change(sessions, PLANS, "lower", status="submitted")
        with pytest.raises(Conflict) as caught:
            await change(sessions, PLANS, "lower", status="approved")
        assert caught.value.faults[0].pointer == "/properties/status"


class TestReferences:
    async def test_unknown_codes_are_refused_where_they_stand(self, sessions: Sessions) -> None:
        with pytest.raises(InvalidInput) as caught:
            await make(sessions, PLANS, **PLAN, region="nowhere", upper_plan="none")
        assert [fault.pointer for fault in caught.value.faults] == [
            "/properties/region",
            "/properties/upper_plan",
        ]

    async def test_what_others_refer_to_is_not_deleted(self, sessions: Sessions) -> None:
        await make(sessions, REGIONS, **REGION, code="here")
        await make(sessions, PLANS, **PLAN, code="plan-here", region="here")
        with pytest.raises(Conflict, match="plans/plan-here"):
            await remove(sessions, REGIONS, "here")
        await remove(sessions, PLANS, "plan-here")
        await remove(sessions, REGIONS, "here")

    async def test_nothing_begins_to_refer_to_what_is_being_deleted(
        self, sessions: Sessions
    ) -> None:
        await make(sessions, REGIONS, **REGION, code="here")
        async with sessions.begin() as session:
            await write.remove(session, REGIONS, ADMIN, ACT, WriteTarget("here"))
            waiting = asyncio.create_task(make(sessions, PLANS, **PLAN, region="here"))
            await asyncio.sleep(0.2)
            assert not waiting.done()
        with pytest.raises(InvalidInput, match="there is no 'here'"):
            await waiting


class TestStates:
    async def test_a_stale_state_is_refused_and_its_own_taken(self, sessions: Sessions) -> None:
        made = await make(sessions, REGIONS, **REGION, code="here")
        terms = WriteTerms(frozenset({state_tag(made.row_id, made.row_version)}))
        changed = await change(sessions, REGIONS, "here", terms=terms, name_en="Other")
        assert changed.row_version == made.row_version + 1
        with pytest.raises(Stale):
            await change(sessions, REGIONS, "here", terms=terms, name_en="Third")

    async def test_of_two_writers_one_comes_too_late(self, sessions: Sessions) -> None:
        made = await make(sessions, REGIONS, **REGION, code="here")
        terms = WriteTerms(frozenset({state_tag(made.row_id, made.row_version)}))
        writers = (
            change(sessions, REGIONS, "here", terms=terms, name_en=f"Writer {number}")
            for number in range(5)
        )
        found = await asyncio.gather(*writers, return_exceptions=True)
        assert sum(isinstance(item, WriteResult) for item in found) == 1
        assert sum(isinstance(item, Stale) for item in found) == 4

    async def test_of_two_that_take_a_code_one_does(self, sessions: Sessions) -> None:
        makers = (make(sessions, REGIONS, **REGION, code="here") for _ in range(4))
        found = await asyncio.gather(*makers, return_exceptions=True)
        assert sum(isinstance(item, WriteResult) for item in found) == 1
        assert sum(isinstance(item, Conflict) for item in found) == 3
        assert await count(sessions, "region") == 1

    async def test_what_is_as_wanted_is_left_alone(self, sessions: Sessions) -> None:
        await make(sessions, REGIONS, **REGION, code="here")
        entries = await count(sessions, "audit_log")
        assert not (await change(sessions, REGIONS, "here", name_en="Region")).changed
        assert await count(sessions, "region_history") == 0
        assert await count(sessions, "audit_log") == entries

    async def test_history_is_not_rewritten(self, sessions: Sessions) -> None:
        await make(sessions, REGIONS, **REGION, code="here", valid_from="2020-01-01")
        with pytest.raises(InvalidInput, match="2020-01-01"):
            await change(sessions, REGIONS, "here", name_en="Old", valid_from="2019-01-01")
        await change(sessions, REGIONS, "here", name_en="Newer", valid_from="2022-01-01")
        async with sessions() as session:
            query = "SELECT valid_from::text, valid_to::text FROM region_history"
            former = (await session.execute(text(query))).all()
        assert [tuple(row) for row in former] == [("2020-01-01", "2022-01-01")]

    async def test_what_has_ended_is_corrected_where_it_stands(self, sessions: Sessions) -> None:
        period: dict[str, Any] = {"valid_from": "2000-01-01", "valid_to": "2010-01-01"}
        made = await make(sessions, REGIONS, **REGION, code="old", **period)
        async with sessions.begin() as session:
            draft = await draft_of(REGIONS, whole=False, name_en="Corrected")
            target = WriteTarget("old", row_id=made.row_id)
            await write.update(session, REGIONS, ADMIN, ACT, target, draft)
            row = await session.execute(text("SELECT valid_from::text, valid_to::text FROM region"))
            assert tuple(row.one()) == ("2000-01-01", "2010-01-01")


async def test_attributes_nobody_declared_stay(sessions: Sessions) -> None:
    await make(sessions, REGIONS, **REGION, code="here", adcode="350200")
    async with sessions.begin() as session:
        await session.execute(text("""UPDATE region SET attrs = attrs || '{"own": [1]}'"""))
    async with sessions.begin() as session:
        draft = await draft_of(REGIONS, **REGION, licence="CC0")
        await write.update(session, REGIONS, ADMIN, ACT, WriteTarget("here"), draft, whole=True)
        attrs = await session.scalar(text("SELECT attrs FROM region"))
    assert attrs == {"own": [1], "licence": "CC0"}


async def test_each_write_leaves_one_entry_with_both_images(sessions: Sessions) -> None:
    async with sessions.begin() as session:
        body: dict[str, Any] = {
            "type": "Feature",
            "geometry": {"type": "Polygon", "coordinates": [SQUARE]},
            "properties": {**REGION, "code": "audited"},
        }
        draft = await read_draft(REGIONS, body, whole=True)
        await write.create(session, REGIONS, ADMIN, ACT, draft)
    await change(sessions, REGIONS, "audited", name_en="Other")
    await remove(sessions, REGIONS, "audited")
    async with sessions() as session:
        query = (
            "SELECT action, before->>'name_en' AS before, after->>'name_en' AS after,"
            " coalesce(after, before)->'geometry'->>'type' AS kind FROM audit_log"
            " WHERE object_table = 'region' AND object_id = 'audited' ORDER BY id"
        )
        found = [tuple(row) for row in await session.execute(text(query))]
    assert found == [
        ("create", None, "Region", "MultiPolygon"),
        ("update", "Region", "Other", "MultiPolygon"),
        ("delete", "Other", None, "MultiPolygon"),
    ]


async def test_nothing_is_left_of_a_write_that_is_cut_off(sessions: Sessions) -> None:
    """The connection is ended between the statements of a write, after the row was stored."""
    await make(sessions, REGIONS, **REGION, code="here")
    before = [await count(sessions, name) for name in ("region_history", "audit_log")]

    async def cut_off(session: AsyncSession) -> None:
        async with session.begin():
            draft = await draft_of(REGIONS, whole=False, name_en="Half")
            await write.update(session, REGIONS, ADMIN, ACT, WriteTarget("here"), draft)
            own = await session.scalar(text("SELECT pg_backend_pid()"))
            async with sessions() as other:
                await other.execute(text("SELECT pg_terminate_backend(:own)"), {"own": own})
            await session.execute(text("SELECT 1"))

    async with sessions() as session:
        with pytest.raises(DBAPIError):
            await cut_off(session)
    async with sessions() as session:
        assert await session.scalar(text("SELECT name_en FROM region")) == "Region"
    assert before == [await count(sessions, name) for name in ("region_history", "audit_log")]


async def test_rules_of_the_tables_are_told(sessions: Sessions) -> None:
    await make(sessions, REGIONS, **REGION, code="here")
    with pytest.raises(ShanhaiError) as caught:
        await make(sessions, REGIONS, **REGION, valid_from="2021-01-01", valid_to="2020-01-01")
    assert isinstance(caught.value, InvalidInput)
    with pytest.raises(InvalidInput):
        await make(sessions, AREAS, **AREA, region="here", approved_area_km2=-1)

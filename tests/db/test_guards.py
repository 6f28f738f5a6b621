"""Rules of single entities: what a write may not do although it is well formed."""

from datetime import date
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.catalogue import entity_named
from shanhai.db.features.input_validation import read_draft
from shanhai.db.features.write import WriteTarget, create, remove, update
from shanhai.db.identity import Identity
from shanhai.db.queries.audit import Act
from shanhai.db.tables.zone import Region
from shanhai.db.zoning.schemes import measure_topology
from shanhai.errors import Conflict, InvalidInput
from shanhai.vocabulary import Scope
from tests.support.feature_rows import add_five_zones, add_scheme, add_zone

ACT = Act("tester")
WRITER = Identity("tester", frozenset({Scope.WRITE, Scope.PROJECTS}))


def body_of(name: str, members: dict[str, Any], *, whole: bool) -> dict[str, Any]:
    if entity_named(name).path is not None:
        return members
    geometry = {"geometry": None} if whole else {}
    return {"type": "Feature", "properties": members, **geometry}


async def put(session: AsyncSession, name: str, code: str, **members: Any) -> None:
    entity = entity_named(name)
    body = body_of(name, {"code": code, **members}, whole=True)
    await create(session, entity, WRITER, ACT, await read_draft(entity, body, whole=True))


async def patch(session: AsyncSession, name: str, code: str, **members: Any) -> None:
    entity = entity_named(name)
    draft = await read_draft(entity, body_of(name, members, whole=False), whole=False)
    await update(session, entity, WRITER, ACT, WriteTarget(code), draft)


def named(code: str) -> dict[str, str]:
    return {"name_zh": f"名 {code}", "name_en": code}


async def put_plan(session: AsyncSession, code: str, **members: Any) -> None:
    given = {"kind": "restoration", "level": "city", "region": "city", "period_start": 2021}
    await put(session, "plans", code, **named(code), **{**given, **members})


def faults_of(error: pytest.ExceptionInfo[Any]) -> list[str]:
    return [fault.pointer for fault in error.value.faults]


class TestRegions:
    @pytest.mark.parametrize("epsg", [1025, 4490, 4326, 5773, 2225, 32767])
    async def test_they_are_measured_in_a_projection_in_metres(
        self, session: AsyncSession, epsg: int
    ) -> None:
        place = {**named("place"), "level": "district"}
        with pytest.raises(InvalidInput) as refused:
            await put(session, "regions", "place", **place, metric_epsg=epsg)
        assert faults_of(refused) == ["/properties/metric_epsg"]
        await put(session, "regions", "place", **place, metric_epsg=4548)


class TestPlans:
    async def test_the_upper_plan_comes_first(self, session: AsyncSession, city: Region) -> None:
        await put_plan(session, "upper")
        await put_plan(session, "lower", upper_plan="upper")
        await patch(session, "plans", "lower", status="submitted")
        with pytest.raises(Conflict, match="'upper' is draft"):
            await patch(session, "plans", "lower", status="approved")
        for code in ("upper", "lower"):
            if code == "upper":
                await patch(session, "plans", code, status="submitted")
            await patch(session, "plans", code, status="approved")

    async def test_no_plan_lies_above_itself(self, session: AsyncSession, city: Region) -> None:
        await put_plan(session, "a")
        await put_plan(session, "b", upper_plan="a")
        with pytest.raises(Conflict, match="lies below this one") as caught:
            await patch(session, "plans", "a", upper_plan="b")
        assert faults_of(caught) == ["/properties/upper_plan"]

    async def test_years_are_in_order(self, session: AsyncSession, city: Region) -> None:
        with pytest.raises(InvalidInput) as caught:
            await put_plan(session, "a", period_end=2020)
        assert faults_of(caught) == ["/properties/period_end"]

    async def test_an_approved_plan_stays_as_it_is(
        self, session: AsyncSession, city: Region
    ) -> None:
        await put_plan(session, "a")
        for status in ("submitted", "approved"):
            await patch(session, "plans", "a", status=status)
        with pytest.raises(Conflict):
            await patch(session, "plans", "a", name_en="Other")
        with pytest.raises(Conflict, match="to 'draft'"):
            await patch(session, "plans", "a", status="draft")


class TestSchemes:
    async def approve(self, session: AsyncSession, code: str) -> None:
        for status in ("review", "approved"):
            await patch(session, "zone_schemes", code, status=status)

    async def test_what_is_published_covers_its_region(
        self, session: AsyncSession, city: Region
    ) -> None:
        scheme = await add_scheme(session, city, status="draft")
        await add_zone(session, scheme, "key_protection", (118.0, 24.4, 118.4, 24.5))
        await self.approve(session, scheme.code)
        with pytest.raises(Conflict, match=r"20\.00 % of the region") as caught:
            await patch(session, "zone_schemes", scheme.code, status="published")
        assert faults_of(caught) == ["/properties/gap_reason"]
        assert "须填写空缺说明" in str(caught.value.message_zh)
        await patch(session, "zone_schemes", scheme.code, gap_reason="sea", status="published")

    @pytest.mark.parametrize("inside", [0.0, 0.3])
    async def test_what_lies_beyond_the_region_covers_nothing_of_it(
        self, session: AsyncSession, city: Region, inside: float
    ) -> None:
        scheme = await add_scheme(session, city, status="draft")
        bounds = (118.0 + inside - 0.5, 24.4, 118.0 + inside, 24.5)
        await add_zone(session, scheme, "key_protection", bounds)
        await self.approve(session, scheme.code)
        topology = await measure_topology(session, scheme.id)
        told = f"{100 * (1 - inside / 0.5):.2f} %"
        assert f"{topology.gap_percent:.2f} %" == told
        with pytest.raises(Conflict, match=told) as caught:
            await patch(session, "zone_schemes", scheme.code, status="published")
        assert faults_of(caught) == ["/properties/gap_reason"]

    @pytest.mark.parametrize(("metres", "refused"), [(0.9, False), (1.1, True)])
    async def test_zones_of_one_in_review_share_no_square_metre(
        self, session: AsyncSession, city: Region, metres: float, refused: bool
    ) -> None:
        scheme = await add_scheme(session, city, status="draft")
        await add_zone(session, scheme, "key_protection", (118.0, 24.4, 118.1, 24.5))
        # A strip 11.08 km high; at its latitude a degree is 101 436 m wide.
        beyond = metres / 11_076 / 101_436
        await add_zone(session, scheme, "strict_protection", (118.1 - beyond, 24.4, 118.2, 24.5))
        topology = await measure_topology(session, scheme.id)
        assert topology.overlap_m2 == (pytest.approx(metres, rel=0.02) if refused else 0)
        if refused:
            with pytest.raises(Conflict):
                await patch(session, "zone_schemes", scheme.code, status="review")
        else:
            await patch(session, "zone_schemes", scheme.code, status="review")

    async def test_five_zones_cover_it(self, session: AsyncSession, city: Region) -> None:
        scheme = await add_scheme(session, city, status="draft")
        await add_five_zones(session, scheme)
        await self.approve(session, scheme.code)
        await patch(session, "zone_schemes", scheme.code, status="published")

    async def test_publishing_closes_the_one_in_force(
        self, session: AsyncSession, city: Region
    ) -> None:
        former = await add_scheme(session, city, code="first")
        other = await add_scheme(
            session, city, code="second", status="draft", valid=(date(2025, 3, 1), None)
        )
        await self.approve(session, other.code)
        await patch(session, "zone_schemes", "second", status="published", gap_reason="x")
        await session.refresh(former)
        assert (former.status, former.valid_to) == ("superseded", date(2025, 3, 1))

    async def test_nothing_is_published_before_what_follows_it(
        self, session: AsyncSession, city: Region
    ) -> None:
        await add_scheme(session, city, code="first", valid=(date(2025, 1, 1), None))
        other = await add_scheme(
            session, city, code="second", status="draft", valid=(date(2024, 1, 1), None)
        )
        await self.approve(session, other.code)
        with pytest.raises(Conflict, match="'first' version 1"):
            await patch(session, "zone_schemes", "second", status="published", gap_reason="x")

    async def test_a_published_one_is_valid_from_today_unless_it_says(
        self, session: AsyncSession, city: Region
    ) -> None:
        scheme = await add_scheme(session, city, code="open", status="approved", valid=(None, None))
        await patch(session, "zone_schemes", "open", status="published", gap_reason="x")
        await session.refresh(scheme)
        assert scheme.valid_from == await session.scalar(text("SELECT current_date"))

    async def test_nobody_draws_what_counts_as_computed(
        self, session: AsyncSession, city: Region
    ) -> None:
        with pytest.raises(InvalidInput) as caught:
            await put(
                session,
                "zone_schemes",
                "s",
                **named("s"),
                region="city",
                kind="supply_demand",
                origin="computed",
            )
        assert faults_of(caught) == ["/properties/origin"]


class TestZones:
    async def test_zones_are_written_in_drafts_only(
        self, session: AsyncSession, city: Region
    ) -> None:
        scheme = await add_scheme(session, city, code="s", status="review")
        zone = await add_zone(session, scheme, "key_protection", None)
        key = "supply_demand.key_protection"
        with pytest.raises(Conflict, match="the scheme is review"):
            await put(session, "zones", "z", scheme="s", zone_class=key)
        with pytest.raises(Conflict, match="the scheme is review"):
            await patch(session, "zones", zone.code, name_en="Other")
        with pytest.raises(Conflict, match="the scheme is review"):
            await remove(session, entity_named("zones"), WRITER, ACT, WriteTarget(zone.code))
        await patch(session, "zone_schemes", "s", status="draft")
        await put(session, "zones", "z", scheme="s", zone_class=key)

    async def test_classes_are_those_of_the_scheme(
        self, session: AsyncSession, city: Region
    ) -> None:
        await add_scheme(session, city, code="s", status="draft")
        await put(
            session,
            "zone_classes",
            "other.one",
            **named("one"),
            scheme_kind="other",
            class_code="one",
            value=1,
        )
        with pytest.raises(InvalidInput) as caught:
            await put(session, "zones", "z", scheme="s", zone_class="other.one")
        assert faults_of(caught) == ["/properties/zone_class"]


class TestProjects:
    async def put_project(self, session: AsyncSession, **members: Any) -> None:
        given = {"region": "city", "start_year": 2024, "end_year": 2026, **members}
        await put(session, "projects", "p", **named("p"), **given)

    async def test_the_state_is_not_written(self, session: AsyncSession, city: Region) -> None:
        await self.put_project(session, state="approved")
        assert await session.scalar(text("SELECT state FROM project")) == "draft"

    async def test_years_are_in_order(self, session: AsyncSession, city: Region) -> None:
        with pytest.raises(InvalidInput) as caught:
            await self.put_project(session, end_year=2023)
        assert faults_of(caught) == ["/properties/end_year"]

    async def test_an_accepted_one_is_not_deleted(
        self, session: AsyncSession, city: Region
    ) -> None:
        await self.put_project(session)
        await session.execute(text("UPDATE project SET state = 'design'"))
        projects, target = entity_named("projects"), WriteTarget("p")
        with pytest.raises(Conflict, match="cancel it instead"):
            await remove(session, projects, WRITER, ACT, target)
        await session.execute(text("UPDATE project SET state = 'cancelled'"))
        await remove(session, projects, WRITER, ACT, target)


async def test_no_period_ends_before_it_begins(session: AsyncSession, city: Region) -> None:
    with pytest.raises(InvalidInput) as caught:
        await put(
            session,
            "stations",
            "s",
            **named("s"),
            kind="land",
            valid_from="2025-01-02",
            valid_to="2025-01-01",
        )
    assert faults_of(caught) == ["/properties/valid_to"]


async def test_nodes_name_corridors(session: AsyncSession, city: Region) -> None:
    given = {"region": "city", "kind": "pinch_point"}
    with pytest.raises(InvalidInput, match="no 'a'"):
        await put(session, "corridor_nodes", "n", **given, corridors=["a"])
    await put(session, "corridors", "a", **named("a"), region="city", type="river")
    await put(session, "corridor_nodes", "n", **given, corridors=["a"])
    with pytest.raises(Conflict, match="corridor_nodes/n"):
        await remove(session, entity_named("corridors"), WRITER, ACT, WriteTarget("a"))

"""Checks where lines, zonings, classes or rules are not known: never a pass, and each is named."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.compliance import CheckRequest, CheckResult, check_geometry, check_project
from shanhai.db.compliance.check import digest_of
from shanhai.db.compliance.intersections import Given
from shanhai.db.identity import EVERYTHING
from shanhai.db.queries.audit import Act
from shanhai.db.seeds.load import put_default_rules, seed_cities
from shanhai.db.tables.control import ComplianceException, ControlArea, ControlRule
from shanhai.db.tables.project import Project, ProjectMeasure
from shanhai.db.tables.zone import Region
from shanhai.errors import InvalidInput
from tests.support.feature_rows import add_five_zones, add_scheme, add_zone
from tests.support.job_rows import add_region
from tests.support.known_lines import register_lines

ACT = Act("tester")
WIDE = (117.9, 24.3, 118.9, 24.9)
SITE = shapely.box(118.02, 24.42, 118.04, 24.44)
PARIS = shapely.box(2.3, 48.8, 2.4, 48.9)


@pytest.fixture
async def unregistered_city(session: AsyncSession) -> Region:
    """A city with the default rules, and no line registered."""
    await put_default_rules(session, ACT)
    return await add_region(session, "city", box=WIDE)


async def put_line(
    session: AsyncSession,
    region: Region,
    geometry: BaseGeometry | None = None,
    kind: str = "red_line",
    **values: Any,
) -> ControlArea:
    """A published line, drawn or not."""
    row = ControlArea(
        **{
            "visibility": "public",
            "code": f"{region.code}.{kind}-{len(str(geometry))}",
            "name_zh": "线",
            "name_en": "Line",
            "kind": kind,
            "status": "published",
            "valid_from": date(2020, 1, 1),
            **values,
        },
        region_id=region.id,
        geom=None if geometry is None else f"SRID=4490;{geometry.wkt}",
    )
    session.add(row)
    await session.flush()
    return row


async def check(
    session: AsyncSession, *activities: str, geometry: BaseGeometry = SITE, **asked: Any
) -> CheckResult:
    return await check_geometry(
        session, EVERYTHING, Given(geometry.wkb), CheckRequest(activities, **asked)
    )


def codes(result: CheckResult) -> list[str]:
    return [gap.code for gap in result.gaps]


@pytest.mark.parametrize("activity", ["mining", "sea_reclamation", "urban_construction"])
async def test_lines_of_the_plan_that_nobody_drew_let_nothing_pass(
    session: AsyncSession, activity: str
) -> None:
    await seed_cities(session, ["banan"], [], act=ACT)
    await put_default_rules(session, ACT)
    await session.execute(
        text(
            "UPDATE region SET geom = ST_Multi(ST_MakeEnvelope(106.4, 29.1, 107, 29.8, 4490))"
            " WHERE code = 'banan'"
        )
    )
    result = await check(session, activity, geometry=shapely.box(106.5, 29.4, 106.51, 29.41))
    assert result.verdict == "undetermined"
    red = next(gap for gap in result.gaps if gap.code == "not_drawn:red_line:banan")
    assert (red.region, red.approved_km2, red.areas) == ("banan", 142.4, ("banan.red-line",))
    assert red.text.en == "Ecological red line of Banan, 142.4 km² approved, not drawn"
    assert red.text.zh == "巴南区生态保护红线：批准面积 142.4 平方公里，未绘制"
    if activity == "mining":
        told = {gap.subject: gap.approved_km2 for gap in result.gaps}
        assert told["permanent_basic_farmland"] == 301.09
        assert told["cultivated_land"] == 436.66
        assert any("142.4" in reason.zh for reason in result.reasons)


async def test_a_region_that_is_named_needs_no_shape(session: AsyncSession) -> None:
    await put_default_rules(session, ACT)
    undrawn = await add_region(session, "undrawn", box=None)
    await put_line(session, undrawn, approved_area_km2=Decimal("142.4"))
    result = await check(session, "mining", geometry=PARIS, region="undrawn")
    assert result.verdict == "undetermined"
    assert "not_drawn:red_line:undrawn" in codes(result)


async def test_a_place_outside_every_region_is_refused_as_input(
    session: AsyncSession, unregistered_city: Region
) -> None:
    await add_region(session, "other", box=(119.5, 24.3, 119.9, 24.9))
    with pytest.raises(InvalidInput) as refused:
        await check(session, "mining", geometry=shapely.box(120.5, 24.5, 120.6, 24.6))
    (fault,) = refused.value.faults
    assert fault.pointer == "/inputs/geometry"
    assert "Region other (other), 61 km" in fault.detail
    assert fault.detail.index("(other)") < fault.detail.index("(city)")
    assert "区域 other（other）" in (fault.detail_zh or "")
    with pytest.raises(InvalidInput):
        await check(session, "mining", geometry=PARIS, region="city")


async def test_while_no_region_has_a_shape_each_may_hold_the_place(session: AsyncSession) -> None:
    await seed_cities(session, ["banan"], [], act=ACT)
    await put_default_rules(session, ACT)
    await session.execute(text("UPDATE region SET geom = NULL"))
    place = shapely.Point(106.6, 29.4)
    result = await check(session, "mining", geometry=place)
    assert result.verdict == "undetermined"
    assert {"beyond_regions", "not_drawn:red_line:banan"} <= set(codes(result))
    beyond = next(gap for gap in result.gaps if gap.code == "beyond_regions")
    assert "no region has a shape" in beyond.text.en
    named = await check(session, "mining", geometry=place, region="banan")
    assert "beyond_regions" not in codes(named)


async def test_nothing_registered_is_not_nothing_there(
    session: AsyncSession, unregistered_city: Region
) -> None:
    before = await check(session, "mining")
    assert before.verdict == "undetermined"
    assert {"not_registered:red_line:city", "not_registered:island:city"} <= set(codes(before))
    assert not any(gap.subject == "habitat" for gap in before.gaps), "no rule could bind there"
    farming = await check(session, "farming")
    assert "not_registered:island:city" not in codes(farming), "no rule on islands speaks of it"
    await register_lines(session, unregistered_city)
    after = await check(session, "mining")
    assert (after.verdict, after.gaps) == ("pass", ())


async def test_drafts_and_lines_of_other_days_are_not_known(
    session: AsyncSession, unregistered_city: Region
) -> None:
    await register_lines(session, unregistered_city, but=("red_line",))
    draft = await put_line(session, unregistered_city, approved_area_km2=0, status="draft")
    assert codes(await check(session, "mining")) == ["not_registered:red_line:city"]
    draft.status = "published"
    await session.flush()
    assert (await check(session, "mining")).verdict == "pass"
    past = await check(session, "mining", as_of=date(2019, 1, 1))
    assert past.verdict == "undetermined"


async def test_the_line_may_be_held_above_or_in_a_part_nobody_drew(
    session: AsyncSession, unregistered_city: Region
) -> None:
    district = await add_region(session, "district", level="district", parent=unregistered_city)
    await register_lines(session, unregistered_city, but=("red_line", "wetland"))
    await put_line(session, unregistered_city, approved_area_km2=288)
    await put_line(session, unregistered_city, kind="wetland", approved_area_km2=0)
    result = await check(session, "mining")
    assert codes(result) == ["not_drawn:red_line:city"]
    assert result.gaps[0].approved_km2 == 288
    town = await add_region(session, "town", level="town", parent=district, box=None)
    await put_line(session, town, kind="wetland", approved_area_km2=3)
    assert "not_drawn:wetland:town" in codes(await check(session, "mining"))


async def test_lines_of_the_parts_draw_the_figure_of_the_whole(
    session: AsyncSession, unregistered_city: Region
) -> None:
    await register_lines(session, unregistered_city, but=("red_line",))
    whole = await put_line(session, unregistered_city, approved_area_km2=100)
    for number, west in enumerate((118.2, 118.5)):
        box = (west, 24.4, west + 0.3, 24.8)
        part = await add_region(session, f"part-{number}", parent=unregistered_city, box=box)
        drawn = shapely.box(west, 24.4, west + 0.07, 24.47)
        await put_line(session, part, drawn, code=f"part-{number}")
    # Each is 7.1 km by 7.8 km: 110 km2 together.
    assert (await check(session, "mining")).verdict == "pass"
    whole.approved_area_km2 = Decimal(120)
    await session.flush()
    partly = await check(session, "mining")
    (gap,) = partly.gaps
    assert (partly.verdict, gap.code) == ("undetermined", "partly_drawn:red_line:city")
    assert gap.drawn_km2 == pytest.approx(110, abs=1)
    assert "120 km² approved" in gap.text.en


async def test_a_figure_drawn_in_part_leaves_the_rest_unknown(
    session: AsyncSession, unregistered_city: Region
) -> None:
    await register_lines(session, unregistered_city, but=("red_line",))
    drawn = shapely.box(118.0, 24.4, 118.1, 24.5)
    await put_line(session, unregistered_city, drawn, approved_area_km2=200)
    elsewhere = shapely.box(118.3, 24.42, 118.31, 24.43)
    assert codes(await check(session, "mining", geometry=elsewhere)) == [
        "partly_drawn:red_line:city"
    ]
    inside = await check(session, "mining")
    assert (inside.verdict, inside.gaps) == ("refused", ()), "what lies there is known"
    within = await check(session, "conservation")
    assert within.verdict == "pass"


async def test_refused_is_stronger(session: AsyncSession, unregistered_city: Region) -> None:
    await put_line(session, unregistered_city, shapely.box(118.0, 24.4, 118.1, 24.5))
    result = await check(session, "mining")
    assert result.refused
    assert "not_registered:island:city" in codes(result), "and what is not known is told"


async def test_a_boundary_nobody_drew_has_no_outside(
    session: AsyncSession, unregistered_city: Region
) -> None:
    await register_lines(session, unregistered_city, but=("urban_boundary",))
    await put_line(session, unregistered_city, kind="urban_boundary", approved_area_km2=500)
    result = await check(session, "urban_housing")
    assert (result.verdict, codes(result)) == (
        "undetermined",
        ["not_drawn:urban_boundary:city"],
    )
    assert result.hits == ()


async def test_areas_without_class_where_rules_speak_of_classes(
    session: AsyncSession, unregistered_city: Region
) -> None:
    await register_lines(session, unregistered_city, but=("protected_area",))
    area = await put_line(
        session, unregistered_city, shapely.box(118.0, 24.4, 118.1, 24.5), "protected_area"
    )
    result = await check(session, "tourism")
    assert (result.verdict, codes(result)) == ("undetermined", [f"no_class:{area.code}"])
    assert result.gaps[0].rules == ("national.protected-area.core-zone.any-development",)
    area.class_code = "general_zone"
    await session.flush()
    assert (await check(session, "tourism")).verdict == "conditional"


async def test_touched_lines_no_rule_speaks_of(
    session: AsyncSession, unregistered_city: Region
) -> None:
    await register_lines(session, unregistered_city)
    await put_line(session, unregistered_city, shapely.box(118.0, 24.4, 118.1, 24.5), "habitat")
    result = await check(session, "mining")
    assert (result.verdict, codes(result)) == ("undetermined", ["no_rule:habitat"])
    # An inventory of what is to be mended restricts nothing.
    await session.execute(text("UPDATE control_area SET kind = 'legacy_mine' WHERE kind='habitat'"))
    assert (await check(session, "mining")).verdict == "pass"


async def test_without_any_rule_nothing_passes(session: AsyncSession) -> None:
    region = await add_region(session, "lawless", box=WIDE)
    await register_lines(session, region, rule=False)
    result = await check(session, "mining")
    assert (result.verdict, codes(result)) == ("undetermined", ["no_rule:mining"])


async def test_zonings_that_are_not_in_force_or_not_drawn(
    session: AsyncSession, unregistered_city: Region
) -> None:
    await seed_cities(session, ["xiamen"], [], act=ACT)
    await register_lines(session, unregistered_city)
    assert codes(await check(session, "building")) == ["no_zoning:supply_demand:city"]
    scheme = await add_scheme(session, unregistered_city, status="draft")
    await add_five_zones(session, scheme)
    assert codes(await check(session, "building")) == ["no_zoning:supply_demand:city"]
    scheme.status = "published"
    await session.flush()
    assert (await check(session, "building")).refused
    beside = shapely.box(118.45, 24.42, 118.55, 24.48)
    half = await check(session, "tourism", geometry=beside)
    assert codes(half) == ["not_zoned:supply_demand:city"]
    assert "50 %" in half.gaps[0].text.en
    await session.execute(text("UPDATE zone SET geom = NULL"))
    undrawn = await check(session, "building")
    assert (undrawn.verdict, codes(undrawn)) == (
        "undetermined",
        ["not_drawn:city.supply_demand"],
    )


async def test_zones_no_rule_speaks_of(session: AsyncSession, unregistered_city: Region) -> None:
    await register_lines(session, unregistered_city)
    scheme = await add_scheme(session, unregistered_city)
    await add_zone(session, scheme, "strict_protection", (118.0, 24.4, 118.1, 24.5))
    result = await check(session, "building")
    assert (result.verdict, codes(result)) == (
        "undetermined",
        ["no_rule:supply_demand.strict_protection"],
    )


async def test_what_lies_beyond_the_regions_is_not_known(
    session: AsyncSession, unregistered_city: Region
) -> None:
    await register_lines(session, unregistered_city)
    across = shapely.box(118.8, 24.5, 119.0, 24.6)
    result = await check(session, "mining", geometry=across)
    assert (result.verdict, codes(result)) == ("undetermined", ["beyond_regions"])
    assert "50 %" in result.gaps[0].text.en
    neighbour = await add_region(session, "neighbour", box=(118.9, 24.3, 119.9, 24.9))
    await register_lines(session, neighbour, but=("red_line",))
    assert codes(await check(session, "mining", geometry=across)) == [
        "not_registered:red_line:neighbour"
    ]
    touching = shapely.box(118.8, 24.5, 118.9, 24.6)
    assert (await check(session, "mining", geometry=touching)).verdict == "pass"


async def test_rules_of_a_region_hold_wherever_the_place_lies_in_it(
    session: AsyncSession, unregistered_city: Region
) -> None:
    await register_lines(session, unregistered_city)
    session.add(
        ControlRule(
            code="city.no-mining",
            scope="everywhere",
            region_id=unregistered_city.id,
            activity="mining",
            decision="forbidden",
        )
    )
    await session.flush()
    assert (await check(session, "mining")).refused


async def test_unknown_activities_are_not_determined(
    session: AsyncSession, unregistered_city: Region
) -> None:
    await register_lines(session, unregistered_city)
    result = await check(session, "sorcery", "farming")
    assert (result.verdict, codes(result)) == ("undetermined", ["unknown_activity:sorcery"])


async def test_conditions_in_words_are_listed_as_not_judged(
    session: AsyncSession, unregistered_city: Region
) -> None:
    await register_lines(session, unregistered_city, but=("cultivated_land", "shoreline"))
    box = shapely.box(118.0, 24.4, 118.1, 24.5)
    await put_line(session, unregistered_city, box, "cultivated_land")
    await put_line(
        session,
        unregistered_city,
        shapely.LineString(box.exterior.coords),
        "shoreline",
        class_code="general",
    )
    result = await check(session, "building", geometry=box)
    assert result.not_judged["farmland_balance_met"] == (
        "national.cultivated-land.any-development",
    )
    assert "natural_shoreline_share_kept" in result.not_judged
    assert "exception_granted" not in result.not_judged
    assert result.verdict == "conditional"
    session.add(
        ControlRule(
            code="praise",
            scope="everywhere",
            activity="mining",
            decision="encouraged",
            conditions=["timely"],
        )
    )
    await session.flush()
    praised = await check(session, "mining", geometry=shapely.box(118.3, 24.42, 118.31, 24.43))
    assert (praised.verdict, list(praised.not_judged)) == ("conditional", ["timely"])


class TestDecisions:
    @pytest.fixture
    async def project(self, session: AsyncSession, unregistered_city: Region) -> Project:
        """A project where only the red line is not drawn."""
        await register_lines(session, unregistered_city, but=("red_line",))
        await put_line(session, unregistered_city, approved_area_km2=Decimal("142.4"))
        project = Project(
            visibility="public",
            code="project",
            name_zh="项目",
            name_en="Project",
            region_id=unregistered_city.id,
            start_year=2024,
            end_year=2025,
            geom=f"SRID=4490;{SITE.wkt}",
        )
        session.add(project)
        await session.flush()
        session.add(ProjectMeasure(project_id=project.id, measure="mine_restoration"))
        await session.flush()
        return project

    async def test_an_approver_decides_and_the_gap_stays_seen(
        self, session: AsyncSession, project: Project
    ) -> None:
        before = await check_project(session, EVERYTHING, "project")
        assert (before.verdict, codes(before)) == ("undetermined", ["not_drawn:red_line:city"])
        session.add(
            ComplianceException(
                code="decided",
                project_id=project.id,
                gap="not_drawn:red_line:city",
                reason="checked on the paper map",
                approver="tester",
                attrs={"project_geometry_sha256": digest_of(SITE.wkb)},
            )
        )
        await session.flush()
        after = await check_project(session, EVERYTHING, "project")
        assert after.verdict == "conditional"
        assert [leave.code for leave in after.exceptions] == ["decided"]
        assert after.gaps[0].decided
        moved = shapely.box(118.03, 24.42, 118.05, 24.44)
        project.geom = f"SRID=4490;{moved.wkt}"
        await session.flush()
        assert (await check_project(session, EVERYTHING, "project")).verdict == "undetermined"

    async def test_a_project_beyond_its_region_is_not_determined(
        self, session: AsyncSession, project: Project
    ) -> None:
        project.geom = f"SRID=4490;{PARIS.wkt}"
        await session.flush()
        result = await check_project(session, EVERYTHING, "project")
        assert result.verdict == "undetermined"
        assert "beyond_regions" in codes(result)

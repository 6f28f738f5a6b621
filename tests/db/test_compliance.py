"""Checks of lines, rules and zones on PostGIS: shares, unions, rules one by one, leave given."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pytest
import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Executable, TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.controls import CONTROL_AREAS
from shanhai.db.compliance import CheckRequest, CheckResult, check_geometry, check_project
from shanhai.db.compliance.check import digest_of
from shanhai.db.compliance.intersections import Given
from shanhai.db.compliance.overlaps import box_values, count_near, drawn_statement, line_statement
from shanhai.db.compliance.surroundings import STATED, over_lines
from shanhai.db.engine import ResultRows, read_today
from shanhai.db.features.selection import Selection, conditions
from shanhai.db.identity import EVERYTHING, PUBLIC, Viewer
from shanhai.db.queries.audit import Act
from shanhai.db.seeds.load import default_rules, put_default_rules, seed_cities
from shanhai.db.tables.control import ComplianceException, ControlArea, ControlRule
from shanhai.db.tables.project import Project, ProjectMeasure
from shanhai.db.tables.zone import Region
from shanhai.errors import InvalidInput, NotFound
from tests.support.feature_rows import add_five_zones, add_scheme
from tests.support.job_rows import add_region
from tests.support.known_lines import register_lines

ACT = Act("tester")
LONG_AGO = date(2020, 1, 1)


@pytest.fixture
async def judged_city(session: AsyncSession) -> Region:
    """A city with the default rules, and no lines but those that are drawn."""
    await put_default_rules(session, ACT)
    city = await add_region(session, "city", box=(117.5, 24.0, 120.0, 25.0))
    await register_lines(session, city)
    return city


def box(west: float, south: float, size: float = 0.1) -> BaseGeometry:
    return shapely.box(west, south, west + size, south + size)


async def draw(
    session: AsyncSession,
    region: Region,
    geometry: BaseGeometry,
    kind: str = "red_line",
    **values: Any,
) -> ControlArea:
    """A published line, valid for long."""
    given = {"code": f"{kind}-{geometry.bounds}", "status": "published", "valid_from": LONG_AGO}
    row = ControlArea(
        name_zh="线",
        name_en="Line",
        kind=kind,
        region_id=region.id,
        geom=f"SRID=4490;{geometry.wkt}",
        **{**given, **values},
    )
    session.add(row)
    await session.flush()
    return row


async def check(
    session: AsyncSession, geometry: BaseGeometry, *activities: str, **asked: Any
) -> CheckResult:
    return await check_geometry(
        session,
        asked.pop("viewer", EVERYTHING),
        Given(geometry.wkb),
        CheckRequest(activities, **asked),
    )


class TestOverlaps:
    async def test_half_inside_is_half(self, session: AsyncSession, judged_city: Region) -> None:
        await draw(session, judged_city, box(118.0, 24.4), level="national", delimitation="2022")
        result = await check(session, shapely.box(118.05, 24.4, 118.15, 24.5))
        (line,) = result.lines
        assert line.kind == "red_line"
        assert line.share == pytest.approx(0.5, abs=1e-3)
        assert line.measure.area_m2 == pytest.approx(result.subject.measure.area_m2 / 2, rel=1e-3)  # type: ignore[operator]  # both are measured
        (area,) = line.areas
        assert (area.level, area.delimitation, area.region) == ("national", "2022", "city")

    async def test_touching_edges_are_no_overlap(
        self, session: AsyncSession, judged_city: Region
    ) -> None:
        await draw(session, judged_city, box(118.0, 24.4))
        result = await check(session, box(118.1, 24.4), "mining")
        assert result.lines == ()
        assert result.verdict == "pass"

    async def test_line_along_a_border_is_no_overlap(
        self, session: AsyncSession, judged_city: Region
    ) -> None:
        await draw(session, judged_city, box(118.0, 24.4))
        along = shapely.LineString([(118.1, 24.42), (118.1, 24.48)])
        assert (await check(session, along)).lines == ()
        through = shapely.LineString([(118.05, 24.45), (118.15, 24.45)])
        (line,) = (await check(session, through)).lines
        assert line.share == pytest.approx(0.5, abs=1e-3)
        assert line.measure.area_m2 is None

    async def test_what_several_areas_cover_counts_once(
        self, session: AsyncSession, judged_city: Region
    ) -> None:
        await draw(session, judged_city, box(118.0, 24.4), "protected_area", code="outer")
        await draw(session, judged_city, box(118.02, 24.42, 0.05), "protected_area", code="nested")
        await draw(session, judged_city, box(118.05, 24.4), "protected_area", code="overlapping")
        (line,) = (await check(session, shapely.box(118.0, 24.4, 118.2, 24.5))).lines
        assert [area.code for area in line.areas] == ["nested", "outer", "overlapping"]
        assert line.share == pytest.approx(0.75, abs=1e-3)
        assert sum(area.share or 0 for area in line.areas) > 1

    async def test_shoreline_is_measured_by_length(
        self, session: AsyncSession, judged_city: Region
    ) -> None:
        shore = shapely.LineString([(118.0, 24.45), (118.3, 24.45)])
        await draw(session, judged_city, shore, "shoreline")
        (line,) = (await check(session, box(118.1, 24.4))).lines
        assert line.measure.length_m == pytest.approx(10_137, rel=2e-3)
        assert line.measure.area_m2 is None

    async def test_point_lies_inside_or_not(
        self, session: AsyncSession, judged_city: Region
    ) -> None:
        await draw(session, judged_city, box(118.0, 24.4))
        (line,) = (await check(session, shapely.Point(118.05, 24.45), "mining")).lines
        assert line.share == 1.0
        assert (await check(session, shapely.Point(118.15, 24.45))).lines == ()

    async def test_kinds_can_be_chosen(self, session: AsyncSession, judged_city: Region) -> None:
        await draw(session, judged_city, box(118.0, 24.4))
        await draw(session, judged_city, box(118.0, 24.4), "wetland")
        result = await check(session, box(118.0, 24.4), lines=frozenset({"wetland"}))
        assert [line.kind for line in result.lines] == ["wetland"]

    async def test_only_what_is_in_force_and_may_be_seen(
        self, session: AsyncSession, judged_city: Region
    ) -> None:
        await draw(session, judged_city, box(118.0, 24.4), code="draft", status="draft")
        await draw(session, judged_city, box(118.0, 24.4), code="hidden", visibility="region")
        tomorrow = await read_today(session) + timedelta(days=1)
        await draw(session, judged_city, box(118.0, 24.4), code="later", valid_from=tomorrow)
        await draw(session, judged_city, box(118.0, 24.4), code="over", valid_to=date(2021, 1, 1))

        async def seen(viewer: Viewer, as_of: date | None = None) -> list[str]:
            result = await check(session, box(118.0, 24.4), viewer=viewer, as_of=as_of)
            return [area.code for line in result.lines for area in line.areas]

        assert await seen(EVERYTHING) == ["hidden"]
        assert await seen(PUBLIC) == []
        assert await seen(EVERYTHING, date(2020, 6, 1)) == ["hidden", "over"]
        assert await seen(EVERYTHING, tomorrow) == ["hidden", "later"]

    async def test_former_shape_is_found_by_its_day(
        self, session: AsyncSession, judged_city: Region
    ) -> None:
        row = await draw(session, judged_city, box(118.0, 24.4))
        await session.execute(
            text(
                "UPDATE control_area SET geom = ST_Translate(geom, 1, 0), row_version = 2,"
                " valid_from = '2024-01-01' WHERE id = :id"
            ),
            {"id": row.id},
        )
        assert (await check(session, box(118.0, 24.4))).lines == ()
        (line,) = (await check(session, box(118.0, 24.4), as_of=date(2022, 1, 1))).lines
        assert line.share == pytest.approx(1)

    @pytest.mark.parametrize("vertices", [64, 1_000, 10_000])
    async def test_sizes_are_those_of_postgis(
        self, session: AsyncSession, judged_city: Region, vertices: int
    ) -> None:
        for number, x in enumerate((118.01, 118.05, 118.055, 118.2)):
            round_area = shapely.Point(x, 24.45).buffer(0.03 + number / 300, quad_segs=100)
            await draw(session, judged_city, round_area, code=f"area-{number}")
        await draw(session, judged_city, box(118.0, 24.4, 0.05), code="area-4")
        site = shapely.Point(118.04, 24.44).buffer(0.05, quad_segs=vertices // 4)
        (line,) = (await check(session, site)).lines
        query = text(
            """SELECT code, ST_Area(ST_Intersection(geom, site)::geography) AS part,
                      (SELECT ST_Area(ST_Union(ST_Intersection(geom, site))::geography)
                         FROM control_area WHERE ST_Intersects(geom, site)) AS together,
                      ST_Area(site::geography) AS whole
                 FROM control_area, ST_GeomFromWKB(:wkb, 4490) AS site
                WHERE ST_Intersects(geom, site) ORDER BY code"""
        )
        rows = (await session.execute(query, {"wkb": site.wkb})).all()
        assert [area.code for area in line.areas] == [row.code for row in rows]
        parts = [area.measure.area_m2 for area in line.areas]
        # PostGIS counts from the equator, and rounds a millimetre squared away.
        assert parts == pytest.approx([row.part for row in rows], rel=1e-9, abs=1e-3)
        assert line.measure.area_m2 == pytest.approx(rows[0].together, rel=1e-9)
        assert line.share == pytest.approx(rows[0].together / rows[0].whole, rel=1e-9)

    async def test_spatial_index_leads(self, session: AsyncSession, judged_city: Region) -> None:
        await session.execute(
            text(
                """INSERT INTO control_area (visibility, code,
                       name_zh, name_en, kind, region_id, status, geom)
                   SELECT 'public', 'many-' || n, 'x', 'x', 'red_line', :region, 'published',
                          ST_MakeEnvelope(100 + n % 200 * 0.1, 20 + n / 200 * 0.1,
                                          100.09 + n % 200 * 0.1, 20.09 + n / 200 * 0.1, 4490)
                     FROM generate_series(0, 19999) n"""
            ),
            {"region": judged_city.id},
        )
        await session.execute(text("ANALYZE control_area"))
        given = Given(box(118.0, 24.4, 0.3).wkb)
        for as_of in (None, date(2024, 1, 1)):
            met = conditions(CONTROL_AREAS, Selection(EVERYTHING, as_of=as_of))
            day = {} if as_of is None else {"as_of": as_of}
            values: dict[str, Any] = {**box_values(given), "kinds": None, **day}
            statement = line_statement(met, as_of is not None)
            await self.demand_index(session, statement, values, "ix_control_area_geom")
        met = conditions(CONTROL_AREAS, Selection(EVERYTHING))
        values = {"bounding": ["red_line"], "regions": [judged_city.id]}
        statement = drawn_statement(met, former=False)
        await self.demand_index(session, statement, values, "ix_control_area_kind")
        values = {"kinds": ["red_line"], "regions": [judged_city.id]}
        statement = over_lines(STATED, met, False)
        await self.demand_index(session, statement, values, "ix_control_area_stated")

    async def demand_index(
        self, session: AsyncSession, statement: TextClause, values: dict[str, Any], index: str
    ) -> None:
        plan = (await session.scalars(text(f"EXPLAIN {statement.text}"), values)).all()
        assert any(index in row for row in plan), "\n".join(plan)
        assert not any("Seq Scan on control_area" in row for row in plan), "\n".join(plan)


class TestRules:
    @pytest.mark.parametrize(
        ("kind", "activity", "verdict"),
        [
            ("red_line", "mining", "refused"),
            ("red_line", "nature_museum", "refused"),
            ("red_line", "conservation", "pass"),
            ("red_line", "wetland_restoration", "conditional"),
            ("red_line", "flood_bank", "conditional"),
            ("permanent_basic_farmland", "building", "refused"),
            ("permanent_basic_farmland", "tree_planting", "refused"),
            ("permanent_basic_farmland", "grass_planting", "conditional"),
            ("permanent_basic_farmland", "farming", "pass"),
            ("urban_boundary", "building", "conditional"),
            ("urban_boundary", "wetland_restoration", "pass"),
            ("protected_area", "logging", "refused"),
            ("protected_area", "protected_area_monitoring", "pass"),
            ("island", "quarrying", "refused"),
            ("island", "habitat_repair", "pass"),
            ("shoreline", "sea_reclamation", "refused"),
            ("wetland", "wetland_draining", "refused"),
            ("water_source_area", "sewage_outfall", "refused"),
            ("cultivated_land", "building", "conditional"),
        ],
    )
    async def test_default_rules(
        self, session: AsyncSession, judged_city: Region, kind: str, activity: str, verdict: str
    ) -> None:
        await draw(session, judged_city, box(118.0, 24.4), kind)
        inside = await check(session, box(118.02, 24.42, 0.02), activity)
        assert inside.verdict == verdict, inside.reasons
        # Outside the boundary that was drawn, building has its conditions.
        beyond = "conditional" if (kind, activity) == ("urban_boundary", "building") else "pass"
        assert (await check(session, box(119.0, 24.4), activity)).verdict == beyond
        assert all(hit.rule.confirm and hit.rule.legal_basis for hit in inside.hits)

    async def test_nothing_named_is_judged_as_development(
        self, session: AsyncSession, judged_city: Region
    ) -> None:
        await draw(session, judged_city, box(118.0, 24.4), "permanent_basic_farmland")
        result = await check(session, box(118.0, 24.4))
        assert result.refused
        assert all(hit.presumed for hit in result.hits)

    async def test_unknown_activities_are_named_and_do_not_pass(
        self, session: AsyncSession, judged_city: Region
    ) -> None:
        result = await check(session, box(118.0, 24.4), "sorcery", "farming")
        assert result.unknown == ("sorcery",)
        assert result.verdict == "undetermined"

    async def test_rule_of_a_region_holds_below_it_only(
        self, session: AsyncSession, judged_city: Region
    ) -> None:
        district = await add_region(session, "district", parent=judged_city)
        elsewhere = await add_region(session, "elsewhere", box=(121.0, 24.4, 121.1, 24.5))
        await register_lines(session, elsewhere)
        for region, west in ((district, 118.0), (elsewhere, 121.0)):
            await draw(session, region, box(west, 24.4), "habitat")
        session.add(
            ControlRule(
                code="flying",
                scope="control_area",
                subject="habitat",
                region_id=elsewhere.id,
                activity="kite_flying",
                decision="encouraged",
                attrs={"covers": ["drone_flying"]},
            )
        )
        session.add(
            ControlRule(
                code="local",
                scope="control_area",
                subject="habitat",
                region_id=judged_city.id,
                activity="kite_flying",
                decision="forbidden",
                attrs={"covers": ["drone_flying"]},
            )
        )
        await session.flush()
        for activity in ("kite_flying", "drone_flying"):
            assert (await check(session, box(118.0, 24.4), activity)).refused
            assert (await check(session, box(121.0, 24.4), activity)).verdict == "pass"

    async def test_zones_decide_by_class(self, session: AsyncSession) -> None:
        await seed_cities(session, ["xiamen"], [], act=ACT)
        region = await add_region(session, "city", box=(117.9, 24.3, 118.6, 24.6))
        await register_lines(session, region)
        await add_five_zones(session, await add_scheme(session, region))
        draft = await add_scheme(session, region, code="draft", status="draft")
        await add_five_zones(session, draft)
        strict, general = box(118.02, 24.42, 0.02), box(118.22, 24.42, 0.02)
        assert (await check(session, strict, "building")).refused
        passed = await check(session, strict, "conservation")
        assert passed.verdict == "conditional"
        assert list(passed.not_judged) == ["in_approved_plan"]
        assert [hit.rule.decision for hit in passed.hits] == ["encouraged"]
        assert (await check(session, general, "tourism")).verdict == "conditional"
        both = await check(session, shapely.box(118.05, 24.42, 118.15, 24.48), "building")
        assert [(zone.scheme, zone.class_code) for zone in both.zones] == [
            ("city.supply_demand", "supply_demand.key_protection"),
            ("city.supply_demand", "supply_demand.strict_protection"),
        ]
        assert [zone.share for zone in both.zones] == pytest.approx([0.5, 0.5], abs=1e-3)
        assert both.duties


class TestOutside:
    """A boundary around 118.0 to 118.1 in a city of 117.9 to 118.5."""

    @pytest.fixture
    async def bounded(self, session: AsyncSession) -> Region:
        await put_default_rules(session, ACT)
        bounded = await add_region(session, "bounded", box=(117.9, 24.3, 118.5, 24.9))
        await register_lines(session, bounded)
        await draw(session, bounded, box(118.0, 24.4), "urban_boundary")
        return bounded

    @pytest.mark.parametrize(
        ("geometry", "outside"),
        [
            (box(118.05, 24.42, 0.1), "half"),
            (box(118.02, 24.42, 0.05), None),
            (box(118.0, 24.4), None),
            (box(118.2, 24.6, 0.05), "all"),
            (shapely.LineString([(118.05, 24.45), (118.15, 24.45)]), "half"),
            (shapely.LineString([(118.02, 24.45), (118.08, 24.45)]), None),
            (shapely.Point(118.3, 24.6), "all"),
            (shapely.Point(118.05, 24.45), None),
        ],
        ids=str,
    )
    async def test_new_towns_stay_inside(
        self, session: AsyncSession, bounded: Region, geometry: BaseGeometry, outside: str | None
    ) -> None:
        result = await check(session, geometry, "urban_housing")
        found = [hit for hit in result.hits if hit.place.scope == "outside_control_area"]
        if outside is None:
            assert not found
            assert result.verdict == "conditional"
            return
        assert result.refused
        (hit,) = found
        assert hit.rule.code == "national.urban-boundary.outside.urban-construction"
        assert hit.place.share == pytest.approx({"half": 0.5, "all": 1.0}[outside], abs=0.15)
        assert (await check(session, geometry, "village_works")).verdict == "conditional"
        assert (await check(session, geometry, "wetland_restoration")).verdict == "pass"

    async def test_sizes_outside_and_inside_are_the_whole(
        self, session: AsyncSession, bounded: Region
    ) -> None:
        result = await check(session, box(118.05, 24.42, 0.1), "building")
        (outside,) = {hit.place for hit in result.hits} - {
            hit.place for hit in result.hits if hit.place.codes
        }
        assert outside.measure is not None
        areas = outside.measure.area_m2, result.lines[0].measure.area_m2
        assert sum(area or 0 for area in areas) == pytest.approx(
            result.subject.measure.area_m2, rel=1e-12
        )

    async def test_where_no_line_was_drawn_nothing_lies_outside(
        self, session: AsyncSession, bounded: Region
    ) -> None:
        unbounded = await add_region(session, "open", box=(119.0, 24.3, 119.5, 24.9))
        far = box(119.1, 24.4)
        assert (await check(session, far, "urban_housing")).verdict == "undetermined"
        await register_lines(session, unbounded)
        assert (await check(session, far, "urban_housing")).verdict == "pass", "there is none"
        there = box(118.2, 24.6)
        kept = frozenset({"red_line"})
        assert (await check(session, there, "urban_housing", lines=kept)).verdict == "pass"
        before = date(2019, 1, 1)
        assert (await check(session, there, "urban_housing", as_of=before)).verdict == "pass"
        assert (await check(session, there, "urban_housing", as_of=date(2021, 1, 1))).refused
        await session.execute(text("UPDATE control_area SET status = 'draft'"))
        assert (await check(session, there, "urban_housing")).verdict == "undetermined"

    async def test_a_region_named_answers_by_its_own_lines(
        self, session: AsyncSession, bounded: Region
    ) -> None:
        await add_region(session, "below", parent=bounded, box=(119.0, 24.3, 119.5, 24.9))
        far = box(119.1, 24.4)
        assert (await check(session, far, "urban_housing", region="below")).refused

    async def test_rule_of_a_region_holds_outside_its_lines_only(
        self, session: AsyncSession, bounded: Region
    ) -> None:
        other = await add_region(session, "other", box=(119.0, 24.3, 119.5, 24.9))
        await register_lines(session, other)
        for region, west in ((bounded, 118.0), (other, 119.0)):
            await draw(session, region, box(west, 24.4), "habitat")
        session.add(
            ControlRule(
                code="local",
                scope="outside_control_area",
                subject="habitat",
                region_id=other.id,
                activity="kite_flying",
                decision="forbidden",
            )
        )
        await session.flush()
        assert (await check(session, box(119.2, 24.6), "kite_flying")).refused
        unspoken = await check(session, box(118.2, 24.6), "kite_flying")
        assert (unspoken.verdict, unspoken.hits) == ("undetermined", ())


class TestClasses:
    @pytest.mark.parametrize(
        ("kind", "area_class", "activity", "verdict"),
        [
            ("protected_area", "core_zone", "tourism", "refused"),
            ("protected_area", "核心保护区", "tourism", "refused"),
            ("protected_area", "general_zone", "tourism", "conditional"),
            ("protected_area", None, "tourism", "undetermined"),
            ("protected_area", "core_zone", "patrol_and_monitoring", "conditional"),
            ("protected_area", "core_zone", "conservation", "pass"),
            ("water_source_area", "grade_1", "building", "refused"),
            ("water_source_area", "grade_2", "building", "conditional"),
            ("shoreline", "optimised_use", "building", "conditional"),
            ("shoreline", "optimised_use", "sea_reclamation", "refused"),
        ],
    )
    async def test_the_class_goes_before_the_kind(
        self,
        session: AsyncSession,
        judged_city: Region,
        kind: str,
        area_class: str | None,
        activity: str,
        verdict: str,
    ) -> None:
        await draw(session, judged_city, box(118.0, 24.4), kind, class_code=area_class)
        result = await check(session, box(118.02, 24.42, 0.02), activity)
        assert result.verdict == verdict, result.reasons

    async def test_of_areas_of_several_classes_the_strictest_decides(
        self, session: AsyncSession, judged_city: Region
    ) -> None:
        for west, area_class in ((118.0, "core_zone"), (118.1, "general_zone")):
            area = box(west, 24.4)
            await draw(session, judged_city, area, "protected_area", class_code=area_class)
        result = await check(session, box(118.05, 24.42, 0.1), "tourism")
        assert result.refused
        assert [
            (hit.place.area_class, hit.rule.decision, len(hit.place.codes)) for hit in result.hits
        ] == [("core_zone", "forbidden", 1), (None, "conditional", 1)]


class TestProjects:
    async def test_measures_are_what_is_judged(
        self, session: AsyncSession, judged_city: Region
    ) -> None:
        await draw(session, judged_city, box(118.0, 24.4))
        project = await add_project(session, judged_city, box(118.02, 24.42, 0.02))
        session.add(ProjectMeasure(project_id=project.id, measure="wetland_restoration"))
        await session.flush()
        result = await check_project(session, EVERYTHING, "project")
        assert result.subject.project == "project"
        assert result.verdict == "conditional"
        session.add(ProjectMeasure(project_id=project.id, measure="nature_museum"))
        await session.flush()
        assert (await check_project(session, EVERYTHING, "project")).refused

    async def test_project_without_geometry_or_unseen(
        self, session: AsyncSession, judged_city: Region
    ) -> None:
        await add_project(session, judged_city, None)
        with pytest.raises(InvalidInput):
            await check_project(session, EVERYTHING, "project")
        with pytest.raises(NotFound):
            await check_project(session, PUBLIC, "project")

    async def test_exception_lifts_a_rule_and_is_shown(
        self, session: AsyncSession, judged_city: Region
    ) -> None:
        await draw(session, judged_city, box(118.0, 24.4))
        shape = box(118.02, 24.42, 0.02)
        project = await add_project(session, judged_city, shape)
        leave = ComplianceException(
            code="leave-1",
            project_id=project.id,
            rule="national.red-line.mining",
            reason="strategic mineral",
            approver="tester",
            attrs={"project_geometry_sha256": digest_of(shape.wkb)},
        )
        session.add(leave)
        await session.flush()
        result = await check_project(session, EVERYTHING, "project", CheckRequest(("mining",)))
        assert result.verdict == "conditional"
        assert [item.code for item in result.exceptions] == ["leave-1"]
        assert (await check(session, shape, "mining")).refused, "leave is the project's alone"
        project.geom = f"SRID=4490;{box(118.03, 24.42, 0.02).wkt}"
        await session.flush()
        moved = await check_project(session, EVERYTHING, "project", CheckRequest(("mining",)))
        assert moved.refused
        assert moved.exceptions[0].outdated

    async def test_exception_for_a_geometry_ends(
        self, session: AsyncSession, judged_city: Region
    ) -> None:
        await draw(session, judged_city, box(118.0, 24.4))
        shape = box(118.02, 24.42, 0.02)
        session.add(
            ComplianceException(
                code="leave-2",
                geometry_sha256=digest_of(shape.wkb),
                rule="national.red-line.mining",
                reason="past",
                approver="tester",
                valid_from=LONG_AGO,
                valid_to=date(2021, 1, 1),
            )
        )
        await session.flush()
        assert (await check(session, shape, "mining")).refused
        assert not (await check(session, shape, "mining", as_of=date(2020, 6, 1))).refused


async def add_project(
    session: AsyncSession, region: Region, geometry: BaseGeometry | None
) -> Project:
    project = Project(
        visibility="public",
        code="project",
        name_zh="项目",
        name_en="Project",
        region_id=region.id,
        start_year=2024,
        end_year=2025,
        geom=None if geometry is None else f"SRID=4490;{geometry.wkt}",
    )
    session.add(project)
    await session.flush()
    return project


async def test_default_rules_are_put_once_and_never_undone(
    session: AsyncSession, judged_city: Region
) -> None:
    assert (await put_default_rules(session, ACT)).made == 0
    await session.execute(
        text("UPDATE control_rule SET deleted_at = now() WHERE code = 'national.red-line.mining'")
    )
    assert (await put_default_rules(session, ACT)).made == 0
    assert len({row["code"] for row in default_rules()}) == len(default_rules())


class TestAnswering:
    async def test_a_check_asks_few_questions(
        self, session: AsyncSession, judged_city: Region
    ) -> None:
        """Each is a round trip, which takes longer than most of the answers."""
        await draw(session, judged_city, box(118.0, 24.4))
        counting = Counting(session)
        place = Given(shapely.box(118.05, 24.4, 118.15, 24.5).wkb)
        _, today = await count_near(counting, place)
        await check_geometry(counting, EVERYTHING, place, CheckRequest(("mining",)), today=today)
        assert counting.questions == 9


class Counting:
    """Asks a session, and counts."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session
        self.questions = 0

    async def execute(self, statement: Executable, params: Mapping[str, Any]) -> ResultRows:
        """The rows of a statement."""
        self.questions += 1
        return await self._session.execute(statement, params)

    async def scalar(self, statement: Executable, params: Mapping[str, Any]) -> Any:
        """The first column of the first row."""
        self.questions += 1
        return await self._session.scalar(statement, params)

"""The control lines and unit polygons that a zoning is accepted with."""

from datetime import date, timedelta
from typing import Any

import pytest
from shapely import LineString, Polygon, box
from shapely.geometry.base import BaseGeometry
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.engine import read_today
from shanhai.db.identity import Grant, Identity
from shanhai.db.tables.control import ControlArea
from shanhai.db.tables.zone import Region
from shanhai.errors import InvalidInput
from shanhai.processes.catalogue import read_task
from shanhai.processes.delineate_zones.contract import DELINEATE_ZONES, DelineateZonesInputs
from shanhai.processes.kit.resolution import checksum_of
from shanhai.processes.kit.task import Task
from shanhai.vocabulary import Role, Scope
from tests.support.job_rows import add_dataset, add_region, submit

THEMES = ("npp", "rainfall", "temperature", "dem", "soil", "ndvi", "night_lights")
LONG_AGO = date(2000, 1, 1)
INSIDE = box(118.02, 24.42, 118.04, 24.44)
OVERLAY: dict[str, Any] = {"parameters": {"overlays": "red_line"}}
TOWNS: dict[str, Any] = {"parameters": {"units": "polygons", "unit_regions": "town"}}


@pytest.fixture
async def mapped_city(session: AsyncSession) -> Region:
    city = await add_region(session, "city")
    for theme in THEMES:
        await add_dataset(session, city, theme, f"{theme}.old")
    return city


async def draw(
    session: AsyncSession, region: Region, code: str, shape: BaseGeometry = INSIDE, **values: Any
) -> None:
    usual = {"kind": "red_line", "status": "published", "visibility": "public"}
    given = usual | {"valid_from": LONG_AGO} | values
    row = ControlArea(
        code=code,
        name_zh="线",
        name_en="Line",
        region_id=region.id,
        geom=f"SRID=4490;{shape.wkt}",
        **given,
    )
    session.add(row)
    await session.flush()


def insider(region: Region) -> Identity:
    grants = (
        Grant(Role.PLANNER, frozenset({region.id})),
        Grant(Role.APPROVER, frozenset({region.id})),
    )
    return Identity("planner", frozenset({Scope.READ, Scope.JOBS, Scope.WRITE}), grants)


async def accepted(session: AsyncSession, identity: Identity | None = None, **inputs: Any) -> Task:
    job = await submit(
        session,
        contract=DELINEATE_ZONES,
        inputs=DelineateZonesInputs.model_validate({"region": "city", "publish": True} | inputs),
        requested_by="tester",
        identity=identity,
    )
    return read_task(job.task)


def codes_of(task: Task) -> list[str]:
    return [one.code for one in task.areas]


class TestLines:
    async def test_what_is_in_force_in_the_region_is_carried(
        self, session: AsyncSession, mapped_city: Region
    ) -> None:
        today = await read_today(session)
        await draw(session, mapped_city, "red")
        await draw(session, mapped_city, "core", kind="protected_area", class_code="core")
        await draw(session, mapped_city, "farm", kind="permanent_basic_farmland")
        await draw(session, mapped_city, "park", kind="protected_area", class_code="park")
        await draw(session, mapped_city, "wetland", kind="wetland")
        await draw(session, mapped_city, "far", box(120, 24, 120.1, 24.1))
        await draw(session, mapped_city, "line", LineString([(118.0, 24.4), (118.1, 24.5)]))
        await draw(session, mapped_city, "later", valid_from=today + timedelta(days=1))
        await draw(session, mapped_city, "over", valid_to=date(2021, 1, 1))
        await draw(session, mapped_city, "draft", status="draft")
        task = await accepted(session)
        assert codes_of(task) == ["farm", "core", "red"]
        assert task.areas_as_of == today
        assert task.areas_left_out == []
        red = task.areas[-1]
        assert (red.kind, red.class_code, red.version) == ("red_line", None, 1)
        assert Polygon(red.geometry["coordinates"][0]).equals(INSIDE)
        assert red.checksum == checksum_of(red.geometry)

    async def test_what_is_published_rests_on_what_everyone_may_see(
        self, session: AsyncSession, mapped_city: Region
    ) -> None:
        await draw(session, mapped_city, "open")
        await draw(session, mapped_city, "closed", visibility="region")
        await draw(session, mapped_city, "draft", status="draft")
        assert codes_of(await accepted(session, insider(mapped_city))) == ["open"]
        own = await accepted(session, insider(mapped_city), publish=False)
        assert codes_of(own) == ["closed", "open"]
        assert codes_of(await accepted(session, publish=False)) == ["open"]

    async def test_an_overlay_needs_a_red_line(
        self, session: AsyncSession, mapped_city: Region
    ) -> None:
        await draw(session, mapped_city, "farm", kind="permanent_basic_farmland")
        with pytest.raises(InvalidInput, match="everyone may see") as caught:
            await accepted(session, **OVERLAY)
        assert caught.value.faults[0].pointer == "/inputs/parameters/overlays"
        await draw(session, mapped_city, "red")
        assert "red" in codes_of(await accepted(session, **OVERLAY))

    async def test_kinds_with_too_many_vertices_are_left_out(
        self, session: AsyncSession, mapped_city: Region, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("shanhai.processes.kit.resolution.MOST_VERTICES", 9)
        await draw(session, mapped_city, "red")
        await draw(session, mapped_city, "farm.1", kind="permanent_basic_farmland")
        await draw(session, mapped_city, "farm.2", kind="permanent_basic_farmland")
        task = await accepted(session)
        assert codes_of(task) == ["red"]
        assert task.areas_left_out == ["permanent_basic_farmland"]
        await draw(session, mapped_city, "red.2")
        with pytest.raises(InvalidInput, match="simplify") as caught:
            await accepted(session, **OVERLAY)
        assert caught.value.faults[0].pointer == "/inputs/parameters/overlays"


class TestUnits:
    async def test_regions_of_the_level_at_any_depth_are_units(
        self, session: AsyncSession, mapped_city: Region
    ) -> None:
        district = await add_region(session, "city.d", level="district", parent=mapped_city)
        await add_region(session, "city.d.b", level="town", parent=district)
        await add_region(session, "city.d.a", level="town", parent=district)
        await add_region(session, "city.d.no", level="town", parent=district, box=None)
        await add_region(session, "elsewhere", level="town")
        task = await accepted(session, **TOWNS)
        assert [one.code for one in task.units] == ["city.d.a", "city.d.b"]
        assert task.units[0].geometry["type"] == "MultiPolygon"
        assert (await accepted(session)).units == []

    async def test_one_unit_is_none(self, session: AsyncSession, mapped_city: Region) -> None:
        await add_region(session, "city.a", level="town", parent=mapped_city)
        with pytest.raises(InvalidInput, match="two or more") as caught:
            await accepted(session, **TOWNS)
        assert caught.value.faults[0].pointer == "/inputs/parameters/unit_regions"

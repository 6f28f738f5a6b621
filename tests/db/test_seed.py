"""Seeding a city: regions from a file, plans from what is known, twice without harm."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from shanhai.db.queries.audit import Act
from shanhai.db.seed import CITIES, read_plans, read_regions, seed, seed_city
from shanhai.db.tables import AuditLog, Plan, Region
from shanhai.errors import InvalidInput, UnsupportedFile
from shanhai.testing.job_rows import open_sessions

ACT = Act("tester")


@pytest.fixture
async def session(database_url: str) -> AsyncIterator[AsyncSession]:
    """A session whose work is rolled back."""
    async with open_sessions(database_url) as sessions, sessions() as session:
        yield session
        await session.rollback()


def square(west: float, south: float, size: float) -> dict[str, Any]:
    east, north = west + size, south + size
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def feature(code: str, geometry: Any, **properties: Any) -> dict[str, Any]:
    described = {
        "code": code,
        "name_zh": f"{code}区",
        "name_en": code.title(),
        "level": "district",
        "adcode": 350200,
        "metric_epsg": 4548,
        **properties,
    }
    return {"type": "Feature", "properties": described, "geometry": geometry}


@pytest.fixture
def regions(tmp_path: Path) -> Path:
    """A district before its city."""
    features = [
        feature("xiamen.siming", square(118.05, 24.43, 0.1), parent="xiamen"),
        feature("xiamen", square(117.9, 24.4, 0.5), level="city"),
        feature("banan", square(106.5, 29.2, 0.4)),
    ]
    path = tmp_path / "regions.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")
    return path


async def test_regions_form_a_tree(session: AsyncSession, regions: Path) -> None:
    seeded = await seed_city(session, "xiamen", regions, act=ACT)
    assert (seeded.touched("region"), seeded.touched("plan")) == (23, 5)
    parent = aliased(Region)
    pairs = await session.execute(
        select(Region.code, parent.code)
        .join(parent, Region.parent_id == parent.id)
        .where(Region.geom.is_not(None))
    )
    assert pairs.all() == [("xiamen.siming", "xiamen")]
    city = (await session.scalars(select(Region).where(Region.code == "xiamen"))).one()
    assert (city.metric_srid, city.attrs["adcode"]) == (4548, 350200)
    assert city.area_m2 == pytest.approx(2.8e9, rel=0.02)


async def test_second_time_changes_nothing(session: AsyncSession, regions: Path) -> None:
    await seed_city(session, "xiamen", regions, act=ACT)
    entries = await session.scalar(select(func.count()).select_from(AuditLog))
    seeded = await seed_city(session, "xiamen", regions, act=ACT)
    assert seeded.changes == 0
    assert await session.scalar(select(func.count()).select_from(AuditLog)) == entries
    versions = await session.scalars(select(Region.row_version).where(Region.code == "xiamen"))
    assert versions.all() == [1]


def move(regions: Path) -> None:
    """Change the city's western edge."""
    regions.write_text(regions.read_text("utf-8").replace("117.9", "117.8"), "utf-8")


async def test_difference_is_brought_in(session: AsyncSession, regions: Path) -> None:
    await seed_city(session, "xiamen", regions, act=ACT)
    move(regions)
    seeded = await seed_city(session, "xiamen", regions, act=ACT)
    assert (seeded.changes, seeded.touched("region")) == (1, 1)
    versions = await session.scalars(select(Region.row_version).where(Region.code == "xiamen"))
    assert versions.all() == [2]


async def test_plans_know_region_period_and_upper_plan(
    session: AsyncSession, regions: Path
) -> None:
    await seed_city(session, "banan", regions, act=ACT)
    upper = aliased(Plan)
    plan, above = (
        await session.execute(
            select(Plan, upper.code)
            .join(upper, Plan.upper_plan_id == upper.id)
            .where(Plan.code == "banan-restoration-2021")
        )
    ).one()
    assert plan.name_zh == "巴南区国土空间生态保护修复规划（2021-2035年）"
    assert (plan.first_year, plan.last_year, plan.base_year) == (2021, 2035, 2020)
    assert above == "chongqing-restoration-2021"


async def test_region_of_a_plan_must_exist(session: AsyncSession) -> None:
    with pytest.raises(InvalidInput, match="'xiamen'"):
        await seed(session, regions=[], plans=read_plans("xiamen"), act=ACT)


async def test_a_city_without_known_plans(session: AsyncSession, tmp_path: Path) -> None:
    path = tmp_path / "regions.geojson"
    city = feature("quanzhou", square(118.3, 24.8, 0.3), level="city")
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [city]}), "utf-8")
    assert (await seed_city(session, "quanzhou", path, act=ACT)).changes == 1


async def test_a_city_must_be_in_its_file(session: AsyncSession, regions: Path) -> None:
    with pytest.raises(UnsupportedFile, match="no region with the code 'quanzhuo'"):
        await seed_city(session, "quanzhuo", regions, act=ACT)


@pytest.mark.parametrize("city", CITIES)
def test_plans_of_every_city_can_be_read(city: str) -> None:
    plans = read_plans(city)
    assert plans
    assert all(plan.name_zh and plan.name_en for plan in plans)


def test_unknown_city() -> None:
    with pytest.raises(InvalidInput, match="atlantis"):
        read_plans("atlantis")


BOWTIE = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ([feature("a", BOWTIE)], "/features/0/geometry"),
        ([feature("a", None)], "/features/0/geometry"),
        ([feature("a", {"type": "Point", "coordinates": [1, 1]})], "/features/0/geometry"),
        ([feature("a", square(1, 1, 1), level="planet")], "/features/0/properties/level"),
        ([feature("", square(1, 1, 1))], "/features/0/properties/code"),
        ([feature("a", square(1, 1, 1), name_zh=None)], "/features/0/properties/name_zh"),
    ],
)
def test_bad_region_is_pointed_at(
    tmp_path: Path, document: list[dict[str, Any]], pointer: str
) -> None:
    path = tmp_path / "regions.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": document}), "utf-8")
    with pytest.raises(UnsupportedFile) as caught:
        read_regions(path)
    assert [fault.pointer for fault in caught.value.faults] == [pointer]


@pytest.mark.parametrize("content", ["", "[]", "{}", "not json"])
def test_file_that_is_no_feature_collection(tmp_path: Path, content: str) -> None:
    path = tmp_path / "regions.geojson"
    path.write_text(content, "utf-8")
    with pytest.raises(UnsupportedFile):
        read_regions(path)

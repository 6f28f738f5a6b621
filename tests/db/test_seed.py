"""Seeding a city: regions from a file, plans from what is known, twice without harm."""

import asyncio
import json
import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from shanhai.db.base import Base
from shanhai.db.collections.catalogue import ENTITIES, entity_named
from shanhai.db.engine import Sessions
from shanhai.db.features.input_validation import CODE
from shanhai.db.features.selection import Selection, bound_values, conditions
from shanhai.db.identity import Viewer
from shanhai.db.quality import findings
from shanhai.db.quality.findings import FindingCounts, check_and_keep, check_plan, list_findings
from shanhai.db.quality.plan_figures import PlanFigures, PlanFinding
from shanhai.db.queries.audit import Act
from shanhai.db.seeds.city_files import CITIES, PlanSeed, read_blocks
from shanhai.db.seeds.load import default_rules, read_regions, seed, seed_cities, seed_city
from shanhai.db.seeds.rows import rows_of
from shanhai.db.tables.access import AuditLog
from shanhai.db.tables.indicator import Indicator, IndicatorTarget
from shanhai.db.tables.plan import Plan
from shanhai.db.tables.project import Project
from shanhai.db.tables.zone import Region, Zone
from shanhai.errors import InvalidInput, UnsupportedFile
from shanhai.vocabulary import Label
from tests.support.workers import eventually

ACT = Act("tester")


def known_plans(city: str) -> list[PlanSeed]:
    """The plans the files of a city tell of."""
    return [plan for block in read_blocks(city) for plan in block.plans]


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
    assert (seeded.touched("region"), seeded.touched("plan")) == (27, 5)
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
        await seed(session, regions=[], plans=known_plans("xiamen"), act=ACT)


async def test_a_city_without_known_plans(session: AsyncSession, tmp_path: Path) -> None:
    path = tmp_path / "regions.geojson"
    city = feature("quanzhou", square(118.3, 24.8, 0.3), level="city")
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [city]}), "utf-8")
    changes = (await seed_city(session, "quanzhou", path, act=ACT)).changes
    assert changes == 1 + len(default_rules()), "the city, and the rules that hold everywhere"


async def test_a_city_must_be_in_its_file(session: AsyncSession, regions: Path) -> None:
    with pytest.raises(UnsupportedFile, match="no region with the code 'quanzhuo'"):
        await seed_city(session, "quanzhuo", regions, act=ACT)


@pytest.mark.parametrize("city", CITIES)
def test_plans_of_every_city_can_be_read(city: str) -> None:
    plans = known_plans(city)
    assert plans
    assert all(plan.name_zh and plan.name_en for plan in plans)


def test_unknown_city() -> None:
    with pytest.raises(InvalidInput, match="atlantis"):
        known_plans("atlantis")


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


COUNTS = {
    "zone_class": 10,
    "control_rule": 85,
    "corridor": 10,
    "indicator": 39,
    "plan_indicator": 49,
    "plan_provision": 73,
    "plan_figure": 55,
    "named_feature": 35,
    "indicator_target": 30,
    "pattern": 9,
    "pattern_component": 59,
    "party": 35,
    "plan": 8,
    "problem": 8,
    "programme": 15,
    "project": 21,
    "project_measure": 93,
    "project_region": 63,
    "region": 62,
    "zone": 5,
    "zone_town": 34,
}


async def count(session: AsyncSession, table: str) -> int:
    found = await session.scalar(select(func.count()).select_from(Base.metadata.tables[table]))
    assert found is not None
    return found


async def test_both_cities_fill_an_empty_database(session: AsyncSession) -> None:
    seeded = await seed_cities(session, CITIES, [], act=ACT)
    assert {name: await count(session, name) for name in COUNTS} == COUNTS
    assert {name: seeded.tables[name].given for name in COUNTS} == COUNTS
    assert seeded.totals["banan"]["towns"] == 23
    assert seeded.totals["xiamen"]["project_types"] == 26
    drawn = await session.scalar(
        select(func.count()).select_from(Region).where(Region.geom.is_not(None))
    )
    assert drawn == 0


async def test_cooperation_regions_have_members(session: AsyncSession) -> None:
    await seed_cities(session, CITIES, [], act=ACT)
    member = aliased(Region)
    pairs = await session.execute(
        select(Region.code, member.code).join(member, member.id == func.any(Region.member_ids))
    )
    found: dict[str, set[str]] = {}
    for code, of in pairs:
        found.setdefault(code, set()).add(of)
    assert found["xiamen-zhangzhou-quanzhou"] == {"xiamen", "zhangzhou", "quanzhou"}
    assert found["southwest-fujian"] - found["xiamen-zhangzhou-quanzhou"] == {"sanming", "longyan"}
    assert len(found["banan-neighbours"]) == 11
    assert {"banan", "chongqing.jiangjin", "chongqing.nanchuan"} < found["banan-neighbours"]


async def test_both_cities_again_change_nothing(session: AsyncSession) -> None:
    first = await seed_cities(session, CITIES, [], act=ACT)
    again = await seed_cities(session, CITIES, [], act=ACT)
    assert first.changes > 500
    assert again.changes == 0
    assert again.touched("data_finding") == 0
    assert again.totals == first.totals


async def test_every_row_has_its_entry_in_the_audit_log(session: AsyncSession) -> None:
    seeded = await seed_cities(session, ["banan"], [], act=ACT)
    waiting = session.sync_session.info["audit_entries"]
    assert len(waiting) == seeded.changes


async def test_boundaries_come_later_and_stay(session: AsyncSession, regions: Path) -> None:
    await seed_cities(session, CITIES, [], act=ACT)
    drawn = await seed_cities(session, CITIES, [regions], act=ACT)
    assert (drawn.changes, drawn.touched("region")) == (3, 3)
    banan = (await session.scalars(select(Region).where(Region.code == "banan"))).one()
    assert banan.geom is not None
    # The file names no parent and no stated area: what the plan says of them is kept.
    assert banan.attrs["stated_area_km2"] == 1823
    assert banan.parent_id is not None
    kept = await seed_cities(session, CITIES, [regions], act=ACT)
    assert kept.changes == 0


async def test_an_outline_keeps_its_credit_without_its_file(
    session: AsyncSession, tmp_path: Path
) -> None:
    credit = {"source": "the survey of 2024", "licence": "CC BY 4.0"}
    outlines = tmp_path / "outlines.geojson"
    known = {"name_zh": "巴南区", "name_en": "Banan", "metric_epsg": 4545, "adcode": 500113}
    features = [feature("banan", square(106.5, 29.2, 0.4), **known, **credit)]
    outlines.write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")
    await seed_cities(session, ["banan"], [outlines], act=ACT)
    again = await seed_cities(session, ["banan"], [], act=ACT)
    banan = (await session.scalars(select(Region).where(Region.code == "banan"))).one()
    assert again.changes == 0
    assert {name: banan.attrs[name] for name in credit} == credit


async def test_what_somebody_added_is_kept(session: AsyncSession) -> None:
    await seed_cities(session, ["banan"], [], act=ACT)
    project = (await session.scalars(select(Project).where(Project.code == "banan.PRJ02"))).one()
    project.attrs = {**project.attrs, "contact": "somebody"}
    project.cost = Decimal(100)
    await session.flush()
    assert (await seed_cities(session, ["banan"], [], act=ACT)).changes == 0
    await session.refresh(project)
    assert (project.attrs["contact"], project.cost) == ("somebody", Decimal(100))


async def test_a_loaded_machine_may_take_its_time_between_statements(
    session: AsyncSession,
) -> None:
    asked = text("SELECT current_setting('idle_in_transaction_session_timeout')::interval")
    before = (await session.scalars(asked)).one()
    await seed_cities(session, ["banan"], [], act=ACT)
    after = (await session.scalars(asked)).one()
    assert after > before
    await session.rollback()
    assert (await session.scalars(asked)).one() == before


async def test_figures_are_kept_to_the_last_digit(session: AsyncSession) -> None:
    await seed_cities(session, ["banan"], [], act=ACT)
    stored = await session.execute(
        select(Indicator.code, IndicatorTarget.role, IndicatorTarget.year, IndicatorTarget.value)
        .join(IndicatorTarget, IndicatorTarget.indicator_id == Indicator.id)
        .where(Indicator.code.in_(["mine_restored_area", "protected_area_share"]))
        .order_by(Indicator.code, IndicatorTarget.year)
    )
    assert [tuple(row) for row in stored] == [
        ("mine_restored_area", "base", 2020, Decimal("131.8")),
        ("mine_restored_area", "target", 2025, Decimal(261)),
        ("mine_restored_area", "target", 2035, Decimal(386)),
        ("protected_area_share", "base", 2020, None),
        ("protected_area_share", "target", 2025, Decimal("5.51")),
        ("protected_area_share", "target", 2035, Decimal("5.51")),
    ]


async def plan_id(session: AsyncSession, code: str) -> int:
    found = await session.scalar(select(Plan.id).where(Plan.code == code))
    assert found is not None
    return found


def told(figures: dict[str, Any]) -> str:
    return json.dumps(figures, sort_keys=True)


async def test_findings_are_those_of_the_files(session: AsyncSession) -> None:
    await seed_cities(session, CITIES, [], act=ACT)
    rows = rows_of(read_blocks("banan"))
    plan = next(row for row in rows["plan"] if row["code"] == "banan-restoration-2021")
    expected = check_plan(PlanFigures(plan, rows))
    kept = await list_findings(session, await plan_id(session, plan["code"]))
    found = {(row.code, row.severity, row.text_zh, row.text_en, told(row.figures)) for row in kept}
    assert found == {
        (item.code, item.severity, item.text.zh, item.text.en, told(dict(item.figures)))
        for item in expected
    }
    ranks = ["high", "medium", "low", "info"]
    assert [ranks.index(row.severity) for row in kept] == sorted(
        ranks.index(row.severity) for row in kept
    )


async def test_finding_goes_when_its_cause_goes_and_comes_back(session: AsyncSession) -> None:
    await seed_cities(session, ["banan"], [], act=ACT)
    plan = await plan_id(session, "banan-restoration-2021")
    zone = (await session.scalars(select(Zone).where(Zone.code == "banan.zone.southeast"))).one()
    printed = zone.attrs
    zone.attrs = {**zone.attrs, "stated_area_km2": 1248.63}
    await session.flush()
    assert (await check_and_keep(session, plan)).changed == 1
    assert "sum_mismatch.zones" not in [row.code for row in await list_findings(session, plan)]
    await seed_cities(session, ["banan"], [], act=ACT)
    assert "sum_mismatch.zones" not in [row.code for row in await list_findings(session, plan)]
    zone.attrs = printed
    await session.flush()
    await seed_cities(session, ["banan"], [], act=ACT)
    assert "sum_mismatch.zones" in [row.code for row in await list_findings(session, plan)]


async def test_more_findings_than_a_statement_takes_are_kept_and_counted(
    session: AsyncSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    await seed_cities(session, ["banan"], [], act=ACT)
    plan = await plan_id(session, "banan-restoration-2021")
    told = Label("数目不符", "Numbers differ")
    many = [PlanFinding(f"made.{n}", "sum_mismatch", "low", told, {"n": n}) for n in range(33_000)]
    monkeypatch.setattr(findings, "check_plan", lambda _figures: many)
    assert (await check_and_keep(session, plan)).changed >= len(many)
    assert await check_and_keep(session, plan) == FindingCounts(len(many), 0)
    assert {row.code for row in await list_findings(session, plan)} == {one.code for one in many}
    many[-1] = replace(many[-1], figures={"n": -1})
    assert (await check_and_keep(session, plan)).changed == 1
    monkeypatch.setattr(findings, "check_plan", lambda _figures: [])
    assert await check_and_keep(session, plan) == FindingCounts(0, len(many))


async def test_two_checks_at_once_end_a_finding_once(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Label("数目不符", "Numbers differ")
    found = [PlanFinding("made.0", "sum_mismatch", "low", told, {})]
    monkeypatch.setattr(findings, "check_plan", lambda _figures: found)
    async with sessions.begin() as session:
        await seed_cities(session, ["banan"], [], act=ACT)
        plan = await plan_id(session, "banan-restoration-2021")
    found.clear()
    of_it = "code = 'made.0' AND plan_id = :plan"  # those of plans above are others
    when = text(f"SELECT resolved_at FROM data_finding WHERE {of_it}").bindparams(plan=plan)
    async with sessions() as one, sessions() as two:
        await check_and_keep(one, plan)
        ended = await one.scalar(when)
        second = asyncio.create_task(check_and_keep(two, plan))

        async def waits() -> bool:
            held = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
            return bool(await one.scalar(held))

        await eventually(waits)
        await one.commit()
        await second
        await two.commit()
        assert ended is not None
        assert await one.scalar(when) == ended


async def test_a_file_must_hold_one_of_the_cities(session: AsyncSession, tmp_path: Path) -> None:
    path = tmp_path / "regions.geojson"
    city = feature("quanzhou", square(118.3, 24.8, 0.3), level="city")
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [city]}), "utf-8")
    with pytest.raises(UnsupportedFile, match="no region with the code 'xiamen' or 'banan'"):
        await seed_cities(session, CITIES, [path], act=ACT)
    with pytest.raises(UnsupportedFile, match="'longhai' is not known"):
        await seed_cities(session, ["quanzhou", "longhai"], [path], act=ACT)


async def test_rows_that_refer_to_each_other_are_refused(session: AsyncSession) -> None:
    plan = known_plans("banan")[0]
    circle = [
        plan.model_copy(update={"code": "a", "region": None, "upper_plan": "b"}),
        plan.model_copy(update={"code": "b", "region": None, "upper_plan": "a"}),
    ]
    with pytest.raises(InvalidInput, match="refer to each other: a, b"):
        await seed(session, regions=[], plans=circle, act=ACT)


@pytest.mark.parametrize("city", CITIES)
def test_codes_are_such_as_anybody_may_write(city: str) -> None:
    rows = rows_of(read_blocks(city))
    codes = [str(row["code"]) for listed in rows.values() for row in listed if "code" in row]
    assert [code for code in codes if CODE.fullmatch(code) is None] == []


async def test_every_fact_has_a_property_of_its_own(session: AsyncSession) -> None:
    await seed_cities(session, ["xiamen", "banan"], [], act=ACT)
    unknown = []
    for entity in ENTITIES:
        whole = entity.whole
        if "attrs" not in Base.metadata.tables[whole.table].columns:
            continue
        told = {
            name
            for item in whole.properties
            if item.name != "details"
            for name in re.findall(r"attrs *->>? *'(\w+)'", item.sql)
        }
        query = text(f"SELECT DISTINCT jsonb_object_keys(attrs) FROM {whole.table}")
        unknown += [
            f"{whole.name}.{name}" for name in await session.scalars(query) if name not in told
        ]
    assert not unknown, unknown


@pytest.mark.parametrize(
    ("collection", "words", "codes"),
    [
        ("named_features", "筼筜", {"xiamen.lake.yundang", "xiamen.works.yundang-sixth-phase"}),
        ("provisions", "筼筜", {"stage-start"}),
        ("regions", "东泉镇", {"banan.dongwenquan"}),
        ("projects", "响水湖", {"banan.PRJ12"}),
        ("problems", "弃渣堆", {"banan.P1"}),
        ("corridors", "万石山", {"xiamen.corridor.wuyuan-wanshi"}),
        ("zones", "热岛风险", {"banan.zone.riverside"}),
    ],
)
async def test_words_of_the_sources_are_found(
    session: AsyncSession, collection: str, words: str, codes: set[str]
) -> None:
    await seed_cities(session, ["xiamen", "banan"], [], act=ACT)
    entity = entity_named(collection)
    selection = Selection(Viewer(known=True, regions=None), search=words)
    met = " AND ".join(conditions(entity, selection))
    query = text(f"SELECT {entity.code} FROM {entity.source} WHERE {met}")
    assert set(await session.scalars(query, bound_values(selection))) == codes

"""Seeding a database that was seeded before: facts are corrected, people's edits stay."""

from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.queries.audit import Act, record
from shanhai.db.seeds.city_files import CITIES, read_blocks
from shanhai.db.seeds.load import seed_cities
from shanhai.db.seeds.rows import Rows, rows_of
from shanhai.db.seeds.upsert import put_all
from shanhai.db.tables.access import AuditLog
from shanhai.db.tables.plan import Plan
from shanhai.db.tables.project import Programme
from shanhai.db.tables.provision import Problem
from shanhai.db.tables.zone import Pattern, Region

ACT = Act("operator")
BUREAU = Act("bureau")
POLICY = "xiamen-practice-2024"
PROBLEM = "xiamen.problem.weak-spatial-control"


@pytest.fixture(autouse=True)
async def former_facts(session: AsyncSession) -> None:
    """The facts of before."""
    for rows in map(former_rows, CITIES):
        await put_all(session, rows, ACT)


def former_rows(city: str) -> Rows:
    """What was given once: other words, lists in the details of plans, problems of the city."""
    rows = rows_of(read_blocks(city))
    for table in ("plan_provision", "plan_figure", "island", "title", "named_feature"):
        rows.pop(table, None)
    for plan in rows["plan"]:
        plan.pop("spatial_plan")
        forgotten = [name for name, value in plan["attrs"].items() if value is None]
        plan["attrs"] |= {name: [{"code": "former"}] for name in forgotten}
    rows["plan"] = [plan for plan in rows["plan"] if plan["code"] != "banan-spatial-2021"]
    if city == "xiamen":
        of(rows, "plan", POLICY)["name_zh"] = "厦门市关于深化生态文明建设厦门实践的意见"
        of(rows, "pattern", "xiamen.regional")["attrs"]["principle_zh"] = "区域协同，聚焦关键"
        rows["problem"] = [
            {
                "code": PROBLEM,
                "name_zh": "国土空间规划引导和刚性管控不足",
                "name_en": "Spatial planning lacks steering",
                "type": "weak_spatial_control",
                "region": "xiamen",
                "plan": "xiamen-demonstration",
                "attrs": {},
            }
        ]
    return rows


def of(rows: Rows, table: str, code: str) -> dict[str, Any]:
    return next(row for row in rows[table] if row["code"] == code)


async def the(session: AsyncSession, table: Any, code: str) -> Any:
    query = select(table).where(table.code == code).execution_options(populate_existing=True)
    return (await session.scalars(query)).one()


async def test_facts_are_corrected_once(session: AsyncSession) -> None:
    seeded = await seed_cities(session, CITIES, [], act=ACT)
    assert seeded.changes > 100
    plan = await the(session, Plan, POLICY)
    assert plan.name_zh == "中共厦门市委 厦门市人民政府关于深化拓展生态文明建设“厦门实践”的意见"
    assert "objectives" not in plan.attrs
    banan = await the(session, Plan, "banan-restoration-2021")
    assert banan.spatial_plan_id == (await the(session, Plan, "banan-spatial-2021")).id
    assert {"tasks", "evaluations", "quantities"}.isdisjoint(banan.attrs)
    pattern = await the(session, Pattern, "xiamen.regional")
    assert pattern.attrs["principle_zh"] == "区域协同、突出重点"
    assert (await the(session, Problem, PROBLEM)).deleted_at is not None
    told = await session.scalar(select(func.count()).select_from(AuditLog))
    again = await seed_cities(session, CITIES, [], act=ACT)
    assert again.changes == 0
    assert await session.scalar(select(func.count()).select_from(AuditLog)) == told


async def test_what_a_bureau_has_changed_stays(session: AsyncSession) -> None:
    pattern = await the(session, Pattern, "xiamen.regional")
    pattern.attrs = {**pattern.attrs, "principle_zh": "本局的措辞"}
    await session.execute(
        update(Plan).where(Plan.code == POLICY).values(name_en="The bureau's own translation")
    )
    record(session, BUREAU, "update", table="problem", object_id=PROBLEM, after={"cause": "x"})
    await session.flush()
    await seed_cities(session, CITIES, [], act=ACT)
    assert (await the(session, Pattern, "xiamen.regional")).attrs["principle_zh"] == "本局的措辞"
    plan = await the(session, Plan, POLICY)
    assert plan.name_en == "The bureau's own translation"
    assert plan.name_zh.startswith("中共厦门市委"), "what it has not changed is corrected"
    assert (await the(session, Problem, PROBLEM)).deleted_at is None
    assert (await seed_cities(session, CITIES, [], act=ACT)).changes == 0


async def test_what_a_bureau_has_deleted_stays_deleted(session: AsyncSession) -> None:
    for table, code in ((Programme, "banan.PRG7"), (Region, "banan.shitan")):
        await session.execute(update(table).where(table.code == code).values(deleted_at=func.now()))
    await seed_cities(session, CITIES, [], act=ACT)
    assert (await the(session, Programme, "banan.PRG7")).deleted_at is not None
    assert (await the(session, Region, "banan.shitan")).deleted_at is not None
    assert (await seed_cities(session, CITIES, [], act=ACT)).changes == 0

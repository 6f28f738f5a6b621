"""What the checks of a plan read of the ledgers of its region: what everybody may, and no more."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.quality.findings import check_and_keep, list_findings
from shanhai.db.tables.balance import BalanceEntry
from shanhai.db.tables.control import DataFinding
from shanhai.db.tables.duty import Duty
from shanhai.db.tables.plan import Plan
from shanhai.db.tables.title import DemonstrationCriterion, DemonstrationMember, DemonstrationScore
from shanhai.db.tables.zone import Outfall, Region
from tests.support.job_rows import add_region


@pytest.fixture
async def city_of_ledgers(session: AsyncSession) -> Region:
    """A city with a district below it, and another beside it, none known before."""
    city = await add_region(session, "city", box=(118.0, 24.4, 118.1, 24.5))
    district = await add_region(session, "district", box=(118.0, 24.4, 118.05, 24.5))
    await add_region(session, "beside", box=(118.2, 24.4, 118.3, 24.5))
    district.parent_id = city.id
    await session.flush()
    return city


async def plan_of(session: AsyncSession, region: Region, kind: str = "special_plan") -> Plan:
    row = Plan(
        code=f"{region.code}-{kind}",
        name_zh="规划",
        name_en="Plan",
        kind=kind,
        level="city",
        region_id=region.id,
        first_year=2021,
        last_year=2025,
        status="approved",
    )
    session.add(row)
    await session.flush()
    return row


async def found_in(session: AsyncSession, plan: Plan) -> dict[str, DataFinding]:
    await session.flush()
    await check_and_keep(session, plan.id)
    return {row.code: row for row in await list_findings(session, plan.id)}


async def region_id(session: AsyncSession, code: str) -> int:
    found = await session.scalar(text("SELECT id FROM region WHERE code = :code"), {"code": code})
    assert isinstance(found, int)
    return found


def entry(code: str, region: int, direction: str, amount: str, **members: Any) -> BalanceEntry:
    accepted = {"state": "accepted", "accepted_on": date(2024, 5, 1)}
    given = {**accepted, "kind": "natural_shoreline", "unit": "m", "year": 2024}
    return BalanceEntry(
        code=code,
        title_zh="岸线",
        direction=direction,
        amount=Decimal(amount),
        region_id=region,
        **{**given, **members},
    )


async def test_balances_of_the_region_and_below_are_counted_as_the_public_reads_them(
    session: AsyncSession, city_of_ledgers: Region
) -> None:
    district, beside = [await region_id(session, code) for code in ("district", "beside")]
    session.add_all(
        [
            entry("a", city_of_ledgers.id, "taken", "300"),
            entry("b", district, "given", "200.5"),
            entry("c", district, "given", "99.5", state="proposed", accepted_on=None),
            entry("d", beside, "given", "1000"),
        ]
    )
    plan = await plan_of(session, city_of_ledgers)
    found = (await found_in(session, plan))["balance_lacking.natural_shoreline"]
    assert found.figures["lacking"] == "99.5000"
    assert found.figures["regions"] == {"city": "300.0000"}
    opinion = await plan_of(session, city_of_ledgers, "opinion")
    assert "balance_lacking.natural_shoreline" not in await found_in(session, opinion)
    await session.execute(
        text(
            "UPDATE balance_entry SET state = 'accepted', accepted_on = DATE '2024-06-01'"
            " WHERE code = 'c'"
        )
    )
    after = await found_in(session, plan)
    assert "balance_lacking.natural_shoreline" not in after
    assert after["consistency_ok.balances"].figures == {"natural_shoreline": "0.0000"}


async def test_registers_and_scores_are_read_with_what_they_name(
    session: AsyncSession, city_of_ledgers: Region
) -> None:
    district, beside = [await region_id(session, code) for code in ("district", "beside")]
    names = {"name_zh": "名", "name_en": "Name"}
    session.add_all(
        [
            Outfall(code="here", kind="industrial", region_id=district, **names),
            Outfall(code="there", kind="industrial", region_id=beside, **names),
            DemonstrationMember(
                code="m1", region_id=city_of_ledgers.id, order_no=1, section="sea", **names
            ),
            DemonstrationMember(
                code="m2", region_id=city_of_ledgers.id, order_no=2, section="summit", **names
            ),
        ]
    )
    criteria = [
        DemonstrationCriterion(code=code, region_id=where, weight=Decimal(50), **names)
        for code, where in (
            ("own", city_of_ledgers.id),
            ("also", city_of_ledgers.id),
            ("foreign", beside),
        )
    ]
    session.add_all(criteria)
    await session.flush()
    session.add_all(
        [
            DemonstrationScore(
                code=f"s{number}",
                region_id=district,
                criterion_id=one.id,
                year=2024,
                score=Decimal(80),
            )
            for number, one in enumerate((criteria[0], criteria[2]))
        ]
    )
    plan = await plan_of(session, city_of_ledgers)
    session.add(Duty(code="d", plan_id=plan.id, named_ids=[1], **names))
    found = await found_in(session, plan)
    assert found["outfall_without_permit"].figures == {"rows": ["here"]}
    assert found["members_out_of_order.city"].figures["rows"] == ["m2"]
    assert found["score_outside"].figures == {"rows": ["s1"]}
    assert found["scores_incomplete.district.2024"].figures == {"scored": 1, "criteria": 2}
    assert found["duty_without_lead"].figures == {"rows": ["d"]}


async def test_occurrences_are_told_of_open_species_that_were_verified(
    session: AsyncSession, city_of_ledgers: Region
) -> None:
    await session.execute(
        text(
            "INSERT INTO species (code, scientific_name, sensitivity)"
            " VALUES ('egret', 'E', 'open'), ('orchid', 'O', 'cell'), ('toad', 'T', 'hidden')"
        )
    )
    for code, species, state, lon in (
        ("in", "egret", "verified", 118.05),
        ("out", "egret", "verified", 118.15),
        ("out-new", "egret", "recorded", 118.15),
        ("out-masked", "orchid", "verified", 118.15),
        ("out-hidden", "toad", "verified", 118.15),
    ):
        await session.execute(
            text(
                "INSERT INTO occurrence (code, region_id, species_id, observed_from, state, geom)"
                " SELECT :code, :region, id, DATE '2024-05-01', :state,"
                " ST_Point(:lon, 24.45, 4490) FROM species WHERE code = :species"
            ),
            {
                "code": code,
                "region": city_of_ledgers.id,
                "species": species,
                "state": state,
                "lon": lon,
            },
        )
    found = await found_in(session, await plan_of(session, city_of_ledgers))
    assert found["occurrence_outside"].figures == {"count": 1, "rows": ["out"]}

"""Plans with indicators that tests of their evaluation need."""

from collections.abc import Sequence
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.tables.indicator import Indicator, IndicatorTarget, IndicatorValue, PlanIndicator
from shanhai.db.tables.plan import Plan
from shanhai.db.tables.zone import Region

Figure = tuple[str, int, str]
"""Role, year and value of a base or target."""


async def add_plan(session: AsyncSession, code: str, region: Region) -> Plan:
    """An approved plan of a region."""
    plan = Plan(
        code=code,
        name_zh=f"规划 {code}",
        name_en=f"Plan {code}",
        kind="special_plan",
        level="city",
        region_id=region.id,
        first_year=2021,
        last_year=2030,
        status="approved",
    )
    session.add(plan)
    await session.flush()
    return plan


async def add_indicator(
    session: AsyncSession,
    plan: Plan,
    code: str,
    *,
    unit: str = "%",
    direction: str = "higher",
    figures: Sequence[Figure] = (),
    values: Sequence[tuple[int, str]] = (),
) -> Indicator:
    """An indicator of the plan with its figures, and values entered by hand."""
    entry = Indicator(
        code=code,
        name_zh=f"指标 {code}",
        name_en=code.replace("_", " "),
        unit=unit,
        property="binding",
        direction=direction,
    )
    session.add(entry)
    await session.flush()
    session.add(PlanIndicator(code=code, plan_id=plan.id, indicator_id=entry.id, order_no=entry.id))
    sense = "at_least" if direction == "higher" else "at_most"
    session.add_all(
        IndicatorTarget(
            indicator_id=entry.id,
            region_id=plan.region_id,
            plan_id=plan.id,
            role=role,
            year=year,
            value=Decimal(value),
            sense=sense,
        )
        for role, year, value in figures
    )
    session.add_all(
        IndicatorValue(
            indicator_id=entry.id, region_id=plan.region_id, year=year, value=Decimal(value)
        )
        for year, value in values
    )
    await session.flush()
    return entry

"""Whether a plan asks for at least what the plan above it asks of the same region."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from shanhai.db.identity import Viewer
from shanhai.db.indicators.listing import PlanSeen, find_plan
from shanhai.db.indicators.targets import as_target, describe_target
from shanhai.db.tables import Indicator, IndicatorTarget, Plan, Region
from shanhai.errors import NotFound
from shanhai.science.indicators import falls_short

Found = tuple[IndicatorTarget, Indicator, str]
Key = tuple[int, int, int | None]
ORDER = {"falls_short": 0, "missing": 1, "conforms": 2}
"""Departures come first."""


async def upper_plan_of(session: AsyncSession, plan: PlanSeen, viewer: Viewer) -> PlanSeen | None:
    """The plan above, if there is one the viewer may know of: of its editions, that in force."""
    upper, edition = aliased(Plan), aliased(Plan)
    lineage = func.coalesce(upper.lineage_id, upper.id)
    in_force = (edition.status == "approved") & edition.deleted_at.is_(None)
    query = (
        select(func.coalesce(edition.code, upper.code))
        .select_from(Plan)
        .join(upper, Plan.upper_plan_id == upper.id)
        .outerjoin(edition, (func.coalesce(edition.lineage_id, edition.id) == lineage) & in_force)
        .where(Plan.id == plan.id)
        .order_by(edition.edition.desc().nulls_last())
        .limit(1)
    )
    code = await session.scalar(query)
    if code is None:
        return None
    try:
        return await find_plan(session, code, viewer)
    except NotFound:
        return None


async def compare_targets(
    session: AsyncSession, plan: PlanSeen, upper: PlanSeen
) -> list[dict[str, Any]]:
    """Each target the upper plan sets for a region the plan sets targets for, beside the plan's.

    A target is compared with the one of its indicator, region and year; missing ones are told
    where the plan has targets of the indicator in the region at all.
    """
    own = {_key(row): row for row, _, _ in await _targets(session, plan)}
    concerned = {(indicator, region) for indicator, region, _ in own}
    compared = [
        _compared(row, indicator, region, own.get(_key(row)))
        for row, indicator, region in await _targets(session, upper)
        if (row.indicator_id, row.region_id) in concerned
    ]
    return sorted(compared, key=lambda item: ORDER[item["verdict"]])


async def _targets(session: AsyncSession, plan: PlanSeen) -> Sequence[Found]:
    query = (
        select(IndicatorTarget, Indicator, Region.code)
        .join(Indicator, Indicator.id == IndicatorTarget.indicator_id)
        .join(Region, Region.id == IndicatorTarget.region_id)
        .where(
            IndicatorTarget.plan_id == plan.id,
            IndicatorTarget.role == "target",
            IndicatorTarget.value.is_not(None),
        )
        .order_by(Indicator.code, Region.code, IndicatorTarget.year)
    )
    return [(row, indicator, region) for row, indicator, region in await session.execute(query)]


def _key(row: IndicatorTarget) -> Key:
    return row.indicator_id, row.region_id, row.year


def _compared(
    upper: IndicatorTarget, indicator: Indicator, region: str, lower: IndicatorTarget | None
) -> dict[str, Any]:
    if lower is None:
        verdict = "missing"
    else:
        short = falls_short(as_target(lower), as_target(upper))
        verdict = "falls_short" if short else "conforms"
    return {
        "indicator": indicator.code,
        "name_zh": indicator.name_zh,
        "name_en": indicator.name_en,
        "unit": indicator.unit,
        "region": region,
        "year": upper.year,
        "verdict": verdict,
        "upper": describe_target(upper),
        "own": None if lower is None else describe_target(lower),
    }

"""Whether a plan asks for at least what the plan above it asks of the same region."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from shanhai.db.collections.plans import PLANS
from shanhai.db.features.tables import rows_of
from shanhai.db.identity import Viewer
from shanhai.db.indicators.plan_indicators import PlanSeen, find_plan
from shanhai.db.indicators.targets import as_target, describe_target, read_targets
from shanhai.db.tables.indicator import Indicator, IndicatorTarget
from shanhai.db.tables.plan import Plan
from shanhai.db.tables.zone import Region
from shanhai.errors import InvalidInput, NotFound
from shanhai.science.indicators import falls_short

Found = tuple[IndicatorTarget, Indicator, str]
Key = tuple[int, int, int | None]
ORDER = {"falls_short": 0, "missing": 1, "conforms": 2}
"""Departures come first."""


_UPPER_THEN = text(
    f"WITH states AS (SELECT * FROM {rows_of(PLANS, former=True)} p WHERE {PLANS.as_of})"  # noqa: S608
    " SELECT coalesce(edition.code, upper.code) FROM states own"
    " JOIN plan upper ON upper.id = own.upper_plan_id"
    " LEFT JOIN states edition ON coalesce(edition.lineage_id, edition.id)"
    " = coalesce(upper.lineage_id, upper.id) AND edition.status IN ('approved', 'superseded')"
    " AND edition.in_force @> CAST(:as_of AS date)"
    " WHERE own.id = :plan ORDER BY edition.edition DESC NULLS LAST LIMIT 1"
)


async def upper_plan_of(session: AsyncSession, plan: PlanSeen, viewer: Viewer) -> PlanSeen | None:
    """The plan above, if there is one the viewer may know of: of its editions, that in force.

    For a plan seen as of a day, the plan above is that of the day, too.
    """
    code = await (_upper_now(session, plan) if plan.as_of is None else _upper_then(session, plan))
    if code is None:
        return None
    try:
        return await find_plan(session, code, viewer, plan.as_of)
    except (NotFound, InvalidInput):
        return None


async def _upper_then(session: AsyncSession, plan: PlanSeen) -> str | None:
    found: str | None = await session.scalar(_UPPER_THEN, {"plan": plan.id, "as_of": plan.as_of})
    return found


async def _upper_now(session: AsyncSession, plan: PlanSeen) -> str | None:
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
    return await session.scalar(query)


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
    rows = [
        row
        for row in await read_targets(session, plan.id, as_of=plan.as_of)
        if row.role == "target" and row.value is not None
    ]
    indicators = select(Indicator).where(Indicator.id.in_({row.indicator_id for row in rows}))
    named = {each.id: each for each in await session.scalars(indicators)}
    regions = select(Region.id, Region.code).where(Region.id.in_({row.region_id for row in rows}))
    codes = {each.id: each.code for each in await session.execute(regions)}
    found = [(row, named[row.indicator_id], codes[row.region_id]) for row in rows]
    return sorted(found, key=lambda item: (item[1].code, item[2], item[0].year or 0))


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

"""The evaluation of a year, stored as it was told, and the comparison with the plan above."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Date, cast, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from shanhai.db.base import hash_of
from shanhai.db.collections.plans import PLANS
from shanhai.db.features.columns import rows_of, stated_rows
from shanhai.db.identity import Identity, Viewer
from shanhai.db.indicators.plan_indicators import (
    Listed,
    PlanRegion,
    PlanSeen,
    find_party,
    find_place,
    find_plan,
    list_indicators,
)
from shanhai.db.indicators.progress import describe_case, read_cases
from shanhai.db.indicators.targets import as_target, describe_target, read_targets
from shanhai.db.queries.audit import Act, record
from shanhai.db.tables.indicator import EvaluationSnapshot, Indicator, IndicatorTarget
from shanhai.db.tables.plan import Plan
from shanhai.db.tables.provision import Party
from shanhai.db.tables.zone import Region
from shanhai.errors import InvalidInput, NotFound
from shanhai.science.indicators import STATUSES, IndicatorStatus, falls_short
from shanhai.vocabulary import Label

Content = Mapping[str, Any]
_PLACES = """
SELECT DISTINCT r.id, r.code, r.name_zh, r.name_en FROM region r
  JOIN {targets} t ON t.region_id = r.id
 WHERE t.plan_id = :plan AND r.deleted_at IS NULL ORDER BY r.code
"""
PLACES = text(_PLACES.format(targets="indicator_target"))
PLACES_THEN = text(_PLACES.format(targets=stated_rows("indicator_target", "CAST(:as_of AS date)")))
RANK = {
    ("binding", IndicatorStatus.BEHIND): 0,
    ("expected", IndicatorStatus.BEHIND): 1,
    ("binding", IndicatorStatus.NO_DATA): 2,
    ("expected", IndicatorStatus.NO_DATA): 3,
}
"""What is missed comes first, and of that what binds; the rest keeps the plan's order."""
REST = len(RANK)


@dataclass(frozen=True, slots=True)
class EvaluationScope:
    """Which evaluation is asked for: of one region or all that have targets, of one department."""

    year: int
    region: str | None = None
    department: str | None = None


async def evaluate(session: AsyncSession, plan: PlanSeen, asked: EvaluationScope) -> Content:
    """The table of a year, what is missed first, in both languages.

    Raises:
        InvalidInput: the region or department is unknown.
    """
    if asked.department is not None:
        await find_party(session, asked.department, pointer="department")
    indicators = await list_indicators(session, plan, department=asked.department)
    places = await _places(session, plan, asked.region)
    rows = await judged_rows(session, plan, indicators, places, asked.year)
    several = len(places) > 1
    # Of further regions only what the plan states something for; of the plan's own, all.
    own = None if plan.region is None else plan.region.code
    told = [row for row in rows if not several or row["targets"] or row["region"]["code"] == own]
    return {
        "plan": {"code": plan.code, "name_zh": plan.name.zh, "name_en": plan.name.en},
        "year": asked.year,
        "region": asked.region,
        "department": await _department(session, asked.department),
        "summary": summary_of(told),
        "rows": sorted(told, key=_rank),
    }


async def list_places(session: AsyncSession, plan: PlanSeen) -> list[PlanRegion]:
    """The regions the plan states figures for."""
    query, day = PLACES, {}
    if plan.as_of is not None:
        query, day = PLACES_THEN, {"as_of": plan.as_of}
    rows = await session.execute(query, {"plan": plan.id, **day})
    return [PlanRegion(row[0], row[1], Label(row[2], row[3])) for row in rows]


async def judged_rows(
    session: AsyncSession,
    plan: PlanSeen,
    indicators: Sequence[Listed],
    places: Sequence[PlanRegion],
    year: int,
) -> list[dict[str, Any]]:
    """How the indicators stand in each region."""
    cases = await read_cases(session, plan, indicators, places, year)
    return [describe_case(case, year) for case in cases]


def summary_of(rows: Sequence[Content]) -> dict[str, Any]:
    """How many indicators have each status, by how firmly the plan states them."""
    counts = Counter((row["property"], row["status"]) for row in rows)
    return {
        kind: {term.code: counts[kind, term.code] for term in STATUSES}
        for kind in ("binding", "expected")
    }


async def store_snapshot(
    session: AsyncSession,
    plan: PlanSeen,
    asked: EvaluationScope,
    *,
    caller: Identity,
    act: Act,
) -> EvaluationSnapshot:
    """Keep the evaluation as it is now; a later one is another snapshot."""
    place = await find_place(session, plan, asked.region, pointer="/region")
    # Two snapshots of a plan wait for each other, so that their numbers follow.
    await session.execute(select(Plan.id).where(Plan.id == plan.id).with_for_update(key_share=True))
    content = await evaluate(session, plan, asked)
    own = EvaluationSnapshot
    before = await session.scalar(
        select(func.count()).where(own.plan_id == plan.id, own.year == asked.year)
    )
    row = own(
        code=f"{plan.code}.{asked.year}.{(before or 0) + 1}",
        region_id=place.id,
        plan_id=plan.id,
        year=asked.year,
        content=content,
        sha256=hash_of(content),
        created_by=caller.owner,
    )
    session.add(row)
    await session.flush()
    await session.refresh(row)
    after = {"plan": plan.code, "year": asked.year, "sha256": row.sha256}
    record(session, act, "create", table="evaluation_snapshot", object_id=row.code, after=after)
    return row


async def find_snapshot(session: AsyncSession, plan: PlanSeen, code: str) -> EvaluationSnapshot:
    """A snapshot of the plan.

    Raises:
        NotFound: there is none of the code.
    """
    own = EvaluationSnapshot
    row = await session.scalar(select(own).where(own.plan_id == plan.id, own.code == code))
    if row is None:
        raise NotFound(
            f"plan {plan.code!r} has no evaluation {code!r}",
            message_zh=f"规划 {plan.code!r} 没有评估 {code!r}",
        )
    return row


async def list_snapshots(
    session: AsyncSession, plan: PlanSeen, *, year: int | None, limit: int, before: int | None
) -> Sequence[tuple[EvaluationSnapshot, str]]:
    """The snapshots of a plan with the codes of their regions, the newest first.

    Of a plan seen as of a day, those that were stored by then.
    """
    own = EvaluationSnapshot
    query = (
        select(own, Region.code)
        .join(Region, Region.id == own.region_id)
        .where(own.plan_id == plan.id)
        .order_by(own.id.desc())
        .limit(limit)
    )
    if year is not None:
        query = query.where(own.year == year)
    if before is not None:
        query = query.where(own.id < before)
    if plan.as_of is not None:
        query = query.where(cast(own.created_at, Date) <= plan.as_of)
    return [(row, region) for row, region in await session.execute(query)]


def _rank(row: Content) -> tuple[int, str, int]:
    rank = RANK.get((row["property"], IndicatorStatus(row["status"])), REST)
    return rank, row["region"]["code"], row["order"]


async def _places(session: AsyncSession, plan: PlanSeen, code: str | None) -> Sequence[PlanRegion]:
    if code is not None:
        return [await find_place(session, plan, code, pointer="region")]
    found = await list_places(session, plan)
    if plan.region is not None and plan.region.id not in {place.id for place in found}:
        found.insert(0, plan.region)
    return found


async def _department(session: AsyncSession, code: str | None) -> dict[str, str] | None:
    if code is None:
        return None
    query = select(Party.name_zh, Party.name_en).where(
        Party.code == code, Party.deleted_at.is_(None)
    )
    name_zh, name_en = (await session.execute(query)).one()
    return {"code": code, "name_zh": name_zh, "name_en": name_en}


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

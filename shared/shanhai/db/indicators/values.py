"""Observed values of indicators: only ever added to, the newest of a year counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Date, and_, cast, exists, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from shanhai.db.alerts.observation_evaluation import note_value
from shanhai.db.collections.data_sources import DATASETS
from shanhai.db.features.selection import viewer_values, visibility
from shanhai.db.identity import Identity, Viewer
from shanhai.db.indicators.plan_indicators import Listed, PlanRegion, PlanSeen
from shanhai.db.queries.audit import Act, record
from shanhai.db.tables.dataset import Dataset
from shanhai.db.tables.indicator import IndicatorTarget, IndicatorValue
from shanhai.db.tables.provision import Party
from shanhai.errors import InvalidInput
from shanhai.science.indicators import ObservedFigure
from shanhai.science.units import convert
from shanhai.vocabulary import Role, Scope

NEWEST = text(
    """SELECT DISTINCT ON (indicator_id, region_id, year)
              indicator_id, region_id, year, value, cumulative, attrs->>'note'
         FROM indicator_value
        WHERE indicator_id = ANY(:indicators) AND region_id = ANY(:regions) AND year <= :year
          AND (CAST(:day AS date) IS NULL OR recorded_at::date <= CAST(:day AS date))
        ORDER BY indicator_id, region_id, year, recorded_at DESC, id DESC"""
)
JOBS = text(
    """SELECT indicator_id, year, CAST(job_id AS text) FROM (
         SELECT DISTINCT ON (indicator_id, year) indicator_id, year, job_id
           FROM indicator_value
          WHERE indicator_id = ANY(:indicators) AND region_id = :region AND year <= :year
          ORDER BY indicator_id, year, recorded_at DESC, id DESC) newest
        WHERE job_id IS NOT NULL"""
)
REPORTING_SCOPES = frozenset({Scope.WRITE, Scope.OBSERVE})
VALUE_ROLES = frozenset({Role.SUPERVISOR, Role.FEED, Role.ANALYST, Role.PLANNER})
"""Who may record a value."""
Key = tuple[int, int]
"""The ids of an indicator and a region."""


@dataclass(frozen=True, slots=True)
class NewValue:
    """A value to be recorded; without a unit it is in the indicator's.

    Attributes:
        job_id: The job that computed it; `provenance` says how, and from what.
    """

    year: int
    value: Decimal
    unit: str | None = None
    cumulative: bool = False
    quality: str | None = None
    method: str | None = None
    source: str | None = None
    note: str | None = None
    party_id: int | None = None
    dataset_id: int | None = None
    job_id: UUID | None = None
    provenance: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recorded value; `counts` unless a newer one of its year replaced it."""

    row: IndicatorValue
    department: str | None
    dataset: str | None
    counts: bool


async def newest_values(
    session: AsyncSession,
    indicators: Sequence[int],
    regions: Sequence[int],
    year: int,
    as_of: date | None = None,
) -> dict[Key, list[ObservedFigure]]:
    """The value that counts of each year up to one, by indicator and region.

    With `as_of` only what was recorded by that day is known.
    """
    values = {
        "indicators": list(indicators),
        "regions": list(regions),
        "year": year,
        "day": as_of,
    }
    found: dict[Key, list[ObservedFigure]] = {}
    for indicator, region, *rest in await session.execute(NEWEST, values):
        found.setdefault((indicator, region), []).append(ObservedFigure(*rest))
    return found


async def computing_jobs(
    session: AsyncSession, indicators: Sequence[int], region: int, year: int
) -> dict[int, dict[int, str]]:
    """The jobs that computed the values that count up to a year, by indicator and year."""
    values = {"indicators": list(indicators), "region": region, "year": year}
    found: dict[int, dict[int, str]] = {}
    for indicator, of_year, job in await session.execute(JOBS, values):
        found.setdefault(indicator, {})[of_year] = job
    return found


async def list_values(
    session: AsyncSession,
    listed: Listed,
    place: PlanRegion,
    viewer: Viewer,
    *,
    year: int | None,
    limit: int,
    before: tuple[int, int] | None,
    as_of: date | None = None,
) -> Sequence[Recorded]:
    """The values from the newest year on, each year from its newest value on.

    With `as_of` those that were recorded by that day. A dataset is named to who may see it.
    """
    own, newer = IndicatorValue, aliased(IndicatorValue)
    replaced = exists().where(
        newer.indicator_id == own.indicator_id,
        newer.region_id == own.region_id,
        newer.year == own.year,
        tuple_(newer.recorded_at, newer.id) > tuple_(own.recorded_at, own.id),
        *_recorded_by(newer, as_of),
    )
    met = " AND ".join(("true", *visibility(DATASETS, viewer)))
    seen = text(f"dataset.id IN (SELECT d.id FROM {DATASETS.source} WHERE {met})")  # noqa: S608
    query = (
        select(own, Party.code, Dataset.code, ~replaced)
        .outerjoin(Party, Party.id == own.party_id)
        .outerjoin(Dataset, and_(Dataset.id == own.source_dataset_id, seen))
        .where(own.indicator_id == listed.id, own.region_id == place.id)
        .where(*_recorded_by(own, as_of))
        .order_by(own.year.desc(), own.id.desc())
        .limit(limit)
    )
    if year is not None:
        query = query.where(own.year == year)
    if before is not None:
        query = query.where(tuple_(own.year, own.id) < before)
    return [Recorded(*row) for row in await session.execute(query, viewer_values(viewer))]


def _recorded_by(values: type[IndicatorValue], as_of: date | None) -> Sequence[ColumnElement[bool]]:
    return () if as_of is None else (cast(values.recorded_at, Date) <= as_of,)


async def add_value(
    session: AsyncSession,
    plan: PlanSeen,
    listed: Listed,
    place: PlanRegion,
    new: NewValue,
    *,
    caller: Identity,
    act: Act,
) -> IndicatorValue:
    """Record a value in the indicator's unit; the figure as given is kept beside it.

    Raises:
        InvalidInput: the unit does not convert, no value can be so, or no total is counted up.
    """
    if new.cumulative and not await _is_counted_up(session, plan, listed):
        raise InvalidInput(
            "no target of this indicator is cumulative",
            message_zh="该指标没有累计目标，不能填报累计值",
            pointer="/cumulative",
        )
    value = new.value if new.unit is None else convert(new.value, new.unit, listed.unit)
    # What a job computed may lie beyond by its rounding.
    if new.job_id is None and (faults := listed.faults(value, "/value")):
        raise InvalidInput.of(faults)
    row = IndicatorValue(
        indicator_id=listed.id,
        region_id=place.id,
        year=new.year,
        value=value,
        cumulative=new.cumulative,
        quality=new.quality,
        method=new.method,
        source=new.source,
        party_id=new.party_id,
        source_dataset_id=new.dataset_id,
        job_id=new.job_id,
        provenance=new.provenance,
        recorded_by=caller.owner,
        attrs=_as_given(new, converted=value != new.value),
    )
    session.add(row)
    await session.flush()
    await session.refresh(row)
    await note_value(session, listed.id)
    record(
        session,
        act,
        "create",
        table="indicator_value",
        object_id=f"{plan.code}/{listed.code}/{place.code}/{new.year}",
        after={"value": str(value), "unit": listed.unit, "year": new.year, **row.attrs},
    )
    return row


async def _is_counted_up(session: AsyncSession, plan: PlanSeen, listed: Listed) -> bool:
    query = select(IndicatorTarget.id).where(
        IndicatorTarget.plan_id == plan.id,
        IndicatorTarget.indicator_id == listed.id,
        IndicatorTarget.cumulative_from.is_not(None),
    )
    return await session.scalar(query.limit(1)) is not None


def _as_given(new: NewValue, *, converted: bool) -> Mapping[str, Any]:
    given = {"given": {"value": str(new.value), "unit": new.unit}} if converted else {}
    return {**given, **({} if new.note is None else {"note": new.note})}
